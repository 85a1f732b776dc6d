//! What clients say of files and folders ("dead properties", RFC 4918 § 4).

use std::collections::BTreeMap;

use super::view::View;
use super::{Error, Full, Result};

/// Most of them that a file or folder may have: they count in no quota.
const MOST: i64 = 100;

/// A property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The whole element, as XML.
    pub xml: String,
}

impl View {
    /// The properties of these files and folders, by number.
    pub(crate) async fn properties(&self, ids: &[i64]) -> Result<BTreeMap<i64, Vec<Property>>> {
        let client = self.storage.files().await?;
        let statement =
            "select node_id, namespace, name, xml from property where node_id = any($1) order by 1, 2, 3";
        let rows = client.query(&client.prepare_cached(statement).await?, &[&ids]).await?;
        let mut all: BTreeMap<i64, Vec<Property>> = BTreeMap::new();
        for row in rows {
            let property = Property { namespace: row.get(1), name: row.get(2), xml: row.get(3) };
            all.entry(row.get(0)).or_default().push(property);
        }
        Ok(all)
    }

    /// Sets properties, and removes others, all or none. `None`: removed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`]; [`Error::NoSpace`] when there are too many.
    pub(crate) async fn set_properties(
        &self,
        path: &str,
        changes: Vec<(String, String, Option<String>)>,
    ) -> Result<()> {
        let entry = self.stat(path).await?;
        if !entry.writable {
            return Err(Error::Denied);
        }
        let mut client = self.storage.files().await?;
        let transaction = client.transaction().await?;
        let set = "insert into property (node_id, namespace, name, xml) values ($1, $2, $3, $4) \
                   on conflict (node_id, namespace, name) do update set xml = excluded.xml";
        let remove = "delete from property where node_id = $1 and namespace = $2 and name = $3";
        for (namespace, name, xml) in changes {
            match xml {
                Some(xml) => transaction.execute(set, &[&entry.id, &namespace, &name, &xml]).await?,
                None => transaction.execute(remove, &[&entry.id, &namespace, &name]).await?,
            };
        }
        let count = "select count(*) from property where node_id = $1";
        if transaction.query_one(count, &[&entry.id]).await?.get::<_, i64>(0) > MOST {
            return Err(Error::NoSpace(Full::Quota));
        }
        transaction.commit().await?;
        Ok(())
    }
}
