//! Block maps: which blocks of an image are used, with their sums.
//!
//! The format is that of bmap-tools, version 2.0: XML, blocks counted from 0, ranges inclusive.

use std::io::{self, Read};
use std::ops::Range;

use roxmltree::{Document, Node};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::Digest;
use crate::flash::ranges::{BLOCK, Ranges};

/// Longest range with a sum of its own: damage is found this early, and narrowed down so far.
const LONGEST: u64 = 16 << 20;
/// What stands for the file's own sum while it is computed.
const NO_SUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A used range of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its bytes.
    pub bytes: Range<u64>,
    /// SHA-256 over them, where the map has one.
    pub sha256: Option<Digest>,
}

/// A block map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bmap {
    /// Size of the unpacked image in bytes.
    pub size: u64,
    /// Its used ranges, in order.
    pub mapped: Vec<Mapped>,
}

/// Why a block map cannot be used.
#[derive(Debug, Error)]
pub enum BmapError {
    /// It is no XML.
    #[error("it is no XML: {0}")]
    Xml(#[from] roxmltree::Error),
    /// Something is missing or has another form.
    #[error("{0} is missing, or has another form than version 2.0 of block maps gives it")]
    Form(&'static str),
    /// Its own sum is wrong.
    #[error("its own checksum does not fit: it is damaged")]
    Damaged,
}

impl Bmap {
    /// The map of an image of `size` bytes, read once from its beginning to its end.
    ///
    /// # Errors
    /// When it cannot be read, or ends early.
    pub fn of(mut image: impl Read, used: &Ranges, size: u64) -> io::Result<Self> {
        let (mut position, mut mapped) = (0, Vec::new());
        while let Some(bytes) = used.piece_after(position, LONGEST) {
            io::copy(&mut (&mut image).take(bytes.start - position), &mut io::sink())?;
            let (sum, length) = Digest::of_reader((&mut image).take(bytes.end - bytes.start))?;
            if length < bytes.end - bytes.start {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            position = bytes.end;
            mapped.push(Mapped { bytes, sha256: Some(sum) });
        }
        Ok(Self { size, mapped })
    }

    /// The used ranges.
    pub fn used(&self) -> Ranges {
        Ranges::of(self.mapped.iter().map(|mapped| mapped.bytes.clone()), self.size)
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let blocks = |bytes: u64| bytes.div_ceil(BLOCK);
        let used: u64 = self.mapped.iter().map(|mapped| blocks(mapped.bytes.end - mapped.bytes.start)).sum();
        let mut text = format!(
            "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n    <ImageSize> {} </ImageSize>\n    \
             <BlockSize> {BLOCK} </BlockSize>\n    <BlocksCount> {} </BlocksCount>\n    \
             <MappedBlocksCount> {used} </MappedBlocksCount>\n    <ChecksumType> sha256 </ChecksumType>\n    \
             <BmapFileChecksum> {NO_SUM} </BmapFileChecksum>\n    <BlockMap>\n",
            self.size,
            blocks(self.size),
        );
        for Mapped { bytes, sha256 } in &self.mapped {
            let (first, last) = (bytes.start / BLOCK, blocks(bytes.end) - 1);
            let sum = sha256.map(|sum| format!(" chksum=\"{sum}\"")).unwrap_or_default();
            let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
            text.push_str(&format!("        <Range{sum}> {range} </Range>\n"));
        }
        text.push_str("    </BlockMap>\n</bmap>\n");
        let sum = Digest::of(&text).to_string();
        text.replacen(NO_SUM, &sum, 1)
    }

    /// Reads a map. Sums of other kinds than SHA-256 are left out.
    ///
    /// # Errors
    /// When it has another form, or is damaged.
    pub fn parse(text: &str) -> Result<Self, BmapError> {
        let document = Document::parse(text)?;
        let root = document.root_element();
        let is_two = root.attribute("version").is_some_and(|version| version.starts_with("2."));
        if !root.has_tag_name("bmap") || !is_two {
            return Err(BmapError::Form("<bmap version=\"2.0\">"));
        }
        let (size, block) = (number(&root, "ImageSize")?, number(&root, "BlockSize")?);
        let is_sha256 = word(&root, "ChecksumType").is_some_and(|kind| kind == "sha256");
        if is_sha256 {
            check_itself(text, &root)?;
        }
        let map = child(&root, "BlockMap").ok_or(BmapError::Form("<BlockMap>"))?;
        let ranges = map.children().filter(|node| node.has_tag_name("Range"));
        let mapped =
            ranges.map(|node| mapped(&node, size, block, is_sha256).ok_or(BmapError::Form("<Range>")));
        let mapped: Vec<Mapped> = mapped.collect::<Result<_, _>>()?;
        if mapped.windows(2).any(|pair| pair[0].bytes.end > pair[1].bytes.start) {
            return Err(BmapError::Form("the order of <Range>"));
        }
        Ok(Self { size, mapped })
    }
}

/// `<Range chksum="…"> 5-9 </Range>`, in bytes of an image of `size`.
fn mapped(node: &Node<'_, '_>, size: u64, block: u64, is_sha256: bool) -> Option<Mapped> {
    let text = node.text()?.trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let (start, end) = (first.checked_mul(block)?, last.checked_add(1)?.checked_mul(block)?.min(size));
    let sum = node.attribute("chksum").filter(|_| is_sha256);
    let sha256 = match sum {
        Some(sum) => Some(sum.trim().parse().ok()?),
        None => None,
    };
    (start < end).then_some(Mapped { bytes: start..end, sha256 })
}

/// Compares the file's own sum: that of the file with zeros in its place.
fn check_itself(text: &str, root: &Node<'_, '_>) -> Result<(), BmapError> {
    let sum = word(root, "BmapFileChecksum").ok_or(BmapError::Form("<BmapFileChecksum>"))?;
    let mut hasher = Sha256::new();
    hasher.update(text.replacen(sum, NO_SUM, 1));
    let is = Digest::from_bytes(hasher.finalize().into());
    if sum.parse::<Digest>().is_ok_and(|expected| expected == is) { Ok(()) } else { Err(BmapError::Damaged) }
}

fn child<'a, 'input>(node: &Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn word<'a>(node: &Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim)
}

fn number(node: &Node<'_, '_>, name: &'static str) -> Result<u64, BmapError> {
    let value = word(node, name).and_then(|text| text.parse().ok()).filter(|value| *value > 0);
    value.ok_or(BmapError::Form(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Vec<u8> {
        (0..40_960_u32).map(|n| (n % 251) as u8).collect()
    }

    fn map() -> Bmap {
        let used = Ranges::of([0..4096, 8192..20_480, 40_000..40_960], 40_960);
        Bmap::of(&image()[..], &used, 40_960).expect("read")
    }

    #[test]
    fn a_map_is_written_as_bmap_tools_read_it() {
        insta::assert_snapshot!(map().render());
    }

    #[test]
    fn a_map_reads_back_what_it_wrote() {
        let map = map();
        assert_eq!(Bmap::parse(&map.render()).expect("own form"), map);
        assert_eq!(map.used().bytes(), 4096 + 12_288 + 4096);
    }

    #[test]
    fn damage_and_other_forms_are_told() {
        let text = map().render();
        let told = |text: &str| Bmap::parse(text).expect_err("refused").to_string();
        assert_eq!(told(&text.replace(" 2-4 ", " 2-3 ")), "its own checksum does not fit: it is damaged");
        assert!(told(&text.replace("version=\"2.0\"", "version=\"1.3\"")).starts_with("<bmap version"));
        assert!(told("<bmap").starts_with("it is no XML"));
        let other = text.replace("sha256", "sha1").replace(" 2-4 ", " 4-2 ");
        assert!(told(&other).starts_with("<Range> is missing"));
    }

    #[test]
    fn an_image_that_ends_early_has_no_map() {
        let used = Ranges::whole(40_960);
        let error = Bmap::of(&image()[..40_000], &used, 40_960).expect_err("short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
