//! What a page says of the request before it: `?said=account.saved`. A known key, never a text: what
//! a link of somebody else's making can show is one of ours.

use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};

/// What can be said.
const KNOWN: [&str; 31] = [
    "account.saved",
    "applications.removed",
    "certificates.account_kept",
    "change.done",
    "devices.ended",
    "factor.stopped",
    "groups.removed",
    "groups.saved",
    "leaving.left",
    "leaving.organisation_removed",
    "leaving.removed",
    "mail.cleared",
    "mail.password_gone",
    "mail.password_kept",
    "network.go_back_ordered",
    "network.kept",
    "network.seen",
    "organisation.saved",
    "person.factor_gone",
    "person.invited_by_mail",
    "person.resumed_now",
    "person.saved",
    "person.signed_out",
    "person.suspended_now",
    "report.done",
    "reset.done",
    "resources.removed",
    "resources.saved",
    "signin.ended",
    "websites.archive_forgotten",
    "welcome.done",
];

/// The path and query without what is to be said, and its catalogue key.
pub fn take(uri: &Uri) -> (String, Option<&'static str>) {
    let query = uri.query().unwrap_or_default();
    let said = query.split('&').find_map(|pair| pair.strip_prefix("said="));
    let key = said.and_then(|said| KNOWN.into_iter().find(|key| *key == said));
    let rest: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("said=")).collect();
    let here =
        if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    (here, key)
}

/// To another page, which says so.
pub fn and_go(path: &str, key: &str) -> Response {
    debug_assert!(KNOWN.contains(&key), "{key} is never said");
    Redirect::to(&format!("{path}?said={key}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_texts_are_said() {
        let take = |uri: &str| take(&uri.parse().expect("a path"));
        assert_eq!(take("/account?said=account.saved"), ("/account".to_owned(), Some("account.saved")));
        assert_eq!(
            take("/people?q=a&said=nonsense&organisation=1"),
            ("/people?q=a&organisation=1".to_owned(), None)
        );
        assert_eq!(take("/"), ("/".to_owned(), None));
    }
}
