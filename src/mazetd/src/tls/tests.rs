use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, RootCertStore};

use super::*;

/// What a client says that trusts `authority` alone, of a server called `name` with this certificate.
fn verdict(authority: &Certificate, pem: &str, name: &str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der.clone())).expect("an authority");
    let provider = std::sync::Arc::new(ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().expect("a verifier");
    let leaf = CertificateDer::from(Certificate::from_pem(pem.as_bytes()).expect("a certificate").der);
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::now()).map(drop)
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("read")
}

fn keeping<'k>(folder: &'k Path, name: &str, domains: &[&str]) -> Keeping<'k> {
    let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    Keeping { folder, names: Names { name: name.to_owned(), domains }, pair: None, group: None, clock: true }
}

fn domains(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    domains(names).into_iter().collect()
}

#[test]
fn who_trusts_the_authority_trusts_the_boxs_names_and_lasts_as_long_as_browsers_allow() {
    let folder = tempfile::tempdir().expect("temporary folder");
    ensure(folder.path(), "garrigue", None).expect("made");
    let authority = Certificate::read(&folder.path().join(AUTHORITY)).expect("read");
    let leaf = read(folder.path(), "cert.pem");
    for name in ["garrigue.local", "mazet.local", "localhost", "127.0.0.1"] {
        verdict(&authority, &leaf, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(verdict(&authority, &leaf, "elsewhere.local").is_err());
    assert!((815..=820).contains(&days_left(&folder.path().join("cert.pem")).expect("read")));
    assert!((3650..=3653).contains(&authority.days_left().expect("read")));
    let mode = |name| fs::metadata(folder.path().join(name)).expect("metadata").permissions().mode() & 0o777;
    let modes = [AUTHORITY_KEY, AUTHORITY, "key.pem", "cert.pem"].map(mode);
    assert_eq!(modes, [0o600, 0o644, 0o640, 0o640]);
}

#[test]
fn the_authority_is_believed_for_no_other_name_whatever_it_signs() {
    let key = || KeyPair::generate().expect("a key");
    let authority = Authority::make(key(), &domains(&["amis.example.org"])).expect("made");
    for good in ["box.local", "amis.example.org", "www.amis.example.org", "127.0.0.1"] {
        let leaf = authority.issue(&set(&[good]), &key()).expect("issued");
        verdict(&authority.certificate, &leaf, good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for foreign in ["example.org", "bank.example.com", "192.0.2.1", "127.0.0.2", "notlocal"] {
        let leaf = authority.issue(&set(&[foreign, "box.local"]), &key()).expect("issued");
        for name in [foreign, "box.local"] {
            let error = verdict(&authority.certificate, &leaf, name).expect_err("not believed");
            assert!(format!("{error:?}").contains("NameConstraintViolation"), "{foreign}: {error:?}");
        }
    }
    assert!(authority.permits(&domains(&["amis.example.org"])));
    assert!(!authority.permits(&[]) && !authority.permits(&domains(&["example.org"])));
}

#[test]
fn the_authority_signs_no_further_authority() {
    use x509_parser::prelude::FromDer as _;
    let authority = Authority::make(KeyPair::generate().expect("a key"), &[]).expect("made");
    let (_, parsed) =
        x509_parser::certificate::X509Certificate::from_der(&authority.certificate.der).expect("parsed");
    let basic = parsed.basic_constraints().expect("one").expect("there");
    assert!(basic.critical && basic.value.ca);
    assert_eq!(basic.value.path_len_constraint, Some(0));
    let usage = parsed.key_usage().expect("one").expect("there");
    assert!(usage.critical && usage.value.key_cert_sign() && !usage.value.digital_signature());
    assert!(parsed.name_constraints().expect("one").expect("there").critical);
}

#[test]
fn a_box_of_the_same_name_keeps_the_certificate_and_another_the_authority_and_the_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (live, same, other) =
        (folder.path().join("live"), folder.path().join("same"), folder.path().join("other"));
    ensure(&live, "mazet", None).expect("made");
    take_over(&live, &same, "mazet", None).expect("taken");
    take_over(&live, &other, "garrigue", None).expect("taken");
    assert_eq!(read(&live, "cert.pem"), read(&same, "cert.pem"));
    assert_ne!(read(&live, "cert.pem"), read(&other, "cert.pem"));
    for kept in ["key.pem", AUTHORITY, AUTHORITY_KEY] {
        assert_eq!(read(&live, kept), read(&other, kept), "{kept}");
    }
    let authority = Certificate::read(&live.join(AUTHORITY)).expect("read");
    verdict(&authority, &read(&other, "cert.pem"), "garrigue.local").expect("trusted still");
}

#[test]
fn a_box_with_the_certificate_of_earlier_versions_moves_over_with_its_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let key = KeyPair::generate().expect("a key");
    let own = rcgen::CertificateParams::new(domains(&["mazet.local", "localhost"])).expect("named");
    fs::write(folder.path().join("cert.pem"), own.self_signed(&key).expect("signed").pem()).expect("written");
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).expect("written");
    let box_of_old = keeping(folder.path(), "mazet", &[]);
    assert_eq!(box_of_old.would_write(), [AUTHORITY, "cert.pem"]);
    assert_eq!(box_of_old.keep().expect("moved"), [AUTHORITY, "cert.pem"]);
    assert_eq!(read(folder.path(), "key.pem"), key.serialize_pem());
    let authority = Certificate::read(&folder.path().join(AUTHORITY)).expect("read");
    verdict(&authority, &read(folder.path(), "cert.pem"), "mazet.local").expect("trusted");
    assert_eq!(box_of_old.keep().expect("looked at"), Vec::<&str>::new());
}

#[test]
fn what_cannot_be_right_is_made_anew_for_the_same_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let kept = keeping(folder.path(), "mazet", &[]);
    kept.keep().expect("made");
    let key = read(folder.path(), "key.pem");
    let pair = KeyPair::from_pem(&key).expect("a key");
    // A certificate of the authority's, from a time when the clock was wrong.
    let authority = KeyPair::from_pem(&read(folder.path(), AUTHORITY_KEY)).expect("a key");
    let mut old =
        rcgen::CertificateParams::new(kept.names.own().into_iter().collect::<Vec<_>>()).expect("named");
    old.not_before = time::OffsetDateTime::now_utc() - Duration::from_secs(1000 * 86_400);
    old.not_after = time::OffsetDateTime::now_utc() - Duration::from_secs(180 * 86_400);
    let mut issuer = rcgen::CertificateParams::new(Vec::<String>::new()).expect("named");
    let subject = Certificate::read(&folder.path().join(AUTHORITY)).expect("read").subject().expect("named");
    issuer.distinguished_name = rcgen::DistinguishedName::new();
    issuer.distinguished_name.push(rcgen::DnType::OrganizationName, "Mazet");
    issuer
        .distinguished_name
        .push(rcgen::DnType::CommonName, subject.strip_prefix("Mazet, ").expect("named"));
    let issuer = issuer.self_signed(&authority).expect("signed");
    let old = old.signed_by(&pair, &issuer, &authority).expect("signed").pem();
    fs::write(folder.path().join("cert.pem"), old).expect("written");
    let no_clock = Keeping { clock: false, ..kept.clone() };
    assert_eq!(no_clock.would_write(), Vec::<&str>::new(), "by a wrong clock nothing is judged");
    assert_eq!(kept.keep().expect("renewed"), ["cert.pem"]);
    assert!(days_left(&folder.path().join("cert.pem")).expect("read") > RENEW_DAYS);
    assert_eq!(read(folder.path(), "key.pem"), key);
}

