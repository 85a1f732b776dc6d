//! The JSON API of the installed box, `/api/v1/…`: what the pages do, for programs.
//!
//! | module | subject |
//! |---|---|
//! | [`routes`] | every operation: **the one place to add another** |
//! | [`operation`], [`call`], [`body`] | what an operation is, and what a handler is given and gives |
//! | [`door`] | who asks: a session, or an application password made for it |
//! | [`problem`] | what goes wrong, as RFC 9457 has it |
//! | [`describe`] | the OpenAPI description, made from the operations |
//! | [`page`] | the same for people |
//! | [`account`], [`people`], [`groups`], [`resources`], [`organisations`], [`leaving`], [`events`] | the handlers for people |
//! | [`websites`] | those for web sites |
//! | [`machine`], [`choice`], [`mail`], [`network`], [`certificates`], [`reports`] | those for the machine |
//!
//! A handler's types say what is read and given; the description is made from them, so that it cannot
//! say anything else. Handlers decide nothing about who may do what: the directory does, at every call.

pub mod account;
pub mod body;
pub mod call;
pub mod certificates;
pub mod choice;
pub mod describe;
pub mod door;
pub mod events;
pub mod groups;
pub mod leaving;
pub mod machine;
pub mod mail;
pub mod network;
pub mod operation;
pub mod organisations;
pub mod page;
pub mod people;
pub mod problem;
pub mod reports;
pub mod resources;
pub mod routes;
pub mod websites;

use std::sync::Arc;

use axum::Router;

use super::app::App;

/// Where it begins.
pub const BASE: &str = "/api/v1";

/// Does a path belong to the API? Its page for people, `/api`, does not.
pub fn is_of(path: &str) -> bool {
    path.starts_with("/api/")
}

/// The site with the API.
pub fn mount(mut router: Router<Arc<App>>) -> Router<Arc<App>> {
    for operation in routes::all() {
        router = router.route(operation.path, operation.answer);
    }
    router
}
