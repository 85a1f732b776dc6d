//! Where backups go: what the operator gave of each place, and whether it can be one.
//!
//! Each is a JSON object in `/srv/mazet/secrets/backup-<kind>/<id>.json`, where the forms of the pages keep what they
//! were filled in with, root's alone.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

/// Kinds of places, by the names of their folders. Folders of this machine no page offers.
pub const KINDS: [&str; 5] = ["usb", "sftp", "rest", "s3", "folder"];

/// A place for backups.
#[derive(Clone)]
pub struct Target {
    /// Its name on this box.
    pub id: String,
    /// It.
    pub place: Place,
}

/// A place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// A disk, known by its file system.
    Usb {
        /// UUID of the file system.
        uuid: String,
        /// What people know it by.
        name: String,
        /// Folder on it.
        folder: String,
    },
    /// A folder of another machine, by SSH.
    Sftp {
        /// Machine.
        host: String,
        /// Port.
        port: String,
        /// Login there.
        user: String,
        /// Folder.
        path: String,
    },
    /// A restic REST server.
    Rest {
        /// Address, with the path of the repository.
        url: String,
        /// Login there.
        user: String,
        /// Password there.
        password: String,
    },
    /// Storage that speaks S3.
    S3 {
        /// Address of the service.
        url: String,
        /// Bucket, and a folder in it perhaps: `bucket/folder`.
        bucket: String,
        /// Access key.
        key: String,
        /// Secret key.
        secret: String,
    },
    /// A folder of this machine, for who looks after its disk by hand: none that dies with the box.
    Folder {
        /// It.
        path: PathBuf,
    },
}

/// No secret is shown by chance.
impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.title())
    }
}

impl Place {
    /// What people know it by; without any secret.
    pub fn title(&self) -> String {
        match self {
            Self::Usb { name, .. } => format!("USB: {name}"),
            Self::Sftp { host, user, path, .. } => format!("SFTP: {user}@{host}:{path}"),
            Self::Rest { url, .. } => format!("REST: {}", plain(url)),
            Self::S3 { url, bucket, .. } => format!("S3: {}, {bucket}", plain(url)),
            Self::Folder { path } => path.display().to_string(),
        }
    }

    /// Can it be one? What is in it becomes words of a command.
    ///
    /// # Errors
    /// What cannot be, in words for people.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Usb { uuid, folder, .. } => {
                word("the disk's number", uuid, |one| one.is_ascii_alphanumeric() || one == '-')?;
                below("the folder", folder)
            }
            Self::Sftp { host, port, user, path } => {
                word("the machine", host, |one| one.is_ascii_alphanumeric() || ".-:".contains(one))?;
                word("the login", user, |one| one.is_ascii_alphanumeric() || "._-".contains(one))?;
                port.parse::<std::num::NonZeroU16>()
                    .map_err(|_| anyhow!("{port:?} is no port: 22 is the usual one"))?;
                word("the folder", path, |one| !one.is_whitespace() && !"?#\"'\\".contains(one))
            }
            Self::Rest { url, user, .. } => {
                address(url)?;
                word("the login", user, |one| !one.is_control())
            }
            Self::S3 { url, bucket, key, .. } => {
                address(url)?;
                below("the bucket", bucket)?;
                word("the key", key, |one| one.is_ascii_graphic())
            }
            Self::Folder { path } if path.is_absolute() => Ok(()),
            Self::Folder { path } => bail!("{} is no absolute path", path.display()),
        }
    }
}

/// Words of a path without any that leads out of it.
fn below(what: &str, path: &str) -> Result<()> {
    word(what, path, |one| one.is_alphanumeric() || "/._-".contains(one))?;
    if path.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        bail!("{what} cannot be {path:?}");
    }
    Ok(())
}

fn word(what: &str, text: &str, good: impl Fn(char) -> bool) -> Result<()> {
    // What begins with a dash would be an option to the programs that it is given to.
    if text.is_empty() || text.starts_with('-') || !text.chars().all(|one| good(one) && !one.is_control()) {
        bail!("{what} cannot be {text:?}");
    }
    Ok(())
}

