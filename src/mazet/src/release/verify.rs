//! Is an image what its builder signed?

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use minisign::PublicKey;

use super::bmap::Bmap;
use super::sums::Sums;
use super::{Shelf, key};
use crate::digest::Digest;
use crate::flash::source::{Checked, ImageFile, Source as _};

/// What can be said of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One of the trusted keys signed it; what the signer said of it.
    Signed(String),
    /// Nobody signed it: built here, or not from a builder who releases.
    Unsigned,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The image file and its block map: what is written to sticks.
    Image,
    /// Every file of the release that is there, and the unpacked image against its block map.
    Everything,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose image it is.
    pub trust: Trust,
    /// Files whose sums are right.
    pub files: Vec<PathBuf>,
    /// The block map beside the image.
    pub map: Option<Bmap>,
}

/// Checks an image against what stands beside it and the keys that are trusted.
///
/// # Errors
/// When a signature or a sum does not fit, the signer is not trusted, or a file that belongs to it
/// cannot be read.
pub fn verify(image: &Path, keys: &[PublicKey], extent: Extent) -> Result<Verified> {
    let shelf = Shelf::of(image).filter(|shelf| shelf.file("SHA256SUMS.minisig").exists());
    let Some(shelf) = shelf else { return unsigned(image) };
    let text = shelf.read("SHA256SUMS")?;
    let signature = shelf.file("SHA256SUMS.minisig");
    let comment = key::check(keys, &text, &shelf.read("SHA256SUMS.minisig")?)
        .with_context(|| format!("checking the signature {}", signature.display()))?;
    let sums =
        Sums::parse(&text).with_context(|| format!("reading {}", shelf.file("SHA256SUMS").display()))?;
    let map_name = format!("{}.img.bmap", shelf.name);
    let image_name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if sums.get(&image_name).is_none() {
        bail!("{} is signed, and does not name {image_name}", shelf.file("SHA256SUMS").display());
    }
    let mut files = Vec::new();
    for (name, sum) in sums.iter() {
        let path = shelf.folder.join(name);
        let is_needed = *name == image_name || *name == map_name;
        if is_needed || (extent == Extent::Everything && path.exists()) {
            compare(&path, *sum)?;
            files.push(path);
        }
    }
    let map = sums.get(&map_name).map(|_| read_map(&shelf)).transpose()?;
    if let (Extent::Everything, Some(map)) = (extent, &map) {
        check_blocks(image, map)?;
    }
    Ok(Verified { trust: Trust::Signed(comment), files, map })
}

/// An image that nobody signed: its plain sum is looked at, against damage alone.
fn unsigned(image: &Path) -> Result<Verified> {
    let mut files = Vec::new();
    let beside = image.with_extension("img.sha256");
    if image.extension().is_some_and(|end| end == "img") && beside.exists() {
        let text = fs::read_to_string(&beside).with_context(|| format!("reading {}", beside.display()))?;
        let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(sum) = Sums::parse(&text)?.get(&name) {
            compare(image, sum)?;
            files.push(image.to_owned());
        }
    }
    Ok(Verified { trust: Trust::Unsigned, files, map: None })
}

fn compare(path: &Path, expected: Digest) -> Result<()> {
    let is = Digest::of_file(path)?;
    if is != expected {
        bail!(
            "{} is damaged or was changed: its SHA-256 is {is}, and {expected} was promised. Fetch or build it again",
            path.display()
        );
    }
    Ok(())
}

fn read_map(shelf: &Shelf) -> Result<Bmap> {
    let text = shelf.read("img.bmap")?;
    Bmap::parse(&text).with_context(|| format!("reading the block map {}", shelf.file("img.bmap").display()))
}

fn check_blocks(image: &Path, map: &Bmap) -> Result<()> {
    let doing = || format!("comparing {} with its block map", image.display());
    let file = ImageFile { path: image.to_owned() };
    let reader = file.open().with_context(doing)?;
    let bytes = io::copy(&mut Checked::new(reader, &map.mapped), &mut io::sink()).with_context(doing)?;
    if bytes != map.size {
        bail!("{}: it has {bytes} bytes, and the map is of {}", doing(), map.size);
    }
    Ok(())
}
