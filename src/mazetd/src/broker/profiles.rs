//! Files with which programs set themselves up, made for who asks: `profile` of a `[[client]]`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::client::Reader;
use mazet_model::context::context;
use mazet_model::image::OVERLAYS_DIR;
use mazet_model::template;

use super::offers;
use crate::protocol::{Made, Wanted};
use crate::random;
use crate::system::{self, below};

/// The file that is wanted of the box at `root`; none: no service that is on has it.
///
/// # Errors
/// When settings, manifests or the template cannot be read, or the template cannot be rendered.
pub fn made(root: &Path, wanted: &Wanted) -> Result<Option<Made>> {
    let (services, settings) = system::filled(root)?;
    let mut on = services.iter().filter(|manifest| settings.is_on(manifest));
    let Some(manifest) = on.find(|manifest| manifest.service.name == wanted.service) else { return Ok(None) };
    let mut profiles = manifest.clients.iter().filter_map(|client| client.profile.as_ref());
    let Some(profile) = profiles.find(|profile| profile.file == wanted.file) else { return Ok(None) };
    let host = settings.host();
    let email = wanted.email.clone().unwrap_or_else(|| format!("{}@{}", wanted.login, settings.home()));
    let reader = Reader { host: &host, login: &wanted.login, email: &email };
    let values = reader.context(context(&settings, &services, false), random::uuid_of);
    let path = below(root, OVERLAYS_DIR).join(&manifest.service.name).join(&profile.template);
    let source = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let content =
        template::render(&source, &values).with_context(|| format!("rendering {}", path.display()))?;
    let access = offers::access(manifest).to_owned();
    Ok(Some(Made { media: profile.media.clone(), access, content }))
}

#[cfg(test)]
mod tests {
    use mazet_model::image::{IMAGE_JSON, SERVICES_DIR};
    use mazet_model::settings::Settings;

    use super::*;
    use crate::system::BOX_TOML;

    const IMAGE: &str = r#"{"name":"pc","version":"0","release":"trixie","architecture":"amd64",
"hardware":"pc","services":["wiki"],"kernel":"6","kernel_arguments":[],"volume_id":"12ab34cd",
"digest":"","layers":[],"unpacked_bytes":0}"#;
    const MANIFEST: &str = r#"
[service]
name = "wiki"
title = { fr = "Carnet", en = "Notebook" }
summary = { fr = "Des pages.", en = "Pages." }
[[client]]
title = { fr = "Un téléphone", en = "A phone" }
text = { fr = "Ouvrez le fichier.", en = "Open the file." }
location = "/"
profile = { template = "phone.hbs", file = "wiki.mobileconfig", media = "application/x-apple-aspen-config" }
"#;

    /// A box with that service.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let overlay = below(root.path(), OVERLAYS_DIR).join("wiki");
        for folder in [&below(root.path(), SERVICES_DIR), &overlay, &root.path().join("srv/mazet")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(below(root.path(), IMAGE_JSON), IMAGE).unwrap();
        fs::write(below(root.path(), SERVICES_DIR).join("wiki.toml"), MANIFEST).unwrap();
        fs::write(root.path().join(BOX_TOML), toml::to_string(&Settings::live()).unwrap()).unwrap();
        fs::write(overlay.join("phone.hbs"), "{{host}} {{person.login}} {{person.email}} {{uuids.[0]}}")
            .unwrap();
        root
    }

    fn wanted(service: &str, file: &str, email: Option<&str>) -> Wanted {
        Wanted {
            service: service.to_owned(),
            file: file.to_owned(),
            login: "zoe".to_owned(),
            email: email.map(str::to_owned),
        }
    }

    #[test]
    fn a_file_is_made_for_who_asks() {
        let root = root();
        let file = made(root.path(), &wanted("wiki", "wiki.mobileconfig", None)).unwrap().unwrap();
        assert!(file.content.starts_with("mazet.local zoe zoe@mazet.local "), "{}", file.content);
        assert_eq!(
            (file.media.as_str(), file.access.as_str()),
            ("application/x-apple-aspen-config", "member")
        );
        let other = wanted("wiki", "wiki.mobileconfig", Some("zoe@amis.example.org"));
        let other = made(root.path(), &other).unwrap().unwrap();
        assert!(other.content.contains(" zoe@amis.example.org "), "{}", other.content);
    }

    #[test]
    fn what_no_client_has_is_not_there() {
        let root = root();
        for (service, file) in
            [("wiki", "phone.hbs"), ("chat", "wiki.mobileconfig"), ("wiki", "../phone.hbs")]
        {
            assert_eq!(made(root.path(), &wanted(service, file, None)).unwrap(), None, "{service} {file}");
        }
    }
}
