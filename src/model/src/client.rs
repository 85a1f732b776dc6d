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
    /// `digest` makes 32 bytes of a text, by SHA-256.
    pub fn context(&self, digest: impl Fn(&str) -> [u8; 32]) -> Value {
        let uuid = |number| uuid(digest(&format!("{} {} {number}", self.host, self.login)));
        json!({
            "host": self.host,
            "person": { "login": self.login, "email": self.email },
            "uuids": (0..IDENTIFIERS).map(uuid).collect::<Vec<_>>(),
        })
    }
}

/// Places of a text that are none.
pub fn unknown_places(text: &str) -> Vec<&str> {
    let after = text.split('{').skip(1);
    after.map(|rest| rest.split('}').next().unwrap_or(rest)).filter(|place| !PLACES.contains(place)).collect()
}

/// A UUID of version 8 (RFC 9562, 5.8) from the first bytes of a digest.
fn uuid(digest: [u8; 32]) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
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
    fn identifiers_are_a_persons_own_and_stay() {
        let digest = |text: &str| {
            let mut bytes = [0xff; 32];
            bytes[..text.len().min(32)].copy_from_slice(&text.as_bytes()[..text.len().min(32)]);
            bytes
        };
        let context = ZOE.context(digest);
        let uuid = context["uuids"][0].as_str().expect("text");
        assert_eq!((uuid.len(), &uuid[14..15], &uuid[19..20]), (36, "8", "a"));
        assert_eq!(ZOE.context(digest), context);
        assert_ne!(Reader { login: "max", ..ZOE }.context(digest)["uuids"][0], context["uuids"][0]);
        assert_eq!(context["person"]["email"], "zoe@amis.example.org");
    }
}
