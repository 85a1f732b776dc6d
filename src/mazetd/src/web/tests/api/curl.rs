//! The guide's own commands (docs/api.md), run as they stand there against the real server by curl.

use std::net::TcpListener;
use std::process::Output;

use tokio::sync::oneshot;

use super::super::connection::certificate;
use super::description::tool;
use super::*;
use crate::web::listen::Socket;
use crate::web::serve;

const GUIDE: &str = include_str!("../../../../../../docs/api.md");

/// The commands of the guide, one for each block of shell.
fn commands() -> Vec<&'static str> {
    GUIDE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A home whose curl finds the test's server under the box's name, and the password in `.netrc`.
fn home(folder: &std::path::Path, port: u16, password: &str) {
    let folder_name = folder.display();
    let config = format!("cacert = {folder_name}/cert.pem\nconnect-to = mazet.local:443:127.0.0.1:{port}\n");
    std::fs::write(folder.join(".curlrc"), config).unwrap();
    let netrc = format!("machine mazet.local login ada password {password}\n");
    std::fs::write(folder.join(".netrc"), netrc).unwrap();
}

#[tokio::test]
async fn the_guides_commands_run_as_they_stand_there() {
    let Some(site) = Installed::start().await else { return };
    if tool("curl", &["--version"]).is_none() {
        return;
    }
    let ada = site.operator().await;
    let owner = session(&site, &ada).await;
    let made = application_passwords::make_for_api(&site.directory, &owner, "Newsletter").await;
    let folder = tempfile::tempdir().unwrap();
    let (options, _) = certificate(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    home(folder.path(), listener.local_addr().unwrap().port(), made.unwrap().1.plain());
    let (stop, stopped) = oneshot::channel::<()>();
    let app = site.app();
    let server = tokio::spawn(async move {
        let sockets = vec![Socket::Https(listener)];
        serve::until(async move { drop(stopped.await) }, sockets, app, &options).await.unwrap();
    });
    let mut outputs = Vec::new();
    for command in commands() {
        let mut shell = tool("sh", &["-c", "true"]).unwrap();
        let home = folder.path().to_owned();
        let run = move || {
            let home = home.display();
            let script = format!("export HOME={home} CURL_HOME={home}; cd {home}; {command}");
            shell.args(["-euc", &script]).output().unwrap()
        };
        outputs.push((command, tokio::task::spawn_blocking(run).await.unwrap()));
    }
    stop.send(()).unwrap();
    server.await.unwrap();
    look(&outputs);
}

/// What the guide says comes of its commands.
fn look(outputs: &[(&str, Output)]) {
    let mut said = Vec::new();
    for (command, output) in outputs {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{text}\n{error}");
        said.push(text);
    }
    let expected = [
        "\"login\":\"ada\"",
        "\"invitation\":",
        "not-found",
        "\"version\":",
        "\"running\":",
        "\"diff\":",
        "\"administrator\":",
    ];
    assert_eq!(said.len(), expected.len(), "the guide has other commands: say here what comes of them");
    for (text, expected) in said.iter().zip(expected) {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}
