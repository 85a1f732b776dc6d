//! The audit log cannot be rewritten by the pages' role, and holds no secret.

use mazet_directory::{Actor, Role, audit, invitations, resets};

use crate::test_box::{PASSWORD, test_box, visit};

#[tokio::test]
async fn nobody_but_the_owner_rewrites_it() {
    let Some(home) = test_box().await else { return };
    assert_eq!(
        home.as_pages("insert into audit (actor, action, target, detail) values ('x', 'y', '', '')").await,
        "done"
    );
    // The server warns that nothing was granted, and goes on.
    home.as_pages("grant update on audit to mazetd").await;
    for statement in [
        "update audit set actor = 'nobody'",
        "delete from audit",
        "truncate audit",
        "drop table audit",
        "alter table audit disable trigger all",
        "create trigger t before insert on audit execute function suppress_redundant_updates_trigger()",
        "set role mazet",
        "set session authorization mazet",
        "delete from migration",
    ] {
        let said = home.as_pages(statement).await;
        let refused = said.starts_with("permission denied") || said.starts_with("must be owner");
        assert!(refused, "{statement}: {said}");
    }
    let said = home
        .as_pages("insert into audit (id, actor, action, target, detail) values (1, 'x', 'y', '', '')")
        .await;
    assert_eq!(said, "cannot insert a non-DEFAULT value into column \"id\"");
}

#[tokio::test]
async fn the_process_that_sends_sees_its_messages_and_nothing_else() {
    let Some(home) = test_box().await else { return };
    let place = home.server.place(&home.name, mazet_directory::outbox::SENDER);
    let client = place.connect().await.expect("connected");
    client.batch_execute("select id, recipient, body from outbox").await.expect("its own");
    for statement in [
        "select * from person",
        "select * from ticket",
        "select * from audit",
        "insert into audit (actor, action, target, detail) values ('x', 'y', '', '')",
        "insert into outbox (kind, person_id, recipient, name, subject, give_up_at) \
         values ('test', 1, 'a@b', 'a', 's', now())",
        "update outbox set recipient = 'mallory@example.org'",
        "update outbox set person_id = 1",
        "delete from outbox",
        "set role mazet",
    ] {
        let error = client.batch_execute(statement).await.expect_err(statement);
        let said = error.as_db_error().map(|said| said.message().to_owned()).unwrap_or_default();
        assert!(said.starts_with("permission denied"), "{statement}: {said}");
    }
    // The pages neither mark a message as sent nor change where it goes.
    for statement in ["update outbox set recipient = 'x@y'", "update outbox set state = 'sent'"] {
        assert!(home.as_pages(statement).await.starts_with("permission denied"), "{statement}");
    }
}

#[tokio::test]
async fn what_is_done_is_written_down_without_secrets() {
    let Some(home) = test_box().await else { return };
    let other = home.organisation("B").await;
    home.person(home.organisation, "mia", &[Role::Manager]).await;
    let zoe = home.person(home.organisation, "zoe", &[]).await;
    home.person(other, "bob", &[]).await;
    let manager = home.signed_in("mia").await.actor;
    let ticket = resets::make(&home.directory, &manager, zoe).await.expect("made");
    resets::take(&home.directory, ticket.code.plain(), PASSWORD, visit(160).address).await.expect("taken");
    assert!(invitations::make(&home.directory, &manager, zoe).await.is_err());

    let all = audit::list(&home.directory, &manager, Some(home.organisation), None, 100).await.expect("read");
    let lines: Vec<_> =
        all.iter().map(|one| format!("{} {} {}", one.actor, one.action, one.target)).collect();
    assert_eq!(
        lines,
        [
            "mia reset.make zoe",
            "mia sign-in mia",
            "root invitation.make zoe",
            "root person.add zoe",
            "root invitation.make mia",
            "root person.add mia",
            "root box.seed ada",
        ]
    );
    let two = audit::list(&home.directory, &manager, Some(home.organisation), Some(all[1].id), 2)
        .await
        .expect("read");
    assert_eq!(two, all[2..4]);
    let whole = audit::list(&home.directory, &Actor::system(), None, None, 100).await.expect("read");
    assert!(whole.iter().any(|one| one.action == "reset.take" && one.actor == "-" && one.target == "zoe"));
    let text = format!("{whole:?}");
    for secret in [PASSWORD, ticket.code.plain(), "argon2"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
