//! The real router on a loopback port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::response::Parts;
use axum::middleware::{self, Next};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use mazet_files::access::Access;
use mazet_files::app::{self, App};
use mazet_files::pictures::Pictures;
use mazet_files::serve;
use mazet_files::testing::{TestBox, test_box};
use mazet_files::uploads::Uploads;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// A box that answers.
pub struct Served {
    pub home: TestBox,
    pub address: String,
    /// What is answered.
    pub router: Router,
    log: Log,
    gate: Gate,
    serving: tokio::task::JoinHandle<()>,
}

/// Requests that were answered: method, path, status.
type Log = watch::Sender<Vec<String>>;
/// Pieces of uploads that are still taken; those after them wait for ever.
type Gate = Arc<AtomicUsize>;

/// A box that answers; none where the test is to be skipped.
pub async fn served() -> Option<Served> {
    let home = test_box().await?;
    let log = Log::default();
    let gate = Gate::new(AtomicUsize::new(usize::MAX));
    let router = router(&home, &log, &gate);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = serve(listener, &router);
    Some(Served { home, address: format!("http://{address}"), router, log, gate, serving })
}

fn serve(listener: TcpListener, router: &Router) -> tokio::task::JoinHandle<()> {
    tokio::spawn(serve::until(std::future::pending(), listener, router.clone()))
}

fn router(home: &TestBox, log: &Log, gate: &Gate) -> Router {
    let access = Access::new(&home.directory_place, &home.storage).expect("access");
    let (log, gate) = (log.clone(), gate.clone());
    let note = move |request: Request, next: Next| {
        let (log, gate) = (log.clone(), gate.clone());
        async move {
            if request.method() == "PUT" && request.uri().path().starts_with("/remote.php/dav/uploads/") {
                let less = |left: usize| left.checked_sub(1);
                if gate.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
                    std::future::pending::<()>().await;
                }
            }
            let line = format!("{} {}", request.method(), request.uri().path());
            let answer = next.run(request).await;
            log.send_modify(|lines| lines.push(format!("{line} {}", answer.status().as_u16())));
            answer
        }
    };
    let uploads = Uploads::new(home.storage.clone());
    let pictures = Arc::new(Pictures::new(Path::new(env!("CARGO_BIN_EXE_mazet-files"))));
    let app = App { storage: home.storage.clone(), access, uploads, pictures };
    let router = app::router(app).expect("pages");
    router.layer(middleware::from_fn(note))
}

impl Served {
    /// Requests that were answered since the last call.
    pub fn asked(&self) -> Vec<String> {
        self.log.send_replace(Vec::new())
    }

    /// Takes so many pieces of uploads, and lets the ones after them wait.
    pub fn pieces(&self, most: usize) {
        self.gate.store(most, Ordering::SeqCst);
    }

    /// Waits until so many answers begin and end like that.
    pub async fn wait_for(&self, count: usize, begin: &str, end: &str) {
        let is = |line: &&String| line.starts_with(begin) && line.ends_with(end);
        let mut log = self.log.subscribe();
        log.wait_for(|lines| lines.iter().filter(is).count() >= count).await.expect("a log");
    }

    /// The program ends, with all that it has in hand, and another one answers at the same address.
    pub async fn restart(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        let address: SocketAddr = self.address.trim_start_matches("http://").parse().expect("an address");
        self.pieces(usize::MAX);
        self.router = router(&self.home, &self.log, &self.gate);
        self.serving = serve(TcpListener::bind(address).await.expect("the port"), &self.router);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request to the program at `https://box.example.org`; gives status and text.
pub async fn ask(
    box_: &Served,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, String) {
    let (parts, bytes) = answered(box_, method, path, headers, body).await;
    (parts.status, String::from_utf8(bytes.to_vec()).expect("text"))
}

/// The same with all of the answer.
pub async fn answered(
    box_: &Served,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (Parts, Bytes) {
    let mut request = Request::builder().method(method).uri(path).header("host", "box.example.org");
    if (method == "POST" || method == "PUT") && !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    for (name, value) in [("x-forwarded-proto", "https")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let request = request.header("content-length", body.len()).body(Body::from(body.to_owned()));
    let answer = box_.router.clone().oneshot(request.expect("a request")).await.expect("an answer");
    let (parts, body) = answer.into_parts();
    (parts, body.collect().await.expect("a body").to_bytes())
}

/// The header by which somebody says who they are (RFC 7617).
pub fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{password}")))
}
