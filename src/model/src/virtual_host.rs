//! Virtual hosts in manifests: `[[vhost]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `access` of a location that anybody may ask.
pub const PUBLIC: &str = "public";
/// `access` of a location that whoever is signed in may ask.
pub const MEMBER: &str = "member";
/// `access` of a location for programs that know no pages: whoever gives login and password with each request
/// (RFC 7617), an application password or one's own where that is enough, may ask.
pub const PASSWORD: &str = "password";
/// `access` of a location that is never answered.
pub const NOBODY: &str = "nobody";

/// A location of a virtual host, answered by the front web server: `[[vhost]]`.
///
/// Exactly one of `proxy`, `folder` and `redirect` is given, or none with `access = "nobody"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VirtualHost {
    /// URL path prefix, beginning and ending with `/`; the longest that fits a request answers it. Or the
    /// path of one file, whose name has a dot: `/status.php`.
    pub location: String,
    /// Host names that it answers to. None: the box's own pages, which answer to every name and
    /// address that no other virtual host has.
    #[serde(default)]
    pub names: Vec<String>,
    /// Port of its own (HTTPS), where it answers to every name of the box. For web sites, which set it.
    #[serde(skip)]
    pub port: Option<u16>,
    /// Visitors are sent on to another path of the same name: `/calendar/dav/`. Web sites set another host,
    /// `https://amis.example.org`, or the same name at another port, `:20001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// Unix socket or loopback address that answers: `unix:/run/x.sock`, `127.0.0.1:8080`. It is
    /// given the path as the visitor wrote it.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Folder whose files are served as they are; hidden ones never.
    #[serde(default)]
    pub folder: Option<String>,
    /// Socket of the PHP-FPM pool that runs the `.php` files of `folder`: `unix:/run/php/x.sock`.
    #[serde(default)]
    pub php: Option<String>,
    /// With `php`: the programs that are run, by their paths below `folder`; none given: all. `*` stands for any
    /// name: `admin/*.php`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// With `php`: the program that answers for every path of the location where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Paths below `location` that are never answered, each with `/` at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// With `folder`: who asks with POST is answered as with GET. Some programs ask so for their settings.
    #[serde(default)]
    pub posts: bool,
    /// Who may ask: `public`, `member` (whoever is signed in), `password` (programs that give login and
    /// password with each request), `nobody`, or a role that a manifest of the image declares. The service
    /// reads the login name in the header `Mazet-Person`.
    #[serde(default = "public")]
    pub access: String,
    /// The first name of a path below `location` is somebody's login, or the name of what an association or group holds
    /// in common: who asks is in an association with them, or is refused.
    #[serde(default)]
    pub owners: bool,
    /// Largest body of a request, in MiB (2^20 bytes); 0: whatever the service takes.
    #[serde(default = "upload_mib")]
    pub upload_mib: u32,
    /// Bodies are passed on while they come in, and an answer may take an hour: WebDAV, uploads.
    #[serde(default)]
    pub streaming: bool,
    /// Also answered over plain HTTP, where all else is sent on to HTTPS: what must be read before
    /// a browser or a certificate authority knows the box. Only for the box's own name and for everybody.
    #[serde(default)]
    pub plain: bool,
    /// With `proxy`: headers that the service is given, whatever the visitor sent. In their values, `{host}` is
    /// the name that was asked for, `{person}` the login of who asks; an empty one takes the header away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl VirtualHost {
    /// A location of the box's own pages for everybody, that nothing answers yet.
    pub fn at(location: &str) -> Self {
        Self {
            location: location.to_owned(),
            names: Vec::new(),
            port: None,
            redirect: None,
            proxy: None,
            folder: None,
            php: None,
            programs: Vec::new(),
            fallback: None,
            denied: Vec::new(),
            posts: false,
            access: public(),
            owners: false,
            upload_mib: upload_mib(),
            streaming: false,
            plain: false,
            headers: BTreeMap::new(),
        }
    }
}

fn public() -> String {
    PUBLIC.to_owned()
}

/// A form with a photograph or a letter.
fn upload_mib() -> u32 {
    16
}
