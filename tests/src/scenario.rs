//! The list of scenarios.

use std::fmt;

use anyhow::Result;

use crate::lab::Bench;
use crate::stories::{
    answers, appointments, associations, boots, certificates, claim, clock, database, everybody, files,
    flash, install, letters, load, mail, members, mirror, name, operator, pi, power, refused, reinstall,
    restore, sites, sync, trial, updates, usb, web_server, web_servers, wifi, wordpress,
};

/// One story: it passes or says what went wrong.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name: the name of its folder of artefacts too.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Runs with `--long` only (or when asked for by name).
    pub long: bool,
    /// Runs when asked for by name only: it needs another image than the usual one.
    pub named: bool,
    /// A scenario that must have passed before.
    pub needs: Option<&'static str>,
    /// The story.
    pub run: fn(&Bench) -> Result<()>,
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = match (self.named, self.long) {
            (true, _) => " (by name)",
            (false, true) => " (long)",
            (false, false) => "",
        };
        write!(formatter, "{:<28} {}{long}", self.name, self.about)
    }
}

const fn story(name: &'static str, about: &'static str, run: fn(&Bench) -> Result<()>) -> Scenario {
    Scenario { name, about, long: false, named: false, needs: None, run }
}

impl Scenario {
    const fn needs(self, name: &'static str) -> Self {
        Self { needs: Some(name), ..self }
    }

    const fn long(self) -> Self {
        Self { long: true, ..self }
    }

    const fn by_name(self) -> Self {
        Self { long: true, named: true, ..self }
    }
}

/// The scenario whose installed disk others boot from.
pub const INSTALLS: &str = "installs-in-french";
/// The scenario whose release others write to sticks.
pub const RELEASES: &str = "releases";
/// The scenario whose mirrored disks others boot from.
pub const MIRRORS: &str = "installs-a-mirror";

/// The scenario that leaves an installed card of a Raspberry Pi.
pub const PI_INSTALLS: &str = "pi-installs-on-its-card";

