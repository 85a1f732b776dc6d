//! All of a site in one file (tar, RFC 1952 gzip), and back.
//!
//! An archive holds `site.json`, which says what it is of, and each folder of the kind's `backup.copy` below its
//! number: `0/…`, `1/…`. Folders and files alone: what is a link on the box is not followed, and not kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown, fchown};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use mazet_model::settings::Website;
use mazet_model::site_kind::SiteKind;
use rustix::fs::{CWD, Dir, FileType, renameat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tree;
use crate::files;
use crate::system::below;

/// Where archives are kept, each site's in a folder of its name; root's own.
pub const FOLDER: &str = "/srv/site-archives";
/// How many of a site are kept.
const KEPT: usize = 5;
/// What an archive is of.
const DESCRIPTION: &str = "site.json";
/// Where a site is put together again, beside its archives.
const SCRATCH: &str = ".restore";

/// An archive that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// When it was made, in seconds since 1970: its name.
    pub at: i64,
    /// Its size.
    pub bytes: u64,
}

/// What an archive says of itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    name: String,
    kind: String,
    folders: usize,
}

impl Description {
    fn of(site: &Website, kind: &SiteKind) -> Self {
        Self { format: 1, name: site.name.clone(), kind: site.kind.clone(), folders: kind.backup.copy.len() }
    }
}

/// The archives of the site of that name, the newest first.
///
/// # Errors
/// When they cannot be read.
pub fn list(root: &Path, name: &str) -> Result<Vec<Archive>> {
    let folder = below(root, FOLDER).join(name);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        let name = entry.file_name();
        let at = name.to_str().and_then(|name| name.strip_suffix(".tar.gz")?.parse().ok());
        if let Some(at) = at {
            found.push(Archive { at, bytes: entry.metadata()?.len() });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(found)
}

fn path(root: &Path, name: &str, at: i64) -> PathBuf {
    below(root, FOLDER).join(name).join(format!("{at}.tar.gz"))
}

/// Opens one, to read it.
///
/// # Errors
/// When it is not there.
pub fn open(root: &Path, name: &str, at: i64) -> Result<File> {
    let path = path(root, name, at);
    File::open(&path).with_context(|| format!("opening {}", path.display()))
}

/// Deletes one.
///
/// # Errors
/// When it is not there.
pub fn forget(root: &Path, name: &str, at: i64) -> Result<()> {
    let path = path(root, name, at);
    fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))
}

/// Makes an archive of a site, and lets the oldest go.
///
/// # Errors
/// When a folder cannot be read or the archive not be written; then there is none.
pub fn make(root: &Path, site: &Website, kind: &SiteKind) -> Result<()> {
    let folder = below(root, FOLDER).join(&site.name);
    files::make_folder(&below(root, FOLDER), 0o700)?;
    files::make_folder(&folder, 0o700)?;
    let mut file =
        tempfile::Builder::new().prefix(".making-").tempfile_in(&folder).context("beginning an archive")?;
    let mut archive = tar::Builder::new(GzEncoder::new(file.as_file_mut(), Compression::default()));
    let text = serde_json::to_vec(&Description::of(site, kind))?;
    archive.append_data(
        &mut header(tar::EntryType::Regular, text.len() as u64, 0o600, 0),
        DESCRIPTION,
        &text[..],
    )?;
    for (number, copied) in kind.backup.copy.iter().enumerate() {
        let source = tree::open(root, copied)?;
        put_folder(&mut archive, &source, Path::new(""), Path::new(&number.to_string()))
            .with_context(|| format!("archiving {copied}"))?;
    }
    archive.into_inner().and_then(GzEncoder::finish).context("ending the archive")?;
    file.as_file().sync_all().context("keeping the archive")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let kept = path(root, &site.name, i64::try_from(now).unwrap_or(i64::MAX));
    file.persist(&kept).with_context(|| format!("keeping {}", kept.display()))?;
    files::sync_folder(&folder)?;
    for old in list(root, &site.name)?.into_iter().skip(KEPT) {
        forget(root, &site.name, old.at)?;
    }
    Ok(())
}

