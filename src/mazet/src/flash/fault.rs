//! Why a stick was not written.

use std::io;

use thiserror::Error;

/// An error while writing one stick. Every offset counts bytes from the beginning of the stick.
#[derive(Debug, Error)]
pub enum Fault {
    /// The image, not the stick, is at fault.
    #[error("reading the image at byte {offset}: {source}")]
    Image {
        /// Byte of the image.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The device takes no more.
    #[error("writing at byte {offset}: {source}{}", advice(source))]
    Write {
        /// Where.
        offset: u64,
        /// What the device said.
        source: io::Error,
    },
    /// The device gives nothing back.
    #[error("reading back at byte {offset}: {source}{}", advice(source))]
    ReadBack {
        /// Where.
        offset: u64,
        /// What the device said.
        source: io::Error,
    },
    /// It gives back something else.
    #[error(
        "at byte {offset}, {read:#04x} came back where {written:#04x} was written: the stick is worn out or counterfeit; use another one"
    )]
    Differs {
        /// The first byte that differs.
        offset: u64,
        /// What was written there.
        written: u8,
        /// What came back.
        read: u8,
    },
    /// It has no room for the image.
    #[error("it has {has} bytes, and the image needs {needs}: {} bytes are missing", needs - has)]
    TooSmall {
        /// The device's bytes.
        has: u64,
        /// The image's.
        needs: u64,
    },
    /// The user stopped it.
    #[error("interrupted: the stick is only half written and does not boot; flash it again to use it")]
    Interrupted,
}

impl Fault {
    /// Where on the stick, if there is such a place.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Image { offset, .. }
            | Self::Write { offset, .. }
            | Self::ReadBack { offset, .. }
            | Self::Differs { offset, .. } => Some(*offset),
            Self::TooSmall { .. } | Self::Interrupted => None,
        }
    }
}

/// What an error of the device most often means, and what to do.
fn advice(error: &io::Error) -> &'static str {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match errno {
        Some(Errno::NODEV | Errno::NXIO | Errno::NOMEDIUM) => {
            " (it was unplugged; plug it in and flash it again)"
        }
        Some(Errno::IO) => " (it was unplugged or is failing; try another port, then another stick)",
        Some(Errno::NOSPC) => " (it ends before the size that it claims: a counterfeit stick)",
        Some(Errno::ROFS | Errno::PERM) => " (it is write-protected: look for a switch on its side)",
        _ => "",
    }
}
