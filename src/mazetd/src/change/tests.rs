//! Previews, orders, and the network on trial.

use super::*;
use crate::network::{Address, Card, Facts};

fn settings() -> Settings {
    let mut settings = Settings::live();
    settings.operator = mazet_model::settings::Operator { name: "Ada".to_owned(), login: "ada".to_owned() };
    settings
}

/// A box without services, whose systemctl agrees to everything.
fn desk(folder: &Path) -> (Desk, Runner) {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::below(folder);
    let put = |path: &str, text: &str| {
        let path = desk.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    put(
        "usr/share/mazet/image.json",
        r#"{"name":"pc","version":"0","release":"trixie","architecture":"amd64","hardware":"pc","services":[],
        "kernel":"6","kernel_arguments":[],"volume_id":"12ab34cd","digest":"","layers":[],"unpacked_bytes":0}"#,
    );
    put(system::BOX_TOML, &toml::to_string(&settings()).expect("TOML"));
    put("../bin/systemctl", "#!/bin/sh\nexit 0\n");
    let bin = folder.join("bin");
    fs::set_permissions(bin.join("systemctl"), fs::Permissions::from_mode(0o755)).expect("mode");
    (desk, Runner::from_folder(bin))
}

#[test]
fn a_value_is_set_by_its_path() {
    let changed = set(&settings(), "ssh.enabled", "true").expect("set");
    assert!(changed.ssh.enabled);
    let changed = set(&changed, "box.name", "garrigue").expect("set");
    assert_eq!(changed.machine.name, "garrigue");
    let changed = set(&changed, "network.dns", "[\"192.0.2.53\"]").expect("set");
    assert_eq!(changed.network.dns, ["192.0.2.53"]);
    let unknown = set(&changed, "ssh.port", "22").expect_err("no such setting");
    assert!(format!("{unknown:#}").contains("unknown field `port`"), "{unknown:#}");
    let wrong = set(&changed, "ssh.enabled", "perhaps").expect_err("no boolean");
    assert!(format!("{wrong:#}").starts_with("setting ssh.enabled: "), "{wrong:#}");
}

#[test]
fn a_preview_tells_each_setting_and_each_fault() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    let mut wished = settings();
    wished.machine.name = "garrigue".to_owned();
    wished.ssh.enabled = true;
    let shown = preview(&desk, &wished, &runner).expect("looked");
    let told: Vec<_> = shown.settings.iter().map(|c| format!("{}: {} -> {}", c.path, c.old, c.new)).collect();
    assert_eq!(told, ["box.name: \"mazet\" -> \"garrigue\"", "ssh.enabled: false -> true"]);
    wished.machine.name = "La Garrigue".to_owned();
    let shown = preview(&desk, &wished, &runner).expect("looked");
    assert!(shown.faults[0].text.starts_with("box.name: "), "{shown:?}");
    assert!(shown.settings.is_empty());
}

#[test]
fn an_ordered_change_is_put_in_force_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    let seen = current(&desk.root).expect("read").version;
    let mut wished = settings();
    wished.machine.name = "garrigue".to_owned();
    order(&desk, &wished, &seen, &runner).expect("ordered");
    assert!(last(&desk).running);
    assert!(order(&desk, &wished, &seen, &runner).expect_err("busy").is::<Busy>());
    carry_out(&desk, &runner).expect("done");
    assert_eq!(last(&desk), Last::default());
    assert_eq!(system::settings(&desk.root).expect("read"), wished);
    assert!(order(&desk, &wished, &seen, &runner).expect_err("outdated").is::<Outdated>());
    assert!(carry_out(&desk, &runner).is_err(), "nothing is ordered any more");
}

