use super::*;

fn image() -> ImageInfo {
    ImageInfo {
        name: "pi".to_owned(),
        version: "0.1.0".to_owned(),
        release: "trixie".to_owned(),
        architecture: "arm64".to_owned(),
        hardware: "pi".to_owned(),
        services: Vec::new(),
        alternatives: std::collections::BTreeMap::new(),
        kernel: "6.12-arm64".to_owned(),
        kernel_arguments: [
            "boot=live",
            "console=tty0",
            "console=ttyS1,115200",
            "systemd.unit=mazet-live.target",
        ]
        .map(str::to_owned)
        .into(),
        volume_id: "12AB34CD".to_owned(),
        digest: String::new(),
        layers: Vec::new(),
        unpacked_bytes: 0,
    }
}

#[test]
fn the_installed_system_has_the_images_consoles_and_its_own_root() {
    assert_eq!(
        arguments("1b4e28ba", &image()),
        "root=UUID=1b4e28ba rootfstype=btrfs rootflags=subvol=root,degraded rootwait rw console=tty0 console=ttyS1,115200"
    );
}

#[test]
fn another_disk_is_partitioned_as_every_pi_reads_it() {
    let disk = TargetDisk::new(&Pi, "sda", 64_000_000_000, "12AB34CD".to_owned(), false);
    insta::assert_snapshot!(Pi.script(&disk), @r"
    label: dos
    unit: sectors

    start=8192, size=4096MiB, type=c, bootable
    type=83
    ");
}

#[test]
fn what_would_start_another_disk_too_early_is_held_back() {
    for path in
        ["bootcode.bin", "start4.elf", "START.ELF", "config.txt", "system-a/vmlinuz", "system-b/initrd.img"]
    {
        assert!(is_held_back(Path::new(path)), "{path}");
    }
    for path in ["fixup4.dat", "live/vmlinuz", "live/cmdline.txt", "live/overlays/start.elf"] {
        assert!(!is_held_back(Path::new(path)), "{path}");
    }
}
