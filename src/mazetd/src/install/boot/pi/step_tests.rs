use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

const LINE: &str = "root=UUID=1 rw\n";

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

/// A root tree with kernel `release`, whose files hold their release.
fn root(release: &str) -> TempDir {
    let root = tempfile::tempdir().expect("temporary folder");
    let here = root.path();
    put(here, &format!("boot/vmlinuz-{release}"), &format!("kernel {release}"));
    put(here, &format!("boot/initrd.img-{release}"), &format!("initrd {release}"));
    let trees = format!("usr/lib/linux-image-{release}/broadcom");
    put(here, &format!("{trees}/bcm2837-rpi-3-b.dtb"), &format!("tree {release}"));
    put(here, &format!("{trees}/bcm4908-router.dtb"), "not a Pi's");
    put(here, "usr/lib/raspi-firmware/overlays/disable-bt.dtbo", "overlay");
    symlink(format!("boot/vmlinuz-{release}"), here.join("vmlinuz")).expect("linked");
    symlink(format!("boot/initrd.img-{release}"), here.join("initrd.img")).expect("linked");
    root
}

/// A FAT as it is flashed.
fn fat() -> TempDir {
    let fat = tempfile::tempdir().expect("temporary folder");
    put(fat.path(), "live/vmlinuz", "live kernel");
    put(fat.path(), "config.txt", "arm_64bit=1\nos_prefix=live/\n");
    fat
}

fn keep(fat: &TempDir, root: &TempDir) -> Option<String> {
    let sources = folder::Sources::of(root.path()).expect("a whole tree");
    in_step(fat.path(), &sources, LINE).expect("in step")
}

fn started(fat: &TempDir, file: &str) -> String {
    let folder = config::current(fat.path()).expect("a prefix");
    fs::read_to_string(fat.path().join(folder).join(file)).expect("there")
}

#[test]
fn an_update_goes_to_the_other_folder_and_is_then_started() {
    let (fat, old, new) = (fat(), root("6.1"), root("6.2"));
    assert_eq!(keep(&fat, &old).as_deref(), Some("system-a"));
    assert_eq!(started(&fat, "vmlinuz"), "kernel 6.1");
    assert_eq!(started(&fat, "bcm2837-rpi-3-b.dtb"), "tree 6.1");
    assert_eq!(started(&fat, "overlays/disable-bt.dtbo"), "overlay");
    assert_eq!(started(&fat, "cmdline.txt"), LINE);
    assert!(!fat.path().join("system-a/bcm4908-router.dtb").exists());
    assert_eq!(keep(&fat, &old), None, "twice changes nothing");
    assert_eq!(keep(&fat, &new).as_deref(), Some("system-b"));
    assert_eq!(started(&fat, "initrd.img"), "initrd 6.2");
    assert_eq!(fs::read_to_string(fat.path().join("live/vmlinuz")).expect("there"), "live kernel");
}

#[test]
fn device_trees_are_found_where_newer_kernels_have_them_and_overlays_with_what_makes_them_be_read() {
    let (fat, root) = (fat(), root("7.3"));
    let here = root.path();
    fs::remove_dir_all(here.join("usr/lib/linux-image-7.3")).expect("removed");
    put(here, "usr/lib/modules/7.3/dtb/broadcom/bcm2712-rpi-5-b.dtb", "tree 7.3");
    let own = "usr/share/mazet/firmware";
    put(here, &format!("{own}/bcm2712d0.dtbo"), "our overlay");
    put(here, &format!("{own}/overlays/README"), "read these");
    put(here, &format!("{own}/overlays/bcm2712d0.dts"), "its source");
    put(here, &format!("{own}/config.txt.hbs"), "no overlay");
    assert_eq!(keep(&fat, &root).as_deref(), Some("system-a"));
    assert_eq!(started(&fat, "bcm2712-rpi-5-b.dtb"), "tree 7.3");
    let mut overlays: Vec<_> = fs::read_dir(fat.path().join("system-a/overlays"))
        .expect("listed")
        .map(|entry| entry.expect("read").file_name().into_string().expect("a name"))
        .collect();
    overlays.sort();
    assert_eq!(overlays, ["README", "bcm2712d0.dtbo", "disable-bt.dtbo"]);
}

#[test]
fn going_back_to_a_snapshot_starts_the_old_kernel_without_writing_it_again() {
    let (fat, old, new) = (fat(), root("6.1"), root("6.2"));
    keep(&fat, &old);
    keep(&fat, &new);
    let written = fs::metadata(fat.path().join("system-a/vmlinuz")).expect("there").modified().expect("time");
    assert_eq!(keep(&fat, &old).as_deref(), Some("system-a"));
    assert_eq!(started(&fat, "vmlinuz"), "kernel 6.1");
    let now = fs::metadata(fat.path().join("system-a/vmlinuz")).expect("there").modified().expect("time");
    assert_eq!(written, now);
}

#[test]
fn a_power_cut_while_a_folder_is_written_leaves_the_other_one_started() {
    let (fat, old, new) = (fat(), root("6.1"), root("6.2"));
    keep(&fat, &old);
    // Half of the new one, and `config.txt` not changed yet.
    put(fat.path(), "system-b/vmlinuz", "kern");
    assert_eq!(started(&fat, "vmlinuz"), "kernel 6.1");
    assert_eq!(keep(&fat, &new).as_deref(), Some("system-b"));
    assert_eq!(started(&fat, "vmlinuz"), "kernel 6.2");
}

#[test]
fn what_is_no_whole_box_is_refused_and_nothing_is_switched() {
    let (fat, root) = (fat(), root("6.1"));
    fs::remove_file(root.path().join("boot/initrd.img-6.1")).expect("removed");
    let sources = folder::Sources::of(root.path()).expect("read");
    assert!(in_step(fat.path(), &sources, LINE).is_err());
    assert_eq!(config::current(fat.path()).as_deref(), Some("live"));
    fs::remove_dir_all(root.path().join("usr/lib/linux-image-6.1")).expect("removed");
    let error = format!("{:#}", folder::Sources::of(root.path()).expect_err("no device trees"));
    assert!(error.starts_with("looking for the device trees of kernel 6.1: "), "{error}");
    let foreign = tempfile::tempdir().expect("temporary folder");
    let error = in_step(foreign.path(), &sources, LINE).expect_err("no FAT of ours").to_string();
    assert_eq!(error, "this FAT is none of Mazet's: it has no folder live");
}

#[test]
fn the_fat_is_found_on_the_disk_of_the_boxs_own_file_system() {
    let sys = tempfile::tempdir().expect("temporary folder");
    let here = sys.path();
    put(here, "btrfs/1b4e28ba/devices/mmcblk0p2", "");
    put(here, "btrfs/features/raid1", "");
    put(here, "devices/mmcblk0/mmcblk0p1/partition", "1\n");
    put(here, "devices/mmcblk0/mmcblk0p2/partition", "2\n");
    fs::create_dir(here.join("block")).expect("made");
    symlink("../devices/mmcblk0/mmcblk0p2", here.join("block/mmcblk0p2")).expect("linked");
    let (uuid, devices) = of_device(&here.join("btrfs"), "mmcblk0p2").expect("found");
    assert_eq!((uuid.as_str(), devices), ("1b4e28ba", vec!["mmcblk0p2".to_owned()]));
    assert!(of_device(&here.join("btrfs"), "sda2").is_err());
    let first = first_partition(&here.join("block"), "mmcblk0p2").expect("found");
    assert_eq!(first, Path::new("/dev/mmcblk0p1"));
}
