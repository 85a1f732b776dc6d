//! Web sites: the `[[site]]` tables of `box.toml`, and what the manifests make of each.
//!
//! [`expand`] gives the manifests as if whoever wrote them had known every site of the box: all that deals with
//! units, folders, templates, virtual hosts, checks and backups needs to know nothing of sites. What may stand
//! in a text of `[site]`, and in its templates:
//!
//! ```text
//! site.name, .number, .kind, .organisation     as the settings have them
//!     .user, .uid                              its system user
//!     .domain                                  a name of its own; empty: it has none
//!     .port                                    where the box's name answers for it; 0: it has a domain
//!     .host                                    the domain, else the box's name on its own network
//!     .address                                 https://…/
//!     .folder                                  absolute path of the published folder; empty
//!     .published                               the same as people give it, among the association's files; empty
//!     .language                                the box's: "fr" or "en"
//!     .home                                    folder for its data
//! ```
//!
//! **Why a port.** Pages of two sites at one name and port are one *origin* (RFC 6454) to a browser: a script of
//! one would read and send what its visitor may on the other, and on the box's own pages. So a site without a
//! domain has a port of its own, and its path at the box's name, `/site/<name>/`, leads there.

use serde_json::{Value, json};

use crate::manifest::{Manifest, Port, Protocol, Scope, VirtualHost};
use crate::settings::{Settings, Website};
use crate::site_kind::{SiteKind, SiteLocation};
use crate::template::{TemplateFault, render};

/// Where sites keep their data.
pub const HOMES: &str = "/srv/sites";
/// User and port of a site are this and its number: above what Debian gives to people (policy 9.2.2 lets a
/// system choose within 1000–59999), below what systemd and containers take.
pub const FIRST: u32 = 20_000;
/// The highest number of a site.
pub const LAST_NUMBER: u16 = 9_999;
/// Path of all sites at the box's own name.
pub const PATH: &str = "/site/";

/// The system user of a site.
pub fn user(name: &str) -> String {
    format!("site-{name}")
}

/// The number of its user, and of its group.
pub fn uid(site: &Website) -> u32 {
    FIRST + u32::from(site.number)
}

/// The port at which the box's own name answers for it.
pub fn port(site: &Website) -> u16 {
    // 29,999 at most: the settings are checked.
    u16::try_from(uid(site)).unwrap_or(u16::MAX)
}

/// Where visitors find it.
pub fn address(settings: &Settings, site: &Website) -> String {
    match &site.domain {
        Some(domain) => format!("https://{domain}/"),
        None => format!("https://{}.local:{}/", settings.machine.name, port(site)),
    }
}

/// What texts and templates of its kind may name.
pub fn context(settings: &Settings, kind: &SiteKind, site: &Website) -> Value {
    let mut one = json!({
        "name": site.name,
        "number": site.number,
        "kind": site.kind,
        "organisation": site.organisation,
        "user": user(&site.name),
        "uid": uid(site),
        "domain": site.domain.as_deref().unwrap_or_default(),
        "port": if site.domain.is_some() { 0 } else { port(site) },
        "host": site.domain.clone().unwrap_or_else(|| settings.home()),
        "address": address(settings, site),
        "folder": "",
        "published": site.folder.as_deref().unwrap_or_default(),
        "language": settings.machine.language,
        "home": format!("{HOMES}/{}", site.name),
    });
    if let (Some(below), Some(folder)) = (&kind.publishes, &site.folder) {
        // What the kind says of it names the association at most.
        let below = render(below, &json!({ "site": one })).unwrap_or_default();
        one["folder"] = format!("{below}/{folder}").into();
    }
    json!({ "site": one })
}

/// The kind of a site as it is for this one: every text rendered.
///
/// # Errors
/// A text names what there is not.
pub fn of_kind(settings: &Settings, kind: &SiteKind, site: &Website) -> Result<SiteKind, TemplateFault> {
    let mut value = serde_json::to_value(kind).unwrap_or_default();
    let context = context(settings, kind, site);
    fill(&mut value, &context)?;
    // The shape is that of a kind still: only texts changed.
    let mut filled: SiteKind = serde_json::from_value(value).unwrap_or_else(|_| kind.clone());
    for template in &mut filled.templates {
        template.site = Some(context["site"].clone());
    }
    Ok(filled)
}

