//! An installed box: the whole site over a real directory in a PostgreSQL of the tests.

use std::collections::BTreeSet;
use std::path::Path;

use mazet_database::testing::{self, Server};
use mazet_directory::organisations::{self, Wish};
use mazet_directory::people::{self, New};
use mazet_directory::seed::{self, Seed};
use mazet_directory::{
    Actor, DATABASE, Directory, OWNER, OrganisationId, PersonId, READERS, ROLE, Role, invitations, password,
    second_factor, sessions, totp,
};

use super::*;

/// The password of everybody in these tests.
pub const PASSWORD: &str = "tramontane olive brebis 71";

/// A box with an operator, `ada`, and the organisation that the wizard made.
pub struct Installed {
    pub broker: FakeBroker,
    pub directory: Directory,
    /// The server of its database, and the database's name.
    pub server: &'static Server,
    pub database: String,
    router: Router,
    app: Arc<App>,
}

impl Installed {
    /// None: there is no PostgreSQL on this machine.
    pub async fn start() -> Option<Self> {
        let server = testing::server()?;
        let (database, directory) = directory(server).await;
        let seed = Seed {
            organisation: "Les Amis du Mazet".to_owned(),
            name: "Ada Lovelace".to_owned(),
            login: "ada".to_owned(),
            password: password::hash(PASSWORD).unwrap(),
        };
        assert!(seed::first(&directory, &seed).await.unwrap());
        let broker = FakeBroker::start(Mode::Installed);
        let app = App::new(&broker.path(), Mode::Installed, Some(directory.clone())).unwrap();
        Some(Self { broker, directory, server, database, router: routes::router(Arc::clone(&app)), app })
    }

    /// The site itself.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// The same, to be asked.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A browser that nobody is signed in with.
    pub fn browser(&self) -> Visitor {
        let directory = self.directory.clone();
        Visitor {
            directory,
            router: self.router.clone(),
            cookies: Vec::new(),
            language: "en",
            address: LOCAL,
        }
    }

    /// The organisation that the wizard made.
    pub async fn first(&self) -> OrganisationId {
        let all = organisations::list(&self.directory, &Actor::system()).await.unwrap();
        all.iter().find(|one| one.name == "Les Amis du Mazet").expect("there").id
    }

    /// Another organisation.
    pub async fn organisation(&self, name: &str, domain: &str) -> OrganisationId {
        let wish = Wish { domains: vec![domain.to_owned()], ..Wish::named(name) };
        organisations::add(&self.directory, &Actor::system(), &wish).await.unwrap()
    }

    /// Somebody with a password, without second factor.
    pub async fn person(&self, organisation: OrganisationId, login: &str, roles: &[Role]) -> PersonId {
        let new = New {
            organisation,
            login: login.to_owned(),
            name: format!("{login} Dupont"),
            contact: String::new(),
            language: None,
            roles: roles.iter().copied().collect::<BTreeSet<_>>(),
        };
        let (directory, system) = (&self.directory, Actor::system());
        let id = people::add(directory, &system, &new).await.unwrap();
        let ticket = invitations::make(directory, &system, id).await.unwrap();
        invitations::take(directory, ticket.code.plain(), PASSWORD, LOCAL).await.unwrap();
        id
    }

    /// A browser in which somebody without second factor is signed in.
    pub async fn signed_in(&self, login: &str) -> Visitor {
        let mut browser = self.browser();
        assert_eq!(browser.sign_in(login, PASSWORD).await.leads_to(), "/");
        browser
    }

    /// A browser in which the operator is signed in, second factor and all.
    pub async fn operator(&self) -> Visitor {
        let mut browser = self.browser();
        let first = browser.sign_in("ada", PASSWORD).await.leads_to();
        assert_eq!(first, "/account/second-factor");
        browser.set_up().await;
        browser
    }
}

/// A directory of its own.
async fn directory(server: &'static Server) -> (String, Directory) {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../overlays/directory/migrations");
    let name = server.database(OWNER, &[&[ROLE], &READERS[..]].concat(), &migrations).await;
    assert!(name.starts_with(DATABASE));
    let directory = Directory::new(&server.place(&name, ROLE), 4).unwrap();
    (name, directory)
}

/// A browser of the installed box.
pub struct Visitor {
    directory: Directory,
    router: Router,
    pub cookies: Vec<(String, String)>,
    pub language: &'static str,
    pub address: IpAddr,
}

impl Visitor {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(Request::get(path), String::new()).await
    }

    /// Sends a form as it is.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.ask(request, encode(fields)).await
    }

    /// Sends the form that the page `from` shows.
    pub async fn fill(&mut self, from: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.get(from).await.csrf();
        let fields: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.send(path, &fields).await
    }

    pub async fn sign_in(&mut self, login: &str, password: &str) -> Answer {
        self.fill("/sign-in", "/sign-in", &[("login", login), ("password", password), ("next", "/")]).await
    }

    /// Sets up the second factor; gives its secret and the recovery codes.
    pub async fn set_up(&mut self) -> (totp::Secret, Vec<String>) {
        let page = self.get("/account/second-factor?set-up=1").await;
        let shown = between(&page.body, "<code id=\"secret\">", "</code>");
        let token = self.cookies.iter().find(|(name, _)| name == session::COOKIE).expect("signed in");
        let session = sessions::find(&self.directory, &token.1).await.unwrap().expect("a session");
        let secret = second_factor::offer(&self.directory, &session).await.unwrap();
        assert_eq!(shown.replace(' ', ""), secret.base32());
        let code = secret.code(totp::now());
        let fields = [("csrf", &*page.csrf()), ("do", "confirm"), ("code", &code)];
        let answer = self.send("/account/second-factor", &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let codes = between(&answer.body, "id=\"codes\">", "</ul>");
        let codes = codes.split("<code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        (secret, codes.collect())
    }

    /// Sends the form that the page `from` shows, with a file as browsers send it (RFC 7578).
    pub async fn upload(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        (input, name, bytes): (&str, &str, &[u8]),
    ) -> Answer {
        let csrf = self.get(path).await.csrf();
        let mut body = Vec::new();
        for (field, value) in [("csrf", csrf.as_str())].iter().chain(fields) {
            let part =
                format!("--mark\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let head = format!("Content-Disposition: form-data; name=\"{input}\"; filename=\"{name}\"");
        body.extend(format!("--mark\r\n{head}\r\nContent-Type: text/csv\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n--mark--\r\n");
        self.ask(Request::post(path).header("content-type", "multipart/form-data; boundary=mark"), body).await
    }

    async fn ask(&mut self, request: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let request = request
            .header("cookie", cookie_header(&self.cookies))
            .header("accept-language", self.language)
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .extension(Peer(self.address))
            .body(body.into())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        answer(response, &mut self.cookies).await
    }
}

/// What stands between two marks.
pub fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap().to_owned()
}
