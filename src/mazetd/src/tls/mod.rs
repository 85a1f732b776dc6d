//! The box's own certificate authority, and the certificates that it issues.
//!
//! | file | what | who reads it |
//! |---|---|---|
//! | `authority-key.pem` | the authority's key, made on the box | root |
//! | `authority.pem` | its certificate: what people make their devices trust | everybody |
//! | `cert.pem`, `key.pem` | for the box's names on its own network | root and the group given |
//! | `public.pem`, `public-key.pem` | for its public domains, where it has some | the same |
//!
//! The live system makes the authority already, and the installed box takes it over with the
//! certificate: a browser that was told once to go on, in the wizard, is not asked again by an installed
//! box of the same name, and whoever trusts the authority trusts all that comes after.
//!
//! The local names and the public ones have a certificate each, since a device believes in the authority
//! as it was when it was told to: with another domain, the authority's certificate is made anew for
//! the same key, and a device that knows the earlier one would refuse a certificate with that domain in
//! it, the local names included.

mod authority;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::settings::Settings;
use mazet_model::vhosts::LOCAL_PAIR;
pub use mazet_model::vhosts::PUBLIC_PAIR;
use rcgen::KeyPair;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

pub use authority::Authority;
pub use read::Certificate;

use crate::files;

/// Folder of the live system's certificates.
pub const LIVE_FOLDER: &str = "/run/mazet/tls";
/// Folder of the installed box's certificates.
pub const FOLDER: &str = "/srv/mazet/tls";
/// The authority's certificate, in either folder.
pub const AUTHORITY: &str = "authority.pem";
/// Its key.
const AUTHORITY_KEY: &str = "authority-key.pem";
/// A server certificate is made anew when fewer days are left.
const RENEW_DAYS: i64 = 60;
/// The authority's certificate is made anew, for the same key, when fewer days are left: more than any
/// certificate that it issues lasts.
const AUTHORITY_RENEW_DAYS: i64 = 1000;

/// What the certificates must say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The box's name: `<name>.local` is certified.
    pub name: String,
    /// Its public domains.
    pub domains: Vec<String>,
}

impl Names {
    /// As the settings want.
    pub fn of(settings: &Settings) -> Self {
        Self { name: settings.machine.name.clone(), domains: settings.certificates.domains.clone() }
    }

    /// A box without public domains.
    pub fn local(name: &str) -> Self {
        Self { name: name.to_owned(), domains: Vec::new() }
    }

    /// What the box is called on its own network. Addresses are not among them (but for the loopback's):
    /// they change with the network.
    fn own(&self) -> BTreeSet<String> {
        let host = format!("{}.local", self.name);
        BTreeSet::from([host.as_str(), "mazet.local", "localhost", "127.0.0.1"].map(str::to_owned))
    }

    fn public(&self) -> BTreeSet<String> {
        self.domains.iter().cloned().collect()
    }
}

/// A certificate that another authority issued for the public domains, and its key, PEM each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The chain, the box's own certificate first.
    pub chain: String,
    /// Its key.
    pub key: String,
}

impl Pair {
    /// Is it for the key and for those names, and not past its end?
    pub fn fits(&self, names: &BTreeSet<String>) -> bool {
        let fits = || -> Result<bool> {
            let certificate = Certificate::from_pem(self.chain.as_bytes())?;
            // Other programs write keys in other forms than ours.
            let key = ring::sign::any_supported_type(&PrivateKeyDer::from_pem_slice(self.key.as_bytes())?)?;
            let key = key.public_key().context("the key has no public half")?;
            Ok(certificate.is_for(&key)?
                && names.is_subset(&certificate.names()?)
                && certificate.days_left()? >= 0)
        };
        fits().unwrap_or(false)
    }
}

/// What is kept, and for whom.
#[derive(Debug, Clone)]
pub struct Keeping<'k> {
    /// The folder.
    pub folder: &'k Path,
    /// What the certificates must say.
    pub names: Names,
    /// Another authority's certificate for the public domains, if there is a good one.
    pub pair: Option<Pair>,
    /// The group that reads certificates and keys.
    pub group: Option<u32>,
    /// The clock is right: what ends soon, or is not valid yet, is made anew.
    pub clock: bool,
}

/// Files that are missing or must be made anew, below the folder; empty: all is as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lacking {
    authority: bool,
    local: bool,
    public: bool,
}

