//! Compressing an image so that parts of it can be read alone.
//!
//! Zstandard frames (RFC 8878) of a few mebibytes each, and a table of them in a skippable frame
//! at the end: the seekable format of the Zstandard project, version 0.1.0. Every zstd reads it.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use zeekstd::{EncodeOptions, FrameSizePolicy};

/// Unpacked bytes of a frame.
const FRAME: u32 = 4 << 20;
/// Layers are compressed already: a higher level costs time and gains nothing.
const LEVEL: i32 = 3;

/// Packs the file `image` into `packed`.
///
/// # Errors
/// When one cannot be read or the other not be written.
pub fn pack(image: &Path, packed: &Path) -> Result<()> {
    let mut source = File::open(image).with_context(|| format!("opening {}", image.display()))?;
    let target = File::create(packed).with_context(|| format!("making {}", packed.display()))?;
    let mut writer = BufWriter::with_capacity(1 << 20, target);
    let mut encoder = EncodeOptions::new()
        .frame_size_policy(FrameSizePolicy::Uncompressed(FRAME))
        .checksum_flag(true)
        .compression_level(LEVEL)
        .into_encoder(&mut writer)
        .map_err(|error| io::Error::other(error.to_string()))
        .context("starting zstd")?;
    let doing = || format!("compressing {} to {}", image.display(), packed.display());
    io::copy(&mut source, &mut encoder).with_context(doing)?;
    encoder.finish().map_err(|error| io::Error::other(error.to_string())).with_context(doing)?;
    writer.flush().with_context(doing)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, SeekFrom};

    use super::*;

    #[test]
    fn what_is_packed_reads_back_whole_and_from_the_middle() {
        let folder = tempfile::tempdir().expect("folder");
        let (image, packed) = (folder.path().join("a.img"), folder.path().join("a.img.zst"));
        let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| (n / 1000 % 251) as u8).collect();
        std::fs::write(&image, &bytes).expect("written");
        pack(&image, &packed).expect("packed");
        let read = zstd::decode_all(File::open(&packed).expect("opened")).expect("unpacked");
        assert!(read == bytes);
        let mut file = File::open(&packed).expect("opened");
        file.seek(SeekFrom::End(-4)).expect("sought");
        let mut magic = [0; 4];
        file.read_exact(&mut magic).expect("read");
        assert_eq!(u32::from_le_bytes(magic), 0x8F92_EAB1, "the seek table's magic number");
        let mut decoder = zeekstd::Decoder::new(file).expect("a seek table");
        assert_eq!(decoder.seek_table().num_frames(), 3);
        decoder.set_lower_frame(2).expect("the last frame");
        let mut last = Vec::new();
        decoder.read_to_end(&mut last).expect("read");
        assert!(last == bytes[2 * FRAME as usize..]);
    }
}
