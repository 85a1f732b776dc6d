//! What each file of a tree is: the list that a backup carries, and that its proof compares.
//!
//! One line of JSON a path, sorted by path, so that two lists of nearly the same tree are nearly the same text (a
//! repository then keeps the difference alone). A file whose size, times and number are those of the last list is
//! not read again: a snapshot of btrfs keeps all three.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// One path of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Path below the tree; what is no printable UTF-8, and `%`, as `%` and two hexadecimal digits.
    pub path: String,
    /// Mode with the type of the file: inode(7).
    pub mode: u32,
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// Modified, in nanoseconds since 1970; 0 for a symbolic link.
    pub modified: i128,
    /// Bytes of a file.
    #[serde(default)]
    pub size: u64,
    /// SHA-256 of a file; where a symbolic link leads to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
}

/// What is known of files that were read before: by path, what tells a changed one, and the digest.
#[derive(Debug, Default)]
pub struct Known(HashMap<String, (Mark, String)>);

/// Number, size, modified, changed (nanoseconds).
type Mark = (u64, u64, i128, i128);

/// The sum of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Paths.
    pub count: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// SHA-256 of the list.
    pub sha256: String,
}

impl Known {
    /// What [`list`] kept at `path`; nothing where there is none, or it cannot be read: all is then read anew.
    pub fn read(path: &Path) -> Self {
        let Ok(file) = File::open(path) else { return Self::default() };
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        Self(lines.filter_map(|line| serde_json::from_str::<(String, (Mark, String))>(&line).ok()).collect())
    }
}

/// Writes the list of `folders` of the tree `root` to `into`, and what was read to `kept`.
///
/// # Errors
/// When something cannot be read or written.
pub fn list(root: &Path, folders: &[PathBuf], known: &Known, into: &Path, kept: &Path) -> Result<Sum> {
    let mut writer = Writer::new(into, kept)?;
    for folder in folders {
        if root.join(folder).symlink_metadata().is_ok() {
            walk(root, folder, known, &mut writer)?;
        }
    }
    writer.finish()
}

struct Writer {
    list: BufWriter<File>,
    kept: BufWriter<File>,
    sum: Sum,
    hash: Sha256,
}

impl Writer {
    fn new(into: &Path, kept: &Path) -> Result<Self> {
        let open = |path: &Path| {
            let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
            anyhow::Ok(BufWriter::new(file))
        };
        Ok(Self { list: open(into)?, kept: open(kept)?, sum: Sum::default(), hash: Sha256::new() })
    }

