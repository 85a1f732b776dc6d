//! Starts that are counted: after an update, a start that nobody called good is not tried again.
//!
//! GRUB counts in its environment block (GRUB manual, "Environment block"), a file of 1024 bytes on the FAT, which it can
//! write; the box's own file system it only reads.

/// The block, on the FAT.
pub const FILE: &str = "EFI/debian/grubenv";
/// Its size, which GRUB never changes.
const SIZE: usize = 1024;
/// How it begins.
const HEAD: &str = "# GRUB Environment Block\n";
/// The variable that the menu counts with.
const NAME: &str = "mazet_try";

/// What the next start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Nothing is tried.
    None,
    /// The next start tries what an update made.
    Next,
    /// A start has tried it, and nobody called it good yet: the next one goes back.
    Begun,
}

impl Try {
    fn value(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Next => "1",
            Self::Begun => "2",
        }
    }
}

/// The block that says so.
pub fn block(next: Try) -> Vec<u8> {
    let mut block = format!("{HEAD}{NAME}={}\n", next.value()).into_bytes();
    block.resize(SIZE, b'#');
    block
}

/// What a block says; what cannot be read tries nothing.
pub fn read(block: &[u8]) -> Try {
    let text = String::from_utf8_lossy(block);
    let value = text.lines().find_map(|line| line.strip_prefix(NAME)?.strip_prefix('='));
    let is = |one: &&Try| Some(one.value()) == value;
    [Try::Next, Try::Begun].iter().find(is).copied().unwrap_or(Try::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_as_grub_wants_it() {
        let text = String::from_utf8(block(Try::Next)).expect("text");
        assert_eq!(text.len(), 1024);
        assert!(text.starts_with("# GRUB Environment Block\nmazet_try=1\n#") && text.ends_with('#'));
        for one in [Try::None, Try::Next, Try::Begun] {
            assert_eq!(read(&block(one)), one);
        }
        assert_eq!((read(b""), read(b"# GRUB Environment Block\nmazet_try=7\n")), (Try::None, Try::None));
    }
}
