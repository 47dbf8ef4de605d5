//! Health over HTTP, for whoever watches the process: `/healthz`, `/readyz` and `/metrics`.

mod health;
mod metrics;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use health::Health;

/// How long a shutdown waits for answers that are under way.
const CLOSING: Duration = Duration::from_secs(3);

/// An address that is ours, where nothing is served yet.
#[derive(Debug)]
pub struct HttpServer(TcpListener);

impl HttpServer {
    /// Takes an address.
    ///
    /// # Errors
    /// When another program has it, or this one may not.
    pub async fn bind(addr: SocketAddr) -> std::io::Result<Self> {
        Ok(Self(TcpListener::bind(addr).await?))
    }

    /// Serves there, in a task of its own.
    #[must_use]
    pub fn serve(self, health: Health) -> Serving {
        let (stop, stopped) = oneshot::channel();
        if let Ok(addr) = self.0.local_addr() {
            tracing::info!(http.addr = %addr, "serving /healthz, /readyz and /metrics");
        }
        let serving = axum::serve(self.0, routes(health)).with_graceful_shutdown(async {
            // An error means that the other end is gone, which is a reason to stop too.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the HTTP server failed");
            }
        });
        Serving { stop, task }
    }
}

/// What is being served.
#[derive(Debug)]
pub struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Ends when the server has ended by itself, which it never should.
    pub async fn ended(&mut self) {
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the HTTP server failed");
        }
    }

    /// Takes no more requests, and waits a little for answers that are under way.
    pub async fn stop(mut self) {
        let _ = self.stop.send(());
        if !self.task.is_finished() && tokio::time::timeout(CLOSING, &mut self.task).await.is_err()
        {
            self.task.abort();
        }
    }
}

fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    let missing = health.missing().await;
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        let missing = missing.join(", ");
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {missing}\n"),
        )
    }
}

async fn measured(State(health): State<Health>) -> Response {
    match metrics::page(&health).await {
        Ok(page) => ([(CONTENT_TYPE, metrics::TYPE)], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
