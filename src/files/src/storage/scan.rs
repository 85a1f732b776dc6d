//! A scan: what is on the disk is compared with what the database knows. What was changed by hand, or cut
//! short by a power cut, is found again; what is as it was keeps all that is known of it, and what was
//! moved by hand is known by its inode.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use deadpool_postgres::Transaction;

use super::disk::{Facts, Listed};
use super::node::{self, New, Node};
use super::space::{self, Space};
use super::{Result, Storage, disk, to_its_end};

/// What a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Files and folders that were not known.
    pub added: u64,
    /// Files with another content.
    pub changed: u64,
    /// Files and folders that lie elsewhere now.
    pub moved: u64,
    /// Files and folders that are gone.
    pub removed: u64,
}

impl fmt::Display for Scanned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, changed, moved, removed } = self;
        write!(formatter, "{added} added, {changed} changed, {moved} moved, {removed} removed")
    }
}

/// One space's scan.
struct Scan<'a> {
    storage: &'a Storage,
    transaction: &'a Transaction<'a>,
    space: &'a Space,
    found: Scanned,
    /// What is not at its place any more, by inode: gone, unless it turns up elsewhere.
    missing: BTreeMap<i64, Node>,
    /// What is on the disk and not known there: the folder's number, its names, the name.
    new: Vec<(i64, Arc<[String]>, Listed)>,
    /// Bytes that folders have more, or less, not counted in those above them yet.
    changed: BTreeMap<i64, i64>,
}

impl Storage {
    /// Looks at every file of every space.
    ///
    /// # Errors
    /// When the database or the disk does not do what it should.
    pub async fn scan(&self) -> Result<Scanned> {
        let client = self.files().await?;
        let ids = client.query("select id from space where bin_id is not null order by id", &[]).await?;
        drop(client);
        let mut all = Scanned::default();
        for row in ids {
            let (storage, id) = (self.clone(), row.get(0));
            let one = to_its_end(async move { storage.scan_space(id).await }).await?;
            all.added += one.added;
            all.changed += one.changed;
            all.moved += one.moved;
            all.removed += one.removed;
        }
        Ok(all)
    }

    /// Nobody changes the space meanwhile: what they do next, they do with what was found.
    async fn scan_space(&self, id: i64) -> Result<Scanned> {
        let mut client = self.files().await?;
        let transaction = client.transaction().await?;
        space::lock(&transaction, &[id]).await?;
        let space = space::get(&transaction, id).await?;
        let mut scan = Scan {
            storage: self,
            transaction: &transaction,
            space: &space,
            found: Scanned::default(),
            missing: BTreeMap::new(),
            new: Vec::new(),
            changed: BTreeMap::new(),
        };
        scan.roots().await?;
        scan.count().await?;
        let found = scan.found;
        transaction.commit().await?;
        self.inner.known.forget();
        Ok(found)
    }
}

