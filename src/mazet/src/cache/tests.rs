//! Caches laid out by the test.

use std::time::Duration;

use super::*;

const OLD: &str = "layers/base-0123456789abcdef";
const NEW: &str = "layers/base-fedcba9876543210";

/// A cache with two results of one stage, a download and the remains of an interrupted stage.
fn cache() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    for folder in [OLD, NEW, "layers/.box.partial", "debs"] {
        fs::create_dir_all(root.path().join(folder)).expect("folder made");
    }
    fs::write(root.path().join(OLD).join("layer"), vec![1; 9000]).expect("written");
    fs::write(root.path().join("debs/x.deb"), vec![1; 5000]).expect("written");
    fs::write(root.path().join("layers/.base.lock"), "").expect("written");
    let past = SystemTime::now() - Duration::from_secs(3600);
    File::open(root.path().join(OLD)).and_then(|folder| folder.set_modified(past)).expect("aged");
    root
}

fn names(root: &Path, paths: &[PathBuf]) -> Vec<String> {
    let name = |path: &PathBuf| path.strip_prefix(root).expect("below").display().to_string();
    paths.iter().map(name).collect()
}

fn remove(path: &Path) -> Result<()> {
    Ok(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }?)
}

#[test]
fn sizes_are_told_by_folder() {
    let root = cache();
    let size = size(root.path()).expect("measured");
    let seen: Vec<_> = size.folders.iter().map(|f| (f.name.as_str(), f.files)).collect();
    assert_eq!(seen, [("debs", 1), ("layers", 2)]);
    assert!(size.folders[0].bytes >= 5000 && size.bytes() >= 14000, "{size:?}");
    assert!(size.to_text().contains("total"));
}

#[test]
fn a_file_with_two_names_counts_once() {
    let root = cache();
    let before = size(root.path()).expect("measured").bytes();
    fs::hard_link(root.path().join("debs/x.deb"), root.path().join(NEW).join("x.deb")).expect("linked");
    assert_eq!(size(root.path()).expect("measured").bytes(), before);
}

#[test]
fn an_absent_cache_is_empty() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let absent = root.path().join("none");
    assert_eq!(size(&absent).expect("measured").folders, []);
    assert_eq!(clean(&absent, Extent::All, remove).expect("cleaned"), Vec::<PathBuf>::new());
}

#[test]
fn cleaning_keeps_the_newest_result_and_the_downloads() {
    let root = cache();
    let gone = clean(root.path(), Extent::Superseded, remove).expect("cleaned");
    assert_eq!(names(root.path(), &gone), ["layers/.box.partial", OLD]);
    assert!(root.path().join(NEW).exists() && root.path().join("debs/x.deb").exists());
    assert!(!root.path().join(OLD).exists());
}

#[test]
fn what_the_last_build_of_another_recipe_used_is_kept() {
    let root = cache();
    for (recipe, result) in [("pi", OLD), ("pc", NEW)] {
        note_use(root.path(), recipe, &[&root.path().join(result)]).expect("noted");
    }
    let gone = clean(root.path(), Extent::Superseded, remove).expect("cleaned");
    assert_eq!(names(root.path(), &gone), ["layers/.box.partial"]);
}

#[test]
fn what_only_an_earlier_build_of_a_recipe_used_is_not_kept() {
    let root = cache();
    for result in [OLD, NEW] {
        note_use(root.path(), "pi", &[&root.path().join(result)]).expect("noted");
    }
    let gone = clean(root.path(), Extent::Superseded, remove).expect("cleaned");
    assert_eq!(names(root.path(), &gone), ["layers/.box.partial", OLD]);
}

#[test]
fn cleaning_all_leaves_nothing() {
    let root = cache();
    clean(root.path(), Extent::All, remove).expect("cleaned");
    assert_eq!(children(root.path()).expect("readable"), Vec::<PathBuf>::new());
}

#[test]
fn a_running_build_is_left_alone() {
    let root = cache();
    let lock = File::open(root.path().join("layers/.base.lock")).expect("opened");
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("taken");
    let gone = clean(root.path(), Extent::Superseded, remove).expect("cleaned");
    assert_eq!(names(root.path(), &gone), ["layers/.box.partial"]);
    let refused = clean(root.path(), Extent::All, remove).expect_err("refused");
    assert!(refused.to_string().starts_with("a build is running"), "{refused}");
    assert!(root.path().join(OLD).exists());
}

#[test]
fn a_name_with_a_dash_is_no_result_without_its_key() {
    assert_eq!(stage_of_result("tools-0123456789abcdef"), Some("tools"));
    assert_eq!(stage_of_result("live-boot-0123456789abcdef"), Some("live-boot"));
    assert_eq!(stage_of_result("live-boot"), None);
    assert_eq!(stage_of_result("-0123456789abcdef"), None);
}
