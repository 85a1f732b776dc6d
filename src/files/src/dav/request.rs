//! What the file system knows of the request that it is made for, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, Request, Uri, header};
use dav_server::davpath::DavPath;
use dav_server::fs::{FsError, FsResult};
use tokio::join;

use super::Live;
use crate::storage::quota::Reservation;
use crate::storage::{Entry, Error, Only, Property, SMALL, View};

/// What is done with whole folders at once, where the crate would walk them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whole {
    /// Nothing: folders are listed.
    No,
    /// Deleting and moving: what is in a folder goes with it.
    Gone,
    /// Copying, from this path of the view.
    Copy(String),
}

/// One request.
pub(super) struct Context {
    pub view: View,
    pub prefix: String,
    pub live: Option<Arc<dyn Live>>,
    pub whole: Whole,
    /// PROPFIND: ETags are told as they are written (RFC 4918 § 15.6).
    pub properties: bool,
    /// GET and HEAD: a file is opened when it is looked at.
    pub reading: bool,
    /// PUT: a file is written anew, or made.
    pub writing: bool,
    /// LOCK: a file that is not there yet was made with its lock.
    pub locking: bool,
    /// Bytes of the body, where a client says so beside Content-Length.
    pub expected: Option<u64>,
    /// Bytes of the body by its header, where they are few.
    pub small: Option<u64>,
    /// The time of the last change, as the client has it.
    pub modified: Option<SystemTime>,
    pub only: Only,
    /// Path in the view.
    pub path: String,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    failure: Option<Error>,
    written: Option<Entry>,
    entries: BTreeMap<String, Entry>,
    opened: Option<(File, Entry)>,
    properties: BTreeMap<i64, Vec<Property>>,
    any_lock: Option<bool>,
    room: Option<Reservation>,
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Context {
    pub(super) fn new<B>(
        view: View,
        prefix: &str,
        live: Option<Arc<dyn Live>>,
        request: &Request<B>,
    ) -> Self {
        let (headers, method) = (request.headers(), request.method().as_str());
        let path = below(request.uri(), prefix).unwrap_or_default();
        let deep = headers.get("depth").is_none_or(|depth| depth != "0");
        let whole = match method {
            "DELETE" | "MOVE" => Whole::Gone,
            "COPY" if deep => Whole::Copy(path.clone()),
            _ => Whole::No,
        };
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        Self {
            view,
            prefix: prefix.to_owned(),
            live,
            whole,
            properties: method == "PROPFIND",
            reading: method == "GET" || method == "HEAD",
            writing: method == "PUT",
            locking: method == "LOCK",
            expected: number("x-expected-entity-length").or_else(|| number("oc-total-length")),
            small: number(header::CONTENT_LENGTH.as_str()).filter(|bytes| *bytes <= SMALL),
            modified: number("x-oc-mtime").map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
            only: only(headers),
            path,
            found: Mutex::default(),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers why something failed, and gives the crate's word that is nearest.
    pub(super) fn failed(&self, error: Error) -> FsError {
        let word = match &error {
            Error::NotFound | Error::NoFolder => FsError::NotFound,
            Error::Exists | Error::Kind => FsError::Exists,
            Error::NoSpace(_) => FsError::InsufficientStorage,
            Error::Denied | Error::Locked | Error::Loop | Error::Changed => FsError::Forbidden,
            Error::BadName(_) | Error::Length { .. } => FsError::PathTooLong,
            Error::Unavailable(_) | Error::Disk(_) | Error::Internal(_) => FsError::GeneralFailure,
        };
        self.found().failure = Some(error);
        word
    }

    pub(super) fn failure(&self) -> Option<Error> {
        self.found().failure.take()
    }

    pub(super) fn written(&self) -> Option<Entry> {
        self.found().written.take()
    }

    pub(super) fn note_written(&self, entry: Entry) {
        self.found().written = Some(entry);
    }

    /// What is at a path: looked at once where it is only read.
    pub(super) async fn stat(&self, path: &str) -> Result<Entry, Error> {
        let known = self.found().entries.get(path).cloned();
        if let Some(entry) = known {
            return Ok(entry);
        }
        if self.reading && path == self.path {
            return self.stat_opened(path).await;
        }
        let entry = if self.writing && path == self.path {
            // What is asked next anyhow.
            let (entry, any, room) = join!(self.view.stat(path), self.view.any_lock(), self.room_asked());
            let mut found = self.found();
            (found.any_lock, found.room) = (any.ok(), room);
            entry?
        } else {
            self.view.stat(path).await?
        };
        if self.properties {
            self.note(std::slice::from_ref(&entry)).await?;
        }
        Ok(entry)
    }

    /// Room for a small body; none where there is none unless the file that is replaced makes some.
    async fn room_asked(&self) -> Option<Reservation> {
        self.view.room(&self.path, self.small?).await.ok()
    }

    /// The room that was found with the file's place.
    pub(super) fn room(&self) -> Option<Reservation> {
        self.found().room.take()
    }

    /// The file of a request that reads, with what is known of it.
    pub(super) async fn open(&self, path: &str) -> Result<(File, Entry), Error> {
        let opened = self.found().opened.take().filter(|(_, entry)| entry.path == path);
        match opened {
            Some(opened) => Ok(opened),
            None => self.view.open(path).await,
        }
    }

    /// The same as [`stat`](Self::stat) for a request that reads the file: one look for both.
    async fn stat_opened(&self, path: &str) -> Result<Entry, Error> {
        match self.view.open(path).await {
            Ok((file, entry)) => {
                self.found().opened = Some((file, entry.clone()));
                Ok(entry)
            }
            Err(Error::Kind) => self.view.stat(path).await,
            Err(error) => Err(error),
        }
    }

    /// Remembers entries with their properties: one question for a whole folder.
    pub(super) async fn note(&self, entries: &[Entry]) -> Result<(), Error> {
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        let properties = self.view.properties(&ids).await?;
        let mut found = self.found();
        found.entries.extend(entries.iter().map(|entry| (entry.path.clone(), entry.clone())));
        found.properties.extend(properties);
        Ok(())
    }

    /// The properties of an entry.
    pub(super) async fn properties_of(&self, entry: &Entry) -> Result<Vec<Property>, Error> {
        if self.properties {
            return Ok(self.found().properties.get(&entry.id).cloned().unwrap_or_default());
        }
        Ok(self.view.properties(&[entry.id]).await?.remove(&entry.id).unwrap_or_default())
    }

    /// Is there any lock? Asked once where nothing changes.
    pub(super) async fn any_lock(&self) -> bool {
        let known = self.found().any_lock.filter(|_| self.properties || self.writing);
        if let Some(known) = known {
            return known;
        }
        let any = self.view.any_lock().await.unwrap_or(true);
        self.found().any_lock = Some(any);
        any
    }
}

/// The path in the view that an address leads to.
fn below(address: &Uri, prefix: &str) -> Option<String> {
    let mut path = DavPath::from_uri(address).ok()?;
    path.set_prefix(prefix).ok()?;
    view_path(&path).ok()
}

/// The file must still be the one that the client saw.
fn only(headers: &HeaderMap) -> Only {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let etag = text(header::IF_MATCH).and_then(|etag| etag.strip_prefix('"')?.strip_suffix('"'));
    match etag {
        Some(etag) if !etag.contains('"') => Only::Unchanged(etag.to_owned()),
        _ if text(header::IF_NONE_MATCH) == Some("*") => Only::New,
        _ => Only::Any,
    }
}

/// The path in the view.
pub(super) fn view_path(path: &DavPath) -> FsResult<String> {
    let path = std::str::from_utf8(path.as_bytes()).map_err(|_| FsError::NotFound)?;
    Ok(path.trim_matches('/').to_owned())
}
