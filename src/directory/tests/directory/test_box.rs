//! A directory for tests: two associations with a few people each, on a real server.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use mazet_database::testing::{Server, server};
use mazet_directory::sessions::{self, Session, Stage, Visit};
use mazet_directory::{
    Actor, Directory, OWNER, OrganisationId, PersonId, READERS, ROLE, Role, invitations, organisations,
    people, seed, sign_in,
};

/// The operator's password.
pub const PASSWORD: &str = "tramontane olive brebis";

/// A directory as it is after the installation: one association, and the operator `ada`.
pub struct TestBox {
    pub server: &'static Server,
    /// Name of its database.
    pub name: String,
    /// As the pages' process sees it.
    pub directory: Directory,
    pub organisation: OrganisationId,
    pub operator: PersonId,
}

/// None where the test is to be skipped.
pub async fn test_box() -> Option<TestBox> {
    let server = server()?;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays/directory/migrations");
    let name = server.database(OWNER, &[&[ROLE], &READERS[..]].concat(), &migrations).await;
    let owner = Directory::new(&server.place(&name, OWNER), 1).expect("a pool");
    let seed = seed::Seed {
        organisation: "Les Amis du Mazet".to_owned(),
        name: "Ada Lovelace".to_owned(),
        login: "ada".to_owned(),
        password: mazet_directory::password::hash(PASSWORD).expect("hashed"),
    };
    assert!(seed::first(&owner, &seed).await.expect("seeded"));
    assert!(!seed::first(&owner, &seed).await.expect("seeded already"));
    let directory = Directory::new(&server.place(&name, ROLE), 4).expect("a pool");
    let root = Actor::system();
    let organisation = organisations::list(&directory, &root).await.expect("listed")[0].id;
    let operator = people::find(&directory, &root, "ada").await.expect("there");
    Some(TestBox { server, name, directory, organisation, operator })
}

/// A visit from an address of its own, so that tests of limits do not meet.
pub fn visit(last: u8) -> Visit {
    Visit { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), agent: "Test/1.0".to_owned() }
}

impl TestBox {
    /// Another association.
    pub async fn organisation(&self, name: &str) -> OrganisationId {
        let wish = organisations::Wish::named(name);
        organisations::add(&self.directory, &Actor::system(), &wish).await.expect("added")
    }

    /// Somebody who took an invitation, with the password [`PASSWORD`].
    pub async fn person(&self, organisation: OrganisationId, login: &str, roles: &[Role]) -> PersonId {
        let root = Actor::system();
        let new = people::New {
            organisation,
            login: login.to_owned(),
            name: login.to_uppercase(),
            contact: format!("{login}@example.org"),
            language: None,
            roles: roles.iter().copied().collect(),
        };
        let id = people::add(&self.directory, &root, &new).await.expect("added");
        let ticket = invitations::make(&self.directory, &root, id).await.expect("invited");
        let address = visit(1).address;
        invitations::take(&self.directory, &ticket.code.grouped(), PASSWORD, address).await.expect("taken");
        id
    }

    /// Signs in somebody without a second factor.
    pub async fn signed_in(&self, login: &str) -> Session {
        let opened = sign_in::password(&self.directory, login, PASSWORD, &visit(2)).await.expect("signed in");
        assert_eq!(opened.stage, Stage::Full);
        self.session(&opened.token).await
    }

    pub async fn session(&self, token: &str) -> Session {
        sessions::find(&self.directory, token).await.expect("asked").expect("a session")
    }

    /// A statement as the pages' role, and what the server says to it.
    pub async fn as_pages(&self, statement: &str) -> String {
        let client = self.server.place(&self.name, ROLE).connect().await.expect("connected");
        match client.batch_execute(statement).await {
            Ok(()) => "done".to_owned(),
            Err(error) => error.as_db_error().map_or(error.to_string(), |said| said.message().to_owned()),
        }
    }
}
