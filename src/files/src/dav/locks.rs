//! Locks (RFC 4918 § 6, § 7): the crate asks, the database knows.

use std::sync::Arc;
use std::time::Duration;

use dav_server::davpath::DavPath;
use dav_server::ls::{DavLock, DavLockSystem, LsFuture};
use futures_util::FutureExt as _;
use uuid::Builder;
use xmltree::{Element, Namespace};

use super::request::{Context, view_path};
use crate::storage::locks::{Covering, Lock};
use crate::storage::{Entry, Error};

/// The locks, as one request sees them.
#[derive(Debug, Clone)]
pub(super) struct Locks(pub Arc<Context>);

/// Who asks, and with which tokens.
struct Asker<'a> {
    principal: Option<&'a str>,
    /// Whose a lock is does not matter.
    anybody: bool,
    tokens: &'a [&'a str],
}

impl Asker<'_> {
    fn holds(&self, lock: &Lock) -> bool {
        self.tokens.contains(&lock.token.as_str())
            && (self.anybody || self.principal == lock.principal.as_deref())
    }

    /// A lock that stands in the way: an exclusive one that the asker does not hold; shared ones where the
    /// asker holds none of them.
    fn hindrance<'a>(&self, covering: &'a Covering) -> Option<&'a Lock> {
        let foreign = |lock: &&Lock| !self.holds(lock);
        let above = &covering.above;
        let exclusive = above.iter().filter(foreign).find(|lock| !lock.shared);
        let holds_one = above.iter().any(|lock| self.holds(lock));
        let shared = above.iter().filter(foreign).find(|_| !holds_one);
        exclusive.or(shared).or_else(|| covering.below.iter().find(foreign))
    }
}

impl Context {
    /// An empty file.
    pub(super) async fn empty_file(&self, path: &str) -> Result<Entry, Error> {
        let incoming = self.view.begin(path, Some(0)).await?.only(crate::storage::Only::New);
        incoming.finish(None).await
    }

    async fn hindered(&self, path: &DavPath, deep: bool, asker: &Asker<'_>) -> Result<(), DavLock> {
        if !self.any_lock().await {
            return Ok(());
        }
        let covering = match self.view.covering(&view_path(path).unwrap_or_default(), deep).await {
            Ok(covering) => covering,
            // What cannot be looked at is as good as locked.
            Err(_) => return Err(unknown(path)),
        };
        match asker.hindrance(&covering) {
            Some(lock) => Err(self.told(lock, path)),
            None => Ok(()),
        }
    }

    /// A lock, as the crate wants it.
    fn told(&self, lock: &Lock, asked: &DavPath) -> DavLock {
        DavLock {
            token: lock.token.clone(),
            path: self.dav_path(&lock.path).unwrap_or_else(|| asked.clone()),
            principal: lock.principal.clone(),
            owner: lock.owner.as_ref().and_then(|xml| Element::parse(xml.as_bytes()).ok()),
            timeout_at: lock.expires_at,
            timeout: lock.timeout,
            shared: lock.shared,
            deep: lock.deep,
        }
    }

    fn dav_path(&self, path: &str) -> Option<DavPath> {
        let encode = |name| percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let path: String = path.split('/').map(|name| format!("/{}", encode(name))).collect();
        let mut path = DavPath::new(&format!("{}{path}", self.prefix)).ok()?;
        path.set_prefix(&self.prefix).ok()?;
        Some(path)
    }

    async fn locked(&self, path: &DavPath, new: Lock) -> Result<DavLock, DavLock> {
        let at = view_path(path).unwrap_or_default();
        let nobody = Asker { principal: None, anybody: true, tokens: &[] };
        let shared = new.shared;
        // Shared locks bear each other.
        let conflict = |covering: &Covering| {
            let apart = |lock: &&Lock| !(shared && lock.shared);
            let all = covering.above.iter().chain(&covering.below);
            all.filter(apart).find(|lock| !nobody.holds(lock)).cloned()
        };
        if self.view.stat(&at).await.is_err() {
            let covering = self.view.covering(&at, false).await.map_err(|_| unknown(path))?;
            if let Some(lock) = conflict(&covering) {
                return Err(self.told(&lock, path));
            }
            if self.empty_file(&at).await.is_err() {
                // The crate tries to make it again, and tells why that does not go.
                return Ok(self.told(&new, path));
            }
        }
        match self.view.add_lock(&at, new, conflict).await {
            Ok(Ok(lock)) => Ok(self.told(&lock, path)),
            Ok(Err(lock)) => Err(self.told(&lock, path)),
            Err(error) => {
                self.failed(error);
                Err(unknown(path))
            }
        }
    }
}

