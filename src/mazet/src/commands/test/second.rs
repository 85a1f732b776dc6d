//! The same lock and sources give the same image, whoever builds it, wherever.
//!
//! The second build starts from nothing but the lock, the sources and the downloads: another
//! project folder, another cache, another umask, time zone and locale, later by the clock, and
//! another user where one is given. The two image files are compared byte by byte.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Setting;
use crate::run::{Command, Program};
use crate::sandbox;

/// Folders of the project that no build reads.
const NOT_COPIED: [&str; 3] = ["target", "images", ".git"];
/// Downloads: inputs named by their digests, not results.
const DOWNLOADS: [&str; 2] = ["debs", "crates"];

/// Builds again and compares.
///
/// # Errors
/// When the images differ, saying from which byte on; or when the second build fails.
pub fn same_image(setting: &Setting, recipe: &str, user: Option<&str>) -> Result<()> {
    let images = setting.project.images();
    let first = images.join(format!("{recipe}.img"));
    let place = Place::new(setting, user)?;
    copy_project(&setting.project.root, &place.project())?;
    for kind in DOWNLOADS {
        copy_folder(&setting.cache.root.join(kind), &place.cache().join("mazet").join(kind))?;
    }
    fs::copy(std::env::current_exe()?, place.root.join("mazet")).context("copying Mazet's program")?;
    fs::copy(images.join(format!("{recipe}.lock")), place.root.join("lock")).context("copying the lock")?;
    place.hand_over()?;
    setting.ui.say(format!("second build in {}", place.root.display()));
    build(&place, recipe, user)?;
    let second = place.project().join(format!("images/{recipe}.img"));
    compare(&first, &second)
}

/// Where the second build happens; deleted afterwards, sub-ids' files too.
struct Place {
    root: PathBuf,
    user: Option<String>,
}

impl Place {
    fn new(setting: &Setting, user: Option<&str>) -> Result<Self> {
        // Beside the images, not below the cache: the other user must reach it.
        let near =
            if user.is_some() { PathBuf::from("/var/tmp") } else { setting.cache.folder("scratch")? };
        let root = tempfile::Builder::new().prefix("mazet-second-").tempdir_in(near)?.keep();
        Ok(Self { root, user: user.map(str::to_owned) })
    }

    fn project(&self) -> PathBuf {
        self.root.join("an other/place for it")
    }

    fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Gives everything to the other user.
    fn hand_over(&self) -> Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        Command::raw("chown", "giving the second project to the other user")
            .args(["--recursive", "--no-dereference"])
            .arg(format!("{user}:"))
            .arg(&self.root)
            .run()?;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = sandbox::remove_tree(&self.root) {
            eprintln!("mazet: {error:#}");
        }
    }
}

fn build(place: &Place, recipe: &str, user: Option<&str>) -> Result<()> {
    let script = "umask 077; cd \"$1\"; shift; exec \"$@\"";
    let mut command = match user {
        Some(user) => {
            Command::new(Program::Runuser, "building a second time").args(["--user", user, "--", "sh"])
        }
        None => Command::raw("sh", "building a second time"),
    };
    command = command.args(["-euc", script, "second"]).arg(place.project());
    command = command.arg(place.root.join("mazet")).args(["build", recipe, "--offline", "--locked"]);
    command
        .arg(place.root.join("lock"))
        .env("XDG_CACHE_HOME", place.cache())
        .env("HOME", &place.root)
        .env("MAZET_PROJECT", place.project())
        .env("TZ", "Pacific/Auckland")
        .env("LC_ALL", "C")
        .env("LANG", "tr_TR.UTF-8")
        .run()?;
    Ok(())
}

fn copy_project(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).context("reading the project")? {
        let entry = entry?;
        let name = entry.file_name();
        if NOT_COPIED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(&name))?;
        } else {
            fs::copy(entry.path(), to.join(&name))
                .with_context(|| format!("copying {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for file in crate::digest::files_below(from)? {
        let target = to.join(file.strip_prefix(from).unwrap_or(&file));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::copy(&file, &target).with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(())
}

/// Compares two files byte by byte.
fn compare(first: &Path, second: &Path) -> Result<()> {
    let open = |path: &Path| -> Result<BufReader<File>> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        Ok(BufReader::with_capacity(1 << 20, file))
    };
    let (mut one, mut two) = (open(first)?, open(second)?);
    let (mut here, mut there) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut offset = 0;
    loop {
        let (n, m) = (fill(&mut one, &mut here)?, fill(&mut two, &mut there)?);
        if let Some(at) = here[..n].iter().zip(&there[..m]).position(|(a, b)| a != b) {
            bail!("the two images differ from byte {} on: the build is not reproducible", offset + at);
        }
        if n != m {
            bail!("one image is longer than the other: the build is not reproducible");
        }
        if n == 0 {
            return Ok(());
        }
        offset += n;
    }
}

/// Fills the buffer as far as the file reaches.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_byte_is_seen() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).expect("written");
            path
        };
        let mut bytes = vec![7; 3 << 20];
        let one = write("one", &bytes);
        assert!(compare(&one, &write("same", &bytes)).is_ok());
        bytes[2_500_000] = 8;
        let error = compare(&one, &write("other", &bytes)).expect_err("they differ").to_string();
        assert!(error.contains("byte 2500000"), "{error}");
        assert!(compare(&one, &write("short", &[7; 10])).is_err());
    }
}
