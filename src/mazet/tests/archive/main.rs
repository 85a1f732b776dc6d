//! Resolving, locking and fetching from a tiny signed archive on the loopback interface.
//!
//! Real apt, real signatures, real HTTP; no network. What goes wrong at mirrors is made to go
//! wrong here, and the user is told so in as many words.

mod openpgp;
mod server;
mod world;

use std::fs;
use std::net::TcpListener;

use mazet::digest::Digest;
use mazet::fetch::{self, FetchError};
use mazet::lock::{Archive, Entry, Lock, Part};
use mazet::mirror::Mirror;
use mazet::ui::Ui;
use mazet_model::recipe::Suite;
use server::Request;
use world::{DATE, KEYS, World, mirror_at};

fn fetch_all(world: &World, mirror: Option<&Mirror>, entries: &[Entry]) -> anyhow::Result<u64> {
    fetch::fetch(&world.debs(), mirror, entries, &Ui::new().step("fetching"))
}

fn fault(world: &World, mirror: Option<&Mirror>, entries: &[Entry]) -> FetchError {
    let error = fetch_all(world, mirror, entries).expect_err("refused");
    error.downcast().expect("one of our own errors")
}

fn named<'a>(entries: &'a [Entry], name: &str) -> &'a Entry {
    entries.iter().find(|entry| entry.name == name).expect("resolved")
}

/// An address of the loopback interface where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// Everything in the cache, by name.
fn kept(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.debs()).expect("readable").flatten();
    let mut names: Vec<_> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn names_become_a_lock_and_the_lock_becomes_packages() {
    for world in World::each() {
        let entries = world.resolve(&["greet"]);
        let seen: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.version.as_str(), e.archive)).collect();
        assert_eq!(
            seen,
            [
                ("apt", "3.0.3", Archive::Main),
                ("base-files", "13.8", Archive::Main),
                ("greet", "2.1-1", Archive::Main),
                ("libgreet1", "1:1.0-1+deb13u1", Archive::Security),
            ]
        );
        let epoch = world.resolver(&world.mirror()).epoch().expect("there are indexes");
        assert_eq!(epoch, DATE.1);

        let lock = Lock::new("trixie", "amd64", epoch, entries);
        let read = Lock::parse(&lock.render()).expect("own rendering");
        assert_eq!(read, lock);

        fetch_all(&world, Some(&world.mirror()), &read.packages).expect("fetched");
        for entry in &read.packages {
            let path = fetch::path(&world.debs(), entry);
            assert_eq!(Digest::of_file(&path).expect("there"), entry.sha256, "{}", entry.name);
        }
        let requests = world.server.package_requests().len();
        assert_eq!(fetch_all(&world, Some(&world.mirror()), &read.packages).expect("nothing to do"), 0);
        assert_eq!(fetch_all(&world, None, &read.packages).expect("nothing to do"), 0);
        assert_eq!(world.server.package_requests().len(), requests, "what is kept is not asked for again");
    }
}

/// From trixie-backports come `packages` alone.
fn backports(packages: &[&str]) -> Suite {
    let packages = packages.iter().map(|name| (*name).to_owned()).collect();
    Suite { name: "trixie-backports".to_owned(), packages }
}

#[test]
fn from_a_further_suite_come_the_named_packages_alone() {
    for world in World::each() {
        let resolver = world.with_suites(&world.mirror(), &[backports(&["greet", "libgreet2*"])]);
        resolver.update(true).expect("the archive is sound");
        let entries = resolver.resolve(Part::Base, &["greet".to_owned()]).expect("there is a solution");
        let seen: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.version.as_str(), e.archive)).collect();
        assert_eq!(
            seen,
            [
                ("apt", "3.0.3", Archive::Main),
                ("base-files", "13.8", Archive::Main),
                ("greet", "3.0-1~bpo13+1", Archive::Main),
                ("libgreet1", "1:1.0-1+deb13u1", Archive::Security),
                ("libgreet2", "3.0-1~bpo13+1", Archive::Main),
            ]
        );
    }
}

