//! Listening: from an address to answers, until the process is told to stop.
//!
//! INVARIANT: nobody beyond this machine is listened to before there is a key. What was acknowledged is in the store before
//! the answer leaves, so stopping only has to let the requests that run come to their end.

use super::{App, Settings, connections, router};
use crate::keys::{KeyError, Keys};
use crate::service::Service;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::sync::watch;

/// A server that has its address, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: App,
}

/// Why a server can't listen, or has to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others than this machine could ask, and there is no key.
    #[error(
        "listening at {0} lets other machines in, and there is no key yet\nhelp: `trace keys create NAME` makes one; \
         without `--listen` only this machine is listened to"
    )]
    NoKey(SocketAddr),
    /// The address can't be had.
    #[error("cannot listen at {address}: {source}\nhelp: `--port 0` takes a port that is free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gives no threads or signals.
    #[error("cannot run the server: {0}")]
    Run(#[from] io::Error),
    /// The keys can't be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Server {
    /// Takes the address; with port 0, one with a port that is free.
    ///
    /// # Errors
    /// [`ServeError`] says what is in the way, and what to do.
    pub fn bind(service: Arc<Service>, settings: Settings) -> Result<Server, ServeError> {
        let address = settings.address;
        if !address.ip().is_loopback() && !Keys::of(service.store()).any_live()? {
            return Err(ServeError::NoKey(address));
        }
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, app: App::new(service, Settings { address, ..settings }) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.app.settings.address
    }

    /// Answers until the process is told to stop (SIGINT or SIGTERM), and then finishes what runs.
    ///
    /// # Errors
    /// [`ServeError::Run`] when the system gives no threads or signals.
    pub fn run(self) -> Result<(), ServeError> {
        self.run_until(async {
            // Without signals there is only the hard way to stop.
            if told_to_stop().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    /// Answers until something comes true, and then finishes what runs: within [`Settings::grace`], whatever is not done by
    /// then is given up.
    ///
    /// # Errors
    /// [`ServeError::Run`] when the system gives no threads.
    pub fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let (grace, service) = (self.app.settings.grace, self.app.service.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ended = runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let (tell, mut told) = watch::channel(false);
            let heard = tell.subscribe();
            let stopping = async move {
                stop.await;
                tracing::info!("stopping");
                tell.send_replace(true);
                // Whoever watches would otherwise keep the server until its grace is over.
                service.end();
                // Dropped only with the server, so that nobody takes its end for the word.
                tell.closed().await;
            };
            tokio::spawn(stopping);
            let settings = self.app.settings.clone();
            let all = connections::serve(listener, router(self.app), &settings, heard);
            let late = async move {
                let _ = told.wait_for(|told| *told).await;
                tokio::time::sleep(grace).await;
            };
            tokio::select! {
                () = all => Ok::<_, io::Error>(()),
                () = late => {
                    tracing::warn!("requests were given up that took longer than the grace period");
                    Ok(())
                }
            }
        });
        // What still blocks then is given up: it holds no acknowledgement.
        runtime.shutdown_timeout(grace);
        Ok(ended?)
    }
}

#[cfg(unix)]
async fn told_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn told_to_stop() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
