//! What the box offers to its members: the services that are on and have something for people; and all that its
//! web server answers to.

use std::path::Path;

use anyhow::Result;
use mazet_model::manifest::{MEMBER, Manifest, NOBODY, PASSWORD, PUBLIC, VirtualHost};
use mazet_model::settings::Settings;
use mazet_model::vhosts::LOCAL_PAIR;

use crate::protocol::{Offer, Offers, Site, Sites};
use crate::system::{self, below};
use crate::tls;

/// The offers of the box at `root`, in the order of its manifests.
///
/// # Errors
/// When its settings or manifests cannot be read.
pub fn of(root: &Path) -> Result<Offers> {
    Ok(list(&system::settings(root)?, &system::services(root)?))
}

fn list(settings: &Settings, services: &[Manifest]) -> Offers {
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    let features = on.clone().flat_map(|manifest| manifest.service.offers.iter().copied()).collect();
    let services = on.filter_map(offer).collect();
    Offers { address: format!("https://{}", settings.host()), home: settings.home(), services, features }
}

/// Its pages are at the first path that is for those who are signed in: what is open to all are files, places that
/// programs look for, and other things that no member is to be led to.
fn offer(manifest: &Manifest) -> Option<Offer> {
    let vhost = pages(manifest);
    if vhost.is_none() && manifest.clients.is_empty() {
        return None;
    }
    Some(Offer {
        name: manifest.service.name.clone(),
        title: manifest.service.title.clone(),
        summary: manifest.service.summary.clone(),
        path: vhost.map(|vhost| vhost.location.clone()),
        access: access(manifest).to_owned(),
        clients: manifest.clients.clone(),
    })
}

fn pages(manifest: &Manifest) -> Option<&VirtualHost> {
    let for_people = |vhost: &&VirtualHost| {
        vhost.names.is_empty() && ![PUBLIC, PASSWORD, NOBODY].contains(&vhost.access.as_str())
    };
    manifest.vhosts.iter().find(for_people)
}

/// For whom a service is: `member`, or a role.
pub fn access(manifest: &Manifest) -> &str {
    pages(manifest).map_or(MEMBER, |vhost| &vhost.access)
}

/// All that the web server of the box at `root` answers to: its own pages first, then by host name.
///
/// # Errors
/// When its settings or manifests cannot be read.
pub fn sites(root: &Path) -> Result<Sites> {
    let certificate = below(root, tls::FOLDER).join(LOCAL_PAIR.0);
    let (services, settings) = system::filled(root)?;
    Ok(Sites { sites: answered(&settings, &services), certificate_days: tls::days_left(&certificate).ok() })
}

fn answered(settings: &Settings, services: &[Manifest]) -> Vec<Site> {
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    let site = |manifest: &Manifest, vhost: &VirtualHost| Site {
        names: vhost.names.clone(),
        location: vhost.location.clone(),
        service: manifest.service.title.clone(),
        access: vhost.access.clone(),
    };
    let mut sites: Vec<Site> =
        on.flat_map(|manifest| manifest.vhosts.iter().map(move |vhost| site(manifest, vhost))).collect();
    sites.sort_by(|a, b| (&a.names, &a.location).cmp(&(&b.names, &b.location)));
    sites
}

#[cfg(test)]
mod tests {
    use mazet_model::manifest::Feature;

    use super::*;

    fn manifest(name: &str, more: &str) -> Manifest {
        let text = format!(
            "[service]\nname = \"{name}\"\ntitle = {{ fr = \"T\", en = \"T\" }}\nsummary = {{ fr = \"S\", en = \"S\" }}\n{more}"
        );
        Manifest::parse(&text).expect("a manifest")
    }

    #[test]
    fn services_that_are_on_and_for_people_are_offered() {
        let open = "[[vhost]]\nlocation = \"/open/\"\nproxy = \"unix:/run/open.sock\"\n";
        let page = "[[vhost]]\nlocation = \"/wiki/\"\nproxy = \"unix:/run/wiki.sock\"\naccess = \"member\"\n";
        let client = "[[client]]\ntitle = { fr = \"T\", en = \"T\" }\ntext = { fr = \"T\", en = \"T\" }\nlocation = \"/\"\n";
        let services = [
            manifest("base", &open.replace("/open/", "/")),
            manifest("challenges", open),
            manifest("clock", ""),
            manifest("mail", &format!("offers = [\"mailboxes\"]\n{client}")),
            manifest("wiki", &format!("{open}{page}")),
            manifest("off", &format!("optional = true\noffers = [\"calendars\"]\n{page}")),
        ];
        let mut settings = Settings::live();
        settings.machine.name = "lavande".to_owned();
        settings.disabled_services = vec!["off".to_owned()];
        let offers = list(&settings, &services);
        assert_eq!(
            (offers.address.as_str(), offers.home.as_str()),
            ("https://lavande.local", "lavande.local")
        );
        settings.certificates.domains = vec!["amis.example.org".to_owned(), "lavande.example.org".to_owned()];
        let offers = list(&settings, &services);
        assert_eq!(offers.address, "https://amis.example.org");
        let shown: Vec<_> =
            offers.services.iter().map(|one| (one.name.as_str(), one.path.as_deref())).collect();
        assert_eq!(shown, [("mail", None), ("wiki", Some("/wiki/"))]);
        assert_eq!(offers.features, [Feature::Mailboxes], "what is off does nothing");
    }

    #[test]
    fn what_is_answered_is_listed_by_name_and_path() {
        let pages = "[[vhost]]\nlocation = \"/wiki/\"\nproxy = \"unix:/run/wiki.sock\"\naccess = \"member\"\n\
                     [[vhost]]\nlocation = \"/\"\nnames = [\"amis.example.org\"]\nfolder = \"/srv/amis\"\n";
        let root = "[[vhost]]\nlocation = \"/\"\nproxy = \"unix:/run/mazetd/web.sock\"\n";
        let services = [manifest("wiki", pages), manifest("base", root)];
        let shown: Vec<String> = answered(&Settings::live(), &services)
            .iter()
            .map(|site| format!("{:?} {} {}", site.names, site.location, site.access))
            .collect();
        assert_eq!(shown, ["[] / public", "[] /wiki/ member", "[\"amis.example.org\"] / public"]);
    }
}