#[test]
fn a_dependency_of_a_further_suite_that_is_not_named_is_missed() {
    for world in World::each() {
        let resolver = world.with_suites(&world.mirror(), &[backports(&["greet"])]);
        resolver.update(true).expect("the archive is sound");
        let error = resolver.resolve(Part::Base, &["greet".to_owned()]).expect_err("no solution");
        assert!(format!("{error:#}").contains("libgreet2"), "{error:#}");
    }
}

#[test]
fn a_further_suite_without_a_good_signature_is_refused() {
    for world in World::each() {
        let path = world.file("debian/dists/trixie-backports/InRelease");
        let text = fs::read_to_string(&path).expect("readable");
        fs::write(&path, text.replace("Label: Test", "Label: Evil")).expect("written");
        let resolver = world.with_suites(&world.mirror(), &[backports(&["greet"])]);
        let error = resolver.update(true).expect_err("refused");
        assert!(format!("{error:#}").starts_with("the archive's signature does not hold"), "{error:#}");
        world.resolve(&["greet"]);
    }
}

#[test]
fn a_dependency_that_nobody_has_is_explained_by_apt() {
    for world in World::each() {
        world.resolve(&["greet"]);
        let resolver = world.resolver(&world.mirror());
        let error = resolver.resolve(Part::Base, &["lonely".to_owned()]).expect_err("no solution");
        assert!(format!("{error:#}").contains("nobody-has-this"), "{error:#}");
    }
}

#[test]
fn a_release_file_that_was_touched_is_refused() {
    for world in World::each() {
        let path = world.file("debian/dists/trixie/InRelease");
        let text = fs::read_to_string(&path).expect("readable");
        fs::write(&path, text.replace("Label: Test", "Label: Evil")).expect("written");
        let error = world.resolver(&world.mirror()).update(true).expect_err("refused");
        assert!(format!("{error:#}").starts_with("the archive's signature does not hold"), "{error:#}");
    }
}

#[test]
fn a_key_that_is_not_trusted_is_refused() {
    for world in World::each() {
        world.trust(2);
        let error = world.resolver(&world.mirror()).update(true).expect_err("refused");
        assert!(format!("{error:#}").starts_with("the archive's signature does not hold"), "{error:#}");
    }
}

#[test]
fn one_trusted_key_of_several_is_enough() {
    for world in World::each() {
        world.trust(KEYS[1]);
        assert_eq!(world.resolve(&["greet"]).len(), 4);
    }
}

#[test]
fn an_index_that_is_not_the_signed_one_is_refused() {
    for world in World::each() {
        let path = world.file("debian/dists/trixie/main/binary-amd64/Packages");
        let text = fs::read_to_string(&path).expect("readable");
        fs::write(&path, text.replace("Version: 2.1-1", "Version: 6.6-6")).expect("written");
        assert!(world.resolver(&world.mirror()).update(true).is_err());
    }
}

#[test]
fn a_package_that_is_not_the_locked_one_is_thrown_away() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    let wanted = named(&entries, "greet").clone();
    let path = world.file(&format!("debian/{}", wanted.path));
    let mut bytes = fs::read(&path).expect("readable");
    bytes[20_000] ^= 1;
    fs::write(&path, &bytes).expect("written");
    match fault(&world, Some(&world.mirror()), std::slice::from_ref(&wanted)) {
        FetchError::WrongHash { package, found, wanted: locked } => {
            assert_eq!(package, "greet 2.1-1");
            assert_eq!((found, locked), (Digest::of(&bytes), wanted.sha256));
        }
        other => panic!("{other}"),
    }
    assert_eq!(kept(&world), Vec::<String>::new(), "nothing of it is kept");
}

