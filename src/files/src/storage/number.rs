//! Files and folders by their numbers, which stay wherever they go.

use super::view::{Entry, Spot, View};
use super::{Error, Result, bin, node};

impl View {
    /// The file or folder with that number, where this view sees it; not in a bin.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn by_id(&self, id: i64) -> Result<Entry> {
        let client = self.storage.files().await?;
        let (root, names) = bin::names_of(&client, id).await?.ok_or(Error::NotFound)?;
        let mount = self.mounts().iter().find(|mount| mount.space.files == root).ok_or(Error::NotFound)?;
        let spot = Spot { mount: mount.clone(), parts: names };
        let found = self.found(&client, &spot).await?;
        if found.last().id != id {
            return Err(Error::NotFound);
        }
        Ok(self.entry(mount, &self.folder_of(&spot, &found), found.last()))
    }

    /// Is one the other, or somewhere in it?
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_within(&self, id: i64, above: i64) -> Result<bool> {
        let client = self.storage.files().await?;
        node::is_within(&client, id, above).await
    }
}
