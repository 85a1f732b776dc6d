//! Block maps: which blocks of an image are used, with their sums.

use std::ops::Range;

use crate::digest::Digest;

/// A used range of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its bytes.
    pub bytes: Range<u64>,
    /// SHA-256 over them, where the map has one.
    pub sha256: Option<Digest>,
}
