//! A file that is read or written.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSliceMut, SeekFrom};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use dav_server::fs::{DavFile, DavMetaData, FsError, FsFuture};
use futures_util::FutureExt as _;
use rustix::io::ReadWriteFlags;

use super::meta::Meta;
use super::request::Context;
use crate::storage::{Entry, Error, Incoming};

/// A file that is read.
#[derive(Debug)]
pub(super) struct Reading {
    pub context: Arc<Context>,
    pub file: Arc<File>,
    pub entry: Entry,
    pub position: u64,
}

/// A file that is written.
pub(super) struct Writing {
    pub context: Arc<Context>,
    /// None: it took its place, or there is nothing to write.
    pub incoming: Option<Incoming>,
    /// What it is now.
    pub entry: Option<Entry>,
}

impl fmt::Debug for Writing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl DavFile for Reading {
    fn metadata(&mut self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        let meta: Box<dyn DavMetaData> = Box::new(Meta { entry: self.entry.clone(), quoted: false });
        std::future::ready(Ok(meta)).boxed()
    }

    fn write_buf(&mut self, _: Box<dyn Buf + Send>) -> FsFuture<'_, ()> {
        std::future::ready(Err(FsError::Forbidden)).boxed()
    }

    fn write_bytes(&mut self, _: Bytes) -> FsFuture<'_, ()> {
        std::future::ready(Err(FsError::Forbidden)).boxed()
    }

    fn read_bytes(&mut self, count: usize) -> FsFuture<'_, Bytes> {
        async move {
            let (file, position) = (self.file.clone(), self.position);
            let bytes = match read_now(&file, position, count) {
                Some(bytes) => bytes,
                None => {
                    let storage = &self.context.view.storage;
                    let read = storage.on_disk(move |_| read_at(&file, position, count)).await;
                    read.map_err(|error| self.context.failed(error))?
                }
            };
            self.position += bytes.len() as u64;
            Ok(bytes)
        }
        .boxed()
    }

    fn seek(&mut self, position: SeekFrom) -> FsFuture<'_, u64> {
        let to = match position {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.entry.size.checked_add_signed(by),
        };
        let sought = to.filter(|to| *to <= self.entry.size).ok_or(FsError::GeneralFailure);
        self.position = sought.unwrap_or(self.position);
        std::future::ready(sought).boxed()
    }

    fn flush(&mut self) -> FsFuture<'_, ()> {
        std::future::ready(Ok(())).boxed()
    }
}

/// Bytes that the kernel has in memory, all of them: not worth the way to another thread and back.
fn read_now(file: &File, position: u64, count: usize) -> Option<Bytes> {
    let mut buffer = vec![0; count];
    let (into, flags) = (&mut [IoSliceMut::new(&mut buffer)], ReadWriteFlags::NOWAIT);
    let read = rustix::io::preadv2(file, into, position, flags).ok()?;
    (read == count).then(|| buffer.into())
}

/// As many bytes as there are. The file's content is that of when it was opened: what is written anew is
/// another file. Fewer bytes than it had are an error, so that nobody takes them for the file.
fn read_at(file: &File, position: u64, count: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match rustix::io::pread(file, &mut buffer[filled..], position + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    if filled == 0 && count > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(filled);
    Ok(buffer.into())
}

impl Writing {
    async fn take(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        let incoming = self.incoming.as_mut().ok_or(FsError::GeneralFailure)?;
        incoming.write(bytes).await.map_err(|error| self.context.failed(error))
    }
}

impl DavFile for Writing {
    fn metadata(&mut self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        let meta = self.entry.clone().map(|entry| Box::new(Meta { entry, quoted: false }));
        let meta = meta.map(|meta| meta as Box<dyn DavMetaData>);
        std::future::ready(meta.ok_or(FsError::NotFound)).boxed()
    }

    fn write_buf(&mut self, mut bytes: Box<dyn Buf + Send>) -> FsFuture<'_, ()> {
        async move {
            while bytes.has_remaining() {
                let piece = Bytes::copy_from_slice(bytes.chunk());
                bytes.advance(piece.len());
                self.take(&piece).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn write_bytes(&mut self, bytes: Bytes) -> FsFuture<'_, ()> {
        async move { self.take(&bytes).await }.boxed()
    }

    fn read_bytes(&mut self, _: usize) -> FsFuture<'_, Bytes> {
        std::future::ready(Err(FsError::Forbidden)).boxed()
    }

    fn seek(&mut self, _: SeekFrom) -> FsFuture<'_, u64> {
        std::future::ready(Err(FsError::NotImplemented)).boxed()
    }

    /// All bytes came: the file takes its place.
    fn flush(&mut self) -> FsFuture<'_, ()> {
        async move {
            let Some(incoming) = self.incoming.take() else { return Ok(()) };
            let done: Result<Entry, Error> = incoming.finish(self.context.modified).await;
            let entry = done.map_err(|error| self.context.failed(error))?;
            self.context.note_written(entry.clone());
            self.entry = Some(entry);
            Ok(())
        }
        .boxed()
    }
}
