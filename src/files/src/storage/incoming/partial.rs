//! Files that are written in several goes: they lie among the temporary ones, under the number of their
//! upload, until they are whole.

use std::fs::File;
use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::{Incoming, Only};
use crate::storage::disk::{self, INCOMING};
use crate::storage::quota::Reservation;
use crate::storage::{Error, Result, Storage, View, path};

/// Name of the file in its folder.
const BYTES: &str = "bytes";

impl Storage {
    /// A new file of that kind.
    pub(crate) async fn partial_file(&self) -> Result<Uuid> {
        let make = |disk: &disk::Disk| {
            let name = disk::unique()?;
            disk.make(&disk::incoming(&name))?;
            disk.file_made(&[INCOMING.to_owned(), name.clone(), BYTES.to_owned()])?;
            disk.flush(&disk::incoming(&name))?;
            disk.flush(&[INCOMING.to_owned()])?;
            Ok(name)
        };
        let name = self.on_disk(make).await?;
        Uuid::parse_str(&name).map_err(|error| Error::Internal(error.to_string()))
    }

    /// Opens one to write what comes after its first `length` bytes; what is there beyond them is of
    /// nobody knows when.
    pub(crate) async fn partial(&self, id: Uuid, length: u64) -> Result<File> {
        let open = move |disk: &disk::Disk| {
            let file = disk.written(&disk::incoming(&bytes_of(id)))?;
            if file.metadata()?.len() < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            file.set_len(length)?;
            rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0))?;
            Ok(file)
        };
        self.on_disk(open).await
    }

    /// What was written is on the disk for good.
    pub(crate) async fn flush(&self, file: Arc<File>) -> Result<()> {
        self.on_disk(move |_| file.sync_all()).await
    }

    /// Removes one.
    pub(crate) async fn remove_partial(&self, id: Uuid) -> Result<()> {
        self.on_disk(move |disk| disk.remove(&disk::incoming(&folder_of(id)))).await
    }
}

/// Its folder among the temporary files: what lies there at the start of the program, without a folder of
/// its own, is removed.
fn folder_of(id: Uuid) -> String {
    id.simple().to_string()
}

/// The file in it, from the folder of the temporary ones.
fn bytes_of(id: Uuid) -> String {
    format!("{}/{BYTES}", folder_of(id))
}

impl View {
    /// Keeps room for a file of `bytes` at `path`, which must be a place for one.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn room_for(&self, path: &str, bytes: u64) -> Result<Reservation> {
        let spot = self.spot(path)?;
        let client = self.storage.files().await?;
        let target = self.target(&client, &spot).await?;
        let replaced = self.replaceable(&client, &target).await?;
        drop(client);
        self.storage.reserve(&spot.mount.space, bytes.saturating_sub(replaced)).await
    }

    /// As [`begin`](Self::begin), with all bytes of an upload. They stay where they are when it fails.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn begin_with(&self, path: &str, id: Uuid, bytes: u64) -> Result<Incoming> {
        let mut incoming = self.begin(path, Some(bytes)).await?;
        let file = self.storage.partial(id, bytes).await?;
        let empty = incoming.name.replace(bytes_of(id));
        incoming.file = Some(Arc::new(file));
        incoming.written = bytes;
        incoming.lasting = true;
        if let Some(empty) = empty {
            self.storage.on_disk(move |disk| disk.remove(&disk::incoming(&empty))).await?;
        }
        Ok(incoming)
    }

    /// `path`, or where something is there already the same with a number: `note (2).txt`.
    ///
    /// # Errors
    /// As [`stat`](Self::stat); [`Error::Exists`] where thousands are there.
    pub async fn free_path(&self, path: &str) -> Result<String> {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
        let mut free = path.to_owned();
        for number in 2..10_000 {
            match self.stat(&free).await {
                Err(Error::NotFound) => return Ok(free),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            let name = path::numbered(name, number);
            free = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        }
        Err(Error::Exists)
    }
}

impl Incoming {
    /// May it replace something?
    pub(crate) fn beside(self, replace: bool) -> Self {
        self.only(if replace { Only::Any } else { Only::New })
    }
}
