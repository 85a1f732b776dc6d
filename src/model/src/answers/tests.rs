use super::*;
use crate::fault::report;

/// A whole file without a fault.
const WHOLE: &str = r#"version = 1
language = "fr"
timezone = "Indian/Reunion"

[box]
name = "lavande"
claim-code-hash = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$MsVGXF5uHLmOLM0Tx1LqkPHKtlWtUmBJc9oBDmPzJgE"

[association]
name = "Les Amis du Mazet"

[network]
method = "static"
address = "192.168.1.10/24"
gateway = "192.168.1.1"
dns = ["192.168.1.1", "2001:db8::53"]

[wifi]
country = "FR"
ssid = "Mazet d'été"
psk-hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

[ssh]
keys = ["ssh-ed25519 AAAAC3Nz ada@laptop"]

[log]
write = true
"#;

/// The faults of `text`, and what is left of it.
fn outcome(text: &str) -> String {
    let read = Answers::read(FILE, text);
    format!("{}---\n{}", report(&read.faults), read.answers.to_toml().expect("TOML"))
}

#[test]
fn a_whole_file_is_read_and_written_again() {
    let read = Answers::read(FILE, WHOLE);
    assert_eq!(report(&read.faults), "0 faults\n");
    assert_eq!(read.answers.to_toml().expect("TOML"), WHOLE);
    let (address, prefix, gateway) = read.answers.network.fixed().expect("a fixed address");
    assert_eq!((address.to_string().as_str(), prefix), ("192.168.1.10", 24));
    assert_eq!(gateway.map(|gateway| gateway.to_string()).as_deref(), Some("192.168.1.1"));
}

#[test]
fn nothing_is_asked_for() {
    let read = Answers::read(FILE, "");
    assert_eq!((read.answers, read.faults), (Answers::default(), Vec::new()));
    assert_eq!(Answers::default().to_toml().expect("TOML"), "\n");
}

#[test]
fn a_windows_editors_marks_are_no_faults() {
    let text = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    assert_eq!(Answers::read(FILE, &text), Answers::read(FILE, WHOLE));
}

#[test]
fn every_faulty_value_is_told_and_left_out_and_the_others_stay() {
    insta::assert_snapshot!(outcome(
        r#"version = 2
langage = "fr"
language = "de"
timezone = "Europe/Pari"

[box]
name = "Le Mazet"
claim-code-hash = "ABCD-2345"
claim-code = "ABCD-2345"

[association]
name = "Les Amis du Mazet"

[ssh]
keys = ["ssh-ed25519 AAAAC3Nz ada@laptop", "MIIEvQ", "ssh-rsa AAAAB3Nz jo"]

[log]
write = "yes"

[wify]
ssid = "Mazet"
"#
    ));
}

#[test]
fn an_address_goes_with_its_method_and_a_name_server_alone() {
    insta::assert_snapshot!(outcome(
        "[network]\nmethod = \"static\"\naddress = \"192.168.1.10\"\ngateway = \"192.168.1.1\"\ndns = [\"192.168.1.1\", \"dns\"]\n"
    ));
    insta::assert_snapshot!(outcome(
        "[network]\nmethod = \"static\"\naddress = \"192.168.1.10/24\"\ngateway = \"192.168.2.1\"\n"
    ));
    insta::assert_snapshot!(outcome("[network]\nmethod = \"static\"\n[wifi]\npsk-hash = \"12\"\n"));
    insta::assert_snapshot!(outcome("[network]\naddress = \"192.168.1.10/24\"\n"));
}

/// An unreadable key must not turn into an open network of the same name.
#[test]
fn a_wifi_without_its_key_is_no_wifi() {
    insta::assert_snapshot!(outcome("[wifi]\ncountry = \"FR\"\nssid = \"Mazet\"\npsk-hash = \"secret\"\n"));
    insta::assert_snapshot!(outcome("wifi = { country = \"fr\", ssid = \"Mazet\" }\n"));
    insta::assert_snapshot!(outcome("[wifi]\npassphrase = \"in clear, perhaps\"\nssid = \"Mazet\"\n"));
}

