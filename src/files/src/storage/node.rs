//! Rows of files and folders.

use std::time::SystemTime;

use deadpool_postgres::GenericClient;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use super::Result;
use super::disk::{self, Facts};

/// A file or folder, as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub id: i64,
    pub space: i64,
    pub parent: Option<i64>,
    pub name: String,
    pub is_folder: bool,
    pub size: i64,
    pub etag: Uuid,
    pub modified: i64,
    pub inode: i64,
    pub changed: i64,
}

impl Node {
    /// Is it what lies on the disk? A folder is, whatever is in it.
    pub(crate) fn matches(&self, facts: Facts) -> bool {
        let known = (self.size, self.modified, self.inode, self.changed);
        self.is_folder == facts.is_folder
            && (facts.is_folder || known == (facts.size, facts.modified, facts.inode, facts.changed))
    }
}

/// A row to be made.
pub(crate) struct New<'a> {
    pub space: i64,
    pub parent: Option<i64>,
    pub name: &'a str,
    pub facts: Facts,
}

/// What a [`Node`] is read from.
pub(crate) const COLUMNS: &str = "node.id, node.space_id, node.parent_id, node.name, node.is_folder, node.size, node.etag, node.modified, \
     node.inode, node.changed";

pub(crate) fn node(row: &Row) -> Node {
    Node {
        id: row.get(0),
        space: row.get(1),
        parent: row.get(2),
        name: row.get(3),
        is_folder: row.get(4),
        size: row.get(5),
        etag: row.get(6),
        modified: row.get(7),
        inode: row.get(8),
        changed: row.get(9),
    }
}

/// One by its number.
pub(crate) async fn get(client: &impl GenericClient, id: i64) -> Result<Option<Node>> {
    let statement = format!("select {COLUMNS} from node where id = $1");
    let statement = client.prepare_cached(&statement).await?;
    Ok(client.query_opt(&statement, &[&id]).await?.as_ref().map(node))
}

/// `root` and the nodes on a path below it, as far as they are there: the exact names, else those that are
/// the same letters in another form of Unicode.
pub(crate) async fn path(client: &impl GenericClient, root: i64, parts: &[String]) -> Result<Vec<Node>> {
    let statement = walk_statement(client).await?;
    let found = client.query(&statement, &[&root, &parts]).await?;
    path_from(client, found.iter().map(node).collect(), parts).await
}

/// Asks for a node ($1) and those on a path of exact names ($2) below it.
pub(crate) async fn walk_statement(client: &impl GenericClient) -> Result<Statement> {
    let statement = format!(
        "with recursive walk as (\
            select {COLUMNS}, 0 as depth from node where id = $1 \
            union all select {COLUMNS}, depth + 1 from walk join node on node.parent_id = walk.id \
                and node.name = ($2::text[])[depth + 1]) \
         select * from walk order by depth"
    );
    Ok(client.prepare_cached(&statement).await?)
}

/// Goes on with what [`walk_statement`] found, where names are in another form of Unicode.
pub(crate) async fn path_from(
    client: &impl GenericClient,
    mut found: Vec<Node>,
    parts: &[String],
) -> Result<Vec<Node>> {
    let mut at = found.len();
    while at > 0 && at <= parts.len() && !parts[at - 1].is_ascii() {
        let Some(next) = alike(client, found[at - 1].id, &parts[at - 1]).await? else { break };
        let statement = walk_statement(client).await?;
        let more = client.query(&statement, &[&next.id, &&parts[at..]]).await?;
        found.extend(more.iter().map(node));
        at = found.len();
    }
    Ok(found)
}

/// The same without `root`.
pub(crate) async fn walk(client: &impl GenericClient, root: i64, parts: &[String]) -> Result<Vec<Node>> {
    let mut found = path(client, root, parts).await?;
    if !found.is_empty() {
        found.remove(0);
    }
    Ok(found)
}

async fn alike(client: &impl GenericClient, parent: i64, name: &str) -> Result<Option<Node>> {
    let statement = format!(
        "select {COLUMNS} from node where parent_id = $1 and name = normalize($2, NFC) \
         union all select {COLUMNS} from node where parent_id = $1 and name is not nfc normalized \
            and normalize(name, NFC) = normalize($2, NFC) \
         order by name limit 1"
    );
    let statement = client.prepare_cached(&statement).await?;
    Ok(client.query_opt(&statement, &[&parent, &name]).await?.as_ref().map(node))
}

