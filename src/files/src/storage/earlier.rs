//! What there was: files and folders as snapshots of the disk have them. Who sees a space now sees what was in it; a
//! space that somebody has left is not seen as it was, either.
//!
//! Of what was, the database knows nothing: it is looked up by its path, in each snapshot. So a file that was moved is
//! found where it was. It comes back as an upload does, by [`View::begin`]; where the file system can, the bytes are
//! shared.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::disk::{self, Disk, Facts, Names};
use super::space::Space;
use super::view::{Entry, Mount, Spot, View};
use super::{Error, Only, Result, Storage, path};
use crate::snapshots::{FILES, Moment};

/// Something as it was.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The newest moment at which it was so.
    pub moment: Moment,
    /// What it was. Its number is 0, as the database does not know it.
    pub entry: Entry,
}

impl Storage {
    /// Is anything kept as it was?
    pub async fn has_snapshots(&self) -> bool {
        // Without them all else goes on.
        self.moments().await.is_ok_and(|moments| !moments.is_empty())
    }

    /// The moments of all snapshots, the newest first; none where there is no folder for any.
    async fn moments(&self) -> Result<Vec<Moment>> {
        let moments = |folder: &Path| {
            let all = match std::fs::read_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                all => all?,
            };
            let mut moments = Vec::new();
            for entry in all {
                moments.extend(entry?.file_name().to_str().and_then(Moment::parse));
            }
            moments.sort_unstable_by(|one, other| other.cmp(one));
            Ok(moments)
        };
        self.in_snapshots(moments).await
    }

    /// Does work on the folder of snapshots beside the other requests.
    async fn in_snapshots<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner.snapshots)).await;
        Ok(done.map_err(|error| Error::Internal(error.to_string()))??)
    }

    /// A login, or a number, may have been somebody else's before: what was before the space began is nobody's.
    async fn since(&self, space: &Space) -> Result<std::time::SystemTime> {
        let client = self.files().await?;
        let statement = client.prepare_cached("select created_at from space where id = $1").await?;
        let row = client.query_opt(&statement, &[&space.id]).await?;
        row.map(|row| row.get(0)).ok_or(Error::NotFound)
    }
}

/// The folder of all files at a moment.
fn disk_at(snapshots: &Path, moment: Moment) -> io::Result<Disk> {
    Disk::within(snapshots, &format!("{}/{FILES}", moment.name()))
}

/// What is there; none: nothing was, or the snapshot went meanwhile. A link, whoever put it there, is nothing.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
            _ => Err(error),
        },
    }
}

/// What tells a file from what it was: an upload gives another inode, and who writes it by hand another time or size. A
/// folder is told by its time, which any change of names in it sets.
fn identity(facts: Facts) -> (bool, i64, i64, i64) {
    (facts.is_folder, if facts.is_folder { 0 } else { facts.inode }, facts.modified, facts.size)
}

impl View {
    /// Is anything kept as it was?
    pub async fn has_earlier(&self) -> bool {
        self.storage.has_snapshots().await
    }

    /// What was at `path` and is not what is there now, the newest first, each once. A folder is another one when a name
    /// in it came, went, or got another file.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nothing is nor was; [`Error::BadName`].
    pub async fn earlier(&self, path: &str) -> Result<Vec<Earlier>> {
        let spot = self.spot_now(path).await?;
        let (since, moments) = (self.storage.since(&spot.mount.space).await?, self.storage.moments().await?);
        let names = spot.mount.space.names(&spot.parts);
        let now = names.clone();
        let now = self.storage.on_disk(move |disk| there(disk.facts(&now))).await?;
        let found = move |snapshots: &Path| {
            let mut seen: BTreeSet<_> = now.into_iter().map(identity).collect();
            let mut found = Vec::new();
            for moment in moments.into_iter().take_while(|moment| moment.time() >= since) {
                let then = disk_at(snapshots, moment).and_then(|disk| disk.facts(&names));
                found.extend(
                    there(then)?.filter(|then| seen.insert(identity(*then))).map(|then| (moment, then)),
                );
            }
            Ok(found)
        };
        let found = self.storage.in_snapshots(found).await?;
        if found.is_empty() && now.is_none() {
            return Err(Error::NotFound);
        }
        let earlier =
            |(moment, then)| Earlier { moment, entry: self.entry_then(&spot.mount, &spot.parts, then) };
        Ok(found.into_iter().map(earlier).collect())
    }

