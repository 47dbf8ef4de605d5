//! The one port: REST, gateway, attachments, and the control route.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State, WebSocketUpgrade},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    control,
    door::{Doors, Latch},
    gateway,
    rest::{self, body},
    state::{Handle, Id, Shared},
};

/// How long open requests may finish when the server stops.
const LINGER: Duration = Duration::from_secs(2);

/// The running server; it stops when the last handle is gone.
#[derive(Debug)]
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
}

impl Server {
    /// Serves on a bound socket.
    pub(crate) fn start(listener: TcpListener, shared: Handle) -> Self {
        let (stop, stopping) = watch::channel(false);
        let (done, stopped) = watch::channel(false);
        let routes = routes(Arc::clone(&shared));
        tokio::spawn(async move {
            serve(listener, routes, &shared, stopping).await;
            done.send_replace(true);
        });
        Self { stop, stopped }
    }

    /// Stops, and waits until the port is free.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let mut stopped = self.stopped.clone();
        // An error means that the task is gone, which is what is waited for.
        let _gone = stopped.wait_for(|stopped| *stopped).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn serve(
    listener: TcpListener,
    routes: Router,
    shared: &Shared,
    stopping: watch::Receiver<bool>,
) {
    let routes = routes.into_make_service_with_connect_info::<Latch>();
    let server = axum::serve(Doors::new(listener, &shared.away), routes)
        .with_graceful_shutdown(stop(stopping.clone()));
    let late = async {
        stop(stopping).await;
        shared.world().close_sockets(1001, "The stand-in stops.");
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        ended = server => if let Err(error) = ended {
            tracing::error!(%error, "the stand-in for Discord ended");
        },
        () = late => {}
    }
}

async fn stop(mut stopping: watch::Receiver<bool>) {
    // An error means that every handle is gone.
    let _gone = stopping.wait_for(|stop| *stop).await;
}

fn routes(shared: Handle) -> Router {
    Router::new()
        .route("/gateway", any(open_gateway))
        .route("/gateway/", any(open_gateway))
        .route("/attachments/{channel}/{id}/{name}", get(download))
        .route("/_control/interaction", post(control::interact))
        .fallback(rest::enter)
        .layer(DefaultBodyLimit::max(body::LIMIT))
        .with_state(shared)
}

async fn open_gateway(State(shared): State<Handle>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let upgrade = <WebSocketUpgrade as axum::extract::FromRequestParts<Handle>>::from_request_parts(
        &mut parts, &shared,
    );
    match upgrade.await {
        Ok(upgrade) => upgrade.on_upgrade(|socket| gateway::serve(socket, shared)),
        Err(_) => rest::enter(State(shared), Request::from_parts(parts, body)).await,
    }
}

async fn download(
    State(shared): State<Handle>,
    Path((_channel, id, _name)): Path<(Id, Id, String)>,
) -> Response {
    let file = shared.world().files.get(&id).cloned();
    match file {
        Some(file) => ([(CONTENT_TYPE, file.content_type)], file.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Binds the port, 0 for any.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}