/// What has this name in a folder: as [`walk`] finds it.
pub(crate) async fn child(client: &impl GenericClient, parent: i64, name: &str) -> Result<Option<Node>> {
    Ok(walk(client, parent, &[name.to_owned()]).await?.pop())
}

/// What is in a folder, by name.
pub(crate) async fn children(client: &impl GenericClient, parent: i64) -> Result<Vec<Node>> {
    let statement = format!("select {COLUMNS} from node where parent_id = $1 order by name");
    let statement = client.prepare_cached(&statement).await?;
    Ok(client.query(&statement, &[&parent]).await?.iter().map(node).collect())
}

/// Makes a row.
pub(crate) async fn insert(client: &impl GenericClient, new: &New<'_>) -> Result<Node> {
    let statement = format!(
        "insert into node (space_id, parent_id, name, is_folder, size, modified, inode, changed) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning {COLUMNS}"
    );
    let statement = client.prepare_cached(&statement).await?;
    let facts = &new.facts;
    let row = client
        .query_one(
            &statement,
            &[
                &new.space,
                &new.parent,
                &new.name,
                &facts.is_folder,
                &facts.size,
                &facts.modified,
                &facts.inode,
                &facts.changed,
            ],
        )
        .await?;
    Ok(node(&row))
}

/// A file has another content: its number stays.
pub(crate) async fn overwrite(client: &impl GenericClient, id: i64, facts: Facts) -> Result<Node> {
    let statement = format!(
        "update node set size = $2, modified = $3, inode = $4, changed = $5, etag = gen_random_uuid() \
         where id = $1 returning {COLUMNS}"
    );
    let statement = client.prepare_cached(&statement).await?;
    let (size, modified) = (&facts.size, &facts.modified);
    let row = client.query_one(&statement, &[&id, size, modified, &facts.inode, &facts.changed]).await?;
    Ok(node(&row))
}

/// A file or folder lies elsewhere: its number and content stay.
pub(crate) async fn relocate(
    client: &impl GenericClient,
    moved: &Node,
    to: (i64, i64, &str),
    facts: Facts,
) -> Result<Node> {
    let (space, parent, name) = to;
    let statement = format!(
        "update node set space_id = $2, parent_id = $3, name = $4, inode = $5, changed = $6 \
         where id = $1 returning {COLUMNS}"
    );
    let statement = client.prepare_cached(&statement).await?;
    let row = client
        .query_one(&statement, &[&moved.id, &space, &parent, &name, &facts.inode, &facts.changed])
        .await?;
    if space != moved.space && moved.is_folder {
        let below = "with recursive below as (select id from node where parent_id = $1 \
                union all select node.id from node join below on node.parent_id = below.id) \
            update node set space_id = $2 from below where node.id = below.id";
        client.execute(&client.prepare_cached(below).await?, &[&moved.id, &space]).await?;
    }
    Ok(node(&row))
}

/// Something changed in a folder: it and all above it have another ETag, and so many bytes more.
pub(crate) async fn touch(client: &impl GenericClient, folder: i64, bytes: i64) -> Result<()> {
    // As a list: each row is looked up by its number, however few or many the server believes there are.
    let statement = "with recursive up as (select id, parent_id from node where id = $1 \
            union all select node.id, node.parent_id from node join up on node.id = up.parent_id) \
        select array_agg(id) from up";
    let ids: Vec<i64> = client.query_one(&client.prepare_cached(statement).await?, &[&folder]).await?.get(0);
    touch_all(client, &ids, bytes).await
}

/// The same for a folder and all above it, where they are known.
pub(crate) async fn touch_all(client: &impl GenericClient, folders: &[i64], bytes: i64) -> Result<()> {
    let statement = "update node set size = size + $2, etag = gen_random_uuid(), \
        modified = greatest(modified, $3) where id = any($1)";
    let now = disk::nanoseconds(SystemTime::now());
    client.execute(&client.prepare_cached(statement).await?, &[&folders, &bytes, &now]).await?;
    Ok(())
}

/// Is `node` the folder `above`, or somewhere in it?
pub(crate) async fn is_within(client: &impl GenericClient, node: i64, above: i64) -> Result<bool> {
    let statement = "with recursive up as (select id, parent_id from node where id = $1 \
            union all select node.id, node.parent_id from node join up on node.id = up.parent_id) \
        select exists (select from up where id = $2)";
    Ok(client.query_one(&client.prepare_cached(statement).await?, &[&node, &above]).await?.get(0))
}
