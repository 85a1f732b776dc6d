//! What uploads in pieces need: a file that outlives the program, room for the whole, and a file that takes
//! its place without being copied.

use std::fs::File;
use std::sync::Arc;

use super::disk;
use super::quota::Reservation;
use super::{Error, Incoming, Result, Storage, View};

impl Storage {
    /// The file of an upload's pieces. `make`: it is not there yet.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there and should be.
    pub(crate) async fn pieces(&self, upload: String, make: bool) -> Result<File> {
        self.on_disk(move |disk| disk.lasting(&upload, make)).await
    }

    /// Removes it with its folder; if it is not there, that is well.
    pub(crate) async fn remove_pieces(&self, upload: String) -> Result<()> {
        self.on_disk(move |disk| disk.remove(&disk::incoming(&upload))).await
    }

    /// It is one no more: gives the name that it has among the files that are on their way.
    pub(crate) async fn take_pieces(&self, upload: String) -> Result<String> {
        self.on_disk(move |disk| disk.lasts_no_more(&upload)).await
    }
}

impl View {
    /// May something be written to `path`?
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::BadName`].
    pub(crate) fn may_write(&self, path: &str) -> Result<()> {
        if self.spot(path)?.mount.writable { Ok(()) } else { Err(Error::Denied) }
    }

    /// Keeps room for a file of `bytes` at `path`, which it may replace.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::BadName`].
    pub(crate) async fn keep_room(&self, path: &str, bytes: u64) -> Result<Reservation> {
        let replaced = match self.stat(path).await {
            Ok(entry) if !entry.is_folder => entry.size,
            _ => 0,
        };
        self.storage.reserve(&self.spot(path)?.mount.space, bytes.saturating_sub(replaced)).await
    }

    /// Keeps room for more.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::BadName`].
    pub(crate) async fn keep_more(&self, kept: &mut Reservation, path: &str, bytes: u64) -> Result<()> {
        self.storage.reserve_more(kept, &self.spot(path)?.mount.space, bytes).await
    }

    /// The first `bytes` of a file that is on its way under that name, as one that is to take its place at
    /// `path`.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn adopt(
        &self,
        path: &str,
        (file, name): (Arc<File>, String),
        bytes: u64,
        kept: Reservation,
    ) -> Result<Incoming> {
        let incoming = self.incoming(path, (file.clone(), name), bytes, kept)?;
        // Gaps at the end, where a piece was sent anew.
        self.storage.on_disk(move |_| file.set_len(bytes)).await?;
        Ok(incoming)
    }
}
