//! A file that is being written: its bytes go to a file without a name, which takes its place in one step
//! when all of them are on the disk. Whoever reads sees the old file or the new one, whole.

mod partial;

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use deadpool_postgres::Transaction;
use rustix::io::Errno;
use tokio::try_join;

use super::change::{Changes, Target};
use super::disk::{self, Facts, Names};
use super::node::{self, New};
use super::quota::Reservation;
use super::view::{Entry, Spot, View};
use super::{Error, Result, Storage, to_its_end};

/// Bytes that are collected before they are written.
const PIECE: usize = 256 << 10;
/// A file of no more bytes can be [gathered](View::gather).
pub const SMALL: u64 = PIECE as u64 - 1;
/// Bytes that are reserved at a time where nobody said how many come.
const STEP: u64 = 4 << 20;

/// What must be at the path when a file takes its place there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Only {
    /// Anything.
    #[default]
    Any,
    /// Nothing.
    New,
    /// A file with this ETag.
    Unchanged(String),
}

/// A file that is being written. Dropped before [`finish`](Self::finish), nothing of it stays.
pub struct Incoming {
    view: View,
    spot: Spot,
    only: Only,
    expected: Option<u64>,
    written: u64,
    buffer: Vec<u8>,
    /// None: all bytes are still in the buffer, and so are those of most small files until the end.
    file: Option<Arc<File>>,
    name: Option<String>,
    /// Bytes of the file that is replaced.
    replaced: u64,
    kept: Reservation,
    properties_of: Option<i64>,
    /// Its bytes stay where they are when it fails.
    lasting: bool,
}

impl View {
    /// Begins to write the file at `path`, of `expected` bytes where that is known: room for them is kept
    /// from now on.
    ///
    /// # Errors
    /// [`Error::NoFolder`], [`Error::Denied`], [`Error::BadName`], [`Error::NoSpace`], [`Error::Locked`];
    /// [`Error::Kind`] where a folder has the name.
    pub async fn begin(&self, path: &str, expected: Option<u64>) -> Result<Incoming> {
        let spot = self.spot(path)?;
        let client = self.storage.files().await?;
        let target = self.target(&client, &spot).await.map_err(|error| match error {
            Error::Exists => Error::Kind,
            other => other,
        })?;
        let replaced = self.replaceable(&client, &target).await?;
        drop(client);
        let kept =
            self.storage.reserve(&spot.mount.space, expected.unwrap_or(0).saturating_sub(replaced)).await?;
        let mut incoming = self.coming(spot, kept);
        (incoming.expected, incoming.replaced) = (expected, replaced);
        Ok(incoming)
    }

    /// A file of `bytes`, no more than [`SMALL`], which are kept in memory until all are there, and for which
    /// [room is kept](Self::room): only at its end is looked whether it may go to `path`.
    ///
    /// # Errors
    /// [`Error::BadName`]; [`finish`](Incoming::finish) fails as [`begin`](Self::begin) does.
    pub(crate) fn gather(&self, path: &str, bytes: u64, kept: Reservation) -> Result<Incoming> {
        let mut incoming = self.coming(self.spot(path)?, kept);
        incoming.expected = Some(bytes);
        Ok(incoming)
    }

    /// Keeps room for so many bytes more in the space of `path`, whatever is replaced there.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    pub(crate) async fn room(&self, path: &str, bytes: u64) -> Result<Reservation> {
        self.storage.reserve(&self.spot(path)?.mount.space, bytes).await
    }

    fn coming(&self, spot: Spot, kept: Reservation) -> Incoming {
        Incoming {
            view: self.clone(),
            spot,
            only: Only::Any,
            expected: None,
            written: 0,
            buffer: Vec::new(),
            file: None,
            name: None,
            replaced: 0,
            kept,
            properties_of: None,
            lasting: false,
        }
    }

    /// A file of `bytes`, which are all there, that is to take its place at `path`.
    pub(crate) fn incoming(
        &self,
        path: &str,
        (file, name): (Arc<File>, String),
        bytes: u64,
        kept: Reservation,
    ) -> Result<Incoming> {
        let mut incoming = self.coming(self.spot(path)?, kept);
        (incoming.expected, incoming.written) = (Some(bytes), bytes);
        (incoming.file, incoming.name) = (Some(file), Some(name));
        Ok(incoming)
    }

    /// Bytes of the file that would be replaced, which nobody locked.
    async fn replaceable(
        &self,
        client: &impl deadpool_postgres::GenericClient,
        target: &Target,
    ) -> Result<u64> {
        match &target.taken {
            Some(taken) if taken.is_folder => Err(Error::Kind),
            Some(taken) => {
                self.unlocked(client, taken.id, false).await?;
                Ok(disk::bytes(taken.size))
            }
            None => {
                self.unlocked(client, target.folder.last().id, false).await?;
                Ok(0)
            }
        }
    }
}

