//! `mazetd mail`: the mail relay, and the box's own messages.

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use mazet_directory::outbox::{self, Message};
use mazet_directory::{Actor, Directory};
use mazet_model::settings::{Relay, Security, Settings};

use super::secret::Much;
use super::{InWords as _, Refused, invitations, person, print, secret, settings, with};
use crate::acts::machine::of_relay;
use crate::run::Runner;
use crate::web::api::mail::Mail as Shown;
use crate::{mail, system};

/// Messages that are listed.
const COUNT: u32 = 100;

/// What `mazetd mail` does.
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// Prints the mail relay, and whether a password is kept for it
    Show {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Has the box's messages taken by this server
    Relay(NewRelay),
    /// Has the box send nothing any more
    NoRelay {
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Keeps the password of the mail relay, read from standard input; an empty one is forgotten
    Password,
    /// Sends a test message to somebody's mail address; `mazetd mail messages` tells how that went
    Test {
        /// Login name
        login: String,
    },
    /// The box's latest messages, without what they say
    Messages {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Clears the messages that did not go out
    Clear,
    /// Sends the box's messages that are due (the work of mazet-mail.service)
    Send,
    /// Looks whether messages are late or were given up
    Check,
}

/// What `mazetd mail relay` is told.
#[derive(Debug, Args)]
pub struct NewRelay {
    /// Name of the server
    host: String,
    /// Address that the box's messages come from
    #[arg(long, value_name = "ADDRESS")]
    sender: String,
    /// How the way there is kept secret
    #[arg(long, value_name = "HOW", default_value = "tls")]
    security: Way,
    /// Its port; the usual one where it is not given
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Login on the server; without it, the server asks for none
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Change nothing, show what would change
    #[arg(long)]
    dry_run: bool,
}

/// How the way to the relay is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// TLS from the first byte, port 465
    Tls,
    /// TLS after a greeting, port 587
    Starttls,
    /// Not at all, for a server on the box itself, port 25
    NoneOnLoopback,
}

impl Way {
    /// Its word in the settings, and the usual port.
    fn usual(self) -> (Security, u16) {
        match self {
            Self::Tls => (Security::Tls, 465),
            Self::Starttls => (Security::Starttls, 587),
            Self::NoneOnLoopback => (Security::NoneOnLoopback, 25),
        }
    }
}

/// Does it.
///
/// # Errors
/// What cannot be taken, or when settings or database cannot be read, or the check finds something.
pub fn run(command: &Mail, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match command {
        Mail::Show { json } => show(root, *json),
        Mail::Relay(new) => {
            let relay = relay(new);
            Refused::none(&of_relay(&relay))?;
            put(root, Some(relay), new.dry_run, runner)
        }
        Mail::NoRelay { dry_run } => put(root, None, *dry_run, runner),
        Mail::Password => {
            let password = secret::read(
                "Password of the mail relay; an empty line forgets the one that is kept",
                Much::Line,
            )?;
            mail::keep_password(root, &password)?;
            mail::start(runner)
        }
        Mail::Send => mail::send(),
        Mail::Check => mail::check(),
        Mail::Test { .. } | Mail::Messages { .. } | Mail::Clear => {
            with(async |directory: &Directory| act(directory, command).await)
        }
    }
}

/// What concerns the messages alone.
pub(super) async fn act(directory: &Directory, command: &Mail) -> Result<()> {
    let root = Actor::system();
    match command {
        Mail::Test { login } => {
            let writer = invitations::writer()?;
            let id = person(directory, login).await?;
            outbox::test(directory, &root, id, |to| writer.test(to)).await.in_words()?;
            invitations::post();
        }
        Mail::Messages { json } => list(&outbox::list(directory, &root, COUNT).await?, *json)?,
        Mail::Clear => outbox::clear(directory, &root).await?,
        // Done by the caller.
        _ => {}
    }
    Ok(())
}

fn relay(new: &NewRelay) -> Relay {
    let (security, usual) = new.security.usual();
    Relay {
        host: new.host.to_lowercase(),
        port: new.port.unwrap_or(usual),
        security,
        user: new.user.clone(),
        sender: new.sender.clone(),
    }
}

fn put(root: &Path, relay: Option<Relay>, dry_run: bool, runner: &Runner) -> Result<()> {
    let mut wished: Settings = system::settings(root)?;
    let asks = relay.as_ref().is_some_and(|relay| relay.user.is_some());
    wished.mail.relay = relay;
    settings::put(root, (&wished, None), dry_run, runner)?;
    if asks && !dry_run && !mail::has_password(root) {
        eprintln!("no password is kept for the relay yet: `mazetd mail password` reads it");
    }
    Ok(())
}

fn show(root: &Path, json: bool) -> Result<()> {
    let relay = system::settings(root)?.mail.relay;
    let password_kept = mail::has_password(root);
    if json {
        return print(&Shown { relay, password_kept });
    }
    match relay {
        None => println!("no relay: the box sends nothing"),
        Some(relay) => print!("{}", toml::to_string(&relay)?),
    }
    println!("{}", if password_kept { "a password is kept" } else { "no password is kept" });
    Ok(())
}

fn list(messages: &[Message], json: bool) -> Result<()> {
    if json {
        return print(&messages);
    }
    for one in messages {
        let shown = serde_json::to_value(one)?;
        let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
        let words = ["created_at", "kind", "recipient", "state", "answer"].map(text);
        println!("{}\t{}", one.id, words.join("\t"));
    }
    Ok(())
}