#[test]
fn another_name_of_the_box_is_certified_and_trusted_by_who_trusted_the_earlier_one() {
    let folder = tempfile::tempdir().expect("temporary folder");
    keeping(folder.path(), "mazet", &[]).keep().expect("made");
    let authority = Certificate::read(&folder.path().join(AUTHORITY)).expect("read");
    assert_eq!(keeping(folder.path(), "lavande", &[]).keep().expect("renamed"), ["cert.pem"]);
    verdict(&authority, &read(folder.path(), "cert.pem"), "lavande.local").expect("trusted");
}

#[test]
fn a_domain_has_a_certificate_of_its_own_and_the_local_names_stay_trusted_by_all() {
    let folder = tempfile::tempdir().expect("temporary folder");
    keeping(folder.path(), "mazet", &[]).keep().expect("made");
    let (earlier, leaf) =
        (Certificate::read(&folder.path().join(AUTHORITY)).expect("read"), read(folder.path(), "cert.pem"));
    let kept = keeping(folder.path(), "mazet", &["amis.example.org"]);
    assert_eq!(kept.keep().expect("made"), [AUTHORITY, "public.pem"]);
    assert_eq!(read(folder.path(), "cert.pem"), leaf, "the local names keep their certificate");
    let public = read(folder.path(), "public.pem");
    let now = Certificate::read(&folder.path().join(AUTHORITY)).expect("read");
    verdict(&now, &public, "amis.example.org").expect("trusted");
    verdict(&now, &leaf, "mazet.local").expect("trusted");
    verdict(&earlier, &leaf, "mazet.local").expect("trusted by who knows the earlier one");
    verdict(&earlier, &public, "amis.example.org").expect_err("not what they agreed to");
    assert_eq!(kept.would_write(), Vec::<&str>::new());
}

#[test]
fn another_authoritys_certificate_is_in_force_while_it_is_good() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let key = KeyPair::generate().expect("a key");
    let other =
        Authority::make(KeyPair::generate().expect("a key"), &domains(&["amis.example.org"])).expect("made");
    let chain = other.issue(&set(&["amis.example.org"]), &key).expect("issued");
    let pair = Pair { chain: chain.clone(), key: key.serialize_pem() };
    assert!(pair.fits(&set(&["amis.example.org"])) && !pair.fits(&set(&["www.example.org"])));
    let foreign = Pair { key: KeyPair::generate().expect("a key").serialize_pem(), ..pair.clone() };
    assert!(!foreign.fits(&set(&["amis.example.org"])));
    let own = keeping(folder.path(), "mazet", &["amis.example.org"]);
    own.keep().expect("made");
    let with = Keeping { pair: Some(pair), ..own.clone() };
    assert_eq!(with.keep().expect("taken"), ["public.pem"]);
    assert_eq!(read(folder.path(), "public.pem"), chain);
    assert_eq!(with.keep().expect("looked at"), Vec::<&str>::new());
    assert_eq!(own.keep().expect("back"), ["public.pem"], "without it the own one is back");
    assert_eq!(
        Certificate::read(&folder.path().join("public.pem")).expect("read").issuer().expect("named")[..5],
        *"Mazet"
    );
}

#[test]
fn the_fingerprint_is_the_sum_of_the_file_that_is_downloaded() {
    let authority = Authority::make(KeyPair::generate().expect("a key"), &[]).expect("made");
    let shown = authority.certificate.fingerprint();
    assert_eq!(shown.split(':').count(), 32);
    use sha2::Digest as _;
    let sum = crate::random::hex(&sha2::Sha256::digest(&authority.certificate.der));
    assert_eq!(shown.replace(':', "").to_lowercase(), sum);
}
