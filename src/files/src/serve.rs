//! Connections of the front web server, by a Unix socket that the program makes itself.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower_service::Service as _;

use crate::rest;

/// For the head of a request, the wait for the next one included.
const HEAD: Duration = Duration::from_secs(75);
/// For the requests under way when the program ends: a large upload begins anew, or goes on in pieces.
const FAREWELL: Duration = Duration::from_secs(10);
/// A head larger than this is refused; a name of 255 bytes is three times as long in an address, and
/// Destination says another one.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections at a time.
const MOST: usize = 512;
/// After a failed accept (no file descriptor left): nothing tells when one is free again.
const BREATH: Duration = Duration::from_millis(200);

/// A socket that connections come by.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one.
    fn accepted(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accepted(&self) -> io::Result<Self::Stream> {
        Ok(self.accept().await?.0)
    }
}

impl Listener for TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accepted(&self) -> io::Result<Self::Stream> {
        Ok(self.accept().await?.0)
    }
}

/// Makes the socket, for its owner and `group`: the front web server's.
///
/// # Errors
/// When it cannot be made, or given to the group.
pub fn bind(path: &Path, group: Option<u32>) -> Result<UnixListener> {
    let what = || format!("making the socket {}", path.display());
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(what),
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(what)?;
    std::os::unix::fs::chown(path, None, group).with_context(what)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).with_context(what)?;
    Ok(listener)
}

/// Answers until `stopped`; then finishes the requests under way.
pub async fn until(stopped: impl Future<Output = ()>, listener: impl Listener, router: Router) {
    let (stop, end) = watch::channel(false);
    let seats = Arc::new(Semaphore::new(MOST));
    let mut talks = JoinSet::new();
    let mut stopped = std::pin::pin!(stopped);
    loop {
        while talks.try_join_next().is_some() {}
        let Ok(seat) = seats.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accepted() => accepted,
            () = &mut stopped => break,
        };
        match accepted {
            Ok(stream) => {
                let (router, end) = (router.clone(), end.clone());
                talks.spawn(async move {
                    talk(stream, router, end).await;
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
    let _ = stop.send(true);
    let over = async { while talks.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL, over).await;
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut end: watch::Receiver<bool>,
) {
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (head, body) = request.into_parts();
        let (body, rest) = rest::watched(&head.headers, body);
        let answer = router.clone().call(hyper::Request::from_parts(head, Body::new(body)));
        async {
            let answer = answer.await.into_response();
            rest.forget().await;
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // Broken connections are the visitor's affair.
        _ = connection.as_mut() => return,
        _ = end.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
