//! What a built image says of itself: `/usr/share/mazet/image.json` on the box and
//! `<image>.manifest.json` beside the image file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where `mazetd` finds the description on the box.
pub const IMAGE_JSON: &str = "/usr/share/mazet/image.json";
/// Folder of the baked service manifests on the box.
pub const SERVICES_DIR: &str = "/usr/share/mazet/services";
/// Folder of the baked overlays on the box: `<service>/<source>`.
pub const OVERLAYS_DIR: &str = "/usr/share/mazet/overlays";
/// What boots the hardware: GRUB's `boot.img` and `core.img`, templates of `firmware/<hardware>/`.
pub const FIRMWARE_DIR: &str = "/usr/share/mazet/firmware";
/// Folder of the live files (kernel, initrd, layers) on the FAT file system.
pub const LIVE_DIR: &str = "live";

/// The image as baked into its `box` layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageInfo {
    /// Recipe name.
    pub name: String,
    /// Version of Mazet that built it.
    pub version: String,
    /// Debian release.
    pub release: String,
    /// Debian architecture.
    pub architecture: String,
    /// Folder of `firmware/` that boots it.
    pub hardware: String,
    /// Services, in dependency order.
    pub services: Vec<String>,
    /// The recipe's choice among services that are alternatives to each other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alternatives: BTreeMap<String, String>,
    /// Kernel release as `uname -r` prints it: names `/boot/vmlinuz-<kernel>`.
    pub kernel: String,
    /// Kernel arguments of the live system.
    pub kernel_arguments: Vec<String>,
    /// Volume id of the FAT file system: eight hexadecimal digits.
    pub volume_id: String,
    /// Digest over the lock and all sources; names this build.
    pub digest: String,
    /// Squashfs layers below `live/` on the FAT, lowest first.
    pub layers: Vec<String>,
    /// Size of all unpacked files, in bytes.
    pub unpacked_bytes: u64,
}

/// A FAT volume id of eight hexadecimal digits as `blkid` and GRUB's `search --fs-uuid` write it:
/// `12AB-34CD`.
pub fn fat_uuid(volume_id: &str) -> String {
    let (high, low) = volume_id.split_at(volume_id.len().min(4));
    format!("{high}-{low}").to_uppercase()
}

#[cfg(test)]
mod tests {
    #[test]
    fn grub_is_given_the_volume_id_with_its_dash() {
        assert_eq!(super::fat_uuid("12ab34cd"), "12AB-34CD");
    }
}
