//! Programs that people connect from their computers and phones: `[[client]]` of a manifest, told with the
//! values of one box and one person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::manifest::Text;

/// What texts of a client may name, each in braces.
pub const PLACES: [&str; 4] = ["host", "url", "login", "email"];
/// Identifiers that a profile may give to its parts.
const IDENTIFIERS: u8 = 8;

/// A kind of program that people connect from their computers and phones: `[[client]]`.
///
/// In `text` and `steps`, `{host}` is the box's name, `{url}` the address of `location`, `{login}` the reader's
/// login, `{email}` their mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    /// What kind, as people know it.
    pub title: Text,
    /// How it is set up; the whole address stands below it.
    pub text: Text,
    /// What is done there, one thing after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Text>,
    /// What it connects to: a path that a `[[vhost]]` of the service answers, or `/` where the program finds its
    /// paths itself.
    pub location: String,
    /// A file with which it sets itself up, made for who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// A file with which a program sets itself up: `profile` of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Source of the template, below the service's overlay folder. Beside what all templates may name, it may
    /// name what [`Reader::context`] gives.
    pub template: String,
    /// The name that it has for people: `courrier.mobileconfig`.
    pub file: String,
    /// Its media type (RFC 2046).
    pub media: String,
}

/// Who is told how to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader<'a> {
    /// The box's name, as it is asked for: `mazet.local`.
    pub host: &'a str,
    /// Their login.
    pub login: &'a str,
    /// Their mail address.
    pub email: &'a str,
}

impl Reader<'_> {
    /// A text of a client, with its places filled. `location` is the client's.
    pub fn told(&self, text: &str, location: &str) -> String {
        let url = format!("https://{}{location}", self.host);
        let values = [self.host, &url, self.login, self.email];
        // Nothing that is filled in has braces.
        PLACES
            .iter()
            .zip(values)
            .fold(text.to_owned(), |text, (place, value)| text.replace(&format!("{{{place}}}"), value))
    }

    /// What the template of a profile may name beside what all may:
    ///
    /// ```text
    /// host, person.login, person.email
    /// uuids[]     identifiers, the same each time for the same person of the same box (RFC 9562, 5.8)
    /// ```
    ///
    /// `all` is what all templates may name; `uuid_of` makes an identifier of a text.
    pub fn context(&self, mut all: Value, uuid_of: impl Fn(&str) -> String) -> Value {
        let uuid = |number| uuid_of(&format!("{} {} {number}", self.host, self.login));
        all["host"] = self.host.into();
        all["person"] = json!({ "login": self.login, "email": self.email });
        all["uuids"] = (0..IDENTIFIERS).map(uuid).collect();
        all
    }
}

/// Places of a text that are none.
pub fn unknown_places(text: &str) -> Vec<&str> {
    let after = text.split('{').skip(1);
    after.map(|rest| rest.split('}').next().unwrap_or(rest)).filter(|place| !PLACES.contains(place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZOE: Reader<'_> = Reader { host: "mazet.local", login: "zoe", email: "zoe@amis.example.org" };

    #[test]
    fn a_text_is_told_with_the_values_of_who_reads_it() {
        let told = ZOE.told("{email}, {login}: {url} on {host}", "/dav/");
        assert_eq!(told, "zoe@amis.example.org, zoe: https://mazet.local/dav/ on mazet.local");
        assert_eq!(unknown_places("{host} {hots} {"), ["hots", ""]);
        assert_eq!(unknown_places("no place"), [""; 0]);
    }

    #[test]
    fn a_profile_may_name_who_it_is_for_and_identifiers_of_their_own() {
        let context = ZOE.context(json!({ "live": false }), str::to_owned);
        assert_eq!(context["uuids"][1], "mazet.local zoe 1");
        assert_eq!(context["uuids"].as_array().map(Vec::len), Some(8));
        assert_eq!((&context["person"]["email"], &context["live"]), (&json!(ZOE.email), &json!(false)));
    }
}
