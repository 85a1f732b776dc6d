//! Was the program cut short? A row says that it runs; still there at the next start, it was.

use super::{Result, Storage, scan::Scanned};

impl Storage {
    /// At the start: removes what was on its way, and looks at the disk where the program was cut short.
    ///
    /// # Errors
    /// When the database or the disk does not do what it should.
    pub async fn start(&self) -> Result<Option<Scanned>> {
        self.on_disk(|disk| disk.clear_incoming()).await?;
        let client = self.files().await?;
        let first = "insert into running default values on conflict do nothing";
        let clean = client.execute(first, &[]).await? == 1;
        drop(client);
        if clean { Ok(None) } else { self.scan().await.map(Some) }
    }

    /// At the end: all is written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stop(&self) -> Result<()> {
        self.files().await?.execute("delete from running", &[]).await?;
        Ok(())
    }
}
