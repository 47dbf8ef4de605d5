//! TCP proxies before the database: one counts round trips, one is a bad network.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::sleep;

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
        through(self.port, direct)
    }

    /// How many round trips there were so far.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::SeqCst)
    }
}

/// What the network between a bot and its database does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// It carries what it is given.
    Fair,
    /// Each statement takes so much longer.
    Slow(Duration),
    /// It takes everything, new connections too, and carries nothing. A connection that lost
    /// something never works again, and nobody is told.
    BlackHole,
}

#[derive(Debug, Clone)]
struct State {
    server: PathBuf,
    weather: Weather,
    resets: u32,
}

/// A network with weather.
#[derive(Debug)]
pub struct Network {
    port: u16,
    state: watch::Sender<State>,
}

impl Network {
    /// Before the server that listens on this Unix socket.
    pub async fn start(server: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, watched) = watch::channel(State {
            server,
            weather: Weather::Fair,
            resets: 0,
        });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, watched.clone()));
            }
        });
        Self { port, state }
    }

    /// The address of a database of that server, through the network.
    pub fn url(&self, direct: &str) -> String {
        through(self.port, direct)
    }

    /// Changes the weather.
    pub fn weather(&self, weather: Weather) {
        self.state.send_modify(|state| state.weather = weather);
    }

    /// Resets every connection.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }

    /// The server listens there now.
    pub fn leads_to(&self, server: PathBuf) {
        self.state.send_modify(|state| state.server = server);
    }
}

/// The address of the same database, through a port of this machine.
fn through(port: u16, direct: &str) -> String {
    let mut url = url::Url::parse(direct).unwrap();
    url.set_query(Some("sslmode=disable"));
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    url.to_string()
}

/// Carries one connection until it ends.
async fn carry(mut client: TcpStream, mut state: watch::Receiver<State>) {
    let State {
        server,
        weather,
        resets,
    } = state.borrow().clone();
    if weather == Weather::BlackHole {
        let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
        return;
    }
    // Without a server the client is hung up on.
    let Ok(mut server) = UnixStream::connect(server).await else {
        return;
    };
    let mut lost = false;
    let mut resetting = state.clone();
    let ended = tokio::select! {
        ended = carry_on(&mut client, &mut server, &state, &mut lost) => ended,
        _ = resetting.wait_for(|state| state.resets != resets) => client.set_zero_linger(),
    };
    if ended.is_ok() && lost {
        // The server does not hear of the end before the weather is better.
        let _ = state
            .wait_for(|state| state.weather != Weather::BlackHole)
            .await;
    }
}

async fn carry_on(
    client: &mut TcpStream,
    server: &mut UnixStream,
    state: &watch::Receiver<State>,
    lost: &mut bool,
) -> io::Result<()> {
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    loop {
        let (from_client_now, read) = tokio::select! {
            read = client.read(&mut from_client) => (true, read?),
            read = server.read(&mut from_server) => (false, read?),
        };
        if read == 0 {
            return Ok(());
        }
        let weather = state.borrow().weather;
        *lost |= weather == Weather::BlackHole;
        if *lost {
            continue;
        }
        if from_client_now {
            if let (Weather::Slow(by), b'P' | b'B' | b'Q') = (weather, from_client[0]) {
                sleep(by).await;
            }
            server.write_all(&from_client[..read]).await?;
        } else {
            client.write_all(&from_server[..read]).await?;
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
