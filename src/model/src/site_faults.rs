//! What can be wrong with the web sites of `box.toml`.

use std::collections::BTreeSet;

use crate::manifest::Manifest;
use crate::setting_fault::SettingFault;
use crate::settings::{Settings, Website};
use crate::site_kind::SiteKind;
use crate::sites::LAST_NUMBER;
use crate::values::is_host_name;

/// Longest name of a site: with `site-` before it, useradd(8) takes it.
const LONGEST_NAME: usize = 21;
/// Longest path of a published folder, in bytes.
const LONGEST_FOLDER: usize = 1000;

/// Every fault of the sites of `settings`, on a box with `services`.
pub fn faults(settings: &Settings, services: &[Manifest]) -> Vec<SettingFault> {
    let mut faults: Vec<SettingFault> =
        settings.sites.iter().flat_map(|site| of_site(site, services)).collect();
    let (mut names, mut numbers, mut domains) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for site in &settings.sites {
        let mut once = |is_new: bool, key: &str, value: &str| {
            if !is_new {
                faults.push(fault(site, key, value, &format!("another site has {value:?} too")));
            }
        };
        once(names.insert(&site.name), "site_name_twice", &site.name);
        once(numbers.insert(site.number), "site_number_twice", &site.number.to_string());
        if let Some(domain) = &site.domain {
            let mut hosts = services.iter().flat_map(|manifest| &manifest.vhosts);
            let taken = hosts.any(|host| host.names.contains(domain));
            once(domains.insert(domain) && !taken, "site_domain_twice", domain);
        }
    }
    faults
}

/// What is wrong with one site alone, on a box with `services`.
pub fn of_site(site: &Website, services: &[Manifest]) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, key: &str, value: &str, text: &str| {
        if !holds {
            faults.push(fault(site, key, value, text));
        }
    };
    let text = "a name is a small letter, then up to 20 small letters, digits and dashes";
    check(is_name(&site.name), "site_name", &site.name, text);
    let number = (1..=LAST_NUMBER).contains(&site.number);
    check(number, "site_number", &site.number.to_string(), "its number must be from 1 to 9999");
    check(site.organisation > 0, "site_organisation", "", "it belongs to no association");
    if let Some(domain) = &site.domain {
        let text = format!("{domain:?} is no public host name like \"amis.example.org\"");
        check(is_host_name(domain) && !domain.ends_with(".local"), "site_domain", domain, &text);
    }
    match kind(&site.kind, services) {
        None => {
            let text = format!("this box has no kind of site {:?}", site.kind);
            check(false, "site_kind", &site.kind, &text);
        }
        Some(kind) => {
            let folder = site.folder.as_deref().unwrap_or_default();
            match (&kind.publishes, &site.folder) {
                (None, None) => {}
                (None, Some(_)) => {
                    check(false, "site_folder_unasked", folder, "this kind publishes no folder");
                }
                (Some(_), _) => {
                    let text = format!("{folder:?} is no folder of the association's files");
                    check(is_folder(folder), "site_folder", folder, &text);
                }
            }
        }
    }
    faults
}

/// A kind of site, by its name.
pub fn kind<'m>(name: &str, services: &'m [Manifest]) -> Option<&'m SiteKind> {
    services.iter().find(|manifest| manifest.service.name == name)?.site.as_ref()
}

fn fault(site: &Website, key: &str, value: &str, text: &str) -> SettingFault {
    SettingFault::new(key, &[("site", &site.name), ("value", value)], format!("site {:?}: {text}", site.name))
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(plain)
}

/// A relative path that stays below where it begins, and hides nothing.
fn is_folder(path: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.');
    path.len() <= LONGEST_FOLDER && path.split('/').all(part) && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites::sample;

    const KINDS: [&str; 2] = [
        "[service]\nname = \"sample\"\ntitle = { fr = \"S\", en = \"S\" }\nsummary = { fr = \"S\", en = \"S\" }\n\
         [site]\npublishes = \"/srv/files\"\n",
        "[service]\nname = \"blog\"\ntitle = { fr = \"B\", en = \"B\" }\nsummary = { fr = \"B\", en = \"B\" }\n[site]\n",
    ];

    fn keys(sites: Vec<Website>) -> Vec<String> {
        let services = KINDS.map(|text| Manifest::parse(text).expect("a manifest"));
        let settings = Settings { sites, ..Settings::live() };
        faults(&settings, &services).into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn a_sound_site_has_no_fault() {
        assert_eq!(keys(vec![sample()]), Vec::<String>::new());
        let folder = Some("Été/Site web".to_owned());
        assert_eq!(keys(vec![Website { folder, domain: None, ..sample() }]), Vec::<String>::new());
    }

    #[test]
    fn each_fault_of_a_site_is_told() {
        for name in ["", "A", "1a", "a_b", "a-", "../a", "a b", "é", &"a".repeat(22)] {
            assert_eq!(keys(vec![Website { name: name.to_owned(), ..sample() }]), ["site_name"], "{name:?}");
        }
        for folder in ["", "/etc", "../x", "a/../b", "a//b", "a/", ".git", "a\nb"] {
            let folder = Some(folder.to_owned());
            assert_eq!(
                keys(vec![Website { folder: folder.clone(), ..sample() }]),
                ["site_folder"],
                "{folder:?}"
            );
        }
        assert_eq!(keys(vec![Website { folder: None, ..sample() }]), ["site_folder"]);
        assert_eq!(keys(vec![Website { kind: "blog".to_owned(), ..sample() }]), ["site_folder_unasked"]);
        assert_eq!(keys(vec![Website { kind: "wiki".to_owned(), ..sample() }]), ["site_kind"]);
        for domain in ["amis", "mazet.local", "A.example.org", "a.b;c"] {
            let domain = Some(domain.to_owned());
            assert_eq!(keys(vec![Website { domain, ..sample() }]), ["site_domain"]);
        }
        assert_eq!(keys(vec![Website { number: 0, ..sample() }]), ["site_number"]);
        assert_eq!(keys(vec![Website { number: 10_000, ..sample() }]), ["site_number"]);
        assert_eq!(keys(vec![Website { organisation: 0, ..sample() }]), ["site_organisation"]);
    }

    #[test]
    fn two_sites_share_neither_name_nor_number_nor_domain() {
        let twice = keys(vec![sample(), sample()]);
        assert_eq!(twice, ["site_name_twice", "site_number_twice", "site_domain_twice"]);
    }
}
