//! `mazetd web` as systemd starts it: with sockets handed over, ended by SIGTERM.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Start the program with one socket as file descriptor 3 (sd_listen_fds(3)).
fn start(name: &str, socket: OwnedFd) -> Child {
    Command::new("sh")
        .args(["-c", "exec \"$0\" web 3<&0 </dev/null", env!("CARGO_BIN_EXE_mazetd")])
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", name)
        .stdin(socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mazetd starts")
}

/// End it as systemd does.
fn stop(child: Child) -> Output {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, Signal::TERM).expect("a signal sent");
    child.wait_with_output().expect("an end")
}

fn ask(mut stream: impl Read + Write, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: mazet.local\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn nginxs_socket_is_served_until_sigterm() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("web.sock");
    let child = start("web", UnixListener::bind(&path).expect("a socket").into());
    let connect = || UnixStream::connect(&path).expect("a connection");
    assert!(ask(connect(), "/robots.txt").starts_with("HTTP/1.1 200 OK"));
    // No broker here: a page says so, and the journal says why.
    let home = ask(connect(), "/");
    assert!(
        home.starts_with("HTTP/1.1 503 Service Unavailable") && home.contains("<html lang=\"fr\">"),
        "{home}"
    );
    let output = stop(child);
    assert!(output.status.success(), "{output:?}");
    let journal = String::from_utf8_lossy(&output.stderr);
    assert!(journal.contains("talking to the broker at /run/mazetd/broker.sock"), "{journal}");
}

#[test]
fn the_port_for_plain_http_is_known_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let child = start("http", listener.into());
    let answer = ask(TcpStream::connect(address).expect("a connection"), "/claim");
    assert!(answer.contains("location: https://mazet.local/claim"), "{answer}");
    assert!(stop(child).status.success());
}

#[test]
fn without_a_socket_it_says_how_it_is_started() {
    let output = Command::new(env!("CARGO_BIN_EXE_mazetd")).arg("web").output().expect("mazetd starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "mazetd: no socket was handed over: start mazetd web from its systemd socket unit\n"
    );
}
