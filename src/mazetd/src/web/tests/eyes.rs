//! The site for a person's eyes: `cargo test -p mazetd -- --ignored --nocapture eyes`.

use std::net::TcpListener;

use super::broker::running;
use super::connection::Site;
use super::installed::{Installed, PASSWORD};
use super::*;
use crate::protocol::{Heard, Network};
use crate::trial::{Lapsed, Pending};
use crate::updates::{Updates, Waiting};
use crate::web::listen::Socket;

/// Serves the wizard on a free loopback port until interrupted; the installation moves at every look.
#[tokio::test]
#[ignore = "serves for ever, to be looked at with a browser"]
async fn eyes() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("https://{}/ with the code {CODE}", socket.local_addr().unwrap());
    let site = Site::start(vec![Socket::Https(socket)]);
    let installed = site.folder.path().join("installed.sock");
    println!("the installed box at {}", installed.display());
    let _installed =
        Site::start(vec![Socket::Web(std::os::unix::net::UnixListener::bind(&installed).unwrap())]);
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(500));
    loop {
        looks.tick().await;
        advance(&mut site.broker.state().progress);
    }
}

/// A little further, once somebody started the installation.
fn advance(progress: &mut crate::protocol::Progress) {
    let Some(stage) = progress.stages.iter_mut().find(|stage| !stage.done) else {
        progress.finished = !progress.stages.is_empty();
        return;
    };
    stage.percent = (stage.percent + 5).min(100);
    stage.done = stage.percent == 100;
    debug_assert_eq!(progress.stages.len(), running().stages.len());
}

/// Serves an installed box with two organisations on a free loopback port until interrupted:
/// `ada` answers for it, `lea` manages the second organisation, `noe` is a member of it.
#[tokio::test]
#[ignore = "serves for ever, to be looked at with a browser"]
async fn eyes_installed() {
    let site = Installed::start().await.expect("PostgreSQL");
    let organisation = site.organisation("Les Jardiniers", "jardin.example.org").await;
    site.person(organisation, "lea", &[mazet_directory::Role::Manager]).await;
    site.person(organisation, "noe", &[]).await;
    furnish(&mut site.broker.state());
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("https://{}/ for ada, lea, noe: {PASSWORD}", socket.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (options, _) = super::connection::certificate(folder.path());
    let stopped = std::future::pending::<()>();
    crate::web::serve::until(stopped, vec![Socket::Https(socket)], site.app(), &options).await.unwrap();
}

/// Something to see on every page of the machine.
fn furnish(state: &mut super::broker::State) {
    state.comparison.report = Some(super::machine::report());
    state.health.findings = super::machine::findings();
    let waiting = Some(Waiting { packages: 3, security: 1 });
    state.updates =
        Updates { installed: Some(1_790_000_000), listed: Some(1_790_000_000), waiting, restart: true };
    state.trial.pending =
        Some(Pending { hosts: vec!["192.168.1.10".to_owned(), "mazet.local".to_owned()], going_back: false });
    state.trial.lapsed = Some(Lapsed { at: 1_790_000_000, hosts: vec!["192.168.1.11".to_owned()] });
    let network = |ssid: &str, signal, secured| Network { ssid: ssid.to_owned(), signal, secured };
    state.heard = Heard { networks: vec![network("Les Amis", -50, true), network("Gare", -80, false)] };
}
