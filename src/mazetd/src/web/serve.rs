//! Connections: TLS, limits, time-outs, and a clean end.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, unix};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};
use tower_service::Service as _;

use super::app::App;
use super::listen::Socket;
use super::seats::{Seat, Seats};
use super::{Options, access, routes};

/// For a TLS handshake, and for the head of a request, the wait for the next one included.
const HEAD: Duration = Duration::from_secs(20);
/// No connection is kept longer than this.
const LIFETIME: Duration = Duration::from_secs(600);
/// For the requests under way when the server ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// A head larger than this is refused.
const HEAD_BYTES: usize = 16 * 1024;
/// After a failed accept (no file descriptor left): nothing tells when one is free again.
const BREATH: Duration = Duration::from_millis(200);

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// What a socket's connections need.
#[derive(Clone)]
struct Line {
    app: Arc<App>,
    router: Router,
    seats: Seats,
    end: watch::Receiver<bool>,
}

/// A socket that connections come by.
trait Listener {
    /// A connection, and where it comes from.
    type Accepted;

    /// The next one.
    fn accepted(&self) -> impl Future<Output = io::Result<Self::Accepted>> + Send;
}

impl Listener for TcpListener {
    type Accepted = (TcpStream, SocketAddr);

    fn accepted(&self) -> impl Future<Output = io::Result<Self::Accepted>> + Send {
        self.accept()
    }
}

impl Listener for UnixListener {
    type Accepted = (UnixStream, unix::SocketAddr);

    fn accepted(&self) -> impl Future<Output = io::Result<Self::Accepted>> + Send {
        self.accept()
    }
}

/// Serve every socket until `stopped`; then finish the requests under way.
///
/// # Errors
/// A socket cannot be used, or the certificate cannot be loaded.
pub async fn until(
    stopped: impl Future<Output = ()>,
    sockets: Vec<Socket>,
    app: Arc<App>,
    options: &Options,
) -> anyhow::Result<()> {
    let (stop, end) = watch::channel(false);
    let mut loops = JoinSet::new();
    let pages = routes::router(Arc::clone(&app));
    for socket in sockets {
        let line =
            Line { app: Arc::clone(&app), router: pages.clone(), seats: Seats::new(), end: end.clone() };
        start(&mut loops, socket, line, options)?;
    }
    stopped.await;
    // Every loop holds a receiver, so this reaches them all.
    let _ = stop.send(true);
    while loops.join_next().await.is_some() {}
    Ok(())
}

fn start(loops: &mut JoinSet<()>, socket: Socket, line: Line, options: &Options) -> anyhow::Result<()> {
    match socket {
        Socket::Https(listener) => {
            listener.set_nonblocking(true).context("preparing the HTTPS socket")?;
            let acceptor = acceptor(&options.certificate, &options.key)?;
            loops.spawn(https(TcpListener::from_std(listener)?, acceptor, line));
        }
        Socket::Http(listener) => {
            listener.set_nonblocking(true).context("preparing the HTTP socket")?;
            let line = Line { router: Router::new().fallback(to_https), ..line };
            loops.spawn(http(TcpListener::from_std(listener)?, line));
        }
        Socket::Web(listener) => {
            listener.set_nonblocking(true).context("preparing the front web server's socket")?;
            loops.spawn(web(UnixListener::from_std(listener)?, line));
        }
        Socket::Access(listener) => {
            listener.set_nonblocking(true).context("preparing the socket of questions")?;
            loops.spawn(questions(TcpListener::from_std(listener)?, line));
        }
    }
    Ok(())
}

