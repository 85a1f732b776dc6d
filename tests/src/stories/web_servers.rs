//! Both front web servers, from the box's own templates, before the same services: they answer alike.
//!
//! No box is booted: the servers of the test tree are those of the release.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mazet_model::manifest::Manifest;
use mazet_model::settings::Settings;
use mazet_model::{context, template, vhosts};

use crate::lab::Bench;
use crate::standin::Standins;

/// What curl is told, and what its answer must begin with in both.
type Case = (&'static str, &'static [&'static str]);

/// Upload of 20 MB where 16 MiB are the limit.
const LARGE: usize = 20_000_000;
/// Upload of 100 MB.
const HUGE: usize = 100_000_000;

const CASES: [Case; 39] = [
    ("HTTP/2 200", &["@/other/"]),
    ("HTTP/2 200", &["@/"]),
    ("HTTP/1.1 200", &["--http1.1", "@/a?b=c%20d"]),
    ("HTTP/2 404", &["@/missing"]),
    ("HTTP/2 200", &["@/framed"]),
    ("HTTP/2 200", &["@/static/"]),
    ("HTTP/2 301", &["@/static"]),
    ("HTTP/2 200", &["-d", "<x/>", "@/settings/file.xml"]),
    ("HTTP/2 404", &["@/static/.hidden"]),
    ("HTTP/2 404", &["@/static/nothing"]),
    ("HTTP/2 403", &["@/static/secret/x"]),
    ("HTTP/2 301", &["@/dav?x"]),
    ("HTTP/2 200", &["-H", "Host: www.amis.example.org", "@/"]),
    ("HTTP/2 200", &["-H", "Host: unknown.example", "@/"]),
    // Nobody is believed who they say they are.
    (
        "HTTP/2 200",
        &[
            "-H",
            "Mazet-Person: root",
            "-H",
            "Mazet_Person: root",
            "-H",
            "X-Forwarded-For: 1.2.3.4",
            "-H",
            "X-Forwarded-Proto: gopher",
            "-H",
            "X-Forwarded-Host: evil",
            "-H",
            "X-Real-IP: 9",
            "-H",
            "Forwarded: for=1",
            "-H",
            "Proxy: evil",
            "@/",
        ],
    ),
    ("HTTP/2 200", &["-H", "Mazet-Person: root", "-H", "Cookie: person=ada", "@/members/a?b=c"]),
    // Who may what.
    ("HTTP/2 302", &["-H", "Accept: text/html", "@/members/"]),
    ("HTTP/2 401", &["@/members/"]),
    ("HTTP/2 200", &["-H", "Cookie: person=bob", "@/members/"]),
    ("HTTP/2 403", &["-H", "Cookie: person=bob", "@/admin/"]),
    ("HTTP/2 200", &["-H", "Cookie: person=ada", "@/admin/"]),
    // Whose a path is, and that nobody's is nobody's.
    ("HTTP/2 200", &["-H", "Cookie: person=bob", "@/shared/bob/"]),
    ("HTTP/2 200", &["-H", "Cookie: person=bob", "@/shared/all/"]),
    // The same page, written otherwise.
    ("HTTP/2 401", &["@/%61dmin/"]),
    ("HTTP/2 401", &["@//admin/"]),
    ("HTTP/2 401", &["@/./admin/"]),
    ("HTTP/2 400", &["@/static/../admin/"]),
    ("HTTP/2 400", &["@/static/..%2fadmin/"]),
    ("HTTP/2 400", &["@/%2e%2e/admin/"]),
    ("HTTP/2 400", &["@/x%2F..%2Fadmin/"]),
    ("HTTP/2 400", &["@/x\\..\\admin/"]),
    ("HTTP/2 200", &["@/a..b/...c?d=/../"]),
    ("HTTP/2 200", &["@/dav/a%2Fb%20c%3F"]),
    // WebDAV.
    ("HTTP/2 200", &["-X", "PROPFIND", "-H", "Depth: 1", "-d", "<x/>", "@/dav/x"]),
    ("HTTP/2 200", &["-X", "MOVE", "-H", "Destination: https://mazet.local/dav/y%20z", "@/dav/x"]),
    ("HTTP/2 200", &["-X", "MKCOL", "@/dav/x/"]),
    ("HTTP/2 200", &["-X", "LOCK", "-H", "If: (<opaquelocktoken:1>)", "-H", "Lock-Token: <a>", "@/dav/x"]),
    ("HTTP/1.1 413", &["--http1.1", "-T", "LARGE", "@/upload"]),
    ("HTTP/2 200", &["-T", "HUGE", "@/dav/huge"]),
];

/// Every case under each server: the expected status, and otherwise the same answer.
pub fn agree(bench: &Bench) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("mazet-web-").tempdir().context("making a folder")?;
    let site = Site::lay_out(bench, folder.path())?;
    let servers = [
        site.start("nginx", "nginx.conf.hbs", &["nginx", "-g", "daemon off;", "-c"])?,
        site.start("apache", "apache2.conf.hbs", &["apache2", "-DFOREGROUND", "-f"])?,
    ];
    let mut faults = Vec::new();
    for (expected, words) in CASES {
        let answers: Vec<String> =
            servers.iter().map(|server| site.ask(server, words)).collect::<Result<_>>()?;
        if !answers[0].starts_with(expected) || answers[0] != answers[1] {
            faults.push(format!("{words:?}: not {expected}, or not alike\n{}\n{}", answers[0], answers[1]));
        }
    }
    for server in &servers {
        site.redirects(server)?;
        site.answers_plainly(server)?;
        site.streams(server)?;
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    eprintln!("  {} requests answered alike by both servers", CASES.len());
    Ok(())
}

/// A server at work; ended when dropped.
struct Server {
    child: Child,
    http: u16,
    https: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // What ends the sandbox ends all that runs in it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What both servers serve.
struct Site<'b> {
    bench: &'b Bench,
    folder: &'b Path,
    standins: Standins,
    manifest: Manifest,
}

impl<'b> Site<'b> {
    fn lay_out(bench: &'b Bench, folder: &'b Path) -> Result<Self> {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        let standins = Standins::start(folder)?;
        for path in ["static", "settings", "amis", "mazet/tls", "challenges"] {
            fs::create_dir_all(folder.join(path))?;
        }
        fs::write(folder.join("static/index.html"), "static page\n")?;
        fs::write(folder.join("settings/file.xml"), "<settings/>\n")?;
        fs::write(folder.join("static/.hidden"), "hidden\n")?;
        fs::write(folder.join("challenges/token"), "what the authority asks for\n")?;
        fs::write(folder.join("challenges/.hidden"), "hidden\n")?;
        fs::write(folder.join("amis/index.html"), "the friends' page\n")?;
        fs::write(folder.join("LARGE"), vec![0; LARGE])?;
        fs::write(folder.join("HUGE"), vec![0; HUGE])?;
        let (key, certificate) = (folder.join("mazet/tls/key.pem"), folder.join("mazet/tls/cert.pem"));
        let words = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
             -keyout {} -out {}",
            key.display(),
            certificate.display()
        );
        bench.lab.test_tree.output("openssl", &words.split(' ').collect::<Vec<_>>())?;
        let manifest = Manifest::parse(&manifest(folder, &standins)).context("describing the site")?;
        Ok(Self { bench, folder, standins, manifest })
    }

    /// Renders the box's template of `service` and starts the server in the test tree.
    fn start(&self, service: &str, source: &str, command: &[&str]) -> Result<Server> {
        let overlays = Path::new(env!("CARGO_MANIFEST_DIR")).join("../overlays");
        let source = fs::read_to_string(overlays.join(service).join(source))?;
        let (http, https) = (free_port()?, free_port()?);
        let mut context = context::context(&Settings::live(), std::slice::from_ref(&self.manifest), false);
        let access = format!("127.0.0.1:{}", self.standins.access);
        context["front"] = vhosts::trial(http, https, &self.folder.display().to_string(), &access);
        context["data"] = self.folder.display().to_string().into();
        let configuration = self.folder.join(format!("{service}.conf"));
        fs::write(&configuration, template::render(&source, &context)?)?;
        fs::create_dir_all(self.folder.join(service))?;
        let log = fs::File::create(self.bench.path(&format!("{service}.log")))?;
        let mut child = self.bench.lab.test_tree.command(command[0]);
        child.args(&command[1..]).arg(&configuration).stdin(Stdio::null());
        let child = child.stdout(log.try_clone()?).stderr(log).spawn().context("starting the server")?;
        let mut server = Server { child, http, https };
        wait_for(&mut server, service)?;
        Ok(server)
    }

    /// curl's answer: first line, headers that are not each server's own affair, and text of good ones.
    fn ask(&self, server: &Server, words: &[&str]) -> Result<String> {
        let base = format!("https://127.0.0.1:{}", server.https);
        let file = |word: &str| self.folder.join(word).display().to_string();
        let words = words.iter().map(|word| match word.strip_prefix('@') {
            Some(path) => format!("{base}{path}"),
            None if ["LARGE", "HUGE"].contains(word) => file(word),
            None => (*word).to_owned(),
        });
        let fixed =
            ["--silent", "--insecure", "--include", "--path-as-is", "--noproxy", "*", "--max-time", "120"];
        let all: Vec<String> = fixed.iter().map(|word| (*word).to_owned()).chain(words).collect();
        let output = self.bench.lab.test_tree.output("curl", &all)?;
        Ok(plain(&String::from_utf8_lossy(&output)).replace(&server.https.to_string(), "PORT"))
    }

    /// Plain HTTP leads to the same page by HTTPS.
    fn redirects(&self, server: &Server) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/a%2Fb?c=d%20e", server.http);
        let words = ["--silent", "--noproxy", "*", "--output", "/dev/null", "-H", "Host: mazet.local:80"];
        let words = [&words[..], &["--write-out", "%{http_code} %{redirect_url}", &url]].concat();
        let output = self.bench.lab.test_tree.output("curl", &words)?;
        let said = String::from_utf8_lossy(&output).into_owned();
        ensure!(said == "301 https://mazet.local/a%2Fb?c=d%20e", "plain HTTP is answered {said}");
        Ok(())
    }

    /// What says so is answered over plain HTTP too, and its service knows that it came that way.
    fn answers_plainly(&self, server: &Server) -> Result<()> {
        let ask = |path: &str| -> Result<String> {
            let url = format!("http://127.0.0.1:{}{path}", server.http);
            let words = ["--silent", "--noproxy", "*", "--path-as-is", "-H", "Mazet-Person: root"];
            let words =
                [&words[..], &["-H", "X-Forwarded-Proto: https", "-w", "%{http_code}", &url]].concat();
            Ok(String::from_utf8_lossy(&self.bench.lab.test_tree.output("curl", &words)?).into_owned())
        };
        let open = ask("/open/x?y=z")?;
        let told = open.starts_with("GET /open/x?y=z\n") && open.contains("x-forwarded-proto: http\n");
        ensure!(told && !open.contains("mazet-person") && open.ends_with("200"), "plain HTTP: {open}");
        let shown = ask("/.well-known/acme-challenge/token")?;
        ensure!(shown == "what the authority asks for\n200", "plain HTTP shows {shown}");
        for (path, status) in [
            ("/open", "301"),
            ("/.well-known/acme-challenge/.hidden", "404"),
            ("/open/../admin/", "400"),
            ("/admin/", "301"),
        ] {
            let said = ask(path)?;
            ensure!(said.ends_with(status), "plain HTTP answers {path} with {said}");
        }
        Ok(())
    }

    /// The service has the first bytes of an upload before the visitor has sent the last.
    fn streams(&self, server: &Server) -> Result<()> {
        while self.standins.first_bytes.try_recv().is_ok() {}
        let url = format!("https://127.0.0.1:{}/dav/streamed", server.https);
        let mut curl = self.bench.lab.test_tree.command("curl");
        curl.args(["--silent", "--insecure", "--noproxy", "*", "--http1.1", "--upload-file", ".", &url]);
        let mut curl = curl
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting curl")?;
        let mut pipe = curl.stdin.take().context("curl takes input")?;
        pipe.write_all(&vec![0; 300_000])?;
        let first = self.standins.first_bytes.recv_timeout(Duration::from_secs(60));
        first.context("the service sees nothing of an upload that has not ended")?;
        pipe.write_all(&vec![0; 700_000])?;
        drop(pipe);
        let said = String::from_utf8_lossy(&curl.wait_with_output()?.stdout).into_owned();
        ensure!(said.contains("body: 1000000"), "the upload did not arrive whole: {said}");
        Ok(())
    }
}

