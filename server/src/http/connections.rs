//! Connections: accepted up to a number, and closed where a client lets the server wait for the head of its next request.
//!
//! INVARIANT: a client that sends nothing holds a connection no longer than [`Settings::header_timeout`]; one that sends its
//! body slowly, no longer than the deadline of its request and what the answer waits for the rest ([`super::unread`]); one
//! that does not read its answer holds no thread. Beyond the number of connections the others wait in the system's queue
//! until one is closed. Deliberately absent: HTTP/2 and TLS.

use super::Settings;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How long nothing is accepted after the system had no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers all who connect until it is told to stop, and then those that it has begun to.
pub(super) async fn serve(listener: TcpListener, routes: Router, settings: &Settings, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(settings.max_connections));
    let open = GracefulShutdown::new();
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (accepted(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        // What comes with a request is small and waits for nothing.
        let _ = stream.set_nodelay(true);
        let answers = TowerToHyperService::new(routes.clone());
        let connection = open.watch(protocol.serve_connection(TokioIo::new(stream), answers));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The next connection that can be had.
async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Tells whether only the one connection failed.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}
