//! Passwords, second factors, codes, sessions, limits.

use mazet_directory::sessions::Stage;
use mazet_directory::{
    Actor, Error, Fault, Field, Role, application_passwords, invitations, outbox, people, resets,
    second_factor, sessions, sign_in, totp,
};

use crate::test_box::{PASSWORD, test_box, visit};

fn refused<T>(result: Result<T, Error>) {
    match result {
        Err(Error::Refused) => {}
        Err(other) => panic!("refused, but: {other}"),
        Ok(_) => panic!("it should be refused"),
    }
}

#[tokio::test]
async fn an_operator_needs_a_second_factor() {
    let Some(home) = test_box().await else { return };
    let directory = &home.directory;
    let opened = sign_in::password(directory, "Ada ", PASSWORD, &visit(10)).await.expect("signed in");
    let session = home.session(&opened.token).await;
    assert_eq!((session.stage, session.operator), (Stage::Enrol, true));
    assert!(!session.actor.is_operator());
    assert!(session.actor.organisations().is_empty());

    let secret = second_factor::offer(directory, &session).await.expect("offered");
    assert!(second_factor::offer(directory, &session).await.expect("again").base32() == secret.base32());
    refused(second_factor::confirm(directory, &session, "000000").await);
    let code = secret.code(totp::now());
    let codes = second_factor::confirm(directory, &session, &code).await.expect("confirmed");
    assert_eq!(codes.len(), second_factor::RECOVERY_CODES);
    let session = home.session(&opened.token).await;
    assert_eq!(session.stage, Stage::Full);
    assert!(session.actor.is_operator());

    // The next time, the code is asked for; that one was used up.
    let opened = sign_in::password(directory, "ada", PASSWORD, &visit(10)).await.expect("a first step");
    assert_eq!(opened.stage, Stage::SecondFactor);
    assert_eq!(sessions::find(directory, &opened.token).await.expect("asked"), None);
    refused(sign_in::second_factor(directory, &opened.token, &code, &visit(10)).await);
    let recovery = codes[0].grouped().to_lowercase();
    let full = sign_in::second_factor(directory, &opened.token, &recovery, &visit(10)).await.expect("in");
    assert!(home.session(&full.token).await.actor.is_operator());
    refused(sign_in::second_factor(directory, &opened.token, &codes[1].grouped(), &visit(10)).await);
    let session = home.session(&full.token).await;
    assert_eq!(second_factor::codes_left(directory, &session).await.expect("counted"), Some(9));

    let again = sign_in::password(directory, "ada", PASSWORD, &visit(10)).await.expect("a first step");
    refused(sign_in::second_factor(directory, &again.token, &recovery, &visit(10)).await);
    let next = secret.code(totp::now() + 1);
    let full = sign_in::second_factor(directory, &again.token, &next, &visit(10)).await.expect("in");

    second_factor::remove(directory, &home.session(&full.token).await.actor, home.operator)
        .await
        .expect("gone");
    assert_eq!(sessions::find(directory, &full.token).await.expect("asked"), None);
    let opened = sign_in::password(directory, "ada", PASSWORD, &visit(10)).await.expect("signed in");
    assert_eq!(opened.stage, Stage::Enrol);
}

#[tokio::test]
async fn what_is_wrong_is_not_told() {
    let Some(home) = test_box().await else { return };
    let locked = home.person(home.organisation, "zoe", &[]).await;
    people::set_active(&home.directory, &Actor::system(), locked, false).await.expect("locked");
    for (login, password) in
        [("ada", "wrong"), ("nobody", PASSWORD), ("zoe", PASSWORD), ("", ""), ("a'; --", "x")]
    {
        refused(sign_in::password(&home.directory, login, password, &visit(20)).await);
        refused(sign_in::application(&home.directory, login, password, visit(20).address).await);
    }
}

