//! Who is in which association and group, and what they may take: asked of the directory whenever something
//! changed there, so that it holds at once.

use std::collections::BTreeSet;

use tokio::try_join;
use tokio_postgres::types::ToSql;

use super::space::{Kind, Space};
use super::{Error, Result, Storage};

/// What a person may see and do.
#[derive(Debug, Clone)]
pub(crate) struct Folk {
    /// Their associations, by number: name, and whether they are its manager.
    pub organisations: Vec<Organisation>,
    /// Their groups.
    pub groups: Vec<Group>,
}

/// An association of a person.
#[derive(Debug, Clone)]
pub(crate) struct Organisation {
    pub id: i64,
    pub name: String,
    pub manager: bool,
}

/// A group of a person.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub id: i64,
    pub name: String,
    pub organisation: i64,
    /// Its association's name.
    pub of: String,
}

impl Storage {
    /// What the directory says of the person with this login.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is nobody, or they are locked out.
    pub(crate) async fn folk(&self, login: &str) -> Result<Folk> {
        let client = self.directory().await?;
        let known = client.prepare_cached("select 1 from service_quota where login = $1").await?;
        let memberships = "select organisation_id, organisation, 'manager' = any(roles) from service_membership \
                           where login = $1 and active order by organisation_id";
        let memberships = client.prepare_cached(memberships).await?;
        let groups = "select group_id, \"group\", organisation_id, organisation from service_group \
                      where login = $1 order by group_id";
        let groups = client.prepare_cached(groups).await?;
        // Sent together: one wait for three answers.
        let login: [&(dyn ToSql + Sync); 1] = [&login];
        let asked = (
            client.query_opt(&known, &login),
            client.query(&memberships, &login),
            client.query(&groups, &login),
        );
        let (known, memberships, groups) = try_join!(asked.0, asked.1, asked.2)?;
        if known.is_none() {
            return Err(Error::NotFound);
        }
        let organisations = memberships
            .iter()
            .map(|row| Organisation { id: row.get(0), name: row.get(1), manager: row.get(2) })
            .collect();
        let group = |row: &tokio_postgres::Row| Group {
            id: row.get(0),
            name: row.get(1),
            organisation: row.get(2),
            of: row.get(3),
        };
        Ok(Folk { organisations, groups: groups.iter().map(group).collect() })
    }

    /// Is there an association with that number?
    pub(crate) async fn has_organisation(&self, number: i64) -> Result<bool> {
        let client = self.directory().await?;
        let statement = "select 1 from service_organisation_quota where organisation_id = $1";
        Ok(client.query_opt(&client.prepare_cached(statement).await?, &[&number]).await?.is_some())
    }

    /// Bytes that may be taken in a space, by its owner and by the associations.
    pub(crate) async fn limits_of(&self, space: &Space) -> Result<Limits> {
        let own = async {
            Ok(if space.kind == Kind::Person { Some(self.own_limit(&space.owner).await?) } else { None })
        };
        let (own, shared) = try_join!(own, self.shared_limits(space.kind.word(), &space.owner))?;
        Ok(Limits { own, shared })
    }

    /// Bytes that the person may take by themselves.
    async fn own_limit(&self, login: &str) -> Result<i64> {
        let client = self.directory().await?;
        let statement =
            client.prepare_cached("select quota_bytes from service_quota where login = $1").await?;
        let row = client.query_opt(&statement, &[&login]).await?;
        Ok(row.map_or(0, |row| row.get(0)))
    }

    /// The associations that have a limit among those whose space, group or member the space is, each with
    /// the limit and all the spaces that count: kind and owner.
    async fn shared_limits(&self, kind: &str, owner: &str) -> Result<Vec<Shared>> {
        let client = self.directory().await?;
        let statement = "with mine as (\
                select organisation_id from service_membership where $1 = 'person' and login = $2 \
                union select organisation_id from service_organisation_quota \
                    where $1 = 'organisation' and organisation_id::text = $2 \
                union select organisation_id from service_organisation_group \
                    where $1 = 'group' and group_id::text = $2) \
            select organisation_id, quota_bytes, \
                array(select login from service_membership one where one.organisation_id = quota.organisation_id), \
                array(select group_id::text from service_organisation_group one \
                    where one.organisation_id = quota.organisation_id) \
            from mine join service_organisation_quota quota using (organisation_id) where quota_bytes is not null";
        let rows = client.query(&client.prepare_cached(statement).await?, &[&kind, &owner]).await?;
        let shared = |row: &tokio_postgres::Row| {
            let organisation: i64 = row.get(0);
            let people = row.get::<_, Vec<String>>(2).into_iter().map(|login| ("person".to_owned(), login));
            let groups = row.get::<_, Vec<String>>(3).into_iter().map(|id| ("group".to_owned(), id));
            let own = [("organisation".to_owned(), organisation.to_string())];
            Shared { limit: row.get(1), spaces: own.into_iter().chain(people).chain(groups).collect() }
        };
        Ok(rows.iter().map(shared).collect())
    }
}

/// Bytes that may be taken in a space.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Of the person whose space it is.
    pub own: Option<i64>,
    pub shared: Vec<Shared>,
}

/// A limit that several spaces share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Bytes.
    pub limit: i64,
    /// Kind and owner of each.
    pub spaces: BTreeSet<(String, String)>,
}
