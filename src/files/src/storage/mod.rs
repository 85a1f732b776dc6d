//! Files and folders.
//!
//! Their bytes lie on the disk under their real names, so that anybody with a file manager finds them
//! there; what else is known of them (numbers that stay, ETags, sizes of folders, properties, locks)
//! lies in PostgreSQL and is kept with each change, never found by walking the tree.
//!
//! | module | subject |
//! |---|---|
//! | [`View`] | what one person sees: their own space, and those of their associations and groups |
//! | [`Entry`] | a file or folder of a view |
//! | [`Incoming`] | a file that is being written |
//! | [`bin`] | what was deleted |
//! | [`Earlier`] | what there was, by snapshots |
//! | [`quota`] | bytes that may be taken |
//! | [`Property`], `locks` | what clients of WebDAV say of files, and lock |
//! | [`scan`], `running` | what was changed by hand, or cut short by a power cut |
//! | `folk` | who is in which association: asked of the directory |
//! | `space`, `node` | rows of the database |
//! | `known` | what need not be asked for again |
//! | `disk` | the only door to the disk |
//! | `path` | names and paths |
//!
//! A change is made in this order: the space is locked in the database, the disk is changed and flushed,
//! the rows are written and committed. What fails before the commit is undone on the disk; what a power
//! cut leaves between the two, a scan puts right. A change runs to its end once it began, whether the
//! client is still there or not.

pub mod bin;
mod change;
mod copy;
mod disk;
mod earlier;
mod error;
mod folk;
mod incoming;
mod known;
pub(crate) mod locks;
mod node;
mod number;
mod path;
mod pieces;
mod properties;
mod publish;
pub mod quota;
mod running;
pub mod scan;
mod search;
mod secret;
pub mod space;
mod view;

pub use earlier::Earlier;
pub use error::{BadName, Error, Full, Result};
pub use incoming::{Incoming, Only, SMALL};
pub use properties::Property;
pub use view::{Entry, Mount, View};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mazet_database::connect::Object;
use mazet_database::{Place, Pool};

use crate::snapshots;
use disk::Disk;

/// Name of the database.
pub const DATABASE: &str = "files";
/// Role that owns it, and that reads the directory.
pub const ROLE: &str = "mazet-files";
/// Where the files lie.
pub const FOLDER: &str = "/srv/files";

/// The files of one box: cheap to clone, shared by all requests.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    files: Pool,
    directory: Pool,
    disk: Disk,
    snapshots: PathBuf,
    reserved: quota::Reserved,
    known: known::Known,
}

impl Storage {
    /// Files in `folder`, known in the database at `files`, of people whom the one at `directory` knows. `snapshots`:
    /// where snapshots of them are, if there are any.
    ///
    /// # Errors
    /// When the folder cannot be opened or made ready.
    pub fn new(folder: &Path, snapshots: &Path, files: &Place, directory: &Place) -> Result<Self> {
        let inner = Inner {
            files: files.pool_for_lookups(8)?,
            directory: directory.pool_for_lookups(4)?,
            disk: Disk::open(folder)?,
            snapshots: snapshots.to_owned(),
            reserved: quota::Reserved::default(),
            known: known::Known::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The box's own files.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_box() -> Result<Self> {
        let directory = Place::new(mazet_directory::DATABASE, ROLE);
        let snapshots = Path::new(snapshots::FOLDER);
        Self::new(Path::new(FOLDER), snapshots, &Place::new(DATABASE, ROLE), &directory)
    }

    /// Is the database there, with its schema?
    ///
    /// # Errors
    /// When it is not.
    pub async fn check(&self) -> Result<()> {
        self.files().await?.query_one("select count(*) from space", &[]).await?;
        Ok(())
    }

    /// A connection to the database of the files.
    pub(crate) async fn files(&self) -> Result<Object> {
        self.inner.files.get().await.map_err(Error::unavailable)
    }

    /// A connection to the directory.
    pub(crate) async fn directory(&self) -> Result<Object> {
        self.inner.directory.get().await.map_err(Error::unavailable)
    }

    /// Opens a file, with what the disk says of it.
    pub(crate) async fn opened(&self, names: disk::Names) -> Result<(std::fs::File, disk::Facts)> {
        let open = move |disk: &Disk| {
            let file = disk.file(&names)?;
            let facts = disk::facts_of(&file)?;
            Ok((file, facts))
        };
        self.on_disk(open).await
    }

    /// Does work on the disk beside the other requests.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner.disk)).await;
        Ok(done.map_err(|error| Error::Internal(error.to_string()))??)
    }
}

/// Does a change to its end, even if nobody waits for it any more: a client that goes away must not
/// leave the disk changed and the database not.
pub(crate) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(change).await.map_err(|error| Error::Internal(error.to_string()))?
}
