//! Spaces: a person's own, an association's, a group's. They are made when somebody first looks at them.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;
use tokio::try_join;
use tokio_postgres::types::ToSql;

use super::disk::{Facts, Names};
use super::node::Node;
use super::{Result, Storage, node};

/// Whose a space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Is it the folder that somebody sees as their root? Shared folders stand there too.
pub(crate) fn is_own_root(names: &[String]) -> bool {
    matches!(names, [kind, _, files] if kind == Kind::Person.folder() && files == FILES)
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
    /// The spaces of these, made where they are not there yet, in the same order; and whether something in
    /// the root of the first one has one of these names.
    pub(crate) async fn spaces(
        &self,
        wanted: &[(Kind, String)],
        names: &[&str],
    ) -> Result<(Vec<Space>, bool)> {
        let (mut known, taken) = self.known_spaces(wanted, names).await?;
        let mut all = Vec::new();
        for (kind, owner) in wanted {
            let space = match known.remove(&(*kind, owner.clone())) {
                Some(space) => space,
                None => self.make_space(*kind, owner).await?,
            };
            all.push(space);
        }
        Ok((all, taken))
    }

    async fn known_spaces(
        &self,
        wanted: &[(Kind, String)],
        names: &[&str],
    ) -> Result<(BTreeMap<(Kind, String), Space>, bool)> {
        let kinds: Vec<&str> = wanted.iter().map(|(kind, _)| kind.word()).collect();
        let owners: Vec<&str> = wanted.iter().map(|(_, owner)| owner.as_str()).collect();
        let statement = format!(
            "{SELECT} where (kind, owner) in (select * from unnest($1::text[], $2::text[])) and bin_id is not null"
        );
        let client = self.files().await?;
        let statement = client.prepare_cached(&statement).await?;
        // Names of shared folders are in the form NFC; what is there by hand may have another.
        let taken = "with own as (select files_id as id from space where kind = $1 and owner = $2) \
            select exists (select from node join own on parent_id = own.id where node.name = any($3)) \
            or exists (select from node join own on parent_id = own.id \
                where node.name is not nfc normalized and normalize(node.name, NFC) = any($3))";
        let taken = client.prepare_cached(taken).await?;
        let first: [&(dyn ToSql + Sync); 3] = [&kinds[0], &owners[0], &names];
        let spaces: [&(dyn ToSql + Sync); 2] = [&kinds, &owners];
        let (rows, taken) = try_join!(client.query(&statement, &spaces), client.query_one(&taken, &first))?;
        let known = rows.iter().map(space).map(|space| ((space.kind, space.owner.clone()), space)).collect();
        Ok((known, taken.get(0)))
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
    client.query(&client.prepare_cached(LOCK).await?, &[&ids]).await?;
    Ok(())
}

/// The same for one space, with the nodes on a path below `root` as they are then ([`node::path`]): sent
/// together.
pub(crate) async fn lock_path(
    client: &impl GenericClient,
    space: i64,
    root: i64,
    parts: &[String],
) -> Result<Vec<Node>> {
    let (lock, walk) = (client.prepare_cached(LOCK).await?, node::walk_statement(client).await?);
    let ids = [space];
    let (ids, place): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 2]) = ([&&ids[..]], [&root, &parts]);
    // The server answers in the order that it is asked in: it walks when it has the lock.
    let (_, found) = try_join!(biased; client.query(&lock, &ids), client.query(&walk, &place))?;
    node::path_from(client, found.iter().map(node::node).collect(), parts).await
}

const LOCK: &str = "select from space where id = any($1) order by id for update";
