//! `mazetd web`: the unprivileged half, which is all that a browser ever talks to.
//!
//! | module | subject |
//! |---|---|
//! | [`listen`] | the sockets that systemd hands over |
//! | [`serve`], [`seats`] | connections: TLS, limits, time-outs, a clean end |
//! | [`routes`], [`site`] | every path of the wizard, of the installed box, and who may see it |
//! | [`guard`] | the wall, headers, time-outs |
//! | [`access`] | what the front web server asks before it answers |
//! | [`session`], [`token`], [`form`] | who is behind a request, and whether they meant it |
//! | [`member`], [`stranger`] | the same on the installed box: signed in, or not |
//! | [`broker`], [`handed`], [`resolver`] | asking the root half, also for open files, and where names lead |
//! | [`catalogue`], [`language`], [`dates`], [`numbers`], [`letters`] | how it is said |
//! | [`pages`], [`templates`], [`navigation`], [`assets`], [`download`] | what is shown |
//! | [`claim`], [`steps`], [`install`] | the wizard's pages |
//! | [`wireless`] | the form for a Wi-Fi network, of both |
//! | [`home`], [`account`], [`people`], [`machine`], [`websites`], [`authority`] | those of the installed box |
//! | [`api`] | the same acts as JSON |
//!
//! It holds no privilege, no secret but the sessions and (in the live system) the TLS key, and
//! decides nothing that the broker does not check again.

mod access;
mod account;
mod agent;
pub mod api;
mod app;
mod assets;
mod authority;
mod broker;
pub mod catalogue;
mod claim;
mod dates;
mod download;
mod failure;
mod form;
mod guard;
mod handed;
mod home;
mod install;
mod language;
pub mod letters;
mod listen;
mod machine;
mod member;
mod navigation;
mod next;
mod numbers;
mod pages;
mod password;
mod people;
pub mod resolver;
mod routes;
mod said;
mod seats;
mod serve;
mod session;
mod site;
mod steps;
mod stranger;
mod templates;
#[cfg(test)]
mod tests;
mod token;
mod websites;
mod wireless;

use std::path::PathBuf;

use anyhow::Context;
use mazet_directory::Directory;
use tokio::signal::unix::{SignalKind, signal};

use crate::protocol::Mode;

/// What `mazetd web` is told on its command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The broker's socket.
    pub broker: PathBuf,
    /// Certificate chain, PEM; read only when a TLS socket is handed over.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            broker: crate::protocol::SOCKET.into(),
            certificate: "/run/mazet/tls/cert.pem".into(),
            key: "/run/mazet/tls/key.pem".into(),
        }
    }
}

/// Serve until SIGTERM; requests under way are finished first.
///
/// # Errors
/// No socket was handed over, the certificate cannot be loaded, or the runtime cannot start.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the web server's runtime")?;
    runtime.block_on(async {
        let sockets = listen::from_systemd()?;
        let mode = listen::mode(&sockets);
        // Nothing is connected before the first question: PostgreSQL may start later than this.
        let directory = (mode == Mode::Installed).then(Directory::of_box).transpose()?;
        let app = app::App::new(&options.broker, mode, directory)?;
        let mut terminated = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let stopped = async move {
            terminated.recv().await;
        };
        serve::until(stopped, sockets, app, options).await
    })
}
