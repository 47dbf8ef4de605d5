//! A TCP proxy before the database that counts round trips.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// The `Sync` message alone: what the pool sends when a connection is given back, after the
/// answer was had. It is no part of an operation.
const SYNC_ALONE: &[u8] = b"S\0\0\0\x04";

/// Counts how often the client sends after it has heard from the server.
pub struct CountingProxy {
    port: u16,
    round_trips: Arc<AtomicU64>,
}

impl CountingProxy {
    /// Before the server that listens on this Unix socket.
    pub async fn start(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let round_trips = Arc::new(AtomicU64::new(0));
        let (socket, count) = (socket.to_owned(), Arc::clone(&round_trips));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, socket.clone(), Arc::clone(&count)));
            }
        });
        Self { port, round_trips }
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
        self.round_trips.load(Ordering::SeqCst)
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

async fn relay(mut client: TcpStream, socket: PathBuf, count: Arc<AtomicU64>) {
    let mut server = UnixStream::connect(socket).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    let mut answered = true;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { break };
                if answered && &from_client[..length] != SYNC_ALONE {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                answered = false;
                if server.write_all(&from_client[..length]).await.is_err() { break }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { break };
                answered = true;
                if client.write_all(&from_server[..length]).await.is_err() { break }
            }
        }
    }
}
