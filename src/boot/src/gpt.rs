//! Where the FAT file system of an image starts.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::BootError;

/// Bytes of a sector; Mazet's images have no other size.
const SECTOR: u64 = 512;
/// Type of an EFI system partition, as it stands in an entry (UEFI 2.10, table 5.7).
const ESP: [u8; 16] =
    [0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B];

/// Byte offset of the EFI system partition of the raw image `path`.
///
/// # Errors
/// When it cannot be read, is no GPT disk or has no such partition.
pub fn esp_offset(path: &Path) -> Result<u64, BootError> {
    let file = File::open(path).map_err(BootError::file("opening", path))?;
    let mut header = [0; 512];
    file.read_exact_at(&mut header, SECTOR).map_err(BootError::file("reading", path))?;
    let wrong = |why: &str| BootError::Image { path: path.to_owned(), why: why.to_owned() };
    if &header[..8] != b"EFI PART" {
        return Err(wrong("it has no GUID partition table, so it is no image made by `mazet build`"));
    }
    let (table, count, size) = (number(&header[72..80]), number(&header[80..84]), number(&header[84..88]));
    for index in 0..count.min(128) {
        let mut entry = [0; 48];
        let at = table * SECTOR + index * size;
        file.read_exact_at(&mut entry, at).map_err(BootError::file("reading", path))?;
        if entry[..16] == ESP {
            return Ok(number(&entry[32..40]) * SECTOR);
        }
    }
    Err(wrong("it has no EFI system partition"))
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with one entry of type `kind` that starts at sector 4096.
    fn disk(kind: [u8; 16]) -> tempfile::NamedTempFile {
        let mut bytes = vec![0; 34 * 512];
        bytes[512..520].copy_from_slice(b"EFI PART");
        bytes[512 + 72] = 2;
        bytes[512 + 80] = 128;
        bytes[512 + 84] = 128;
        bytes[1024 + 128..1024 + 144].copy_from_slice(&kind);
        bytes[1024 + 128 + 32..1024 + 128 + 40].copy_from_slice(&4096u64.to_le_bytes());
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), bytes).expect("written");
        file
    }

    #[test]
    fn the_second_entry_is_found() {
        assert_eq!(esp_offset(disk(ESP).path()).expect("found"), 4096 * 512);
    }

    #[test]
    fn other_files_are_refused() {
        let error = esp_offset(disk([1; 16]).path()).expect_err("none").to_string();
        assert!(error.ends_with("it has no EFI system partition"), "{error}");
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), [0; 2048]).expect("written");
        let error = esp_offset(file.path()).expect_err("no table").to_string();
        assert!(error.contains("no GUID partition table"), "{error}");
    }
}
