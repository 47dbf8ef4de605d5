//! Connections that can be closed without an answer, as happens when something between the bot
//! and Discord breaks.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Listens, and keeps a [`Latch`] on each connection.
#[derive(Debug)]
pub(crate) struct Doors {
    listener: TcpListener,
    away: Arc<AtomicBool>,
}

impl Doors {
    /// Doors through which nobody gets while `away` is set.
    pub(crate) fn new(listener: TcpListener, away: &Arc<AtomicBool>) -> Self {
        let away = Arc::clone(away);
        Self { listener, away }
    }
}

impl Listener for Doors {
    type Io = Door;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Door, SocketAddr) {
        let (socket, address) = loop {
            let accepted = Listener::accept(&mut self.listener).await;
            if !self.away.load(Ordering::Acquire) {
                break accepted;
            }
        };
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let (latch, away) = (Latch::default(), Arc::clone(&self.away));
        let door = Door {
            socket,
            latch,
            away,
        };
        (door, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whether a connection takes no more answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latch(Arc<AtomicBool>);

impl Latch {
    /// The next thing written closes the connection instead.
    pub(crate) fn shut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, Doors>> for Latch {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Self {
        stream.io().latch.clone()
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Door {
    socket: TcpStream,
    latch: Latch,
    away: Arc<AtomicBool>,
}

impl Door {
    fn check(&self) -> io::Result<()> {
        if self.away.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.latch.check()
    }
}

impl AsyncRead for Door {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.away.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Door {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