#[test]
fn a_version_that_the_mirror_dropped_is_named() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    let wanted = named(&entries, "libgreet1");
    fs::remove_file(world.file(&format!("debian-security/{}", wanted.path))).expect("removed");
    match fault(&world, Some(&world.mirror()), &entries) {
        FetchError::Vanished { package, address } => {
            assert_eq!(package, "libgreet1 1:1.0-1+deb13u1");
            assert!(address.starts_with(&world.server.url()), "{address}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn no_network_is_told_as_such_by_apt_and_by_the_fetcher() {
    for world in World::each() {
        let entries = world.resolve(&["greet"]);
        let nowhere = mirror_at(&closed_port());
        assert!(matches!(fault(&world, Some(&nowhere), &entries), FetchError::NoNetwork { .. }));
        let error = world.resolver(&nowhere).update(true).expect_err("refused");
        assert!(format!("{error:#}").starts_with("no network, or the mirror does not answer"), "{error:#}");
    }
}

#[test]
fn without_the_network_what_is_missing_is_counted() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    match fault(&world, None, &entries) {
        FetchError::Offline { count, .. } => assert_eq!(count, entries.len()),
        other => panic!("{other}"),
    }
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    let wanted = named(&entries, "libgreet1").clone();
    let name = wanted.path.rsplit('/').next().expect("a name");
    world.server.cut_once(name, 100_000);
    fetch_all(&world, Some(&world.mirror()), std::slice::from_ref(&wanted)).expect("fetched in two goes");
    let from: Vec<_> = world.server.package_requests().iter().map(|request| request.from).collect();
    assert_eq!(from.len(), 2, "{from:?}");
    assert_eq!(from[0], None);
    // What the first connection gave is not asked for again.
    assert!(from[1].is_some_and(|byte| byte > 0 && byte <= 100_000), "{from:?}");
    let path = fetch::path(&world.debs(), &wanted);
    assert_eq!(Digest::of_file(&path).expect("there"), wanted.sha256);
}

#[test]
fn what_an_interrupted_build_fetched_is_used() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    let wanted = named(&entries, "greet").clone();
    let whole = fs::read(world.file(&format!("debian/{}", wanted.path))).expect("readable");
    fs::create_dir_all(world.debs()).expect("made");
    fs::write(world.debs().join(format!("{}.part", wanted.sha256)), &whole[..15_000]).expect("written");
    fetch_all(&world, Some(&world.mirror()), std::slice::from_ref(&wanted)).expect("fetched");
    let requests = world.server.package_requests();
    assert_eq!(requests, [Request { path: format!("/debian/{}", wanted.path), from: Some(15_000) }]);
    assert_eq!(kept(&world), [format!("{}.deb", wanted.sha256)]);
}

#[test]
fn remains_with_wrong_bytes_do_no_harm() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    let wanted = named(&entries, "greet").clone();
    fs::create_dir_all(world.debs()).expect("made");
    fs::write(world.debs().join(format!("{}.part", wanted.sha256)), vec![0; 90_000]).expect("written");
    fetch_all(&world, Some(&world.mirror()), std::slice::from_ref(&wanted)).expect("fetched anew");
    let path = fetch::path(&world.debs(), &wanted);
    assert_eq!(Digest::of_file(&path).expect("there"), wanted.sha256);
}

#[test]
fn a_full_disk_is_told_with_what_is_missing() {
    let world = World::new();
    let entries = world.resolve(&["greet"]);
    let wanted = named(&entries, "libgreet1").clone();
    fs::create_dir_all(world.debs()).expect("made");
    // Linux's /dev/full answers every write with "no space left".
    let part = world.debs().join(format!("{}.part", wanted.sha256));
    std::os::unix::fs::symlink("/dev/full", part).expect("linked");
    match fault(&world, Some(&world.mirror()), &[wanted]) {
        FetchError::DiskFull { package, missing_mib, .. } => {
            assert_eq!(package, "libgreet1 1:1.0-1+deb13u1");
            assert_eq!(missing_mib, 1);
        }
        other => panic!("{other}"),
    }
}
