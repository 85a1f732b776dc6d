//! `mazet flash`: images onto sticks and cards.
//!
//! | module | subject |
//! |---|---|
//! | [`devices`] | which devices there are, and why one is not offered |
//! | [`choose`] | which of them are erased: named, and confirmed by their model |
//! | [`open`] | opening them: the one step that may need privileges |
//! | [`source`] | where the image's bytes come from: unpacked, checked, patched |
//! | [`answers`], [`patch`] | answers in advance, and their place on the stick |
//! | [`ranges`] | which of them are written |
//! | [`medium`], [`buffer`] | what they are written to, past the page cache |
//! | [`write`] | writing one stick: its first mebibyte last, everything read back |
//! | [`used`] | which blocks of an image are used |
//! | [`session`] | several sticks at once, until done or interrupted |
//! | [`report`] | what the user, or a program, is told meanwhile |
//! | [`progress`] | how far, how fast, how long |
//! | [`fault`] | why a stick was not written |

pub mod answers;
pub mod buffer;
pub mod choose;
pub mod devices;
pub mod fault;
pub mod medium;
pub mod open;
pub mod patch;
pub mod progress;
pub mod ranges;
pub mod report;
pub mod session;
#[cfg(test)]
pub(crate) mod simulated;
pub mod source;
pub mod used;
pub mod write;