/// TLS with the box's own certificate.
///
/// # Errors
/// A file is missing, not PEM, or the two do not belong together.
pub fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let reading = |path: &Path| format!("reading {} (the broker makes it at its start)", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| reading(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| reading(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("using the box's certificate")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn https(listener: TcpListener, acceptor: TlsAcceptor, line: Line) {
    while let Some((stream, peer, seat)) = line.next(&listener).await {
        let (acceptor, line) = (acceptor.clone(), line.clone());
        tokio::spawn(async move {
            // A browser that does not trust the certificate yet hangs up here: nothing to log.
            if let Ok(Ok(stream)) = timeout(HEAD, acceptor.accept(stream)).await {
                line.talk(stream, Some(peer)).await;
            }
            drop(seat);
        });
    }
    line.farewell().await;
}

async fn http(listener: TcpListener, line: Line) {
    while let Some((stream, peer, seat)) = line.next(&listener).await {
        let line = line.clone();
        tokio::spawn(async move {
            line.talk(stream, Some(peer)).await;
            drop(seat);
        });
    }
    line.farewell().await;
}

async fn web(listener: UnixListener, line: Line) {
    while let Some(((stream, _), place)) = line.accept(&listener).await {
        let line = line.clone();
        tokio::spawn(async move {
            line.talk(stream, None).await;
            drop(place);
        });
    }
    line.farewell().await;
}

/// All come from one neighbour: their number alone is limited.
async fn questions(listener: TcpListener, line: Line) {
    while let Some(((stream, _), place)) = line.accept(&listener).await {
        let app = Arc::clone(&line.app);
        tokio::spawn(async move {
            let judge = async |question: &access::Question| access::judge(&app, question).await;
            // A question that breaks off is not answered: the front web server lets nobody pass then.
            let _ = timeout(HEAD, access::answer(stream, judge)).await;
            drop(place);
        });
    }
    line.farewell().await;
}

impl Line {
    /// A place for one more connection; none once the server ends.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let mut end = self.end.clone();
        tokio::select! {
            place = self.seats.place() => place,
            _ = end.changed() => None,
        }
    }

    /// The next connection, with a place; none once the server ends.
    async fn accept<L: Listener>(&self, listener: &L) -> Option<(L::Accepted, OwnedSemaphorePermit)> {
        let mut end = self.end.clone();
        loop {
            let place = self.place().await?;
            let accepted = tokio::select! {
                accepted = listener.accepted() => accepted,
                _ = end.changed() => return None,
            };
            match accepted {
                Ok(accepted) => return Some((accepted, place)),
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }

    /// The next TCP connection that finds a seat; none once the server ends.
    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, IpAddr, Seat)> {
        loop {
            let ((stream, peer), place) = self.accept(listener).await?;
            // A socket for both families shows IPv4 visitors as ::ffff:a.b.c.d.
            let peer = peer.ip().to_canonical();
            if let Some(seat) = self.seats.sit(place, peer) {
                return Some((stream, peer, seat));
            }
        }
    }

    /// Answer one connection's requests. No peer: it is the front web server, which says whose
    /// request each is.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, peer: Option<IpAddr>) {
        let service = hyper::service::service_fn(|mut request: hyper::Request<Incoming>| {
            let peer = peer.unwrap_or_else(|| forwarded(request.headers()));
            request.extensions_mut().insert(Peer(peer));
            let answer = self.router.clone().call(request.map(Body::new));
            async { Ok::<_, Infallible>(answer.await.into_response()) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut end = self.end.clone();
        tokio::select! {
            // Broken connections are the visitor's affair.
            _ = connection.as_mut() => return,
            _ = end.changed() => {}
            () = tokio::time::sleep(LIFETIME) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(FAREWELL, connection).await;
    }

    /// Wait until every connection is over.
    async fn farewell(&self) {
        self.seats.empty(FAREWELL).await;
    }
}

/// The visitor of a front web server, which replaces this header and never passes on the visitor's own.
fn forwarded(headers: &HeaderMap) -> IpAddr {
    let header = headers.get("x-forwarded-for").and_then(|header| header.to_str().ok());
    let last = header.and_then(|header| header.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    last.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.to_canonical())
}

/// Send a visitor who came by plain HTTP to the same page by HTTPS.
async fn to_https(request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).and_then(host_of);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    match host {
        Some(host) if path.starts_with('/') => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, format!("https://{host}{path}"))])
                .into_response()
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The host of a Host header without its port; nothing that is not a name or an address.
fn host_of(header: &str) -> Option<&str> {
    let host = match header.strip_prefix('[') {
        Some(rest) => header.get(..rest.find(']')? + 2)?,
        None => header.split(':').next()?,
    };
    let named = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    (!host.is_empty() && host.chars().all(named)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn only_hosts_are_redirected_to() {
        assert_eq!(host_of("mazet.local"), Some("mazet.local"));
        assert_eq!(host_of("192.168.1.9:80"), Some("192.168.1.9"));
        assert_eq!(host_of("[fe80::1]:80"), Some("[fe80::1]"));
        for bad in ["", "[fe80::1", "a/b", "a@b", "a b"] {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }
}
