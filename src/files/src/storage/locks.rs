//! Is somebody working on it? What clients lock (RFC 4918 § 6) nobody else changes, by pages either.

use deadpool_postgres::GenericClient;

use super::{Error, Result};

/// Refuses what somebody locked: the node itself, a folder above it with all that is in it, or, where
/// `below`, something in it.
///
/// # Errors
/// [`Error::Locked`].
pub(crate) async fn refuse(client: &impl GenericClient, node: i64, below: bool) -> Result<()> {
    let statement = "with recursive \
        up as (select id, parent_id from node where id = $1 \
            union all select node.id, node.parent_id from node join up on node.id = up.parent_id), \
        down as (select id from node where id = $1 and $2 \
            union all select node.id from node join down on node.parent_id = down.id) \
        select exists (select from lock where (expires_at is null or expires_at > now()) and (node_id = $1 \
            or deep and node_id in (select id from up) or node_id in (select id from down)))";
    // Most of the time there is none at all, and a large folder need not be walked.
    let any = client.prepare_cached("select exists (select from lock)").await?;
    if !client.query_one(&any, &[]).await?.get::<_, bool>(0) {
        return Ok(());
    }
    let locked: bool =
        client.query_one(&client.prepare_cached(statement).await?, &[&node, &below]).await?.get(0);
    if locked { Err(Error::Locked) } else { Ok(()) }
}
