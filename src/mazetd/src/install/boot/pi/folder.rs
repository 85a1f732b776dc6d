//! `system-a` and `system-b`: what the firmware starts the installed system from.
//!
//! Each holds kernel, initrd, command line and device trees. One is current; the other one is
//! written when something changes, and `config.txt` then names it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mazet_model::firmware::device_trees;
use mazet_model::image::FIRMWARE_DIR;

use crate::files;
use crate::install::copy::{FileDigest, copy, files_below};

/// The two folders, on the FAT.
pub const NAMES: [&str; 2] = ["system-a", "system-b"];
/// Folder of overlays for device trees.
const OVERLAYS: &str = "overlays";
/// The command line's file.
const CMDLINE: &str = "cmdline.txt";
/// Room left on the FAT besides what is written.
const MARGIN: u64 = 1 << 20;
/// Bytes compared at a time.
const CHUNK: usize = 1 << 20;

/// The folder that `current` is not.
pub fn spare(current: Option<&str>) -> &'static str {
    if current == Some(NAMES[0]) { NAMES[1] } else { NAMES[0] }
}

/// What a root tree is started with.
#[derive(Debug)]
pub struct Sources {
    /// The kernel's release.
    pub kernel: String,
    /// Files by their path in the folder.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Sources {
    /// Those of the tree at `root`: `/vmlinuz` and `/initrd.img`, the device trees of that kernel, the
    /// overlays of the Pi's firmware.
    ///
    /// # Errors
    /// When one is missing.
    pub fn of(root: &Path) -> Result<Self> {
        let link = root.join("vmlinuz");
        let target = fs::read_link(&link).with_context(|| format!("reading the link {}", link.display()))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let Some(kernel) = name.strip_prefix("vmlinuz-") else {
            bail!("{} points at {}, which names no kernel release", link.display(), target.display());
        };
        let trees = device_trees(kernel).map(|folder| root.join(folder).join("broadcom"));
        let trees = trees.iter().find(|folder| folder.is_dir()).unwrap_or(&trees[0]);
        let mut files =
            vec![(PathBuf::from("vmlinuz"), link.clone()), ("initrd.img".into(), root.join("initrd.img"))];
        for (path, source) in
            below(trees).with_context(|| format!("looking for the device trees of kernel {kernel}"))?
        {
            let name = path.to_string_lossy();
            if name.contains("-rpi-") && name.ends_with(".dtb") {
                files.push((path, source));
            }
        }
        files.extend(overlays(root)?);
        Ok(Self { kernel: kernel.to_owned(), files })
    }

    fn bytes(&self) -> Result<u64> {
        let size =
            |source: &PathBuf| fs::metadata(source).with_context(|| format!("reading {}", source.display()));
        self.files.iter().map(|(_, source)| Ok(size(source)?.len())).sum()
    }
}

/// The overlays for device trees: Debian's, and our own with the README that makes the firmware look
/// for them in the folder that it starts from.
fn overlays(root: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let own = root.join(FIRMWARE_DIR.trim_start_matches('/'));
    let mut files = Vec::new();
    for folder in [root.join("usr/lib/raspi-firmware").join(OVERLAYS), own.clone(), own.join(OVERLAYS)] {
        if folder.is_dir() {
            files.extend(below(&folder)?);
        }
    }
    let is_for_firmware = |path: &Path| {
        path == Path::new("README")
            || path.parent() == Some(Path::new("")) && path.extension().is_some_and(|end| end == "dtbo")
    };
    files.retain(|(path, _)| is_for_firmware(path));
    Ok(files.into_iter().map(|(path, source)| (Path::new(OVERLAYS).join(path), source)).collect())
}

fn below(folder: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    Ok(files_below(folder)?.into_iter().map(|(path, _)| (path.clone(), folder.join(path))).collect())
}

/// Fills the folder `name` of the FAT at `fat` anew, with the command line `line`; what it held goes
/// first, for the room. Returns what was written, by path on the FAT.
///
/// # Errors
/// When the FAT is too small, or a file cannot be read or written.
pub fn write(fat: &Path, name: &str, sources: &Sources, line: &str) -> Result<Vec<(PathBuf, FileDigest)>> {
    let folder = fat.join(name);
    remove(&folder)?;
    check_room(fat, sources.bytes()?)?;
    let mut written = Vec::new();
    for (path, source) in &sources.files {
        let digest = copy(source, &folder.join(path), &mut |_| ())?;
        written.push((Path::new(name).join(path), digest));
    }
    files::write_atomically(&folder.join(CMDLINE), line.as_bytes(), 0o644, None)?;
    files::sync_folder(fat)?;
    Ok(written)
}

/// Does the folder `name` of the FAT at `fat` hold these files and this command line?
pub fn is_same(fat: &Path, name: &str, sources: &Sources, line: &str) -> bool {
    let folder = fat.join(name);
    let same_line = fs::read_to_string(folder.join(CMDLINE)).is_ok_and(|kept| kept == line);
    same_line && sources.files.iter().all(|(path, source)| equal(source, &folder.join(path)).unwrap_or(false))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn check_room(fat: &Path, bytes: u64) -> Result<()> {
    let stat = rustix::fs::statvfs(fat).with_context(|| format!("looking for room on {}", fat.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let needed = bytes + MARGIN;
    if free < needed {
        bail!(
            "{} has {} MB free and the kernel needs {} MB: {} MB are missing; remove what was put there by hand",
            fat.display(),
            free / 1_000_000,
            needed.div_ceil(1_000_000),
            (needed - free).div_ceil(1_000_000)
        );
    }
    Ok(())
}

/// Do two files hold the same bytes?
fn equal(one: &Path, other: &Path) -> std::io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let length = one.read(&mut left)?;
        if length == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..length])?;
        if left[..length] != right[..length] {
            return Ok(false);
        }
    }
}
