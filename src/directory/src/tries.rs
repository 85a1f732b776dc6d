//! Limits on tries. A try is counted before it is looked at, so that many at a time get no further
//! than one after the other; a right one is taken back.

use std::net::IpAddr;
use std::time::Duration;

use deadpool_postgres::GenericClient;

use crate::error::{Error, Result};
use crate::{Directory, PersonId};

/// Tries are counted over this time.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Tries for one account (known or not) in that time.
const ACCOUNT: i64 = 10;
/// Tries from one address in that time: an association may share one.
const ADDRESS: i64 = 100;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A password.
    Password,
    /// A code of a second factor.
    SecondFactor,
    /// A one-time code.
    Ticket,
    /// A self-service reset that is asked for.
    Reset,
    /// An application password for the API.
    Api,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second-factor",
            Self::Ticket => "code",
            Self::Reset => "reset",
            Self::Api => "api",
        }
    }
}

/// A try that was counted.
#[must_use = "a right try is taken back"]
pub struct Tried {
    kind: Kind,
    account: Option<String>,
    ids: Vec<i64>,
}

/// Counts a try for `account` from `address`.
///
/// # Errors
/// [`Error::TooMany`] when there were too many for either; that one is not counted.
pub async fn count(
    directory: &Directory,
    kind: Kind,
    account: Option<&str>,
    address: IpAddr,
) -> Result<Tried> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let (subjects, account) = subjects(account, address);
    let mut ids = Vec::new();
    for (subject, most) in &subjects {
        let id = one(&transaction, kind, subject, *most).await.inspect_err(|error| {
            if matches!(error, Error::TooMany { .. }) {
                refused(address);
            }
        })?;
        ids.push(id);
    }
    transaction.execute("delete from attempt where at < now() - interval '1 day'", &[]).await?;
    transaction.commit().await?;
    Ok(Tried { kind, account, ids })
}

/// Who and where from: each subject with the tries that it has, and the account alone.
fn subjects(account: Option<&str>, address: IpAddr) -> (Vec<(String, i64)>, Option<String>) {
    let account = account.map(|account| format!("for {}", account.chars().take(64).collect::<String>()));
    let from = (format!("from {}", network(address)), ADDRESS);
    (std::iter::once(from).chain(account.clone().map(|account| (account, ACCOUNT))).collect(), account)
}

/// Is one more try looked at? Nothing is counted: for secrets that are too long to be guessed, where
/// wrong ones alone count, so that many right ones may come at a time.
///
/// # Errors
/// [`Error::TooMany`] when there were too many for either.
pub async fn room(directory: &Directory, kind: Kind, account: &str, address: IpAddr) -> Result<()> {
    let client = directory.client().await?;
    for (subject, most) in subjects(Some(account), address).0 {
        open(&client, kind, &subject, most).await.inspect_err(|error| {
            if matches!(error, Error::TooMany { .. }) {
                refused(address);
            }
        })?;
    }
    Ok(())
}

impl Tried {
    /// It was right: neither it nor earlier ones for the account count any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn was_right(self, directory: &Directory) -> Result<()> {
        let statement = "delete from attempt where id = any ($1) or kind = $2 and subject = $3";
        let client = directory.client().await?;
        client.execute(statement, &[&self.ids, &self.kind.name(), &self.account]).await?;
        Ok(())
    }
}

/// Forgets the tries for an account whose password was just chosen anew.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(directory: &Directory, kind: Kind, account: &str) -> Result<()> {
    let subject = format!("for {account}");
    let client = directory.client().await?;
    client.execute("delete from attempt where kind = $1 and subject = $2", &[&kind.name(), &subject]).await?;
    Ok(())
}

/// The account of a person, for counting.
pub fn account_of(person: PersonId) -> String {
    format!("#{person}")
}

/// The one line that a refused try writes to the journal: what watches the box for guessers
/// (overlays/directory/fail2ban) reads it. What was typed is not in it.
pub fn refused(address: IpAddr) {
    eprintln!("sign-in refused from {address}");
}

async fn one(client: &impl GenericClient, kind: Kind, subject: &str, most: i64) -> Result<i64> {
    // Those who try for the same subject wait for each other here.
    let lock = "select pg_advisory_xact_lock(hashtextextended($1 || $2, 0))";
    client.execute(lock, &[&kind.name(), &subject]).await?;
    open(client, kind, subject, most).await?;
    let insert = "insert into attempt (kind, subject) values ($1, $2) returning id";
    Ok(client.query_one(insert, &[&kind.name(), &subject]).await?.get(0))
}

/// Has the subject tries left?
async fn open(client: &impl GenericClient, kind: Kind, subject: &str, most: i64) -> Result<()> {
    let window = i64::try_from(WINDOW.as_secs()).unwrap_or(i64::MAX);
    let counted = "select count(*), coalesce(ceil(extract(epoch from min(at) + $3 * interval '1 second' - now())), 0)::bigint \
                   from attempt where kind = $1 and subject = $2 and at > now() - $3 * interval '1 second'";
    let row = client.query_one(counted, &[&kind.name(), &subject, &(window as f64)]).await?;
    let (count, wait): (i64, i64) = (row.get(0), row.get(1));
    if count >= most {
        let retry_after = Duration::from_secs(u64::try_from(wait).unwrap_or(1).max(1));
        return Err(Error::TooMany { retry_after });
    }
    Ok(())
}

/// Whose tries are counted together: one IPv4 address, or the /64 that one IPv6 subscriber has.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_ipv6_subscriber_is_one() {
        let network = |text: &str| super::network(text.parse().expect("an address"));
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
