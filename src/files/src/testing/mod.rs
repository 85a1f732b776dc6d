//! A box of its own for tests: a directory with two associations, databases on a real server, a folder.
//!
//! | module | subject |
//! |---|---|
//! | [`front`] | nginx and Apache before it, as on a box |
//! | [`program`] | the program, running on it |

pub mod front;
pub mod program;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use mazet_database::Place;
use mazet_database::testing::{Server, server};
use mazet_directory::application_passwords;
use mazet_directory::people::{self, New};
use mazet_directory::sessions::Visit;
use mazet_directory::{
    Actor, Directory, GroupId, OWNER, OrganisationId, PersonId, READERS, Role, groups, invitations,
    organisations, seed, sign_in,
};

use crate::snapshots::{FILES, Moment};
use crate::storage::{self, Storage};

/// Everybody's password.
pub const PASSWORD: &str = "tramontane olive brebis";
/// The first association.
pub const ORGANISATION: &str = "Les Amis du Mazet";
/// Folder of snapshots, in that of the files: no space's.
const SNAPSHOTS: &str = "snapshots";

/// A box after its installation: one association with the operator and manager `ada`, members `paul` and
/// `zoe`, and a group "Bureau" with `ada` and `paul`; another association, "Chorale", with `nino`.
pub struct TestBox {
    server: &'static Server,
    /// Folder of the files.
    pub folder: PathBuf,
    _folder: tempfile::TempDir,
    /// The directory, as the pages' process sees it.
    pub directory: Directory,
    /// The directory's database, as the files' role sees it.
    pub directory_place: Place,
    /// The files' database.
    pub files_place: Place,
    /// The files.
    pub storage: Storage,
    /// The first association.
    pub organisation: OrganisationId,
    /// Its group.
    pub group: GroupId,
}

/// A box; none where the test is to be skipped.
///
/// # Panics
/// When it cannot be made.
pub async fn test_box() -> Option<TestBox> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    in_folder(folder, &path).await
}

/// A box whose files lie in `path`.
async fn in_folder(folder: tempfile::TempDir, path: &Path) -> Option<TestBox> {
    let server = server()?;
    let overlays = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays");
    let users = [&[mazet_directory::ROLE], &READERS[..]].concat();
    let people = server.database(OWNER, &users, &overlays.join("directory/migrations")).await;
    let files = server.database(storage::ROLE, &[], &overlays.join("files/migrations")).await;
    let owner = Directory::new(&server.place(&people, OWNER), 1).expect("a pool");
    let first = seed::Seed {
        organisation: ORGANISATION.to_owned(),
        name: "Ada Lovelace".to_owned(),
        login: "ada".to_owned(),
        password: mazet_directory::password::hash(PASSWORD).expect("hashed"),
    };
    assert!(seed::first(&owner, &first).await.expect("seeded"));
    let directory = Directory::new(&server.place(&people, mazet_directory::ROLE), 4).expect("a pool");
    let root = Actor::system();
    let organisation = organisations::list(&directory, &root).await.expect("listed")[0].id;
    let directory_place = server.place(&people, storage::ROLE);
    let files_place = server.place(&files, storage::ROLE);
    let snapshots = path.join(SNAPSHOTS);
    let storage = Storage::new(path, &snapshots, &files_place, &directory_place).expect("files");
    let mut made = TestBox {
        server,
        folder: path.to_owned(),
        _folder: folder,
        directory,
        directory_place,
        files_place,
        storage,
        organisation,
        group: GroupId(0),
    };
    made.folk().await;
    Some(made)
}

impl TestBox {
    async fn folk(&mut self) {
        let root = Actor::system();
        let ada = people::find(&self.directory, &root, "ada").await.expect("there");
        let paul = self.person(self.organisation, "paul").await;
        self.person(self.organisation, "zoe").await;
        self.group = groups::add(&self.directory, &root, self.organisation, "Bureau").await.expect("a group");
        let changed = groups::change(&self.directory, &root, self.group, "Bureau", &[ada, paul]).await;
        changed.expect("in the group");
        let wish = organisations::Wish::named("Chorale");
        let other = organisations::add(&self.directory, &root, &wish).await.expect("added");
        self.person(other, "nino").await;
    }