fn fill(value: &mut Value, context: &Value) -> Result<(), TemplateFault> {
    match value {
        Value::String(text) if text.contains("{{") => *text = render(text, context)?,
        Value::Array(all) => all.iter_mut().try_for_each(|one| fill(one, context))?,
        Value::Object(all) => all.values_mut().try_for_each(|one| fill(one, context))?,
        _ => {}
    }
    Ok(())
}

/// The manifests with all that the box's sites need, of those kinds that are on.
///
/// # Errors
/// A text of a kind names what there is not.
pub fn expand(settings: &Settings, services: &[Manifest]) -> Result<Vec<Manifest>, TemplateFault> {
    let mut expanded = services.to_vec();
    for manifest in &mut expanded {
        let Some(kind) = manifest.site.take() else { continue };
        if !settings.is_on(manifest) {
            continue;
        }
        let name = manifest.service.name.clone();
        for site in settings.sites.iter().filter(|site| site.kind == name) {
            add(manifest, of_kind(settings, &kind, site)?, site);
        }
    }
    Ok(expanded)
}

fn add(manifest: &mut Manifest, kind: SiteKind, site: &Website) {
    manifest.folders.extend(kind.folders);
    manifest.templates.extend(kind.templates);
    manifest.units.extend(kind.units);
    manifest.checks.extend(kind.checks);
    manifest.backup.copy.extend(kind.backup.copy);
    manifest.backup.dump.extend(kind.backup.dump);
    manifest.vhosts.push(VirtualHost {
        redirect: Some(match &site.domain {
            Some(domain) => format!("https://{domain}"),
            None => format!(":{}", port(site)),
        }),
        ..VirtualHost::at(&format!("{PATH}{}/", site.name))
    });
    manifest.vhosts.extend(kind.vhosts.into_iter().map(|one| own_host(one, site)));
    if site.domain.is_none() {
        manifest.ports.push(Port {
            port: port(site),
            protocol: Protocol::Tcp,
            scope: Scope::Network,
            live: false,
            user: None,
            when: None,
            only: None,
            purpose: format!("Web site {} (HTTPS)", site.name),
        });
    }
}

fn own_host(one: SiteLocation, site: &Website) -> VirtualHost {
    VirtualHost {
        names: site.domain.iter().cloned().collect(),
        port: site.domain.is_none().then(|| port(site)),
        folder: Some(one.folder),
        php: one.php,
        programs: one.programs,
        fallback: one.fallback,
        denied: one.denied,
        upload_mib: one.upload_mib,
        ..VirtualHost::at(&one.location)
    }
}

/// One site, for the static check of what kinds name.
pub fn sample() -> Website {
    Website {
        name: "sample".to_owned(),
        number: 1,
        kind: "sample".to_owned(),
        organisation: 1,
        domain: Some("sample.example.org".to_owned()),
        folder: Some("sample".to_owned()),
    }
}

