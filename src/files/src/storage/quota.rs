//! Bytes that may be taken: by a person alone, by an association with all its people and groups, and on
//! the disk. Room is reserved before bytes come, so that two at a time cannot take the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::try_join;

use super::disk::bytes;
use super::space::{Kind, Space};
use super::{Error, Full, Result, Storage, View};

/// Kept free for the database, which lies on the same disk: at most this, or a part of a small disk.
const FLOOR: u64 = 256 << 20;
const FLOOR_PART: u64 = 64;

/// What was taken of what may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Bytes that are taken in the space, with its bin.
    pub used: u64,
    /// Bytes that may be taken in it; none: as much as there is.
    pub limit: Option<u64>,
    /// Bytes that can still come: by the limit, by those of the associations, and on the disk.
    pub available: u64,
}

/// Bytes that are on their way, by space.
#[derive(Default)]
pub(crate) struct Reserved {
    bytes: Arc<Mutex<BTreeMap<i64, u64>>>,
    /// One looks and reserves at a time.
    gate: tokio::sync::Mutex<()>,
}

/// Room that is kept until this is dropped.
pub(crate) struct Reservation {
    all: Arc<Mutex<BTreeMap<i64, u64>>>,
    space: i64,
    pub bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = all.get_mut(&self.space) {
            *bytes = bytes.saturating_sub(self.bytes);
            if *bytes == 0 {
                all.remove(&self.space);
            }
        }
    }
}

impl Reserved {
    fn of(&self, spaces: impl IntoIterator<Item = i64>) -> u64 {
        let all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        spaces.into_iter().filter_map(|space| all.get(&space)).sum()
    }

    fn total(&self) -> u64 {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn add(&self, space: i64, bytes: u64) -> Reservation {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner).entry(space).or_default() += bytes;
        Reservation { all: self.bytes.clone(), space, bytes }
    }
}

impl View {
    /// What was taken in the space that `path` lies in.
    ///
    /// # Errors
    /// When the databases do not answer.
    pub async fn quota(&self, path: &str) -> Result<Used> {
        let room = self.storage.room(&self.spot(path)?.mount.space, None).await?;
        Ok(Used { used: room.used, limit: room.limit, available: room.quota.min(room.disk) })
    }
}

/// What is free.
struct Room {
    used: u64,
    limit: Option<u64>,
    /// By the quotas.
    quota: u64,
    disk: u64,
}

impl Storage {
    /// Keeps room for `bytes` more in a space.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    pub(crate) async fn reserve(&self, space: &Space, bytes: u64) -> Result<Reservation> {
        self.reserve_from(space, bytes, None).await
    }

    /// Keeps room for `bytes` that come from another space, where they are until then.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    pub(crate) async fn reserve_from(
        &self,
        space: &Space,
        bytes: u64,
        from: Option<&Space>,
    ) -> Result<Reservation> {
        let _gate = self.inner.reserved.gate.lock().await;
        if bytes > 0 {
            let mut room = self.room(space, from.map(|from| (from, bytes))).await?;
            if from.is_some() {
                room.disk = u64::MAX;
            }
            if bytes > room.quota {
                return Err(Error::NoSpace(Full::Quota));
            }
            if bytes > room.disk {
                return Err(Error::NoSpace(Full::Disk));
            }
        }
        Ok(self.inner.reserved.add(space.id, bytes))
    }

    /// Keeps room for so many bytes more than a reservation has.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    pub(crate) async fn reserve_more(&self, kept: &mut Reservation, space: &Space, bytes: u64) -> Result<()> {
        let mut more = self.reserve(space, bytes).await?;
        kept.bytes += std::mem::take(&mut more.bytes);
        Ok(())
    }

    /// `leaving`: bytes that come from that space, and so weigh no more on what both share.
    async fn room(&self, space: &Space, leaving: Option<(&Space, u64)>) -> Result<Room> {
        let own = (space.kind.word().to_owned(), space.owner.clone());
        let asked = (self.taken([&own]), self.limits(space));
        let ((used, reserved), limits) = try_join!(asked.0, asked.1)?;
        let (free, size) = self.inner.disk.free()?;
        let (mut limit, mut quota) = (None, u64::MAX);
        if let Some(own) = limits.own.map(bytes) {
            (limit, quota) = (Some(own), own.saturating_sub(used + reserved));
        }
        for shared in &limits.shared {
            let (all, reserved) = self.taken(&shared.spaces).await?;
            let most = bytes(shared.limit);
            let within =
                |from: &Space| shared.spaces.contains(&(from.kind.word().to_owned(), from.owner.clone()));
            let freed = leaving.filter(|(from, _)| within(from)).map_or(0, |(_, bytes)| bytes);
            quota = quota.min(most.saturating_sub((all + reserved).saturating_sub(freed)));
            if space.kind != Kind::Person {
                limit = Some(limit.unwrap_or(u64::MAX).min(most));
            }
        }
        let floor = FLOOR.min(size / FLOOR_PART) + self.inner.reserved.total();
        Ok(Room { used, limit, quota, disk: free.saturating_sub(floor) })
    }

    /// Bytes that these spaces have, and bytes that are on their way into them.
    async fn taken(&self, spaces: impl IntoIterator<Item = &(String, String)>) -> Result<(u64, u64)> {
        let (kinds, owners): (Vec<&str>, Vec<&str>) =
            spaces.into_iter().map(|(kind, owner)| (kind.as_str(), owner.as_str())).unzip();
        let statement = "select space.id, coalesce(files.size + bin.size, 0) from space \
            left join node files on files.id = files_id left join node bin on bin.id = bin_id \
            where (kind, owner) in (select * from unnest($1::text[], $2::text[]))";
        let client = self.files().await?;
        let rows = client.query(&client.prepare_cached(statement).await?, &[&kinds, &owners]).await?;
        let all = rows.iter().map(|row| bytes(row.get(1))).sum();
        Ok((all, self.inner.reserved.of(rows.iter().map(|row| row.get(0)))))
    }
}
