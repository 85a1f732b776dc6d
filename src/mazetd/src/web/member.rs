//! Who is signed in: what a handler behind the wall is given, and gives back.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use mazet_directory::permission::{Action, ROLES, Target};
use mazet_directory::sessions::{self, Session, Stage};
use mazet_directory::{Actor, Directory, Role};
use mazet_model::manifest::{MEMBER, PUBLIC};
use mazet_model::settings::Language;
use serde_json::{Map, Value, json};

use super::app::App;
use super::failure::{self, Failure};
use super::form::{self, Faults, Fields};
use super::pages::Page;
use super::routes::Access;
use super::token::Token;
use super::{language, navigation, said};

/// The session behind a request, put beside it by the wall.
#[derive(Clone)]
pub struct Signed(pub Arc<Session>, pub Token);

/// Somebody signed in, and where they are.
#[derive(Clone)]
pub struct Member {
    /// The server.
    pub app: Arc<App>,
    /// What they read.
    pub language: Language,
    /// Their session's CSRF token.
    pub csrf: Token,
    /// Their session.
    pub session: Arc<Session>,
    /// The path and query of their request.
    pub here: String,
    /// What was done by the request before, in their language; else empty.
    pub said: String,
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let Signed(session, csrf) = parts.extensions.get::<Signed>().cloned().ok_or(Failure::Forbidden)?;
        let language = language::chosen(&parts.headers).or(session.language);
        let language = language.or_else(|| language::of(&parts.headers)).unwrap_or(Language::Fr);
        let (here, said) = said::take(&parts.uri);
        let said = said.map(|key| app.pages.catalogue.say(language, key, &[])).unwrap_or_default();
        Ok(Self { app: Arc::clone(app), language, csrf, session, here, said })
    }
}

/// The session that a cookie opens, if any.
///
/// # Errors
/// The directory does not answer.
pub async fn find(app: &App, cookie: &str) -> Result<Option<Signed>, Failure> {
    let session = sessions::find(app.directory()?, cookie).await?;
    Ok(session.and_then(|session| {
        let csrf = Token::parse(&session.csrf)?;
        Some(Signed(Arc::new(session), csrf))
    }))
}

impl Signed {
    /// Must they set up a second factor before anything else?
    pub fn must_set_up(&self) -> bool {
        self.0.stage == Stage::Enrol
    }

    /// Do they have that access, as virtual hosts write it: `public`, `member`, a role?
    pub fn holds(&self, access: &str) -> bool {
        is_offered(&self.0.actor, access)
    }

    /// May they do that anywhere at all?
    pub fn may_somewhere(&self, action: Action) -> bool {
        may_somewhere(&self.0.actor, action)
    }
}

/// Is a service that is for those with this access (`public`, `member`, a role) offered to the actor?
pub fn is_offered(actor: &Actor, access: &str) -> bool {
    match access {
        PUBLIC | MEMBER => true,
        role => ROLES.into_iter().any(|one| role_name(one) == role && holds(actor, one)),
    }
}

/// Does the actor hold a role, in any organisation?
fn holds(actor: &Actor, role: Role) -> bool {
    match role {
        Role::Operator => actor.is_operator(),
        role => actor.organisations().keys().any(|one| actor.holds(role, *one)),
    }
}

/// The name of a role: in forms, in the catalogue below `role.`, and in service manifests.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Manager => "manager",
        Role::SiteEditor => "site-editor",
        Role::BackupKeeper => "backup-keeper",
        Role::Member => "member",
    }
}

/// May the actor do this anywhere at all? For what leads to a page; its calls ask again about
/// what they are done to.
pub fn may_somewhere(actor: &Actor, action: Action) -> bool {
    let organisations = actor.organisations().keys();
    action == Action::UseOwn
        || actor.may(action, &Target::Machine)
        || organisations.copied().any(|one| actor.may(action, &Target::Organisation(one)))
}

impl Member {
    /// Who asks, for the directory's calls.
    pub fn actor(&self) -> &Actor {
        &self.session.actor
    }

