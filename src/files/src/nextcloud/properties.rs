//! Properties that these clients ask for beside those of WebDAV.

use std::collections::BTreeSet;

use super::answer::file_id;
use super::links::LINK;
use super::xml::escaped;
use crate::dav::Live;
use crate::pictures::is_likely;
use crate::storage::{Entry, View};

const OWN: &str = "http://owncloud.org/ns";
const NEXT: &str = "http://nextcloud.org/ns";

/// Says them.
pub(super) struct Properties {
    /// Numbers of what the person's links lead to.
    pub linked: BTreeSet<i64>,
}

impl Live for Properties {
    fn property(&self, view: &View, entry: &Entry, namespace: &str, name: &str) -> Option<String> {
        if (namespace, name) == (OWN, "share-types") {
            return Some(self.share_types(entry));
        }
        let (prefix, value) = match namespace {
            OWN => ("oc", own(view, entry, name)?),
            NEXT => ("nc", next(entry, name)?),
            _ => return None,
        };
        Some(format!("<{prefix}:{name} xmlns:{prefix}=\"{namespace}\">{}</{prefix}:{name}>", escaped(&value)))
    }
}

impl Properties {
    /// How it is shared: by a link, or not at all. Elements, where the others are text.
    fn share_types(&self, entry: &Entry) -> String {
        let kind = if self.linked.contains(&entry.id) {
            format!("<oc:share-type>{LINK}</oc:share-type>")
        } else {
            String::new()
        };
        format!("<oc:share-types xmlns:oc=\"{OWN}\">{kind}</oc:share-types>")
    }
}

fn own(view: &View, entry: &Entry, name: &str) -> Option<String> {
    Some(match name {
        "id" => file_id(entry.id),
        "fileid" => entry.id.to_string(),
        "permissions" => letters(entry),
        "size" => entry.size.to_string(),
        "owner-id" | "owner-display-name" => view.login().to_owned(),
        "comments-unread" => "0".to_owned(),
        _ => return None,
    })
}

fn next(entry: &Entry, name: &str) -> Option<String> {
    Some(match name {
        "has-preview" => is_likely(entry).to_string(),
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
        // A link is made to anything that is seen, but for the whole of somebody's files.
        ('R', !entry.path.is_empty()),
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
