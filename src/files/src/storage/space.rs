//! Spaces: a person's own, an association's, a group's. They are made when somebody first looks at them.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;

use super::disk::{Facts, Names};
use super::{Result, Storage, node};

/// Whose a space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One person's.
    Person,
    /// An association's.
    Organisation,
    /// A group's.
    Group,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Group => "group",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Person => "people",
            Self::Organisation => "organisations",
            Self::Group => "groups",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "person" => Self::Person,
            "organisation" => Self::Organisation,
            _ => Self::Group,
        }
    }
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Space {
    pub id: i64,
    pub kind: Kind,
    pub owner: String,
    pub read_only: bool,
    /// Node of the folder of what is there.
    pub files: i64,
    /// Node of the folder of what was deleted.
    pub bin: i64,
}

/// Folder of what is there.
pub(crate) const FILES: &str = "files";
/// Folder of what was deleted.
pub(crate) const BIN: &str = "bin";

impl Space {
    /// Where something of what is there lies on the disk.
    pub(crate) fn names(&self, parts: &[String]) -> Names {
        self.below(FILES, parts)
    }

    /// Where something of what was deleted lies on the disk.
    pub(crate) fn bin_names(&self, parts: &[String]) -> Names {
        self.below(BIN, parts)
    }

    fn below(&self, folder: &str, parts: &[String]) -> Names {
        let start = [self.kind.folder(), &self.owner, folder].map(str::to_owned);
        start.into_iter().chain(parts.iter().cloned()).collect()
    }
}

const SELECT: &str = "select id, kind, owner, read_only, files_id, bin_id from space";

fn space(row: &tokio_postgres::Row) -> Space {
    Space {
        id: row.get(0),
        kind: Kind::of(row.get(1)),
        owner: row.get(2),
        read_only: row.get(3),
        files: row.get(4),
        bin: row.get(5),
    }
}

/// One of them.
pub(crate) async fn get(client: &impl GenericClient, id: i64) -> Result<Space> {
    let row = client.query_opt(&format!("{SELECT} where id = $1"), &[&id]).await?;
    row.as_ref().map(space).ok_or(super::Error::NotFound)
}

impl Storage {
    /// The spaces of these, made where they are not there yet; in the same order.
    pub(crate) async fn spaces(&self, wanted: &[(Kind, String)]) -> Result<Vec<Space>> {
        let mut known = self.known_spaces(wanted).await?;
        let mut all = Vec::new();
        for (kind, owner) in wanted {
            let space = match known.remove(&(*kind, owner.clone())) {
                Some(space) => space,
                None => self.make_space(*kind, owner).await?,
            };
            all.push(space);
        }
        Ok(all)
    }

    async fn known_spaces(&self, wanted: &[(Kind, String)]) -> Result<BTreeMap<(Kind, String), Space>> {
        let kinds: Vec<&str> = wanted.iter().map(|(kind, _)| kind.word()).collect();
        let owners: Vec<&str> = wanted.iter().map(|(_, owner)| owner.as_str()).collect();
        let statement = format!(
            "{SELECT} where (kind, owner) in (select * from unnest($1::text[], $2::text[])) and bin_id is not null"
        );
        let client = self.files().await?;
        let rows = client.query(&client.prepare_cached(&statement).await?, &[&kinds, &owners]).await?;
        Ok(rows.iter().map(space).map(|space| ((space.kind, space.owner.clone()), space)).collect())
    }

    async fn make_space(&self, kind: Kind, owner: &str) -> Result<Space> {
        let place = Space { id: 0, kind, owner: owner.to_owned(), read_only: false, files: 0, bin: 0 };
        let (files, bin) = (place.names(&[]), place.bin_names(&[]));
        let facts = self
            .on_disk(move |disk| {
                disk.make_all(&files)?;
                disk.make_all(&bin)?;
                Ok((disk.facts(&files)?, disk.facts(&bin)?))
            })
            .await?;
        let mut client = self.files().await?;
        let transaction = client.transaction().await?;
        // Asked by two at a time, the second finds what the first made.
        let insert = "insert into space (kind, owner) values ($1, $2) \
                      on conflict (kind, owner) do update set owner = excluded.owner returning id, files_id";
        let row = transaction.query_one(insert, &[&kind.word(), &owner]).await?;
        let id: i64 = row.get(0);
        if row.get::<_, Option<i64>>(1).is_none() {
            let roots =
                (root(&transaction, id, FILES, facts.0).await?, root(&transaction, id, BIN, facts.1).await?);
            let update = "update space set files_id = $2, bin_id = $3 where id = $1";
            transaction.execute(update, &[&id, &roots.0, &roots.1]).await?;
        }
        let space = get(&transaction, id).await?;
        transaction.commit().await?;
        Ok(space)
    }
}

async fn root(client: &impl GenericClient, space: i64, name: &str, facts: Facts) -> Result<i64> {
    node::insert(client, &node::New { space, parent: None, name, facts }).await.map(|node| node.id)
}

/// Nobody else changes what is in these spaces until the transaction ends.
pub(crate) async fn lock(client: &impl GenericClient, ids: &[i64]) -> Result<()> {
    let statement = "select from space where id = any($1) order by id for update";
    client.query(&client.prepare_cached(statement).await?, &[&ids]).await?;
    Ok(())
}
