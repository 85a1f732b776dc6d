//! What is published beside an image, and checking it.
//!
//! | module | subject |
//! |---|---|
//! | [`pack`] | the image compressed, in frames that can be read alone |
//! | [`bmap`] | the block map: what of the image is used, with sums |
//! | [`provenance`] | what it was made from, and by what |
//! | [`sums`] | the sums of all these files |
//! | [`key`] | the builder's key, which signs the sums; keys that are trusted |
//! | [`verify`] | checking all of it |

pub mod bmap;
pub mod key;
pub mod pack;
pub mod provenance;
pub mod sums;
pub mod verify;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use minisign::SecretKey;

use crate::digest::Digest;
use crate::flash::used;
use crate::image::beside::ImageManifest;
use crate::lock::Lock;
use bmap::Bmap;
use provenance::Subject;
use sums::Sums;

/// The files of one image: `images/pc.img`, `images/pc.img.zst`, `images/pc.lock` …
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Where they lie.
    pub folder: PathBuf,
    /// What all their names begin with.
    pub name: String,
}

/// Endings of what is signed for, besides the image in both forms.
const BESIDE: [&str; 5] = ["img.bmap", "lock", "spdx.json", "manifest.json", "intoto.json"];

impl Shelf {
    /// The files around an image file, `NAME.img` or `NAME.img.zst`; none for other names.
    pub fn of(image: &Path) -> Option<Self> {
        let file = image.file_name()?.to_str()?;
        let name = file.strip_suffix(".zst").unwrap_or(file).strip_suffix(".img")?;
        let folder = image.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(Self { folder: folder.unwrap_or(Path::new(".")).to_owned(), name: name.to_owned() })
    }

    /// `NAME.<ending>`.
    pub fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }

    fn read(&self, ending: &str) -> Result<String> {
        let path = self.file(ending);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    fn write(&self, ending: &str, text: &str) -> Result<()> {
        let path = self.file(ending);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// Writes all that a release of the built image `NAME.img` needs beside it, and signs it with
/// `key`. Gives the files, the image first.
///
/// # Errors
/// When a file of the build is missing, or one cannot be written.
pub fn publish(image: &Path, key: &SecretKey) -> Result<Vec<PathBuf>> {
    let Some(shelf) = Shelf::of(image) else {
        bail!("{} is no image: its name ends otherwise", image.display())
    };
    withdraw(image)?;
    let (raw, packed) = (shelf.file("img"), shelf.file("img.zst"));
    pack::pack(&raw, &packed)?;
    shelf.write("img.bmap", &map(&raw)?.render())?;
    shelf.write("intoto.json", &statement(&shelf, key)?)?;
    let endings = ["img.zst", "img"].into_iter().chain(BESIDE);
    let sums = Sums::of(&shelf.folder, endings.map(|ending| format!("{}.{ending}", shelf.name)))?.render();
    shelf.write("SHA256SUMS", &sums)?;
    let comment = format!("Mazet {} {}", env!("CARGO_PKG_VERSION"), shelf.name);
    shelf.write("SHA256SUMS.minisig", &key::sign(key, &sums, &comment)?)?;
    let beside = BESIDE.into_iter().chain(["SHA256SUMS", "SHA256SUMS.minisig"]);
    Ok(std::iter::once(packed).chain(beside.map(|ending| shelf.file(ending))).collect())
}

/// Deletes an older release of `image`, if there is one: its signature must not stand beside newer
/// files, not even for a moment.
///
/// # Errors
/// When a file cannot be deleted.
pub fn withdraw(image: &Path) -> Result<()> {
    let Some(shelf) = Shelf::of(image) else { return Ok(()) };
    for ending in ["SHA256SUMS.minisig", "SHA256SUMS", "img.zst", "img.bmap", "intoto.json"] {
        let path = shelf.file(ending);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("deleting {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The block map of an image file.
fn map(raw: &Path) -> Result<Bmap> {
    let doing = || format!("reading {}", raw.display());
    let open = || File::open(raw).with_context(doing);
    let size = fs::metadata(raw).with_context(doing)?.len();
    let used = used::used(&mut open()?, size).with_context(doing)?;
    Bmap::of(open()?, &used, size).with_context(doing)
}

fn statement(shelf: &Shelf, key: &SecretKey) -> Result<String> {
    let manifest: ImageManifest =
        serde_json::from_str(&shelf.read("manifest.json")?).context("reading the image's manifest")?;
    let lock = Lock::parse(&shelf.read("lock")?)?;
    let subject = |ending: &str| {
        let sha256 = Digest::of_file(&shelf.file(ending))?;
        Ok(Subject { name: format!("{}.{ending}", shelf.name), sha256 })
    };
    let subjects: Vec<Subject> = ["img", "img.zst"].into_iter().map(subject).collect::<Result<_>>()?;
    let builder = format!("urn:mazet:builder:minisign:{}", key::number(key.keynum()));
    Ok(provenance::statement(&subjects, &manifest, &lock, &builder))
}

#[cfg(test)]
mod tests;
