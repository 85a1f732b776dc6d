//! `mazet inspect IMAGE`: what is in a finished image, read from the image itself.
//!
//! Partitions, the files on its FAT, its layers with what their superblocks say, and, from the
//! files beside it, what it says of itself and which packages it holds. Nothing is mounted.

pub mod fat;
pub mod gpt;
pub mod mbr;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::image::LIVE_DIR;
use serde::Serialize;
use serde_json::Value;

use crate::lock::{Entry, Lock, Part};
use crate::timings::human_bytes;
use fat::{Fat, FatFile, Slice};
use gpt::Partition;

/// A squashfs layer on the FAT, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerFile {
    /// File name below `live/`.
    pub name: String,
    /// Size in bytes, compressed.
    pub bytes: u64,
    /// Files, folders and links in it.
    pub inodes: u32,
    /// How it is compressed.
    pub compression: String,
}

/// Everything found in an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The image file.
    pub image: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The disk's GUID.
    pub disk: String,
    /// Its partitions.
    pub partitions: Vec<Partition>,
    /// Label of the FAT.
    pub label: String,
    /// Volume id of the FAT, eight hexadecimal digits.
    pub volume_id: String,
    /// Every file on the FAT.
    pub files: Vec<FatFile>,
    /// The layers that the live system stacks, lowest first.
    pub layers: Vec<LayerFile>,
    /// The description beside the image, when it is there.
    pub manifest: Option<Value>,
    /// The image's packages, from the lock beside it, when that is there.
    pub packages: Option<Vec<Entry>>,
}

/// Looks into an image.
///
/// # Errors
/// When the file cannot be read, or is not an image of Mazet.
pub fn inspect(image: &Path) -> Result<Inspection> {
    let mut file = File::open(image).with_context(|| format!("opening {}", image.display()))?;
    let bytes = file.metadata().with_context(|| format!("reading {}", image.display()))?.len();
    let reading = || format!("reading {}", image.display());
    let table = match mbr::read(&mut file).with_context(reading)? {
        Some(table) => table,
        None => gpt::read(&mut file).with_context(reading)?,
    };
    let holds_fat = |partition: &&Partition| ["EFI system", "FAT32"].contains(&partition.kind.as_str());
    let Some(esp) = table.partitions.iter().find(holds_fat) else {
        bail!("{} has no partition to boot from: it is no image of Mazet", image.display());
    };
    let start = esp.first_sector.saturating_mul(gpt::SECTOR);
    if start.saturating_add(esp.bytes) > bytes {
        bail!("{} is cut off: its file system ends beyond the end of the file", image.display());
    }
    let fat = Fat::open(Slice::new(file, start, esp.bytes)).context("opening the FAT file system")?;
    let files = fat.files().context("listing the FAT file system")?;
    let layers = layers(&fat, &files)?;
    Ok(Inspection {
        image: image.to_owned(),
        bytes,
        disk: table.disk,
        partitions: table.partitions,
        label: fat.label(),
        volume_id: fat.volume_id(),
        files,
        layers,
        manifest: beside(image, "manifest.json").and_then(|text| serde_json::from_str(&text).ok()),
        packages: beside(image, "lock").and_then(|text| packages_of_image(&text)),
    })
}

/// The layers, in the order in which `filesystem.module` stacks them.
fn layers(fat: &Fat<File>, files: &[FatFile]) -> Result<Vec<LayerFile>> {
    let module = format!("{LIVE_DIR}/filesystem.module");
    let names = fat.head(&module, 65_536).with_context(|| format!("reading {module} in the image"))?;
    let names = String::from_utf8_lossy(&names).into_owned();
    let layer = |name: &str| {
        let path = format!("{LIVE_DIR}/{name}");
        let Some(file) = files.iter().find(|file| file.path == path) else {
            bail!("{module} names {name}, and the image has no such file");
        };
        let head = fat.head(&path, 96).with_context(|| format!("reading {path} in the image"))?;
        let (inodes, compression) = superblock(&head).with_context(|| format!("{path} is no squashfs"))?;
        Ok(LayerFile { name: name.to_owned(), bytes: file.bytes, inodes, compression })
    };
    names.split_whitespace().map(layer).collect()
}

/// Number of inodes and compression of a squashfs 4.0, from its superblock: 96 bytes,
/// little-endian, as in the Linux kernel's `Documentation/filesystems/squashfs.rst`.
fn superblock(head: &[u8]) -> Option<(u32, String)> {
    if head.len() < 96 || !head.starts_with(b"hsqs") {
        return None;
    }
    let inodes = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let compression = match u16::from_le_bytes([head[20], head[21]]) {
        1 => "gzip",
        2 => "lzma",
        3 => "lzo",
        4 => "xz",
        5 => "lz4",
        6 => "zstd",
        _ => "unknown",
    };
    Some((inodes, compression.to_owned()))
}

/// The text of a file beside the image: `pc.img.lock` or `pc.lock`.
fn beside(image: &Path, extension: &str) -> Option<String> {
    let mut full = image.as_os_str().to_owned();
    full.push(format!(".{extension}"));
    fs::read_to_string(PathBuf::from(full))
        .or_else(|_| fs::read_to_string(image.with_extension(extension)))
        .ok()
}

/// The packages of a lock that lie in the image itself, not in a tree that built it.
fn packages_of_image(lock: &str) -> Option<Vec<Entry>> {
    let lock = Lock::parse(lock).ok()?;
    Some(lock.packages.into_iter().filter(|entry| entry.part.is_of_image()).collect())
}

impl Inspection {
    /// The report for people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}  {}\n", self.image.display(), human_bytes(self.bytes));
        if let Some(manifest) = &self.manifest {
            text.push_str(&manifest_lines(manifest));
        }
        text.push_str("\npartitions\n");
        for p in &self.partitions {
            let size = human_bytes(p.bytes);
            text.push_str(&format!("  {}  {:<12} {:<12} {size:>10}\n", p.number, p.kind, p.name));
        }
        text.push_str("\nlayers, lowest first\n");
        for layer in &self.layers {
            let size = human_bytes(layer.bytes);
            let LayerFile { name, inodes, compression, .. } = layer;
            text.push_str(&format!("  {name:<20} {size:>10}  {compression}, {inodes} files and folders\n"));
        }
        text.push_str(&format!("\nfiles on the FAT ({}, {})\n", self.label, self.volume_id));
        for file in &self.files {
            text.push_str(&format!("  {:<36} {:>10}\n", file.path, human_bytes(file.bytes)));
        }
        if let Some(packages) = &self.packages {
            let of = |part| packages.iter().filter(|entry| entry.part == part).count();
            let (base, services) = (of(Part::Base), of(Part::Services));
            text.push_str(&format!("\n{} packages: {base} base, {services} services\n", packages.len()));
            for entry in packages {
                let (layer, size) = (format!("{:?}", entry.part).to_lowercase(), human_bytes(entry.size));
                text.push_str(&format!("  {layer:<8}  {:<32} {size:>10}  {}\n", entry.name, entry.version));
            }
        }
        text
    }
}

/// The lines of the description ([`crate::image::beside::ImageManifest`]) that people look for.
fn manifest_lines(manifest: &Value) -> String {
    let mut text = String::new();
    let manifest = &manifest["image"];
    for key in ["name", "version", "release", "architecture", "kernel", "services", "digest"] {
        let value = match &manifest[key] {
            Value::Null => continue,
            Value::String(word) => word.clone(),
            Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        };
        text.push_str(&format!("  {key:<13} {value}\n"));
    }
    text
}

#[cfg(test)]
mod tests;
