use std::fs;
use std::path::PathBuf;

use mazet_model::context::context;
use mazet_model::settings::{Settings, Website};
use mazet_model::sites::{expand, sample};
use mazet_model::template::render;
use tempfile::TempDir;

use super::*;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pc() -> Valid {
    load(&project(), "pc").map_err(|failure| failure.to_string()).expect("a recipe without faults")
}

/// A project whose only recipe is `text`.
fn with_recipe(text: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("recipes")).expect("a new folder");
    fs::write(folder.path().join("recipes/box.toml"), text).expect("a new file");
    folder
}

#[test]
fn the_recipe_of_the_pc_has_no_fault() {
    let valid = pc();
    let names: Vec<&str> = valid.services.iter().map(|manifest| manifest.service.name.as_str()).collect();
    assert_eq!(names, valid.recipe.image.services);
    let summary = summary(&valid);
    assert!(summary.starts_with(&format!("recipe pc: no fault; {} services", names.len())), "{summary}");
}

/// The recipe of the PC with more services, in a project that has all else in common with this one.
fn pc_with(more: &[&str]) -> (TempDir, Valid) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("recipes")).expect("a new folder");
    for shared in ["overlays", "firmware", "recipes/services"] {
        let here = project().join(shared).canonicalize().expect("there");
        std::os::unix::fs::symlink(here, folder.path().join(shared)).expect("linked");
    }
    let text = fs::read_to_string(project().join("recipes/pc.toml")).expect("the recipe");
    let mut recipe: toml::Table = text.parse().expect("TOML");
    recipe["image"]["name"] = "box".into();
    let services = recipe["image"]["services"].as_array_mut().expect("a list");
    services.extend(more.iter().map(|name| toml::Value::from(*name)));
    fs::write(folder.path().join("recipes/box.toml"), recipe.to_string()).expect("written");
    let valid = load(folder.path(), "box").map_err(|failure| failure.to_string());
    (folder, valid.expect("a recipe without faults"))
}

#[test]
fn an_image_may_have_services_that_are_in_none_by_default() {
    let (_folder, valid) = pc_with(&["mariadb", "wordpress"]);
    let names: Vec<&str> = valid.services.iter().map(|manifest| manifest.service.name.as_str()).collect();
    assert!(names.ends_with(&["mariadb", "wordpress"]), "{names:?}");
    assert!(!pc().recipe.image.services.iter().any(|name| name == "wordpress"));
}

#[test]
fn every_template_of_a_kind_of_site_renders_for_its_sites() {
    let (_folder, valid) = pc_with(&["mariadb", "wordpress"]);
    let kinds = valid.services.iter().filter(|manifest| manifest.site.is_some());
    let sites = kinds.zip(1..).map(|(manifest, number)| Website {
        name: format!("site{number}"),
        number,
        kind: manifest.service.name.clone(),
        domain: None,
        ..sample()
    });
    let settings = Settings { sites: sites.collect(), ..Settings::live() };
    let services = expand(&settings, &valid.services).expect("filled in");
    let context = context(&settings, &services, false);
    let mut targets = Vec::new();
    for (manifest, template) in
        services.iter().flat_map(|one| one.templates.iter().map(move |each| (one, each)))
    {
        let Some(site) = &template.site else { continue };
        let path = project().join("overlays").join(&manifest.service.name).join(&template.source);
        let mut own = context.clone();
        own["site"] = site.clone();
        let text = render(&fs::read_to_string(&path).expect("a template"), &own).expect("rendered");
        assert!(!text.contains("{{"), "{}: {text}", path.display());
        targets.push(template.target.clone());
    }
    let number = settings.sites.iter().find(|site| site.kind == "wordpress").expect("there").number;
    assert!(targets.contains(&format!("/etc/mazet/wordpress/site{number}.php")), "{targets:?}");
}

