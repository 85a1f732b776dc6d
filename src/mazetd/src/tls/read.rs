//! What a certificate says.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

/// A certificate (X.509).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// DER.
    pub der: Vec<u8>,
}

impl Certificate {
    /// The first certificate of the PEM file at `path`.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(path: &Path) -> Result<Self> {
        let pem = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Self::from_pem(&pem).with_context(|| format!("reading {}", path.display()))
    }

    /// The first certificate of a PEM text.
    ///
    /// # Errors
    /// When there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem).context("the certificate is no PEM file")?;
        pem.parse_x509().context("the certificate cannot be parsed")?;
        Ok(Self { der: pem.contents })
    }

    fn parsed(&self) -> Result<X509Certificate<'_>> {
        let (_, certificate) =
            X509Certificate::from_der(&self.der).context("the certificate cannot be parsed")?;
        Ok(certificate)
    }

    /// Host names and addresses that it is for.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn names(&self) -> Result<BTreeSet<String>> {
        let certificate = self.parsed()?;
        let names = certificate.subject_alternative_name().context("reading the certificate's names")?;
        let names = names.map(|names| names.value.general_names.iter().filter_map(shown).collect());
        Ok(names.unwrap_or_default())
    }

    /// What an authority may certify: host names, and addresses as `address/mask`.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn permitted(&self) -> Result<BTreeSet<String>> {
        let certificate = self.parsed()?;
        let constraints = certificate.name_constraints().context("reading the authority's limits")?;
        let permitted = constraints.and_then(|limits| limits.value.permitted_subtrees.as_ref());
        Ok(permitted.into_iter().flatten().filter_map(|subtree| shown(&subtree.base)).collect())
    }

    /// Who issued it: the organisation, or what stands for it.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn issuer(&self) -> Result<String> {
        Ok(title(self.parsed()?.issuer()))
    }

    /// What it is called.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn subject(&self) -> Result<String> {
        Ok(title(self.parsed()?.subject()))
    }

    /// Whole days until it ends; negative when it has ended.
    ///
    /// # Errors
    /// When it cannot be parsed, or is not valid yet.
    pub fn days_left(&self) -> Result<i64> {
        let certificate = self.parsed()?;
        let now = OffsetDateTime::now_utc();
        if certificate.validity().not_before.to_datetime() > now {
            bail!("the certificate is not valid yet: the clock may be wrong");
        }
        Ok((certificate.validity().not_after.to_datetime() - now).whole_days())
    }

    /// When it ends.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn end(&self) -> Result<OffsetDateTime> {
        Ok(self.parsed()?.validity().not_after.to_datetime())
    }

    /// Whole days from its beginning to its end.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn days_in_all(&self) -> Result<i64> {
        let certificate = self.parsed()?;
        let validity = certificate.validity();
        Ok((validity.not_after.to_datetime() - validity.not_before.to_datetime()).whole_days())
    }

    /// Is it for that public key (DER of its SubjectPublicKeyInfo)?
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn is_for(&self, key: &[u8]) -> Result<bool> {
        Ok(self.parsed()?.public_key().raw == key)
    }

    /// Did that authority issue it?
    ///
    /// # Errors
    /// When one of the two cannot be parsed.
    pub fn is_signed_by(&self, authority: &Self) -> Result<bool> {
        let (certificate, authority) = (self.parsed()?, authority.parsed()?);
        Ok(certificate.issuer() == authority.subject()
            && certificate.verify_signature(Some(authority.public_key())).is_ok())
    }

    /// Its SHA-256 fingerprint, as operating systems and browsers show it: `AB:CD:…`, 32 pairs.
    pub fn fingerprint(&self) -> String {
        let pairs: Vec<String> = Sha256::digest(&self.der).iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

fn shown(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    }
}

/// An address, or one with its mask.
fn address(bytes: &[u8]) -> Option<String> {
    let one = |bytes: &[u8]| -> Option<IpAddr> {
        match bytes.len() {
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
            _ => None,
        }
    };
    match bytes.len() {
        8 | 32 => {
            let (address, mask) = bytes.split_at(bytes.len() / 2);
            Some(format!("{}/{}", one(address)?, one(mask)?))
        }
        _ => one(bytes).map(|address| address.to_string()),
    }
}

/// `Let's Encrypt, R10`.
fn title(name: &X509Name<'_>) -> String {
    let organisations = name.iter_organization().filter_map(|part| part.as_str().ok());
    let names = name.iter_common_name().filter_map(|part| part.as_str().ok());
    organisations.chain(names).collect::<Vec<_>>().join(", ")
}
