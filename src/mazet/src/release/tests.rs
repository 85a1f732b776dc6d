//! A release of a small image, and what becomes of it.

use mazet_model::image::ImageInfo;

use super::key::{Keys, read_secret};
use super::verify::{Extent, Trust, verify};
use super::*;

/// A folder with a built image `pc.img` and what stands beside it, and a builder's keys.
struct Builder {
    folder: tempfile::TempDir,
    keys: Keys,
}

fn info() -> ImageInfo {
    ImageInfo {
        name: "pc".to_owned(),
        version: "0.1.0".to_owned(),
        release: "trixie".to_owned(),
        architecture: "amd64".to_owned(),
        hardware: "pc".to_owned(),
        services: vec!["base".to_owned()],
        alternatives: std::collections::BTreeMap::new(),
        kernel: "6.12".to_owned(),
        kernel_arguments: Vec::new(),
        volume_id: "01234567".to_owned(),
        digest: Digest::of("build").to_string(),
        layers: vec!["base.squashfs".to_owned()],
        unpacked_bytes: 1,
    }
}

const LOCK: &str = include_str!("../../fixtures/release.lock");

impl Builder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let keys = Keys { folder: folder.path().join("config/mazet") };
        keys.make().expect("keys");
        let builder = Self { folder, keys };
        let image = used::build::image();
        let manifest = ImageManifest {
            key: Digest::of("inputs"),
            sha256: Digest::of(&image),
            bytes: image.len() as u64,
            image: info(),
            epoch: 1_700_000_000,
            packages: 1,
        };
        fs::write(builder.path("pc.img"), image).expect("written");
        let manifest = serde_json::to_string(&manifest).expect("JSON");
        fs::write(builder.path("pc.manifest.json"), manifest).expect("written");
        fs::write(builder.path("pc.lock"), LOCK).expect("written");
        fs::write(builder.path("pc.spdx.json"), "{}").expect("written");
        builder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn published() -> Self {
        let builder = Self::new();
        let key = read_secret(&builder.keys.secret()).expect("key");
        publish(&builder.path("pc.img"), &key).expect("published");
        builder
    }

    fn verify(&self, image: &str, extent: Extent) -> Result<verify::Verified> {
        verify(&self.path(image), &self.keys.trusted().expect("keys"), extent)
    }

    fn change(&self, name: &str, at: usize) {
        let mut bytes = fs::read(self.path(name)).expect("read");
        bytes[at] ^= 1;
        fs::write(self.path(name), bytes).expect("written");
    }
}

#[test]
fn a_release_verifies_packed_and_unpacked_and_is_a_fraction_of_its_size() {
    let builder = Builder::published();
    for image in ["pc.img", "pc.img.zst"] {
        let verified = builder.verify(image, Extent::Everything).expect("good");
        assert_eq!(verified.trust, Trust::Signed("Mazet 0.1.0 pc".to_owned()));
        assert_eq!(verified.files.len(), 7);
        let map = verified.map.expect("a map");
        assert!(map.used().bytes() < 4 << 20, "free clusters are in the map");
    }
    let packed = fs::metadata(builder.path("pc.img.zst")).expect("there").len();
    assert!(packed < 1 << 20, "{packed}");
    // Somebody who fetched the packed image alone.
    fs::remove_file(builder.path("pc.img")).expect("deleted");
    builder.verify("pc.img.zst", Extent::Everything).expect("good");
}

#[test]
fn every_changed_file_is_found() {
    let changes = [("pc.img", 2 << 20), ("pc.img.zst", 100), ("pc.img.bmap", 200), ("pc.lock", 5)];
    for (name, at) in changes.into_iter().chain([("pc.intoto.json", 50), ("pc.spdx.json", 0)]) {
        let builder = Builder::published();
        builder.change(name, at);
        let error = format!("{:#}", builder.verify("pc.img.zst", Extent::Everything).expect_err("changed"));
        assert!(error.contains(&format!("{name} is damaged or was changed")), "{error}");
    }
    for name in ["pc.SHA256SUMS", "pc.SHA256SUMS.minisig"] {
        let builder = Builder::published();
        let last = fs::read(builder.path(name)).expect("read").len() - 10;
        builder.change(name, last);
        let error = format!("{:#}", builder.verify("pc.img", Extent::Image).expect_err("changed"));
        assert!(error.contains("checking the signature"), "{error}");
    }
}

#[test]
fn what_flashing_does_not_read_does_not_keep_it_from_flashing() {
    let builder = Builder::published();
    builder.change("pc.lock", 5);
    builder.verify("pc.img.zst", Extent::Image).expect("the image is good");
}

#[test]
fn an_image_without_a_signature_is_unsigned_and_damage_is_found_all_the_same() {
    let builder = Builder::new();
    let sum = Digest::of_file(&builder.path("pc.img")).expect("read");
    fs::write(builder.path("pc.img.sha256"), format!("{sum}  pc.img\n")).expect("written");
    let verified = builder.verify("pc.img", Extent::Everything).expect("unsigned");
    assert_eq!((verified.trust, verified.files.len()), (Trust::Unsigned, 1));
    builder.change("pc.img", 2 << 20);
    assert!(builder.verify("pc.img", Extent::Image).is_err());
}

#[test]
fn a_newer_image_takes_the_older_release_away() {
    let builder = Builder::published();
    withdraw(&builder.path("pc.img")).expect("deleted");
    builder.change("pc.img", 2 << 20);
    let verified = builder.verify("pc.img", Extent::Everything).expect("unsigned");
    assert_eq!(verified.trust, Trust::Unsigned);
    assert!(!builder.path("pc.img.zst").exists());
    withdraw(&builder.path("pc.img")).expect("nothing to delete");
}

#[test]
fn the_same_build_gives_the_same_release_but_for_the_signature() {
    let builder = Builder::published();
    let names = ["pc.img.zst", "pc.img.bmap", "pc.intoto.json", "pc.SHA256SUMS"];
    let before = names.map(|name| fs::read(builder.path(name)).expect("read"));
    let key = read_secret(&builder.keys.secret()).expect("key");
    publish(&builder.path("pc.img"), &key).expect("published");
    assert!(before == names.map(|name| fs::read(builder.path(name)).expect("read")));
}

#[test]
fn the_provenance_names_image_builder_and_every_package() {
    let builder = Builder::published();
    let text = fs::read_to_string(builder.path("pc.intoto.json")).expect("read");
    let statement: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(statement["subject"][0]["name"], "pc.img");
    let image = Digest::of_file(&builder.path("pc.img")).expect("read").to_string();
    assert_eq!(statement["subject"][0]["digest"]["sha256"], image);
    let made = &statement["predicate"]["buildDefinition"];
    assert_eq!(made["externalParameters"]["recipe"], "pc");
    let materials = made["resolvedDependencies"].as_array().expect("a list");
    assert_eq!(materials.len(), 1 + Lock::parse(LOCK).expect("lock").packages.len());
    assert_eq!(materials[0]["digest"]["sha256"], Digest::of(LOCK).to_string());
    assert!(materials[1]["uri"].as_str().expect("a URI").starts_with("pkg:deb/debian/"));
    let id = statement["predicate"]["runDetails"]["builder"]["id"].as_str().expect("a URI");
    assert!(id.starts_with("urn:mazet:builder:minisign:"), "{id}");
}
