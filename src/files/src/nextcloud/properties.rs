//! Properties that these clients ask for beside those of WebDAV.

use super::answer::file_id;
use super::xml::escaped;
use crate::dav::Live;
use crate::storage::{Entry, View};

const OWN: &str = "http://owncloud.org/ns";
const NEXT: &str = "http://nextcloud.org/ns";

/// Says them.
pub(super) struct Properties;

impl Live for Properties {
    fn property(&self, view: &View, entry: &Entry, namespace: &str, name: &str) -> Option<String> {
        let (prefix, value) = match namespace {
            OWN => ("oc", own(view, entry, name)?),
            NEXT => ("nc", next(name)?),
            _ => return None,
        };
        Some(format!("<{prefix}:{name} xmlns:{prefix}=\"{namespace}\">{}</{prefix}:{name}>", escaped(&value)))
    }
}

fn own(view: &View, entry: &Entry, name: &str) -> Option<String> {
    Some(match name {
        "id" => file_id(entry.id),
        "fileid" => entry.id.to_string(),
        "permissions" => letters(entry),
        "size" => entry.size.to_string(),
        "owner-id" | "owner-display-name" => view.login().to_owned(),
        "share-types" => String::new(),
        "comments-unread" => "0".to_owned(),
        _ => return None,
    })
}

fn next(name: &str) -> Option<String> {
    Some(match name {
        "has-preview" => "false".to_owned(),
        "is-encrypted" => "0".to_owned(),
        "mount-type" | "note" | "sharees" => String::new(),
        _ => return None,
    })
}

/// What may be done with a file, as these clients read it: S of others too, R may be shared, G read,
/// D deleted, N renamed, V moved, W written; into a folder: C files, K folders.
fn letters(entry: &Entry) -> String {
    // Nobody can move the root; but where D, N and V are missing there, clients take it for read-only.
    let movable = entry.movable || entry.path.is_empty();
    let letters = [
        ('S', entry.shared),
        ('R', entry.writable),
        ('G', true),
        ('D', movable),
        ('N', movable),
        ('V', movable),
        ('W', entry.writable && !entry.is_folder),
        ('C', entry.writable && entry.is_folder),
        ('K', entry.writable && entry.is_folder),
    ];
    letters.iter().filter(|(_, may)| *may).map(|(letter, _)| letter).collect()
}
