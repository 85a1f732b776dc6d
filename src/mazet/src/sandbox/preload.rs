//! Libraries that every program of a sandbox loads first.
//!
//! What the caller has its programs preload (`LD_PRELOAD`, ld.so(8)) they preload inside as well:
//! the libraries are lent to the sandbox, at a path that no tree has. Only what is named by an
//! absolute path; a bare name may mean another library inside.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The variable that names them, separated by spaces or colons.
pub const VARIABLE: &str = "LD_PRELOAD";
/// Where they are lent: in `/dev`, which is a file system of its own in every sandbox, so that no
/// tree keeps a trace of them.
const FOLDER: &str = "dev/mazet-preload";
/// Emulators of QEMU take what this names out of the environment of the programs that they run:
/// those are of another architecture than the libraries.
const NOT_EMULATED: &str = "QEMU_UNSET_ENV";

/// Libraries that this program was told to preload, by absolute path.
pub fn told() -> Vec<PathBuf> {
    parse(&env::var(VARIABLE).unwrap_or_default())
}

fn parse(value: &str) -> Vec<PathBuf> {
    value.split([' ', ':']).map(PathBuf::from).filter(|path| path.is_absolute()).collect()
}

/// Lends `libraries` to the system mounted at `tree`, which has its own `/dev`.
///
/// # Errors
/// When one cannot be mounted.
pub fn lend(libraries: &[PathBuf], tree: &Path) -> Result<()> {
    for (library, name) in libraries.iter().zip(names(libraries)) {
        let inside = tree.join(&name);
        fs::create_dir_all(tree.join(FOLDER)).context("making a place for preloaded libraries")?;
        super::bind_at(library, &inside)?;
        super::read_only(&inside)?;
    }
    Ok(())
}

/// The environment in which the sandbox's programs load them.
pub fn environment(libraries: &[PathBuf]) -> Vec<(&'static str, OsString)> {
    if libraries.is_empty() {
        return Vec::new();
    }
    let paths: Vec<_> = names(libraries).iter().map(|name| format!("/{name}")).collect();
    vec![(VARIABLE, paths.join(":").into()), (NOT_EMULATED, VARIABLE.into())]
}

/// Paths from the tree's top: numbered, for two libraries may bear one name.
fn names(libraries: &[PathBuf]) -> Vec<String> {
    (0..libraries.len()).map(|number| format!("{FOLDER}/{number}.so")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_alone_are_taken() {
        assert_eq!(parse("/a/b.so c.so:/d.so"), [PathBuf::from("/a/b.so"), PathBuf::from("/d.so")]);
        assert_eq!(parse(""), Vec::<PathBuf>::new());
    }

    #[test]
    fn programs_inside_find_them_where_they_are_lent() {
        let expected: [(&str, OsString); 2] = [
            ("LD_PRELOAD", "/dev/mazet-preload/0.so:/dev/mazet-preload/1.so".into()),
            ("QEMU_UNSET_ENV", "LD_PRELOAD".into()),
        ];
        assert_eq!(environment(&["/x/l.so".into(), "/y/l.so".into()]), expected);
        assert_eq!(environment(&[]), []);
    }
}
