//! Asking a page of the box as a visitor's browser would: over TLS, on port 443.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long the box may take to connect, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The port of the front web server.
pub const PORT: u16 = 443;

/// Asks for `path` on the box itself; the authority whose certificate is at `trusted` alone is believed.
///
/// # Errors
/// When nobody answers, another authority issued the certificate, or the status is not 2xx.
pub fn ask(port: u16, path: &str, trusted: &Path) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE).context("connecting to the web server")?;
    stream.set_read_timeout(Some(PATIENCE)).context("limiting the wait")?;
    stream.set_write_timeout(Some(PATIENCE)).context("limiting the wait")?;
    let name = ServerName::try_from("localhost").context("naming the box")?;
    let connection = ClientConnection::new(Arc::new(trusting(trusted)?), name).context("starting TLS")?;
    let mut stream = StreamOwned::new(connection, stream);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).context("asking for the page")?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status).context("reading the answer")?;
    match status.split(' ').nth(1) {
        Some(code) if code.starts_with('2') => Ok(()),
        _ => bail!("the page answers {:?}", status.trim()),
    }
}

/// Believes the authority in the PEM file at `trusted` and no other.
fn trusting(trusted: &Path) -> Result<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(trusted)
        .with_context(|| format!("reading the certificate {}", trusted.display()))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).context("believing the box's own authority")?;
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    use tokio_rustls::rustls::{ServerConfig, ServerConnection};

    use super::*;
    use crate::tls;

    /// Answers one connection with `answer`, under the certificate in `folder`.
    fn serve(folder: &Path, answer: &'static str) -> u16 {
        let certificate = CertificateDer::from_pem_file(folder.join("cert.pem")).expect("certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).expect("key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a matching pair");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let port = listener.local_addr().expect("address").port();
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a visitor");
            let connection = ServerConnection::new(Arc::new(config)).expect("TLS");
            let mut reader = BufReader::new(StreamOwned::new(connection, stream));
            let mut line = String::new();
            // A visitor that does not believe the certificate ends here.
            if reader.read_line(&mut line).is_ok() {
                let _ = reader.into_inner().write_all(answer.as_bytes());
            }
        });
        port
    }

    #[test]
    fn a_page_under_the_boxs_authority_is_well_and_its_failure_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        tls::ensure(folder.path(), "garrigue", None).expect("certificate");
        let trusted = folder.path().join(tls::AUTHORITY);
        let port = serve(folder.path(), "HTTP/1.1 200 OK\r\n\r\n");
        ask(port, "/", &trusted).expect("well");
        let port = serve(folder.path(), "HTTP/1.1 502 Bad Gateway\r\n\r\n");
        let error = ask(port, "/", &trusted).expect_err("not well");
        assert_eq!(error.to_string(), "the page answers \"HTTP/1.1 502 Bad Gateway\"");
    }

    #[test]
    fn another_authority_is_not_believed() {
        let (ours, theirs) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        tls::ensure(ours.path(), "mazet", None).expect("certificate");
        tls::ensure(theirs.path(), "mazet", None).expect("certificate");
        let port = serve(theirs.path(), "HTTP/1.1 200 OK\r\n\r\n");
        let error = ask(port, "/", &ours.path().join(tls::AUTHORITY)).expect_err("foreign");
        assert!(format!("{error:#}").contains("certificate"), "{error:#}");
    }
}
