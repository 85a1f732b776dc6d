//! `mazet-post`: a guard over what members send.
//!
//! | command | runs as | does |
//! |---|---|---|
//! | `guard` | mazet-post, sandboxed | is asked by the mail server about each message that a member hands in (milter) |
//! | `check` | root | the health check of the manifest: was anybody stopped? |
//! | `allow` | root | lets somebody send again |
//!
//! | module | subject |
//! |---|---|
//! | [`author`] | whose address a message says that it is from |
//! | [`pace`] | how much one person may send |
//! | [`people`] | what the directory knows |
//! | [`guard`] | the talk with the mail server |

mod author;
mod guard;
mod pace;
mod people;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};

use crate::pace::Limits;
use crate::people::People;

/// Role of the guard, and of the directory's owner, as whom root asks.
const GUARD: &str = "mazet-post";
const OWNER: &str = "mazet";

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
            Command::Allow { login } => allow(&People::of(OWNER)?, login).await,
        }
    })
}

async fn check(people: &People) -> Result<()> {
    let stopped = people.stopped().await?;
    if !stopped.is_empty() {
        bail!(
            "sent far more than a person does, and may send no mail until their passwords are new and \
             `mazet-post allow LOGIN` was run: {}",
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
