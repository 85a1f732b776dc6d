//! The authority: it can certify this box's names and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::{AUTHORITY, AUTHORITY_KEY, Certificate, read_key};
use crate::random;

/// Days of validity of the authority's certificate: ten years.
const AUTHORITY_DAYS: i64 = 3653;
/// Days of validity of what it issues. Apple's systems refuse any TLS server certificate of more than
/// 825 days, those of an authority that the user chose to trust included (support.apple.com/103769).
const VALID_DAYS: i64 = 820;
/// DNS names that every authority may certify, those below them included (RFC 5280 § 4.2.1.10).
const ALWAYS: [&str; 2] = ["local", "localhost"];
/// The one address that it may certify.
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

/// Key and certificate.
pub struct Authority {
    /// The certificate.
    pub certificate: Certificate,
    /// The same as PEM.
    pub pem: String,
    key: KeyPair,
}

impl Authority {
    /// The authority in `folder`.
    ///
    /// # Errors
    /// When a file is missing or none, or the two do not belong together.
    pub fn read(folder: &Path) -> Result<Self> {
        let key = read_key(&folder.join(AUTHORITY_KEY))?;
        let path = folder.join(AUTHORITY);
        let pem = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let certificate = Certificate::from_pem(pem.as_bytes())?;
        if !certificate.is_for(&key.public_key_der())? {
            bail!("the authority's certificate is not for its key");
        }
        Ok(Self { certificate, pem, key })
    }

    /// A certificate for `key`, which may certify the box's own names and those at and below `domains`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn make(key: KeyPair, domains: &[String]) -> Result<Self> {
        let pem = parameters(&key, domains)?
            .self_signed(&key)
            .context("signing the authority's certificate")?
            .pem();
        Ok(Self { certificate: Certificate::from_pem(pem.as_bytes())?, pem, key })
    }

    /// May it certify the box's own names, these domains, and nothing else?
    pub fn permits(&self, domains: &[String]) -> bool {
        let own = ALWAYS.into_iter().map(str::to_owned);
        let mut wanted: BTreeSet<String> = own.chain(domains.iter().cloned()).collect();
        wanted.insert("127.0.0.1/255.255.255.255".to_owned());
        self.certificate.permitted().is_ok_and(|permitted| permitted == wanted)
    }

    /// Certifies `key` for `names` (host names and addresses), as PEM.
    ///
    /// # Errors
    /// When a name is none, or the certificate cannot be signed.
    pub fn issue(&self, names: &BTreeSet<String>, key: &KeyPair) -> Result<String> {
        let all: Vec<String> = names.iter().cloned().collect();
        let mut parameters = CertificateParams::new(all).context("naming the certificate")?;
        parameters.distinguished_name = DistinguishedName::new();
        // 64 characters at most, and nobody reads it where there are alternative names.
        let title = names.iter().find(|name| name.len() <= 64 && name.contains(char::is_alphabetic));
        parameters.distinguished_name.push(DnType::CommonName, title.map_or("Mazet", String::as_str));
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        parameters.serial_number = Some(serial()?);
        let end = self.certificate.end()?;
        (parameters.not_before, parameters.not_after) = validity(VALID_DAYS);
        parameters.not_after = parameters.not_after.min(end);
        // Of the issuer, its name and its key alone go into what it issues.
        let issuer = super::authority::parameters(&self.key, &[])?.self_signed(&self.key)?;
        let certificate = parameters.signed_by(key, &issuer, &self.key).context("signing the certificate")?;
        Ok(certificate.pem())
    }

    /// Its key, PEM: for root's eyes.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

fn parameters(key: &KeyPair, domains: &[String]) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new(Vec::<String>::new()).context("naming the authority")?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::OrganizationName, "Mazet");
    parameters.distinguished_name.push(DnType::CommonName, title(key));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = ALWAYS.into_iter().chain(domains.iter().map(String::as_str));
    let mut permitted: Vec<GeneralSubtree> =
        names.map(|name| GeneralSubtree::DnsName(name.to_owned())).collect();
    // Without an address here, any would be allowed: each kind of name is limited by itself.
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V4(LOOPBACK, [255; 4])));
    parameters.name_constraints =
        Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    parameters.serial_number = Some(serial()?);
    (parameters.not_before, parameters.not_after) = validity(AUTHORITY_DAYS);
    Ok(parameters)
}

/// The authority's name: the same as long as its key, whatever the box is called, and another on every
/// box. Browsers take two authorities of one name for one.
fn title(key: &KeyPair) -> String {
    let digits = random::hex(&Sha256::digest(key.public_key_der())[..4]);
    format!("Mazet {}-{}", &digits[..4], &digits[4..])
}

/// Never the same twice: browsers refuse a second certificate of one authority with the same number.
/// Positive, 16 bytes (RFC 5280 § 4.1.2.2).
fn serial() -> Result<SerialNumber> {
    let mut bytes = random::bytes::<16>()?;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// From yesterday, as a visitor's clock may be a little behind the box's.
fn validity(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - Duration::days(1), now + Duration::days(days))
}
