//! What one person sees: their own space at the root, and in it, as folders that nobody can move, those
//! of their associations and groups.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::folk::Folk;
use super::known::Versions;
use super::node::{self, Node};
use super::space::{Kind, Space};
use super::{Error, Result, Storage, disk, path};

/// Longest name of a shared folder: clients make a folder of that name.
const NAME: usize = 200;

/// Whose a space is.
type Owner = (Kind, String);

/// What one person sees.
#[derive(Clone)]
pub struct View {
    pub(crate) storage: Storage,
    pub(crate) login: Arc<str>,
    mounts: Arc<[Mount]>,
    /// Locks were asked for by the caller, who knows which of them the client holds.
    pub(crate) locks_known: bool,
}

/// A space in a view.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Its folder in the root; empty: the root itself.
    pub name: String,
    /// Whose it is.
    pub kind: Kind,
    /// May the person change what is in it?
    pub writable: bool,
    /// May the person say who else may?
    pub managed: bool,
    /// Do only those change what is in it?
    pub read_only: bool,
    pub(crate) space: Space,
}

/// A file or folder of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: it stays when the file is renamed, moved or written anew.
    pub id: i64,
    /// Its name; empty: the root of the view.
    pub name: String,
    /// Its path in the view.
    pub path: String,
    /// Is it a folder?
    pub is_folder: bool,
    /// Bytes; a folder's are those of all that is in it.
    pub size: u64,
    /// Changes whenever the content does; a folder's, whenever anything in it does. Letters and digits.
    pub etag: String,
    /// When it last changed.
    pub modified: SystemTime,
    /// May the person change it?
    pub writable: bool,
    /// May it be renamed, moved and deleted? Not the root, and not the folder of an association or group.
    pub movable: bool,
    /// Is it in the space of an association or group?
    pub shared: bool,
}

impl Entry {
    /// Media type, by the name's ending: what is in the file may be something else.
    pub fn media_type(&self) -> &'static str {
        if self.is_folder {
            return "httpd/unix-directory";
        }
        mime_guess::from_path(&self.name).first_raw().unwrap_or("application/octet-stream")
    }
}

/// A place in a space.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub mount: Mount,
    /// Names below the space's folder.
    pub parts: Vec<String>,
}

impl Storage {
    /// What the person with this login sees.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is nobody of that login, or they are locked out.
    pub async fn view(&self, login: &str) -> Result<View> {
        let now = self.versions().await?;
        self.view_at(login, now).await
    }

    /// The same for who knows the versions of this moment.
    pub(crate) async fn view_at(&self, login: &str, now: Versions) -> Result<View> {
        let mounts = match self.inner.known.view(login, now) {
            Some(mounts) => mounts,
            None => {
                let mounts = self.mounts_of(login).await?;
                self.inner.known.keep_view(login, now, &mounts);
                mounts
            }
        };
        Ok(View { storage: self.clone(), login: login.into(), mounts, locks_known: false })
    }

    async fn mounts_of(&self, login: &str) -> Result<Arc<[Mount]>> {
        let (wanted, mut named) = wanted(login, &self.folk(login).await?);
        let names: Vec<&str> = named[1..].iter().map(|(name, _)| name.as_str()).collect();
        let (spaces, taken) = self.spaces(&wanted, &names).await?;
        self.keep_apart(&mut named, &spaces[0], taken).await?;
        let mounts = spaces.into_iter().zip(named).map(|(space, (name, managed))| Mount {
            name,
            kind: space.kind,
            writable: space.kind == Kind::Person || managed || !space.read_only,
            managed: managed && space.kind != Kind::Person,
            read_only: space.read_only,
            space,
        });
        Ok(mounts.collect())
    }

    /// What an association sees: its own space, at the root.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with that number.
    pub(crate) async fn view_of_organisation(&self, number: i64) -> Result<View> {
        if !self.has_organisation(number).await? {
            return Err(Error::NotFound);
        }
        let (name, kind) = (String::new(), Kind::Organisation);
        let (spaces, _) = self.spaces(&[(kind, number.to_string())], &[]).await?;
        let mounts = spaces.into_iter().map(|space| Mount {
            name: name.clone(),
            kind,
            writable: true,
            managed: false,
            read_only: space.read_only,
            space,
        });
        Ok(View { storage: self.clone(), login: "".into(), mounts: mounts.collect(), locks_known: false })
    }

    /// A shared folder whose name something of the person's own, or another one, has gets a number. `taken`:
    /// something of the person's own has one of the plain names.
    async fn keep_apart(&self, named: &mut [(String, bool)], own: &Space, taken: bool) -> Result<()> {
        let names: BTreeSet<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        if !taken && names.len() == named.len() {
            return Ok(());
        }
        let client = self.files().await?;
        for at in 1..named.len() {
            let plain = named[at].0.clone();
            for number in 2.. {
                let taken = named[..at].iter().any(|(name, _)| *name == named[at].0);
                if !taken && node::child(&client, own.files, &named[at].0).await?.is_none() {
                    break;
                }
                named[at].0 = format!("{plain} ({number})");
            }
        }
        Ok(())
    }
}

