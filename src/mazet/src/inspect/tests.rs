//! A small image made by the test: a real GPT, a real FAT, superblocks of layers.

use std::io::{Cursor, Write as _};

use fatfs::{FormatVolumeOptions, FsOptions};

use super::*;
use crate::digest::Digest;
use crate::lock::Archive;

const SECTORS: u64 = 16_384;
const ESP: (u64, u64) = (4096, SECTORS - 100);

/// A superblock as `mksquashfs -comp zstd` would write it.
fn layer(inodes: u32) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    bytes[..4].copy_from_slice(b"hsqs");
    bytes[4..8].copy_from_slice(&inodes.to_le_bytes());
    bytes[20] = 6;
    bytes
}

/// Writes `pc.img` with these files on its FAT.
fn image(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let mut disk = gpt::build::disk(SECTORS, (2048, 4095), ESP);
    let length = ((ESP.1 - ESP.0 + 1) * gpt::SECTOR) as usize;
    let start = (ESP.0 * gpt::SECTOR) as usize;
    let mut fat = vec![0; length];
    let options = FormatVolumeOptions::new().volume_label(*b"MAZET      ").volume_id(0xC0FF_EE01);
    fatfs::format_volume(Cursor::new(&mut fat), options).expect("formatted");
    {
        let system = fatfs::FileSystem::new(Cursor::new(&mut fat), FsOptions::new()).expect("opened");
        for (path, content) in files {
            let mut at = system.root_dir();
            let mut parts: Vec<&str> = path.split('/').collect();
            let name = parts.pop().expect("a name");
            for part in parts {
                at = at.create_dir(part).expect("made");
            }
            at.create_file(name).expect("made").write_all(content).expect("written");
        }
    }
    disk[start..start + length].copy_from_slice(&fat);
    let path = folder.join("pc.img");
    fs::write(&path, disk).expect("written");
    path
}

fn usual(folder: &Path) -> PathBuf {
    image(
        folder,
        &[
            ("EFI/BOOT/BOOTX64.EFI", &[1; 700]),
            ("live/filesystem.module", b"base.squashfs\nbox.squashfs\n"),
            ("live/box.squashfs", &layer(42)),
            ("live/base.squashfs", &layer(12_345)),
        ],
    )
}

#[test]
fn an_image_is_told_in_full() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = usual(folder.path());
    let manifest =
        r#"{"bytes":1,"image":{"name":"pc","release":"trixie","services":["base","web"],"digest":"0123"}}"#;
    fs::write(folder.path().join("pc.manifest.json"), manifest).expect("written");
    let entry = |part, name: &str| Entry {
        part,
        name: name.to_owned(),
        version: "1.0".to_owned(),
        architecture: "amd64".to_owned(),
        size: 10,
        sha256: Digest::of(name),
        archive: Archive::Main,
        path: format!("pool/{name}.deb"),
    };
    let packages = vec![entry(Part::Base, "apt"), entry(Part::Base, "sed"), entry(Part::Tools, "mtools")];
    let lock = Lock::new("trixie", "amd64", 1, packages).render();
    fs::write(folder.path().join("pc.lock"), lock).expect("written");
    let mut inspection = inspect(&path).expect("inspected");
    inspection.image = "pc.img".into();
    insta::assert_snapshot!(inspection.to_text(), @r"
    pc.img  8.0 MiB
      name          pc
      release       trixie
      services      base, web
      digest        0123

    partitions
      1  BIOS boot    mazet-bios      1.0 MiB
      2  EFI system   mazet-live      6.0 MiB

    layers, lowest first
      base.squashfs           4.0 KiB  zstd, 12345 files and folders
      box.squashfs            4.0 KiB  zstd, 42 files and folders

    files on the FAT (MAZET, c0ffee01)
      EFI/BOOT/BOOTX64.EFI                      700 B
      live/base.squashfs                      4.0 KiB
      live/box.squashfs                       4.0 KiB
      live/filesystem.module                     27 B

    2 packages: 2 base, 0 services
      base      apt                                    10 B  1.0
      base      sed                                    10 B  1.0
    ");
}

#[test]
fn the_json_names_layers_in_their_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = serde_json::to_value(inspect(&usual(folder.path())).expect("inspected")).expect("JSON");
    assert_eq!(json["layers"][0]["name"], "base.squashfs");
    assert_eq!(json["layers"][0]["inodes"], 12_345);
    assert_eq!(json["partitions"][1]["kind"], "EFI system");
    assert_eq!(json["packages"], Value::Null);
}

#[test]
fn faults_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let words = |path: &Path| format!("{:#}", inspect(path).expect_err("refused"));
    let path = image(folder.path(), &[("live/filesystem.module", b"base.squashfs\n")]);
    assert!(words(&path).contains("names base.squashfs, and the image has no such file"));
    let path = image(
        folder.path(),
        &[("live/filesystem.module", b"base.squashfs\n"), ("live/base.squashfs", &[0; 200])],
    );
    assert!(words(&path).contains("live/base.squashfs is no squashfs"));
    let file = fs::OpenOptions::new().write(true).open(&path).expect("opened");
    file.set_len(3_000_000).expect("cut");
    assert!(words(&path).contains("is cut off"));
    fs::write(&path, "hello").expect("written");
    assert!(words(&path).contains("there is no GUID partition table"));
}
