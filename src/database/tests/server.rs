//! Roles, databases and migrations on a real server.

use mazet_database::roles::{self, Wanted};
use mazet_database::testing::{Server, server, write};
use mazet_database::{Error, migrations};

const FIRST: (&str, &str) = (
    "0001_pots.sql",
    "create table pot (name text); grant select on pot to reader; create function one() returns int return 1;",
);

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    write(folder.path(), files);
    folder
}

async fn refusal(server: &Server, database: &str, role: &str, statement: &str) -> String {
    let client = match server.place(database, role).connect().await {
        Ok(client) => client,
        Err(error) => return error.to_string(),
    };
    match client.batch_execute(statement).await {
        Ok(()) => "done".to_owned(),
        Err(error) => error.as_db_error().map_or(error.to_string(), |said| said.message().to_owned()),
    }
}

#[tokio::test]
async fn a_service_has_its_own_database_and_no_more() {
    let Some(server) = server() else { return };
    let files = folder(&[FIRST]);
    let name = server.database("potter", &["reader"], files.path()).await;
    let other = server.database("joiner", &[], files_of_joiner().path()).await;
    let superuser = server.superuser("postgres").await;
    roles::close_own(&superuser).await.expect("closed");

    assert_eq!(refusal(server, &name, "reader", "select * from pot").await, "done");
    assert_eq!(refusal(server, &name, "potter", "insert into pot values ('a')").await, "done");
    for (database, role, statement, said) in [
        (&name, "reader", "insert into pot values ('b')", "permission denied for table pot"),
        (&name, "reader", "create table x ()", "permission denied for schema public"),
        (&name, "reader", "create temporary table x ()", "permission denied to create temporary tables"),
        (&name, "reader", "select one()", "permission denied for function one"),
        (&name, "potter", "create role thief", "permission denied to create role"),
        (&name, "potter", "create database loot", "permission denied to create database"),
        (&name, "potter", "select pg_reload_conf()", "permission denied for function pg_reload_conf"),
    ] {
        let found = refusal(server, database, role, statement).await;
        assert!(found.starts_with(said), "{role}: {statement}: {found}");
    }
    for (database, role) in [
        (other.as_str(), "potter"),
        (other.as_str(), "reader"),
        ("postgres", "potter"),
        ("template1", "reader"),
    ] {
        let found = refusal(server, database, role, "select 1").await;
        assert!(found.contains("permission denied for database"), "{role} in {database}: {found}");
    }
}

fn files_of_joiner() -> tempfile::TempDir {
    folder(&[("0001_planks.sql", "create table plank ();")])
}

#[tokio::test]
async fn making_it_twice_changes_nothing_and_what_was_taken_comes_back() {
    let Some(server) = server() else { return };
    let name =
        server.database("smith", &["striker"], folder(&[("0001_a.sql", "create table a ();")]).path()).await;
    let wanted = Wanted { name: name.clone(), owner: "smith".to_owned(), users: vec!["striker".to_owned()] };
    let superuser = server.superuser("postgres").await;
    assert_eq!(roles::ensure(&superuser, &wanted).await.expect("made"), Vec::<String>::new());
    superuser.batch_execute("alter role striker superuser").await.expect("altered");
    assert_eq!(roles::ensure(&superuser, &wanted).await.expect("made"), ["alter role striker"]);
    let row = superuser.query_one("select rolsuper from pg_roles where rolname = 'striker'", &[]).await;
    assert!(!row.expect("there").get::<_, bool>(0));
}

#[tokio::test]
async fn migrations_are_applied_once_in_order_whole_or_not() {
    let Some(server) = server() else { return };
    let first = ("0001_one.sql", "create table one (a int);");
    let name = server.database("mason", &[], folder(&[first]).path()).await;
    let mut client = server.place(&name, "mason").connect().await.expect("connected");
    let read = |files: &[(&str, &str)]| migrations::read(folder(files).path()).expect("read");

    let second = read(&[first, ("0002_two.sql", "create table two (); insert into one values (1);")]);
    assert_eq!(migrations::missing(&client, &second).await.expect("asked"), ["0002_two.sql"]);
    assert_eq!(migrations::apply(&mut client, &second).await.expect("applied"), ["0002_two.sql"]);
    assert_eq!(migrations::apply(&mut client, &second).await.expect("applied"), Vec::<String>::new());

    let third = [
        first,
        ("0002_two.sql", "create table two (); insert into one values (1);"),
        ("0003_three.sql", "create table three (); create table two ();"),
    ];
    let error = migrations::apply(&mut client, &read(&third)).await.expect_err("it fails");
    assert_eq!(error.to_string(), "applying 0003_three.sql: relation \"two\" already exists");
    let there = client.query_one("select to_regclass('three') is null", &[]).await.expect("asked");
    assert!(there.get::<_, bool>(0), "half of a migration stayed");

    let changed = read(&[
        ("0001_one.sql", "create table one (b int);"),
        ("0002_two.sql", "create table two (); insert into one values (1);"),
    ]);
    let error = migrations::apply(&mut client, &changed).await.expect_err("changed");
    assert!(
        matches!(&error, Error::Migration(text) if text.starts_with("0001_one.sql was changed")),
        "{error}"
    );
    let error = migrations::apply(&mut client, &read(&[first])).await.expect_err("older");
    assert!(error.to_string().contains("the system is older than its data"), "{error}");
}

#[test]
fn files_that_are_not_the_next_are_refused() {
    let said = |files: &[(&str, &str)]| {
        let folder = folder(files);
        migrations::read(folder.path())
            .expect_err("refused")
            .to_string()
            .replace(&folder.path().display().to_string(), "")
    };
    assert_eq!(said(&[("0002_b.sql", "")]), "reading /0002_b.sql: number 1 should come here");
    assert_eq!(
        said(&[("0001_a.sql", ""), ("0001_b.sql", "")]),
        "reading /0001_b.sql: number 2 should come here"
    );
    assert_eq!(said(&[("readme", "")]), "reading /readme: is not named like 0001_name.sql");
}