#[test]
fn a_change_that_fails_leaves_the_earlier_settings_and_says_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    let seen = current(&desk.root).expect("read").version;
    let mut wished = settings();
    wished.machine.name = "La Garrigue".to_owned();
    order(&desk, &wished, &seen, &runner).expect("ordered");
    carry_out(&desk, &runner).expect_err("faulty");
    assert!(last(&desk).error.expect("told").contains("no host name"));
    assert_eq!(current(&desk.root).expect("read").version, seen);
}

/// A fixed address for the wired network.
fn moved() -> Settings {
    let mut wished = settings();
    wished.network.method = Some(mazet_model::answers::Method::Static);
    wished.network.address = Some("192.168.1.10/24".to_owned());
    wished
}

fn ordered(desk: &Desk, wished: &Settings, runner: &Runner) {
    let seen = current(&desk.root).expect("read").version;
    order(desk, wished, &seen, runner).expect("ordered");
    carry_out(desk, runner).expect("done");
}

/// A machine with this address, given by the network or not.
fn has(address: &str, given: bool) -> Facts {
    let address = Address { address: address.parse().expect("an address"), prefix: 24, given };
    Facts { cards: vec![Card { addresses: vec![address], ..Card::default() }], ..Facts::default() }
}

/// As if the time of the trial were over: of another start of the machine.
fn time_passes(desk: &Desk) {
    let path = desk.root.join("srv/mazet/trial/earlier.json");
    let text = fs::read_to_string(&path).expect("on trial");
    let (before, after) = text.split_once("\"boot\":\"").expect("a start");
    fs::write(&path, format!("{before}\"boot\":\"another {after}")).expect("written");
}

#[test]
fn a_network_that_nobody_confirms_goes_back_and_says_so() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    ordered(&desk, &moved(), &runner);
    assert_eq!(system::settings(&desk.root).expect("read"), moved());
    let pending = trial::standing(&desk.root).expect("read").pending.expect("on trial");
    assert_eq!(pending.hosts, ["192.168.1.10", "mazet.local"]);
    trial::lapse(&desk.root, &runner).expect("looked");
    assert_eq!(system::settings(&desk.root).expect("read"), moved(), "the time is not over");
    time_passes(&desk);
    trial::lapse(&desk.root, &runner).expect("gone back");
    assert_eq!(system::settings(&desk.root).expect("read"), settings());
    let standing = trial::standing(&desk.root).expect("read");
    assert_eq!(standing.pending, None);
    assert_eq!(standing.lapsed.expect("told").hosts[0], "192.168.1.10");
    let late = trial::keep(&desk.root, &has("192.168.1.10", false), &runner).expect_err("too late");
    assert!(late.is::<trial::Over>());
    trial::seen(&desk.root).expect("forgotten");
    assert_eq!(trial::standing(&desk.root).expect("read"), trial::Standing::default());
}

#[test]
fn a_network_that_is_confirmed_stays() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    ordered(&desk, &moved(), &runner);
    let keep = |facts: &Facts| trial::keep(&desk.root, facts, &runner);
    assert!(keep(&has("192.168.1.20", true)).expect_err("by the old address").is::<trial::Early>());
    assert!(keep(&has("192.168.1.10", true)).expect_err("the network gave it").is::<trial::Early>());
    let lock = trial::lock(&desk.root).expect("a change under way");
    assert!(keep(&has("192.168.1.10", false)).expect_err("not done yet").is::<Busy>());
    drop(lock);
    keep(&has("192.168.1.10", false)).expect("kept");
    trial::lapse(&desk.root, &runner).expect("nothing to do");
    assert_eq!(system::settings(&desk.root).expect("read"), moved());
    assert_eq!(trial::standing(&desk.root).expect("read"), trial::Standing::default());
    ordered(&desk, &settings(), &runner);
    assert!(keep(&has("192.168.1.10", false)).expect_err("still there").is::<trial::Early>());
    keep(&has("192.168.1.10", true)).expect("the network gives the same one now");
}

