//! Signing in, and what everybody does with their own account.

pub mod applications;
pub mod change;
pub mod connect;
pub mod devices;
pub mod factor;
pub mod forgotten;
pub mod profile;
pub mod second;
pub mod sign_in;
pub mod slip;

use super::form::{Faults, Fields};
use super::password;

/// Fields `password` and `password_again` of a form: catalogue keys of what is wrong, by input.
/// `personal` are words that guessers know.
fn new_password(fields: &Fields, personal: &[&str]) -> Option<(&'static str, &'static str)> {
    let (first, again) = (fields.get("password"), fields.get("password_again"));
    match password::fault(first, personal) {
        Some(key) => Some(("password", key)),
        None if first != again => Some(("password_again", "operator.password_differs")),
        None => None,
    }
}

/// One fault alone.
fn one(input: &str, message: String) -> Faults {
    let mut faults = Faults::default();
    faults.add(input, message);
    faults
}