impl Incoming {
    /// What must be there when it is finished.
    #[must_use]
    pub fn only(mut self, only: Only) -> Self {
        self.only = only;
        self
    }

    /// It gets the properties of that file, as a copy does.
    pub(crate) fn like(mut self, id: i64) -> Self {
        self.properties_of = Some(id);
        self
    }

    /// Bytes that came so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// [`Error::Length`] when more come than were said, [`Error::NoSpace`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.room(bytes.len() as u64).await?;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE { self.flush().await } else { Ok(()) }
    }

    /// Takes `length` bytes of a file from `offset` on; where the file system can, they are shared and not
    /// copied.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn append(&mut self, from: Arc<File>, offset: u64, length: u64) -> Result<()> {
        self.room(length).await?;
        self.flush().await?;
        let to = self.stored(|_, _| Ok(())).await?;
        let start = self.written == length;
        self.view.storage.on_disk(move |_| copy(&from, &to, offset, length, start)).await
    }

    /// Counts bytes that come now, and keeps room for them.
    async fn room(&mut self, more: u64) -> Result<()> {
        let came = self.written + more;
        if let Some(said) = self.expected.filter(|said| came > *said) {
            return Err(Error::Length { said, came });
        }
        let kept = self.kept.bytes + self.replaced;
        if came > kept {
            let space = &self.spot.mount.space;
            let missing = came - kept;
            // Near the limit, what is needed is enough.
            let reserved = self.view.storage.reserve_more(&mut self.kept, space, missing.max(STEP)).await;
            if matches!(reserved, Err(Error::NoSpace(_))) {
                self.view.storage.reserve_more(&mut self.kept, space, missing).await?;
            } else {
                reserved?;
            }
        }
        self.written = came;
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.stored(|_, _| Ok(())).await.map(drop)
    }

    /// Writes what was collected, and does more with the file where it lies.
    async fn stored(
        &mut self,
        then: impl FnOnce(&disk::Disk, &File) -> io::Result<()> + Send + 'static,
    ) -> Result<Arc<File>> {
        let (file, buffer) = (self.file.clone(), std::mem::take(&mut self.buffer));
        let mut made = Named { storage: self.view.storage.clone(), name: None };
        let write = move |disk: &disk::Disk| {
            let file = match file {
                Some(file) => file,
                None => {
                    let temporary = disk.temporary()?;
                    made.name = Some(temporary.name);
                    Arc::new(temporary.file)
                }
            };
            let done = (&*file).write_all(&buffer).and_then(|()| then(disk, &file));
            Ok((file, made, buffer, done))
        };
        let (file, mut made, mut buffer, done) = self.view.storage.on_disk(write).await?;
        self.name = made.name.take().or(self.name.take());
        self.file = Some(file.clone());
        buffer.clear();
        self.buffer = buffer;
        done?;
        Ok(file)
    }

    /// The file takes its place, with the time of its last change where that is known. When this returns,
    /// a power cut takes nothing of it away.
    ///
    /// # Errors
    /// [`Error::Length`] when fewer bytes came than were said, [`Error::Changed`] when something else is at
    /// the path than [`only`](Self::only) said, and as [`View::begin`].
    pub async fn finish(mut self, modified: Option<SystemTime>) -> Result<Entry> {
        if let Some(said) = self.expected.filter(|said| *said != self.written) {
            return Err(Error::Length { said, came: self.written });
        }
        let flush = move |_: &disk::Disk, file: &File| {
            if let Some(modified) = modified {
                disk::set_modified(file, modified)?;
            }
            file.sync_all()
        };
        to_its_end(async move {
            self.stored(flush).await?;
            self.buffer = Vec::new();
            let storage = self.view.storage.clone();
            let mut client = storage.files().await?;
            let transaction = client.transaction().await?;
            let mut changes = Changes::new(&storage);
            let placed = self.placed(&transaction, &mut changes).await;
            let placed = changes.settle(transaction, placed).await;
            if placed.is_ok() {
                // The name is gone, or removed with what was replaced.
                let _ = self.name.take();
            }
            placed
        })
        .await
    }

    async fn placed(&self, transaction: &Transaction<'_>, changes: &mut Changes) -> Result<Entry> {
        let view = &self.view;
        let target = view.target_locked(transaction, &self.spot).await?;
        view.replaceable(transaction, &target).await?;
        self.as_wanted(&target)?;
        let (names, temporary) = (target.names(), disk::incoming(self.name.as_deref().unwrap_or_default()));
        let facts = self.put(&temporary, &names, changes).await?;
        let folder = target.folder.last();
        let row = async {
            match &target.taken {
                Some(taken) => node::overwrite(transaction, taken.id, facts).await,
                None => {
                    let new = New { space: folder.space, parent: Some(folder.id), name: &target.name, facts };
                    node::insert(transaction, &new).await
                }
            }
        };
        let before = target.taken.as_ref().map_or(0, |taken| taken.size);
        // Sent together.
        let above = target.folder.ids();
        let (node, ()) = try_join!(row, node::touch_all(transaction, &above, facts.size - before))?;
        if let Some(like) = self.properties_of {
            copy_properties(transaction, like, node.id).await?;
        }
        Ok(view.entry(&target.mount, &view.path_of(&target.mount, &target.folder.names()), &node))
    }

    fn as_wanted(&self, target: &Target) -> Result<()> {
        let good = match (&self.only, &target.taken) {
            (Only::Any, _) | (Only::New, None) => true,
            (Only::Unchanged(etag), Some(taken)) => *etag == taken.etag.simple().to_string(),
            (Only::New, Some(_)) => return Err(Error::Exists),
            (Only::Unchanged(_), None) => false,
        };
        if good { Ok(()) } else { Err(Error::Changed) }
    }

    /// The bytes get their name. What is there, known or put there by hand, comes to the temporary one.
    async fn put(&self, temporary: &Names, names: &Names, changes: &mut Changes) -> Result<Facts> {
        match changes.rename(temporary, names).await {
            Err(Error::Exists) if self.only == Only::New => Err(Error::Exists),
            Err(Error::Exists) => {
                let there = names.clone();
                let there: Facts = self.view.storage.on_disk(move |disk| disk.facts(&there)).await?;
                if there.is_folder {
                    return Err(Error::Kind);
                }
                let facts = changes.exchange(temporary, names).await?;
                changes.leftover.push(temporary.clone());
                Ok(facts)
            }
            other => other,
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let name = self.name.take().filter(|_| !self.lasting);
        drop(Named { storage: self.view.storage.clone(), name });
    }
}

