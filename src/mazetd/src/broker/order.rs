//! From the wizard's answers to an order to install, every answer checked again.
//!
//! The web half is not trusted: a disk is what the machine's own scan says it is, and what
//! it holds may be erased only after its serial number was typed.

use std::collections::BTreeMap;

use mazet_model::answers as advance;
use mazet_model::manifest::Manifest;
use mazet_model::settings::{Certificates, Machine, Mail, Operator, Organisation, Settings, Ssh, Wifi};
use mazet_model::wizard::{InstallPlan, KeepPlan, RestorePlan};

use super::answers::Kept;
use crate::apply::faults;
use crate::protocol::{Answers, ChosenDisk, Disk, KnownBox, Response};

/// Longest answer in characters; everything a person types is shorter.
const LONGEST: usize = 200;

/// Why an order is refused: catalogue key and detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    key: &'static str,
    detail: String,
}

impl Refusal {
    pub(super) fn new(key: &'static str, detail: impl Into<String>) -> Self {
        Self { key, detail: detail.into() }
    }

    /// As the broker sends it.
    pub fn response(self) -> Response {
        Response::Refused { key: self.key.to_owned(), detail: self.detail }
    }
}

/// The order made of `kept` and of what no step asks about and was given in `advance`, with `disks` as
/// just scanned and the image's `services`.
///
/// # Errors
/// The first thing that is missing or wrong, as the visitor can mend it.
pub fn order(
    kept: &Kept,
    advance: &advance::Answers,
    disks: &[Disk],
    services: &[Manifest],
) -> Result<InstallPlan, Refusal> {
    let answers = &kept.answers;
    let chosen = given(answers.disks.as_ref(), "disks")?;
    check_disks(chosen, disks, &kept.begun)?;
    let settings = settings(answers, advance)?;
    if let Some(fault) = faults::faults(&settings, services).into_iter().next() {
        return Err(Refusal::new("settings", fault.text));
    }
    Ok(InstallPlan {
        disks: chosen.iter().map(|disk| disk.name.clone()).collect(),
        settings,
        wifi_key: answers.wifi.as_ref().and_then(|wifi| wifi.key.clone()),
        operator_password: given(answers.operator_password.as_ref(), "operator_password")?.clone(),
        operator_unix_password: given(kept.unix_password.as_ref(), "operator_password")?.clone(),
    })
}

/// The order to make the system of the chosen box anew, with `boxes` as just scanned.
///
/// # Errors
/// When it is not there any more, or cannot be kept.
pub fn keep(kept: &Kept, boxes: &[KnownBox]) -> Result<KeepPlan, Refusal> {
    let chosen = given(kept.answers.kept.as_ref(), "kept")?;
    let found = boxes.iter().find(|one| one.uuid == chosen.uuid && one.disks == chosen.disks);
    let found =
        found.ok_or_else(|| Refusal::new("kept-gone", "the disks of the box are not there any more"))?;
    if let Some(fault) = &found.fault {
        return Err(Refusal::new("kept-fault", fault.clone()));
    }
    Ok(KeepPlan { disks: found.disks.clone(), uuid: found.uuid.clone() })
}

/// Bytes of a disk that are not for data: boot programs, the rescue system, the system itself.
const FOR_THE_SYSTEM: u64 = 8_000_000_000;

/// The order to put the chosen backup onto the chosen disks, with `disks` as just scanned.
///
/// # Errors
/// The first thing that is missing or wrong, as the visitor can mend it.
pub fn restore(kept: &Kept, disks: &[Disk]) -> Result<RestorePlan, Refusal> {
    let backup = given(kept.answers.backup.as_ref(), "backup")?;
    let chosen = given(kept.answers.disks.as_ref(), "disks")?;
    check_disks(chosen, disks, &kept.begun)?;
    let names: Vec<String> = chosen.iter().map(|disk| disk.name.clone()).collect();
    let of_choice = disks.iter().filter(|disk| names.contains(&disk.name));
    let smallest = of_choice.map(|disk| disk.bytes).min().unwrap_or_default();
    let needed = backup.bytes_needed.saturating_add(FOR_THE_SYSTEM);
    if smallest < needed {
        let detail =
            format!("the backup needs a disk of {needed} bytes, the smallest chosen one has {smallest}");
        return Err(Refusal::new("restore-small", detail));
    }
    Ok(RestorePlan { disks: names, backup: backup.backup.clone() })
}

