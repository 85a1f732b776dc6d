//! People in and out as a table.

use mazet_directory::csv::{self, What};
use mazet_directory::{Actor, Role, groups, invitations, leaving, people};

use crate::test_box::{PASSWORD, test_box, visit};

#[tokio::test]
async fn every_bad_line_is_told_and_nobody_comes_in() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let table = "nom;identifiant;courriel;langue;rôles;groupes\n\
        Zoé Le Goff;;zoe@example.org;fr;manager site-editor;\n\
        ;x;;;;\n\
        Ada Two;ada;;;;\n\
        Bob;b o b;not an address;de;king;Choir\n\
        \n\
        Zoé Le Goff;;;;;\n\
        \"Line\nBreak\";lb;;;;\n\
        Short;s\n\
        Root;root;;;;\n";
    let preview = csv::preview(directory, &root, home.organisation, table.as_bytes()).await.expect("read");
    let good: Vec<_> = preview.people.iter().map(|row| (row.line, row.new.login.as_str())).collect();
    assert_eq!(good, [(2, "zoe.le.goff")]);
    let told: Vec<String> = preview
        .faults
        .iter()
        .map(|fault| match fault.what {
            What::Value(invalid) => format!("{} {} {:?}", fault.line, invalid.key(), fault.value),
            what => format!("{} {what:?} {:?}", fault.line, fault.value),
        })
        .collect();
    assert_eq!(
        told,
        [
            "3 name.empty \"\"",
            "4 login.taken \"ada\"",
            "5 login.malformed \"b o b\"",
            "5 contact.malformed \"not an address\"",
            "5 language.unknown \"de\"",
            "5 roles.unknown \"king\"",
            "5 group.unknown \"Choir\"",
            "7 Twice \"\"",
            "8 name.malformed \"Line\\nBreak\"",
            "10 Ragged \"Short\"",
            "11 login.reserved \"root\"",
        ]
    );
    let refused = csv::import(directory, &root, home.organisation, table.as_bytes()).await.expect("read");
    assert_eq!(refused.expect_err("nobody"), preview);
    assert_eq!(people::list(directory, &root, None).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn what_went_out_comes_in_again() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let choir = groups::add(directory, &root, home.organisation, "Chœur").await.expect("added");
    let table =
        "name,contact,roles,groups\n\"=HYPERLINK(\"\"x\"\")\",a@example.org,site-editor,chœur\nBob,,,\n";
    let taken = csv::import(directory, &root, home.organisation, table.as_bytes()).await.expect("read");
    let taken = taken.expect("no fault");
    assert_eq!(taken[1].login, "bob");
    let code = taken[1].invitation.code.grouped();
    invitations::take(directory, &code, PASSWORD, visit(150).address).await.expect("taken");
    home.signed_in("bob").await;
    assert_eq!(groups::get(directory, &root, choir).await.expect("there").members, [taken[0].person]);

    let out = csv::export(directory, &root, home.organisation).await.expect("exported");
    assert_eq!(
        out,
        "name,login,contact,language,roles,groups\n\
         \"'=HYPERLINK(\"\"x\"\")\",hyperlink.x,a@example.org,,site-editor,Chœur\n\
         Ada Lovelace,ada,,,manager,\n\
         Bob,bob,,,,\n"
    );
    for login in ["hyperlink.x", "bob"] {
        let id = people::find(directory, &root, login).await.expect("there");
        leaving::remove(directory, &root, id).await.expect("removed");
    }
    // As on another box, where nobody had these logins before.
    let client = home.server.superuser(&home.name).await;
    client.batch_execute("delete from former_login").await.expect("forgotten");
    let without_ada: String =
        out.lines().filter(|line| !line.contains("ada")).map(|line| format!("{line}\n")).collect();
    csv::import(directory, &root, home.organisation, without_ada.as_bytes())
        .await
        .expect("read")
        .expect("in");
    let again = csv::export(directory, &root, home.organisation).await.expect("exported");
    assert_eq!(again, out);
    let found = people::find(directory, &root, "hyperlink.x").await.expect("there");
    let person = people::get(directory, &root, found).await.expect("there");
    assert_eq!(person.name, "=HYPERLINK(\"x\")");
    assert_eq!(person.memberships[0].roles, [Role::SiteEditor].into());
}
