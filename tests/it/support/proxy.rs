//! A TCP proxy before the database that counts round trips.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// The `Sync` message alone: what the pool sends when a connection is given back, after the
/// answer was had. It is no part of an operation.
const SYNC_ALONE: &[u8] = b"S\0\0\0\x04";

/// Counts how often the client sends after it has heard from the server.
pub struct CountingProxy {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    all: AtomicU64,
    about: AtomicU64,
    /// What those arguments of statements look like on the wire that tell what they are about.
    signs: RwLock<Vec<Vec<u8>>>,
    /// The same of what is not to be counted even where it is about them.
    overlooked: RwLock<Vec<Vec<u8>>>,
}

impl CountingProxy {
    /// Before the server that listens on this Unix socket.
    pub async fn start(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let (socket, counting) = (socket.to_owned(), Arc::clone(&counts));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, socket.clone(), Arc::clone(&counting)));
            }
        });
        Self { port, counts }
    }

    /// The address of the same database, through the proxy.
    pub fn url(&self, direct: &str) -> String {
        let mut url = url::Url::parse(direct).unwrap();
        url.set_query(Some("sslmode=disable"));
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }

    /// How many round trips there were so far.
    pub fn round_trips(&self) -> u64 {
        self.counts.all.load(Ordering::SeqCst)
    }

    /// From now on a use of a connection in which these bytes are sent is about them.
    pub fn watch(&self, sign: &[u8]) {
        self.counts.signs.write().unwrap().push(sign.to_owned());
    }

    /// From now on a use of a connection in which these bytes are sent is not counted among those.
    /// What is being watched must not have been sent in it before.
    pub fn overlook(&self, sign: Vec<u8>) {
        self.counts.overlooked.write().unwrap().push(sign);
    }

    /// How many round trips there were so far in such uses, whatever else was sent in them: from when
    /// the connection was taken from the pool until it is given back.
    pub fn round_trips_about(&self) -> u64 {
        self.counts.about.load(Ordering::SeqCst)
    }
}

impl Counts {
    fn is_about(&self, sent: &[u8]) -> bool {
        let holds = |sign: &Vec<u8>| sent.windows(sign.len()).any(|part| part == &sign[..]);
        self.signs.read().unwrap().iter().any(holds)
            && !self.overlooked.read().unwrap().iter().any(holds)
    }
}

/// One use of a connection.
#[derive(Default)]
struct Use {
    /// Round trips before it was known what it is about.
    before: u64,
    is_about: bool,
}

impl Use {
    fn sent(&mut self, sent: &[u8], is_round_trip: bool, counts: &Counts) {
        self.before += u64::from(is_round_trip);
        self.is_about = self.is_about || counts.is_about(sent);
        if self.is_about {
            let count = std::mem::take(&mut self.before);
            counts.about.fetch_add(count, Ordering::SeqCst);
        }
    }
}

/// The socket that an address of the embedded server names.
pub fn socket_of(direct: &str) -> PathBuf {
    let url = url::Url::parse(direct).unwrap();
    let pair = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let folder = pair("host").expect("a socket folder in the address");
    let port = url
        .port()
        .map(|port| port.to_string())
        .or_else(|| pair("port"))
        .unwrap_or("5432".to_owned());
    Path::new(&folder).join(format!(".s.PGSQL.{port}"))
}

async fn relay(mut client: TcpStream, socket: PathBuf, counts: Arc<Counts>) {
    let mut server = UnixStream::connect(socket).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    let (mut answered, mut of_use) = (true, Use::default());
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { break };
                let sent = &from_client[..length];
                if answered && sent == SYNC_ALONE {
                    of_use = Use::default();
                } else {
                    counts.all.fetch_add(u64::from(answered), Ordering::SeqCst);
                    of_use.sent(sent, answered, &counts);
                }
                answered = false;
                if server.write_all(sent).await.is_err() { break }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { break };
                answered = true;
                if client.write_all(&from_server[..length]).await.is_err() { break }
            }
        }
    }
}
