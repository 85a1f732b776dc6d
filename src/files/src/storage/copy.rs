//! Copies. On a file system that can, the bytes are shared.

use std::sync::Arc;

use super::view::{Entry, View};
use super::{Error, Result, node};

impl View {
    /// Copies a file, or a folder with all that is in it. What has the new name is replaced where
    /// `overwrite` says so: a file by a file, anything else goes to the bin.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`], [`Error::NoFolder`], [`Error::Denied`], [`Error::Loop`],
    /// [`Error::NoSpace`], [`Error::Locked`].
    pub async fn copy_to(&self, from: &str, to: &str, overwrite: bool) -> Result<Entry> {
        let source = self.stat(from).await?;
        let (from, to) = (self.spot(from)?, self.spot(to)?);
        let client = self.storage.files().await?;
        let target = self.target(&client, &to).await?;
        let folder = target.folder.last().id;
        if source.is_folder && node::is_within(&client, folder, source.id).await? {
            return Err(Error::Loop);
        }
        drop(client);
        let new = self.path_of(&to.mount, &to.parts);
        let taken = target.taken.as_ref();
        if taken.is_some_and(|taken| taken.id == source.id) {
            return Err(Error::Exists);
        }
        if taken.is_some() && !overwrite {
            return Err(Error::Exists);
        }
        // All of it must fit, before the first of it is there.
        drop(self.storage.reserve(&to.mount.space, source.size).await?);
        if taken.is_some_and(|taken| taken.is_folder || source.is_folder) {
            self.delete(&new).await?;
        }
        self.copied(self.path_of(&from.mount, &from.parts), new).await
    }

    /// Copies to where nothing is, or a file over a file.
    async fn copied(&self, from: String, to: String) -> Result<Entry> {
        let mut folders = vec![(from.clone(), to.clone())];
        let source = self.stat(&from).await?;
        if !source.is_folder {
            return self.copy_file(&from, &to).await;
        }
        while let Some((from, to)) = folders.pop() {
            let made = self.create_folder(&to).await?;
            self.copy_folder_properties(&from, made.id).await?;
            for entry in self.list(&from).await? {
                let new = format!("{to}/{}", entry.name);
                if entry.is_folder {
                    folders.push((entry.path, new));
                } else {
                    self.copy_file(&entry.path, &new).await?;
                }
            }
        }
        self.stat(&to).await
    }

    /// Copies one file.
    pub(crate) async fn copy_file(&self, from: &str, to: &str) -> Result<Entry> {
        let (file, entry) = self.open(from).await?;
        let mut copy = self.begin(to, Some(entry.size)).await?.like(entry.id);
        copy.append(Arc::new(file), 0, entry.size).await?;
        copy.finish(Some(entry.modified)).await
    }

    async fn copy_folder_properties(&self, from: &str, to: i64) -> Result<()> {
        let from = self.stat(from).await?.id;
        let mut client = self.storage.files().await?;
        let transaction = client.transaction().await?;
        super::incoming::copy_properties(&transaction, from, to).await?;
        transaction.commit().await?;
        Ok(())
    }
}
