//! The bin: what was deleted, for thirty days. It counts in the quota.

use std::time::SystemTime;

use deadpool_postgres::{GenericClient, Transaction};

use super::change::{Changes, account};
use super::disk::{self, Names};
use super::node::{self, Node};
use super::space::Space;
use super::view::{Entry, Mount, Spot, View};
use super::{Error, Result, Storage, locks, path, space, to_its_end};

/// Days that what was deleted is kept.
pub const DAYS: i32 = 30;

/// Something that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Path of the folder that it was in, in the view.
    pub folder: String,
    /// Is it a folder?
    pub is_folder: bool,
    /// Bytes.
    pub size: u64,
    /// When it was deleted.
    pub deleted_at: SystemTime,
    /// Login of who did.
    pub deleted_by: String,
}

/// Puts a node into the bin of its space. `place`: the space, and the names of its folder there.
pub(crate) async fn put(
    view: &View,
    transaction: &Transaction<'_>,
    node: &Node,
    place: (&Space, Vec<String>),
    changes: &mut Changes,
) -> Result<()> {
    let (space, folder) = place;
    let mut parts = folder.clone();
    parts.push(node.name.clone());
    // A name is once in a folder; a number is once at all.
    let name = node.id.to_string();
    let names = space.bin_names(std::slice::from_ref(&name));
    changes.rename(&space.names(&parts), &names).await?;
    let facts = view.storage.on_disk(move |disk| disk.facts(&names)).await?;
    node::relocate(transaction, node, (space.id, space.bin, &name), facts).await?;
    account(transaction, node.parent, space.bin, node.size).await?;
    let statement =
        "insert into bin (node_id, name, parent_id, folder, deleted_by) values ($1, $2, $3, $4, $5)";
    let statement = transaction.prepare_cached(statement).await?;
    let login: &str = &view.login;
    transaction.execute(&statement, &[&node.id, &node.name, &node.parent, &folder.join("/"), &login]).await?;
    // Nobody works on it any more.
    locks::forget(transaction, node.id).await
}

impl View {
    /// What was deleted in the spaces that the person may change, the latest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bin(&self) -> Result<Vec<Deleted>> {
        let spaces: Vec<i64> =
            self.mounts().iter().filter(|one| one.writable).map(|one| one.space.id).collect();
        let statement = "select node.id, bin.name, bin.folder, node.is_folder, node.size, bin.deleted_at, \
            bin.deleted_by, node.space_id from bin join node on node.id = bin.node_id \
            where node.space_id = any($1) order by bin.deleted_at desc, node.id desc";
        let client = self.storage.files().await?;
        let rows = client.query(&client.prepare_cached(statement).await?, &[&spaces]).await?;
        let deleted = |row: &tokio_postgres::Row| {
            let mount = self.mount_of(row.get(7))?;
            let folder = row.get::<_, &str>(2).split('/').filter(|name| !name.is_empty()).map(str::to_owned);
            Some(Deleted {
                id: row.get(0),
                name: row.get(1),
                folder: self.path_of(mount, &folder.collect::<Vec<_>>()),
                is_folder: row.get(3),
                size: disk::bytes(row.get(4)),
                deleted_at: row.get(5),
                deleted_by: row.get(6),
            })
        };
        Ok(rows.iter().filter_map(deleted).collect())
    }

    /// Takes something out of the bin, back to its folder, or to the root of its space where that is gone.
    /// Where its name is taken, it gets a number.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    pub async fn restore(&self, id: i64) -> Result<Entry> {
        let view = self.clone();
        to_its_end(async move {
            let mut client = view.storage.files().await?;
            let mount = view.binned(&client, id).await?.0;
            let transaction = client.transaction().await?;
            let mut changes = Changes::new(&view.storage);
            let restored = view.restored(&transaction, id, &mount, &mut changes).await;
            changes.settle(transaction, restored).await
        })
        .await
    }

    async fn restored(
        &self,
        transaction: &Transaction<'_>,
        id: i64,
        mount: &Mount,
        changes: &mut Changes,
    ) -> Result<Entry> {
        let space = &mount.space;
        space::lock(transaction, &[space.id]).await?;
        let (_, node) = self.binned(transaction, id).await?;
        let statement = "select name, parent_id, folder from bin where node_id = $1";
        let row = transaction.query_one(statement, &[&id]).await?;
        let (name, parent, folder): (String, Option<i64>, String) = (row.get(0), row.get(1), row.get(2));
        let folder = folder.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let folder = self.folder_again(transaction, mount, parent, folder).await?;
        let into = self.found(transaction, &Spot { mount: mount.clone(), parts: folder }).await?;
        let name = self.free_name(transaction, into.last().id, mount, &into.names(), &name).await?;
        let mut parts = into.names();
        parts.push(name.clone());
        let names = space.names(&parts);
        changes.rename(&space.bin_names(std::slice::from_ref(&node.name)), &names).await?;
        let facts = self.storage.on_disk(move |disk| disk.facts(&names)).await?;
        let moved = node::relocate(transaction, &node, (space.id, into.last().id, &name), facts).await?;
        account(transaction, node.parent, into.last().id, node.size).await?;
        transaction.execute("delete from bin where node_id = $1", &[&id]).await?;
        Ok(self.entry(mount, &self.path_of(mount, &into.names()), &moved))
    }

    /// Names of the folder that something was in: where that is now; else at its old path; else the root.
    async fn folder_again(
        &self,
        client: &impl GenericClient,
        mount: &Mount,
        parent: Option<i64>,
        old: Vec<String>,
    ) -> Result<Vec<String>> {
        let place = match parent {
            Some(parent) => names_of(client, parent).await?,
            None => None,
        };
        if let Some((_, names)) = place.filter(|(root, _)| *root == mount.space.files) {
            return Ok(names);
        }
        let found = node::walk(client, mount.space.files, &old).await?;
        let there = found.len() == old.len() && found.last().is_none_or(|node| node.is_folder);
        Ok(if there { old } else { Vec::new() })
    }

    /// A name that nothing in the folder has.
    async fn free_name(
        &self,
        client: &impl GenericClient,
        folder: i64,
        mount: &Mount,
        parts: &[String],
        name: &str,
    ) -> Result<String> {
        let root = parts.is_empty() && mount.name.is_empty();
        let mut free = name.to_owned();
        for number in 2.. {
            let taken =
                root && self.mount(&free).is_some() || node::child(client, folder, &free).await?.is_some();
            if !taken {
                break;
            }
            free = path::numbered(name, number);
        }
        Ok(free)
    }

    /// Removes something from the bin for good.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    pub async fn purge(&self, id: i64) -> Result<()> {
        let client = self.storage.files().await?;
        self.binned(&client, id).await?;
        drop(client);
        let storage = self.storage.clone();
        to_its_end(async move { storage.purge(id).await }).await
    }

    /// What has that number in a bin of this view, in a space that the person may change.
    async fn binned(&self, client: &impl GenericClient, id: i64) -> Result<(Mount, Node)> {
        let node = node::get(client, id).await?.ok_or(Error::NotFound)?;
        let mount = self.mount_of(node.space).ok_or(Error::NotFound)?;
        if node.parent != Some(mount.space.bin) {
            return Err(Error::NotFound);
        }
        if !mount.writable {
            return Err(Error::Denied);
        }
        Ok((mount.clone(), node))
    }
}

