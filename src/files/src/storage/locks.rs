//! Locks (RFC 4918 § 6). They are kept in the database, so that they outlive the program, and are a
//! node's: whoever sees a shared folder under another name sees the same lock.

use std::time::{Duration, SystemTime};

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::node::{self, Node};
use super::view::{Spot, View};
use super::{Error, Result, space};

/// Locks that have not ended.
const ALIVE: &str = "(expires_at is null or expires_at > now())";

/// A lock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lock {
    pub token: String,
    /// Who took it.
    pub principal: Option<String>,
    /// What its client says of who took it: XML.
    pub owner: Option<String>,
    pub shared: bool,
    /// It holds for all that is in the folder.
    pub deep: bool,
    pub timeout: Option<Duration>,
    pub expires_at: Option<SystemTime>,
    /// Of what.
    pub node: i64,
    /// Path of what it is on, in the view that asked.
    pub path: String,
}

/// What covers a path.
#[derive(Debug, Default)]
pub(crate) struct Covering {
    /// Locks on it, and deep ones above it, from the root on.
    pub above: Vec<Lock>,
    /// Locks on what is in it.
    pub below: Vec<Lock>,
}

const COLUMNS: &str = "token, principal, owner, shared, deep, seconds, expires_at, node_id";

fn lock(row: &Row, path: String) -> Lock {
    let seconds: Option<i64> = row.get(5);
    Lock {
        token: row.get(0),
        principal: row.get(1),
        owner: row.get(2),
        shared: row.get(3),
        deep: row.get(4),
        timeout: seconds.map(|seconds| Duration::from_secs(super::disk::bytes(seconds))),
        expires_at: row.get::<_, Option<OffsetDateTime>>(6).map(Into::into),
        node: row.get(7),
        path,
    }
}

impl View {
    /// Is there any lock at all?
    pub(crate) async fn any_lock(&self) -> Result<bool> {
        any(&self.storage.files().await?).await
    }

    /// The locks that cover `path`, whether something is there or not.
    pub(crate) async fn covering(&self, path: &str, below: bool) -> Result<Covering> {
        let client = self.storage.files().await?;
        self.covered(&client, &self.spot(path)?, below).await
    }

    async fn covered(&self, client: &impl GenericClient, spot: &Spot, below: bool) -> Result<Covering> {
        if !any(client).await? {
            return Ok(Covering::default());
        }
        let chain = self.chain(client, spot).await?;
        let ids: Vec<i64> = chain.iter().map(|node| node.id).collect();
        let statement = format!("select {COLUMNS} from lock where node_id = any($1) and {ALIVE}");
        let rows = client.query(&client.prepare_cached(&statement).await?, &[&ids]).await?;
        let mut covering = Covering::default();
        // All of the path is there, not only its beginning.
        let whole = chain.len() == spot.parts.len() + 1;
        for (depth, node) in chain.iter().enumerate() {
            let last = whole && depth == spot.parts.len();
            let names: Vec<String> = chain[1..=depth].iter().map(|node| node.name.clone()).collect();
            let locks = rows.iter().filter(|row| row.get::<_, i64>(7) == node.id);
            let locks = locks.map(|row| lock(row, self.path_of(&spot.mount, &names)));
            covering.above.extend(locks.filter(|lock| last || lock.deep));
        }
        if below && whole {
            let path = self.path_of(&spot.mount, &spot.parts);
            covering.below = under(client, ids[ids.len() - 1], &path).await?;
        }
        Ok(covering)
    }

    /// The nodes on the path, as far as they are there.
    async fn chain(&self, client: &impl GenericClient, spot: &Spot) -> Result<Vec<Node>> {
        let nodes = node::path(client, spot.mount.space.files, &spot.parts).await?;
        if nodes.is_empty() { Err(Error::NotFound) } else { Ok(nodes) }
    }

    /// Locks what is at `path`. `conflict` finds a lock that is in the way.
    ///
    /// # Errors
    /// [`Error::Locked`] with the lock in the way; [`Error::NotFound`].
    pub(crate) async fn add_lock(
        &self,
        path: &str,
        mut new: Lock,
        conflict: impl Fn(&Covering) -> Option<Lock>,
    ) -> Result<std::result::Result<Lock, Lock>> {
        let spot = self.spot(path)?;
        let mut client = self.storage.files().await?;
        let transaction = client.transaction().await?;
        // Of two at a time, the second sees the first's.
        space::lock(&transaction, &[spot.mount.space.id]).await?;
        if let Some(other) = conflict(&self.covered(&transaction, &spot, new.deep).await?) {
            return Ok(Err(other));
        }
        let node = self.found(&transaction, &spot).await?.last().id;
        transaction.execute(&format!("delete from lock where not {ALIVE}"), &[]).await?;
        let statement = "insert into lock (token, node_id, principal, owner, shared, deep, seconds, expires_at) \
                         values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (seconds, expires) = end(new.timeout);
        transaction
            .execute(
                statement,
                &[&new.token, &node, &new.principal, &new.owner, &new.shared, &new.deep, &seconds, &expires],
            )
            .await?;
        transaction.commit().await?;
        (new.node, new.path, new.expires_at) = (node, path.to_owned(), expires.map(Into::into));
        Ok(Ok(new))
    }

