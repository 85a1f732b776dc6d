//! Of two alternatives one is on: switching, and going back when the other one does not start.

use std::fs;

use super::{BOX, Fixture};

/// A systemctl that remembers which units are enabled, and which run.
const SYSTEMCTL: &str = r#"#!/bin/sh
cd HERE
for unit; do :; done
case "$*" in
*is-enabled*)
    for unit; do
        case $unit in is-enabled | --root=*) continue ;; esac
        test -e "on/$unit" && echo enabled || echo disabled
    done
    exit
    ;;
esac
echo "$*" >> log
case "$*" in
*disable*) rm -f "on/$unit" "runs/$unit" ;;
*enable*)
    : > "on/$unit"
    # There is one port for both.
    test -n "$(ls runs)" && { echo "the port is taken" >&2; exit 1; }
    test "$(cat fails)" = "$unit" && { echo "no" >&2; exit 1; }
    : > "runs/$unit"
    ;;
esac
"#;

const IMAGE: &str = r#"{"name":"pc","version":"0","release":"trixie","architecture":"amd64",
"hardware":"pc","services":["one","two"],"alternatives":{"server":"two"},"kernel":"6",
"kernel_arguments":[],"volume_id":"12ab34cd","digest":"","layers":[],"unpacked_bytes":0}"#;

/// A box with two servers, of which the image prefers the second.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let here = fixture.folder.path().display().to_string();
    fixture.put("bin/systemctl", &SYSTEMCTL.replace("HERE", &here));
    for folder in ["on", "runs", "root/etc"] {
        fs::create_dir_all(fixture.path(folder)).expect("a new folder");
    }
    fixture.put("root/usr/share/mazet/image.json", IMAGE);
    for name in ["one", "two"] {
        let manifest = format!(
            "[service]\nname = \"{name}\"\nalternative = \"server\"\n\
             title = {{ fr = \"S\", en = \"S\" }}\nsummary = {{ fr = \"S\", en = \"S\" }}\n\
             [[unit]]\nname = \"{name}.service\"\n\
             [[template]]\nsource = \"conf.hbs\"\ntarget = \"/etc/{name}.conf\"\nreload = [\"{name}.service\"]\n"
        );
        fixture.put(&format!("root/usr/share/mazet/services/{name}.toml"), &manifest);
        fixture.put(
            &format!("root/usr/share/mazet/overlays/{name}/conf.hbs"),
            "{{#each services}}{{this}}{{/each}}",
        );
    }
    fixture
}

impl Fixture {
    fn choose(&self, name: &str) {
        self.put("root/srv/mazet/box.toml", &format!("{BOX}\n[alternatives]\nserver = \"{name}\"\n"));
    }

    /// What is enabled, what runs, and the configurations that are there.
    fn state(&self) -> String {
        let list = |folder: &str| {
            let entries = fs::read_dir(self.path(folder)).expect("a folder");
            let mut names: Vec<String> = entries
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| !name.starts_with("passwd") && !name.starts_with("group"))
                .collect();
            names.sort();
            names.join(" ")
        };
        format!("{} | {} | {}", list("on"), list("runs"), list("root/etc"))
    }
}

#[test]
fn the_images_choice_is_on_until_the_settings_choose_and_both_ways_leave_one() {
    let fixture = fixture();
    fixture.apply_running().expect("applied");
    assert_eq!(fixture.state(), "two.service | two.service | two.conf");
    fixture.keep();
    fixture.choose("one");
    fixture.apply_running().expect("applied");
    assert_eq!(fixture.state(), "one.service | one.service | one.conf");
    assert_eq!(fixture.read("root/etc/one.conf").as_deref(), Some("one"));
    assert_eq!(fixture.log()[1..], ["disable --now two.service", "enable --now one.service"]);
    fixture.keep();
    fixture.choose("two");
    fixture.apply_running().expect("applied");
    assert_eq!(fixture.state(), "two.service | two.service | two.conf");
    fixture.keep();
    let before = fixture.log();
    fixture.apply_running().expect("applied");
    assert_eq!(fixture.log(), before, "nothing is left to do");
}

#[test]
fn a_server_that_does_not_start_brings_the_other_one_back() {
    let fixture = fixture();
    fixture.apply_running().expect("applied");
    fixture.keep();
    let before = fixture.state();
    fixture.choose("one");
    fixture.put("fails", "one.service");
    let error = fixture.apply_running().expect_err("refused");
    let text = format!("{error:#}");
    assert!(text.starts_with("the new settings failed; the earlier files are back"), "{text}");
    assert!(text.contains("enable --now one.service"), "{text}");
    assert_eq!(fixture.state(), before);
    assert_eq!(
        fixture.log()[1..],
        [
            "disable --now two.service",
            "enable --now one.service",
            "disable --now one.service",
            "reset-failed one.service",
            "enable --now two.service"
        ]
    );
}

#[test]
fn a_choice_that_is_none_is_refused() {
    let fixture = fixture();
    fixture.choose("three");
    let error = fixture.apply(false).expect_err("faulty");
    assert!(error.to_string().contains("alternatives.server: \"three\" is none of one, two"), "{error}");
    assert_eq!(fixture.state(), " |  | ");
}