/// Refuses answers that no wizard sends.
///
/// # Errors
/// When there are more than two disks or a text is too long or holds control characters.
pub fn check_answers(answers: &Answers) -> Result<(), Refusal> {
    let chosen = answers.disks.as_deref().unwrap_or_default();
    if chosen.len() > 2 {
        return Err(Refusal::new("disks", "one disk or two can be chosen"));
    }
    let mut texts: Vec<&String> =
        chosen.iter().flat_map(|disk| [&disk.name, &disk.serial, &disk.typed_serial]).collect();
    let single = [
        &answers.organisation,
        &answers.box_name,
        &answers.timezone,
        &answers.operator_name,
        &answers.operator_login,
    ];
    texts.extend(single.into_iter().flatten());
    let kept = answers.kept.iter().flat_map(|kept| [&kept.uuid, &kept.name, &kept.organisation]);
    texts.extend(kept);
    if texts.iter().any(|text| text.chars().count() > LONGEST || text.chars().any(char::is_control)) {
        return Err(Refusal::new("answers", "an answer is too long or holds control characters"));
    }
    Ok(())
}

/// The Wi-Fi that a visitor chose, its passphrase turned into the key. Without a passphrase the key `kept`
/// for the same name stays.
///
/// # Errors
/// When name, country or passphrase can be none.
pub fn wifi(
    kept: Option<&crate::protocol::Wifi>,
    ssid: Option<String>,
    passphrase: Option<String>,
    country: String,
) -> Result<crate::protocol::Wifi, Refusal> {
    let Some(ssid) = ssid else { return Ok(crate::protocol::Wifi::default()) };
    if !advance::is_ssid(&ssid) || !advance::is_country(&country) {
        return Err(Refusal::new("wifi", "the network's name or the country cannot be right"));
    }
    let key = match passphrase {
        // The error's text does not hold the passphrase.
        Some(text) => {
            Some(advance::psk_hash(&text, &ssid).map_err(|error| Refusal::new("wifi", error.to_string()))?)
        }
        None => kept.filter(|kept| kept.ssid.as_ref() == Some(&ssid)).and_then(|kept| kept.key.clone()),
    };
    Ok(crate::protocol::Wifi { country: Some(country), ssid: Some(ssid), key })
}

/// What must be typed to erase a disk: its serial, or its kernel name where it has none.
pub fn identity(disk: &Disk) -> &str {
    if disk.serial.is_empty() { &disk.name } else { &disk.serial }
}

fn given<'a, T>(answer: Option<&'a T>, name: &str) -> Result<&'a T, Refusal> {
    answer.ok_or_else(|| Refusal::new("answers-missing", format!("the answer \"{name}\" is missing")))
}

fn settings(answers: &Answers, advance: &advance::Answers) -> Result<Settings, Refusal> {
    given(answers.purpose.as_ref(), "purpose")?;
    let wifi = answers.wifi.clone().unwrap_or_default();
    Ok(Settings {
        machine: Machine {
            name: given(answers.box_name.as_ref(), "box_name")?.clone(),
            language: *given(answers.language.as_ref(), "language")?,
            timezone: answers.timezone.clone().unwrap_or_else(|| "Europe/Paris".to_owned()),
        },
        organisation: Organisation { name: given(answers.organisation.as_ref(), "organisation")?.clone() },
        operator: Operator {
            name: given(answers.operator_name.as_ref(), "operator_name")?.clone(),
            login: given(answers.operator_login.as_ref(), "operator_login")?.clone(),
        },
        // Who gives a key in advance wants to log in with it.
        ssh: Ssh { enabled: !advance.ssh.keys.is_empty(), keys: advance.ssh.keys.clone() },
        network: advance.network.clone(),
        wifi: Wifi { country: wifi.country, ssid: wifi.ssid },
        mail: Mail::default(),
        certificates: Certificates::default(),
        disabled_services: Vec::new(),
        alternatives: BTreeMap::new(),
        options: BTreeMap::new(),
        sites: Vec::new(),
    })
}

