//! What the database knows of uploads in pieces.

use uuid::Uuid;

use crate::storage::{Result, Storage, View};

/// An upload that is not finished.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub id: Uuid,
    /// Where it goes; empty where that is not known yet.
    pub path: String,
    /// Bytes of the whole; none where that is not known yet.
    pub total: Option<u64>,
}

impl Upload {
    /// Name of the file of its pieces.
    pub(super) fn file(&self) -> String {
        self.id.to_string()
    }
}

/// A piece of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its place in the order of pieces.
    pub number: i32,
    /// Where it lies in the file of pieces.
    pub at: u64,
    pub length: u64,
    /// All of it is there.
    pub whole: bool,
}

/// The person's upload of that name.
pub(super) async fn find(view: &View, name: &str) -> Result<Option<Upload>> {
    let statement = "select id, path, total from sync_upload where login = $1 and transfer = $2";
    let client = view.storage.files().await?;
    let row = client.query_opt(&client.prepare_cached(statement).await?, &[&view.login(), &name]).await?;
    Ok(row.as_ref().map(upload))
}

fn upload(row: &tokio_postgres::Row) -> Upload {
    Upload { id: row.get(0), path: row.get(1), total: known(row.get(2)) }
}

/// 0 stands for what is not known.
fn known(total: i64) -> Option<u64> {
    Some(bytes(total)).filter(|total| *total > 0)
}

/// PostgreSQL has no numbers without a sign; its checks let none below 0 in.
fn bytes(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

fn stored(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Uploads of the person that are not finished.
pub(super) async fn count(view: &View) -> Result<i64> {
    let client = view.storage.files().await?;
    let statement = "select count(*) from sync_upload where login = $1";
    Ok(client.query_one(statement, &[&view.login()]).await?.get(0))
}

pub(super) async fn make(view: &View, name: &str, path: &str, total: Option<u64>) -> Result<Upload> {
    let (id, bytes) = (Uuid::from_u128(random()?), stored(total.unwrap_or(0)));
    let statement = "insert into sync_upload (id, login, path, total, transfer) values ($1, $2, $3, $4, $5)";
    view.storage.files().await?.execute(statement, &[&id, &view.login(), &path, &bytes, &name]).await?;
    Ok(Upload { id, path: path.to_owned(), total: known(bytes) })
}

fn random() -> Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| crate::storage::Error::Internal(error.to_string()))?;
    Ok(u128::from_be_bytes(bytes))
}

/// The pieces of an upload, in their order.
pub(super) async fn pieces(view: &View, upload: &Upload) -> Result<Vec<Row>> {
    let statement = "select number, at, length, whole from sync_piece where upload_id = $1 order by number";
    let client = view.storage.files().await?;
    let rows = client.query(&client.prepare_cached(statement).await?, &[&upload.id]).await?;
    let row = |row: &tokio_postgres::Row| Row {
        number: row.get(0),
        at: bytes(row.get(1)),
        length: bytes(row.get(2)),
        whole: row.get(3),
    };
    Ok(rows.iter().map(row).collect())
}

/// A piece begins to come, to this place.
pub(super) async fn place(view: &View, upload: &Upload, row: &Row) -> Result<()> {
    let statement = "insert into sync_piece (upload_id, number, at, length) values ($1, $2, $3, $4) \
        on conflict (upload_id, number) do update set at = excluded.at, length = excluded.length, whole = false";
    let client = view.storage.files().await?;
    let (at, length) = (stored(row.at), stored(row.length));
    client
        .execute(&client.prepare_cached(statement).await?, &[&upload.id, &row.number, &at, &length])
        .await?;
    Ok(())
}

/// All of a piece is on the disk.
pub(super) async fn whole(storage: &Storage, upload: Uuid, number: i32) -> Result<()> {
    let statement = "with seen as (update sync_upload set seen_at = now() where id = $1) \
        update sync_piece set whole = true where upload_id = $1 and number = $2";
    let client = storage.files().await?;
    client.execute(&client.prepare_cached(statement).await?, &[&upload, &number]).await?;
    Ok(())
}

/// A piece does not count any more.
pub(super) async fn forget(view: &View, upload: &Upload, number: i32) -> Result<()> {
    let statement = "delete from sync_piece where upload_id = $1 and number = $2";
    view.storage.files().await?.execute(statement, &[&upload.id, &number]).await?;
    Ok(())
}

/// The upload is finished, or given up.
pub(super) async fn end(storage: &Storage, upload: &Upload) -> Result<()> {
    storage.files().await?.execute("delete from sync_upload where id = $1", &[&upload.id]).await?;
    Ok(())
}

/// Uploads that nobody went on with for a day.
pub(super) async fn abandoned(storage: &Storage) -> Result<Vec<Upload>> {
    let statement = "select id, path, total from sync_upload \
                     where seen_at < now() - interval '1 day'";
    let rows = storage.files().await?.query(statement, &[]).await?;
    Ok(rows.iter().map(upload).collect())
}