/// The name of a temporary file, which goes with this: also where nobody waited until it was made.
struct Named {
    storage: Storage,
    name: Option<String>,
}

impl Drop for Named {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        let storage = self.storage.clone();
        let remove = move || {
            if let Err(error) = storage.inner.disk.remove(&disk::incoming(&name)) {
                eprintln!("removing an upload that was broken off: {error}");
            }
        };
        // A large file takes its time.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// What clients said of a file holds for its copy.
pub(crate) async fn copy_properties(transaction: &Transaction<'_>, from: i64, to: i64) -> Result<()> {
    transaction.execute("delete from property where node_id = $1", &[&to]).await?;
    let statement = "insert into property (node_id, namespace, name, xml) \
                     select $2, namespace, name, xml from property where node_id = $1";
    transaction.execute(statement, &[&from, &to]).await?;
    Ok(())
}

/// Copies bytes to where `to` stands; all of a file to an empty one without copying, where that is known.
fn copy(from: &File, to: &File, offset: u64, length: u64, start: bool) -> io::Result<()> {
    if start && offset == 0 && from.metadata()?.len() == length && rustix::fs::ioctl_ficlone(to, from).is_ok()
    {
        rustix::fs::seek(to, rustix::fs::SeekFrom::End(0))?;
        return Ok(());
    }
    let (mut at, mut left) = (offset, length);
    while left > 0 {
        let piece = usize::try_from(left.min(64 << 20)).unwrap_or(64 << 20);
        let copied = match rustix::fs::copy_file_range(from, Some(&mut at), to, None, piece) {
            Ok(copied) => copied,
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {
                by_hand(from, to, &mut at, piece)?
            }
            Err(error) => return Err(error.into()),
        };
        if copied == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= copied as u64;
    }
    Ok(())
}

fn by_hand(from: &File, to: &File, at: &mut u64, most: usize) -> io::Result<usize> {
    let mut buffer = vec![0; most.min(PIECE)];
    let read = rustix::io::pread(from, &mut buffer, *at)?;
    let mut to = to;
    to.write_all(&buffer[..read])?;
    *at += read as u64;
    Ok(read)
}
