//! `mazet-post`: a guard over what members send.
//!
//! | command | runs as | does |
//! |---|---|---|
//! | `guard` | mazet-post, sandboxed | is asked by the mail server about each message that a member hands in (milter) |
//! | `check` | root | the health check of the manifest: was anybody stopped? |
//! | `allow` | root | lets somebody send again |
//! | `queue` | mazet-post | the operator's page about mail under way |
//! | `open` | mazet-post | the operator's page about being a full mail server |
//! | `trial` | mazet-post | takes port 25 for an hour, to see whether mail from outside comes |
//! | `fetch` | mazet-fetch, sandboxed | fetches mail from mailboxes elsewhere |
//! | `boxes` | mazet-post | the operator's page about these mailboxes |
//! | `act` | root | what the operator's pages offer |
//!
//! | module | subject |
//! |---|---|
//! | [`acts`] | what the operator's pages offer |
//! | [`author`] | whose address a message says that it is from |
//! | [`pace`] | how much one person may send |
//! | [`people`] | what the directory knows |
//! | [`fetch`] | mail from mailboxes elsewhere |
//! | [`guard`] | the talk with the mail server |
//! | [`open`] | being a full mail server: what it takes |
//! | [`queue`], [`journal`] | mail under way, what came back, what was refused |
//! | [`words`] | what servers say, in plain words |

mod acts;
mod author;
mod fetch;
mod guard;
mod journal;
mod open;
mod pace;
mod people;
mod queue;
mod run;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use mazet_model::report::Line;

use crate::pace::Limits;
use crate::people::People;

/// Role of the guard, and of the directory's owner, as whom root asks.
const GUARD: &str = "mazet-post";
const OWNER: &str = "mazet";
/// How long port 25 is tried.
const HOUR: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// What the box's mail has beside the mail servers.
#[derive(Debug, Parser)]
#[command(name = "mazet-post", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers the mail server about each message that a member hands in
    Guard {
        /// Socket that the mail server asks
        #[arg(long, value_name = "FILE", default_value = "/run/mazet-post/guard.sock")]
        socket: PathBuf,
        #[command(flatten)]
        limits: Limits,
    },
    /// Fails when somebody was stopped from sending
    Check,
    /// Writes the operator's page about mail under way
    Queue,
    /// Writes the operator's page about being a full mail server
    Open {
        #[command(flatten)]
        places: open::Places,
    },
    /// Takes port 25 until a message comes for an address that is made up for it
    Trial {
        #[command(flatten)]
        places: open::Places,
        /// Address and port that are listened at
        #[arg(long, value_name = "ADDRESS", default_value = "[::]:25")]
        at: std::net::SocketAddr,
    },
    /// Fetches mail from mailboxes elsewhere
    Fetch {
        #[command(flatten)]
        folders: fetch::Folders,
    },
    /// Writes the operator's page about mailboxes elsewhere
    Boxes {
        #[command(flatten)]
        folders: fetch::Folders,
        #[command(flatten)]
        places: open::Places,
    },
    /// Does what the operator's pages offer
    Act {
        /// `<act>` or `<act>:<row>`
        what: String,
    },
    /// Lets somebody send again who was stopped
    Allow {
        /// Login name
        login: String,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mazet-post: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("starting a runtime")?.block_on(async {
        match command {
            Command::Guard { socket, limits } => {
                guard::serve(socket, People::of(GUARD)?, limits.clone()).await
            }
            Command::Check => check(&People::of(OWNER)?).await,
            Command::Queue => print(&queue::lines(&People::of(GUARD)?).await?),
            Command::Open { places } => print(&open::lines(&People::of(GUARD)?, places).await?),
            Command::Trial { places, at } => try_out(places, *at).await,
            Command::Fetch { folders } => fetch::fetch(folders),
            Command::Boxes { folders, places } => {
                let host = open::Settings::read(&places.settings)?.host;
                print(&fetch::lines(&People::of(GUARD)?, folders, &host).await?)
            }
            Command::Act { what } => acts::act(&People::of(OWNER)?, what).await,
            Command::Allow { login } => allow(&People::of(OWNER)?, login).await,
        }
    })
}

/// Waits for a message from outside.
async fn try_out(places: &open::Places, at: std::net::SocketAddr) -> Result<()> {
    let settings = open::Settings::read(&places.settings)?;
    let host = settings.names.first().context("the box has no public name: add one to its certificates")?;
    let listener = tokio::net::TcpListener::bind(at).await.with_context(|| format!("listening at {at}"))?;
    let served = open::trial::serve(host, std::path::Path::new(open::trial::FILE), listener);
    // Nobody wrote: the page says so.
    tokio::time::timeout(HOUR, served).await.unwrap_or(Ok(()))
}

/// The lines of a report.
fn print(lines: &[Line]) -> Result<()> {
    for line in lines {
        println!("{}", serde_json::to_string(line).context("writing a line")?);
    }
    Ok(())
}

async fn check(people: &People) -> Result<()> {
    let stopped: Vec<String> = people.stops().await?.into_iter().map(|stop| stop.login).collect();
    if !stopped.is_empty() {
        bail!(
            "sent far more than a person does, and may send no mail until their passwords are new and \
             they are let write again on the page “Mail under way”: {}",
            stopped.join(", ")
        );
    }
    Ok(())
}

async fn allow(people: &People, login: &str) -> Result<()> {
    if !people.allow(login).await? {
        bail!("letting {login} send again: nobody of that login was stopped");
    }
    Ok(())
}