/// The spaces that a person sees, their own first: whose, name of the folder, managed or not.
fn wanted(login: &str, folk: &Folk) -> (Vec<Owner>, Vec<(String, bool)>) {
    let mut wanted = vec![(Kind::Person, login.to_owned())];
    let mut named = vec![(String::new(), true)];
    for one in &folk.organisations {
        wanted.push((Kind::Organisation, one.id.to_string()));
        named.push((folder_name(&one.name), one.manager));
    }
    for group in &folk.groups {
        let manager = folk.organisations.iter().any(|one| one.id == group.organisation && one.manager);
        wanted.push((Kind::Group, group.id.to_string()));
        named.push((folder_name(&format!("{} – {}", group.of, group.name)), manager));
    }
    (wanted, named)
}

/// A name as that of a folder: also on computers that know fewer characters than ours.
fn folder_name(name: &str) -> String {
    let plain = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c };
    let name: String = name.nfc().map(plain).collect();
    let name = path::cut(&name, NAME).trim_matches([' ', '.']).to_owned();
    if name.is_empty() { "-".to_owned() } else { name }
}

impl View {
    /// Whose it is.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The spaces in it, the person's own first.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// The same view for a caller that has looked at locks itself.
    #[must_use]
    pub fn with_locks_known(mut self) -> Self {
        self.locks_known = true;
        self
    }

    /// What is at `path`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::BadName`].
    pub async fn stat(&self, path: &str) -> Result<Entry> {
        let spot = self.spot(path)?;
        if spot.is_root() {
            return self.root().await;
        }
        let client = self.storage.files().await?;
        let found = self.found(&client, &spot).await?;
        Ok(self.entry(&spot.mount, &self.folder_of(&spot, &found), found.last()))
    }

    /// What is in the folder at `path`, by name; the shared folders come first in the root.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Kind`] for a file.
    pub async fn list(&self, path: &str) -> Result<Vec<Entry>> {
        let spot = self.spot(path)?;
        let client = self.storage.files().await?;
        let found = self.found(&client, &spot).await?;
        let folder = found.last();
        if !folder.is_folder {
            return Err(Error::Kind);
        }
        let mut entries = if spot.is_root() { self.shared(&client).await? } else { Vec::new() };
        let own = self.path_of(&spot.mount, &found.names());
        let children = node::children(&client, folder.id).await?;
        entries.extend(children.iter().map(|child| self.entry(&spot.mount, &own, child)));
        Ok(entries)
    }

    /// Opens a file to be read, with what is known of it at that moment.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Kind`] for a folder.
    pub async fn open(&self, path: &str) -> Result<(File, Entry)> {
        let spot = self.spot(path)?;
        if let Some(opened) = self.open_known(&spot) {
            return Ok(opened);
        }
        // Somebody may write it anew between the two looks.
        for _ in 0..8 {
            let client = self.storage.files().await?;
            let found = self.found(&client, &spot).await?;
            drop(client);
            let node = found.last().clone();
            if node.is_folder {
                return Err(Error::Kind);
            }
            let (file, facts) = self.storage.opened(spot.mount.space.names(&found.names())).await?;
            if node.matches(facts) {
                self.storage.inner.known.keep_file(&spot.mount.space, &found.names(), &node);
                return Ok((file, self.entry(&spot.mount, &self.folder_of(&spot, &found), &node)));
            }
            self.storage.see_again(&spot.mount.space, node, found.names()).await?;
        }
        Err(Error::Changed)
    }

    /// The same without a question to the database: where the file on the disk is the very one that was there
    /// before, so is all that is known of it.
    fn open_known(&self, spot: &Spot) -> Option<(File, Entry)> {
        let node = self.storage.inner.known.file(&spot.mount.space, &spot.parts)?;
        let file = self.storage.inner.disk.file_now(&spot.mount.space.names(&spot.parts))?;
        if !node.matches(disk::facts_of(&file).ok()?) {
            return None;
        }
        let (_, folder) = spot.parts.split_last()?;
        Some((file, self.entry(&spot.mount, &self.path_of(&spot.mount, folder), &node)))
    }

    /// Says whether only managers change what is in the shared folder at `path`.
    ///
    /// # Errors
    /// [`Error::Denied`] for who is no manager of it; [`Error::NotFound`].
    pub async fn set_read_only(&self, path: &str, read_only: bool) -> Result<()> {
        let spot = self.spot(path)?;
        if spot.mount.kind == Kind::Person || !spot.parts.is_empty() {
            return Err(Error::NotFound);
        }
        if !spot.mount.managed {
            return Err(Error::Denied);
        }
        let client = self.storage.files().await?;
        let statement = "update space set read_only = $2 where id = $1";
        client.execute(statement, &[&spot.mount.space.id, &read_only]).await?;
        Ok(())
    }