    /// Somebody who took an invitation, with [`PASSWORD`].
    ///
    /// # Panics
    /// When they cannot be added.
    pub async fn person(&self, organisation: OrganisationId, login: &str) -> PersonId {
        let root = Actor::system();
        let new = New {
            organisation,
            login: login.to_owned(),
            name: login.to_uppercase(),
            contact: String::new(),
            language: None,
            roles: Default::default(),
        };
        let id = people::add(&self.directory, &root, &new).await.expect("added");
        let ticket = invitations::make(&self.directory, &root, id).await.expect("invited");
        let address = [192, 0, 2, 1].into();
        invitations::take(&self.directory, &ticket.code.grouped(), PASSWORD, address).await.expect("taken");
        id
    }

    /// A new application password of somebody who is no operator.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn application_password(&self, login: &str) -> String {
        let visit = Visit { address: [192, 0, 2, 2].into(), agent: "Test/1.0".to_owned() };
        let opened = sign_in::password(&self.directory, login, PASSWORD, &visit).await.expect("signed in");
        let found = mazet_directory::sessions::find(&self.directory, &opened.token).await.expect("asked");
        let session = found.expect("a session");
        let made = application_passwords::make(&self.directory, &session, "Test").await.expect("made");
        made.1.grouped()
    }

    /// Gives somebody so many bytes.
    ///
    /// # Panics
    /// When the directory refuses.
    pub async fn quota(&self, login: &str, bytes: i64) {
        self.in_directory(&format!("update person set quota_bytes = {bytes} where login = '{login}'")).await;
    }

    /// Makes somebody a manager of the first association.
    ///
    /// # Panics
    /// When the directory refuses.
    pub async fn manager(&self, login: &str) {
        let role = Role::Manager;
        self.in_directory(&format!(
            "update membership set roles = array['{}'] from person where person.id = person_id and login = '{login}'",
            format!("{role:?}").to_lowercase()
        ))
        .await;
    }

    /// A statement in the directory's database, as its superuser.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn in_directory(&self, statement: &str) {
        let client = self.server.superuser(&self.directory_place.database).await;
        client.batch_execute(statement).await.expect("done");
    }

    /// A statement in the files' database, as its owner.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn in_files(&self, statement: &str) {
        let client = self.files_place.connect().await.expect("connected");
        client.batch_execute(statement).await.expect("done");
    }

    /// Keeps the files as they are now, as a snapshot of that moment, and says that all spaces are older. As in a real
    /// one, what did not change since is the very same file: each gets a second name (files are never written in place).
    ///
    /// # Panics
    /// When they cannot be copied.
    pub async fn snapshot(&self, moment: Moment) {
        let to = self.folder.join(SNAPSHOTS).join(moment.name()).join(FILES);
        std::fs::create_dir_all(&to).expect("made");
        for kind in ["people", "organisations", "groups"] {
            let copied = Command::new("cp")
                .args(["--archive", "--link"])
                .arg(self.folder.join(kind))
                .arg(&to)
                .status();
            assert!(copied.expect("cp").success());
        }
        self.in_files("update space set created_at = '2020-01-01'").await;
    }

    /// A number from the files' database.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn count(&self, statement: &str) -> i64 {
        let client = self.files_place.connect().await.expect("connected");
        client.query_one(statement, &[]).await.expect("a row").get(0)
    }

    /// Writes a file of `login`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn put(&self, login: &str, path: &str, text: &str) -> storage::Entry {
        let view = self.storage.view(login).await.expect("a view");
        let mut incoming = view.begin(path, Some(text.len() as u64)).await.expect("begun");
        incoming.write(text.as_bytes()).await.expect("written");
        incoming.finish(Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000))).await.expect("finished")
    }

    /// Reads a file of `login`.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn get(&self, login: &str, path: &str) -> String {
        let view = self.storage.view(login).await.expect("a view");
        let (file, _) = view.open(path).await.expect("open");
        std::io::read_to_string(file).expect("read")
    }
}
