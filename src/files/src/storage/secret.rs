//! A secret that lies beside the files, so that what the database holds is worth nothing alone.

use std::io::{self, Read as _, Write as _};

use super::disk::{Disk, incoming};
use super::{Result, Storage};

/// Its bytes.
const LENGTH: usize = 32;

impl Storage {
    /// The secret of that name: made when it is first asked for, the same ever after.
    ///
    /// # Errors
    /// When the disk or the kernel's random numbers fail, or the file is no secret.
    pub(crate) fn secret(&self, name: &str) -> Result<[u8; LENGTH]> {
        let disk = &self.inner.disk;
        let secret = match read(disk, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(disk, name)?,
            found => found?,
        };
        Ok(secret)
    }
}

fn read(disk: &Disk, name: &str) -> io::Result<[u8; LENGTH]> {
    let mut secret = [0; LENGTH];
    disk.file(&[name.to_owned()])?.read_exact(&mut secret)?;
    Ok(secret)
}

/// It has its name when it is whole.
fn make(disk: &Disk, name: &str) -> io::Result<[u8; LENGTH]> {
    let mut secret = [0; LENGTH];
    getrandom::fill(&mut secret)?;
    let mut temporary = disk.temporary()?;
    temporary.file.write_all(&secret)?;
    temporary.file.sync_all()?;
    disk.rename(&incoming(&temporary.name), &[name.to_owned()])?;
    disk.flush(&[])?;
    Ok(secret)
}