    /// Ends the lock with that token, which must cover the path; true if there was one.
    pub(crate) async fn remove_lock(&self, path: &str, token: &str) -> Result<bool> {
        let covering = self.covering(path, false).await?;
        if !covering.above.iter().any(|lock| lock.token == token) {
            return Ok(false);
        }
        let client = self.storage.files().await?;
        Ok(client.execute("delete from lock where token = $1", &[&token]).await? > 0)
    }

    /// A lock that covers the path begins anew.
    pub(crate) async fn refresh_lock(
        &self,
        path: &str,
        token: &str,
        timeout: Option<Duration>,
    ) -> Result<Option<Lock>> {
        let covering = self.covering(path, false).await?;
        let Some(mut lock) = covering.above.into_iter().find(|lock| lock.token == token) else {
            return Ok(None);
        };
        let (seconds, expires) = end(timeout);
        let client = self.storage.files().await?;
        let statement = "update lock set seconds = $2, expires_at = $3 where token = $1";
        client.execute(statement, &[&token, &seconds, &expires]).await?;
        (lock.timeout, lock.expires_at) = (timeout, expires.map(Into::into));
        Ok(Some(lock))
    }
}

/// How long it lasts, and when it ends.
fn end(timeout: Option<Duration>) -> (Option<i64>, Option<OffsetDateTime>) {
    let seconds = timeout.map(|timeout| i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX));
    (seconds, timeout.map(|timeout| OffsetDateTime::from(SystemTime::now() + timeout)))
}

async fn under(client: &impl GenericClient, folder: i64, path: &str) -> Result<Vec<Lock>> {
    let statement = format!(
        "with recursive down as (select id from node where parent_id = $1 \
            union all select node.id from node join down on node.parent_id = down.id) \
         select {COLUMNS} from lock where node_id in (select id from down) and {ALIVE}"
    );
    let rows = client.query(&client.prepare_cached(&statement).await?, &[&folder]).await?;
    Ok(rows.iter().map(|row| lock(row, path.to_owned())).collect())
}

/// Most of the time there is none at all, and a large folder need not be walked.
async fn any(client: &impl GenericClient) -> Result<bool> {
    let statement = client.prepare_cached("select exists (select from lock)").await?;
    Ok(client.query_one(&statement, &[]).await?.get(0))
}

/// Ends the locks on a node and on all that is in it: it goes elsewhere, and they do not (RFC 4918 § 7.6).
pub(crate) async fn forget(client: &impl GenericClient, node: i64) -> Result<()> {
    if !any(client).await? {
        return Ok(());
    }
    let statement = "with recursive down as (select id from node where id = $1 \
            union all select node.id from node join down on node.parent_id = down.id) \
         delete from lock where node_id in (select id from down)";
    client.execute(&client.prepare_cached(statement).await?, &[&node]).await?;
    Ok(())
}

/// Refuses what somebody locked: the node itself, a folder above it with all that is in it, or, where
/// `below`, something in it. For changes that do not come from WebDAV: pages hold no locks.
///
/// # Errors
/// [`Error::Locked`].
pub(crate) async fn refuse(client: &impl GenericClient, node: i64, below: bool) -> Result<()> {
    if !any(client).await? {
        return Ok(());
    }
    let statement = format!(
        "with recursive \
        up as (select id, parent_id from node where id = $1 \
            union all select node.id, node.parent_id from node join up on node.id = up.parent_id), \
        down as (select id from node where id = $1 and $2 \
            union all select node.id from node join down on node.parent_id = down.id) \
        select exists (select from lock where {ALIVE} and (node_id = $1 \
            or deep and node_id in (select id from up) or node_id in (select id from down)))"
    );
    let locked = client.query_one(&client.prepare_cached(&statement).await?, &[&node, &below]).await?;
    if locked.get(0) { Err(Error::Locked) } else { Ok(()) }
}
