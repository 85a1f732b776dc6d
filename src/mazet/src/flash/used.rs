//! Which blocks of a Mazet image are used: read from its FAT's own allocation table.
//!
//! Holes of the image file would tell the same on the machine that built it, and be lost with
//! the first copy. What the table calls free holds nothing; all else is used: partition tables,
//! boot code, and the FAT's own tables with their zeros, which must replace whatever is on a stick.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::ranges::Ranges;

const SECTOR: u64 = 512;
/// Bytes of an entry of a FAT32 table, of which 28 bits count.
const ENTRY: usize = 4;

/// The used blocks of `image`, `size` bytes long; all of them where no FAT32 is found in it.
///
/// # Errors
/// When it cannot be read.
pub fn used(image: &mut (impl Read + Seek), size: u64) -> io::Result<Ranges> {
    let Some(start) = fat_partition(image)? else { return Ok(Ranges::whole(size)) };
    let mut boot = [0; 512];
    read_at(image, start, &mut boot)?;
    let Some(fat) = Layout::read(&boot, start).filter(|fat| fat.end() <= size) else {
        return Ok(Ranges::whole(size));
    };
    let mut table = vec![0; usize::try_from((fat.clusters + 2) * ENTRY as u64).unwrap_or_default()];
    read_at(image, fat.table, &mut table)?;
    let mut parts: Vec<Range<u64>> = vec![0..fat.data, fat.end()..size];
    // The first two entries stand for no cluster (FAT specification 1.03, section 4).
    for (number, entry) in (0..fat.clusters).zip(table.chunks_exact(ENTRY).skip(2)) {
        let is_free = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3] & 0x0F]) == 0;
        if !is_free {
            let at = fat.data + number * fat.cluster;
            parts.push(at..at + fat.cluster);
        }
    }
    Ok(Ranges::of(parts, size))
}

/// Byte offset of the FAT that Mazet's images hold: the EFI system partition of a GPT, or the
/// first FAT32 partition (types 0x0b, 0x0c) of an MBR.
///
/// # Errors
/// When the image cannot be read.
pub fn fat_partition(image: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    if let Ok(table) = crate::inspect::gpt::read(image) {
        let esp = table.partitions.iter().find(|partition| partition.kind == "EFI system");
        return Ok(esp.map(|partition| partition.first_sector * SECTOR));
    }
    let mut sector = [0; 512];
    read_at(image, 0, &mut sector)?;
    if sector[510..] != [0x55, 0xAA] {
        return Ok(None);
    }
    let entries = sector[446..510].chunks_exact(16);
    let mut fats = entries.filter(|entry| matches!(entry[4], 0x0B | 0x0C));
    Ok(fats.next().map(|entry| u64::from(u32_at(entry, 8)) * SECTOR))
}

/// Where a FAT32 keeps what, in bytes from the image's beginning.
struct Layout {
    /// The first allocation table.
    table: u64,
    /// The first cluster.
    data: u64,
    /// Bytes of a cluster.
    cluster: u64,
    /// Number of clusters.
    clusters: u64,
}

impl Layout {
    /// From the boot sector (FAT specification 1.03, section 3); none when it is no FAT32 with
    /// sectors of 512 bytes.
    fn read(boot: &[u8; 512], start: u64) -> Option<Self> {
        let u16_at = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
        let (per_cluster, reserved, tables) = (u64::from(boot[13]), u16_at(14), u64::from(boot[16]));
        let (sectors, per_table) = (u64::from(u32_at(boot, 32)), u64::from(u32_at(boot, 36)));
        let is_fat32 = u16_at(11) == SECTOR && u16_at(22) == 0 && per_table > 0;
        if !is_fat32 || per_cluster == 0 || boot[510..] != [0x55, 0xAA] {
            return None;
        }
        let before = reserved + tables * per_table;
        let clusters = sectors.checked_sub(before)? / per_cluster;
        if (clusters + 2) * ENTRY as u64 > per_table * SECTOR {
            return None;
        }
        Some(Self {
            table: start + reserved * SECTOR,
            data: start + before * SECTOR,
            cluster: per_cluster * SECTOR,
            clusters,
        })
    }

    /// The first byte behind the last cluster.
    fn end(&self) -> u64 {
        self.data + self.clusters * self.cluster
    }
}

fn read_at(image: &mut (impl Read + Seek), at: u64, bytes: &mut [u8]) -> io::Result<()> {
    image.seek(SeekFrom::Start(at))?;
    image.read_exact(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Images as tests need them.
#[cfg(test)]
pub(crate) mod build {
    use std::io::{Cursor, Write as _};

    use fatfs::{FatType, FormatVolumeOptions, FsOptions};

    /// First byte of the FAT.
    pub const START: usize = 1 << 20;
    /// Bytes of the FAT.
    pub const BYTES: usize = 40 << 20;

    /// An image with an MBR and one FAT32, of 42 MiB, holding `kernel` of 100 000 bytes.
    pub fn image() -> Vec<u8> {
        let mut fat = Cursor::new(vec![0; BYTES]);
        let options = FormatVolumeOptions::new()
            .fat_type(FatType::Fat32)
            .bytes_per_cluster(512)
            .volume_label(*b"MAZET      ");
        fatfs::format_volume(&mut fat, options).expect("formatted");
        let files = fatfs::FileSystem::new(&mut fat, FsOptions::new()).expect("opened");
        files.root_dir().create_file("kernel").expect("made").write_all(&[0xEE; 100_000]).expect("written");
        files.unmount().expect("closed");
        let mut image = vec![0; START + BYTES + (1 << 20)];
        image[START..START + BYTES].copy_from_slice(&fat.into_inner());
        image[446 + 4] = 0x0C;
        image[446 + 8..446 + 12].copy_from_slice(&(START as u32 / 512).to_le_bytes());
        image[510..512].copy_from_slice(&[0x55, 0xAA]);
        image
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn free_clusters_are_not_used_and_everything_else_is() {
        let image = build::image();
        let size = image.len() as u64;
        let used = used(&mut Cursor::new(&image), size).expect("read");
        let ranges: Vec<_> = used.iter().cloned().collect();
        // Tables and the file at the beginning; what lies behind the partition.
        assert_eq!(ranges.len(), 2, "{ranges:?}");
        assert_eq!((ranges[0].start, ranges[1].end), (0, size));
        assert!(ranges[1].start <= (build::START + build::BYTES) as u64);
        let free = &image[ranges[0].end as usize..ranges[1].start as usize];
        assert!(free.len() > 35 << 20 && free.iter().all(|byte| *byte == 0));
        let last = image.iter().rposition(|byte| *byte == 0xEE).expect("the file");
        assert!(ranges[0].contains(&(last as u64)));
    }

    #[test]
    fn an_image_of_another_kind_is_used_whole() {
        for size in [512, 1 << 20] {
            let used = used(&mut Cursor::new(vec![0; size]), size as u64).expect("read");
            assert_eq!(used, Ranges::whole(size as u64));
        }
        let mut image = build::image();
        image[build::START + 36] = 0;
        let size = image.len() as u64;
        assert_eq!(used(&mut Cursor::new(&image), size).expect("read"), Ranges::whole(size));
    }
}