type Writing<'w> = tar::Builder<GzEncoder<&'w mut File>>;

/// Puts what is below `path` of an open folder into the archive, below `name`.
fn put_folder(archive: &mut Writing<'_>, root: &OwnedFd, path: &Path, name: &Path) -> Result<()> {
    let folder =
        if path.as_os_str().is_empty() { root.try_clone()?.into() } else { tree::open_below(root, path)? };
    let metadata = folder.metadata()?;
    archive.append_data(&mut of(&metadata, tar::EntryType::Directory, 0), name, std::io::empty())?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let part = Path::new(OsStr::from_bytes(entry.file_name().to_bytes()));
        if part == Path::new(".") || part == Path::new("..") {
            continue;
        }
        let (path, name) = (path.join(part), name.join(part));
        match entry.file_type() {
            FileType::Directory => put_folder(archive, root, &path, &name)?,
            FileType::RegularFile => put_file(archive, root, &path, &name)?,
            // Links, sockets and the like are no content of a site.
            _ => {}
        }
    }
    Ok(())
}

fn put_file(archive: &mut Writing<'_>, root: &OwnedFd, path: &Path, name: &Path) -> Result<()> {
    let file = tree::open_below(root, path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(());
    }
    // A file that grows or shrinks meanwhile must not break the archive.
    let whole = file.take(metadata.len()).chain(std::io::repeat(0)).take(metadata.len());
    archive.append_data(&mut of(&metadata, tar::EntryType::Regular, metadata.len()), name, whole)?;
    Ok(())
}

fn of(metadata: &fs::Metadata, kind: tar::EntryType, size: u64) -> tar::Header {
    header(kind, size, metadata.permissions().mode() & 0o777, u64::try_from(metadata.mtime()).unwrap_or(0))
}

fn header(kind: tar::EntryType, size: u64, mode: u32, time: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(time);
    header
}

/// Makes a site what it was; `load` makes what lies elsewhere as the folders say, once they are there. Until all of the
/// archive was read, nothing of it changes; where `load` fails, the folders are again what they were.
///
/// # Errors
/// When the archive is another site's or cannot be read, a folder cannot be put in place, or `load` fails.
pub fn restore(
    root: &Path,
    site: &Website,
    kind: &SiteKind,
    at: i64,
    load: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let place = below(root, FOLDER).join(&site.name);
    let scratch = place.join(SCRATCH);
    tree::remove(&place, SCRATCH)?;
    files::make_folder(&scratch, 0o700)?;
    let attempt =
        unpack(open(root, &site.name, at)?, &scratch, &Description::of(site, kind)).and_then(|()| {
            let mut copied = kind.backup.copy.iter().enumerate();
            copied
                .try_for_each(|(number, folder)| exchange(root, &scratch.join(number.to_string()), folder))?;
            load().map_err(|error| match put_back(root, &scratch, &kind.backup.copy) {
                Ok(()) => error,
                Err(second) => error.context(format!("the folders could not be put back ({second:#})")),
            })
        });
    tree::remove(&place, SCRATCH)?;
    attempt
}

fn unpack(archive: File, to: &Path, expected: &Description) -> Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    let (mut known, mut folders) = (false, Vec::new());
    for entry in archive.entries().context("reading the archive")? {
        let mut entry = entry.context("reading the archive")?;
        let path = entry.path()?.into_owned();
        if path == Path::new(DESCRIPTION) {
            let mut text = String::new();
            entry.by_ref().take(4096).read_to_string(&mut text)?;
            let of: Description = serde_json::from_str(&text).context("reading what the archive is of")?;
            ensure!(
                of.kind == expected.kind && of.folders == expected.folders,
                "the archive is of another kind of site"
            );
            known = true;
            continue;
        }
        ensure!(known, "this is no archive of a web site");
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(plain, "the archive holds {}, which leads out of it", path.display());
        let (target, mode) = (to.join(&path), entry.header().mode()? & 0o777);
        let time = UNIX_EPOCH + Duration::from_secs(entry.header().mtime()?);
        match entry.header().entry_type() {
            tar::EntryType::Directory => {
                files::make_folder(&target, mode | 0o700)?;
                folders.push((target, time));
            }
            tar::EntryType::Regular => {
                let mut file =
                    fs::OpenOptions::new().write(true).create_new(true).mode(mode & 0o666).open(&target);
                let file =
                    file.as_mut().map_err(|error| anyhow::anyhow!("writing {}: {error}", path.display()))?;
                std::io::copy(&mut entry, file)?;
                file.set_permissions(fs::Permissions::from_mode(mode & 0o666))?;
                file.set_modified(time)?;
            }
            other => bail!(
                "the archive holds {}, which is {other:?}: files and folders alone are taken",
                path.display()
            ),
        }
    }
    ensure!(known, "this is no archive of a web site");
    // What was put into a folder changed its time.
    folders.iter().try_for_each(|(folder, time)| Ok(File::open(folder)?.set_modified(*time)?))
}

