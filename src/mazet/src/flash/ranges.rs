//! Which bytes of an image are to be written.

use std::ops::Range;

/// Bytes of a block of the map.
pub const BLOCK: u64 = 4096;

/// Byte ranges of an image: sorted, apart from each other, beginning and ending at a multiple of
/// [`BLOCK`] or at the image's end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// All `size` bytes of an image.
    pub fn whole(size: u64) -> Self {
        Self::of(std::iter::once(0..size), size)
    }

    /// The blocks that `parts` touch, of an image of `size` bytes; what lies beyond it is cut off.
    pub fn of(parts: impl IntoIterator<Item = Range<u64>>, size: u64) -> Self {
        let widened = parts.into_iter().filter(|part| !part.is_empty()).map(|part| {
            let end = part.end.checked_next_multiple_of(BLOCK).unwrap_or(size);
            part.start / BLOCK * BLOCK..end.min(size)
        });
        let mut widened: Vec<_> = widened.filter(|part| part.start < part.end).collect();
        widened.sort_by_key(|part| part.start);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for part in widened {
            match ranges.last_mut() {
                Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
                _ => ranges.push(part),
            }
        }
        Self(ranges)
    }

    /// These and the blocks that `more` touch.
    pub fn with(&self, more: impl IntoIterator<Item = Range<u64>>, size: u64) -> Self {
        Self::of(self.0.iter().cloned().chain(more), size)
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Range<u64>> {
        self.0.iter()
    }

    /// Bytes in them.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// The longest piece of a range that begins at or after `position`, at most `most` bytes, and
    /// not across a multiple of `most`.
    pub fn piece_after(&self, position: u64, most: u64) -> Option<Range<u64>> {
        let at = self.0.partition_point(|range| range.end <= position);
        let range = self.0.get(at)?;
        let start = range.start.max(position);
        Some(start..range.end.min((start / most + 1) * most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ranges: &Ranges) -> Vec<Range<u64>> {
        ranges.iter().cloned().collect()
    }

    #[test]
    fn ranges_are_widened_to_blocks_joined_and_cut_at_the_end() {
        let ranges = Ranges::of(vec![20_000..20_001, 0..1, 4096..5000, 9000..9000, 24_576..99_999], 26_000);
        assert_eq!(shown(&ranges), [0..8192, 16_384..20_480, 24_576..26_000]);
        assert_eq!(ranges.bytes(), 8192 + 4096 + 1424);
        let more = ranges.with([8192..8193, 25_000..25_001], 26_000);
        assert_eq!(shown(&more), [0..12_288, 16_384..20_480, 24_576..26_000]);
    }

    #[test]
    fn pieces_follow_each_other_and_keep_to_their_grid() {
        let ranges = Ranges::of(vec![4096..20_480, 40_960..45_056], 1 << 20);
        let mut position = 0;
        let mut pieces = Vec::new();
        while let Some(piece) = ranges.piece_after(position, 8192) {
            position = piece.end;
            pieces.push(piece);
        }
        assert_eq!(pieces, [4096..8192, 8192..16_384, 16_384..20_480, 40_960..45_056]);
    }
}
