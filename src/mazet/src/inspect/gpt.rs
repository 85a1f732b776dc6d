//! Reading a GUID partition table (UEFI specification 2.10, chapter 5).

use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use serde::Serialize;
use thiserror::Error;

/// Bytes of a sector in image files.
pub const SECTOR: u64 = 512;

/// Entries read at most: what partitioning tools write is 128.
const MOST_ENTRIES: u32 = 1024;

/// Partition types that Mazet meets, by GUID.
const TYPES: [(&str, &str); 4] = [
    ("21686148-6449-6E6F-744E-656564454649", "BIOS boot"),
    ("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "EFI system"),
    ("0FC63DAF-8483-4772-8E79-3D69D8477DE4", "Linux file system"),
    ("4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "Linux root (x86-64)"),
];

/// Why a table cannot be read.
#[derive(Debug, Error)]
pub enum GptError {
    /// The file cannot be read that far.
    #[error("reading the partition table: {0}")]
    Read(#[from] io::Error),
    /// There is none.
    #[error("there is no GUID partition table: this is no image of Mazet, or it is cut off")]
    Absent,
    /// A checksum does not fit.
    #[error("the {0} of the partition table has a wrong checksum: the image is damaged")]
    Damaged(&'static str),
    /// The header makes no sense.
    #[error("the partition table's header is not one that UEFI 2.10 describes")]
    Malformed,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// Its number, from 1.
    pub number: u32,
    /// What its type GUID means, or the GUID.
    pub kind: String,
    /// Its own GUID.
    pub guid: String,
    /// Its name.
    pub name: String,
    /// First sector.
    pub first_sector: u64,
    /// Size in bytes.
    pub bytes: u64,
}

/// A disk's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The disk's GUID.
    pub disk: String,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
}

/// Reads the primary table and checks both its checksums.
///
/// # Errors
/// When there is none or it is damaged.
pub fn read(disk: &mut (impl Read + Seek)) -> Result<Table, GptError> {
    let mut header = [0; 92];
    disk.seek(SeekFrom::Start(SECTOR))?;
    disk.read_exact(&mut header).map_err(|_| GptError::Absent)?;
    if &header[..8] != b"EFI PART" {
        return Err(GptError::Absent);
    }
    let sum = u32_at(&header, 16);
    let mut unsummed = header;
    unsummed[16..20].fill(0);
    // A header longer than 92 bytes is allowed by the specification and written by nobody.
    if u32_at(&header, 12) != 92 || crc(&unsummed) != sum {
        return Err(GptError::Damaged("header"));
    }
    let (count, size) = (u32_at(&header, 80), u32_at(&header, 84));
    if !(128..=4096).contains(&size) || count > MOST_ENTRIES {
        return Err(GptError::Malformed);
    }
    let start = u64_at(&header, 72).checked_mul(SECTOR).ok_or(GptError::Malformed)?;
    disk.seek(SeekFrom::Start(start))?;
    let mut entries = vec![0; count as usize * size as usize];
    disk.read_exact(&mut entries)?;
    if crc(&entries) != u32_at(&header, 88) {
        return Err(GptError::Damaged("list of partitions"));
    }
    let partitions =
        (1..).zip(entries.chunks(size as usize)).filter_map(|(number, raw)| partition(number, raw));
    Ok(Table { disk: guid(&header[56..72]), partitions: partitions.collect() })
}

/// One entry of 128 bytes or more; none when it is unused.
fn partition(number: u32, raw: &[u8]) -> Option<Partition> {
    if raw[..16].iter().all(|byte| *byte == 0) {
        return None;
    }
    let type_guid = guid(&raw[..16]);
    let kind = TYPES.iter().find(|(known, _)| *known == type_guid).map(|(_, name)| (*name).to_owned());
    let (first, last) = (u64_at(raw, 32), u64_at(raw, 40));
    let units = raw[56..128].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    Some(Partition {
        number,
        kind: kind.unwrap_or(type_guid),
        guid: guid(&raw[16..32]),
        name: String::from_utf16_lossy(&units),
        first_sector: first,
        bytes: last.saturating_sub(first).saturating_add(1).saturating_mul(SECTOR),
    })
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A GUID as text. Its first three fields are little-endian on the disk.
fn guid(raw: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let hex: String = order.iter().map(|i| format!("{:02X}", raw[*i])).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | (u64::from(u32_at(bytes, at + 4)) << 32)
}

/// A table as the tests need one.
#[cfg(test)]
pub(super) mod build {
    use super::{SECTOR, TYPES, crc};

    /// A disk of `sectors` with a BIOS-boot partition and an EFI system partition.
    pub fn disk(sectors: u64, core: (u64, u64), esp: (u64, u64)) -> Vec<u8> {
        let mut entries = vec![0; 128 * 128];
        for (slot, kind, (first, last), name) in [(0, 0, core, "mazet-bios"), (1, 1, esp, "mazet-live")] {
            let raw = &mut entries[slot * 128..(slot + 1) * 128];
            raw[..16].copy_from_slice(&mixed_endian(TYPES[kind].0));
            raw[16..32].fill(slot as u8 + 1);
            raw[32..40].copy_from_slice(&first.to_le_bytes());
            raw[40..48].copy_from_slice(&last.to_le_bytes());
            for (place, unit) in raw[56..].chunks_mut(2).zip(name.encode_utf16()) {
                place.copy_from_slice(&unit.to_le_bytes());
            }
        }
        let mut header = vec![0; 92];
        header[..8].copy_from_slice(b"EFI PART");
        header[8..12].copy_from_slice(&[0, 0, 1, 0]);
        header[12..16].copy_from_slice(&92_u32.to_le_bytes());
        header[56..72].fill(0xAB);
        header[72..80].copy_from_slice(&2_u64.to_le_bytes());
        header[80..84].copy_from_slice(&128_u32.to_le_bytes());
        header[84..88].copy_from_slice(&128_u32.to_le_bytes());
        header[88..92].copy_from_slice(&crc(&entries).to_le_bytes());
        let sum = crc(&header);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        let mut disk = vec![0; (sectors * SECTOR) as usize];
        disk[SECTOR as usize..SECTOR as usize + 92].copy_from_slice(&header);
        disk[1024..1024 + entries.len()].copy_from_slice(&entries);
        disk
    }

    fn mixed_endian(guid: &str) -> [u8; 16] {
        let hex: Vec<u8> = guid.bytes().filter(|byte| *byte != b'-').collect();
        let digit = |byte: u8| (byte as char).to_digit(16).expect("hexadecimal") as u8;
        let plain: Vec<u8> = hex.chunks(2).map(|pair| (digit(pair[0]) << 4) | digit(pair[1])).collect();
        [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map(|i: usize| plain[i])
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn partitions_are_read_with_names_types_and_sizes() {
        let mut disk = Cursor::new(build::disk(8192, (2048, 4095), (4096, 8000)));
        let table = read(&mut disk).expect("a table");
        assert_eq!(table.disk, "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB");
        let seen: Vec<_> = table
            .partitions
            .iter()
            .map(|p| (p.number, p.kind.as_str(), p.name.as_str(), p.first_sector, p.bytes))
            .collect();
        assert_eq!(
            seen,
            [
                (1, "BIOS boot", "mazet-bios", 2048, 1 << 20),
                (2, "EFI system", "mazet-live", 4096, 3905 * 512)
            ]
        );
    }

    #[test]
    fn damage_is_told_from_absence() {
        let whole = build::disk(8192, (2048, 4095), (4096, 8000));
        let mut header = whole.clone();
        header[SECTOR as usize + 60] ^= 1;
        let mut entry = whole.clone();
        entry[1024 + 40] ^= 1;
        let words = |bytes: Vec<u8>| read(&mut Cursor::new(bytes)).expect_err("refused").to_string();
        assert!(words(header).starts_with("the header of"));
        assert!(words(entry).starts_with("the list of partitions of"));
        assert!(words(vec![0; 4096]).starts_with("there is no GUID partition table"));
        assert!(words(vec![0; 100]).starts_with("there is no GUID partition table"));
    }
}
