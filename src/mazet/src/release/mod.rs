//! What is published beside an image, and checking it.

pub mod bmap;
