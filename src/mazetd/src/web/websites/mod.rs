//! Web sites of associations, for those who write them.
//!
//! | module | subject |
//! |---|---|
//! | [`list`] | which there are, and how the last act stands |
//! | [`new`] | another one |
//! | [`one`] | one: its archives, bringing it back, removing it |
//!
//! Who writes an association's site is no operator: there is no preview of settings and files. What they order goes
//! to the broker as a request of its own, which the broker checks.

pub mod list;
pub mod new;
pub mod one;

use axum::response::Response;
use serde_json::{Value, json};

use super::failure::Failure;
use super::form::Faults;
use super::member::{Member, by_field};
use super::navigation;
use super::pages::Page;

/// The page of all sites.
const PATH: &str = "/websites";
/// Seconds until a page looks again while something is under way.
const LOOK_AGAIN: u8 = 2;

/// A page that looks again by itself while something is under way.
fn page(
    member: &Member,
    (template, path): (&'static str, &str),
    (form, faults): (&Value, &Faults),
    running: bool,
    more: Value,
) -> Result<Response, Failure> {
    let mut data = json!({
        "csrf": member.csrf.as_str(),
        "said": member.said,
        "faults": faults.list(),
        "form": form,
        "fault": by_field(form, faults),
        "running": running,
        "here": path,
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    let page = Page {
        refresh: running.then_some(LOOK_AGAIN),
        script: running,
        menu: navigation::menu(member),
        ..Page::new(template, "websites.title", path, data)
    };
    Ok(member.app.pages.response(member.language, faults.status(), &page)?)
}
