//! Changes to the tree: new folders, moves, what goes to the bin.

use std::io;

use deadpool_postgres::{GenericClient, Transaction};
use tokio::join;

use super::disk::{self, Facts, Names, bytes};
use super::node::{self, New, Node};
use super::view::{Entry, Found, Mount, Spot, View};
use super::{Error, Result, Storage, bin, locks, path, space, to_its_end};

/// What was done on the disk, so that it can be undone.
pub(crate) struct Changes {
    storage: Storage,
    done: Vec<Step>,
    /// Removed when all is well.
    pub leftover: Vec<Names>,
    /// Folders whose names changed.
    folders: Vec<Names>,
    /// A name in somebody's own folder is free again.
    freed: bool,
}

enum Step {
    Made(Names),
    Renamed(Names, Names),
    Exchanged(Names, Names),
}

/// Where something is to go.
pub(crate) struct Target {
    pub mount: Mount,
    pub folder: Found,
    pub name: String,
    /// What has the name now.
    pub taken: Option<Node>,
}

impl Target {
    /// Names on the disk.
    pub(crate) fn names(&self) -> Names {
        let mut parts = self.folder.names();
        parts.push(self.taken.as_ref().map_or_else(|| self.name.clone(), |node| node.name.clone()));
        self.mount.space.names(&parts)
    }
}

impl View {
    /// Makes a folder.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NoFolder`], [`Error::Denied`], [`Error::BadName`], [`Error::Locked`].
    pub async fn create_folder(&self, path: &str) -> Result<Entry> {
        let (view, spot) = (self.clone(), self.spot(path)?);
        to_its_end(async move {
            let mut client = view.storage.files().await?;
            let transaction = client.transaction().await?;
            let mut changes = Changes::new(&view.storage);
            let made = view.make_folder(&transaction, &spot, &mut changes).await;
            changes.settle(transaction, made).await
        })
        .await
    }

    async fn make_folder(
        &self,
        transaction: &Transaction<'_>,
        spot: &Spot,
        changes: &mut Changes,
    ) -> Result<Entry> {
        space::lock(transaction, &[spot.mount.space.id]).await?;
        let target = self.target(transaction, spot).await?;
        if target.taken.is_some() {
            return Err(Error::Exists);
        }
        let folder = target.folder.last();
        self.unlocked(transaction, folder.id, false).await?;
        let names = target.names();
        changes.make(&names).await?;
        let facts = self.storage.on_disk(move |disk| disk.facts(&names)).await?;
        let new = New { space: folder.space, parent: Some(folder.id), name: &target.name, facts };
        let node = node::insert(transaction, &new).await?;
        node::touch(transaction, folder.id, 0).await?;
        Ok(self.entry(&target.mount, &self.path_of(&target.mount, &target.folder.names()), &node))
    }

    /// Renames or moves a file or folder. What has the new name is replaced where `overwrite` says so: a
    /// file by a file at once, anything else goes to the bin.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`], [`Error::NoFolder`], [`Error::Denied`], [`Error::Loop`],
    /// [`Error::NoSpace`], [`Error::Locked`].
    pub async fn move_to(&self, from: &str, to: &str, overwrite: bool) -> Result<Entry> {
        let (view, from, to) = (self.clone(), self.spot(from)?, self.spot(to)?);
        to_its_end(async move {
            let room = view.room_for_move(&from, &to).await?;
            let mut client = view.storage.files().await?;
            let transaction = client.transaction().await?;
            let mut changes = Changes::new(&view.storage);
            let moved = view.moved(&transaction, (&from, &to), overwrite, &mut changes).await;
            let moved = changes.settle(transaction, moved).await;
            drop(room);
            moved
        })
        .await
    }

    /// From one space to another, there must be room.
    async fn room_for_move(&self, from: &Spot, to: &Spot) -> Result<Option<super::quota::Reservation>> {
        if from.mount.space.id == to.mount.space.id {
            return Ok(None);
        }
        let client = self.storage.files().await?;
        let size = bytes(self.found(&client, from).await?.last().size);
        drop(client);
        Ok(Some(self.storage.reserve_from(&to.mount.space, size, Some(&from.mount.space)).await?))
    }