    /// Where a path leads.
    pub(crate) fn spot(&self, path: &str) -> Result<Spot> {
        let mut parts = path::parts(path)?;
        if let Some(mount) = parts.first().and_then(|first| self.mount(first)) {
            parts.remove(0);
            return Ok(Spot { mount: mount.clone(), parts });
        }
        Ok(Spot { mount: self.mounts[0].clone(), parts })
    }

    /// The shared folder of that name.
    pub(crate) fn mount(&self, name: &str) -> Option<&Mount> {
        self.mounts[1..].iter().find(|mount| mount.name == name || mount.name.chars().eq(name.nfc()))
    }

    /// The mount of the space with that number.
    pub(crate) fn mount_of(&self, space: i64) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.space.id == space)
    }

    /// The nodes from the space's folder down to `spot`, which must be there.
    pub(crate) async fn found(
        &self,
        client: &impl deadpool_postgres::GenericClient,
        spot: &Spot,
    ) -> Result<Found> {
        let found = self.found_so_far(client, spot).await?;
        if found.below.len() < spot.parts.len() {
            return Err(Error::NotFound);
        }
        Ok(found)
    }

    /// The same as far as they are there.
    pub(crate) async fn found_so_far(
        &self,
        client: &impl deadpool_postgres::GenericClient,
        spot: &Spot,
    ) -> Result<Found> {
        let mut nodes = node::path(client, spot.mount.space.files, &spot.parts).await?.into_iter();
        let root = nodes.next().ok_or(Error::NotFound)?;
        Ok(Found { root, below: nodes.collect() })
    }

    /// A node as an entry of the folder at `folder`, a path of this view.
    pub(crate) fn entry(&self, mount: &Mount, folder: &str, node: &Node) -> Entry {
        let is_mount = node.parent.is_none();
        let name = if is_mount { mount.name.clone() } else { node.name.clone() };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        Entry {
            id: node.id,
            name,
            path,
            is_folder: node.is_folder,
            size: disk::bytes(node.size),
            etag: node.etag.simple().to_string(),
            modified: disk::time(node.modified),
            writable: mount.writable,
            movable: mount.writable && !is_mount,
            shared: mount.kind != Kind::Person,
        }
    }

    /// A path of this view.
    pub(crate) fn path_of(&self, mount: &Mount, names: &[String]) -> String {
        let start = Some(&mount.name).filter(|name| !name.is_empty());
        start.into_iter().chain(names).map(String::as_str).collect::<Vec<_>>().join("/")
    }

    /// The folder that what was found stands in.
    pub(crate) fn folder_of(&self, spot: &Spot, found: &Found) -> String {
        match found.names().split_last() {
            Some((_, names)) => self.path_of(&spot.mount, names),
            None => String::new(),
        }
    }

    /// The folders of associations and groups.
    async fn shared(&self, client: &impl deadpool_postgres::GenericClient) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for mount in &self.mounts[1..] {
            let root = node::get(client, mount.space.files).await?.ok_or(Error::NotFound)?;
            entries.push(self.entry(mount, "", &root));
        }
        Ok(entries)
    }

    /// The root: it changes when anything that is seen does.
    async fn root(&self) -> Result<Entry> {
        let client = self.storage.files().await?;
        let own = node::get(&client, self.mounts[0].space.files).await?.ok_or(Error::NotFound)?;
        let mut root = self.entry(&self.mounts[0], "", &own);
        let mut all = Sha256::new_with_prefix(own.etag);
        for entry in self.shared(&client).await? {
            all.update(format!("/{}/{}/{}", entry.name, entry.etag, entry.writable));
            root.size += entry.size;
            root.modified = root.modified.max(entry.modified);
        }
        root.etag = all.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(root)
    }
}

impl Spot {
    /// Is it the root of the view?
    pub(crate) fn is_root(&self) -> bool {
        self.parts.is_empty() && self.mount.kind == Kind::Person
    }
}

/// Nodes on a path.
pub(crate) struct Found {
    /// The space's folder.
    pub root: Node,
    /// Those below it.
    pub below: Vec<Node>,
}

impl Found {
    /// The end of the path.
    pub(crate) fn last(&self) -> &Node {
        self.below.last().unwrap_or(&self.root)
    }

    /// The numbers of all on the path.
    pub(crate) fn ids(&self) -> Vec<i64> {
        std::iter::once(&self.root).chain(&self.below).map(|node| node.id).collect()
    }

    /// Names below the space's folder, as they are on the disk.
    pub(crate) fn names(&self) -> Vec<String> {
        self.below.iter().map(|node| node.name.clone()).collect()
    }
}
