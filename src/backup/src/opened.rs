//! Places, reached: a disk is mounted while it is needed, and nobody else sees it (the unit has mounts of its own).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mazet_host::files;
use mazet_host::run::said;
use rustix::fs::statvfs;

use crate::fault::{Fault, Why};
use crate::places::Places;
use crate::restic::{Keys, Repository};
use crate::state::Room;
use crate::target::Place;
use crate::tools::{Program, Tools};

/// What runs from a backup's disk is none of ours.
const OPTIONS: &str = "nosuid,nodev,noexec,noatime";
/// Names of file systems, each a link to its device.
pub const BY_UUID: &str = "/dev/disk/by-uuid";

/// A place that is reached.
pub struct Opened<'t> {
    /// Its repository.
    pub repository: Repository<'t>,
    disk: Option<Mounted<'t>>,
    /// Folder of this machine that it is in.
    folder: Option<PathBuf>,
}

impl<'t> Opened<'t> {
    /// Reaches `place`.
    ///
    /// # Errors
    /// [`Fault`]: why not.
    pub fn reach(tools: &'t Tools, place: &Place, keys: &Keys, run: &Path) -> Result<Self> {
        let disk = match place {
            Place::Usb { uuid, .. } => {
                place.check().map_err(|error| Fault { why: Why::Described, said: error.to_string() })?;
                Some(Mounted::new(tools, uuid, &run.join("disk"))?)
            }
            _ => None,
        };
        let folder = match (place, &disk) {
            (Place::Usb { folder, .. }, Some(disk)) => Some(repository(disk.path.join(folder))?),
            (Place::Folder { path }, _) => Some(path.clone()),
            _ => None,
        };
        let repository = Repository::at(tools, place, keys, folder.as_deref())?;
        Ok(Self { repository, disk, folder })
    }

    /// The same for a place of the box's own list: what an interrupted backup left there is removed.
    ///
    /// # Errors
    /// [`Fault`]: why not.
    pub fn of_box(tools: &'t Tools, place: &Place, places: &Places) -> Result<Self> {
        let opened = Self::reach(tools, place, &places.keys(), &places.run)?;
        opened.repository.open_or_make()?;
        opened.repository.unlock()?;
        Ok(opened)
    }

    /// Room there, where it can be told.
    pub fn room(&self) -> Option<Room> {
        let stat = statvfs(self.folder.as_ref()?).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Some(Room { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
    }

    /// All that was written is on the disk, and it can be unplugged.
    ///
    /// # Errors
    /// When it cannot be written out.
    pub fn close(mut self) -> Result<()> {
        self.disk.take().map_or(Ok(()), Mounted::close)
    }
}

/// The folder itself, or the only one in it that backups are in: whoever restores may not know how the box was called.
fn repository(folder: PathBuf) -> Result<PathBuf> {
    let is_one = |folder: &Path| folder.join("config").is_file();
    if is_one(&folder) {
        return Ok(folder);
    }
    let inside = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = inside.filter(|path| is_one(path)).collect();
    match found.len() {
        0 => Ok(folder),
        1 => Ok(found.remove(0)),
        _ => {
            let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
            let said = format!("several boxes back up to it, say which: {names:?}");
            Err(Fault { why: Why::Described, said }.into())
        }
    }
}

struct Mounted<'t> {
    tools: &'t Tools,
    path: PathBuf,
    open: bool,
}

impl<'t> Mounted<'t> {
    fn new(tools: &'t Tools, uuid: &str, path: &Path) -> Result<Self> {
        if fs::metadata(Path::new(BY_UUID).join(uuid)).is_err() {
            return Err(Fault { why: Why::Absent, said: String::new() }.into());
        }
        files::make_folder(path, 0o700)?;
        let mut command = tools.command(Program::Mount);
        command.args(["--options", OPTIONS, "--uuid", uuid]).arg(path);
        said(&mut command, "mounting the disk")?;
        Ok(Self { tools, path: path.to_owned(), open: true })
    }

    fn close(mut self) -> Result<()> {
        self.open = false;
        let mut command = self.tools.command(Program::Umount);
        said(command.arg(&self.path), "writing the disk out").map(drop)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if self.open {
            let mut command = self.tools.command(Program::Umount);
            let unmounted = said(command.arg("--lazy").arg(&self.path), "writing the disk out");
            if let Err(error) = unmounted.context("after a failure") {
                eprintln!("<4>{error:#}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_box_of_a_disk_needs_no_name() {
        let disk = tempfile::tempdir().expect("a folder");
        let folder = disk.path().join("mazet-backup");
        let is = |one: &Result<PathBuf>, path: &Path| one.as_ref().is_ok_and(|found| found == path);
        assert!(is(&repository(folder.clone()), &folder), "a new one is made there");
        let at = |name: &str| {
            fs::create_dir_all(folder.join(name)).expect("made");
            fs::write(folder.join(name).join("config"), "x").expect("written");
            folder.join(name)
        };
        let first = at("mazet");
        assert!(is(&repository(folder.clone()), &first) && is(&repository(first.clone()), &first));
        at("cabanon");
        let error = repository(folder.clone()).expect_err("two").to_string();
        assert!(error.contains("mazet") && error.contains("cabanon"), "{error}");
    }
}
