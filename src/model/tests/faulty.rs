//! Every faulty recipe of `tests/faulty` against its whole expected report.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mazet_model::check::{Valid, check};
use mazet_model::fault::report;
use mazet_model::source::Sources;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn read_into(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            read_into(root, &path, texts);
        } else {
            let name = path.strip_prefix(root).expect("below its root").to_string_lossy().into_owned();
            texts.insert(name, fs::read_to_string(&path).expect("UTF-8"));
        }
    }
}

/// The good project with the files of a case laid over it.
fn project(case: Option<&Path>) -> Sources {
    let mut texts = BTreeMap::new();
    read_into(&folder("good"), &folder("good"), &mut texts);
    if let Some(case) = case {
        read_into(case, case, &mut texts);
        texts.remove("expected.txt");
    }
    Sources { recipe: "recipes/box.toml".to_owned(), texts, ..Sources::default() }
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder("faulty")).expect("a readable folder");
    let mut cases: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> String {
    case.file_name().expect("a name").to_string_lossy().into_owned()
}

fn names(valid: &Valid) -> Vec<&str> {
    valid.services.iter().map(|manifest| manifest.service.name.as_str()).collect()
}

#[test]
fn the_good_project_has_no_fault() {
    let valid = check(&project(None)).map_err(|faults| report(&faults)).expect("no fault");
    assert_eq!(names(&valid), ["core", "pages"]);
}

#[test]
fn services_come_after_what_they_depend_on() {
    let mut sources = project(None);
    let recipe = sources.texts.get_mut("recipes/box.toml").expect("the recipe");
    *recipe = recipe.replace(r#"["core", "pages"]"#, r#"["pages", "core"]"#);
    let valid = check(&sources).map_err(|faults| report(&faults)).expect("no fault");
    assert_eq!(names(&valid), ["core", "pages"]);
}

#[test]
fn every_faulty_recipe_gives_its_whole_report() {
    let bless = std::env::var_os("MAZET_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let found = match check(&project(Some(&case))) {
            Ok(_) => "no fault\n".to_owned(),
            Err(faults) => report(&faults),
        };
        let path = case.join("expected.txt");
        if bless {
            fs::write(&path, &found).expect("a writable folder");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected || found == "no fault\n" {
            wrong.push(format!("=== {}: expected\n{expected}=== found\n{found}", name(&case)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_index_names_every_case() {
    let index = fs::read_to_string(folder("faulty").join("README.md")).expect("an index");
    let missing: Vec<String> = cases()
        .iter()
        .map(|case| name(case))
        .filter(|name| !index.contains(&format!("| `{name}` |")))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
    assert!(cases().len() >= 25);
}

/// Half-written files are what an editor's user has most of the time.
#[test]
fn no_half_written_file_makes_the_check_panic() {
    let good = project(None);
    for (path, text) in good.texts.iter().filter(|(path, _)| !path.starts_with("firmware/")) {
        for end in (0..text.len()).step_by(5).filter(|end| text.is_char_boundary(*end)) {
            let mut sources = good.clone();
            sources.texts.insert(path.clone(), text[..end].to_owned());
            for fault in check(&sources).err().unwrap_or_default() {
                assert!(fault.line >= 1 && fault.column >= 1 && !fault.message.is_empty(), "{fault}");
            }
        }
    }
}

#[test]
fn every_fault_quotes_the_line_that_it_names() {
    let good = project(None);
    let manifest = "recipes/services/core.toml";
    for number in 0..good.texts[manifest].lines().count() {
        let mut sources = good.clone();
        let text = sources.texts.get_mut(manifest).expect("the manifest");
        *text = text
            .lines()
            .enumerate()
            .filter(|(n, _)| *n != number)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        for fault in check(&sources).err().unwrap_or_default() {
            let named = sources.texts[&fault.file].lines().nth(fault.line - 1).unwrap_or_default();
            assert_eq!(named, fault.text, "{fault}");
        }
    }
}
