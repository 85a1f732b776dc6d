//! Programs of the builder's architecture, lent to a tree of another one while it is made.
//!
//! Package scripts spend their time in a shell, in perl, in small tools. The tools tree holds the
//! same programs of the very same versions for the builder: each is mounted, read-only, over the
//! tree's own, together with the libraries they need. What has no such twin runs emulated.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::arch::Architecture;
use crate::lock::Entry;
use crate::sandbox::Sandbox;

/// Programs whose answer or product is the architecture's: they always run emulated.
const NEVER: [&str; 4] = ["arch", "iconvconfig", "ldconfig", "uname"];
/// Where programs lie that scripts call; what lies elsewhere is often not for calling, and some of
/// it is given away to other owners.
const PLACES: [&str; 3] = ["/usr/bin/", "/usr/sbin/", "/usr/lib/dracut/"];
/// A folder of every tree that holds nothing.
const EMPTY: &str = "/srv";
/// dpkg's programs that have their architecture built in.
const DPKG: [&str; 4] = ["dpkg", "dpkg-divert", "dpkg-query", "dpkg-trigger"];

/// A program or folder to mount: (outside, path in the tree).
pub type Loan = (PathBuf, PathBuf);

/// dpkg for another architecture, made in `folder`: (made, path in the tools tree).
///
/// dpkg has no option for its own architecture: it is a constant, five letters between two NULs.
/// In a copy, the other's five letters take their place.
///
/// # Errors
/// When a program does not hold the constant exactly once.
pub fn dpkg(tools: &Path, folder: &Path, architecture: Architecture) -> Result<Vec<Loan>> {
    if !architecture.is_foreign() {
        return Ok(Vec::new());
    }
    let own = Architecture::builder()?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    DPKG.iter()
        .map(|name| {
            let path = PathBuf::from("/usr/bin").join(name);
            let bytes =
                fs::read(below(tools, &path)).with_context(|| format!("reading the tools tree's {name}"))?;
            let made = folder.join(name);
            let other = with_constant(&bytes, own.debian, architecture.debian)
                .with_context(|| format!("making {name} for {}", architecture.debian))?;
            fs::write(&made, other).with_context(|| format!("writing {}", made.display()))?;
            fs::set_permissions(&made, fs::Permissions::from_mode(0o755))?;
            Ok((made, path))
        })
        .collect()
}

/// Replaces a text constant that is there exactly once by another of the same length.
fn with_constant(bytes: &[u8], old: &str, new: &str) -> Result<Vec<u8>> {
    let pattern = [b"\0", old.as_bytes(), b"\0"].concat();
    let found: Vec<_> = bytes
        .windows(pattern.len())
        .enumerate()
        .filter(|(_, part)| *part == pattern)
        .map(|(at, _)| at)
        .collect();
    ensure!(
        old.len() == new.len() && found.len() == 1,
        "the constant {old} is there {} times where once was expected",
        found.len()
    );
    let mut copy = bytes.to_vec();
    copy[found[0] + 1..=found[0] + new.len()].copy_from_slice(new.as_bytes());
    Ok(copy)
}

/// Trees that together hold what a tree being made holds, as seen from outside: it alone, or those
/// that it is stacked from.
pub type Seen = [PathBuf];

fn is_file(seen: &Seen, path: &Path) -> bool {
    seen.iter().any(|tree| fs::symlink_metadata(below(tree, path)).is_ok_and(|meta| meta.is_file()))
}

/// What does nothing in a tree being made: python's byte compiler, because normalising takes byte
/// code out again (it bears the time of its source). `nothing` is an empty file.
pub fn idle(tools: &Path, seen: &Seen, nothing: &Path) -> Vec<Loan> {
    let compiler = PathBuf::from("/usr/bin/py3compile");
    let libraries =
        seen.iter().flat_map(|tree| fs::read_dir(tree.join("usr/lib")).into_iter().flatten().flatten());
    let modules =
        libraries.filter(|entry| entry.file_name().to_string_lossy().starts_with("python3.")).map(|entry| {
            (nothing.to_owned(), Path::new("/usr/lib").join(entry.file_name()).join("py_compile.py"))
        });
    let all = std::iter::once((below(tools, Path::new("/usr/bin/true")), compiler)).chain(modules);
    all.filter(|(_, path)| is_file(seen, path)).collect()
}

/// What can be lent for these packages of a tree.
///
/// # Errors
/// When the tools tree's records cannot be read.
pub fn loans(
    tools: &Path,
    seen: &Seen,
    architecture: Architecture,
    entries: &[&Entry],
    dpkg: &[Loan],
) -> Result<Vec<Loan>> {
    let own = Architecture::builder()?;
    let mut loans = libraries(tools, seen, own, architecture)?;
    let twins = versions(tools)?;
    let lent: BTreeSet<&Path> = dpkg.iter().map(|(_, path)| path.as_path()).collect();
    for entry in entries.iter().filter(|entry| twins.get(&entry.name) == Some(&entry.version)) {
        for path in files(tools, &entry.name, own)? {
            let never = path.file_name().is_some_and(|name| NEVER.iter().any(|never| name == *never));
            let twin = below(tools, &path);
            if !never && !lent.contains(path.as_path()) && is_file(seen, &path) && is_program(&twin, own) {
                loans.push((twin, path));
            }
        }
    }
    loans.extend(dpkg.iter().filter(|(_, path)| is_file(seen, path)).cloned());
    Ok(loans)
}

