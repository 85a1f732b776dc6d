//! The command line, from its words to what stands in the directory.

mod words;

use std::path::Path;

use clap::{CommandFactory as _, Parser as _};
use mazet_database::testing::server;
use mazet_directory::people::{self, Person, State};
use mazet_directory::seed::{self, Seed};
use mazet_directory::{OWNER, READERS, ROLE, Role, groups, organisations, outbox, password, resources};

use super::*;
use crate::web::letters::Writer;
use crate::{Cli, Command};

/// A directory as the wizard leaves it; none where there is no PostgreSQL.
async fn directory() -> Option<Directory> {
    let server = server()?;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays/directory/migrations");
    let name = server.database(OWNER, &[&[ROLE], &READERS[..]].concat(), &migrations).await;
    let directory = Directory::new(&server.place(&name, ROLE), 4).unwrap();
    let seed = Seed {
        organisation: "Les Amis du Mazet".to_owned(),
        name: "Ada Lovelace".to_owned(),
        login: "ada".to_owned(),
        password: password::hash("tramontane olive brebis 71").unwrap(),
    };
    assert!(seed::first(&directory, &seed).await.unwrap());
    Some(directory)
}

/// Does what words on the command line say.
async fn run(directory: &Directory, words: &[&str]) -> Result<()> {
    let cli = Cli::try_parse_from(["mazetd"].iter().chain(words)).expect("a command");
    match cli.command {
        Command::People(command) => super::people::act(directory, &command).await,
        Command::Groups(command) => super::groups::act(directory, &command).await,
        Command::Resources(command) => super::resources::act(directory, &command).await,
        Command::Organisations(command) => super::organisations::act(directory, &command).await,
        Command::Mail(command) => super::mail::act(directory, &command).await,
        other => panic!("{other:?}"),
    }
}

async fn known(directory: &Directory, login: &str) -> Person {
    let id = person(directory, login).await.unwrap();
    people::get(directory, &Actor::system(), id).await.unwrap()
}

#[test]
fn the_words_fit_together() {
    Cli::command().debug_assert();
}