#[tokio::test]
async fn tries_are_limited_by_account() {
    let Some(home) = test_box().await else { return };
    for last in 0..10 {
        refused(sign_in::password(&home.directory, "ada", "wrong", &visit(30 + last)).await);
    }
    let late = sign_in::password(&home.directory, "ada", PASSWORD, &visit(50)).await;
    let Err(Error::TooMany { retry_after }) = late else { panic!("it is not limited") };
    assert!((1..=900).contains(&retry_after.as_secs()), "{retry_after:?}");
    // For one who is not known, the same.
    for last in 0..10 {
        refused(sign_in::password(&home.directory, "nobody", "wrong", &visit(60 + last)).await);
    }
    let late = sign_in::password(&home.directory, "nobody", "wrong", &visit(80)).await;
    assert!(matches!(late, Err(Error::TooMany { .. })));
}

#[tokio::test]
async fn tries_are_limited_by_address_even_all_at_once() {
    let Some(home) = test_box().await else { return };
    let tries = (0..120).map(|number| {
        let directory = home.directory.clone();
        tokio::spawn(async move {
            sign_in::password(&directory, &format!("guess{number}"), "wrong", &visit(90)).await.err()
        })
    });
    let (mut refused, mut limited) = (0, 0);
    for one in tries.collect::<Vec<_>>() {
        match one.await.expect("ran") {
            Some(Error::Refused) => refused += 1,
            Some(Error::TooMany { .. }) => limited += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((refused, limited), (100, 20));
    // From elsewhere, and as often as somebody likes who knows the password.
    for _ in 0..12 {
        assert!(sign_in::password(&home.directory, "ada", PASSWORD, &visit(91)).await.is_ok());
    }
    let left = home.server.superuser(&home.name).await;
    let left = left.query_one("select count(*) from attempt where subject = 'from 192.0.2.91'", &[]).await;
    assert_eq!(left.expect("counted").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn an_invitation_counts_once() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let new = people::New {
        organisation: home.organisation,
        login: "Zoe".to_owned(),
        name: " Zoé ".to_owned(),
        contact: String::new(),
        language: Some(mazet_model::settings::Language::En),
        roles: Default::default(),
    };
    let id = people::add(directory, &root, &new).await.expect("added");
    refused(sign_in::password(directory, "zoe", "", &visit(100)).await);
    let first = invitations::make(directory, &root, id).await.expect("made");
    let ticket = invitations::make(directory, &root, id).await.expect("made");
    let address = visit(100).address;
    refused(invitations::look(directory, first.code.plain(), address).await);
    let holder = invitations::look(directory, &ticket.code.grouped(), address).await.expect("known");
    assert_eq!((holder.login.as_str(), holder.name.as_str()), ("zoe", "Zoé"));
    refused(resets::look(directory, ticket.code.plain(), address).await);
    let short = invitations::take(directory, ticket.code.plain(), "short", address).await;
    assert!(
        matches!(short, Err(Error::Invalid(all)) if all[0].field == Field::Password && all[0].fault == Fault::Short)
    );
    invitations::take(directory, ticket.code.plain(), PASSWORD, address).await.expect("taken");
    refused(invitations::take(directory, ticket.code.plain(), PASSWORD, address).await);
    assert!(invitations::make(directory, &root, id).await.is_err(), "has a password already");
    home.signed_in("zoe").await;
}

#[tokio::test]
async fn a_code_out_of_date_counts_no_more() {
    let Some(home) = test_box().await else { return };
    let ticket = resets::make(&home.directory, &Actor::system(), home.operator).await.expect("made");
    let owner = home.server.superuser(&home.name).await;
    owner.batch_execute("update ticket set expires_at = now() - interval '1 second'").await.expect("aged");
    refused(resets::take(&home.directory, ticket.code.plain(), PASSWORD, visit(110).address).await);
}

#[tokio::test]
async fn a_reset_ends_sessions() {
    let Some(home) = test_box().await else { return };
    let zoe = home.person(home.organisation, "zoe", &[]).await;
    let directory = &home.directory;
    let opened = sign_in::password(directory, "zoe", PASSWORD, &visit(120)).await.expect("in");
    let address = visit(120).address;
    let written = std::sync::Mutex::new(Vec::new());
    let compose = |to: &outbox::Recipient, ticket: &resets::Ticket| {
        written.lock().expect("whole").push((to.address.clone(), ticket.code.clone()));
        outbox::Text { subject: "S".to_owned(), body: ticket.code.grouped() }
    };
    let slip = resets::make(directory, &Actor::system(), zoe).await.expect("made");
    for typed in ["nobody", "ada", " Zoe@Example.org ", "ZOE", "zoe", "zoe"] {
        let asked = resets::ask(directory, typed, address).await.expect("asked");
        resets::send(directory, &asked, compose).await.expect("sent");
    }
    let written = written.into_inner().expect("whole");
    // The operator has no address here, and nobody gets more than three an hour.
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|(to, _)| to == "zoe@example.org"));
    // What a stranger asks for does not take the slip's worth away.
    resets::look(directory, slip.code.plain(), address).await.expect("it counts still");
    resets::take(directory, written[1].1.plain(), "another long one", address).await.expect("taken");
    refused(resets::look(directory, written[0].1.plain(), address).await);
    refused(resets::look(directory, slip.code.plain(), address).await);
    let client = home.server.superuser(&home.name).await;
    let waiting = client.query_one("select count(*) from outbox where state = 'waiting'", &[]).await;
    assert_eq!(waiting.expect("counted").get::<_, i64>(0), 0, "a code that counts no more is sent");
    assert_eq!(sessions::find(directory, &opened.token).await.expect("asked"), None);
    refused(sign_in::password(directory, "zoe", PASSWORD, &visit(120)).await);
    sign_in::password(directory, "zoe", "another long one", &visit(120)).await.expect("in");
}

#[tokio::test]
async fn a_person_signs_out_here_and_everywhere() {
    let Some(home) = test_box().await else { return };
    let id = home.person(home.organisation, "zoe", &[]).await;
    let directory = &home.directory;
    let open =
        || async { sign_in::password(directory, "zoe", PASSWORD, &visit(130)).await.expect("in").token };
    let (one, two, three) = (open().await, open().await, open().await);
    let session = home.session(&one).await;
    assert_eq!(sessions::list(directory, &session.actor, id).await.expect("listed").len(), 3);
    sessions::end(directory, &two).await.expect("ended");
    assert!(sessions::find(directory, &two).await.expect("asked").is_none());
    let address = visit(130).address;
    refused(sign_in::change_password(directory, &session, "wrong", "yet another one", address).await);
    sign_in::change_password(directory, &session, PASSWORD, "yet another one", address)
        .await
        .expect("changed");
    assert!(sessions::find(directory, &three).await.expect("asked").is_none());
    let (_, code) = application_passwords::make(directory, &session, "Phone").await.expect("made");
    sessions::end_all(directory, &session.actor, id, true).await.expect("ended");
    assert!(sessions::find(directory, &one).await.expect("asked").is_none());
    refused(sign_in::application(directory, "zoe", code.plain(), address).await);
}

#[tokio::test]
async fn clients_use_application_passwords_where_there_is_a_second_factor() {
    let Some(home) = test_box().await else { return };
    let directory = &home.directory;
    let address = visit(140).address;
    let id = home.person(home.organisation, "zoe", &[]).await;
    let signed = sign_in::application(directory, "zoe", PASSWORD, address).await.expect("own password");
    assert_eq!((signed.person, signed.application), (id, None));
    refused(sign_in::application(directory, "ada", PASSWORD, address).await);

    let session = home.signed_in("zoe").await;
    let secret = second_factor::offer(directory, &session).await.expect("offered");
    refused(sign_in::application(directory, "zoe", "wrong", address).await);
    sign_in::application(directory, "zoe", PASSWORD, address).await.expect("not confirmed yet");
    second_factor::confirm(directory, &session, &secret.code(totp::now())).await.expect("confirmed");
    refused(sign_in::application(directory, "zoe", PASSWORD, address).await);

    let (phone, code) = application_passwords::make(directory, &session, "Phone").await.expect("made");
    let (_, other) = application_passwords::make(directory, &session, "Laptop").await.expect("made");
    for typed in [code.plain().to_owned(), code.grouped().to_lowercase()] {
        let signed = sign_in::application(directory, "zoe", &typed, address).await.expect("in");
        assert_eq!(signed.application, Some(phone));
    }
    let list = application_passwords::list(directory, &session.actor, id).await.expect("listed");
    let used: Vec<_> = list.iter().map(|one| (one.name.as_str(), one.used_at.is_some())).collect();
    assert_eq!(used, [("Laptop", false), ("Phone", true)]);
    application_passwords::remove(directory, &session.actor, id, phone).await.expect("removed");
    refused(sign_in::application(directory, "zoe", code.plain(), address).await);
    sign_in::application(directory, "zoe", other.plain(), address).await.expect("the other stays");
}

#[tokio::test]
async fn the_api_is_opened_by_passwords_made_for_it() {
    let Some(home) = test_box().await else { return };
    let directory = &home.directory;
    let address = visit(150).address;
    let id = home.person(home.organisation, "zoe", &[Role::Manager]).await;
    let session = home.signed_in("zoe").await;
    let (phone, service) = application_passwords::make(directory, &session, "Phone").await.expect("made");
    let (_, code) = application_passwords::make_for_api(directory, &session, "Script").await.expect("made");
    let keyed = sign_in::api(directory, "Zoe", &code.grouped().to_lowercase(), address).await.expect("in");
    assert_eq!((keyed.person, keyed.login.as_str()), (id, "zoe"));
    assert_eq!((keyed.actor.name(), keyed.actor.has_key()), ("zoe (Script)", true));
    assert!(keyed.actor.holds(Role::Manager, home.organisation));
    for wrong in [PASSWORD, service.plain(), "", "AAAA"] {
        refused(sign_in::api(directory, "zoe", wrong, address).await);
    }
    refused(sign_in::api(directory, "ada", code.plain(), address).await);
    // Neither the pages' process nor a service that asks by itself takes it.
    refused(sign_in::application(directory, "zoe", code.plain(), address).await);
    let client = home.server.superuser(&home.name).await;
    let seen = client.query("select selector from service_application_login", &[]).await.expect("asked");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].get::<_, &str>(0), &service.plain()[..6]);
    let list = application_passwords::list(directory, &session.actor, id).await.expect("listed");
    let api: Vec<_> = list.iter().map(|one| (one.name.as_str(), one.api)).collect();
    assert_eq!(api, [("Script", true), ("Phone", false)]);
    // It takes passwords back, and makes none; it says nothing new of where resets go.
    application_passwords::remove(directory, &keyed.actor, id, phone).await.expect("removed");
    let profile =
        people::Profile { name: "Zoé".to_owned(), contact: "new@example.org".to_owned(), language: None };
    let refusal = people::change(directory, &keyed.actor, id, &profile).await;
    assert!(matches!(refusal, Err(Error::Forbidden)));
    let same = people::Profile { contact: "zoe@example.org".to_owned(), ..profile };
    people::change(directory, &keyed.actor, id, &same).await.expect("a name is no key");
}

#[tokio::test]
async fn a_second_factor_goes_with_password_and_code_only() {
    let Some(home) = test_box().await else { return };
    let directory = &home.directory;
    home.person(home.organisation, "zoe", &[]).await;
    let session = home.signed_in("zoe").await;
    let secret = second_factor::offer(directory, &session).await.expect("offered");
    let codes =
        second_factor::confirm(directory, &session, &secret.code(totp::now())).await.expect("confirmed");
    let address = visit(150).address;
    let code = codes[0].grouped();
    refused(second_factor::stop(directory, &session, "wrong", &code, address).await);
    refused(second_factor::stop(directory, &session, PASSWORD, "000000", address).await);
    assert!(second_factor::codes_left(directory, &session).await.expect("counted").is_some());
    second_factor::stop(directory, &session, PASSWORD, &code, address).await.expect("stopped");
    assert!(second_factor::codes_left(directory, &session).await.expect("counted").is_none());
    home.signed_in("zoe").await;
}
