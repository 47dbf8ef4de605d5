//! What stands between a program and its database: a pooler of transactions, and one that keeps
//! notifications to itself.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Mutex;

/// A notification.
const NOTIFICATION: u8 = b'A';

/// The server waits for the next statement; what follows is whether a transaction is open.
const READY: u8 = b'Z';

/// The client goes away.
const TERMINATE: u8 = b'X';

/// What stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Each transaction goes over the connection that was free last, whoever made it; all was let in
    /// as its own client.
    TransactionPooler,
    /// Nobody hears what was notified.
    DeafToNotifications,
}

/// Starts it before the server that listens on this Unix socket; returns the address of the same
/// database through it.
pub async fn stand_between(between: Between, server: PathBuf, direct: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let free = Free::default();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&server).await.unwrap();
            let server = Server {
                stream: server,
                unread: Vec::new(),
            };
            match between {
                Between::TransactionPooler => tokio::spawn(pooled(client, server, free.clone())),
                Between::DeafToNotifications => tokio::spawn(deaf(client, server)),
            };
        }
    });
    let mut url = url::Url::parse(direct).unwrap();
    url.set_query(Some("sslmode=disable"));
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    url.to_string()
}

/// The connections that no transaction uses.
type Free = Arc<Mutex<Vec<Server>>>;

/// A connection to the server, and the beginning of a message.
struct Server {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Server {
    /// The next message whole; none when the server has hung up.
    async fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(length) = self.unread.get(1..5) {
                let length = u32::from_be_bytes(length.try_into().unwrap());
                let whole = usize::try_from(length).unwrap() + 1;
                if self.unread.len() >= whole {
                    return Some(self.unread.drain(..whole).collect());
                }
            }
            if self.stream.read_buf(&mut self.unread).await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// Brings the client in over its own connection, which everybody may use from then on.
async fn pooled(mut client: TcpStream, own: Server, free: Free) -> Option<()> {
    let own = transaction(&mut client, own, None).await?;
    free.lock().await.push(own);
    let mut sent = vec![0; 65_536];
    loop {
        let length = client.read(&mut sent).await.ok().filter(|it| *it > 0)?;
        if sent[0] == TERMINATE {
            return None;
        }
        // There are as many as clients.
        let server = free.lock().await.pop()?;
        let server = transaction(&mut client, server, Some(&sent[..length])).await?;
        free.lock().await.push(server);
    }
}

/// Carries until no transaction is open.
async fn transaction(
    client: &mut TcpStream,
    mut server: Server,
    first: Option<&[u8]>,
) -> Option<Server> {
    if let Some(first) = first {
        server.stream.write_all(first).await.ok()?;
    }
    let mut sent = vec![0; 65_536];
    loop {
        tokio::select! {
            message = server.message() => {
                let message = message?;
                client.write_all(&message).await.ok()?;
                if message[0] == READY && message[5] == b'I' {
                    return Some(server);
                }
            }
            read = client.read(&mut sent) => {
                let length = read.ok().filter(|it| *it > 0)?;
                server.stream.write_all(&sent[..length]).await.ok()?;
            }
        }
    }
}

async fn deaf(mut client: TcpStream, mut server: Server) -> Option<()> {
    let mut sent = vec![0; 65_536];
    loop {
        tokio::select! {
            message = server.message() => {
                let message = message?;
                if message[0] != NOTIFICATION {
                    client.write_all(&message).await.ok()?;
                }
            }
            read = client.read(&mut sent) => {
                let length = read.ok().filter(|it| *it > 0)?;
                server.stream.write_all(&sent[..length]).await.ok()?;
            }
        }
    }
}
