//! The broker's socket: one request a line, one answer a line, for one user alone.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::state::State;
use crate::protocol::{Request, Response};

/// The longest request in bytes.
const LONGEST: u64 = 64 * 1024;
/// Connections at a time; the web half opens one per page.
const CONNECTIONS: usize = 32;
/// A connection that says nothing for so long is closed.
const SILENCE: Duration = Duration::from_secs(30);

/// Binds `socket` for root and `group` alone.
///
/// # Errors
/// When it cannot be bound or its owner not be set.
pub fn bind(socket: &Path, group: u32) -> Result<UnixListener> {
    super::remove_stale(socket)?;
    // With the unit's umask (0022) only root can connect before the group is set.
    let listener = UnixListener::bind(socket).with_context(|| format!("binding {}", socket.display()))?;
    chown(socket, Some(0), Some(group)).context("giving the socket to its group")?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o660)).context("opening the socket")?;
    Ok(listener)
}

/// Answers connections of root and of `user`, each on a thread of its own.
///
/// # Errors
/// When the socket is lost.
pub fn serve(listener: &UnixListener, user: u32, state: &State) -> Result<()> {
    let open = AtomicUsize::new(0);
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let stream = stream.context("accepting a connection")?;
            if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let open = &open;
            scope.spawn(move || {
                if let Err(error) = converse(&stream, user, state) {
                    eprintln!("closing a connection: {error:#}");
                }
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
        bail!("the broker's socket was closed")
    })
}

/// Answers the requests of one connection, in order.
fn converse(stream: &UnixStream, user: u32, state: &State) -> Result<()> {
    let peer = rustix::net::sockopt::socket_peercred(stream).context("reading who asks")?;
    let asks = peer.uid.as_raw();
    if asks != 0 && asks != user {
        bail!("user {asks} may not ask the broker");
    }
    stream.set_read_timeout(Some(SILENCE)).context("limiting the silence")?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.by_ref().take(LONGEST).read_line(&mut line).context("reading a request")? == 0 {
            return Ok(());
        }
        let (answer, file) = respond(&line, state);
        let mut answer = serde_json::to_string(&answer).context("writing an answer")?;
        answer.push('\n');
        send(stream, answer.as_bytes(), file.as_ref()).context("sending an answer")?;
    }
}

/// Sends a line, with an open file beside it.
fn send(stream: &UnixStream, line: &[u8], file: Option<&File>) -> Result<()> {
    let sent = file.map(|file| beside(stream, line, file)).transpose()?;
    (&mut &*stream).write_all(&line[sent.unwrap_or(0)..])?;
    Ok(())
}

/// Sends the beginning of a line with an open file (SCM_RIGHTS, unix(7)); gives how many bytes went.
///
/// # Errors
/// When the socket takes neither.
pub fn beside(stream: impl AsFd, line: &[u8], file: &File) -> Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let files = [file.as_fd()];
    ensure!(beside.push(SendAncillaryMessage::ScmRights(&files)), "there is no room for a file");
    Ok(sendmsg(stream, &[IoSlice::new(line)], &mut beside, SendFlags::NOSIGNAL)?)
}

/// The answer to one line.
fn respond(line: &str, state: &State) -> (Response, Option<File>) {
    match serde_json::from_str::<Request>(line) {
        Ok(request) => state.answer_with_file(request),
        // serde's text may quote what was sent, a password perhaps: only the place is told.
        Err(error) => {
            let detail = format!("the request cannot be read, at column {}", error.column());
            (Response::Refused { key: "request".to_owned(), detail }, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Mode;

    #[test]
    fn requests_and_answers_go_round_over_a_socket() {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = State::for_tests(Mode::Live, folder.path());
        thread::scope(|scope| {
            scope.spawn(|| converse(&theirs, rustix::process::getuid().as_raw(), &state).expect("answered"));
            let mut reader = BufReader::new(&ours);
            (&ours).write_all(b"{\"request\":\"answers\"}\n{\"request\":\"shell\"}\n").expect("sent");
            let mut line = String::new();
            reader.read_line(&mut line).expect("answer");
            assert!(matches!(serde_json::from_str(&line).expect("a response"), Response::Answers(_)));
            line.clear();
            reader.read_line(&mut line).expect("answer");
            let refused: Response = serde_json::from_str(&line).expect("a response");
            assert!(matches!(refused, Response::Refused { key, .. } if key == "request"));
            ours.shutdown(std::net::Shutdown::Write).expect("closed");
        });
    }

    #[test]
    fn a_request_that_cannot_be_read_is_not_quoted() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = State::for_tests(Mode::Live, folder.path());
        let line = "{\"request\":\"set-password\",\"password\":17,\"s3cret\":1}";
        let (Response::Refused { detail, .. }, None) = respond(line, &state) else { panic!("refused") };
        assert!(!detail.contains("s3cret"), "{detail}");
    }
}