    async fn moved(
        &self,
        transaction: &Transaction<'_>,
        (from, to): (&Spot, &Spot),
        overwrite: bool,
        changes: &mut Changes,
    ) -> Result<Entry> {
        space::lock(transaction, &[from.mount.space.id, to.mount.space.id]).await?;
        let source = self.movable(transaction, from).await?;
        let target = self.target(transaction, to).await?;
        let (moved, folder) = (source.last().clone(), target.folder.last().clone());
        if moved.is_folder && node::is_within(transaction, folder.id, moved.id).await? {
            return Err(Error::Loop);
        }
        let (old, new) = (from.mount.space.names(&source.names()), self.new_names(&target));
        let other = target.taken.as_ref().filter(|taken| taken.id != moved.id);
        self.unlocked(transaction, folder.id, false).await?;
        match other {
            None if old == new => {
                return Ok(self.entry(&target.mount, &self.folder_of(from, &source), &moved));
            }
            None => drop(changes.rename(&old, &new).await?),
            Some(_) if !overwrite => return Err(Error::Exists),
            Some(taken) => self.replaced(transaction, (&moved, &old), (taken, &target), changes).await?,
        }
        let facts = self.storage.on_disk(move |disk| disk.facts(&new)).await?;
        let place = (folder.space, folder.id, target.name.as_str());
        let node = node::relocate(transaction, &moved, place, facts).await?;
        account(transaction, moved.parent, folder.id, moved.size).await?;
        locks::forget(transaction, moved.id).await?;
        Ok(self.entry(&target.mount, &self.path_of(&target.mount, &target.folder.names()), &node))
    }

    /// Names at the new place: those that are asked for, also where something alike is renamed.
    fn new_names(&self, target: &Target) -> Names {
        let mut parts = target.folder.names();
        parts.push(target.name.clone());
        target.mount.space.names(&parts)
    }

    /// Puts `moved` in the place of something else.
    async fn replaced(
        &self,
        transaction: &Transaction<'_>,
        (moved, old): (&Node, &Names),
        (taken, target): (&Node, &Target),
        changes: &mut Changes,
    ) -> Result<()> {
        self.unlocked(transaction, taken.id, true).await?;
        if moved.is_folder || taken.is_folder {
            if node::is_within(transaction, moved.id, taken.id).await? {
                return Err(Error::Loop);
            }
            let place = (&target.mount.space, target.folder.names());
            bin::put(self, transaction, taken, place, changes).await?;
            return changes.rename(old, &self.new_names(target)).await.map(drop);
        }
        let aside = disk::incoming(&disk::unique()?);
        changes.rename(old, &aside).await?;
        changes.exchange(&aside, &target.names()).await?;
        if target.names() != self.new_names(target) {
            changes.rename(&target.names(), &self.new_names(target)).await?;
        }
        changes.leftover.push(aside);
        let gone = "delete from node where id = $1";
        transaction.execute(&transaction.prepare_cached(gone).await?, &[&taken.id]).await?;
        node::touch(transaction, target.folder.last().id, -taken.size).await
    }

    /// Deletes a file or folder: it goes to the bin.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`], [`Error::Locked`].
    pub async fn delete(&self, path: &str) -> Result<()> {
        let (view, spot) = (self.clone(), self.spot(path)?);
        to_its_end(async move {
            let mut client = view.storage.files().await?;
            let transaction = client.transaction().await?;
            let mut changes = Changes::new(&view.storage);
            let deleted = view.deleted(&transaction, &spot, &mut changes).await;
            changes.settle(transaction, deleted).await
        })
        .await
    }

    async fn deleted(&self, transaction: &Transaction<'_>, spot: &Spot, changes: &mut Changes) -> Result<()> {
        space::lock(transaction, &[spot.mount.space.id]).await?;
        let source = self.movable(transaction, spot).await?;
        let mut folder = source.names();
        folder.pop();
        bin::put(self, transaction, source.last(), (&spot.mount.space, folder), changes).await
    }

    /// What is at `spot`, which may be taken away from there.
    async fn movable(&self, client: &impl GenericClient, spot: &Spot) -> Result<Found> {
        if spot.parts.is_empty() {
            return Err(Error::Denied);
        }
        let found = self.found(client, spot).await?;
        if !spot.mount.writable {
            return Err(Error::Denied);
        }
        self.unlocked(client, found.last().id, true).await?;
        Ok(found)
    }

    /// Where something new may go.
    pub(crate) async fn target(&self, client: &impl GenericClient, spot: &Spot) -> Result<Target> {
        let (_, name) = placed(spot)?;
        path::check(name)?;
        let nodes = node::path(client, spot.mount.space.files, &spot.parts).await?;
        target_of(spot, nodes)
    }

    /// The same, with its space locked.
    pub(crate) async fn target_locked(&self, transaction: &Transaction<'_>, spot: &Spot) -> Result<Target> {
        let (_, name) = placed(spot)?;
        path::check(name)?;
        let space = &spot.mount.space;
        target_of(spot, space::lock_path(transaction, space.id, space.files, &spot.parts).await?)
    }

    /// Nobody locked it, as far as it is ours to look.
    pub(crate) async fn unlocked(&self, client: &impl GenericClient, node: i64, below: bool) -> Result<()> {
        if self.locks_known { Ok(()) } else { locks::refuse(client, node, below).await }
    }
}

/// The folder's names, and the name in it.
fn placed(spot: &Spot) -> Result<(&[String], &String)> {
    let (name, folder) = spot.parts.split_last().ok_or(Error::Exists)?;
    Ok((folder, name))
}