    /// A folder as it was at a moment, and what was in it, by name.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Kind`] for a file.
    pub async fn list_at(&self, moment: Moment, path: &str) -> Result<(Entry, Vec<Entry>)> {
        let (spot, names) = self.then(moment, path).await?;
        let listed = move |snapshots: &Path| {
            let disk = disk_at(snapshots, moment)?;
            let facts = disk.facts(&names)?;
            let mut inside = if facts.is_folder { disk.list(&names)? } else { Vec::new() };
            inside.sort_by(|one, other| one.name.cmp(&other.name));
            Ok((facts, inside))
        };
        let found = self.storage.in_snapshots(move |snapshots| there(listed(snapshots))).await?;
        let (facts, inside) = found.ok_or(Error::NotFound)?;
        if !facts.is_folder {
            return Err(Error::Kind);
        }
        let entry = |name: String, facts| {
            let parts: Vec<String> = spot.parts.iter().cloned().chain([name]).collect();
            self.entry_then(&spot.mount, &parts, facts)
        };
        let inside = inside.into_iter().map(|one| entry(one.name, one.facts)).collect();
        Ok((self.entry_then(&spot.mount, &spot.parts, facts), inside))
    }

    /// Opens a file to be read, as it was at a moment.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a folder.
    pub async fn open_at(&self, moment: Moment, path: &str) -> Result<(File, Entry)> {
        let (spot, names) = self.then(moment, path).await?;
        let open = move |snapshots: &Path| {
            let file = disk_at(snapshots, moment)?.file(&names)?;
            let facts = disk::facts_of(&file)?;
            Ok((file, facts))
        };
        let found = self.storage.in_snapshots(move |snapshots| there(open(snapshots))).await?;
        let (file, facts) = found.ok_or(Error::NotFound)?;
        Ok((file, self.entry_then(&spot.mount, &spot.parts, facts)))
    }

    /// Brings back what was at `path` at a moment: to its place, or where something is there now, beside it, with the
    /// moment in its name. Nothing that is there changes. Of a folder, all that was in it comes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`], [`Error::NoFolder`], [`Error::NoSpace`], [`Error::Locked`];
    /// [`Error::Exists`] where somebody made something of the new name at the same time.
    pub async fn bring_back(&self, moment: Moment, path: &str) -> Result<Entry> {
        let (spot, names) = self.then(moment, path).await?;
        if spot.parts.is_empty() || !spot.mount.writable {
            return Err(Error::Denied);
        }
        let place = names.clone();
        let found = move |snapshots: &Path| {
            let disk = disk_at(snapshots, moment)?;
            let all = whole(&disk, &place)?;
            Ok((disk, all))
        };
        let found = self.storage.in_snapshots(move |snapshots| there(found(snapshots))).await?;
        let (disk, all) = found.ok_or(Error::NotFound)?;
        // All of it must fit, before the first of it is there.
        let total = all.iter().map(|(_, facts)| disk::bytes(facts.size)).sum();
        drop(self.storage.reserve(&spot.mount.space, total).await?);
        let target = self.place_again(&spot, moment).await?;
        let disk = Arc::new(disk);
        for (below, facts) in all {
            let to: Vec<&str> =
                std::iter::once(target.as_str()).chain(below.iter().map(String::as_str)).collect();
            if facts.is_folder {
                self.create_folder(&to.join("/")).await?;
            } else {
                self.file_again(&disk, [&names[..], &below].concat(), &to.join("/")).await?;
            }
        }
        self.stat(&target).await
    }

    async fn file_again(&self, disk: &Arc<Disk>, from: Names, to: &str) -> Result<()> {
        let disk = disk.clone();
        let open = move |_: &Path| {
            let file = disk.file(&from)?;
            let facts = disk::facts_of(&file)?;
            Ok((file, facts))
        };
        let (file, facts) = self.storage.in_snapshots(open).await?;
        let size = disk::bytes(facts.size);
        let mut incoming = self.begin(to, Some(size)).await?.only(Only::New);
        incoming.append(Arc::new(file), 0, size).await?;
        incoming.finish(Some(disk::time(facts.modified))).await.map(drop)
    }