#[tokio::test]
async fn root_does_what_the_pages_do() {
    let Some(directory) = directory().await else { return };
    let directory = &directory;
    let done = async |words: &[&str]| {
        run(directory, words).await.unwrap_or_else(|error| panic!("{words:?}: {error:#}"));
    };
    done(&["organisations", "add", "Les Randonneurs", "--domain", "rando.example.org"]).await;
    done(&["organisations", "change", "Les Randonneurs", "--quota", "50", "--member-quota", "5"]).await;
    let rando = organisation(directory, Some("Les Randonneurs")).await.unwrap();
    assert_eq!((rando.quota_bytes, rando.member_quota_bytes), (Some(50 << 30), 5 << 30));
    assert_eq!(rando.domains, ["rando.example.org"], "what is not given stays");
    let there = ["--organisation", "Les Randonneurs"];
    done(&[&["people", "add", "zoe", "Zoé", "--role", "manager"][..], &there].concat()).await;
    let change = [
        "people",
        "change",
        "zoe",
        "--name",
        "Zoé Martin",
        "--quota",
        "7",
        "--alias",
        "info@rando.example.org",
    ];
    done(&[&change[..], &["--role", "site-editor"], &there].concat()).await;
    let zoe = known(directory, "zoe").await;
    assert_eq!(
        (zoe.name.as_str(), zoe.quota_bytes, zoe.state),
        ("Zoé Martin", Some(7 << 30), State::Invited)
    );
    assert_eq!(zoe.memberships[0].roles, [Role::SiteEditor].into());
    done(&["people", "change", "zoe", "--quota", "none"]).await;
    assert_eq!(known(directory, "zoe").await.quota_bytes, None);
    done(&["people", "suspend", "zoe"]).await;
    assert_eq!(known(directory, "zoe").await.state, State::Locked);
    done(&["people", "unlock", "zoe"]).await;
    done(&["people", "invite", "zoe"]).await;
    done(&["people", "join", "zoe", "--organisation", "Les Amis du Mazet"]).await;
    assert_eq!(known(directory, "zoe").await.memberships.len(), 2);
    done(&[&["groups", "add", "Bureau"][..], &there].concat()).await;
    done(&[&["groups", "change", "Bureau", "--name", "Conseil", "--put-in", "zoe"][..], &there].concat())
        .await;
    let all = groups::list(directory, &Actor::system(), rando.id).await.unwrap();
    assert_eq!((all[0].name.as_str(), &all[0].members), ("Conseil", &vec![zoe.id]));
    done(&[&["groups", "change", "Conseil", "--mailbox", "true"][..], &there].concat()).await;
    let all = groups::list(directory, &Actor::system(), rando.id).await.unwrap();
    assert!(all[0].mailbox && all[0].members == [zoe.id]);
    done(&[&["groups", "remove", "Conseil"][..], &there].concat()).await;
    done(&[&["resources", "add", "Camionnette", "--equipment"][..], &there].concat()).await;
    let all = resources::list(directory, &Actor::system(), rando.id).await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].kind), ("Camionnette", resources::Kind::Equipment));
    done(&[&["resources", "remove", "Camionnette"][..], &there].concat()).await;
    assert!(resources::list(directory, &Actor::system(), rando.id).await.unwrap().is_empty());
    done(&["people", "operator", "zoe"]).await;
    assert!(known(directory, "zoe").await.operator);
    let all = organisations::list(directory, &Actor::system()).await.unwrap();
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn invitations_go_out_by_mail() {
    let Some(directory) = directory().await else { return };
    let directory = &directory;
    let done = async |words: &[&str]| {
        run(directory, words).await.unwrap_or_else(|error| panic!("{words:?}: {error:#}"));
    };
    done(&["people", "add", "zoe", "Zoé Martin", "--language", "fr", "--contact", "zoe@example.org"]).await;
    done(&["people", "add", "lea", "Léa"]).await;
    let base = "https://mazet.local".to_owned();
    let writer = Writer::of(base, "Les Amis du Mazet".to_owned(), Language::En);
    let id = known(directory, "zoe").await.id;
    assert_eq!(invitations::send(directory, id, &writer).await.unwrap(), "zoe@example.org");
    let messages = outbox::list(directory, &Actor::system(), 10).await.unwrap();
    let shown: Vec<_> = messages.iter().map(|one| (one.kind, one.recipient.as_str())).collect();
    assert_eq!(shown, [(outbox::Kind::Invitation, "zoe@example.org")]);
    let id = known(directory, "lea").await.id;
    let error = invitations::send(directory, id, &writer).await.expect_err("no address");
    assert!(error.is::<Refused>() && error.to_string().starts_with("contact: "), "{error:#}");
    done(&["mail", "messages"]).await;
    done(&["mail", "clear"]).await;
    assert_eq!(outbox::list(directory, &Actor::system(), 10).await.unwrap().len(), 1, "it was not given up");
    // Without a relay nothing is done by halves: nobody is added whom no message reaches.
    let by_mail = ["people", "add", "max", "Max", "--contact", "max@example.org", "--by-mail"];
    assert!(run(directory, &by_mail).await.is_err());
    assert!(person(directory, "max").await.is_err());
    done(&["people", "leave", "lea", "--organisation", "Les Amis du Mazet"]).await;
    assert_eq!(known(directory, "lea").await.state, State::Ended);
    done(&["people", "remove", "lea"]).await;
    assert!(person(directory, "lea").await.is_err());
    done(&["organisations", "add", "Les Randonneurs", "--quota", "50", "--member-quota", "5"]).await;
    let rando = organisation(directory, Some("Les Randonneurs")).await.unwrap();
    assert_eq!((rando.quota_bytes, rando.member_quota_bytes), (Some(50 << 30), 5 << 30));
    done(&["organisations", "remove", "Les Randonneurs", "--dry-run", "--json"]).await;
    assert!(organisation(directory, Some("Les Randonneurs")).await.is_ok(), "it is still there");
    done(&["organisations", "remove", "Les Randonneurs"]).await;
    assert!(organisation(directory, Some("Les Randonneurs")).await.is_err());
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_in_words() {
    let Some(directory) = directory().await else { return };
    let told = async |words: &[&str]| {
        let error = run(&directory, words).await.expect_err("refused");
        (error.is::<Refused>(), format!("{error:#}"))
    };
    let taken = "login: This login is taken on this box. Choose another.".to_owned();
    assert_eq!(told(&["people", "add", "ada", "Ada"]).await, (true, taken));
    let last = "person: This is the last operator of the machine: one must stay.".to_owned();
    assert_eq!(told(&["people", "lock", "ada"]).await, (true, last));
    let there =
        "login: This account has not ended: take the person out of every organisation first.".to_owned();
    assert_eq!(told(&["people", "remove", "ada"]).await, (true, there));
    let only = ": This is the only organisation of the box: one must stay.".to_owned();
    assert_eq!(told(&["organisations", "remove", "Les Amis du Mazet"]).await, (true, only));
    let (usage, said) = told(&["people", "reset", "nobody"]).await;
    assert!(!usage && said.starts_with("looking for the login \"nobody\""), "{said}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "name,login\nJo,jo\nLéa,Léa!\n").unwrap();
    let path = file.path().to_str().unwrap();
    let (usage, said) = told(&["people", "import", path]).await;
    assert!(usage && said.starts_with("line 3 \"Léa!\": "), "{said}");
    assert!(person(&directory, "jo").await.is_err(), "nobody is taken in");
}

#[test]
fn refusals_are_told_in_words() {
    let unknown = Wrong { value: "x".to_owned(), ..Wrong::at("services", "api.service_unknown") };
    let error = Refused::none(&[Wrong::at("login", "invalid.login.taken"), unknown]).expect_err("refused");
    assert!(error.is::<Refused>());
    assert_eq!(
        error.to_string(),
        "login: This login is taken on this box. Choose another.\n        \
         services \"x\": There is no such service that can be switched so."
    );
    assert_eq!((quota("none"), quota("2")), (Ok(None), Ok(Some(2 << 30))));
    assert!(quota("0").is_err());
}