#[test]
fn a_network_that_is_given_up_goes_back_at_once_and_nobody_is_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    assert!(trial::give_up(&desk.root).expect_err("nothing to give up").is::<trial::Over>());
    ordered(&desk, &moved(), &runner);
    let lock = trial::lock(&desk.root).expect("a change under way");
    assert!(trial::order_back(&desk.root, &runner).expect_err("not done yet").is::<Busy>());
    drop(lock);
    trial::order_back(&desk.root, &runner).expect("ordered");
    assert!(trial::standing(&desk.root).expect("read").pending.expect("still there").going_back);
    trial::lapse(&desk.root, &runner).expect("gone back");
    assert_eq!(system::settings(&desk.root).expect("read"), settings());
    assert_eq!(trial::standing(&desk.root).expect("read"), trial::Standing::default());
    // A new change begins a new trial.
    ordered(&desk, &moved(), &runner);
    trial::lapse(&desk.root, &runner).expect("looked");
    assert_eq!(system::settings(&desk.root).expect("read"), moved());
}

#[test]
fn a_second_change_on_trial_goes_back_to_what_was_confirmed_last() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    ordered(&desk, &moved(), &runner);
    let mut other = moved();
    other.network.address = Some("192.168.1.11/24".to_owned());
    other.machine.timezone = "Europe/Brussels".to_owned();
    ordered(&desk, &other, &runner);
    time_passes(&desk);
    trial::lapse(&desk.root, &runner).expect("gone back");
    let mut expected = settings();
    expected.machine.timezone = "Europe/Brussels".to_owned();
    assert_eq!(system::settings(&desk.root).expect("read"), expected, "only the network goes back");
}

#[test]
fn a_faulty_network_is_not_on_trial() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    let mut faulty = moved();
    faulty.network.gateway = Some("router".to_owned());
    let seen = current(&desk.root).expect("read").version;
    order(&desk, &faulty, &seen, &runner).expect("ordered");
    carry_out(&desk, &runner).expect_err("faulty");
    assert_eq!(trial::standing(&desk.root).expect("read"), trial::Standing::default());
    assert_eq!(system::settings(&desk.root).expect("read"), settings());
}

#[test]
fn a_wifi_key_comes_with_the_wish_and_the_earlier_one_comes_back() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    let key = || fs::read_to_string(desk.root.join(wifi::KEY)).ok();
    let wish = |ssid: &str, key: &str| {
        let text = |text: &str| Some(text.to_owned());
        let wifi = Wifi { country: text("FR"), ssid: text(ssid), key: text(key) };
        wish_wifi(&desk, &wifi).expect("kept");
        let mut wished = settings();
        (wished.wifi.country, wished.wifi.ssid) = (wifi.country, wifi.ssid);
        wished
    };
    let first = wish("Amis", "01ab");
    let shown = preview(&desk, &first, &runner).expect("looked").settings;
    assert!(shown.iter().any(|one| one.path == "wifi.key" && !one.new.contains("01ab")), "{shown:?}");
    ordered(&desk, &first, &runner);
    trial::keep(&desk.root, &Facts::default(), &runner).expect("kept");
    assert_eq!(key().as_deref(), Some("01ab\n"));
    assert!(preview(&desk, &first, &runner).expect("looked").settings.is_empty(), "the key is there");
    ordered(&desk, &wish("Amis", "02cd"), &runner);
    assert_eq!(key().as_deref(), Some("02cd\n"));
    time_passes(&desk);
    trial::lapse(&desk.root, &runner).expect("gone back");
    assert_eq!(key().as_deref(), Some("01ab\n"));
    ordered(&desk, &settings(), &runner);
    assert_eq!(key(), None, "the cable alone needs no key");
    time_passes(&desk);
    trial::lapse(&desk.root, &runner).expect("gone back");
    assert_eq!((key().as_deref(), system::settings(&desk.root).expect("read")), (Some("01ab\n"), first));
}

