//! The same lock and sources give the same image, whoever builds it, wherever.
//!
//! The second build starts from nothing but the lock, the sources and the downloads: another
//! project folder, another cache, another umask, time zone, locale and clock, and another user where
//! one is given. The two image files are compared byte by byte.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::clock::{self, Clock};
use crate::arch::Architecture;
use crate::commands::Setting;
use crate::commands::elsewhere::Elsewhere;

/// Builds again and compares.
///
/// # Errors
/// When the images differ, saying from which byte on; or when the second build fails.
pub fn same_image(setting: &Setting, recipe: &str, user: Option<&str>) -> Result<()> {
    let clock = Clock::find()?;
    let place = Elsewhere::new(setting, recipe, user)?.clock(clock.clone());
    // A build may replace the first image meanwhile: hold on to this one.
    let first = place.hold(&setting.project.images().join(format!("{recipe}.img")))?;
    setting.ui.say(format!("building a second time in {}", place.project().display()));
    place.build()?;
    let told = clocks(setting, recipe, &place)?;
    clock.check(&told)?;
    setting.ui.say(format!("the second build's clocks, in seconds since 1970: {}", told.replace('\n', ", ")));
    compare(&first, &place.image())
}

/// What the clocks of the second build say: of its `mazet`, and of programs of its trees. Emulated
/// programs keep the true clock, and are not asked.
fn clocks(setting: &Setting, recipe: &str, place: &Elsewhere) -> Result<String> {
    let mut command = place
        .mazet("asking for the second build's clocks")
        .arg(clock::SUBCOMMAND)
        .arg(place.tree("trees", "tools")?);
    let architecture = setting.recipe(recipe)?.recipe.image.architecture;
    if !Architecture::of(&architecture)?.is_foreign() {
        command = command.arg(place.tree("layers", "base")?);
    }
    Ok(command.text()?.trim().to_owned())
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
    use std::fs;

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