/// Puts a folder in the place of another one, with its owner; that one goes.
fn exchange(root: &Path, new: &Path, folder: &str) -> Result<()> {
    let old = File::from(tree::open(root, folder)?);
    let now = old.metadata()?;
    give(new, now.uid())?;
    let handle = File::open(new).with_context(|| format!("opening {}", new.display()))?;
    fchown(&handle, Some(now.uid()), Some(now.gid()))?;
    handle.set_permissions(fs::Permissions::from_mode(now.permissions().mode() & 0o7777))?;
    let (above, name) = folder.rsplit_once('/').with_context(|| format!("{folder} lies nowhere"))?;
    let above = tree::open(root, above)?;
    let gone = new.with_extension("old");
    renameat(&above, name, CWD, &gone).with_context(|| format!("taking {folder} away"))?;
    if let Err(error) = renameat(CWD, new, &above, name) {
        renameat(CWD, &gone, &above, name).with_context(|| format!("putting {folder} back"))?;
        return Err(error).with_context(|| format!("putting {folder} in place"));
    }
    rustix::fs::fsync(&above).context("keeping what was put in place")
}

/// Undoes [`exchange`] for all folders.
fn put_back(root: &Path, scratch: &Path, folders: &[String]) -> Result<()> {
    for (number, folder) in folders.iter().enumerate() {
        let (above, name) = folder.rsplit_once('/').with_context(|| format!("{folder} lies nowhere"))?;
        let (above, new) = (tree::open(root, above)?, scratch.join(number.to_string()));
        renameat(&above, name, CWD, &new).with_context(|| format!("taking {folder} away"))?;
        renameat(CWD, new.with_extension("old"), &above, name)
            .with_context(|| format!("putting {folder} back"))?;
    }
    Ok(())
}

