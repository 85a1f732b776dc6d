//! Devices that ask to be let in, as the database knows them: for twenty minutes.

use sha2::{Digest as _, Sha256};

use crate::storage::{Result, Storage};

/// How long a device may wait.
const LIFE: &str = "interval '20 minutes'";
/// Devices that wait, from one address and in all.
const MOST: (i64, i64) = (20, 500);

/// A device that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    /// What it calls itself.
    pub device: String,
    /// Where it asked from.
    pub address: String,
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Another one asks; not when too many do.
pub(super) async fn add(storage: &Storage, (poll, page): (&str, &str), waiting: &Waiting) -> Result<bool> {
    let client = storage.files().await?;
    client.execute(&format!("delete from device_login where created_at < now() - {LIFE}"), &[]).await?;
    let statement = "insert into device_login (poll_sha256, page_sha256, device, address) \
        select $1, $2, $3, $4 where (select count(*) from device_login where address = $4) < $5 \
            and (select count(*) from device_login) < $6";
    let (by_address, all) = MOST;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&digest(poll), &digest(page), &waiting.device, &waiting.address, &by_address, &all];
    Ok(client.execute(statement, &values).await? == 1)
}

/// The device whose page has that token, if nobody has decided yet.
pub(super) async fn find(storage: &Storage, page: &str) -> Result<Option<Waiting>> {
    let statement = format!(
        "select device, address from device_login \
         where page_sha256 = $1 and login is null and created_at > now() - {LIFE}"
    );
    let row = storage.files().await?.query_opt(&statement, &[&digest(page)]).await?;
    Ok(row.map(|row| Waiting { device: row.get(0), address: row.get(1) }))
}

/// It is let in; not when it waits no more.
pub(super) async fn allow(storage: &Storage, page: &str, login: &str) -> Result<bool> {
    let statement = format!(
        "update device_login set login = $2 \
         where page_sha256 = $1 and login is null and created_at > now() - {LIFE}"
    );
    Ok(storage.files().await?.execute(&statement, &[&digest(page), &login]).await? == 1)
}

/// It is not.
pub(super) async fn forget(storage: &Storage, page: &str) -> Result<()> {
    let statement = "delete from device_login where page_sha256 = $1 and login is null";
    storage.files().await?.execute(statement, &[&digest(page)]).await?;
    Ok(())
}

/// Who let in the device with that token, and what it calls itself: once.
pub(super) async fn take(storage: &Storage, poll: &str) -> Result<Option<(String, String)>> {
    let statement = format!(
        "delete from device_login where poll_sha256 = $1 and login is not null \
         and created_at > now() - {LIFE} returning login, device"
    );
    let row = storage.files().await?.query_opt(&statement, &[&digest(poll)]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}
