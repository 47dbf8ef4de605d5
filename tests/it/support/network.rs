//! A bad network before the database.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// What the network between a bot and its database does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// It carries what it is given.
    Fair,
    /// Each statement takes so much longer.
    Slow(Duration),
    /// Nothing gets through, and everybody is told at once.
    Down,
    /// It carries so many answers more, hangs up instead of the next one, and is down from then on.
    CutAfter(u32),
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
        let state = watch::Sender::new(State {
            server,
            weather: Weather::Fair,
            resets: 0,
        });
        let same = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, same.clone()));
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
async fn carry(mut client: TcpStream, state: watch::Sender<State>) {
    let State {
        server,
        weather,
        resets,
    } = state.borrow().clone();
    if weather == Weather::Down {
        return;
    }
    if weather == Weather::BlackHole {
        let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
        return;
    }
    // Without a server the client is hung up on.
    let Ok(mut server) = UnixStream::connect(server).await else {
        return;
    };
    let mut lost = false;
    let mut resetting = state.subscribe();
    let ended = tokio::select! {
        ended = carry_on(&mut client, &mut server, &state, &mut lost) => ended,
        _ = resetting.wait_for(|state| state.resets != resets) => client.set_zero_linger(),
    };
    if ended.is_ok() && lost {
        // The client does not hear of the server's end, whatever the weather.
        let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
        // The server does not hear of the end before the weather is better.
        let _ = state
            .subscribe()
            .wait_for(|state| state.weather != Weather::BlackHole)
            .await;
    }
}

async fn carry_on(
    client: &mut TcpStream,
    server: &mut UnixStream,
    state: &watch::Sender<State>,
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
        if weather == Weather::Down {
            return Ok(());
        }
        *lost |= weather == Weather::BlackHole;
        if *lost {
            continue;
        }
        if from_client_now {
            if let (Weather::Slow(by), b'P' | b'B' | b'Q') = (weather, from_client[0]) {
                sleep(by).await;
            }
            server.write_all(&from_client[..read]).await?;
        } else if is_cut(state) {
            return Ok(());
        } else {
            client.write_all(&from_server[..read]).await?;
        }
    }
}

/// Whether this answer is the one that gets lost, with all connections.
fn is_cut(state: &watch::Sender<State>) -> bool {
    let mut cut = false;
    state.send_modify(|state| {
        state.weather = match state.weather {
            Weather::CutAfter(0) => {
                cut = true;
                state.resets += 1;
                Weather::Down
            }
            Weather::CutAfter(left) => Weather::CutAfter(left - 1),
            other => other,
        };
    });
    cut
}
