//! Every path, what answers it, and who may see it.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use mazet_directory::permission::Action;

use super::app::App;
use super::{api, assets, claim, failure, guard, install, site, steps};
use crate::protocol::Mode;

/// The longest form: names, a password, two serial numbers.
const BODY_BYTES: usize = 16 * 1024;

/// Who may see a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Who gave the claim code.
    Claimed,
    /// Who is signed in.
    Member,
    /// Who may do this, somewhere on the box; what exactly it is done to, the directory asks.
    May(Action),
}

/// One path.
pub struct Route {
    /// As axum writes it.
    pub path: &'static str,
    /// Who may see it. The wall has its own list of exceptions; tests compare the two.
    pub access: Access,
    answer: MethodRouter<Arc<App>>,
}

#[cfg(test)]
impl Route {
    /// Does it take a form?
    pub async fn takes_forms(&self, app: &Arc<App>) -> bool {
        use tower::ServiceExt as _;
        let answer = self.answer.clone().with_state(Arc::clone(app));
        let form = axum::http::Request::post("/").body(axum::body::Body::empty());
        let answer = answer.oneshot(form.unwrap_or_default()).await;
        answer.is_ok_and(|answer| answer.status() != axum::http::StatusCode::METHOD_NOT_ALLOWED)
    }
}

/// A path for everybody.
pub fn public(path: &'static str, answer: MethodRouter<Arc<App>>) -> Route {
    Route { path, access: Access::Public, answer }
}

/// A path of the installed box for who is signed in.
pub fn member(path: &'static str, answer: MethodRouter<Arc<App>>) -> Route {
    Route { path, access: Access::Member, answer }
}

/// A path of the installed box for who may do that.
pub fn may(action: Action, path: &'static str, answer: MethodRouter<Arc<App>>) -> Route {
    Route { path, access: Access::May(action), answer }
}

fn claimed(path: &'static str, answer: MethodRouter<Arc<App>>) -> Route {
    Route { path, access: Access::Claimed, answer }
}

/// Every path of a mode. What is not in this table is behind the wall, and not found.
pub fn table(mode: Mode) -> Vec<Route> {
    let mut routes =
        vec![public("/assets/{name}", get(assets::show)), public("/robots.txt", get(assets::robots))];
    match mode {
        Mode::Live => routes.extend(wizard()),
        Mode::Installed => routes.extend(site::table()),
    }
    routes
}

fn wizard() -> Vec<Route> {
    vec![
        public("/claim", get(claim::show).post(claim::save)),
        claimed("/", get(steps::root)),
        claimed("/language", get(steps::language::show).post(steps::language::save)),
        claimed("/start", get(steps::start::show).post(steps::start::save)),
        claimed("/wifi", get(steps::wifi::show).post(steps::wifi::save)),
        claimed("/source", get(steps::source::show).post(steps::source::save)),
        claimed("/disks", get(steps::disks::show).post(steps::disks::save)),
        claimed("/association", get(steps::association::show).post(steps::association::save)),
        claimed("/operator", get(steps::operator::show).post(steps::operator::save)),
        claimed("/summary", get(steps::summary::show)),
        claimed("/install", post(install::begin)),
        claimed("/progress", get(install::show)),
        claimed("/progress.json", get(install::json)),
        claimed("/reboot", post(install::reboot)),
    ]
}

/// What answers a route, asked by those alone who may.
fn guarded(route: Route) -> MethodRouter<Arc<App>> {
    match route.access {
        Access::May(action) => route.answer.route_layer(from_fn_with_state(action, guard::allowed)),
        Access::Public | Access::Claimed | Access::Member => route.answer,
    }
}

/// The whole site of a mode, with its guards.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in table(app.mode) {
        router = router.route(route.path, guarded(route));
    }
    if app.mode == Mode::Installed {
        router = api::mount(router);
    }
    // The last layer is the first that a request meets.
    router
        .fallback(|| async { failure::Failure::NotFound })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(&app), guard::wall))
        .layer(from_fn(guard::language))
        .layer(from_fn(guard::time))
        .layer(from_fn_with_state(Arc::clone(&app), guard::explain))
        .layer(from_fn(guard::headers))
        .with_state(app)
}
