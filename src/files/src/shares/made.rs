//! What makers do with their links: make them, look at them, change them, take them back.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use super::{ALIVE, COLUMNS, Change, Share, Shares, Wish, hash, keyed, share};
use crate::storage::{Entry, Error, Result, View};

/// Bytes of a token: 160 bits.
const TOKEN: usize = 20;
/// Bytes of the random number that it is made from.
const SEED: usize = 16;
/// Longest text that says what a link is for, in characters.
const LABEL: usize = 200;

fn cut(label: &str) -> String {
    label.chars().take(LABEL).collect()
}

impl Shares {
    /// Makes a link to what is at `path`, but for the whole of somebody's files. Gives its token, too.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    pub async fn make(&self, view: &View, path: &str, wish: Wish) -> Result<(Share, String)> {
        let entry = view.stat(path).await?;
        if entry.path.is_empty() {
            return Err(Error::Denied);
        }
        let mut seed = [0; SEED];
        getrandom::fill(&mut seed).map_err(|error| Error::Internal(error.to_string()))?;
        let token = self.token_of(&seed);
        let password = self.hashed(wish.password).await?;
        let most = wish.most.and_then(|most| i32::try_from(most).ok());
        let insert = format!(
            "insert into share (sha256, node_id, name, password, expires_at, max_downloads, created_by, seed) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) returning {COLUMNS}"
        );
        let (sha256, label, seed) = (hash(&token), cut(&wish.label), seed.as_slice());
        let client = self.storage.files().await?;
        let row = client
            .query_one(
                &insert,
                &[&sha256, &entry.id, &label, &password, &wish.expires_at, &most, &view.login(), &seed],
            )
            .await?;
        Ok((share(&row), token))
    }

    fn token_of(&self, seed: &[u8]) -> String {
        let mut mac = keyed(&self.tokens);
        mac.update(seed);
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..TOKEN])
    }

    /// The token of a link, for its maker; none: it was made before tokens could be told again.
    pub fn token(&self, share: &Share) -> Option<String> {
        share.seed.as_deref().map(|seed| self.token_of(seed))
    }

    async fn hashed(&self, password: String) -> Result<Option<String>> {
        if password.is_empty() {
            return Ok(None);
        }
        let _seat = self.seats.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        let hashed = tokio::task::spawn_blocking(move || mazet_directory::password::hash(&password)).await;
        let hashed = hashed.map_err(|error| Error::Internal(error.to_string()))?;
        hashed.map(Some).map_err(|_| Error::Internal("hashing a link's password failed".to_owned()))
    }

    /// Somebody's links, the latest first, each with what it opens; none: it is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn mine(&self, view: &View) -> Result<Vec<(Share, Option<Entry>)>> {
        let statement =
            format!("select {COLUMNS} from share where created_by = $1 order by created_at desc, id desc");
        let client = self.storage.files().await?;
        let rows = client.query(&statement, &[&view.login()]).await?;
        drop(client);
        let mut mine = Vec::new();
        for share in rows.iter().map(share) {
            let entry = match view.by_id(share.node).await {
                Ok(entry) => Some(entry),
                Err(Error::NotFound) => None,
                Err(error) => return Err(error),
            };
            mine.push((share, entry));
        }
        Ok(mine)
    }

    /// Somebody's links to these, the first first, which still lead there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn to(&self, view: &View, entries: &[Entry]) -> Result<Vec<(Share, Entry)>> {
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        let statement = format!(
            "select {COLUMNS} from share where created_by = $1 and node_id = any($2) and {ALIVE} order by id"
        );
        let rows = self.storage.files().await?.query(&statement, &[&view.login(), &ids]).await?;
        let with = |share: Share| {
            let entry = entries.iter().find(|entry| entry.id == share.node)?;
            Some((share, entry.clone()))
        };
        Ok(rows.iter().map(share).filter_map(with).collect())
    }

    /// Numbers of the files and folders to which somebody's links lead.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn linked(&self, view: &View) -> Result<BTreeSet<i64>> {
        let client = self.storage.files().await?;
        let statement = format!("select node_id from share where created_by = $1 and {ALIVE}");
        let rows = client.query(&client.prepare_cached(&statement).await?, &[&view.login()]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// One's own link, which still leads to what is given with it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn one(&self, view: &View, id: i64) -> Result<(Share, Entry)> {
        let statement = format!("select {COLUMNS} from share where id = $1 and created_by = $2 and {ALIVE}");
        let row = self.storage.files().await?.query_opt(&statement, &[&id, &view.login()]).await?;
        let share = row.as_ref().map(share).ok_or(Error::NotFound)?;
        let entry = view.by_id(share.node).await?;
        Ok((share, entry))
    }

    /// Makes one's own link another.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn change(&self, view: &View, id: i64, change: Change) -> Result<()> {
        let label = change.label.as_deref().map(cut);
        let (ends, end) = (change.expires_at.is_some(), change.expires_at.flatten());
        let locks = change.password.is_some();
        let password = self.hashed(change.password.unwrap_or_default()).await?;
        let update = format!(
            "update share set name = coalesce($3, name), \
             expires_at = case when $4 then $5 else expires_at end, \
             password = case when $6 then $7 else password end \
             where id = $1 and created_by = $2 and {ALIVE}"
        );
        let client = self.storage.files().await?;
        let changed =
            client.execute(&update, &[&id, &view.login(), &label, &ends, &end, &locks, &password]).await?;
        if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Takes one's own link back: from now on it leads nowhere.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn take_back(&self, view: &View, id: i64) -> Result<()> {
        let client = self.storage.files().await?;
        let gone = client
            .execute("delete from share where id = $1 and created_by = $2", &[&id, &view.login()])
            .await?;
        if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
    }
}