fn check_disks(chosen: &[ChosenDisk], disks: &[Disk], begun: &[String]) -> Result<(), Refusal> {
    if !(1..=2).contains(&chosen.len()) {
        return Err(Refusal::new("disks", "one disk or two must be chosen"));
    }
    if chosen.len() == 2 && chosen[0].name == chosen[1].name {
        return Err(Refusal::new("disks", "the same disk was chosen twice"));
    }
    chosen.iter().try_for_each(|choice| check_disk(choice, disks, begun))
}

fn check_disk(choice: &ChosenDisk, disks: &[Disk], begun: &[String]) -> Result<(), Refusal> {
    let same = |disk: &&Disk| disk.name == choice.name && disk.serial == choice.serial;
    let Some(disk) = disks.iter().find(same) else {
        let detail =
            format!("the disk {} with serial {:?} is not there (any more)", choice.name, choice.serial);
        return Err(Refusal::new("disk-missing", detail));
    };
    if disk.too_small {
        return Err(Refusal::new("disk-too-small", format!("{} has {} bytes", disk.name, disk.bytes)));
    }
    let identity = identity(disk);
    let agreed = choice.typed_serial.trim() == identity || begun.iter().any(|known| known == identity);
    if !disk.contents.is_empty() && !agreed {
        let detail = format!("{} holds data and its serial number was not typed", disk.name);
        return Err(Refusal::new("serial-mismatch", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mazet_model::settings::Language;

    use super::*;
    use crate::protocol::{Content, Purpose};

    fn volume(name: &str) -> Content {
        let kind = Some("ntfs".to_owned());
        Content::Volume { name: name.to_owned(), kind, label: None, uuid: None, bytes: 1_000_000_000 }
    }

    fn disk(name: &str, serial: &str, contents: &[&str]) -> Disk {
        Disk {
            name: name.to_owned(),
            model: String::new(),
            serial: serial.to_owned(),
            bytes: 500_000_000_000,
            contents: contents.iter().map(|name| volume(name)).collect(),
            holds_mazet: false,
            too_small: false,
            medium: false,
        }
    }

    fn choice(name: &str, serial: &str, typed: &str) -> ChosenDisk {
        ChosenDisk { name: name.to_owned(), serial: serial.to_owned(), typed_serial: typed.to_owned() }
    }

    fn kept(disks: Vec<ChosenDisk>) -> Kept {
        let text = |text: &str| Some(text.to_owned());
        let answers = Answers {
            language: Some(Language::Fr),
            purpose: Some(Purpose::New),
            kept: None,
            backup: None,
            disks: Some(disks),
            organisation: text("Les Amis"),
            box_name: text("garrigue"),
            timezone: text("Europe/Paris"),
            operator_name: text("Ada"),
            operator_login: text("ada"),
            wifi: None,
            operator_password: text("$argon2id$x"),
        };
        Kept { answers, begun: Vec::new(), unix_password: text("$6$x") }
    }

    fn key(kept: &Kept, disks: &[Disk]) -> String {
        order(kept, &advance::Answers::default(), disks, &[])
            .map_or_else(|refusal| refusal.key.to_owned(), |plan| plan.disks.join("+"))
    }

    #[test]
    fn a_blank_disk_needs_no_serial_and_a_full_one_does() {
        let disks = [disk("sda", "S1", &[]), disk("sdb", "S2", &["sdb1"])];
        assert_eq!(key(&kept(vec![choice("sda", "S1", "")]), &disks), "sda");
        assert_eq!(key(&kept(vec![choice("sdb", "S2", "")]), &disks), "serial-mismatch");
        assert_eq!(key(&kept(vec![choice("sdb", "S2", "S1")]), &disks), "serial-mismatch");
        assert_eq!(key(&kept(vec![choice("sdb", "S2", " S2 ")]), &disks), "sdb");
    }

    #[test]
    fn a_disk_without_serial_is_confirmed_by_its_kernel_name() {
        let disks = [disk("vda", "", &["unknown data"])];
        assert_eq!(key(&kept(vec![choice("vda", "", "")]), &disks), "serial-mismatch");
        assert_eq!(key(&kept(vec![choice("vda", "", "vda")]), &disks), "vda");
    }

    #[test]
    fn a_disk_that_another_one_took_the_name_of_is_refused() {
        let disks = [disk("sda", "S9", &[])];
        assert_eq!(key(&kept(vec![choice("sda", "S1", "S1")]), &disks), "disk-missing");
        assert_eq!(key(&kept(vec![choice("../sda", "S9", "S9")]), &disks), "disk-missing");
    }

    #[test]
    fn a_mirror_needs_two_different_disks() {
        let disks = [disk("sda", "S1", &[]), disk("sdb", "S2", &[])];
        assert_eq!(key(&kept(vec![choice("sda", "S1", ""), choice("sdb", "S2", "")]), &disks), "sda+sdb");
        assert_eq!(key(&kept(vec![choice("sda", "S1", ""); 2]), &disks), "disks");
        assert_eq!(key(&kept(Vec::new()), &disks), "disks");
    }

    #[test]
    fn after_a_power_cut_the_begun_disk_needs_no_second_consent() {
        let disks = [disk("sda", "S1", &["sda3: btrfs"])];
        let mut kept = kept(vec![choice("sda", "S1", "")]);
        assert_eq!(key(&kept, &disks), "serial-mismatch");
        kept.begun.push("S1".to_owned());
        assert_eq!(key(&kept, &disks), "sda");
    }

    #[test]
    fn a_missing_answer_is_named() {
        let mut kept = kept(vec![choice("sda", "S1", "")]);
        kept.answers.operator_password = None;
        let refusal = order(&kept, &advance::Answers::default(), &[disk("sda", "S1", &[])], &[])
            .expect_err("incomplete");
        assert_eq!(refusal.key, "answers-missing");
        assert_eq!(refusal.detail, "the answer \"operator_password\" is missing");
    }

    #[test]
    fn what_was_given_in_advance_goes_into_the_settings_and_the_wifi_key_beside_them() {
        let text = "[box]\nname = \"lavande\"\n[network]\nmethod = \"static\"\naddress = \"192.168.1.10/24\"\n\
            [wifi]\ncountry = \"FR\"\nssid = \"Mazet\"\npsk-hash = \"0123456789abcdef0123456789abcdef\
            0123456789abcdef0123456789abcdef\"\n[ssh]\nkeys = [\"ssh-ed25519 AAAAC3Nz ada@laptop\"]\n";
        let advance = advance::Answers::read("mazet.toml", text).whole().expect("no fault");
        let mut kept = kept(vec![choice("sda", "S1", "")]);
        kept.fill(&advance);
        let plan = order(&kept, &advance, &[disk("sda", "S1", &[])], &[]).expect("complete");
        assert_eq!(plan.settings.machine.name, "garrigue", "the wizard's answer counts");
        let settings = toml::to_string(&plan.settings).expect("TOML");
        for part in ["address = \"192.168.1.10/24\"", "ssid = \"Mazet\"", "enabled = true", "ada@laptop"] {
            assert!(settings.contains(part), "{part} is not in {settings}");
        }
        assert!(!settings.contains("0123456789abcdef"), "{settings}");
        assert_eq!(plan.wifi_key.map(|key| key.len()), Some(64));
    }

    #[test]
    fn of_a_wifi_only_the_key_is_kept_and_it_belongs_to_its_name() {
        let text = |text: &str| Some(text.to_owned());
        let country = || "FR".to_owned();
        let first = wifi(None, text("IEEE"), text("password"), country()).expect("sound");
        let key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e";
        assert_eq!(first.key.as_deref(), Some(key));
        let again = wifi(Some(&first), text("IEEE"), None, country()).expect("sound");
        assert_eq!(again, first);
        assert_eq!(wifi(Some(&first), text("Other"), None, country()).expect("sound").key, None);
        assert_eq!(wifi(Some(&first), None, None, country()).expect("sound").ssid, None);
        assert!(wifi(None, text("a\nb"), None, country()).is_err());
        assert!(wifi(None, text("a"), None, "France".to_owned()).is_err());
        let refusal = wifi(None, text("a"), text("s3cret"), country()).expect_err("short");
        assert!(!refusal.detail.contains("s3cret"), "{refusal:?}");
    }

    #[test]
    fn answers_that_no_wizard_sends_are_refused() {
        let mut answers = kept(Vec::new()).answers;
        assert!(check_answers(&answers).is_ok());
        answers.organisation = Some("x".repeat(201));
        assert!(check_answers(&answers).is_err());
        answers.organisation = Some("a\nb".to_owned());
        assert!(check_answers(&answers).is_err());
    }

    #[test]
    fn a_box_is_kept_on_the_disks_that_it_was_seen_on() {
        let known = |disks: &[&str], fault: Option<&str>| KnownBox {
            uuid: "5f1e".to_owned(),
            disks: disks.iter().map(|&name| name.to_owned()).collect(),
            name: "garrigue".to_owned(),
            organisation: "Les Amis".to_owned(),
            fault: fault.map(str::to_owned),
        };
        let answers = Answers { kept: Some(known(&["sda", "sdb"], None)), ..Answers::default() };
        let kept = Kept { answers, ..Kept::default() };
        let plan = keep(&kept, &[known(&["sda", "sdb"], None)]).expect("there");
        assert_eq!((plan.uuid.as_str(), plan.disks), ("5f1e", vec!["sda".to_owned(), "sdb".to_owned()]));
        let refused = |boxes: &[KnownBox]| keep(&kept, boxes).expect_err("refused").key;
        assert_eq!(refused(&[known(&["sda"], None)]), "kept-gone");
        assert_eq!(refused(&[]), "kept-gone");
        assert_eq!(refused(&[known(&["sda", "sdb"], Some("no box.toml"))]), "kept-fault");
        assert_eq!(keep(&Kept::default(), &[]).expect_err("not chosen").key, "answers-missing");
    }

    #[test]
    fn a_backup_wants_a_disk_that_holds_it() {
        let backup = |needed| crate::protocol::Backup {
            title: "USB: Verbatim".to_owned(),
            backup: "0123abcd".to_owned(),
            r#box: "garrigue".to_owned(),
            at: 0,
            services: Vec::new(),
            files: 1,
            bytes: needed,
            bytes_needed: needed,
        };
        let present = [disk("sda", "", &[])];
        let with = |needed| {
            let mut kept = kept(vec![choice("sda", "", "")]);
            kept.answers.backup = Some(backup(needed));
            kept
        };
        let plan = restore(&with(1), &present).expect("room");
        assert_eq!((plan.backup.as_str(), plan.disks), ("0123abcd", vec!["sda".to_owned()]));
        assert_eq!(restore(&with(u64::MAX), &present).expect_err("too small").key, "restore-small");
        assert_eq!(
            restore(&kept(vec![choice("sda", "", "")]), &present).expect_err("none chosen").key,
            "answers-missing"
        );
    }
}
