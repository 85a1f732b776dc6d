//! What a Debian package says of itself (deb(5)), read without starting a program for each: for
//! hundreds of packages that alone would take a second.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lzma_rust2::XzReader;

/// The part of a package that is for dpkg.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Its control file (Debian Policy, 5.3), as the package has it.
    pub control: String,
    /// It has a script that runs before it is unpacked (`preinst`).
    pub preinst: bool,
}

/// Reads the control part of the package in the file `deb`.
///
/// # Errors
/// When the file cannot be read or is no package.
pub fn about(deb: &Path) -> Result<About> {
    File::open(deb)
        .map_err(Into::into)
        .and_then(|file| read(BufReader::new(file)))
        .with_context(|| format!("reading the package {}", deb.display()))
}

fn read(deb: impl Read) -> Result<About> {
    let mut parts = ar::Archive::new(deb);
    while let Some(part) = parts.next_entry() {
        let part = part?;
        let name = String::from_utf8_lossy(part.header().identifier()).into_owned();
        match name.strip_prefix("control.tar") {
            Some(compression) => return unpack(decompressed(compression, part)?),
            None if name.starts_with("data.tar") => break,
            None => {}
        }
    }
    bail!("it has no control part")
}

fn decompressed<'a>(compression: &str, part: impl Read + 'a) -> Result<Box<dyn Read + 'a>> {
    Ok(match compression {
        "" => Box::new(part),
        ".gz" => Box::new(flate2::read::GzDecoder::new(part)),
        ".xz" => Box::new(XzReader::new(part, true)),
        ".zst" => Box::new(zstd::Decoder::new(part)?),
        other => bail!("its control part is compressed in a way that is not known here ({other})"),
    })
}

fn unpack(part: impl Read) -> Result<About> {
    let mut about = About::default();
    for file in tar::Archive::new(part).entries()? {
        let mut file = file?;
        let path = file.path()?.into_owned();
        match path.strip_prefix(".").unwrap_or(&path).to_str() {
            Some("control") => {
                file.read_to_string(&mut about.control)?;
            }
            Some("preinst") => about.preinst = true,
            _ => {}
        }
    }
    if about.control.is_empty() {
        bail!("it has no control file");
    }
    Ok(about)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    const CONTROL: &str = "Package: greet\nVersion: 1.0\nArchitecture: all\nPre-Depends: dpkg\n\
                           Maintainer: A test <test@test.invalid>\nDescription: greets\n";

    /// A package made by dpkg-deb; gives what is read of it.
    fn made(compression: &str, preinst: bool) -> About {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let parts = folder.path().join("tree/DEBIAN");
        fs::create_dir_all(&parts).expect("made");
        fs::write(parts.join("control"), CONTROL).expect("written");
        if preinst {
            fs::write(parts.join("preinst"), "#!/bin/sh\n").expect("written");
            fs::set_permissions(parts.join("preinst"), fs::Permissions::from_mode(0o755)).expect("set");
        }
        let deb = folder.path().join("greet.deb");
        let built = Command::new("dpkg-deb")
            .args(["--root-owner-group", &format!("-Z{compression}"), "--build"])
            .args([folder.path().join("tree"), deb.clone()])
            .output()
            .expect("dpkg-deb is there");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        about(&deb).expect("a package")
    }

    #[test]
    fn packages_of_every_compression_are_read() {
        for compression in ["none", "gzip", "xz", "zstd"] {
            assert_eq!(made(compression, false), About { control: CONTROL.into(), preinst: false });
            assert_eq!(made(compression, true), About { control: CONTROL.into(), preinst: true });
        }
    }

    #[test]
    fn what_is_no_package_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("torn.deb");
        fs::write(&file, "!<arch>\n").expect("written");
        let error = format!("{:#}", about(&file).expect_err("no package"));
        assert!(error.ends_with("torn.deb: it has no control part"), "{error}");
    }
}