    /// The directory.
    ///
    /// # Errors
    /// The live system has none.
    pub fn directory(&self) -> Result<&Directory, Failure> {
        self.app.directory()
    }

    /// Is a service offered to them that is for those with this access?
    pub fn is_offered(&self, access: &str) -> bool {
        is_offered(self.actor(), access)
    }

    /// May they see a page of that access?
    pub fn may_see(&self, access: Access) -> bool {
        match access {
            Access::Public | Access::Member => true,
            Access::Claimed => false,
            Access::May(action) => may_somewhere(self.actor(), action),
        }
    }

    /// The same, at another page: for one that answers a form and has no address of its own.
    pub fn at(&self, here: &str) -> Self {
        Self { here: here.to_owned(), ..self.clone() }
    }

    /// The value of one field of the query, decoded; empty where there is none.
    pub fn query(&self, name: &str) -> String {
        form::query(&self.here, name)
    }

    /// A text in their language.
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.app.pages.catalogue.say(self.language, key, values)
    }

    /// "Nobody", "one person", "7 people": a text by its number, below `key`.
    pub fn count(&self, key: &str, count: usize) -> String {
        let key = match count {
            0 if self.app.pages.catalogue.get(self.language, &format!("{key}_none")).is_some() => {
                format!("{key}_none")
            }
            1 => format!("{key}_one"),
            _ => key.to_owned(),
        };
        self.say(&key, &[("count", &count.to_string())])
    }

    /// A moment in their language, in the box's time zone.
    pub fn date(&self, moment: mazet_directory::OffsetDateTime) -> String {
        super::dates::shown(self.language, moment.unix_timestamp())
    }

    /// A page with their menu.
    ///
    /// # Errors
    /// The page cannot be rendered.
    pub fn show(
        &self,
        template: &'static str,
        title: &'static str,
        faults: &Faults,
        data: Value,
    ) -> Result<Response, Failure> {
        let mut all = json!({ "csrf": self.csrf.as_str(), "faults": faults.list(), "said": self.said });
        if let (Some(all), Value::Object(data)) = (all.as_object_mut(), data) {
            all.extend(data);
        }
        let mut page = Page::new(template, title, &self.here, all);
        page.menu = navigation::menu(self);
        Ok(self.app.pages.response(self.language, faults.status(), &page)?)
    }

    /// A page with a form: `form` holds what its inputs show, by input id.
    ///
    /// # Errors
    /// The page cannot be rendered.
    pub fn form(
        &self,
        template: &'static str,
        title: &'static str,
        form: &Value,
        faults: &Faults,
        more: Value,
    ) -> Result<Response, Failure> {
        let mut data = json!({ "form": form, "fault": by_field(form, faults) });
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        self.show(template, title, faults, data)
    }

    /// What the directory refused, as faults of the form; other errors stay errors.
    ///
    /// # Errors
    /// The directory did not refuse a value but fail.
    pub fn refused(&self, error: mazet_directory::Error) -> Result<Faults, Failure> {
        failure::refused(&self.app, self.language, error)
    }

    /// The faults of a call that gives nothing else.
    ///
    /// # Errors
    /// The directory did not refuse a value but fail.
    pub fn checked(&self, result: mazet_directory::Result<()>) -> Result<Faults, Failure> {
        result.map_or_else(|error| self.refused(error), |()| Ok(Faults::default()))
    }
}

/// The first fault of each input of a form.
pub fn by_field(form: &Value, faults: &Faults) -> Map<String, Value> {
    let fields = form.as_object().into_iter().flat_map(Map::keys);
    fields.map(|field| (field.clone(), faults.of(field).into())).collect()
}

/// A form sent by somebody signed in, with their session's CSRF token.
pub struct Sent {
    /// Who.
    pub member: Member,
    /// What.
    pub fields: Fields,
}

impl form::Sender for Member {
    fn token(&self) -> Option<Token> {
        Some(self.csrf.clone())
    }
}

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (member, fields) = form::sent(request, app).await?;
        Ok(Self { member, fields })
    }
}
