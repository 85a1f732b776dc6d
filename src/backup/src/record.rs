//! What a backup says of itself, and whether what came back is that.
//!
//! ```text
//! .mazet-backup/record.json              the record
//!               files.jsonl              each file: `digest`
//!               databases/<name>.dump    pg_dump's custom format
//!               databases/roles.sql      roles of all databases
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_host::files;
use serde::{Deserialize, Serialize};

use crate::cluster::Cluster;
use crate::databases::{self, Database};
use crate::digest::{self, Entry, Known, Sum};
use crate::plan::Plan;

/// The only format so far.
const FORMAT: u32 = 1;
/// The record's file.
pub const FILE: &str = "record.json";
/// The list of files.
pub const LIST: &str = "files.jsonl";
/// Dumps.
pub const DATABASES: &str = "databases";
/// Most differences that are told.
const TOLD: usize = 20;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Another number is refused.
    pub format: u32,
    /// Name of the box.
    pub name: String,
    /// Name and version of its image.
    pub image: String,
    /// When the picture was taken, in seconds since 1970.
    pub at: i64,
    /// Services that were on.
    pub services: Vec<String>,
    /// Folders below `/srv`.
    pub folders: Vec<PathBuf>,
    /// All files.
    pub files: Sum,
    /// Databases by their names.
    pub databases: BTreeMap<String, Database>,
}

impl Record {
    /// Writes the record of a picture, with the list of its files, into `folder`.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn write(
        plan: &Plan,
        at: i64,
        picture: &Path,
        folder: &Path,
        known: &Path,
        databases: BTreeMap<String, Database>,
    ) -> Result<Self> {
        let kept = known.with_extension("new");
        let files = digest::list(picture, &plan.folders, &Known::read(known), &folder.join(LIST), &kept)?;
        std::fs::rename(&kept, known).with_context(|| format!("writing {}", known.display()))?;
        let record = Self {
            format: FORMAT,
            name: plan.name.clone(),
            image: plan.image.clone(),
            at,
            services: plan.services.clone(),
            folders: plan.folders.clone(),
            files,
            databases,
        };
        files::write_json(&folder.join(FILE), &record)?;
        Ok(record)
    }

    /// The record in `folder`.
    ///
    /// # Errors
    /// When there is none, or it is of another format.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let record: Self =
            files::read_json(&path)?.with_context(|| format!("there is no {}", path.display()))?;
        if record.format != FORMAT {
            bail!("the backup has format {}: a newer Mazet made it, restore it with that one", record.format);
        }
        Ok(record)
    }

    /// Bytes that all of it takes when it is back, as far as can be told: files, dumps and the databases made from
    /// them, with a tenth for the file system.
    pub fn space(&self) -> u64 {
        let databases: u64 = self.databases.values().map(|one| one.bytes.saturating_mul(2)).sum();
        let all = self.files.bytes.saturating_add(databases);
        // An empty cluster has its own files.
        all.saturating_add(all / 10).saturating_add(100 << 20)
    }
}

/// What is not as the record says: nothing, when all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first ones.
    pub told: Vec<String>,
    /// All of them.
    pub count: usize,
}

impl Differences {
    fn add(&mut self, told: String) {
        if self.told.len() < TOLD {
            self.told.push(told);
        }
        self.count += 1;
    }
}

/// Compares the files of `tree` with the list in `folder`. Everything is read.
///
/// # Errors
/// When something cannot be read.
pub fn compare_files(record: &Record, folder: &Path, tree: &Path, all: &mut Differences) -> Result<()> {
    let scratch = tempfile::tempdir_in(folder).context("making a folder for a list")?;
    let (list, kept) = (scratch.path().join(LIST), scratch.path().join("known"));
    digest::list(tree, &record.folders, &Known::default(), &list, &kept)?;
    let recorded = folder.join(LIST);
    if digest::digest_of(&recorded)? != record.files.sha256 {
        all.add(format!("{LIST}: is not the list that was recorded"));
    }
    merge(entries(&recorded)?, entries(&list)?, all)
}

type Entries = std::iter::Map<Lines<BufReader<File>>, fn(std::io::Result<String>) -> Result<Entry>>;

fn entries(path: &Path) -> Result<Entries> {
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let read: fn(std::io::Result<String>) -> Result<Entry> = |line| {
        serde_json::from_str(&line.context("reading a list of files")?).context("reading a list of files")
    };
    Ok(BufReader::new(file).lines().map(read))
}

