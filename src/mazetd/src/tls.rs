//! The box's own certificate.
//!
//! Self-signed, made on the machine: in the live system for the wizard, and kept by the
//! installed box so that a browser that trusts it once goes on.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::files;

/// Folder of the live system's certificate.
pub const LIVE_FOLDER: &str = "/run/mazet/tls";
/// Folder of the installed box's certificate.
pub const FOLDER: &str = "/srv/mazet/tls";
/// Days of validity. Apple's systems refuse any TLS server certificate of more than 825 days, the
/// ones that the user chose to trust included (support.apple.com/103769).
const VALID_DAYS: i64 = 820;
/// `mazetd apply` makes a new certificate when fewer days are left.
const RENEW_DAYS: i64 = 60;

/// Makes `cert.pem` and `key.pem` in `folder` unless they are there.
///
/// `name` is the box's name: `<name>.local` stands in the certificate. `group` may read both.
///
/// # Errors
/// When the certificate cannot be made or written.
pub fn ensure(folder: &Path, name: &str, group: Option<u32>) -> Result<()> {
    if folder.join("cert.pem").exists() && folder.join("key.pem").exists() {
        return Ok(());
    }
    let key = KeyPair::generate().context("making the certificate's key")?;
    write(folder, name, &key, group)
}

/// Takes the certificate in `from` over to `to`. For a box with another name than the certificate's, or
/// when it was made by a clock that was wrong, the same key is certified anew.
///
/// # Errors
/// When `from` cannot be read or `to` not be written.
pub fn take_over(from: &Path, to: &Path, name: &str, group: Option<u32>) -> Result<()> {
    let key_pem = fs::read_to_string(from.join("key.pem")).context("reading the wizard's key")?;
    let lasts = days_left(&from.join("cert.pem")).is_ok_and(|days| days >= RENEW_DAYS);
    if !lasts || !names(&from.join("cert.pem"), name)? {
        let key = KeyPair::from_pem(&key_pem).context("reading the wizard's key")?;
        return write(to, name, &key, group);
    }
    let certificate = fs::read(from.join("cert.pem")).context("reading the wizard's certificate")?;
    put(to, &certificate, key_pem.as_bytes(), group)
}

/// Does the certificate at `path` name the box `name`?
fn names(path: &Path, name: &str) -> Result<bool> {
    let pem = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).context("the certificate is no PEM file")?;
    let certificate = pem.parse_x509().context("the certificate cannot be parsed")?;
    let wanted = format!("{name}.local");
    Ok(certificate.subject().iter_common_name().any(|one| one.as_str().is_ok_and(|one| one == wanted)))
}

/// Certifies the key in `folder` anew when fewer than 60 days are left, when it is not valid yet (a
/// wrong clock made it), or when the box has another name now. `true`: it did.
///
/// # Errors
/// When the certificate or its key cannot be read, or the new one not be written.
pub fn renew(folder: &Path, name: &str, group: Option<u32>) -> Result<bool> {
    let path = folder.join("cert.pem");
    if days_left(&path).is_ok_and(|days| days >= RENEW_DAYS) && names(&path, name)? {
        return Ok(false);
    }
    let key_pem = fs::read_to_string(folder.join("key.pem")).context("reading the certificate's key")?;
    let key = KeyPair::from_pem(&key_pem).context("reading the certificate's key")?;
    write(folder, name, &key, group)?;
    Ok(true)
}

/// Whole days until the certificate at `path` ends; negative when it has ended.
///
/// # Errors
/// When it cannot be read, or is not valid yet.
pub fn days_left(path: &Path) -> Result<i64> {
    let pem = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).context("the certificate is no PEM file")?;
    let certificate = pem.parse_x509().context("the certificate cannot be parsed")?;
    let now = OffsetDateTime::now_utc();
    if certificate.validity().not_before.to_datetime() > now {
        bail!("the certificate is not valid yet: the clock may be wrong");
    }
    Ok((certificate.validity().not_after.to_datetime() - now).whole_days())
}

