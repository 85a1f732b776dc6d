//! The talk with the mail server (milter protocol, version 6): each message that a member hands in.
//!
//! Nobody who did not sign in is looked at: their mail is other rules' business. When the directory does not
//! answer, the program that sends is asked to come again.

use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use indymilter::{Callbacks, Config, Context, EomContext, Macros, SetErrorReply, Status};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::author;
use crate::pace::{Limits, Pace, Verdict};
use crate::people::People;

/// Connections at a time: more than the mail server has processes.
const CONNECTIONS: usize = 120;

/// What the mail server's users are told.
const STOPPED: &str = "Too much mail was sent with your password: ask the operator of the box, and change it";
const WAIT: &str = "You write to too many people at once: the rest may go in a while";
const NOT_YOURS: &str = "The address in the line From is not yours";
const UNREADABLE: &str = "The line From must be there once, with plain addresses";

/// What is known of the message that comes in.
#[derive(Debug, Default)]
struct Letter {
    /// Who hands it in.
    login: String,
    /// Addresses that it says to be from; none: a line that cannot be read.
    authors: Option<Vec<String>>,
    /// Lines `From`.
    lines: u32,
}

/// The guard's knowledge.
#[derive(Debug)]
struct Guard {
    people: People,
    pace: Mutex<Pace>,
}

/// Answers until systemd says to end.
///
/// # Errors
/// When the socket cannot be made.
pub async fn serve(socket: &Path, people: People, limits: Limits) -> Result<()> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing {}", socket.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(socket).with_context(|| format!("listening at {}", socket.display()))?;
    let guard = Arc::new(Guard { people, pace: Mutex::new(Pace::new(limits)) });
    let mut end = signal(SignalKind::terminate()).context("waiting for the end")?;
    let config = Config { max_connections: CONNECTIONS, ..Config::default() };
    indymilter::run(listener, callbacks(&guard), config, end.recv())
        .await
        .context("answering the mail server")
}

fn callbacks(guard: &Arc<Guard>) -> Callbacks<Letter> {
    let (begins, counts, ends) = (Arc::clone(guard), Arc::clone(guard), Arc::clone(guard));
    Callbacks::new()
        .on_mail(move |context, _| {
            let guard = Arc::clone(&begins);
            Box::pin(async move { guard.begins(context).await })
        })
        .on_rcpt(move |context, _| {
            let guard = Arc::clone(&counts);
            Box::pin(async move { guard.counts(context).await })
        })
        .on_header(|context, name, value| Box::pin(async move { notes(context, &name, &value) }))
        .on_eom(move |context| {
            let guard = Arc::clone(&ends);
            Box::pin(async move { guard.ends(context).await })
        })
}

impl Guard {
    async fn begins(&self, context: &mut Context<Letter>) -> Status {
        let Some(login) = named(&context.macros, c"{auth_authen}") else { return Status::Accept };
        let stopped = self.people.is_stopped(&login).await;
        context.data = Some(Letter { login, authors: Some(Vec::new()), lines: 0 });
        match stopped {
            Ok(false) => Status::Continue,
            Ok(true) => refuse(&mut context.reply, ("550", "5.7.1"), STOPPED),
            Err(error) => later(&error),
        }
    }

    async fn counts(&self, context: &mut Context<Letter>) -> Status {
        let Some(letter) = &context.data else { return Status::Continue };
        let login = letter.login.clone();
        let verdict =
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).recipient(&login, Instant::now());
        match verdict {
            Verdict::Fine => Status::Continue,
            Verdict::Wait => refuse(&mut context.reply, ("452", "4.7.1"), WAIT),
            Verdict::Stop => {
                eprintln!("<3>{login} sends far more than a person does, and is stopped");
                if let Err(error) = self.people.stop(&login).await {
                    return later(&error);
                }
                self.pace.lock().unwrap_or_else(PoisonError::into_inner).forget(&login);
                refuse(&mut context.reply, ("550", "5.7.1"), STOPPED)
            }
        }
    }

    async fn ends(&self, context: &mut EomContext<Letter>) -> Status {
        let host = named(&context.macros, c"j").unwrap_or_default();
        let Some(letter) = context.data.take() else { return Status::Continue };
        let Some(authors) = letter.authors.filter(|_| letter.lines <= 1) else {
            return refuse(&mut context.reply, ("550", "5.7.1"), UNREADABLE);
        };
        for author in authors {
            match self.people.owns(&letter.login, &author, &host).await {
                Ok(true) => {}
                Ok(false) => return refuse(&mut context.reply, ("550", "5.7.1"), NOT_YOURS),
                Err(error) => return later(&error),
            }
        }
        Status::Accept
    }
}

/// Notes whom a message says that it is from.
fn notes(context: &mut Context<Letter>, name: &CString, value: &CString) -> Status {
    let Some(letter) = &mut context.data else { return Status::Continue };
    let from = name.as_bytes().eq_ignore_ascii_case(b"from");
    if from || name.as_bytes().eq_ignore_ascii_case(b"sender") {
        letter.lines += u32::from(from);
        let found = author::addresses(value.as_bytes());
        letter.authors = letter.authors.take().zip(found).map(|(known, found)| [known, found].concat());
    }
    Status::Continue
}

fn named(macros: &Macros, name: &std::ffi::CStr) -> Option<String> {
    macros.get(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

fn refuse(reply: &mut impl SetErrorReply, (code, class): (&str, &str), text: &str) -> Status {
    if let Err(error) = reply.set_error_reply(code, Some(class), [text]) {
        eprintln!("<3>answering the mail server: {error}");
    }
    if code.starts_with('4') { Status::Tempfail } else { Status::Reject }
}

/// The directory does not answer.
fn later(error: &anyhow::Error) -> Status {
    eprintln!("<3>{error:#}");
    Status::Tempfail
}
