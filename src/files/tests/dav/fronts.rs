//! Behind both front web servers, as the box's own templates and the service's manifest describe them.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mazet_files::serve;
use mazet_files::testing::{PASSWORD, TestBox, test_box};
use mazet_model::manifest::Manifest;
use mazet_model::settings::Settings;
use mazet_model::{context, template, vhosts};
use rustix::process::{Pid, Signal, kill_process};

use super::{litmus, server};

/// Service, template, and the command that takes the configuration's path at its end.
type Front = (&'static str, &'static str, &'static [&'static str]);
const FRONTS: [Front; 2] = [
    ("nginx", "nginx.conf.hbs", &["/usr/sbin/nginx", "-g", "daemon off;", "-c"]),
    ("apache", "apache2.conf.hbs", &["/usr/sbin/apache2", "-DFOREGROUND", "-f"]),
];

/// The words that enter the test tree, one a line; empty where the host's programs are used.
fn prefix() -> String {
    std::env::var(mazet_database::testing::PREFIX).unwrap_or_default()
}

/// A program of the test tree, or of the host.
fn program(words: &[&str]) -> Command {
    let prefix = prefix();
    let all: Vec<&str> = prefix.lines().chain(words.iter().copied()).collect();
    let mut command = Command::new(all[0]);
    command.args(&all[1..]);
    command
}

/// A front web server at work.
struct Running {
    child: Child,
    http: u16,
    https: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends its workers. What enters a tree heeds no other signal than KILL, and all inside ends with it.
        let signal = if prefix().is_empty() { Signal::TERM } else { Signal::KILL };
        if let Some(pid) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default()) {
            let _ = kill_process(pid, signal);
        }
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// The files behind a socket, and the folder of the front web servers.
fn lay_out(home: &TestBox) -> (PathBuf, Manifest) {
    let folder = home.folder.join("front");
    for path in ["mazet/tls", "nginx", "apache"] {
        fs::create_dir_all(folder.join(path)).expect("made");
    }
    // The servers give up root's rights, if they have them.
    fs::set_permissions(&home.folder, Permissions::from_mode(0o755)).expect("set");
    let socket = folder.join("files.sock");
    let listener = serve::bind(&socket, None).expect("a socket");
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("set");
    tokio::spawn(serve::until(std::future::pending(), listener, server::router(home)));
    let words =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
    let mut openssl = program(&words.split(' ').collect::<Vec<_>>());
    openssl
        .arg("-keyout")
        .arg(folder.join("mazet/tls/key.pem"))
        .arg("-out")
        .arg(folder.join("mazet/tls/cert.pem"));
    assert!(openssl.stderr(Stdio::null()).status().expect("openssl").success());
    let text = include_str!("../../../../recipes/services/files.toml");
    let text = text.replace("/run/mazet-files/files.sock", &socket.display().to_string());
    let mut manifest = Manifest::parse(&text).expect("a manifest");
    // In this test, not on a box: passwords are said there.
    manifest.vhosts.iter_mut().filter(|vhost| vhost.location == "/dav/").for_each(|vhost| vhost.plain = true);
    (folder, manifest)
}

/// Starts one of them from the box's own template.
async fn start(folder: &Path, manifest: &Manifest, (service, source, command): Front) -> Running {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays").join(service).join(source);
    let source = fs::read_to_string(source).expect("a template");
    let (http, https) = (free_port(), free_port());
    let mut values = context::context(&Settings::live(), std::slice::from_ref(manifest), false);
    values["front"] = vhosts::trial(http, https, &folder.display().to_string(), "127.0.0.1:9");
    values["data"] = folder.display().to_string().into();
    // No client here speaks HTTP/2, and nginx before 1.25 knows no such line.
    let text = template::render(&source, &values).expect("rendered").replace("http2 on;", "");
    let configuration = folder.join(format!("{service}.conf"));
    fs::write(&configuration, text).expect("written");
    let log = fs::File::create(folder.join(format!("{service}.log"))).expect("a log");
    let mut server = program(command);
    server.arg(&configuration).stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
    let mut running = Running { child: server.spawn().expect("started"), http, https };
    // Nothing tells when it listens.
    while tokio::net::TcpStream::connect(("127.0.0.1", https)).await.is_err() {
        let ended = running.child.try_wait().expect("watched");
        let said = || fs::read_to_string(folder.join(format!("{service}.log"))).unwrap_or_default();
        assert!(ended.is_none(), "{service} ended: {}", said());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    running
}

/// What curl gets: body and status.
async fn curl(words: &[&str]) -> String {
    let fixed = ["curl", "--silent", "--insecure", "--noproxy", "*", "--write-out", " %{http_code}"];
    let mut command = tokio::process::Command::from(program(&[&fixed, words].concat()));
    let output = command.output().await.expect("curl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn all_of_litmus_passes_behind_both_front_web_servers() {
    let Some(home) = test_box().await else { return };
    let password = home.application_password("zoe").await;
    let (folder, manifest) = lay_out(&home);
    for front in FRONTS {
        let running = start(&folder, &manifest, front).await;
        let url = |suite: &str| match suite {
            // It leaves out a test where the connection is encrypted.
            "http" => format!("http://127.0.0.1:{}/dav/", running.http),
            _ => format!("https://127.0.0.1:{}/dav/", running.https),
        };
        litmus::passes(url, "zoe", &password).await;
        nobody_is_believed(running.https).await;
        a_body_passes_while_it_comes(&home, running.https).await;
    }
}

/// The header by which the front web server says who asks is nobody else's.
async fn nobody_is_believed(https: u16) {
    for path in ["/dav/", "/files/", "/ocs/v1.php/cloud/user"] {
        let url = format!("https://127.0.0.1:{https}{path}");
        let said = curl(&["--header", "Mazet-Person: zoe", "--output", "/dev/null", &url]).await;
        let refused = [" 401", " 403", " 404", " 500", " 502", " 503"].contains(&said.as_str());
        assert!(refused, "{path}: {said}");
    }
}

/// 40 MB, without a length that is said before: no buffer of a front web server's own, no limit.
async fn a_body_passes_while_it_comes(home: &TestBox, https: u16) {
    let file = home.folder.join("large");
    fs::write(&file, vec![7; 40_000_000]).expect("written");
    let (user, url) = (format!("zoe:{PASSWORD}"), format!("https://127.0.0.1:{https}/dav/large"));
    let upload = file.display().to_string();
    let chunked = ["--http1.1", "--header", "Transfer-Encoding: chunked", "--user", &user, "--upload-file"];
    let said = curl(&[&chunked[..], &[&upload, &url]].concat()).await;
    assert!([" 201", " 204"].contains(&said.as_str()), "{said}");
    let got = home.folder.join("got");
    let output = got.display().to_string();
    assert_eq!(curl(&["--user", &user, "--output", &output, &url]).await, " 200");
    assert!(fs::read(&file).expect("read") == fs::read(&got).expect("read"));
}