fn manifest(folder: &Path, standins: &Standins) -> String {
    let (socket, other, port) = (standins.socket.display(), standins.other.display(), standins.port);
    let path = |name: &str| -> PathBuf { folder.join(name) };
    format!(
        "[service]\nname = \"site\"\ntitle = {{ fr = \"\", en = \"\" }}\nsummary = {{ fr = \"\", en = \"\" }}\n\
         [[vhost]]\nlocation = \"/\"\nproxy = \"unix:{socket}\"\n\
         [[vhost]]\nlocation = \"/dav/\"\nproxy = \"127.0.0.1:{port}\"\nupload-mib = 0\nstreaming = true\n\
         [[vhost]]\nlocation = \"/other/\"\nproxy = \"unix:{other}\"\n\
         [[vhost]]\nlocation = \"/members/\"\nproxy = \"unix:{socket}\"\naccess = \"member\"\n\
         [[vhost]]\nlocation = \"/shared/\"\nproxy = \"unix:{socket}\"\naccess = \"member\"\nowners = true\n\
         [[vhost]]\nlocation = \"/shared/all/\"\nproxy = \"unix:{socket}\"\naccess = \"member\"\n\
         [[vhost]]\nlocation = \"/admin/\"\nproxy = \"unix:{socket}\"\naccess = \"operator\"\n\
         [[vhost]]\nlocation = \"/static/\"\nfolder = {:?}\n\
         [[vhost]]\nlocation = \"/settings/\"\nfolder = {:?}\nposts = true\n\
         [[vhost]]\nlocation = \"/open/\"\nproxy = \"unix:{socket}\"\nplain = true\n\
         [[vhost]]\nlocation = \"/.well-known/acme-challenge/\"\nfolder = {:?}\nplain = true\n\
         [[vhost]]\nlocation = \"/static/secret/\"\naccess = \"nobody\"\n\
         [[vhost]]\nlocation = \"/\"\nnames = [\"amis.example.org\", \"www.amis.example.org\"]\nfolder = {:?}\n",
        path("static"),
        path("settings"),
        path("challenges"),
        path("amis")
    )
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until the server listens; nothing tells when it does.
fn wait_for(server: &mut Server, name: &str) -> Result<()> {
    let begin = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, server.https)).is_err() {
        if let Some(status) = server.child.try_wait()? {
            bail!("{name} ended at once: {status}");
        }
        ensure!(begin.elapsed() < Duration::from_secs(60), "{name} does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn plain(answer: &str) -> String {
    let last = answer.rfind("HTTP/").filter(|_| answer.starts_with("HTTP/1.1 100"));
    let answer = &answer[last.unwrap_or(0)..];
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let own = [
        "date:",
        "server:",
        "connection:",
        "content-length:",
        "content-type:",
        "accept-ranges:",
        "etag:",
        "last-modified:",
        "vary:",
        "keep-alive:",
    ];
    let mut headers: Vec<String> = head
        .lines()
        .skip(1)
        .filter(|line| !own.iter().any(|name| line.to_ascii_lowercase().starts_with(name)))
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            // One names the whole address of a redirect, the other the path alone: the same to a browser.
            let value = value.trim();
            let path = value
                .strip_prefix("https://127.0.0.1:")
                .and_then(|rest| rest.find('/').map(|at| &rest[at..]));
            format!("{}: {}", name.to_ascii_lowercase(), path.unwrap_or(value))
        })
        .collect();
    headers.sort();
    let first: Vec<&str> = head.split_whitespace().take(2).collect();
    let good = first.get(1) == Some(&"200") || body.starts_with("GET /missing");
    format!("{}\n{}\n{}", first.join(" "), headers.join("\n"), if good { body } else { "" })
}
