//! Real connections: TLS with the box's certificate, the redirect from plain HTTP, nginx's socket.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::web::listen::{Socket, mode};
use crate::web::{Options, serve};

/// A certificate as the broker makes it, in a folder.
pub fn certificate(folder: &Path) -> (Options, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["mazet.local".to_owned()]).unwrap();
    let options = Options {
        broker: folder.join("absent.sock"),
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&options.certificate, made.cert.pem()).unwrap();
    std::fs::write(&options.key, made.key_pair.serialize_pem()).unwrap();
    (options, made.cert.der().clone())
}

/// A site that serves real sockets, with its broker.
pub struct Site {
    pub broker: FakeBroker,
    pub folder: TempDir,
    pub der: CertificateDer<'static>,
    stop: Option<oneshot::Sender<()>>,
    over: JoinHandle<()>,
}

impl Site {
    pub fn start(sockets: Vec<Socket>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (options, der) = certificate(folder.path());
        let mode = mode(&sockets);
        let broker = FakeBroker::start(mode);
        let app = App::new(&broker.path(), mode, None).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let over = tokio::spawn(async move { serve::until(stopped, sockets, app, &options).await.unwrap() });
        Self { broker, folder, der, stop: Some(stop), over }
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn get<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, path: &str, host: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_wizard_is_served_with_the_boxs_certificate() {
    let (socket, address) = listener();
    let site = Site::start(vec![Socket::Https(socket)]);
    let mut roots = RootCertStore::empty();
    roots.add(site.der.clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("mazet.local").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let answer = get(stream, "/claim", "mazet.local").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("id=\"code\""), "{answer}");
}

#[tokio::test]
async fn plain_http_only_leads_to_https() {
    let (https, _) = listener();
    let (http, address) = listener();
    let site = Site::start(vec![Socket::Https(https), Socket::Http(http)]);
    for (path, host, expected) in [
        ("/", "mazet.local", "location: https://mazet.local/\r\n"),
        ("/claim?lang=fr", "192.0.2.7:80", "location: https://192.0.2.7/claim?lang=fr\r\n"),
        ("/", "[2001:db8::7]", "location: https://[2001:db8::7]/\r\n"),
        ("/", "bad/host", "HTTP/1.1 400 Bad Request"),
    ] {
        let answer = get(TcpStream::connect(address).await.unwrap(), path, host).await;
        assert!(answer.contains(expected), "{path} of {host}: {answer}");
        assert!(!answer.contains("<html"), "{answer}");
    }
    assert!(site.broker.state().asked.is_empty());
}

#[tokio::test]
async fn the_installed_box_is_served_to_nginx() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.sock");
    let site = Site::start(vec![Socket::Web(UnixListener::bind(&path).unwrap())]);
    let answer = get(UnixStream::connect(&path).await.unwrap(), "/", "mazet.local").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("Les Amis du Mazet"), "{answer}");
    assert_eq!(site.broker.state().asked, ["status"]);
}

#[tokio::test]
async fn a_missing_certificate_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        serve::acceptor(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).err().unwrap();
    assert!(format!("{error:#}").contains("cert.pem (the broker makes it at its start)"), "{error:#}");
}

#[tokio::test]
async fn requests_under_way_are_finished_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.sock");
    let mut site = Site::start(vec![Socket::Web(UnixListener::bind(&path).unwrap())]);
    let (asked, answer) = site.broker.hold();
    let visit = tokio::spawn({
        let path = path.clone();
        async move { get(UnixStream::connect(&path).await.unwrap(), "/", "mazet.local").await }
    });
    asked.await.unwrap();
    site.stop.take().unwrap().send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!site.over.is_finished(), "the server left a visitor without an answer");
    answer.send(()).unwrap();
    assert!(visit.await.unwrap().contains("Les Amis du Mazet"));
    site.over.await.unwrap();
    assert!(UnixStream::connect(&path).await.is_err(), "nobody listens any more");
}
