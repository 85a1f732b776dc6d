//! Mounts that go away by themselves.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::layout::{Target, TargetDisk};
use crate::files;
use crate::medium::{self, Writable};

/// Everything of an installation is mounted below this folder.
const FOLDER: &str = "/run/mazet/install";
/// How the box's file system compresses, as its fstab says.
const COMPRESSION: &str = "compress=zstd";

/// A mount point; unmounted when dropped.
#[derive(Debug)]
pub struct Mounted {
    path: PathBuf,
    open: bool,
}

impl Mounted {
    /// Mounts `source` on the folder `name` of the installation.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn new(source: &Path, name: &str, kind: &str, flags: MountFlags, options: &str) -> Result<Self> {
        let path = Path::new(FOLDER).join(name);
        if !path.is_dir() {
            files::make_folder(&path, 0o755)?;
        }
        let data = CString::new(options).context("mount options hold no zero byte")?;
        mount(source, &path, kind, flags, data.as_c_str()).with_context(|| {
            format!("mounting {} ({kind}, {options}) on {}", source.display(), path.display())
        })?;
        Ok(Self { path, open: true })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Unmounts it; all that was written is on the disk then.
    ///
    /// # Errors
    /// When it is in use, or the disk failed.
    pub fn unmount(mut self) -> Result<()> {
        self.open = false;
        unmount(&self.path, UnmountFlags::empty())
            .with_context(|| format!("unmounting {}", self.path.display()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.open {
            // After a failure: the next run must find the disk free, whoever still looks at it.
            let _ = unmount(&self.path, UnmountFlags::DETACH);
        }
    }
}

/// A FAT of the new box.
#[derive(Debug)]
enum Fat {
    /// Mounted for the installation.
    Own(Mounted),
    /// The live medium itself, to be written; the kernel mounts no file system both ways.
    Medium(Writable),
    /// The live medium itself, to be read.
    MediumToRead,
}

impl Fat {
    fn open(disk: &TargetDisk, number: usize, flags: MountFlags) -> Result<Self> {
        let options = "utf8,fmask=0022,dmask=0022";
        match (disk.medium, flags.contains(MountFlags::RDONLY)) {
            (false, _) => {
                Mounted::new(&disk.fat, &format!("fat{number}"), "vfat", flags, options).map(Self::Own)
            }
            (true, false) => Writable::open(Path::new(medium::PATH)).map(Self::Medium),
            (true, true) => Ok(Self::MediumToRead),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Own(mounted) => mounted.path(),
            Self::Medium(_) | Self::MediumToRead => Path::new(medium::PATH),
        }
    }

    fn close(self) -> Result<()> {
        match self {
            Self::Own(mounted) => mounted.unmount(),
            Self::Medium(writable) => writable.close(),
            Self::MediumToRead => Ok(()),
        }
    }
}

/// The new box's file systems.
#[derive(Debug)]
pub struct Mounts {
    // Fields drop in order: what is mounted inside another goes first.
    data: Mounted,
    root: Mounted,
    fats: Vec<Fat>,
}

impl Mounts {
    /// Root of the new box, its data mounted on `srv`.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Roots of the FATs, in the order of the target's disks.
    pub fn fats(&self) -> impl Iterator<Item = &Path> {
        self.fats.iter().map(Fat::path)
    }

    /// Unmounts everything.
    ///
    /// # Errors
    /// When something is in use or cannot be written out.
    pub fn close(self) -> Result<()> {
        self.data.unmount()?;
        self.root.unmount()?;
        self.fats.into_iter().try_for_each(Fat::close)
    }
}

/// Mounts the whole btrfs of `target`.
///
/// # Errors
/// When the kernel refuses.
pub fn mount_top(target: &Target) -> Result<Mounted> {
    Mounted::new(btrfs(target)?, "top", "btrfs", MountFlags::NOATIME, &options(target, "/"))
}

/// Mounts the data of `target` to be read only.
///
/// # Errors
/// When the kernel refuses: a disk of a mirror is missing, there is no data.
pub fn mount_data(target: &Target) -> Result<Mounted> {
    Mounted::new(btrfs(target)?, "known", "btrfs", MountFlags::RDONLY, &options(target, "data"))
}

/// Mounts everything of `target` to be written: the data on `srv`, made where it is missing.
///
/// # Errors
/// When the kernel refuses.
pub fn mount_target(target: &Target) -> Result<Mounts> {
    mount_all(target, MountFlags::NOATIME)
}

/// Mounts everything of `target` to be read only.
///
/// # Errors
/// When the kernel refuses.
pub fn mount_read_only(target: &Target) -> Result<Mounts> {
    mount_all(target, MountFlags::RDONLY)
}

fn mount_all(target: &Target, flags: MountFlags) -> Result<Mounts> {
    let device = btrfs(target)?;
    let root = Mounted::new(device, "root", "btrfs", flags, &options(target, "root"))?;
    let data = Mounted::new(device, "root/srv", "btrfs", flags, &options(target, "data"))?;
    let mut fats = Vec::new();
    for (number, disk) in target.disks.iter().enumerate() {
        fats.push(Fat::open(disk, number, flags)?);
    }
    Ok(Mounts { data, root, fats })
}

fn btrfs(target: &Target) -> Result<&Path> {
    Ok(&target.disks.first().context("an installation needs a disk")?.data)
}

/// Every device is named: nothing depends on udev having seen all of a mirror.
fn options(target: &Target, subvolume: &str) -> String {
    let devices: String =
        target.disks.iter().map(|disk| format!(",device={}", disk.data.display())).collect();
    format!("subvol={subvolume},{COMPRESSION}{devices}")
}
