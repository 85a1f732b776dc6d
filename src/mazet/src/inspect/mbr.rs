//! Reading a master boot record's partition table, as on the cards of a Pi.
//!
//! 512 bytes: a disk signature at 440, four entries of 16 bytes at 446 (flag, type at 4, first sector
//! at 8, sectors at 12; little-endian), 55 AA at 510.

use std::io::{self, Read, Seek, SeekFrom};

use super::gpt::{Partition, SECTOR, Table};

/// Type of the entry that says that there is a GUID partition table (UEFI 2.10, 5.2.3).
const PROTECTIVE: u8 = 0xEE;

/// The table of a disk that has an MBR and nothing else; none where it has not.
///
/// # Errors
/// Those of reading.
pub fn read(disk: &mut (impl Read + Seek)) -> io::Result<Option<Table>> {
    let mut sector = [0; SECTOR as usize];
    disk.seek(SeekFrom::Start(0))?;
    match disk.read_exact(&mut sector) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    Ok(parse(&sector))
}

fn parse(sector: &[u8; SECTOR as usize]) -> Option<Table> {
    let word = |at: usize| u32::from_le_bytes([sector[at], sector[at + 1], sector[at + 2], sector[at + 3]]);
    let kinds = [0, 1, 2, 3].map(|i| sector[446 + 16 * i + 4]);
    if sector[510..] != [0x55, 0xAA] || kinds.contains(&PROTECTIVE) || kinds == [0; 4] {
        return None;
    }
    let signature = word(440);
    let partition = |i: usize| {
        let entry = 446 + 16 * i;
        let number = i as u32 + 1;
        Partition {
            number,
            kind: kind(kinds[i]),
            guid: format!("{signature:08x}-{number:02x}"),
            name: String::new(),
            first_sector: u64::from(word(entry + 8)),
            bytes: u64::from(word(entry + 12)) * SECTOR,
        }
    };
    let partitions = (0..4).filter(|i| kinds[*i] != 0).map(partition).collect();
    Some(Table { disk: format!("{signature:08x}"), partitions })
}

fn kind(code: u8) -> String {
    match code {
        0x0C => "FAT32".to_owned(),
        0x83 => "Linux".to_owned(),
        other => format!("type {other:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn sector(kind: u8) -> Vec<u8> {
        let mut sector = vec![0; 512];
        sector[440..444].copy_from_slice(&0x1d06_d4ff_u32.to_le_bytes());
        sector[446] = 0x80;
        sector[450] = kind;
        sector[454..458].copy_from_slice(&8192_u32.to_le_bytes());
        sector[458..462].copy_from_slice(&2048_u32.to_le_bytes());
        sector[510..].copy_from_slice(&[0x55, 0xAA]);
        sector
    }

    #[test]
    fn a_card_has_one_fat() {
        let table = read(&mut Cursor::new(sector(0x0C))).expect("readable").expect("a table");
        assert_eq!(table.disk, "1d06d4ff");
        let [fat] = &table.partitions[..] else { panic!("one partition: {table:?}") };
        assert_eq!((fat.kind.as_str(), fat.guid.as_str()), ("FAT32", "1d06d4ff-01"));
        assert_eq!((fat.first_sector, fat.bytes), (8192, 1 << 20));
    }

    #[test]
    fn a_protective_record_an_empty_one_and_a_short_file_are_none() {
        for bytes in [sector(PROTECTIVE), sector(0), vec![0; 512], vec![1; 100]] {
            assert_eq!(read(&mut Cursor::new(bytes)).expect("readable"), None);
        }
    }
}
