//! What was found and need not be asked for again.
//!
//! - What people see, and what they may take, holds as long as the databases say that nothing of that kind has
//!   changed: they are asked at each request for a number, which triggers change. A right that is taken away is
//!   gone at the next request.
//! - What is known of a file holds as long as the file on the disk is the same, unchanged: who opens it sees that.
//!   A change gives it another inode, or at least another time of its last change, which nobody can set.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::try_join;

use super::folk::Limits;
use super::node::Node;
use super::space::{Kind, Space};
use super::view::Mount;
use super::{Result, Storage};

/// People, and spaces, of which something is known at a time.
const PEOPLE: usize = 1000;
/// Files of which something is known at a time: some 200 bytes each.
const FILES: usize = 8192;

/// What changes whenever something does by which people see what they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    /// Of the directory.
    pub directory: i64,
    /// Of the spaces.
    spaces: i64,
    /// Of the names in people's own folders, where shared folders stand too.
    names: u64,
}

/// All that is known.
#[derive(Default)]
pub(crate) struct Known {
    views: Few<String, (Versions, Arc<[Mount]>)>,
    limits: Few<(Kind, String), (i64, Arc<Limits>)>,
    files: Few<(i64, String), Node>,
    names: AtomicU64,
}

impl Known {
    /// What somebody sees.
    pub(crate) fn view(&self, login: &str, now: Versions) -> Option<Arc<[Mount]>> {
        self.views.get(login).filter(|(then, _)| *then == now).map(|(_, mounts)| mounts)
    }

    /// Keeps what somebody sees, which was asked for after the versions were.
    pub(crate) fn keep_view(&self, login: &str, now: Versions, mounts: &Arc<[Mount]>) {
        self.views.keep(login.to_owned(), (now, mounts.clone()), PEOPLE);
    }

    /// A name in somebody's own folder is free again.
    pub(crate) fn names_changed(&self) {
        self.names.fetch_add(1, Ordering::SeqCst);
    }

    /// Something was changed by hand.
    pub(crate) fn forget(&self) {
        self.names_changed();
        self.files.forget();
    }

    /// The file that was last seen there.
    pub(crate) fn file(&self, space: &Space, parts: &[String]) -> Option<Node> {
        self.files.get(&(space.files, parts.join("/")))
    }

    /// Keeps what is known of the file there.
    pub(crate) fn keep_file(&self, space: &Space, parts: &[String], node: &Node) {
        self.files.keep((space.files, parts.join("/")), node.clone(), FILES);
    }
}

impl Storage {
    /// The versions of this moment.
    pub(crate) async fn versions(&self) -> Result<Versions> {
        let names = self.inner.known.names.load(Ordering::SeqCst);
        let spaces = async {
            let client = self.files().await?;
            let statement = client.prepare_cached("select number from version").await?;
            Ok(client.query_one(&statement, &[]).await?.get(0))
        };
        let (directory, spaces) = try_join!(self.directory_version(), spaces)?;
        Ok(Versions { directory, spaces, names })
    }

    async fn directory_version(&self) -> Result<i64> {
        let client = self.directory().await?;
        let statement = client.prepare_cached("select number from service_version").await?;
        Ok(client.query_one(&statement, &[]).await?.get(0))
    }

    /// Bytes that may be taken in a space.
    pub(crate) async fn limits(&self, space: &Space) -> Result<Arc<Limits>> {
        let (now, limits) = (self.directory_version().await?, &self.inner.known.limits);
        let key = (space.kind, space.owner.clone());
        if let Some((_, known)) = limits.get(&key).filter(|(then, _)| *then == now) {
            return Ok(known);
        }
        let asked = Arc::new(self.limits_of(space).await?);
        limits.keep(key, (now, asked.clone()), PEOPLE);
        Ok(asked)
    }
}

/// A few things by their keys; when there are too many, all are forgotten.
struct Few<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Few<K, V> {
    fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn keep(&self, key: K, value: V, most: usize) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= most {
            all.clear();
        }
        all.insert(key, value);
    }
}