impl Scan<'_> {
    async fn roots(&mut self) -> Result<()> {
        for (root, names) in
            [(self.space.files, self.space.names(&[])), (self.space.bin, self.space.bin_names(&[]))]
        {
            // The folder itself may have been removed by hand.
            let made = names.clone();
            self.storage.on_disk(move |disk| disk.make_all(&made).map(drop)).await?;
            self.below(root, names).await?;
        }
        while let Some((folder, names, listed)) = self.new.pop() {
            self.take_in(folder, &names, listed).await?;
        }
        self.count().await?;
        let missing = std::mem::take(&mut self.missing);
        let ids: BTreeSet<i64> = missing.values().map(|node| node.id).collect();
        // With a folder goes what was in it.
        for node in missing.values().filter(|node| node.parent.is_none_or(|parent| !ids.contains(&parent))) {
            self.removed(node).await?;
        }
        Ok(())
    }

    /// Compares a folder that is known, and all that is in it.
    async fn below(&mut self, root: i64, names: disk::Names) -> Result<()> {
        let mut folders: Vec<(i64, Arc<[String]>)> = vec![(root, names.into())];
        while let Some((folder, names)) = folders.pop() {
            let mut there = self.listed(&names).await?;
            for node in node::children(self.transaction, folder).await? {
                match there.remove(&node.name) {
                    Some(facts) if facts.is_folder == node.is_folder => {
                        // It came along with a folder that was moved.
                        if self.missing.get(&node.inode).is_some_and(|missing| missing.id == node.id) {
                            self.missing.remove(&node.inode);
                        }
                        self.compare(&node, facts).await?;
                        if node.is_folder {
                            folders.push((node.id, joined(&names, &node.name)));
                        }
                    }
                    other => {
                        if let Some(facts) = other {
                            there.insert(node.name.clone(), facts);
                        }
                        self.miss(node).await?;
                    }
                }
            }
            let new = there.into_iter().map(|(name, facts)| (folder, names.clone(), Listed { name, facts }));
            self.new.extend(new);
        }
        Ok(())
    }

    /// Something is not where it was, and all that was in it.
    async fn miss(&mut self, node: Node) -> Result<()> {
        let mut nodes = vec![node];
        while let Some(node) = nodes.pop() {
            if node.is_folder {
                nodes.extend(node::children(self.transaction, node.id).await?);
            }
            self.missing.insert(node.inode, node);
        }
        Ok(())
    }

    async fn listed(&self, names: &Arc<[String]>) -> Result<BTreeMap<String, Facts>> {
        let names = names.clone();
        let listed = self.storage.on_disk(move |disk| disk.list(&names)).await?;
        Ok(listed.into_iter().map(|one| (one.name, one.facts)).collect())
    }

    /// A file that is at its place.
    async fn compare(&mut self, node: &Node, facts: Facts) -> Result<()> {
        if node.is_folder {
            if node.inode != facts.inode {
                let update = "update node set inode = $2 where id = $1";
                self.transaction.execute(update, &[&node.id, &facts.inode]).await?;
            }
            return Ok(());
        }
        if !node.matches(facts) {
            node::overwrite(self.transaction, node.id, facts).await?;
            self.touch(node.parent, facts.size - node.size);
            self.found.changed += 1;
        }
        Ok(())
    }

    /// Something that is not known where it is: moved there by hand, or new.
    async fn take_in(&mut self, folder: i64, names: &Arc<[String]>, listed: Listed) -> Result<()> {
        let Listed { name, facts } = listed;
        let known = self.missing.get(&facts.inode).filter(|node| node.is_folder == facts.is_folder);
        // An inode is given again: a file that looks otherwise is another one.
        let same =
            known.filter(|node| node.is_folder || (node.size, node.modified) == (facts.size, facts.modified));
        let Some(node) = same.cloned() else { return self.added(folder, names, &name, facts).await };
        // A folder that was moved into one of its own cannot be: its old place is looked at no more.
        if node.is_folder && node::is_within(self.transaction, folder, node.id).await? {
            return self.added(folder, names, &name, facts).await;
        }
        self.missing.remove(&facts.inode);
        self.count().await?;
        // As it is now: what was in it may have turned up elsewhere.
        let Some(node) = node::get(self.transaction, node.id).await? else { return Ok(()) };
        node::relocate(self.transaction, &node, (self.space.id, folder, &name), facts).await?;
        self.touch(node.parent, -node.size);
        self.touch(Some(folder), node.size);
        self.transaction.execute("delete from bin where node_id = $1", &[&node.id]).await?;
        self.found.moved += 1;
        if node.is_folder {
            self.below(node.id, joined(names, &name).to_vec()).await?;
        }
        Ok(())
    }

    async fn added(&mut self, folder: i64, names: &Arc<[String]>, name: &str, facts: Facts) -> Result<()> {
        let new = New { space: self.space.id, parent: Some(folder), name, facts };
        let node = node::insert(self.transaction, &new).await?;
        self.touch(Some(folder), facts.size);
        self.found.added += 1;
        if folder == self.space.bin {
            let insert = "insert into bin (node_id, name, folder, deleted_by) values ($1, $2, '', '')";
            self.transaction.execute(insert, &[&node.id, &name]).await?;
        }
        if facts.is_folder {
            self.below(node.id, joined(names, name).to_vec()).await?;
        }
        Ok(())
    }

    /// Something that is nowhere any more.
    async fn removed(&mut self, node: &Node) -> Result<()> {
        // As it is now: what was in it may have turned up elsewhere.
        let Some(node) = node::get(self.transaction, node.id).await? else { return Ok(()) };
        self.transaction.execute("delete from node where id = $1", &[&node.id]).await?;
        self.touch(node.parent, -node.size);
        self.found.removed += 1;
        self.count().await
    }

    fn touch(&mut self, folder: Option<i64>, bytes: i64) {
        if let Some(folder) = folder {
            *self.changed.entry(folder).or_default() += bytes;
        }
    }

    /// Counts what changed in the folders above.
    async fn count(&mut self) -> Result<()> {
        for (folder, bytes) in std::mem::take(&mut self.changed) {
            node::touch(self.transaction, folder, bytes).await?;
        }
        Ok(())
    }
}

fn joined(names: &[String], name: &str) -> Arc<[String]> {
    names.iter().cloned().chain([name.to_owned()]).collect()
}