impl Keeping<'_> {
    /// Makes what is missing, does not say what it should, or ends soon. Names the files that it wrote.
    ///
    /// # Errors
    /// When one cannot be made or written.
    pub fn keep(&self) -> Result<Vec<&'static str>> {
        let lacking = self.lacking();
        if lacking == Lacking::default() {
            return Ok(Vec::new());
        }
        files::make_folder(self.folder, 0o755)?;
        let authority = self.authority(lacking.authority)?;
        if lacking.local {
            self.issue(&authority, LOCAL_PAIR, &self.names.own())?;
        }
        match &self.pair {
            Some(pair) if lacking.public => self.put(PUBLIC_PAIR, &pair.chain, &pair.key)?,
            None if lacking.public => self.issue(&authority, PUBLIC_PAIR, &self.names.public())?,
            _ => {}
        }
        Ok(lacking.names())
    }

    /// The files that [`Keeping::keep`] would write.
    pub fn would_write(&self) -> Vec<&'static str> {
        self.lacking().names()
    }

    fn lacking(&self) -> Lacking {
        let authority = Authority::read(self.folder);
        let kept = authority.as_ref().is_ok_and(|authority| {
            authority.permits(&self.names.domains)
                && (!self.clock
                    || authority.certificate.days_left().is_ok_and(|days| days >= AUTHORITY_RENEW_DAYS))
        });
        let lacks = |pair, names: &BTreeSet<String>| {
            let issued = authority.as_ref().is_ok_and(|authority| self.is_good(authority, pair, names));
            !issued
        };
        let public = match &self.pair {
            _ if self.names.domains.is_empty() => false,
            Some(pair) => !self.holds(PUBLIC_PAIR, pair),
            None => lacks(PUBLIC_PAIR, &self.names.public()),
        };
        Lacking { authority: !kept, local: lacks(LOCAL_PAIR, &self.names.own()), public }
    }

    /// Is the pair of files issued by the authority for exactly these names, and does it last?
    fn is_good(
        &self,
        authority: &Authority,
        (certificate, key): (&str, &str),
        names: &BTreeSet<String>,
    ) -> bool {
        let look = || -> Result<bool> {
            let certificate = Certificate::read(&self.folder.join(certificate))?;
            let key = read_key(&self.folder.join(key))?;
            let lasts = !self.clock || certificate.days_left().is_ok_and(|days| days >= RENEW_DAYS);
            Ok(certificate.is_for(&key.public_key_der())?
                && certificate.is_signed_by(&authority.certificate)?
                && certificate.names()? == *names
                && lasts)
        };
        look().unwrap_or(false)
    }

    fn holds(&self, (certificate, key): (&str, &str), pair: &Pair) -> bool {
        let same = |file: &str, text: &str| {
            fs::read(self.folder.join(file)).is_ok_and(|kept| kept == text.as_bytes())
        };
        same(certificate, &pair.chain) && same(key, &pair.key)
    }

    /// The authority; its certificate made anew, for the key that is there.
    fn authority(&self, anew: bool) -> Result<Authority> {
        if !anew {
            return Authority::read(self.folder);
        }
        let path = self.folder.join(AUTHORITY_KEY);
        let key = if path.exists() {
            read_key(&path)?
        } else {
            KeyPair::generate().context("making the authority's key")?
        };
        let authority = Authority::make(key, &self.names.domains)?;
        files::write_atomically(&path, authority.key_pem().as_bytes(), 0o600, None)?;
        files::write_atomically(&self.folder.join(AUTHORITY), authority.pem.as_bytes(), 0o644, None)?;
        Ok(authority)
    }

    fn issue(&self, authority: &Authority, pair: (&str, &str), names: &BTreeSet<String>) -> Result<()> {
        let key = match read_key(&self.folder.join(pair.1)) {
            Ok(key) => key,
            Err(_) => KeyPair::generate().context("making the certificate's key")?,
        };
        let certificate = authority.issue(names, &key)?;
        self.put(pair, &certificate, &key.serialize_pem())
    }

    fn put(&self, (certificate, key): (&str, &str), chain: &str, key_pem: &str) -> Result<()> {
        let owner = self.group.map(|group| (None, Some(group)));
        files::write_atomically(&self.folder.join(key), key_pem.as_bytes(), 0o640, owner)?;
        files::write_atomically(&self.folder.join(certificate), chain.as_bytes(), 0o640, owner)
    }
}

impl Lacking {
    fn names(self) -> Vec<&'static str> {
        let all = [(self.authority, AUTHORITY), (self.local, LOCAL_PAIR.0), (self.public, PUBLIC_PAIR.0)];
        all.into_iter().filter_map(|(lacks, name)| lacks.then_some(name)).collect()
    }
}

/// Makes authority and certificate in `folder` unless they are there, for a box called `name`.
///
/// # Errors
/// When they cannot be made or written.
pub fn ensure(folder: &Path, name: &str, group: Option<u32>) -> Result<()> {
    Keeping { folder, names: Names::local(name), pair: None, group, clock: false }.keep().map(drop)
}

/// Takes authority, certificate and keys in `from` over to `to`. For a box with another name than the
/// certificate's, or when it was made by a clock that was wrong, the same keys are certified anew.
///
/// # Errors
/// When `from` cannot be read or `to` not be written.
pub fn take_over(from: &Path, to: &Path, name: &str, group: Option<u32>) -> Result<()> {
    files::make_folder(to, 0o755)?;
    let owner = group.map(|group| (None, Some(group)));
    for (file, mode, owner) in [
        (AUTHORITY_KEY, 0o600, None),
        (AUTHORITY, 0o644, None),
        (LOCAL_PAIR.1, 0o640, owner),
        (LOCAL_PAIR.0, 0o640, owner),
    ] {
        let path = from.join(file);
        let content = fs::read(&path).with_context(|| format!("reading the wizard's {}", path.display()))?;
        files::write_atomically(&to.join(file), &content, mode, owner)?;
    }
    Keeping { folder: to, names: Names::local(name), pair: None, group, clock: true }.keep().map(drop)
}

/// Whole days until the certificate at `path` ends; negative when it has ended.
///
/// # Errors
/// When it cannot be read, or is not valid yet.
pub fn days_left(path: &Path) -> Result<i64> {
    Certificate::read(path)?.days_left()
}

fn read_key(path: &Path) -> Result<KeyPair> {
    let pem = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    // The error of the parser might hold what it read.
    KeyPair::from_pem(&pem).ok().with_context(|| format!("{} holds no key", path.display()))
}
