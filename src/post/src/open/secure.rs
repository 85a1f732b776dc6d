//! Records that have mail brought to the box encrypted, or not at all: MTA-STS (RFC 8461) and TLSA (RFC 7672).
//!
//! Without them, whoever sits between two servers can have mail brought in clear.

use mazet_model::report::{Level, Row};
use sha2::{Digest as _, Sha256};
use x509_parser::pem::parse_x509_pem;

use super::records::{Fits, Record, Told, asked};
use super::resolve::{Dns, Kind};
use crate::words::both;

/// Those of one domain that make sense as things stand.
pub async fn rows(dns: &Dns, domain: &str, told: &Told<'_>) -> Vec<Row> {
    let mut rows = vec![policy_name(dns, domain, told.host).await];
    if told.names.contains(&format!("mta-sts.{domain}")) {
        rows.push(asked(dns, &policy(domain, told.host)).await);
    } else {
        rows.push(no_certificate(domain));
    }
    // Where the answers are not signed, nobody believes the record: RFC 7672 § 2.2.
    let (mx, address) = tokio::join!(dns.is_signed(domain, Kind::Mx), dns.is_signed(told.host, Kind::A));
    if let Some(pin) = told.pin.as_ref().filter(|_| mx && address) {
        rows.push(asked(dns, &pinned(told.host, pin)).await);
    }
    rows
}

/// The name at which others read the policy; an address of the box's is as good as this record.
async fn policy_name(dns: &Dns, domain: &str, host: &str) -> Row {
    let record = Record {
        name: format!("mta-sts.{domain}"),
        kind: Kind::Cname,
        word: "CNAME",
        value: host.to_owned(),
        why: both(
            "Le nom où les autres serveurs lisent que le courrier d’ici vient chiffré (MTA-STS).",
            "The name at which other servers read that mail comes here encrypted (MTA-STS).",
        ),
        fits: Fits::Same,
        optional: true,
    };
    let (own, there) = tokio::join!(dns.addresses(host), dns.addresses(&record.name));
    let mut row = asked(dns, &record).await;
    if row.level != Level::Good && there.iter().any(|one| own.contains(one)) {
        row.level = Level::Good;
        row.facts = vec![record.why, both("Ce nom mène déjà ici.", "This name leads here already.")];
    }
    row
}

fn no_certificate(domain: &str) -> Row {
    let name = format!("mta-sts.{domain}");
    Row {
        title: both(format!("TXT de _mta-sts.{domain}"), format!("TXT of _mta-sts.{domain}")),
        facts: vec![both(
            format!(
                "Quand ce nom mène ici, ajoutez {name} aux noms de la page « Certificats » : la ligne à recopier apparaît alors."
            ),
            format!(
                "When that name leads here, add {name} to the names on the page “Certificates”: then the line to copy appears."
            ),
        )],
        ..Row::default()
    }
}

/// That there is a policy, and which.
fn policy(domain: &str, host: &str) -> Record {
    // Another one when the policy is another one: it names the host.
    let id = hexadecimal(&Sha256::digest(host))[..16].to_owned();
    Record {
        name: format!("_mta-sts.{domain}"),
        kind: Kind::Txt,
        word: "TXT",
        value: format!("v=STSv1; id={id}"),
        why: both(
            format!(
                "Les autres serveurs n’apportent alors le courrier que chiffré, et à {host} (MTA-STS). À mettre quand https://mta-sts.{domain}/ s’ouvre sans avertissement."
            ),
            format!(
                "Other servers then bring mail encrypted only, and to {host} (MTA-STS). To be set when https://mta-sts.{domain}/ opens without a warning."
            ),
        ),
        fits: Fits::Begins("v=STSv1", vec![format!("id={id}")]),
        optional: true,
    }
}

/// Which key the server shows at port 25: its own (3), the key alone (1), by SHA-256 (1).
fn pinned(host: &str, pin: &str) -> Record {
    Record {
        name: format!("_25._tcp.{host}"),
        kind: Kind::Tlsa,
        word: "TLSA",
        value: format!("3 1 1 {pin}"),
        why: both(
            "La clé que ce serveur montre (DANE) ; votre DNS est signé, les autres serveurs la vérifient. Si la clé change, cette ligne doit changer d’abord.",
            "The key that this server shows (DANE); your DNS is signed, and other servers check it. When the key changes, this line must change first.",
        ),
        fits: Fits::Same,
        optional: true,
    }
}

/// SHA-256 of the public key (SubjectPublicKeyInfo) of the first certificate of a PEM file.
pub fn pin(file: &[u8]) -> Option<String> {
    let (_, pem) = parse_x509_pem(file).ok()?;
    let certificate = pem.parse_x509().ok()?;
    Some(hexadecimal(&Sha256::digest(certificate.public_key().raw)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of nobody, made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes`.
    const CERTIFICATE: &str = include_str!("../../tests/nobody.pem");
    /// `openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum` of it.
    const KEY: &str = "b6fc53adcb3047e6710342af7d43b30eca3095e3d1b64176e0bab3cf7d4446e5";

    #[test]
    fn the_key_is_told_by_its_digest() {
        assert_eq!(pin(CERTIFICATE.as_bytes()).as_deref(), Some(KEY));
        assert_eq!(pin(b"nothing"), None);
        let record = pinned("box.example.org", KEY);
        assert_eq!(record.name, "_25._tcp.box.example.org");
        assert_eq!(record.value, format!("3 1 1 {KEY}"));
    }

    #[test]
    fn another_host_is_another_policy() {
        let value = |host: &str| policy("amis.example.org", host).value;
        assert_eq!(value("a.example.org"), value("a.example.org"));
        assert_ne!(value("a.example.org"), value("b.example.org"));
        assert!(value("a.example.org").starts_with("v=STSv1; id="));
    }
}