fn write(folder: &Path, name: &str, key: &KeyPair, group: Option<u32>) -> Result<()> {
    let certificate = parameters(name)?.self_signed(key).context("signing the certificate")?;
    put(folder, certificate.pem().as_bytes(), key.serialize_pem().as_bytes(), group)
}

fn put(folder: &Path, certificate: &[u8], key: &[u8], group: Option<u32>) -> Result<()> {
    files::make_folder(folder, 0o755)?;
    let owner = group.map(|group| (None, Some(group)));
    files::write_atomically(&folder.join("key.pem"), key, 0o640, owner)?;
    files::write_atomically(&folder.join("cert.pem"), certificate, 0o640, owner)
}

/// Addresses stand not in it (but for the loopback's): they change with the network, and a
/// browser must be told to trust it once in any case.
fn parameters(name: &str) -> Result<CertificateParams> {
    let host = format!("{name}.local");
    let mut names =
        vec![host.clone(), "mazet.local".to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    names.dedup();
    let mut parameters = CertificateParams::new(names).context("naming the certificate")?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, host);
    parameters.distinguished_name = subject;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A day back: a visitor's clock may be a little behind the box's.
    parameters.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    parameters.not_after = OffsetDateTime::now_utc() + Duration::days(VALID_DAYS);
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_certificate_names_the_box_and_lasts_as_long_as_browsers_allow() {
        let folder = tempfile::tempdir().expect("temporary folder");
        ensure(folder.path(), "garrigue", None).expect("made");
        let path = folder.path().join("cert.pem");
        assert!((815..=820).contains(&days_left(&path).expect("read")));
        let pem = fs::read(&path).expect("read");
        let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).expect("PEM");
        let certificate = pem.parse_x509().expect("X.509");
        let names = certificate.subject_alternative_name().expect("extension").expect("there");
        let names = format!("{:?}", names.value.general_names);
        for name in ["garrigue.local", "mazet.local", "localhost"] {
            assert!(names.contains(name), "{name} in {names}");
        }
        let mode = fs::metadata(folder.path().join("key.pem")).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_box_of_the_same_name_keeps_the_certificate_and_another_keeps_the_key() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (live, same, other) =
            (folder.path().join("live"), folder.path().join("same"), folder.path().join("other"));
        ensure(&live, "mazet", None).expect("made");
        take_over(&live, &same, "mazet", None).expect("taken");
        take_over(&live, &other, "garrigue", None).expect("taken");
        let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).expect("read");
        assert_eq!(read(&live, "cert.pem"), read(&same, "cert.pem"));
        assert_ne!(read(&live, "cert.pem"), read(&other, "cert.pem"));
        assert_eq!(read(&live, "key.pem"), read(&other, "key.pem"));
    }

    #[test]
    fn a_certificate_that_cannot_be_right_is_made_anew_for_the_same_key() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (live, taken) = (folder.path().join("live"), folder.path().join("taken"));
        ensure(&live, "mazet", None).expect("made");
        let key = KeyPair::from_pem(&fs::read_to_string(live.join("key.pem")).expect("read")).expect("a key");
        let mut parameters = parameters("mazet").expect("named");
        parameters.not_before = OffsetDateTime::now_utc() - Duration::days(1000);
        parameters.not_after = OffsetDateTime::now_utc() - Duration::days(180);
        let old = parameters.self_signed(&key).expect("signed").pem();
        put(&live, old.as_bytes(), key.serialize_pem().as_bytes(), None).expect("written");
        take_over(&live, &taken, "mazet", None).expect("taken");
        assert!(days_left(&taken.join("cert.pem")).expect("read") > RENEW_DAYS);
        assert_eq!(
            fs::read(live.join("key.pem")).expect("read"),
            fs::read(taken.join("key.pem")).expect("read")
        );
        assert!(renew(&live, "mazet", None).expect("renewed"));
    }

    #[test]
    fn a_fresh_certificate_is_not_renewed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        ensure(folder.path(), "mazet", None).expect("made");
        assert!(!renew(folder.path(), "mazet", None).expect("looked at"));
    }
}
