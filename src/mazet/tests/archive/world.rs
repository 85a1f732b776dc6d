//! A tiny Debian archive, made when a test runs: a few packages built by dpkg-deb, indexes and
//! a signed Release for the release, its updates and its security updates.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mazet::digest::Digest;
use mazet::lock::{Entry, Part};
use mazet::mirror::Mirror;
use mazet::resolve::{Resolver, Target};
use mazet::sandbox::own;
use mazet_model::recipe::Suite;
use tempfile::TempDir;

use crate::openpgp::{Key, clear_sign};
use crate::server::Server;

/// Date of every Release file, and its seconds since 1970.
pub const DATE: (&str, u64) = ("Thu, 01 Jan 2026 00:00:00 UTC", 1_767_225_600);

/// Seeds of the keys that every Release file is signed with, as Debian signs with the keys of two
/// releases. The first one is trusted.
pub const KEYS: [u8; 2] = [1, 3];

/// Names a tools tree; `mazet test` sets it.
const TREE: &str = "MAZET_TEST_TOOLS";

/// A package to build: name, version, further control fields, bytes of content.
type Recipe = (&'static str, &'static str, &'static str, usize);

const RELEASE: [Recipe; 5] = [
    ("base-files", "13.8", "Essential: yes\n", 10),
    ("apt", "3.0.3", "", 10),
    ("greet", "2.1-1", "Depends: libgreet1 (>= 1:1.0~rc1)\n", 40_000),
    ("libgreet1", "1:1.0~rc1-1+b1", "", 200_000),
    ("lonely", "1.0", "Depends: nobody-has-this\n", 10),
];
const SECURITY: [Recipe; 1] = [("libgreet1", "1:1.0-1+deb13u1", "", 300_000)];
/// A newer program that needs a library of its own suite, and newer versions of what nobody asked for.
const BACKPORTS: [Recipe; 4] = [
    ("greet", "3.0-1~bpo13+1", "Depends: libgreet2, libgreet1\n", 10),
    ("libgreet2", "3.0-1~bpo13+1", "", 10),
    ("libgreet1", "2:3.0-1~bpo13+1", "", 10),
    ("apt", "3.9-1~bpo13+1", "", 10),
];

/// The archive, its server, and a place for what Mazet keeps.
pub struct World {
    folder: TempDir,
    /// The tools tree whose apt resolves; the host's where there is none.
    tree: Option<PathBuf>,
    /// Serves it.
    pub server: Server,
}

impl World {
    /// Builds, signs and serves the archive; the host's apt resolves.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// One world for the host's apt, and one for that of the tools tree that `mazet test` names.
    pub fn each() -> Vec<Self> {
        let tree = env::var_os(TREE).map(PathBuf::from);
        assert!(tree.is_some() || env::var_os("CI").is_none(), "{TREE} is not set: run `./mazet test`");
        let worlds = [None].into_iter().chain(tree.map(Some));
        worlds.map(Self::with).collect()
    }

    fn with(tree: Option<PathBuf>) -> Self {
        if tree.is_some() {
            own::stand_in(Path::new(env!("CARGO_BIN_EXE_mazet"))).expect("compiled with this test");
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let archive = folder.path().join("archive");
        suite(&archive.join("debian"), "trixie", &RELEASE);
        suite(&archive.join("debian"), "trixie-updates", &[]);
        suite(&archive.join("debian"), "trixie-backports", &BACKPORTS);
        suite(&archive.join("debian-security"), "trixie-security", &SECURITY);
        fs::write(folder.path().join("keys.gpg"), Key::new(KEYS[0]).keyring()).expect("written");
        let server = Server::start(&archive);
        Self { folder, tree, server }
    }

    /// A path in the archive.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("archive").join(path)
    }

    /// Where packages are kept.
    pub fn debs(&self) -> PathBuf {
        self.folder.path().join("debs")
    }

    /// Trusts the key of this seed alone from now on.
    pub fn trust(&self, seed: u8) {
        fs::write(self.folder.path().join("keys.gpg"), Key::new(seed).keyring()).expect("written");
    }

    /// The archive as a mirror.
    pub fn mirror(&self) -> Mirror {
        mirror_at(&self.server.url())
    }

    /// apt with a state of its own, which trusts the test's key.
    pub fn resolver(&self, mirror: &Mirror) -> Resolver {
        self.with_suites(mirror, &[])
    }

    /// The same with further suites.
    pub fn with_suites(&self, mirror: &Mirror, suites: &[Suite]) -> Resolver {
        let target = Target {
            release: "trixie".to_owned(),
            architecture: "amd64".to_owned(),
            foreign: Vec::new(),
            components: vec!["main".to_owned()],
            suites: suites.to_vec(),
            keyring: Some(self.folder.path().join("keys.gpg")),
        };
        Resolver::new(&self.folder.path().join("indexes"), mirror, &target, self.tree.as_deref())
            .expect("laid out")
    }

    /// apt's answer for these names.
    pub fn resolve(&self, names: &[&str]) -> Vec<Entry> {
        let resolver = self.resolver(&self.mirror());
        resolver.update(true).expect("the archive is sound");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        resolver.resolve(Part::Base, &names).expect("there is a solution")
    }
}

/// The two archives of a server at this address.
pub fn mirror_at(url: &str) -> Mirror {
    Mirror {
        main: format!("{url}/debian"),
        security: format!("{url}/debian-security"),
        // The loopback interface, whatever proxy the host's apt is told to use.
        apt_options: vec!["Acquire::http::Proxy \"DIRECT\";".to_owned()],
    }
}

/// Lays out one suite with its packages.
fn suite(archive: &Path, name: &str, packages: &[Recipe]) {
    let index_folder = archive.join("dists").join(name).join("main/binary-amd64");
    fs::create_dir_all(&index_folder).expect("made");
    let index: String = packages.iter().map(|recipe| build(archive, recipe)).collect();
    fs::write(index_folder.join("Packages"), &index).expect("written");
    let (date, _) = DATE;
    let release = format!(
        "Origin: Test\nLabel: Test\nSuite: {name}\nCodename: {name}\nDate: {date}\n\
         Architectures: amd64\nComponents: main\nSHA256:\n {} {} main/binary-amd64/Packages\n",
        Digest::of(&index),
        index.len()
    );
    let signed = clear_sign(&KEYS.map(Key::new), &release);
    fs::write(archive.join("dists").join(name).join("InRelease"), signed).expect("written");
}

/// Builds a package into the pool; gives its paragraph of the index.
fn build(archive: &Path, (name, version, fields, size): &Recipe) -> String {
    let tree = tempfile::tempdir().expect("a temporary folder");
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\n\
         Maintainer: A test <test@test.invalid>\n{fields}Description: a test's {name}\n"
    );
    fs::create_dir(tree.path().join("DEBIAN")).expect("made");
    fs::write(tree.path().join("DEBIAN/control"), &control).expect("written");
    let data = tree.path().join("usr/share").join(name);
    fs::create_dir_all(&data).expect("made");
    fs::write(data.join("data"), noise(*size)).expect("written");
    // A file name holds no epoch (Debian Policy, 5.6.12).
    let short = version.split_once(':').map_or(*version, |(_, rest)| rest);
    let path = format!("pool/main/{}/{name}/{name}_{short}_amd64.deb", &name[..1]);
    let deb = archive.join(&path);
    fs::create_dir_all(deb.parent().expect("a folder")).expect("made");
    let made = Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Znone", "--build"])
        .args([tree.path(), &deb])
        .output()
        .expect("dpkg-deb is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bytes = fs::read(&deb).expect("built");
    format!("{control}Filename: {path}\nSize: {}\nSHA256: {}\n\n", bytes.len(), Digest::of(&bytes))
}

/// Bytes without a pattern, the same each time (a 32-bit linear congruential generator).
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}