/// Passwords are sent there: only through TLS, or to this machine itself.
fn address(url: &str) -> Result<()> {
    let own = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    let safe = url.starts_with("https://") || own.iter().any(|start| url.starts_with(start));
    if !safe {
        bail!("{url:?} does not begin with https://");
    }
    if url.contains('@') {
        bail!("the address cannot have a login in it: it has a field of its own");
    }
    word("the address", url, |one| one.is_ascii_graphic())
}

/// An address without its scheme.
fn plain(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// Places that the operator gave, in the folder `secrets`. What cannot be read is told and left out: the others are
/// still good.
///
/// # Errors
/// When a folder cannot be read.
pub fn all(secrets: &Path) -> Result<Vec<Target>> {
    let mut all = Vec::new();
    for kind in KINDS {
        all.extend(of_kind(secrets, kind)?);
    }
    Ok(all)
}

/// Those of a kind.
///
/// # Errors
/// When a folder cannot be read.
pub fn of_kind(secrets: &Path, kind: &str) -> Result<Vec<Target>> {
    let folder = folder(secrets, kind);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(id) = name.strip_suffix(".json").filter(|id| mazet_model::report::is_id(id)) else {
            continue;
        };
        match read(&path, kind) {
            Ok(place) => all.push(Target { id: id.to_owned(), place }),
            Err(error) => eprintln!("<4>{error:#}"),
        }
    }
    all.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(all)
}

/// Where places of a kind are kept.
pub fn folder(secrets: &Path, kind: &str) -> PathBuf {
    secrets.join(format!("backup-{kind}"))
}

fn read(path: &Path, kind: &str) -> Result<Place> {
    let reading = || format!("reading {}", path.display());
    let text = fs::read_to_string(path).with_context(reading)?;
    // serde's text may quote what stands there, a password perhaps.
    let mut value: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| anyhow!("it is no JSON")).with_context(reading)?;
    // The form does not say of which kind it is.
    value.as_object_mut().with_context(reading)?.insert("kind".to_owned(), kind.into());
    serde_json::from_value(value)
        .map_err(|_| anyhow!("it is no place of the kind {kind}"))
        .with_context(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sftp(host: &str, port: &str, user: &str, path: &str) -> Place {
        let [host, port, user, path] = [host, port, user, path].map(str::to_owned);
        Place::Sftp { host, port, user, path }
    }

    #[test]
    fn what_would_be_an_option_or_leads_elsewhere_is_refused() {
        sftp("nas.local", "22", "ada", "/srv/Mazet").check().expect("good");
        for bad in [
            sftp("-oProxyCommand=x", "22", "ada", "/srv"),
            sftp("nas local", "22", "ada", "/srv"),
            sftp("nas.local", "0", "ada", "/srv"),
            sftp("nas.local", "22", "-l", "/srv"),
            sftp("nas.local", "22", "ada", "a b"),
            Place::Folder { path: "a".into() },
            Place::Usb { uuid: "../sda".to_owned(), name: String::new(), folder: "a".to_owned() },
            Place::Usb { uuid: "12AB-34CD".to_owned(), name: String::new(), folder: "../a".to_owned() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_go_through_tls_alone() {
        let rest = |url: &str| {
            let place =
                Place::Rest { url: url.to_owned(), user: "box".to_owned(), password: "secret".to_owned() };
            assert!(!format!("{place:?}").contains("secret"));
            place.check().is_ok()
        };
        assert!(rest("https://backup.example.org/box/") && rest("http://127.0.0.1:8000/"));
        assert!(!rest("http://backup.example.org/box/") && !rest("https://ada:word@backup.example.org/"));
        assert!(!rest("http://127.0.0.1.example.org/"));
    }

    #[test]
    fn what_a_form_kept_is_a_place_of_its_folders_kind() {
        let secrets = tempfile::tempdir().expect("a folder");
        let folder = folder(secrets.path(), "rest");
        fs::create_dir(&folder).expect("made");
        let text = r#"{"url":"https://backup.example.org/","user":"box","password":"secret"}"#;
        fs::write(folder.join("0a1b.json"), text).expect("written");
        fs::write(folder.join("0a1c.json"), r#"{"url":"x"}"#).expect("written");
        let all = all(secrets.path()).expect("read");
        assert_eq!(all.len(), 1);
        assert_eq!(
            (all[0].id.as_str(), all[0].place.title().as_str()),
            ("0a1b", "REST: backup.example.org/")
        );
    }
}
