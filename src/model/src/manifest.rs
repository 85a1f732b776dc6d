//! Service manifests: `recipes/services/<name>.toml`.
//!
//! One manifest and one overlay folder describe a service. The builder bakes it from
//! the manifest; `mazetd` applies it, watches it and opens its ports from the same
//! manifest, which lies at `/usr/share/mazet/services/<name>.toml` on the box.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::client::{Client, Profile};
use crate::options::ServiceOption;
use crate::report::Report;
use crate::settings::Language;
use crate::site_kind::SiteKind;
pub use crate::virtual_host::{MEMBER, NOBODY, PASSWORD, PUBLIC, VirtualHost};

/// A service manifest as written. Strict: an unknown key is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Who the service is and what it needs.
    pub service: ServiceSection,
    /// systemd units that belong to the service.
    #[serde(default, rename = "unit")]
    pub units: Vec<Unit>,
    /// Ports that it listens on. The firewall opens those with `scope = "network"`.
    #[serde(default, rename = "port")]
    pub ports: Vec<Port>,
    /// System users, made when the image is built.
    #[serde(default, rename = "user")]
    pub users: Vec<User>,
    /// Files of the overlay laid into the image as they are.
    #[serde(default, rename = "file")]
    pub files: Vec<OverlayFile>,
    /// Handlebars templates of the overlay, rendered on the box from its settings.
    #[serde(default, rename = "template")]
    pub templates: Vec<Template>,
    /// Folders below `/srv` that hold the service's data.
    #[serde(default, rename = "folder")]
    pub folders: Vec<Folder>,
    /// Symbolic links laid into the image.
    #[serde(default, rename = "link")]
    pub links: Vec<Link>,
    /// Virtual hosts and locations that the front web server answers for this service.
    #[serde(default, rename = "vhost")]
    pub vhosts: Vec<VirtualHost>,
    /// What people's own programs connect to.
    #[serde(default, rename = "client", skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<Client>,
    /// A PostgreSQL database for the service.
    #[serde(default)]
    pub database: Option<Database>,
    /// What a backup of the service holds.
    #[serde(default)]
    pub backup: Backup,
    /// How to see that it works.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
    /// How it is measured beside its alternatives.
    #[serde(default)]
    pub trial: Option<Trial>,
    /// How common the program is in the world.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Roles that people may hold in it.
    #[serde(default, rename = "role")]
    pub roles: Vec<Role>,
    /// Who may serve the DNS of the box's domains, for certificates that are shown by a DNS record.
    #[serde(default, rename = "dns-provider", skip_serializing_if = "Vec::is_empty")]
    pub dns_providers: Vec<DnsProvider>,
    /// Pages that it gives to the operator.
    #[serde(default, rename = "report", skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// What the operator can choose of it.
    #[serde(default, rename = "option", skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ServiceOption>,
    /// Web sites of this kind can be added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteKind>,
}

/// A sentence in the two languages of the users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Text {
    /// French.
    pub fr: String,
    /// English.
    pub en: String,
}

impl Text {
    /// The sentence in one language.
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::Fr => &self.fr,
            Language::En => &self.en,
        }
    }
}

/// The `[service]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceSection {
    /// Name: the file name without `.toml`, and the overlay folder's name.
    pub name: String,
    /// What members see.
    pub title: Text,
    /// One sentence about it.
    pub summary: Text,
    /// Services that must be in the same image.
    #[serde(default)]
    pub depends: Vec<String>,
    /// Debian packages. Those of `base` go into the base layer with the recipe's.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Programs of ours that it runs, beside `mazetd`: packages of the workspace, compiled for the box
    /// and laid into `/usr/bin`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// What people have by it that pages, commands and API of the box itself are about: they are there as long as
    /// a service that is on offers it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Feature>,
    /// May it be switched off in the settings?
    #[serde(default)]
    pub optional: bool,
    /// What it is one of several of: `web-server`. Of the services of an image with the same
    /// word, exactly one is on: the one that `[alternatives]` of `box.toml` names, else the one
    /// that the recipe names there, else the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<String>,
    /// Is it the one that is on when the settings name none? Never written: the image's loader
    /// sets it ([`crate::alternatives::prefer`]).
    #[serde(skip)]
    pub preferred: bool,
}

/// What people have by a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Mailboxes: a group may have one in common, and addresses.
    Mailboxes,
    /// Calendars: rooms and things are booked in them.
    Calendars,
}

/// A systemd unit: `[[unit]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Unit {
    /// Unit name with its suffix: `nginx.service`.
    pub name: String,
    /// Started on the installed box (unless `when` says no). `false`: known to belong
    /// here, never enabled; `apply` disables it.
    #[serde(default = "yes")]
    pub enable: bool,
    /// A boolean setting that must hold, by its dotted path in `box.toml`: `ssh.enabled`.
    #[serde(default)]
    pub when: Option<String>,
}

/// A port: `[[port]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Port {
    /// Port number, 1–65535.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Who may reach it.
    pub scope: Scope,
    /// Also open in the live system (the wizard's ports).
    #[serde(default)]
    pub live: bool,
    /// With `scope = "loopback"`: the one system user whose programs may connect to it.
    #[serde(default)]
    pub user: Option<String>,
    /// A boolean setting that must hold, by its dotted path in `box.toml`.
    #[serde(default)]
    pub when: Option<String>,
    /// A value that an option of the service must have: `way=full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Why it is open, for the reader of the firewall's rules.
    pub purpose: String,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
}

