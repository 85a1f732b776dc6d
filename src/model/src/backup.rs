//! What the box's pages and its program for backups must agree on.

/// Folder of all backups on a disk: each box has one of its name in it.
pub const FOLDER: &str = "mazet-backup";
/// File systems that backups can be on, as `blkid` calls them: those that the kernel writes to.
pub const FILE_SYSTEMS: [&str; 6] = ["btrfs", "exfat", "ext4", "ntfs", "vfat", "xfs"];
/// Below a box's data while a backup is being put back there: a JSON object whose `snapshot` is the backup's name.
pub const RESTORING: &str = "mazet-backup/restore.json";
