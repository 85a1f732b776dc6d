//! Kinds of web sites: the `[site]` table of a service manifest.
//!
//! A kind says what every site of it is made of, once for all of them. Where a text holds `{{site.…}}`, it is
//! rendered for each site ([`crate::sites`] does, and lists what may stand there).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Backup, Check, Folder, Template, Unit};

/// The `[site]` table. The service's title and summary are what people choose by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteKind {
    /// Its pages are a folder of the association's files: the folder below which that one lies. People are
    /// asked which.
    #[serde(default)]
    pub publishes: Option<String>,
    /// Program and arguments that make that folder with a first page, run by root before there is a site, where the
    /// folder is not there yet.
    #[serde(default)]
    pub prepare: Vec<String>,
    /// Each site has a system user of its own, `site.user`.
    #[serde(default)]
    pub user: bool,
    /// Unit that makes what is to be there at first, once, and ends. It is given the credential `administrator`:
    /// JSON with `login`, `name`, `contact`, `language`, `password`, `address`.
    #[serde(default)]
    pub install: Option<String>,
    /// Where its editors sign in, below the site's address: `ecrire/`.
    #[serde(default)]
    pub entrance: Option<String>,
    /// Data folders.
    #[serde(default, rename = "folder")]
    pub folders: Vec<Folder>,
    /// Templates of the overlay; `site.…` stands in them too. Their group is one of the image's.
    #[serde(default, rename = "template")]
    pub templates: Vec<Template>,
    /// Instances of template units of the service: `mazet-php@{{site.name}}.socket`.
    #[serde(default, rename = "unit")]
    pub units: Vec<Unit>,
    /// Locations of the site's own host.
    #[serde(default, rename = "vhost")]
    pub vhosts: Vec<SiteLocation>,
    /// How to see that it works.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
    /// What is in its archive, and brought back from it.
    #[serde(default)]
    pub backup: Backup,
    /// Unit that puts what lies elsewhere, such as a database, into a folder of the archive before it is made. When it
    /// is stopped afterwards, it takes that away.
    #[serde(default)]
    pub dump: Option<String>,
    /// Unit that makes what lies elsewhere as that says, once the folders are back from an archive.
    #[serde(default)]
    pub load: Option<String>,
    /// Unit that removes what lies elsewhere, before the site goes. It may be asked twice.
    #[serde(default)]
    pub remove: Option<String>,
    /// Units that are stopped while an archive is made or brought back, so that it is of one moment.
    #[serde(default)]
    pub pause: Vec<String>,
}

/// A location of a site's own host: `[[site.vhost]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteLocation {
    /// URL path prefix, beginning and ending with `/`.
    pub location: String,
    /// Folder whose files are served as they are; hidden ones and programs never.
    pub folder: String,
    /// Socket of the PHP-FPM pool that runs the programs of `folder`: `unix:/run/…`.
    #[serde(default)]
    pub php: Option<String>,
    /// The programs that are run, by their paths below `folder`; no other is, or is shown. `*` stands for any
    /// name: `admin/*.php`.
    #[serde(default)]
    pub programs: Vec<String>,
    /// The program among them that answers for every path where there is nothing.
    #[serde(default)]
    pub fallback: Option<String>,
    /// Paths below `location` that are never answered, each with `/` at its end.
    #[serde(default)]
    pub denied: Vec<String>,
    /// Largest body of a request, in MiB (2^20 bytes).
    #[serde(default = "upload_mib")]
    pub upload_mib: u32,
}

/// A form with a photograph or a letter.
fn upload_mib() -> u32 {
    16
}