/// A lock that is not known: where it cannot be asked for.
fn unknown(path: &DavPath) -> DavLock {
    DavLock {
        token: String::new(),
        path: path.clone(),
        principal: None,
        owner: None,
        timeout_at: None,
        timeout: None,
        shared: false,
        deep: false,
    }
}

/// What the client says of itself, so that it can be read again by itself: its prefix is declared.
fn text(owner: &Element) -> Option<String> {
    let mut owner = owner.clone();
    if let (Some(prefix), Some(namespace)) = (&owner.prefix, &owner.namespace) {
        owner.namespaces.get_or_insert_with(Namespace::empty).force_put(prefix.as_str(), namespace.as_str());
    }
    let mut xml = Vec::new();
    owner.write(&mut xml).ok()?;
    String::from_utf8(xml).ok()
}

fn token() -> Option<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).ok()?;
    Some(Builder::from_random_bytes(random).into_uuid().urn().to_string())
}

impl DavLockSystem for Locks {
    fn lock(
        &self,
        path: &DavPath,
        principal: Option<&str>,
        owner: Option<&Element>,
        timeout: Option<Duration>,
        shared: bool,
        deep: bool,
    ) -> LsFuture<'_, Result<DavLock, DavLock>> {
        let path = path.clone();
        let Some(token) = token() else { return std::future::ready(Err(unknown(&path))).boxed() };
        let new = Lock {
            token,
            principal: principal.map(str::to_owned),
            owner: owner.and_then(text),
            shared,
            deep,
            timeout,
            expires_at: None,
            node: 0,
            path: String::new(),
        };
        async move { self.0.locked(&path, new).await }.boxed()
    }

    fn unlock(&self, path: &DavPath, token: &str) -> LsFuture<'_, Result<(), ()>> {
        let (path, token) = (view_path(path), token.to_owned());
        async move {
            let removed = self.0.view.remove_lock(&path.map_err(|_| ())?, &token).await;
            if removed.unwrap_or_default() { Ok(()) } else { Err(()) }
        }
        .boxed()
    }

    fn refresh(
        &self,
        path: &DavPath,
        token: &str,
        timeout: Option<Duration>,
    ) -> LsFuture<'_, Result<DavLock, ()>> {
        let (path, token) = (path.clone(), token.to_owned());
        async move {
            let at = view_path(&path).map_err(|_| ())?;
            let refreshed = self.0.view.refresh_lock(&at, &token, timeout).await;
            let lock = refreshed.ok().flatten().ok_or(())?;
            Ok(self.0.told(&lock, &path))
        }
        .boxed()
    }

    fn check(
        &self,
        path: &DavPath,
        principal: Option<&str>,
        ignore_principal: bool,
        deep: bool,
        submitted_tokens: Vec<&str>,
    ) -> LsFuture<'_, Result<(), DavLock>> {
        let (path, principal) = (path.clone(), principal.map(str::to_owned));
        let tokens: Vec<String> = submitted_tokens.into_iter().map(str::to_owned).collect();
        async move {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let asker = Asker { principal: principal.as_deref(), anybody: ignore_principal, tokens: &tokens };
            self.0.hindered(&path, deep, &asker).await
        }
        .boxed()
    }

    fn discover(&self, path: &DavPath) -> LsFuture<'_, Vec<DavLock>> {
        let path = path.clone();
        async move {
            if !self.0.any_lock().await {
                return Vec::new();
            }
            let covering = self.0.view.covering(&view_path(&path).unwrap_or_default(), false).await;
            covering.unwrap_or_default().above.iter().map(|lock| self.0.told(lock, &path)).collect()
        }
        .boxed()
    }

    /// Locks end with what they are on (the bin has none) and stay behind when it moves: the crate says so
    /// after it moved, when something else may be at the path.
    fn delete(&self, _: &DavPath) -> LsFuture<'_, Result<(), ()>> {
        std::future::ready(Ok(())).boxed()
    }
}
