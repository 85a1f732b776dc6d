//! The program that uploads go to when web servers are measured: reads, counts nothing, forgets.

use std::convert::Infallible;
use std::fs;
use std::future::poll_fn;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::sync::oneshot;

/// A sink at work; it ends when dropped.
pub struct Sink {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Listens at `path`, for every user.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(path: &Path) -> Result<Self> {
        let listener = std::os::unix::net::UnixListener::bind(path).context("opening the sink")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).context("opening the sink to all")?;
        listener.set_nonblocking(true).context("preparing the sink")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the sink")?;
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = UnixListener::from_std(listener) else { return };
                tokio::select! {
                    () = serve(listener) => {}
                    _ = ended => {}
                }
            });
        });
        Ok(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = hyper::service::service_fn(answer);
        // A broken connection shows in the client's figures.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: hyper::Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut body = request.into_body();
    let mut good = true;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        good &= frame.is_ok();
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = if good { StatusCode::CREATED } else { StatusCode::BAD_REQUEST };
    Ok(response)
}
