//! Laying GRUB's two BIOS images onto a GPT disk, without a loop device.
//!
//! What `grub-bios-setup` does for a hard disk, as a pure function of bytes: `boot.img`
//! learns where `core.img` starts, and `core.img`'s first sector learns where the rest of
//! itself lies. Offsets are those of GRUB 2.12's `i386/pc/boot.h` and `diskboot.S`.

use thiserror::Error;

/// Bytes of a sector.
pub const SECTOR: usize = 512;
/// Bytes of code in the master boot record before its disk signature and partition table.
pub const BOOT_CODE: usize = 440;
/// Where `boot.img` keeps the sector of `core.img` (64-bit, little endian).
const KERNEL_SECTOR: usize = 0x5C;
/// The jump that skips the drive check; two NOPs make it take the BIOS's drive as it is.
const DRIVE_CHECK: usize = 0x66;
/// The last entry of the block list at the end of `core.img`'s first sector.
const BLOCK_LIST: usize = SECTOR - 12;
/// Real-mode segment that the rest of `core.img` is loaded to.
const LOAD_SEGMENT: u16 = 0x0820;

/// Why GRUB's images could not be laid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BiosError {
    /// `boot.img` is not one sector.
    #[error("GRUB's boot.img has {0} bytes where one sector of {SECTOR} was expected")]
    BootImage(usize),
    /// `core.img` is too short or too long for its block list.
    #[error("GRUB's core.img has {0} bytes where {SECTOR} to 1,048,576 were expected")]
    CoreImage(usize),
}

/// The master boot record's code that loads `core.img` from sector `core_lba`.
///
/// # Errors
/// When `boot_img` is not one sector.
pub fn boot_sector(boot_img: &[u8], core_lba: u64) -> Result<[u8; BOOT_CODE], BiosError> {
    if boot_img.len() != SECTOR {
        return Err(BiosError::BootImage(boot_img.len()));
    }
    let mut code = [0; BOOT_CODE];
    code.copy_from_slice(&boot_img[..BOOT_CODE]);
    code[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&core_lba.to_le_bytes());
    code[DRIVE_CHECK..DRIVE_CHECK + 2].copy_from_slice(&[0x90, 0x90]);
    Ok(code)
}

/// `core.img` as it must stand from sector `core_lba` on, padded to whole sectors.
///
/// # Errors
/// When `core_img` is shorter than a sector or larger than a BIOS-boot partition.
pub fn core_image(core_img: &[u8], core_lba: u64) -> Result<Vec<u8>, BiosError> {
    if !(SECTOR..=1 << 20).contains(&core_img.len()) {
        return Err(BiosError::CoreImage(core_img.len()));
    }
    let mut core = core_img.to_vec();
    core.resize(core_img.len().next_multiple_of(SECTOR), 0);
    let rest = u16::try_from(core.len() / SECTOR - 1).map_err(|_| BiosError::CoreImage(core_img.len()))?;
    core[BLOCK_LIST..BLOCK_LIST + 8].copy_from_slice(&(core_lba + 1).to_le_bytes());
    core[BLOCK_LIST + 8..BLOCK_LIST + 10].copy_from_slice(&rest.to_le_bytes());
    core[BLOCK_LIST + 10..].split_at_mut(2).0.copy_from_slice(&LOAD_SEGMENT.to_le_bytes());
    Ok(core)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_sector_points_at_the_core_image() {
        let mut image = vec![0xAA; SECTOR];
        image[0] = 0xEB;
        let code = boot_sector(&image, 2048).expect("one sector");
        assert_eq!(code[0], 0xEB);
        assert_eq!(code[0x5C..0x64], 2048u64.to_le_bytes());
        assert_eq!(code[0x66..0x68], [0x90, 0x90]);
        assert_eq!(code[0x68], 0xAA);
    }

    #[test]
    fn the_core_image_points_at_its_own_rest() {
        let core = core_image(&vec![0xBB; 1300], 2048).expect("long enough");
        assert_eq!(core.len(), 3 * SECTOR);
        assert_eq!(core[0x1F4..0x1FC], 2049u64.to_le_bytes());
        assert_eq!(core[0x1FC..0x200], [2, 0, 0x20, 0x08]);
        assert_eq!(core[1299], 0xBB);
        assert_eq!(core[1300], 0);
    }

    #[test]
    fn images_of_the_wrong_size_are_refused() {
        assert_eq!(boot_sector(&[0; 511], 1), Err(BiosError::BootImage(511)));
        assert_eq!(core_image(&[0; 100], 1), Err(BiosError::CoreImage(100)));
    }
}