/// Gives all below a folder, which is still ours alone, to a user and the group of the same number.
fn give(folder: &Path, id: u32) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            give(&path, id)?;
        }
        chown(&path, Some(id), Some(id))
            .with_context(|| format!("giving {} to its owner", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn site() -> Website {
        Website { kind: "blog".to_owned(), ..mazet_model::sites::sample() }
    }

    fn kind() -> SiteKind {
        let mut kind = SiteKind::default();
        kind.backup.copy = vec!["/srv/sites/sample".to_owned()];
        kind
    }

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn read(path: &Path) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    #[test]
    fn a_site_comes_back_as_it_was_without_what_links_led_to() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (root, home) = (folder.path(), folder.path().join("srv/sites/sample"));
        put(&home.join("config/base.sqlite"), "old");
        put(&home.join("IMG/é 1.jpg"), "picture");
        put(&root.join("srv/secret"), "s3cret");
        symlink(root.join("srv/secret"), home.join("IMG/link.txt")).expect("linked");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o710)).expect("mode");
        fs::set_permissions(home.join("config"), fs::Permissions::from_mode(0o700)).expect("mode");
        let then = UNIX_EPOCH + Duration::from_secs(1_500_000_000);
        let dated = ["config/base.sqlite", "IMG", "config", ""].map(|path| home.join(path));
        for path in &dated {
            File::open(path).and_then(|file| file.set_modified(then)).expect("dated");
        }
        make(root, &site(), &kind()).expect("archived");
        let at = list(root, "sample").expect("listed")[0].at;

        put(&home.join("config/base.sqlite"), "new");
        put(&home.join("IMG/shell.php"), "evil");
        fs::remove_file(home.join("IMG/é 1.jpg")).expect("removed");
        restore(root, &site(), &kind(), at, || Ok(())).expect("restored");
        assert_eq!(read(&home.join("config/base.sqlite")).as_deref(), Some("old"));
        assert_eq!(read(&home.join("IMG/é 1.jpg")).as_deref(), Some("picture"));
        assert_eq!((read(&home.join("IMG/shell.php")), read(&home.join("IMG/link.txt"))), (None, None));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
        assert_eq!((mode(&home), mode(&home.join("config"))), (0o710, 0o700));
        for path in &dated {
            assert_eq!(fs::metadata(path).and_then(|one| one.modified()).expect("there"), then, "{path:?}");
        }
        assert_eq!(fs::read_dir(root.join("srv/site-archives/sample")).expect("listed").count(), 1);
    }

    #[test]
    fn a_folder_that_became_a_link_is_not_followed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let root = folder.path();
        put(&root.join("srv/secret/key"), "s3cret");
        fs::create_dir_all(root.join("srv/sites")).expect("made");
        symlink(root.join("srv/secret"), root.join("srv/sites/sample")).expect("linked");
        assert!(make(root, &site(), &kind()).is_err());
        assert_eq!(list(root, "sample").expect("listed"), []);
    }

    /// An archive with one entry, written without the care of a maker.
    fn forged(kind: tar::EntryType, path: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let mut archive =
            tar::Builder::new(GzEncoder::new(file.reopen().expect("opened"), Compression::fast()));
        let text = br#"{"format":1,"name":"x","kind":"blog","folders":1}"#;
        let mut first = header(tar::EntryType::Regular, text.len() as u64, 0o600, 0);
        archive.append_data(&mut first, DESCRIPTION, &text[..]).expect("put");
        let mut entry = header(kind, 0, 0o644, 0);
        entry.as_gnu_mut().expect("GNU").name[..path.len()].copy_from_slice(path.as_bytes());
        if kind == tar::EntryType::Symlink {
            entry.set_link_name("/etc/shadow").expect("named");
        }
        entry.set_cksum();
        archive.append(&entry, std::io::empty()).expect("put");
        archive.into_inner().and_then(GzEncoder::finish).expect("ended");
        file
    }

    #[test]
    fn what_leads_out_of_an_archive_is_refused() {
        let to = tempfile::tempdir().expect("temporary folder");
        let cases = [
            (tar::EntryType::Regular, "../../etc/passwd"),
            (tar::EntryType::Regular, "/etc/passwd"),
            (tar::EntryType::Symlink, "0/link"),
            (tar::EntryType::Char, "0/device"),
        ];
        for (kind, path) in cases {
            let file = forged(kind, path);
            let expected = Description::of(&site(), &super::tests::kind());
            let result = unpack(file.reopen().expect("opened"), to.path(), &expected);
            assert!(result.is_err(), "{path}");
        }
        assert_eq!(fs::read_dir(to.path()).expect("listed").count(), 0);
        let other =
            Description { kind: "wiki".to_owned(), ..Description::of(&site(), &super::tests::kind()) };
        let sound = forged(tar::EntryType::Directory, "0");
        assert!(unpack(sound.reopen().expect("opened"), to.path(), &other).is_err());
    }

    #[test]
    fn the_newest_archives_alone_are_kept() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let root = folder.path();
        put(&root.join("srv/sites/sample/x"), "x");
        for at in 1..=7 {
            put(&path(root, "sample", at), "old");
        }
        make(root, &site(), &kind()).expect("archived");
        let kept: Vec<i64> = list(root, "sample").expect("listed").iter().map(|one| one.at).collect();
        assert_eq!((kept.len(), &kept[1..]), (5, &[7, 6, 5, 4][..]));
    }
}
