//! Both front web servers, as the box's own templates and the service's manifest describe them.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use mazet_database::testing::{is_host, program};
use mazet_model::manifest::Manifest;
use mazet_model::settings::Settings;
use mazet_model::{context, template, vhosts};
use rustix::process::{Pid, Signal, kill_process};

use super::TestBox;

/// Service, template, and the command that takes the configuration's path at its end.
pub type Kind = (&'static str, &'static str, &'static [&'static str]);
/// nginx.
pub const NGINX: Kind = ("nginx", "nginx.conf.hbs", &["/usr/sbin/nginx", "-g", "daemon off;", "-c"]);
/// Apache.
pub const APACHE: Kind = ("apache", "apache2.conf.hbs", &["/usr/sbin/apache2", "-DFOREGROUND", "-f"]);
/// Where the manifest of the files says that they answer.
const SOCKET: &str = "/run/mazet-files/files.sock";

/// What front web servers are started with.
pub struct Fronts {
    folder: PathBuf,
    /// The files' manifest, with the socket of the test.
    pub manifest: Manifest,
}

/// A server at work, with all that it started; it ends with this.
pub struct Running {
    child: Child,
}

/// A front web server at work.
pub struct Front {
    _running: Running,
    /// Port of HTTP.
    pub http: u16,
    /// Port of HTTPS.
    pub https: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends its workers. What enters a tree heeds no other signal than KILL, and all inside ends with it.
        let signal = if is_host() { Signal::TERM } else { Signal::KILL };
        if let Some(pid) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default()) {
            let _ = kill_process(pid, signal);
        }
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a server of the test tree, and waits until it listens at `port`.
    ///
    /// # Panics
    /// With what it said, when it ends before.
    pub async fn start(words: &[&str], log: &Path, port: u16) -> Self {
        let file = fs::File::create(log).expect("a log");
        let mut server = program(words);
        server.stdin(Stdio::null()).stdout(file.try_clone().expect("a log")).stderr(file);
        let mut running = Self { child: server.spawn().expect("started") };
        // Nothing tells when it listens.
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = running.child.try_wait().expect("watched");
            assert!(ended.is_none(), "it ended: {}", fs::read_to_string(log).unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        running
    }
}

/// A port of the loopback interface that nobody listens at.
///
/// # Panics
/// Where all are taken.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

impl Fronts {
    /// Front web servers for a box whose files answer at `socket`.
    ///
    /// # Panics
    /// When their folders and certificate cannot be made.
    pub fn lay_out(home: &TestBox, socket: &Path) -> Self {
        let folder = home.folder.join("front");
        for path in ["mazet/tls", "nginx", "apache"] {
            fs::create_dir_all(folder.join(path)).expect("made");
        }
        // The servers give up root's rights, if they have them.
        fs::set_permissions(&home.folder, Permissions::from_mode(0o755)).expect("set");
        fs::set_permissions(socket, Permissions::from_mode(0o666)).expect("set");
        certify(&folder);
        let text = include_str!("../../../../recipes/services/files.toml");
        let text = text.replace(SOCKET, &socket.display().to_string());
        let mut manifest = Manifest::parse(&text).expect("a manifest");
        // In this test, not on a box: passwords are said there.
        manifest
            .vhosts
            .iter_mut()
            .filter(|vhost| vhost.location == "/dav/")
            .for_each(|vhost| vhost.plain = true);
        Self { folder, manifest }
    }

    /// The certificate that they show, for `localhost` and 127.0.0.1.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("mazet/tls/cert.pem")
    }

    /// Starts one of them from the box's own template.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&self, (service, source, command): Kind) -> Front {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays").join(service).join(source);
        let source = fs::read_to_string(source).expect("a template");
        let (http, https) = (free_port(), free_port());
        let mut values = context::context(&Settings::live(), std::slice::from_ref(&self.manifest), false);
        values["front"] = vhosts::trial(http, https, &self.folder.display().to_string(), "127.0.0.1:9");
        values["data"] = self.folder.display().to_string().into();
        // No client here speaks HTTP/2, and nginx before 1.25 knows no such line.
        let text = template::render(&source, &values).expect("rendered").replace("http2 on;", "");
        let configuration = self.folder.join(format!("{service}.conf")).display().to_string();
        fs::write(&configuration, text).expect("written");
        let words = [command, &[configuration.as_str()]].concat();
        let running = Running::start(&words, &self.folder.join(format!("{service}.log")), https).await;
        Front { _running: running, http, https }
    }
}

fn certify(folder: &Path) {
    let words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
                 -addext subjectAltName=DNS:localhost,IP:127.0.0.1";
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut openssl = program(&words);
    openssl.arg("-keyout").arg(folder.join("mazet/tls/key.pem"));
    openssl.arg("-out").arg(folder.join("mazet/tls/cert.pem"));
    assert!(openssl.stderr(Stdio::null()).status().expect("openssl").success());
}