/// A sandbox in which the loans are mounted in the tree at `root`, with the link by which lent
/// programs find their loader.
///
/// # Errors
/// When Mazet does not know the builder's architecture.
pub fn mount(sandbox: Sandbox, root: &Path, loans: &[Loan]) -> Result<Sandbox> {
    let link = Architecture::builder()?.loader_link.filter(|_| sandbox.foreign.is_some());
    let sandbox =
        link.iter().fold(sandbox, |sandbox, (link, to)| sandbox.link(&below(root, Path::new(link)), to));
    Ok(loans.iter().fold(sandbox, |sandbox, (from, path)| sandbox.lend(from, &below(root, path))))
}

/// The builder's loader and the folder of its libraries. Folders in there that the tree has no twin
/// of are hidden: half of what a program looks for is worse than nothing (a perl module without the
/// modules that it uses).
fn libraries(tools: &Path, seen: &Seen, own: Architecture, architecture: Architecture) -> Result<Vec<Loan>> {
    let folder = PathBuf::from("/usr/lib").join(own.gnu);
    let loader = PathBuf::from(own.loader);
    let outside = below(tools, &folder);
    let twin = Path::new("usr/lib").join(architecture.gnu);
    let has = |name: &OsStr| seen.iter().any(|tree| tree.join(&twin).join(name).exists());
    let mut loans = vec![(outside.clone(), folder.clone()), (below(tools, &loader), loader)];
    for entry in fs::read_dir(&outside).with_context(|| format!("reading {}", outside.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !has(&entry.file_name()) {
            loans.push((below(tools, Path::new(EMPTY)), folder.join(entry.file_name())));
        }
    }
    loans.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(loans)
}

/// Places that loans need and a tree of another architecture does not have, what lies in a folder
/// before the folder.
pub fn places(own: Architecture) -> Vec<String> {
    let folder = Path::new(own.loader).parent().map(|folder| folder.display().to_string());
    let mut places = vec![format!("/usr/lib/{}", own.gnu), own.loader.to_owned()];
    places.extend(own.loader_link.map(|(link, _)| link.to_owned()));
    places.extend(folder.filter(|folder| folder != "/usr/lib"));
    places
}

/// Versions of the tools tree's packages.
fn versions(tools: &Path) -> Result<BTreeMap<String, String>> {
    let path = tools.join("var/lib/dpkg/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let field = |stanza: &str, name: &str| {
        stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
    };
    let pairs = status
        .split("\n\n")
        .filter_map(|stanza| Some((field(stanza, "Package")?, field(stanza, "Version")?)));
    Ok(pairs.collect())
}

/// Paths of a package of the tools tree that may be lent.
fn files(tools: &Path, name: &str, own: Architecture) -> Result<Vec<PathBuf>> {
    let info = tools.join("var/lib/dpkg/info");
    let lists = [info.join(format!("{name}.list")), info.join(format!("{name}:{}.list", own.debian))];
    let Some(list) = lists.iter().find(|list| list.exists()) else { return Ok(Vec::new()) };
    let text = fs::read_to_string(list).with_context(|| format!("reading {}", list.display()))?;
    Ok(text
        .lines()
        .filter(|line| PLACES.iter().any(|place| line.starts_with(place)))
        .map(PathBuf::from)
        .collect())
}

/// An executable ELF file of this architecture.
fn is_program(path: &Path, architecture: Architecture) -> bool {
    let mode =
        fs::symlink_metadata(path).map(|meta| if meta.is_file() { meta.permissions().mode() } else { 0 });
    mode.is_ok_and(|mode| mode & 0o111 != 0) && is_elf(path, architecture)
}

/// An ELF file of this architecture.
pub fn is_elf(path: &Path, architecture: Architecture) -> bool {
    let mut head = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.starts_with(b"\x7fELF") && head[18..] == architecture.elf_machine.to_le_bytes()
}

fn below(tree: &Path, path: &Path) -> PathBuf {
    tree.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_replaced_where_it_is_beyond_doubt() {
        let made = with_constant(b"x\0amd64\0y (amd64)", "amd64", "arm64").expect("once");
        assert_eq!(made, b"x\0arm64\0y (amd64)");
        assert!(with_constant(b"\0amd64\0amd64\0 \0amd64\0", "amd64", "arm64").is_err());
        assert!(with_constant(b"\0amd64\0", "amd64", "riscv64").is_err());
        assert!(with_constant(b"none", "amd64", "arm64").is_err());
    }
}