/// Who may reach a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Anyone who reaches the box: the firewall opens it.
    Network,
    /// Programs of the box itself, over the loopback interface; the firewall keeps it closed.
    Loopback,
}

/// A system user and its group of the same name: `[[user]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct User {
    /// Login name.
    pub name: String,
    /// Fixed user and group id, 900–999, so that `/srv` keeps its owners over a reinstall.
    #[schemars(range(min = 900, max = 999))]
    pub id: u32,
    /// Comment (GECOS).
    pub comment: String,
}

/// A file laid into the image as it is: `[[file]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OverlayFile {
    /// Path below the service's overlay folder.
    pub source: String,
    /// Absolute path on the box.
    pub target: String,
    /// Mode in octal; owner and group are root.
    #[serde(default = "mode_0644")]
    pub mode: String,
    /// Also laid before the packages are configured, for a package's script that looks at it.
    #[serde(default)]
    pub early: bool,
}

/// A symbolic link laid into the image: `[[link]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Link {
    /// Absolute path of the link.
    pub target: String,
    /// What it holds.
    pub to: String,
}

/// A template rendered on the box by `mazetd apply`: `[[template]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Template {
    /// Path below the service's overlay folder; ends in `.hbs`.
    pub source: String,
    /// Absolute path on the box.
    pub target: String,
    /// Mode in octal.
    #[serde(default = "mode_0644")]
    pub mode: String,
    /// Group; the owner is root.
    #[serde(default = "root")]
    pub group: String,
    /// Units to reload when the rendering changed.
    #[serde(default)]
    pub reload: Vec<String>,
    /// Units to restart when the rendering changed.
    #[serde(default)]
    pub restart: Vec<String>,
    /// Also rendered at build time, with the live system's settings.
    #[serde(default)]
    pub live: bool,
    /// What it may name beside the rest as `site`: it is one site's. Never written: [`crate::sites::expand`]
    /// sets it.
    #[serde(skip)]
    pub site: Option<serde_json::Value>,
}

/// A data folder: `[[folder]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Folder {
    /// Absolute path below `/srv`.
    pub path: String,
    /// Mode in octal.
    pub mode: String,
    /// Owner.
    #[serde(default = "root")]
    pub owner: String,
    /// Group.
    #[serde(default = "root")]
    pub group: String,
}

/// A PostgreSQL database: `[database]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Database {
    /// Database name.
    pub name: String,
    /// Role that owns it. Only root, and the system user of the same name if there is one, gets in as it.
    pub owner: String,
    /// System users that may connect, each as the role of its own name. What they may do there,
    /// migrations grant.
    #[serde(default)]
    pub users: Vec<String>,
    /// Folder of the overlay with the versions of the schema: `0001_name.sql`, `0002_name.sql`, …,
    /// each applied once, in order, as the owner.
    #[serde(default)]
    pub migrations: Option<String>,
}

/// What a backup holds: `[backup]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backup {
    /// Folders copied from the snapshot.
    #[serde(default)]
    pub copy: Vec<String>,
    /// Databases dumped.
    #[serde(default)]
    pub dump: Vec<String>,
}

/// A health check: `[[check]]`. Exactly one of `url` and `command` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// Short name of the check, for programs.
    pub name: String,
    /// What people read; the name where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// A page on the box itself that must answer 2xx: path on `https://127.0.0.1`.
    #[serde(default)]
    pub url: Option<String>,
    /// A program and its arguments that must exit with 0.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// Not a part of health: Debian's updates are installed only when this command exits with 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_updates: bool,
}

/// How the service is started beside the running one, to be measured: `[trial]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trial {
    /// `source` of the template that configures it, rendered with `front.trial`.
    pub template: String,
    /// Program and arguments that keep it in the foreground; the path of its configuration is added.
    pub command: Vec<String>,
    /// What it is for: no alternative itself, it runs the PHP of those that are compared. The name of its FastCGI
    /// socket in the folder `front.runtime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// How common the program is in the world, for the page where it is chosen: `[usage]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Usage {
    /// Percentage as the source gives it, with a point: `44.9`.
    pub percent: String,
    /// What it is a part of.
    pub of: Text,
    /// Who counted.
    pub source: String,
    /// When, as year and month: `2017-09`.
    pub date: String,
    /// Where it can be read.
    pub url: String,
}

/// A role: `[[role]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Role {
    /// Identifier.
    pub name: String,
    /// What people read.
    pub title: Text,
}

/// Who serves a domain's DNS: `[[dns-provider]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DnsProvider {
    /// As lego names it (`lego dnshelp`).
    pub name: String,
    /// What people read.
    pub title: String,
    /// What opens an account there.
    pub variables: Vec<DnsVariable>,
}

/// A variable of the environment that lego reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DnsVariable {
    /// Its name.
    pub name: String,
    /// What is typed is not shown.
    #[serde(default = "yes")]
    pub secret: bool,
    /// It must be given.
    #[serde(default = "yes")]
    pub required: bool,
}

impl Manifest {
    /// Reads a manifest that was checked before, such as one baked into an image.
    ///
    /// # Errors
    /// The first fault found by the parser. `check::check` reports all of them.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

fn yes() -> bool {
    true
}

fn root() -> String {
    "root".to_owned()
}

fn mode_0644() -> String {
    "0644".to_owned()
}