/// The place that these nodes lead to, which are those on the path as far as they are there.
fn target_of(spot: &Spot, nodes: Vec<Node>) -> Result<Target> {
    let (folder, name) = placed(spot)?;
    let mut nodes = nodes.into_iter();
    let root = nodes.next().ok_or(Error::NoFolder)?;
    let mut found = Found { root, below: nodes.collect() };
    let taken = if found.below.len() == spot.parts.len() { found.below.pop() } else { None };
    if found.below.len() < folder.len() || !found.last().is_folder {
        return Err(Error::NoFolder);
    }
    if !spot.mount.writable {
        return Err(Error::Denied);
    }
    Ok(Target { mount: spot.mount.clone(), folder: found, name: name.clone(), taken })
}

/// Bytes went from one folder to another.
pub(crate) async fn account(
    client: &impl GenericClient,
    from: Option<i64>,
    to: i64,
    bytes: i64,
) -> Result<()> {
    match from {
        Some(from) if from != to => {
            node::touch(client, from, -bytes).await?;
            node::touch(client, to, bytes).await
        }
        _ => node::touch(client, to, 0).await,
    }
}

impl Changes {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self {
            storage: storage.clone(),
            done: Vec::new(),
            leftover: Vec::new(),
            folders: Vec::new(),
            freed: false,
        }
    }

    /// Makes a folder.
    pub(crate) async fn make(&mut self, names: &Names) -> Result<()> {
        let made = names.clone();
        self.storage.on_disk(move |disk| disk.make(&made)).await?;
        self.folder_of(names);
        self.done.push(Step::Made(names.clone()));
        Ok(())
    }

    /// Moves; nothing may be at the new place. Gives what is there then.
    pub(crate) async fn rename(&mut self, from: &Names, to: &Names) -> Result<Facts> {
        let (old, new) = (from.clone(), to.clone());
        let rename = move |disk: &disk::Disk| disk.rename(&old, &new).map(|()| disk.facts(&new));
        let facts = self.storage.on_disk(rename).await?;
        self.folder_of(from);
        if space::is_own_root(&from[..from.len() - 1]) {
            self.freed = true;
        }
        self.folder_of(to);
        self.done.push(Step::Renamed(from.clone(), to.clone()));
        Ok(facts?)
    }

    /// Each takes the other's place. Gives what is at the other one then.
    pub(crate) async fn exchange(&mut self, one: &Names, other: &Names) -> Result<Facts> {
        let (first, second) = (one.clone(), other.clone());
        let exchange = move |disk: &disk::Disk| disk.exchange(&first, &second).map(|()| disk.facts(&second));
        let facts = self.storage.on_disk(exchange).await?;
        self.folder_of(one);
        self.folder_of(other);
        self.done.push(Step::Exchanged(one.clone(), other.clone()));
        Ok(facts?)
    }

    fn folder_of(&mut self, names: &Names) {
        let folder = names[..names.len() - 1].to_vec();
        // What is still on its way need not survive.
        if folder != [disk::INCOMING] && !self.folders.contains(&folder) {
            self.folders.push(folder);
        }
    }

    /// Commits what was done, and sees that it stays; or undoes it on the disk.
    ///
    /// # Errors
    /// That of `done`, or the commit's.
    pub(crate) async fn settle<T>(mut self, transaction: Transaction<'_>, done: Result<T>) -> Result<T> {
        let value = match done {
            Ok(value) => value,
            Err(error) => {
                // The rows must not be seen before the disk is as it was.
                self.undo().await;
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        // The database and the disk write at the same time.
        let folders = std::mem::take(&mut self.folders);
        let flush = self.storage.on_disk(move |disk| flushed(disk, &folders));
        let (committed, flushed) = join!(transaction.commit(), flush);
        if let Err(error) = committed {
            self.undo().await;
            return Err(error.into());
        }
        if self.freed {
            self.storage.inner.known.names_changed();
        }
        flushed?;
        let leftover = self.leftover;
        if !leftover.is_empty() {
            let remove = move |disk: &disk::Disk| leftover.iter().try_for_each(|names| disk.remove(names));
            self.storage.on_disk(remove).await?;
        }
        Ok(value)
    }

    async fn undo(self) {
        let undo = move |disk: &disk::Disk| {
            for step in self.done.iter().rev() {
                match step {
                    Step::Made(names) => disk.remove(names)?,
                    Step::Renamed(from, to) => disk.rename(to, from)?,
                    Step::Exchanged(one, other) => disk.exchange(one, other)?,
                }
            }
            Ok(())
        };
        if let Err(error) = self.storage.on_disk(undo).await {
            eprintln!("undoing a change on the disk: {error}; the next scan puts the rows right");
        }
    }
}

/// The names in these folders are there for good.
fn flushed(disk: &disk::Disk, folders: &[Names]) -> io::Result<()> {
    folders.iter().try_for_each(|folder| match disk.flush(folder) {
        // It was moved or deleted meanwhile, which flushed more.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    })
}
