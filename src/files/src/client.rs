//! Asking the running program.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// The number of a group.
///
/// # Errors
/// When there is none of that name.
pub fn group(name: &str) -> Result<u32> {
    let groups = std::fs::read_to_string("/etc/group").context("reading /etc/group")?;
    let number = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    });
    number.with_context(|| format!("looking for the group {name}: there is none"))
}

/// What the program at `socket` answers to a request with that body.
///
/// # Errors
/// When it is not there, or is not well: with what it says.
pub async fn ask(socket: &Path, method: &str, path: &str, body: Vec<u8>) -> Result<String> {
    let asking = || format!("asking mazet-files at {}", socket.display());
    let stream = UnixStream::connect(socket).await.with_context(asking)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.with_context(asking)?;
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header(hyper::header::HOST, "localhost")
        .body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await.with_context(asking)?;
    let status = answer.status();
    let body = answer.into_body().collect().await.with_context(asking)?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    if !status.is_success() {
        bail!("{}: {}", asking(), text.trim_end());
    }
    Ok(text)
}