#[test]
fn every_template_renders_in_the_live_and_in_the_installed_system() {
    let valid = pc();
    let mut settings = Settings::live();
    settings.ssh.enabled = true;
    settings.ssh.keys = vec!["ssh-ed25519 AAAA one".to_owned(), "ssh-ed25519 BBBB two".to_owned()];
    let contexts = [
        context(&Settings::live(), &valid.services, true),
        context(&Settings::live(), &valid.services, false),
        context(&settings, &valid.services, false),
    ];
    for manifest in &valid.services {
        for template in &manifest.templates {
            let path = project().join("overlays").join(&manifest.service.name).join(&template.source);
            let source = fs::read_to_string(&path).expect("a template");
            for context in &contexts {
                let rendered = render(&source, context);
                assert!(rendered.is_ok(), "{}: {rendered:?}", path.display());
            }
        }
    }
}

#[test]
fn the_firewall_opens_what_the_manifests_say() {
    let valid = pc();
    let source =
        fs::read_to_string(project().join("overlays/base/nftables/nftables.conf.hbs")).expect("a template");
    let ports = |settings: &Settings, live| {
        let rules = render(&source, &context(settings, &valid.services, live)).expect("renders");
        let open = rules.lines().filter(|line| line.contains(" dport "));
        open.filter_map(|line| Some(line.trim().split_once(" accept")?.0.replace(" dport ", "/")))
            .collect::<Vec<_>>()
    };
    let mut settings = Settings::live();
    assert_eq!(ports(&settings, true), ["udp/5353", "udp/68", "udp/546", "tcp/80", "tcp/443"]);
    let web_and_mail = ["tcp/80", "tcp/443", "tcp/465", "tcp/587", "tcp/993"];
    assert_eq!(ports(&settings, false), [&["udp/5353", "udp/68", "udp/546"][..], &web_and_mail].concat());
    settings.ssh.enabled = true;
    let with_ssh = [&["udp/5353", "udp/68", "udp/546", "tcp/22"][..], &web_and_mail].concat();
    assert_eq!(ports(&settings, false), with_ssh);
}

#[test]
fn an_unknown_recipe_is_a_usage_error_with_a_suggestion() {
    let failure = load(&project(), "pcc").expect_err("no such recipe");
    assert_eq!(failure.code(), 2);
    assert!(failure.to_string().ends_with("did you mean `pc`?"), "{failure}");
    assert!(load(&project(), "../recipes/pc").is_err());
}

#[test]
fn faults_are_reported_with_exit_code_two() {
    let folder = with_recipe(b"[imgae]\n");
    let failure = load(folder.path(), "box").expect_err("faulty");
    assert_eq!(failure.code(), 2);
    assert_eq!(failure.faults().len(), 2);
    insta::assert_snapshot!(failure, @r"
    error: missing key `packages` in the file
     --> recipes/box.toml:1:1
      |
    1 | [imgae]
      | ^
      = hint: `packages`: Debian packages of the base layer.

    error: unknown key `imgae` in the file
     --> recipes/box.toml:1:2
      |
    1 | [imgae]
      |  ^^^^^
      = hint: did you mean `image`?

    2 faults
    ");
}

#[test]
fn a_recipe_that_is_not_text_is_a_fault() {
    let folder = with_recipe(b"[image]\nname = \"\xff\"\n");
    let failure = load(folder.path(), "box").expect_err("not UTF-8");
    assert_eq!(failure.code(), 2);
    assert!(failure.to_string().contains("recipes/box.toml is not UTF-8 text"), "{failure}");
}

#[test]
fn the_plan_of_the_pc_is_shown_service_by_service() {
    let text = show(&pc());
    assert!(text.starts_with("pc: Debian trixie, amd64, for pc, at most 700 MiB\n"), "{text}");
    assert!(text.contains("\nweb: The box's pages, over HTTPS.\n  depends       base\n"), "{text}");
    assert!(text.contains("ssh.service (when ssh.enabled)"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}
