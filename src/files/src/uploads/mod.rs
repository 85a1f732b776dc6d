//! Uploads in pieces, which go on where they stopped: after a lost connection, a reload of the page, a
//! restart of the program, a power cut.
//!
//! Bytes lie in a file without a name, as those of any file that is written; a row says whose they are and
//! how many of them are on the disk for good. When all are there, the file takes its place in one step.
//! Room for all of them is kept from the beginning on. What nobody goes on with is removed after
//! [`DAYS`] days.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use uuid::Uuid;

use crate::storage::quota::Reservation;
use crate::storage::{Entry, Error, Full, Result, Storage, View};

/// Days that an upload waits for its next piece.
pub const DAYS: i32 = 3;
/// Uploads that a person may have begun.
const MOST: i64 = 100;
/// Bytes that are written at a time.
const PIECE: usize = 256 << 10;

/// An upload that is not whole yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its number, which only its owner can use.
    pub id: Uuid,
    /// Where the file will be, in its owner's view.
    pub path: String,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that are here.
    pub received: u64,
    /// When it began.
    pub created_at: SystemTime,
}

/// What a piece led to.
#[derive(Debug)]
pub enum Progress {
    /// So many bytes are here.
    Received(u64),
    /// All are, and the file is in its place.
    Done(Entry),
    /// The piece does not begin where the others end: so many bytes are here.
    Elsewhere(u64),
    /// Another piece is on its way.
    Busy,
}

/// Uploads of all people.
#[derive(Clone)]
pub struct Uploads {
    storage: Storage,
    /// Those that a piece is written to.
    busy: Arc<Mutex<BTreeSet<Uuid>>>,
    /// Room that is kept for them.
    kept: Arc<Mutex<BTreeMap<Uuid, Reservation>>>,
}

/// Nobody else writes to an upload until this is dropped.
struct Turn {
    busy: Arc<Mutex<BTreeSet<Uuid>>>,
    id: Uuid,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

const SELECT: &str = "select id, path, total, received, created_at from upload";

fn upload(row: &tokio_postgres::Row) -> Upload {
    Upload {
        id: row.get(0),
        path: row.get(1),
        total: row.get::<_, i64>(2).unsigned_abs(),
        received: row.get::<_, i64>(3).unsigned_abs(),
        created_at: row.get(4),
    }
}

impl Uploads {
    /// Uploads into these files.
    pub fn new(storage: Storage) -> Self {
        Self { storage, busy: Arc::default(), kept: Arc::default() }
    }

    /// Begins an upload of `total` bytes to `path`.
    ///
    /// # Errors
    /// As [`View::begin`]; [`Error::Denied`] when somebody has begun too many.
    pub async fn begin(&self, view: &View, path: &str, total: u64) -> Result<Upload> {
        self.keep_all(view).await?;
        let kept = view.room_for(path, total).await?;
        let client = self.storage.files().await?;
        let count = "select count(*) from upload where login = $1";
        if client.query_one(count, &[&view.login()]).await?.get::<_, i64>(0) >= MOST {
            return Err(Error::Denied);
        }
        let id = self.storage.partial_file().await?;
        let insert = "insert into upload (id, login, path, total) values ($1, $2, $3, $4) \
                      returning id, path, total, received, created_at";
        let bytes = i64::try_from(total).map_err(|_| Error::NoSpace(Full::Disk))?;
        let row = client.query_one(insert, &[&id, &view.login(), &path, &bytes]).await?;
        self.kept().insert(id, kept);
        Ok(upload(&row))
    }

    /// One of a person's own.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, view: &View, id: Uuid) -> Result<Upload> {
        let client = self.storage.files().await?;
        let statement = format!("{SELECT} where id = $1 and login = $2");
        let row = client.query_opt(&statement, &[&id, &view.login()]).await?;
        row.as_ref().map(upload).ok_or(Error::NotFound)
    }