/// Both lists are in the order of a walk, so what is not in one of them shows at once; yet a path that is missing
/// must not make all after it differ: what one list has and the other has not is looked up.
fn merge(recorded: Entries, found: Entries, all: &mut Differences) -> Result<()> {
    let mut there: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in found {
        let entry = entry?;
        there.insert(entry.path.clone(), entry);
    }
    for entry in recorded {
        let wanted = entry?;
        match there.remove(&wanted.path) {
            None => all.add(format!("/srv/{}: is missing", wanted.path)),
            Some(one) if one != wanted => {
                all.add(format!("/srv/{}: {}", wanted.path, difference(&wanted, &one)));
            }
            Some(_) => {}
        }
    }
    there.into_keys().for_each(|path| all.add(format!("/srv/{path}: was not in the backup")));
    Ok(())
}

fn difference(wanted: &Entry, found: &Entry) -> String {
    if wanted.content != found.content || wanted.size != found.size {
        return "has another content".to_owned();
    }
    if (wanted.uid, wanted.gid) != (found.uid, found.gid) {
        return format!("belongs to {}:{}, and not to {}:{}", found.uid, found.gid, wanted.uid, wanted.gid);
    }
    if wanted.mode != found.mode {
        return format!("has mode {:o}, and not {:o}", found.mode, wanted.mode);
    }
    "has another date".to_owned()
}

/// Compares the databases of a server with the record.
///
/// # Errors
/// When the server refuses.
pub fn compare_databases(record: &Record, cluster: &Cluster<'_>, all: &mut Differences) -> Result<()> {
    let names = databases::names(cluster)?;
    for (name, wanted) in &record.databases {
        if !names.contains(name) {
            all.add(format!("database {name}: is missing"));
            continue;
        }
        let found = databases::tables(cluster, name)?;
        for (table, wanted) in &wanted.tables {
            match found.get(table) {
                None => all.add(format!("database {name}: {table} is missing")),
                Some(one) if one.rows != wanted.rows => {
                    all.add(format!(
                        "database {name}: {table} has {} rows, and not {}",
                        one.rows, wanted.rows
                    ));
                }
                Some(one) if one != wanted => all.add(format!("database {name}: rows of {table} differ")),
                Some(_) => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_difference_is_told_by_its_path() {
        let root = tempfile::tempdir().expect("a folder");
        let tree = root.path().join("tree");
        fs::create_dir_all(tree.join("a")).expect("made");
        for name in ["changed", "gone", "same"] {
            fs::write(tree.join("a").join(name), name).expect("written");
        }
        let plan = Plan {
            name: "lavande".to_owned(),
            image: "pc 0.1.0".to_owned(),
            services: vec!["base".to_owned()],
            folders: vec!["a".into()],
            databases: Vec::new(),
        };
        let folder = root.path().join("record");
        fs::create_dir(&folder).expect("made");
        let known = root.path().join("known");
        let record = Record::write(&plan, 7, &tree, &folder, &known, BTreeMap::new()).expect("a record");
        assert_eq!(Record::read(&folder).expect("read"), record);
        let mut none = Differences::default();
        compare_files(&record, &folder, &tree, &mut none).expect("compared");
        assert_eq!(none, Differences::default());

        fs::write(tree.join("a/changed"), "CHANGED").expect("written");
        fs::remove_file(tree.join("a/gone")).expect("removed");
        fs::write(tree.join("a/new"), "").expect("written");
        let mut some = Differences::default();
        compare_files(&record, &folder, &tree, &mut some).expect("compared");
        let content: Vec<&str> =
            some.told.iter().map(String::as_str).filter(|told| !told.ends_with("another date")).collect();
        let told = [
            "/srv/a/changed: has another content",
            "/srv/a/gone: is missing",
            "/srv/a/new: was not in the backup",
        ];
        assert_eq!(content, told);
    }

    #[test]
    fn another_format_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = r#"{"format":2,"name":"","image":"","at":0,"services":[],"folders":[],
            "files":{"count":0,"bytes":0,"sha256":""},"databases":{}}"#;
        fs::write(folder.path().join(FILE), text).expect("written");
        let error = Record::read(folder.path()).expect_err("refused").to_string();
        assert!(error.contains("format 2"), "{error}");
    }
}