    /// A free path for what was at `spot`: that one, with the folders above it made again, or one with the moment in the
    /// name.
    async fn place_again(&self, spot: &Spot, moment: Moment) -> Result<String> {
        let place = self.path_of(&spot.mount, &spot.parts);
        match self.stat(&place).await {
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let (folder, name) = place.rsplit_once('/').unwrap_or(("", &place));
                let name = path::told_apart(name, &moment.in_a_name());
                return self.free_path(format!("{folder}/{name}").trim_start_matches('/')).await;
            }
        }
        for depth in 1..spot.parts.len() {
            match self.create_folder(&self.path_of(&spot.mount, &spot.parts[..depth])).await {
                Ok(_) | Err(Error::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(place)
    }

    /// Where a path leads, and the names of it in a snapshot of that moment, which must not be older than the space.
    async fn then(&self, moment: Moment, path: &str) -> Result<(Spot, Names)> {
        let spot = self.spot(path)?;
        if moment.time() < self.storage.since(&spot.mount.space).await? {
            return Err(Error::NotFound);
        }
        let names = spot.mount.space.names(&spot.parts);
        Ok((spot, names))
    }

    /// Where a path leads, with the names that are on the disk now, where it is there.
    async fn spot_now(&self, path: &str) -> Result<Spot> {
        let mut spot = self.spot(path)?;
        let client = self.storage.files().await?;
        let names = self.found_so_far(&client, &spot).await?.names();
        if names.len() == spot.parts.len() {
            spot.parts = names;
        }
        Ok(spot)
    }

    fn entry_then(&self, mount: &Mount, parts: &[String], facts: Facts) -> Entry {
        let all = format!("{:?}", identity(facts));
        let etag = Sha256::digest(all).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Entry {
            id: 0,
            name: parts.last().unwrap_or(&mount.name).clone(),
            path: self.path_of(mount, parts),
            is_folder: facts.is_folder,
            size: disk::bytes(facts.size),
            etag,
            modified: disk::time(facts.modified),
            writable: mount.writable,
            movable: mount.writable && !parts.is_empty(),
            shared: mount.kind != super::space::Kind::Person,
        }
    }
}

/// What was at `names`, and all that was in it: names below it, each folder before what was in it.
fn whole(disk: &Disk, names: &[String]) -> io::Result<Vec<(Names, Facts)>> {
    let mut all = vec![(Names::new(), disk.facts(names)?)];
    let mut at = 0;
    while let Some((below, facts)) = all.get(at).cloned() {
        if facts.is_folder {
            let inside = disk.list(&[names, &below].concat())?;
            let inside = inside.into_iter().map(|one| ([&below[..], &[one.name]].concat(), one.facts));
            all.extend(inside);
        }
        at += 1;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(path: &str) -> Names {
        path.split('/').map(str::to_owned).collect()
    }

    /// Snapshots of one moment, with a few files of `zoe`.
    fn snapshots() -> (tempfile::TempDir, Moment) {
        let (folder, moment) = (tempfile::tempdir().expect("a folder"), Moment::at(1_764_054_612));
        let files = folder.path().join(moment.name()).join("files/people/zoe/files");
        fs::create_dir_all(files.join("a/b")).expect("made");
        fs::write(files.join("a/b/note.txt"), "hello").expect("written");
        fs::write(files.join("a/note.txt"), "hi").expect("written");
        fs::write(folder.path().join(moment.name()).join("secret"), "no file of files").expect("written");
        (folder, moment)
    }

    #[test]
    fn a_folder_is_found_with_all_that_was_in_it() {
        let (folder, moment) = snapshots();
        let disk = disk_at(folder.path(), moment).expect("there");
        let all = whole(&disk, &names("people/zoe/files/a")).expect("read");
        let mut found: Vec<String> = all.iter().map(|(below, _)| below.join("/")).collect();
        found.sort();
        assert_eq!(found, ["", "b", "b/note.txt", "note.txt"]);
        let at = |path: &str| all.iter().position(|(below, _)| below.join("/") == path);
        assert!(at("b") < at("b/note.txt"));
        assert_eq!(all.iter().map(|(_, facts)| facts.size).sum::<i64>(), 7);
    }

    #[test]
    fn nothing_leads_out_of_a_snapshot() {
        let (folder, moment) = snapshots();
        let snapshot = folder.path().join(moment.name());
        let files = snapshot.join("files/people/zoe/files");
        symlink("/etc", files.join("etc")).expect("linked");
        symlink("../../../../secret", files.join("secret.txt")).expect("linked");
        let disk = disk_at(folder.path(), moment).expect("there");
        for path in ["etc", "etc/passwd", "secret.txt", "../../../../secret", "a/../../../../../secret"] {
            let path = names(&format!("people/zoe/files/{path}"));
            assert!(there(disk.file(&path)).expect("no failure").is_none(), "{path:?}");
        }
        for path in ["etc", "etc/passwd", "secret.txt"] {
            let path = names(&format!("people/zoe/files/{path}"));
            assert!(there(disk.facts(&path)).expect("no failure").is_none(), "{path:?}");
        }
        let listed = disk.list(&names("people/zoe/files")).expect("listed");
        assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a"]);
        // Nor is a link taken for a snapshot, or for the folder of files in one.
        let other = Moment::at(1_764_058_212);
        symlink(&snapshot, folder.path().join(other.name())).expect("linked");
        assert!(there(disk_at(folder.path(), other)).expect("no failure").is_none());
        let third = Moment::at(1_764_061_812);
        fs::create_dir(folder.path().join(third.name())).expect("made");
        symlink("/etc", folder.path().join(third.name()).join(FILES)).expect("linked");
        assert!(there(disk_at(folder.path(), third)).expect("no failure").is_none());
    }
}
