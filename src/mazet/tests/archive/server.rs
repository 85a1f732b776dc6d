//! A small HTTP server on the loopback interface: files of a folder, byte ranges, and
//! connections that break where a test says.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came: path, and the first byte that was asked for when a range was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Path, percent-decoded.
    pub path: String,
    /// Beginning of the range.
    pub from: Option<usize>,
}

#[derive(Default)]
struct Shared {
    requests: Vec<Request>,
    /// File name → bytes of the body after which the next connection for it breaks.
    cuts: HashMap<String, usize>,
}

/// The server; it ends with the test's process.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    /// Serves the files below `root` on a free port.
    pub fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (root, known) = (root.to_owned(), Arc::clone(&shared));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, known) = (root.clone(), Arc::clone(&known));
                // A client that goes away is its own affair.
                thread::spawn(move || answer(stream, &root, &known).ok());
            }
        });
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks the next connection that asks for this file after so many bytes of it.
    pub fn cut_once(&self, file_name: &str, after: usize) {
        self.shared.lock().expect("not poisoned").cuts.insert(file_name.to_owned(), after);
    }

    /// The requests for packages until now.
    pub fn package_requests(&self) -> Vec<Request> {
        let shared = self.shared.lock().expect("not poisoned");
        shared.requests.iter().filter(|request| request.path.ends_with(".deb")).cloned().collect()
    }
}

fn answer(mut stream: TcpStream, root: &Path, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = decode(line.split_whitespace().nth(1).unwrap_or("/"));
    let mut from = None;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.split('-').next().and_then(|start| start.trim().parse().ok());
        }
    }
    let file: PathBuf = root.join(path.trim_start_matches('/'));
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let cut = {
        let mut shared = shared.lock().expect("not poisoned");
        shared.requests.push(Request { path, from });
        shared.cuts.remove(&name)
    };
    let Ok(bytes) = fs::read(&file) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let start = from.filter(|start| *start < bytes.len()).unwrap_or(0);
    let (all, body) = (bytes.len(), &bytes[start..]);
    let status = match from {
        Some(_) => format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{all}", all - 1),
        None => "200 OK".to_owned(),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])
}

fn decode(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
