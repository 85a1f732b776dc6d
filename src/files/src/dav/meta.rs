//! What is said of a file or folder.

use std::time::SystemTime;

use dav_server::fs::{DavDirEntry, DavMetaData, FsFuture, FsResult};
use futures_util::FutureExt as _;

use crate::storage::Entry;

/// What is known of it.
#[derive(Debug, Clone)]
pub(super) struct Meta {
    pub entry: Entry,
    /// The ETag is told with its quotes.
    pub quoted: bool,
}

impl DavMetaData for Meta {
    fn len(&self) -> u64 {
        self.entry.size
    }

    fn modified(&self) -> FsResult<SystemTime> {
        Ok(self.entry.modified)
    }

    fn is_dir(&self) -> bool {
        self.entry.is_folder
    }

    fn etag(&self) -> Option<String> {
        let etag = &self.entry.etag;
        Some(if self.quoted { format!("\"{etag}\"") } else { etag.clone() })
    }
}

impl DavDirEntry for Meta {
    fn name(&self) -> Vec<u8> {
        self.entry.name.clone().into_bytes()
    }

    fn metadata(&self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        let meta: Box<dyn DavMetaData> = Box::new(self.clone());
        std::future::ready(Ok(meta)).boxed()
    }
}
