//! Every path, what answers it, and who may see it.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};

use super::app::App;
use super::{assets, claim, failure, guard, home, install, steps};
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
}

/// One path.
pub struct Route {
    /// As axum writes it.
    pub path: &'static str,
    /// Who may see it. The wall has its own list; tests compare the two.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests of the wall"))]
    pub access: Access,
    answer: MethodRouter<Arc<App>>,
}

fn public(path: &'static str, answer: MethodRouter<Arc<App>>) -> Route {
    Route { path, access: Access::Public, answer }
}

fn claimed(path: &'static str, answer: MethodRouter<Arc<App>>) -> Route {
    Route { path, access: Access::Claimed, answer }
}

/// Every path of a mode. What is not in this table is behind the claim, and not found.
pub fn table(mode: Mode) -> Vec<Route> {
    let mut routes =
        vec![public("/assets/{name}", get(assets::show)), public("/robots.txt", get(assets::robots))];
    match mode {
        Mode::Live => routes.extend([
            public("/claim", get(claim::show).post(claim::save)),
            claimed("/", get(steps::root)),
            claimed("/language", get(steps::language::show).post(steps::language::save)),
            claimed("/start", get(steps::start::show).post(steps::start::save)),
            claimed("/wifi", get(steps::wifi::show).post(steps::wifi::save)),
            claimed("/disks", get(steps::disks::show).post(steps::disks::save)),
            claimed("/association", get(steps::association::show).post(steps::association::save)),
            claimed("/operator", get(steps::operator::show).post(steps::operator::save)),
            claimed("/summary", get(steps::summary::show)),
            claimed("/install", post(install::begin)),
            claimed("/progress", get(install::show)),
            claimed("/progress.json", get(install::json)),
            claimed("/reboot", post(install::reboot)),
        ]),
        Mode::Installed => {
            routes.extend([public("/", get(home::show)), public("/done", get(home::done))]);
        }
    }
    routes
}

/// The whole site of a mode, with its guards.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in table(app.mode) {
        router = router.route(route.path, route.answer);
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
