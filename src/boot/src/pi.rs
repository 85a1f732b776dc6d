//! What a Raspberry Pi's firmware would load, taken out of a card's FAT file system.
//!
//! QEMU has no boot ROM of a Pi. So what the ROM and `start.elf` do is done here from the same
//! files: `config.txt` names a folder (`os_prefix`), and kernel, initial RAM file system, device
//! tree and command line are read from there. See the Raspberry Pi documentation, "config.txt",
//! boot options.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::BootError;
use crate::machine::DirectKernel;
use crate::runner::Runner;

/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Where the first entry of a master boot record's table starts, and the start sector in it.
const FIRST_START: u64 = 446 + 8;
/// The board that QEMU's `raspi3b` is.
const DEVICE_TREE: &str = "bcm2837-rpi-3-b.dtb";
/// QEMU takes cards of a power of two; this is the smallest one with room for an installation.
pub const CARD_BYTES: u64 = 8 << 30;

/// Copies `image` to a card of [`CARD_BYTES`] at `file`; what is empty takes no room.
///
/// # Errors
/// When the copy cannot be written.
pub fn card(image: &Path, file: &Path) -> Result<(), BootError> {
    fs::copy(image, file).map_err(BootError::file("copying the image to", file))?;
    let card = File::options().write(true).open(file).map_err(BootError::file("opening", file))?;
    card.set_len(CARD_BYTES).map_err(BootError::file("enlarging", file))
}

/// Takes what starts out of the raw card `card`, into the folder `scratch`; `more` is added to
/// the command line.
///
/// # Errors
/// When the card has no FAT file system, or misses a file that its `config.txt` names.
pub fn start_files(
    card: &Path,
    runner: &Runner,
    scratch: &Path,
    more: &str,
) -> Result<DirectKernel, BootError> {
    let drive = drive(card)?;
    fs::create_dir_all(scratch).map_err(BootError::file("making", scratch))?;
    let take = |name: &str| -> Result<PathBuf, BootError> {
        let file = scratch.join(name.rsplit('/').next().unwrap_or(name));
        let from = format!("::{name}");
        runner.output("mcopy", &["-n", "-o", "-i", &drive, &from, &file.to_string_lossy()])?;
        Ok(file)
    };
    let text = |file: &Path| fs::read_to_string(file).map_err(BootError::file("reading", file));
    let config = Config::parse(&text(&take("config.txt")?)?);
    let prefix = &config.os_prefix;
    let arguments = text(&take(&format!("{prefix}cmdline.txt"))?)?;
    Ok(DirectKernel {
        kernel: take(&format!("{prefix}{}", config.kernel))?,
        initrd: Some(take(&format!("{prefix}{}", config.initramfs))?),
        device_tree: Some(take(&format!("{prefix}{DEVICE_TREE}"))?),
        arguments: format!("{} {more}", arguments.trim()).trim().to_owned(),
    })
}

/// The FAT of the raw card `card`, as mtools' option `-i` takes it.
///
/// # Errors
/// When the card cannot be read or has no partition.
pub fn drive(card: &Path) -> Result<String, BootError> {
    let card = card.canonicalize().map_err(BootError::file("opening", card))?;
    Ok(format!("{}@@{}", card.display(), fat_offset(&card)?))
}

/// Byte offset of the first partition of a raw disk with a master boot record.
fn fat_offset(card: &Path) -> Result<u64, BootError> {
    let file = File::open(card).map_err(BootError::file("opening", card))?;
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, FIRST_START).map_err(BootError::file("reading", card))?;
    match u32::from_le_bytes(bytes) {
        0 => Err(BootError::Image { path: card.to_owned(), why: "it has no first partition".to_owned() }),
        start => Ok(u64::from(start) * SECTOR),
    }
}

/// The lines of `config.txt` that say what starts.
#[derive(Debug, PartialEq, Eq)]
struct Config {
    os_prefix: String,
    kernel: String,
    initramfs: String,
}

impl Config {
    /// Later lines win, as the firmware has it; `initramfs` stands without an equals sign.
    fn parse(text: &str) -> Self {
        let mut config = Self {
            os_prefix: String::new(),
            kernel: "kernel8.img".to_owned(),
            initramfs: "initramfs8".to_owned(),
        };
        for line in text.lines().map(str::trim) {
            if let Some(value) = line.strip_prefix("os_prefix=") {
                value.clone_into(&mut config.os_prefix);
            } else if let Some(value) = line.strip_prefix("kernel=") {
                value.clone_into(&mut config.kernel);
            } else if let Some(name) =
                line.strip_prefix("initramfs ").and_then(|rest| rest.split_whitespace().next())
            {
                name.clone_into(&mut config.initramfs);
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_what_starts() {
        let text = "arm_64bit=1\nos_prefix=live/\nkernel=vmlinuz\ninitramfs initrd.img followkernel\n";
        let config = Config::parse(text);
        assert_eq!(
            (config.os_prefix.as_str(), config.kernel.as_str(), config.initramfs.as_str()),
            ("live/", "vmlinuz", "initrd.img")
        );
    }

    #[test]
    fn a_blank_card_has_no_partition() {
        let file = tempfile::NamedTempFile::new().expect("file");
        file.as_file().set_len(1 << 20).expect("length");
        let error = fat_offset(file.path()).expect_err("blank");
        assert!(error.to_string().contains("no first partition"), "{error}");
        file.as_file().write_all_at(&8192_u32.to_le_bytes(), FIRST_START).expect("written");
        assert_eq!(fat_offset(file.path()).expect("offset"), 8192 * 512);
    }
}
