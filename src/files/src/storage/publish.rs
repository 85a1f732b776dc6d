//! A folder of an association's files that becomes a web site: made where it is not there yet, with a first page in
//! it. It is made as if a member had made it, so that whoever looks there finds it at once.

use super::{Error, Result, Storage, path};

impl Storage {
    /// Makes the folder at `path` among the files of the association with that number, with those above it, and puts
    /// the page `content` into it as `name`. A folder that is there stays as it is. Says whether it was made.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such association; [`Error::Kind`] where a file has the name;
    /// [`Error::NoFolder`] where one has the name of a folder above; [`Error::BadName`], [`Error::NoSpace`].
    pub async fn publish(
        &self,
        organisation: i64,
        path: &str,
        (name, content): (&str, &[u8]),
    ) -> Result<bool> {
        let parts = path::parts(path)?;
        let view = self.view_of_organisation(organisation).await?;
        match view.stat(path).await {
            Ok(entry) if entry.is_folder => return Ok(false),
            Ok(_) => return Err(Error::Kind),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        for depth in 1..=parts.len() {
            match view.create_folder(&parts[..depth].join("/")).await {
                Ok(_) | Err(Error::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        let mut page = view.begin(&format!("{path}/{name}"), u64::try_from(content.len()).ok()).await?;
        page.write(content).await?;
        page.finish(None).await?;
        Ok(true)
    }
}
