//! The image file: one FAT file system that boots everything, and the partition table around it.

pub mod assemble;
pub mod beside;
pub mod grub;