/// Units of kinds that are enabled and that no site needs any more, among those `enabled`. A site's units are
/// instances of template units, so that their names alone tell.
pub fn forsaken(settings: &Settings, services: &[Manifest], enabled: &[String]) -> Vec<String> {
    let kinds = services.iter().filter_map(|manifest| manifest.site.as_ref().map(|kind| (manifest, kind)));
    let wanted = |manifest: &Manifest, name: &str| {
        let mut sites = settings.sites.iter();
        settings.is_on(manifest) && sites.any(|site| site.kind == manifest.service.name && site.name == name)
    };
    // A unit may be of two kinds: it stays while one of them wants it.
    let mut seen: Vec<(String, bool)> = Vec::new();
    for (manifest, kind) in kinds {
        for unit in &kind.units {
            let Some((before, after)) = unit.name.split_once("{{site.name}}") else { continue };
            for name in enabled {
                let inner = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                let Some(inner) = inner else { continue };
                let keep = wanted(manifest, inner);
                match seen.iter_mut().find(|(other, _)| other == name) {
                    Some((_, kept)) => *kept |= keep,
                    None => seen.push((name.clone(), keep)),
                }
            }
        }
    }
    seen.into_iter().filter(|(_, keep)| !keep).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = r#"
[service]
name = "blog"
title = { fr = "Blog", en = "Blog" }
summary = { fr = "Un blog.", en = "A blog." }
optional = true
[site]
user = true
publishes = "/srv/files/{{site.organisation}}"
install = "blog-install@{{site.name}}.service"
[[site.folder]]
path = "{{site.home}}"
mode = "0710"
owner = "{{site.user}}"
group = "www-data"
[[site.unit]]
name = "php@{{site.name}}.socket"
[[site.template]]
source = "pool.conf.hbs"
target = "/etc/blog/{{site.name}}.conf"
[[site.vhost]]
location = "/"
folder = "/usr/share/blog"
php = "unix:/run/php/{{site.name}}.sock"
programs = ["index.php"]
denied = ["config/"]
[site.backup]
copy = ["{{site.home}}"]
"#;

    fn site(name: &str, number: u16, domain: Option<&str>) -> Website {
        Website {
            name: name.to_owned(),
            number,
            kind: "blog".to_owned(),
            organisation: 7,
            domain: domain.map(str::to_owned),
            folder: Some("Site web".to_owned()),
        }
    }

    fn settings() -> Settings {
        let sites = vec![site("amis", 1, None), site("rando", 2, Some("rando.example.org"))];
        Settings { sites, ..Settings::live() }
    }

    #[test]
    fn a_kind_is_filled_in_for_each_of_its_sites() {
        let kind = Manifest::parse(KIND).expect("a manifest");
        let expanded = expand(&settings(), &[kind]).expect("expanded");
        let one = &expanded[0];
        assert_eq!(one.site, None);
        let units: Vec<&str> = one.units.iter().map(|unit| unit.name.as_str()).collect();
        assert_eq!(units, ["php@amis.socket", "php@rando.socket"]);
        assert_eq!(one.folders[0].path, "/srv/sites/amis");
        assert_eq!(one.folders[0].owner, "site-amis");
        assert_eq!(one.templates[1].target, "/etc/blog/rando.conf");
        assert_eq!(one.templates[1].site.as_ref().map(|site| &site["name"]), Some(&json!("rando")));
        assert_eq!(one.backup.copy, ["/srv/sites/amis", "/srv/sites/rando"]);
        let hosts: Vec<_> =
            one.vhosts.iter().map(|host| (host.names.join(" "), host.port, host.redirect.clone())).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            hosts,
            [
                (String::new(), None, text(":20001")),
                (String::new(), Some(20_001), None),
                (String::new(), None, text("https://rando.example.org")),
                ("rando.example.org".to_owned(), None, None),
            ]
        );
        // Only the site without a domain needs a port.
        let ports: Vec<u16> = one.ports.iter().map(|port| port.port).collect();
        assert_eq!(ports, [20_001]);
    }

    #[test]
    fn what_a_kind_may_name_is_known() {
        let kind = Manifest::parse(KIND).expect("a manifest").site.expect("a kind");
        let settings = settings();
        let one = &context(&settings, &kind, &settings.sites[0])["site"];
        assert_eq!(one["folder"], "/srv/files/7/Site web");
        assert_eq!(one["address"], "https://mazet.local:20001/");
        assert_eq!((&one["uid"], &one["port"]), (&json!(20_001), &json!(20_001)));
        let text = KIND.replace("{{site.home}}", "{{site.house}}");
        let wrong = Manifest::parse(&text).expect("a manifest");
        assert!(expand(&settings, &[wrong]).is_err());
    }

    #[test]
    fn a_kind_that_is_off_has_no_sites() {
        let kind = Manifest::parse(KIND).expect("a manifest");
        let settings = Settings { disabled_services: vec!["blog".to_owned()], ..settings() };
        assert_eq!(expand(&settings, &[kind]).expect("expanded")[0].units, []);
    }

    #[test]
    fn units_of_sites_that_went_are_known_by_their_names() {
        let kind = Manifest::parse(KIND).expect("a manifest");
        let enabled =
            ["nginx.service", "php@amis.socket", "php@gone.socket", "php@gone.service"].map(str::to_owned);
        assert_eq!(forsaken(&settings(), std::slice::from_ref(&kind), &enabled), ["php@gone.socket"]);
        let off = Settings { disabled_services: vec!["blog".to_owned()], ..settings() };
        assert_eq!(forsaken(&off, &[kind], &enabled), ["php@amis.socket", "php@gone.socket"]);
    }
}
