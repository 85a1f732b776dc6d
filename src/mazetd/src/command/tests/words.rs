//! No operation of the API is missing on the command line: each with the words that do the same for root, or
//! with the reason why none do.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;

use crate::Cli;
use crate::web::api::routes::all;

/// How root does what an operation does.
enum Words {
    /// With these.
    Are(&'static str),
    /// Not at all, for this reason.
    None(&'static str),
}

use Words::{Are, None};

const OWN: &str =
    "one's own affair, signed in on the pages: root has no account, and lets nobody in as somebody";
const SEEN: &str = "the description of the API alone; the commands have --help";
const PAGE: &str = "root starts the units that the manifest names";

/// Every operation.
const OPERATIONS: [(&str, Words); 96] = [
    ("openapi", None(SEEN)),
    ("reports.list", None(PAGE)),
    ("reports.get", None(PAGE)),
    ("reports.act", None(PAGE)),
    ("reports.add", None(PAGE)),
    ("offers", Are("services list")),
    ("account.get", Are("people show")),
    ("account.change", Are("people change")),
    ("account.password", Are("people reset")),
    ("devices.list", None(OWN)),
    ("devices.end_all", Are("people sign-out")),
    ("devices.end", None(OWN)),
    ("applications.list", None(OWN)),
    ("applications.add", None(OWN)),
    ("applications.remove", None(OWN)),
    ("factor.get", Are("people show")),
    ("factor.offer", None(OWN)),
    ("factor.stop", Are("people forget-second-factor")),
    ("factor.confirm", None(OWN)),
    ("factor.codes", None(OWN)),
    ("people.list", Are("people list")),
    ("people.add", Are("people add --by-mail")),
    ("people.export", Are("people export")),
    ("people.import", Are("people import --by-mail")),
    ("people.preview", Are("people import --dry-run")),
    ("people.get", Are("people show")),
    ("people.change", Are("people change")),
    ("people.invite", Are("people invite")),
    ("people.invite_by_mail", Are("people invite --by-mail")),
    ("people.reset", Are("people reset")),
    ("people.suspend", Are("people lock")),
    ("people.resume", Are("people unlock")),
    ("people.sign_out", Are("people sign-out")),
    ("people.factor", Are("people forget-second-factor")),
    ("people.join", Are("people join")),
    ("people.leave", Are("people leave")),
    ("people.remove", Are("people remove")),
    ("people.appoint", Are("people operator")),
    ("people.dismiss", Are("people no-operator")),
    ("groups.list", Are("groups list")),
    ("groups.add", Are("groups add")),
    ("groups.get", Are("groups list")),
    ("groups.change", Are("groups change")),
    ("groups.remove", Are("groups remove")),
    ("resources.list", Are("resources list")),
    ("resources.add", Are("resources add")),
    ("resources.remove", Are("resources remove")),
    ("organisations.list", Are("organisations list")),
    ("organisations.add", Are("organisations add")),
    ("organisations.get", Are("organisations list")),
    ("organisations.change", Are("organisations change")),
    ("organisations.consequences", Are("organisations remove --dry-run")),
    ("organisations.remove", Are("organisations remove")),
    ("websites.list", Are("websites list")),
    ("websites.add", Are("websites add")),
    ("websites.get", Are("websites archives")),
    ("websites.remove", Are("websites remove")),
    ("websites.back_up", Are("websites back-up")),
    ("websites.fetch", Are("websites fetch")),
    ("websites.restore", Are("websites restore")),
    ("websites.forget", Are("websites forget")),
    ("events.list", Are("events")),
    ("machine.get", Are("settings show")),
    ("machine.health", Are("health")),
    ("machine.updates", Are("updates show")),
    ("machine.sites", Are("sites")),
    ("settings.get", Are("settings show")),
    ("settings.change", Are("settings replace")),
    ("settings.preview", Are("settings replace --dry-run")),
    ("settings.last", Are("settings last")),
    ("services.list", Are("services list")),
    ("services.change", Are("services choose")),
    ("services.preview", Are("services choose --dry-run")),
    ("comparisons.list", Are("services compare")),
    ("comparisons.measure", Are("measure")),
    ("mail.get", Are("mail show")),
    ("mail.change", Are("mail relay")),
    ("mail.preview", Are("mail relay --dry-run")),
    ("mail.password", Are("mail password")),
    ("mail.messages", Are("mail messages")),
    ("mail.test", Are("mail test")),
    ("mail.clear", Are("mail clear")),
    ("network.get", Are("network show")),
    ("network.change", Are("network fixed")),
    ("network.preview", Are("network fixed --dry-run")),
    ("network.keep", Are("network keep")),
    ("network.go_back", Are("network go-back")),
    ("network.seen", Are("network seen")),
    ("wifi.get", Are("network wifi")),
    ("wifi.change", Are("network join")),
    ("wifi.preview", Are("network join --dry-run")),
    ("certificates.get", Are("certificates show")),
    ("certificates.change", Are("certificates choose")),
    ("certificates.preview", Are("certificates choose --dry-run")),
    ("certificates.order", Are("certificates renew")),
    ("certificates.account", Are("certificates account")),
];

#[test]
fn every_operation_of_the_api_has_its_words() {
    let known: BTreeMap<&str, &Words> = OPERATIONS.iter().map(|(name, words)| (*name, words)).collect();
    assert_eq!(known.len(), OPERATIONS.len(), "an operation stands here twice");
    let there: BTreeSet<&str> = all().iter().map(|one| one.name).collect();
    let listed: BTreeSet<&str> = known.keys().copied().collect();
    assert_eq!(there, listed, "say here with which words root does it");
    for (name, words) in OPERATIONS {
        match words {
            Are(words) => assert!(is_there(words), "{name}: there is no command {words:?}"),
            None(reason) => assert!(!reason.is_empty(), "{name}"),
        }
    }
}

/// Is there such a command, with such options?
fn is_there(words: &str) -> bool {
    let mut command = Cli::command();
    for word in words.split(' ') {
        let found = match word.strip_prefix("--") {
            Some(option) => command.get_arguments().any(|one| one.get_long() == Some(option)),
            Option::None => match command.find_subcommand(word).cloned() {
                Some(inner) => {
                    command = inner;
                    true
                }
                Option::None => false,
            },
        };
        if !found {
            return false;
        }
    }
    true
}

#[test]
fn no_secret_is_an_argument() {
    // Arguments stand in the list of processes, and in the shell's history.
    let words = ["pass", "secret", "token", "key", "psk"];
    let mut left = vec![Cli::command()];
    let mut seen = 0;
    while let Some(command) = left.pop() {
        for one in command.get_arguments() {
            let name = one.get_id().as_str().to_lowercase();
            assert!(!words.iter().any(|word| name.contains(word)), "{} {name}", command.get_name());
            seen += 1;
        }
        left.extend(command.get_subcommands().cloned());
    }
    assert!(seen > 100, "only {seen} arguments were looked at");
}
