//! Several files and folders as one: a ZIP archive that is made while it is sent. Nothing is compressed, as
//! what takes room (pictures, films, office files) is compressed already.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{link, raw};
use crate::storage::{Entry, Error, View};

/// Bytes that are sent at a time.
const PIECE: usize = 128 << 10;
/// From here on a file needs the format's 64-bit form (APPNOTE 4.3.9.2), which old programs do not read.
const LARGE: u64 = u32::MAX as u64 - 1;

/// An archive of `entries`, called `name`.ZIP.
pub fn answer(view: &View, entries: Vec<Entry>, name: &str) -> Response {
    let (sender, mut pieces) = mpsc::channel::<io::Result<Bytes>>(4);
    let (view, runtime) = (view.clone(), Handle::current());
    // Not among the threads for the disk: this one waits for them.
    std::thread::spawn(move || {
        let pipe = Pipe { sender: sender.clone(), buffer: Vec::with_capacity(PIECE) };
        if let Err(error) = pack(&runtime, &view, entries, pipe) {
            // What came so far is no archive: the visitor must not take it for one.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let stream = futures_util::stream::poll_fn(move |context| pieces.poll_recv(context));
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, raw::disposition(&format!("{name}.zip"), false)),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

fn pack(runtime: &Handle, view: &View, entries: Vec<Entry>, pipe: Pipe) -> io::Result<()> {
    let mut archive = ZipWriter::new_stream(pipe);
    // Names in the archive begin at the chosen ones.
    let mut left: Vec<(String, Entry)> =
        entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    left.reverse();
    while let Some((name, entry)) = left.pop() {
        if entry.is_folder {
            archive.add_directory(name.as_str(), options(&entry))?;
            let inside = runtime.block_on(view.list(&entry.path)).map_err(other)?;
            left.extend(inside.into_iter().rev().map(|entry| (link::within(&name, &entry.name), entry)));
            continue;
        }
        match runtime.block_on(view.open(&entry.path)) {
            Ok((mut file, entry)) => {
                archive.start_file(name.as_str(), options(&entry))?;
                io::copy(&mut file, &mut archive)?;
            }
            // Deleted since the folder was read.
            Err(Error::NotFound) => {}
            Err(error) => return Err(other(error)),
        }
    }
    archive.finish()?.into_inner().flush()
}

fn other(error: Error) -> io::Error {
    io::Error::other(error)
}

fn options(entry: &Entry) -> SimpleFileOptions {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(entry.size >= LARGE)
        .unix_permissions(if entry.is_folder { 0o755 } else { 0o644 });
    match changed(entry) {
        Some(time) => options.last_modified_time(time),
        None => options,
    }
}

/// When it changed, where the box stands: what the format has. Years from 1980 on.
fn changed(entry: &Entry) -> Option<DateTime> {
    let time = jiff::Timestamp::try_from(entry.modified).ok()?.to_zoned(jiff::tz::TimeZone::system());
    let number = |number: i8| u8::try_from(number).ok();
    DateTime::from_date_and_time(
        u16::try_from(time.year()).ok()?,
        number(time.month())?,
        number(time.day())?,
        number(time.hour())?,
        number(time.minute())?,
        number(time.second())?,
    )
    .ok()
}

/// Sends what is written to it.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        // Nobody waits for it any more.
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