/// Every scenario. Those that others need come first: two run side by side.
pub const ALL: &[Scenario] = &[
    story(INSTALLS, "a French phone installs on one disk; the other disk is untouched", install::in_french),
    story("boots-secure-boot", "and under UEFI with Secure Boot enforced", boots::secure_boot),
    story(
        "refuses-a-changed-kernel",
        "Secure Boot stops a stick with a changed kernel",
        boots::changed_kernel,
    ),
    story(RELEASES, "bmaptool, libarchive, minisign and sha256sum read a signed release", flash::release),
    story("flashed-stick-boots", "a stick flashed with answers boots and knows them", flash::stick_boots)
        .needs(RELEASES),
    story(
        "flashes-usb-sticks",
        "a stick in a machine is written; another is pulled out meanwhile",
        usb::sticks,
    )
    .long(),
    story("guards-the-claim", "no page without the code; tries are limited", claim::guards),
    story("installed-bios", "the disk alone boots under BIOS to the home page", install::alone_bios)
        .needs(INSTALLS),
    story(
        "keeps-files",
        "curl, rclone and litmus keep files under both servers; a power cut",
        files::are_kept,
    )
    .needs(INSTALLS),
    story(
        "keeps-in-step",
        "two computers with Nextcloud's client, cadaver, and a picture dropped, under both servers",
        sync::is_kept,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "publishes-sites",
        "pages and two SPIP sites under both servers: apart, archived, brought back, removed",
        sites::are_published,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "keeps-mail",
        "mail and calendars by programs and on a phone, the ways of mail, what people hold in common",
        mail::is_kept,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "exchanges-letters",
        "mail programs: what is refused, mailboxes, rules, a thousand letters, an account broken into",
        letters::are_exchanged,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "keeps-appointments",
        "calendar programs: recurrence, sharing, invitations, free/busy, thousands on two computers",
        appointments::are_kept,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "publishes-wordpress",
        "of an image that has it: WordPress sites with MariaDB under both servers, apart, archived, removed",
        wordpress::is_published,
    )
    .needs(INSTALLS)
    .by_name(),
    story("installed-uefi", "the disk alone boots under UEFI to the home page", install::alone_uefi)
        .needs(INSTALLS)
        .long(),
    story("installed-database", "the disk alone: PostgreSQL, its roles, and who is first", database::is_up)
        .needs(INSTALLS),
    story("web-servers-agree", "nginx and Apache answer the same requests alike", web_servers::agree),
    story("switches-web-server", "nginx makes way for Apache and comes back", web_server::switches)
        .needs(INSTALLS),
    story(
        "asks-in-english",
        "an English desktop goes through the wizard up to its summary",
        install::in_english,
    ),
    story("boots-bios", "the stick boots to the wizard under legacy BIOS", boots::bios),
    story("boots-uefi", "the stick boots to the wizard under UEFI", boots::uefi).long(),
    story("rescues", "the disk's second menu entry boots the live system", install::rescue)
        .needs(INSTALLS)
        .long(),
    story(
        "reinstalls",
        "the system anew around the data, by the wizard; once the plug is pulled meanwhile",
        reinstall::keeps_the_data,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "comes-back",
        "a box that is lost comes back on another machine, from a USB disk and the key on paper",
        restore::brings_it_back,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "updates-undo-themselves",
        "security updates: none without a backup; one that does harm, and a kernel that does not start, are gone back from",
        updates::undo_themselves,
    )
    .needs(INSTALLS)
    .long(),
    story("answers-to-its-name", "two boxes on one network find each other by name", name::answers)
        .needs(INSTALLS)
        .long(),
    story(
        "members-live-together",
        "operator, manager and member sign in; each sees their own",
        members::live_together,
    )
    .needs(INSTALLS),
    story(
        "pages-are-for-everybody",
        "every page at 320 pixels, by keyboard, in both languages, and what axe-core says of it",
        everybody::pages,
    )
    .needs(INSTALLS)
    .long(),
    story(
        "is-certified",
        "a device trusts the box's own authority; a public one certifies its domain",
        certificates::is_certified,
    )
    .needs(INSTALLS),
    story(
        "associations-of-ten",
        "two associations of ten; the same under Apache, and after a restart",
        associations::live,
    )
    .needs(INSTALLS)
    .long(),
    story("goes-back", "a change that cannot be applied is undone, and told", refused::goes_back)
        .needs(INSTALLS)
        .long(),
    story("tries-an-address", "an address that nobody confirms goes back", trial::of_an_address)
        .needs(INSTALLS)
        .long(),
    story("fifty-at-once", "fifty people on the pages for two minutes", load::fifty).needs(INSTALLS).long(),
    story("operator-signs-in", "SSH is off, then takes a key and nothing else", operator::signs_in)
        .needs(INSTALLS)
        .long(),
    story("survives-a-power-cut", "the plug is pulled in the middle of an installation", power::cut).long(),
    story(MIRRORS, "an English desktop installs on two disks", mirror::install).long(),
    story("loses-the-first-disk", "a mirrored box boots without its first disk", mirror::without_first)
        .needs(MIRRORS)
        .long(),
    story("loses-the-second-disk", "a mirrored box boots without its second disk", mirror::without_second)
        .needs(MIRRORS)
        .long(),
    story(
        "replaces-a-disk",
        "a mirror's disk died: another one takes its place by the page, and the box starts from it alone",
        mirror::is_made_whole,
    )
    .needs(MIRRORS)
    .long(),
    story("joins-a-wifi", "a wireless network is heard, chosen in the wizard, and joined", wifi::joins)
        .long(),
    story("pi-boots", "a Raspberry Pi's card starts to the wizard", pi::live).long(),
    story(PI_INSTALLS, "a Raspberry Pi 3 installs onto the card that it started from", pi::installs).long(),
    story("pi-installed", "that card, looked at from inside", pi::installed).needs(PI_INSTALLS).long(),
    story("pi-knows-its-answers", "a card flashed with answers, one of them mistaken by hand", answers::pi)
        .long(),
    story("pi-takes-the-time", "a Raspberry Pi 3 takes the time that its network offers", clock::taken)
        .long(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_earlier() {
        for (index, scenario) in ALL.iter().enumerate() {
            let Some(needed) = scenario.needs else { continue };
            let place = ALL.iter().position(|other| other.name == needed);
            assert!(place.is_some_and(|place| place < index), "{needed} before {}", scenario.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