    fn add(&mut self, entry: &Entry, mark: Mark) -> Result<()> {
        let mut line = serde_json::to_vec(entry).context("writing the list of files")?;
        line.push(b'\n');
        self.hash.update(&line);
        self.list.write_all(&line).context("writing the list of files")?;
        self.sum.count += 1;
        self.sum.bytes += entry.size;
        if is_file(entry.mode) {
            let line = serde_json::to_string(&(&entry.path, (mark, &entry.content)))
                .context("writing what is known")?;
            writeln!(self.kept, "{line}").context("writing what is known of files")?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Sum> {
        self.kept.flush().context("writing what is known of files")?;
        self.list.flush().context("writing the list of files")?;
        Ok(Sum { sha256: hex(&self.hash.finalize()), ..self.sum })
    }
}

fn walk(root: &Path, path: &Path, known: &Known, writer: &mut Writer) -> Result<()> {
    let whole = root.join(path);
    let metadata = whole.symlink_metadata().with_context(|| format!("reading {}", whole.display()))?;
    // What waits in sockets and pipes is nobody's data.
    if metadata.file_type().is_socket() || metadata.file_type().is_fifo() {
        return Ok(());
    }
    let (entry, mark) = entry(&whole, path, &metadata, known)?;
    writer.add(&entry, mark)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    let inner = fs::read_dir(&whole).with_context(|| format!("reading {}", whole.display()))?;
    let mut names = inner.map(|one| Ok(one?.file_name())).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.iter().try_for_each(|name| walk(root, &path.join(name), known, writer))
}

fn entry(whole: &Path, path: &Path, metadata: &Metadata, known: &Known) -> Result<(Entry, Mark)> {
    let modified = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
    let changed = nanoseconds(metadata.ctime(), metadata.ctime_nsec());
    let mark = (metadata.ino(), metadata.size(), modified, changed);
    let path = written(path);
    let content = if metadata.is_symlink() {
        let to = fs::read_link(whole).with_context(|| format!("reading {}", whole.display()))?;
        written(&to)
    } else if metadata.is_file() {
        match known.0.get(&path) {
            Some((then, digest)) if *then == mark => digest.clone(),
            _ => digest_of(whole)?,
        }
    } else {
        String::new()
    };
    let entry = Entry {
        path,
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        // Programs that put a link back do not all set its times.
        modified: if metadata.is_symlink() { 0 } else { modified },
        size: if metadata.is_file() { metadata.size() } else { 0 },
        content,
    };
    Ok((entry, mark))
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

fn is_file(mode: u32) -> bool {
    mode & 0o170_000 == 0o100_000
}

/// SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> Result<String> {
    let reading = || format!("reading {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).with_context(reading)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&piece[..count]),
        }
    }
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path that any text file can hold.
fn written(path: &Path) -> String {
    let escaped = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("%{byte:02x}")).collect() };
    let mut text = String::new();
    for part in path.as_os_str().as_bytes().utf8_chunks() {
        for one in part.valid().chars() {
            if one == '%' || one.is_control() {
                text.push_str(&escaped(one.encode_utf8(&mut [0; 4]).as_bytes()));
            } else {
                text.push(one);
            }
        }
        text.push_str(&escaped(part.invalid()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn listed(root: &Path, known: &Known) -> (Sum, Vec<Entry>) {
        let scratch = tempfile::tempdir().expect("a folder");
        let (into, kept) = (scratch.path().join("list"), scratch.path().join("kept"));
        let sum = list(root, &["a".into(), "gone".into()], known, &into, &kept).expect("a list");
        let text = fs::read_to_string(into).expect("readable");
        assert_eq!(sum.sha256, hex(&Sha256::digest(&text)));
        fs::copy(kept, root.join("kept")).expect("copied");
        (sum, text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect())
    }

    #[test]
    fn everything_is_listed_whatever_its_name() {
        let root = tempfile::tempdir().expect("a folder");
        let a = root.path().join("a");
        fs::create_dir(&a).expect("made");
        fs::write(a.join("é 100%\n"), "hello").expect("written");
        fs::write(a.join(OsStr::from_bytes(b"\xff")), "").expect("written");
        symlink("../elsewhere", a.join("link")).expect("made");
        let (sum, entries) = listed(root.path(), &Known::default());
        let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["a", "a/link", "a/é 100%25%0a", "a/%ff"]);
        assert_eq!((sum.count, sum.bytes), (4, 5));
        assert_eq!(entries[1].content, "../elsewhere");
        assert_eq!(entries[2].content, hex(&Sha256::digest("hello")));
    }

    #[test]
    fn only_what_changed_is_read_again() {
        let root = tempfile::tempdir().expect("a folder");
        let file = root.path().join("a");
        fs::write(&file, "hello").expect("written");
        let (first, _) = listed(root.path(), &Known::default());
        // What is known is believed: here, a digest that is not the file's.
        let kept = fs::read_to_string(root.path().join("kept")).expect("kept");
        fs::write(root.path().join("kept"), kept.replace(&hex(&Sha256::digest("hello")), "known"))
            .expect("written");
        let known = Known::read(&root.path().join("kept"));
        assert_eq!(listed(root.path(), &known).1[0].content, "known");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
        let (changed, entries) = listed(root.path(), &known);
        assert_eq!(entries[0].content, hex(&Sha256::digest("hello")));
        assert_ne!(changed.sha256, first.sha256);
    }
}
