//! Search by name, and looking at a file again that somebody changed by hand.

use std::collections::BTreeMap;

use super::node::{self, Node};
use super::space::Space;
use super::view::{Entry, View};
use super::{Error, Result, Storage, bin, space, to_its_end};

impl View {
    /// At most `limit` files and folders whose names have all of these words, whatever their case and accents,
    /// those that changed last first. What is in the bin is not among them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search(&self, words: &str, limit: u32) -> Result<Vec<Entry>> {
        let patterns: Vec<String> = words.split_whitespace().map(pattern).collect();
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let spaces: Vec<i64> = self.mounts().iter().map(|mount| mount.space.id).collect();
        let statement = format!(
            "select {} from node where space_id = any($1) and parent_id is not null \
             and {PLAIN} like all ($2) \
             and not exists (with recursive up as (select node.id, node.parent_id \
                union all select above.id, above.parent_id from node above join up on above.id = up.parent_id) \
                select from up join space on space.bin_id = up.id) \
             order by modified desc, id limit $3",
            node::COLUMNS
        );
        let client = self.storage.files().await?;
        let statement = client.prepare_cached(&statement).await?;
        let rows = client.query(&statement, &[&spaces, &patterns, &i64::from(limit)]).await?;
        let mut entries = Vec::new();
        let mut folders: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for node in rows.iter().map(node::node) {
            let (Some(parent), Some(mount)) = (node.parent, self.mount_of(node.space)) else { continue };
            if let std::collections::btree_map::Entry::Vacant(vacant) = folders.entry(parent) {
                let Some((_, names)) = bin::names_of(&client, parent).await? else { continue };
                vacant.insert(names);
            }
            entries.push(self.entry(mount, &self.path_of(mount, &folders[&parent]), &node));
        }
        Ok(entries)
    }
}

/// A name as it is compared: small letters without accents, as [`pattern`] has them.
const PLAIN: &str = "replace(replace(lower(regexp_replace(normalize(name, NFD), '[\\u0300-\\u036f]', '', 'g')), 'œ', 'oe'), 'æ', 'ae')";

/// A pattern of LIKE that finds a word.
fn pattern(word: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let word: String = word.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
    let word = word.to_lowercase().replace('œ', "oe").replace('æ', "ae");
    format!("%{}%", word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

impl Storage {
    /// A file is not as the database knows it: somebody changed or removed it by hand. The row follows.
    pub(crate) async fn see_again(&self, space: &Space, node: Node, parts: Vec<String>) -> Result<()> {
        let (storage, space) = (self.clone(), space.clone());
        to_its_end(async move {
            let mut client = storage.files().await?;
            let transaction = client.transaction().await?;
            space::lock(&transaction, &[space.id]).await?;
            let now = node::get(&transaction, node.id).await?;
            // Written anew, moved or removed meanwhile: there is nothing to put right.
            if now.as_ref() != Some(&node) {
                return Ok(());
            }
            let names = space.names(&parts);
            let facts = storage.on_disk(move |disk| disk.facts(&names)).await;
            let after = match facts {
                Ok(facts) if !facts.is_folder => {
                    node::overwrite(&transaction, node.id, facts).await?;
                    facts.size
                }
                Ok(_) | Err(Error::NotFound) => {
                    transaction.execute("delete from node where id = $1", &[&node.id]).await?;
                    0
                }
                Err(error) => return Err(error),
            };
            if let Some(parent) = node.parent {
                node::touch(&transaction, parent, after - node.size).await?;
            }
            transaction.commit().await?;
            storage.inner.known.forget();
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_word_is_no_pattern_of_its_own() {
        assert_eq!(super::pattern("50%_É\\"), "%50\\%\\_e\\\\%");
    }
}