#[test]
fn no_fault_shows_a_secret() {
    for text in [
        "[wifi]\nssid = \"Mazet\"\npassphrase = \"s3cret\"\n",
        "[wifi]\nssid = \"Mazet\"\npassphrase = \"s3cret\n",
        "[wifi]\nmotdepass = \"s3cret\"\n",
        "[wifi]\nclef = \"s3cret\"\n",
        "[wifi]\nssid = \"Mazet\"\npsk-hash = \"s3cret\"\n",
        "wifi = { ssid = \"Mazet\", psk-hash = \"s3cret\" }\n",
        "[box]\nclaim-code = \"s3cret\"\n",
        "box = { name = \"A B\", claim-code-hash = \"s3cret\" }\n",
    ] {
        let found = Answers::read(FILE, text).faults;
        assert!(!found.is_empty(), "{text}");
        assert!(!report(&found).contains("s3cret"), "{}", report(&found));
    }
}

#[test]
fn of_a_file_with_a_syntax_error_the_other_lines_stay() {
    insta::assert_snapshot!(outcome(
        "language = \"fr\"\ntimezone = \"Europe/Paris\n[box]\nname = lavande\n[wifi]\nssid = \"Mazet\"\npsk-hash = 0123\n"
    ));
}

#[test]
fn values_of_other_types_are_told() {
    insta::assert_snapshot!(outcome(
        "language = 1\nbox = \"lavande\"\nssh = [\"a\"]\n[timezone]\n[network]\ndns = \"192.168.1.1\"\nmethod = [\"dhcp\"]\n"
    ));
}

#[test]
fn half_written_files_never_panic_and_their_faults_quote_their_lines() {
    for end in (0..WHOLE.len()).filter(|end| WHOLE.is_char_boundary(*end)) {
        let read = Answers::read(FILE, &WHOLE[..end]);
        for fault in read.faults {
            let line = WHOLE[..end].lines().nth(fault.line - 1).unwrap_or_default();
            let shown = fault.text.trim_end_matches('…').trim_end();
            assert!(line.starts_with(shown), "{fault}");
        }
    }
}

const SALT: [u8; 16] = [7; 16];

#[test]
fn secrets_in_clear_become_hashes() {
    let text = "[box]\nclaim-code = \"abcd 2345\"\n[wifi]\nssid = \"IEEE\"\npassphrase = \"password\"\n";
    let answers =
        RawAnswers::read("my-box.toml", text).whole().expect("no fault").seal(SALT).expect("sealed");
    // Test vector of IEEE 802.11-2020, J.4.2.
    let psk = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e";
    assert_eq!(answers.wifi.psk_hash.as_deref(), Some(psk));
    let written = answers.to_toml().expect("TOML");
    assert!(!written.contains("2345") && !written.contains("password"), "{written}");
    assert_eq!(Answers::read(FILE, &written).whole().expect("no fault"), answers);
    let hash = answers.machine.claim_code_hash.expect("a hash");
    assert!(verify_claim_code("ABCD-2345", &hash));
    assert!(!verify_claim_code("ABCD-2346", &hash));
    assert!(!verify_claim_code("ABCD-2345", "no hash"));
}

#[test]
fn what_cannot_be_sealed_is_told_when_it_is_read() {
    let text = "[box]\nclaim-code = \"1234\"\nclaim-code-hash = \"x\"\n[wifi]\npassphrase = \"été\"\n";
    let read = RawAnswers::read("my-box.toml", text);
    insta::assert_snapshot!(report(&read.faults));
    assert_eq!(read.answers, RawAnswers::default());
    let mut raw = RawAnswers::default();
    raw.wifi.passphrase = Some("long enough".to_owned());
    assert_eq!(raw.clone().seal(SALT), Err(SealError::NoNetwork));
    raw.wifi.passphrase = None;
    raw.machine.claim_code = Some("short".to_owned());
    assert_eq!(raw.seal(SALT), Err(SealError::ClaimCode));
}

#[test]
fn a_hash_that_would_exhaust_the_box_is_refused() {
    let dear =
        "$argon2id$v=19$m=4194304,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$MsVGXF5uHLmOLM0Tx1LqkPHKtlWtUmBJc9oBDmPzJgE";
    assert!(!seal::is_phc(dear));
    assert!(seal::is_phc(&dear.replace("4194304", "19456")));
    assert!(!seal::is_phc(&dear.replace("4194304", "19456").replace("argon2id", "argon2i")));
}