    /// A person's own, the latest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, view: &View) -> Result<Vec<Upload>> {
        let client = self.storage.files().await?;
        let statement = format!("{SELECT} where login = $1 order by created_at desc, id");
        let rows = client.query(&client.prepare_cached(&statement).await?, &[&view.login()]).await?;
        Ok(rows.iter().map(upload).collect())
    }

    /// Takes a piece that begins at `offset`. What came of it is kept, also where the rest does not come.
    /// With the last one the file takes its place: over another one where `replace` says so, else beside it
    /// with a number.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Length`] when more comes than was said; as [`View::begin`].
    pub async fn write(
        &self,
        view: &View,
        id: Uuid,
        offset: u64,
        piece: impl Stream<Item = std::result::Result<Bytes, axum::Error>> + Unpin,
        (modified, replace): (Option<SystemTime>, bool),
    ) -> Result<Progress> {
        let Some(turn) = self.turn(id) else { return Ok(Progress::Busy) };
        self.keep_all(view).await?;
        let upload = self.get(view, id).await?;
        if offset != upload.received {
            return Ok(Progress::Elsewhere(upload.received));
        }
        let file = Arc::new(self.opened(&upload).await?);
        let taken = take(&self.storage, &file, upload.total - upload.received, piece).await;
        let (came, fault) = taken;
        let received = upload.received + came;
        self.storage.flush(file).await?;
        let client = self.storage.files().await?;
        let here = i64::try_from(received).unwrap_or(i64::MAX);
        client.execute("update upload set received = $2 where id = $1", &[&id, &here]).await?;
        drop(client);
        if let Some(fault) = fault {
            return Err(fault);
        }
        if received < upload.total {
            return Ok(Progress::Received(received));
        }
        let entry = self.finish(view, &upload, modified, replace).await?;
        drop(turn);
        Ok(Progress::Done(entry))
    }

    /// Its file; where that is gone, so is the upload.
    async fn opened(&self, upload: &Upload) -> Result<File> {
        let opened = self.storage.partial(upload.id, upload.received).await;
        if matches!(opened, Err(Error::NotFound)) {
            self.forget(upload.id).await?;
        }
        opened
    }

    async fn finish(
        &self,
        view: &View,
        upload: &Upload,
        modified: Option<SystemTime>,
        replace: bool,
    ) -> Result<Entry> {
        let path = if replace { upload.path.clone() } else { view.free_path(&upload.path).await? };
        // It is counted once: from here on by what is being put in its place.
        let kept = self.kept().remove(&upload.id);
        drop(kept);
        let incoming = view.begin_with(&path, upload.id, upload.total).await?;
        let entry = incoming.beside(replace).finish(modified).await?;
        self.remove(upload.id).await?;
        Ok(entry)
    }

    /// Gives up an upload.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Locked`] while a piece is on its way.
    pub async fn cancel(&self, view: &View, id: Uuid) -> Result<()> {
        let _turn = self.turn(id).ok_or(Error::Locked)?;
        self.get(view, id).await?;
        self.remove(id).await
    }

    /// Removes what nobody went on with for [`DAYS`] days. Gives how many.
    ///
    /// # Errors
    /// When the database or the disk does not do what it should.
    pub async fn sweep(&self) -> Result<usize> {
        let client = self.storage.files().await?;
        let statement = "select id from upload where created_at < now() - $1 * interval '1 day'";
        let rows = client.query(statement, &[&f64::from(DAYS)]).await?;
        drop(client);
        let mut removed = 0;
        for row in &rows {
            let id = row.get(0);
            let Some(_turn) = self.turn(id) else { continue };
            self.remove(id).await?;
            removed += 1;
        }
        Ok(removed)
    }

    async fn remove(&self, id: Uuid) -> Result<()> {
        self.storage.remove_partial(id).await?;
        self.forget(id).await
    }

    async fn forget(&self, id: Uuid) -> Result<()> {
        let client = self.storage.files().await?;
        client.execute("delete from upload where id = $1", &[&id]).await?;
        self.kept().remove(&id);
        Ok(())
    }

    /// Room is kept for what a person began before this program did.
    async fn keep_all(&self, view: &View) -> Result<()> {
        for upload in self.list(view).await? {
            if self.kept().contains_key(&upload.id) {
                continue;
            }
            // Where there is no room any more, its next piece says so.
            if let Ok(kept) = view.room_for(&upload.path, upload.total).await {
                self.kept().insert(upload.id, kept);
            }
        }
        Ok(())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, Reservation>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, id: Uuid) -> Option<Turn> {
        let first = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        first.then(|| Turn { busy: self.busy.clone(), id })
    }
}

/// Writes what comes, at most `most` bytes. Gives how many, and what ended it too early.
async fn take(
    storage: &Storage,
    file: &Arc<File>,
    most: u64,
    mut piece: impl Stream<Item = std::result::Result<Bytes, axum::Error>> + Unpin,
) -> (u64, Option<Error>) {
    let (mut came, mut buffer) = (0, Vec::with_capacity(PIECE));
    let mut fault = None;
    while let Some(bytes) = piece.next().await {
        // The client went away: what came is good.
        let Ok(bytes) = bytes else { break };
        if came + buffer.len() as u64 + bytes.len() as u64 > most {
            let said = most;
            fault = Some(Error::Length { said, came: came + buffer.len() as u64 + bytes.len() as u64 });
            break;
        }
        buffer.extend_from_slice(&bytes);
        if buffer.len() >= PIECE {
            match written(storage, file, std::mem::take(&mut buffer)).await {
                Ok(bytes) => came += bytes,
                Err(error) => return (came, Some(error)),
            }
        }
    }
    match written(storage, file, buffer).await {
        Ok(bytes) => (came + bytes, fault),
        Err(error) => (came, Some(error)),
    }
}

async fn written(storage: &Storage, file: &Arc<File>, bytes: Vec<u8>) -> Result<u64> {
    let file = file.clone();
    storage.on_disk(move |_| (&*file).write_all(&bytes).map(|()| bytes.len() as u64)).await
}
