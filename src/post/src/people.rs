//! What the directory knows: whose an address is, and who was stopped.

use anyhow::{Context as _, Result};
use mazet_database::{Place, Pool};

/// Connections at a time: each question is a short one.
const CONNECTIONS: usize = 2;
/// The directory's database.
const DATABASE: &str = "mazet";

/// Somebody who may send no mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Login name.
    pub login: String,
    /// Since when, in seconds since 1970.
    pub at: i64,
}

/// The directory, asked as one role.
#[derive(Debug, Clone)]
pub struct People(Pool);

impl People {
    /// The box's own directory, asked as `role`.
    ///
    /// # Errors
    /// Never in practice.
    pub fn of(role: &str) -> Result<Self> {
        Self::at(&Place::new(DATABASE, role))
    }

    /// A directory.
    ///
    /// # Errors
    /// Never in practice.
    pub fn at(place: &Place) -> Result<Self> {
        Ok(Self(place.pool(CONNECTIONS)?))
    }

    /// May `login` write as `address`: is it theirs, or on the box `host` their mailbox or one that they read?
    ///
    /// # Errors
    /// The directory does not answer.
    pub async fn owns(&self, login: &str, address: &str, host: &str) -> Result<bool> {
        let (question, name) = match address.strip_suffix(&format!("@{}", host.to_lowercase())) {
            Some(own) if own == login => return Ok(true),
            Some(mailbox) => (
                "select exists(select from service_mailbox_reader where login = $1 and mailbox = $2)",
                mailbox,
            ),
            None => {
                ("select exists(select from service_mail_sender where login = $1 and address = $2)", address)
            }
        };
        let row = self.0.get().await?.query_one(question, &[&login, &name]).await;
        Ok(row.context("asking whose an address is")?.get(0))
    }

    /// Was `login` stopped from sending?
    ///
    /// # Errors
    /// The directory does not answer.
    pub async fn is_stopped(&self, login: &str) -> Result<bool> {
        let question = "select exists(select from service_mail_stop where login = $1)";
        let row = self.0.get().await?.query_one(question, &[&login]).await;
        Ok(row.context("asking whether somebody was stopped")?.get(0))
    }

    /// Stops `login` from sending.
    ///
    /// # Errors
    /// The directory does not answer.
    pub async fn stop(&self, login: &str) -> Result<()> {
        let done = self.0.get().await?.execute("select stop_mail($1)", &[&login]).await;
        done.context("stopping somebody from sending").map(drop)
    }

    /// All who were stopped.
    ///
    /// # Errors
    /// The directory does not answer.
    pub async fn stops(&self) -> Result<Vec<Stop>> {
        let question =
            "select login, extract(epoch from stopped_at)::bigint from service_mail_stop order by login";
        let rows = self.0.get().await?.query(question, &[]).await.context("asking who was stopped")?;
        Ok(rows.iter().map(|row| Stop { login: row.get(0), at: row.get(1) }).collect())
    }

    /// Does somebody read what is sent to `address`, on the box `host`?
    ///
    /// # Errors
    /// The directory does not answer.
    pub async fn reads(&self, address: &str, host: &str) -> Result<bool> {
        let (address, host) = (address.to_lowercase(), host.to_lowercase());
        let question =
            "select exists(select from service_mail_address where address = $1 or login || '@' || $2 = $1)";
        let row = self.0.get().await?.query_one(question, &[&address, &host]).await;
        Ok(row.context("asking whether an address is read")?.get(0))
    }

    /// Domains of the associations.
    ///
    /// # Errors
    /// The directory does not answer.
    pub async fn domains(&self) -> Result<Vec<String>> {
        // Each has a postmaster.
        let question = "select distinct split_part(address, '@', 2) from service_mail_address order by 1";
        let rows = self.0.get().await?.query(question, &[]).await;
        Ok(rows.context("asking for the domains")?.iter().map(|row| row.get(0)).collect())
    }

    /// Lets `login` send again; `false`: they were not stopped. For the directory's owner.
    ///
    /// # Errors
    /// The directory does not answer, or the role may not.
    pub async fn allow(&self, login: &str) -> Result<bool> {
        let order = "delete from mail_stop using person where person.id = person_id and login = $1";
        let gone = self.0.get().await?.execute(order, &[&login]).await;
        Ok(gone.context("letting somebody send again")? > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mazet_database::testing::server;

    use super::*;

    /// Roles that the directory's migrations know.
    const ROLES: [&str; 4] = ["mazetd", "mazet-mail", "mazet-files", "mazet-post"];
    const SEED: &str = "insert into organisation (name) values ('Amis'); \
                        insert into domain values ('amis.example', 1); \
                        insert into person (login, name) values ('ada', 'Ada'), ('bruno', 'Bruno'); \
                        insert into membership (person_id, organisation_id) select id, 1 from person; \
                        insert into people_group (organisation_id, name) values (1, 'Bureau'); \
                        insert into group_member (group_id, person_id, organisation_id) select 1, 1, 1; \
                        insert into alias (organisation_id, local, domain, group_id) \
                            values (1, 'contact', 'amis.example', 1); \
                        update shared_account set mailbox = true where kind = 'group'";

    #[tokio::test]
    async fn the_guard_stops_people_and_the_owner_alone_lets_them_go() {
        let server = server().expect("PostgreSQL");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays/directory/migrations");
        let name = server.database("mazet", &ROLES, &folder).await;
        let owner = server.place(&name, "mazet");
        owner.connect().await.expect("connected").batch_execute(SEED).await.expect("people");
        let owner = People::at(&owner).expect("a pool");
        let guard = People::at(&server.place(&name, "mazet-post")).expect("a pool");

        let owns = async |address| guard.owns("ada", address, "Box.local").await.expect("asked");
        assert!(owns("ada@amis.example").await);
        assert!(owns("ada@box.local").await);
        assert!(!owns("bruno@amis.example").await);
        assert!(!owns("ada@elsewhere.example").await);
        assert!(owns("contact@amis.example").await);
        assert!(owns("_bureau-2@box.local").await);
        assert!(!owns("_amis-1@box.local").await);
        assert!(!guard.owns("bruno", "_bureau-2@box.local", "box.local").await.expect("asked"));

        assert!(guard.reads("Ada@amis.example", "box.local").await.expect("asked"));
        assert!(guard.reads("ada@box.local", "Box.local").await.expect("asked"));
        assert!(!guard.reads("ada@elsewhere.example", "box.local").await.expect("asked"));
        assert_eq!(guard.domains().await.expect("asked"), ["amis.example"]);
        guard.stop("ada").await.expect("stopped");
        guard.stop("ada").await.expect("again");
        guard.stop("nobody").await.expect("nothing to stop");
        assert!(guard.is_stopped("ada").await.expect("asked"));
        assert!(!guard.is_stopped("bruno").await.expect("asked"));
        for who in [&owner, &guard] {
            let stops = who.stops().await.expect("asked");
            assert!(stops.len() == 1 && stops[0].login == "ada" && stops[0].at > 1_700_000_000, "{stops:?}");
        }
        assert!(guard.allow("ada").await.is_err());
        assert!(owner.allow("ada").await.expect("allowed"));
        assert!(!owner.allow("ada").await.expect("asked"));
        assert!(!guard.is_stopped("ada").await.expect("asked"));
    }
}