#[test]
fn what_root_changes_is_on_trial_too_and_its_key_is_not_left_lying() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    now(&desk, &moved(), None, &runner).expect("done");
    assert_eq!(system::settings(&desk.root).expect("read"), moved());
    assert!(trial::standing(&desk.root).expect("read").pending.is_some());
    trial::keep(&desk.root, &has("192.168.1.10", false), &runner).expect("kept");
    let text = |text: &str| Some(text.to_owned());
    let wifi = Wifi { country: text("FR"), ssid: text("Amis"), key: text("01ab") };
    let mut wished = moved();
    (wished.wifi.country, wished.wifi.ssid) = (wifi.country.clone(), wifi.ssid.clone());
    now(&desk, &wished, Some(&wifi), &runner).expect("done");
    assert_eq!(fs::read_to_string(desk.root.join(wifi::KEY)).expect("kept"), "01ab\n");
    assert!(!desk.wifi().exists());
    let mut faulty = wished.clone();
    faulty.machine.name = "La Garrigue".to_owned();
    now(&desk, &faulty, Some(&wifi), &runner).expect_err("faulty");
    assert!(!desk.wifi().exists());
    assert_eq!(system::settings(&desk.root).expect("read"), wished);
    time_passes(&desk);
    trial::lapse(&desk.root, &runner).expect("gone back");
    assert_eq!(system::settings(&desk.root).expect("read"), moved());
}

const POST: &str = r#"
[service]
name = "post"
title = { fr = "Courrier", en = "Mail" }
summary = { fr = "Du courrier.", en = "Mail." }
[[report]]
name = "ready"
title = { fr = "Prêt ?", en = "Ready?" }
summary = { fr = "Ce qu’il faut.", en = "What it takes." }
unit = "post-ready.service"
[[option]]
name = "way"
title = { fr = "Façon", en = "Way" }
default = "inside"
[[option.value]]
name = "inside"
title = { fr = "Entre nous", en = "Inside" }
text = { fr = "Rien ne sort.", en = "Nothing goes out." }
[[option.value]]
name = "full"
title = { fr = "Complet", en = "Full" }
text = { fr = "Pour le monde.", en = "For the world." }
report = "ready"
"#;

#[test]
fn a_choice_that_needs_a_proof_is_made_once_there_is_one() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (desk, runner) = desk(folder.path());
    let image = desk.root.join("usr/share/mazet/image.json");
    let text =
        fs::read_to_string(&image).expect("read").replace("\"services\":[]", "\"services\":[\"post\"]");
    fs::write(&image, text).expect("written");
    fs::create_dir_all(desk.root.join("usr/share/mazet/services")).expect("made");
    fs::write(desk.root.join("usr/share/mazet/services/post.toml"), POST).expect("written");
    let seen = current(&desk.root).expect("read").version;
    let wished = set(&settings(), "options.post.way", "full").expect("set");
    let offered = || current(&desk.root).expect("read").services[0].options[0].values[1].offered;
    assert!(!offered());
    assert_eq!(preview(&desk, &wished, &runner).expect("looked").faults[0].key, "option_unproven");
    let error = order(&desk, &wished, &seen, &runner).expect_err("no proof");
    assert!(error.to_string().contains("post/ready says that all is ready"), "{error:#}");
    let verdict = |passed| {
        let line =
            format!("{{\"line\":\"verdict\",\"passed\":{passed},\"title\":{{\"fr\":\"V\",\"en\":\"V\"}}}}\n");
        fs::create_dir_all(desk.root.join("run/mazet")).expect("made");
        fs::write(desk.root.join("run/mazet/report-post-ready.jsonl"), line).expect("written");
    };
    verdict(false);
    assert!(!offered());
    verdict(true);
    assert!(offered());
    let shown = preview(&desk, &wished, &runner).expect("looked");
    assert_eq!((shown.faults, shown.settings[0].path.as_str()), (Vec::new(), "options.post.way"));
    order(&desk, &wished, &seen, &runner).expect("ordered");
}