/// The node without a parent above a node, and the names from there down to it.
pub(crate) async fn names_of(client: &impl GenericClient, id: i64) -> Result<Option<(i64, Vec<String>)>> {
    let statement = "with recursive up as (select id, parent_id, name, 0 as depth from node where id = $1 \
            union all select node.id, node.parent_id, node.name, depth + 1 \
            from node join up on node.id = up.parent_id) \
        select id, name from up order by depth desc";
    let rows = client.query(&client.prepare_cached(statement).await?, &[&id]).await?;
    let Some((root, below)) = rows.split_first() else { return Ok(None) };
    Ok(Some((root.get(0), below.iter().map(|row| row.get(1)).collect())))
}

impl Storage {
    /// Removes what was deleted longer than [`DAYS`] days ago. Gives how many.
    ///
    /// # Errors
    /// When the database or the disk does not do what it should.
    pub async fn purge_old(&self) -> Result<usize> {
        let client = self.files().await?;
        let statement = "select node_id from bin where deleted_at < now() - $1 * interval '1 day'";
        let rows = client.query(statement, &[&f64::from(DAYS)]).await?;
        drop(client);
        for row in &rows {
            match self.purge(row.get(0)).await {
                // Somebody did so, or took it back, meanwhile.
                Ok(_) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rows.len())
    }

    /// Removes something from a bin for good.
    pub(crate) async fn purge(&self, id: i64) -> Result<()> {
        let mut client = self.files().await?;
        let transaction = client.transaction().await?;
        let mut changes = Changes::new(self);
        let purged = purged(&transaction, id, &mut changes).await;
        changes.settle(transaction, purged).await
    }
}

async fn purged(transaction: &Transaction<'_>, id: i64, changes: &mut Changes) -> Result<()> {
    let node = node::get(transaction, id).await?.ok_or(Error::NotFound)?;
    let space = space::get(transaction, node.space).await?;
    space::lock(transaction, &[space.id]).await?;
    let node = node::get(transaction, id).await?.ok_or(Error::NotFound)?;
    if node.parent != Some(space.bin) {
        return Err(Error::NotFound);
    }
    let aside: Names = disk::incoming(&disk::unique()?);
    match changes.rename(&space.bin_names(std::slice::from_ref(&node.name)), &aside).await {
        // Somebody removed it by hand.
        Ok(_) | Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    changes.leftover.push(aside);
    transaction.execute("delete from node where id = $1", &[&id]).await?;
    node::touch(transaction, space.bin, -node.size).await
}
