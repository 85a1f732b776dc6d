//! Virtual hosts: what may stand in the configuration of a web server, and what is safe there.

use super::document::{Table, Text};
use super::{Firsts, Plan};
use crate::fault::Fault;
use crate::manifest::{MEMBER, NOBODY, PASSWORD, PUBLIC};
use crate::suggest::nearest;
use crate::values::is_host_name;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut locations = Firsts::default();
    let declared = plan.services.iter().flat_map(|service| service.tables("role"));
    let mut access: Vec<&str> =
        declared.filter_map(|role| role.text("name")).map(|name| name.value).collect();
    access.extend([PUBLIC, MEMBER, PASSWORD, NOBODY]);
    for service in &plan.services {
        for vhost in service.tables("vhost") {
            let names: Vec<&str> = vhost.texts("names").iter().map(|name| name.value).collect();
            if let Some(location) = vhost.text("location") {
                check_location(&location, faults);
                let key = format!("{} {}", names.join(" "), location.value);
                locations.claim(&key, &format!("location `{}`", location.value), location.place, faults);
            }
            for name in vhost.texts("names").iter().filter(|name| !is_host_name(name.value)) {
                let hint =
                    "small letters, digits, inner dashes and dots, as in \"amis.example.org\"".to_owned();
                faults.push(name.place.fault(format!("`{}` is no host name", name.value), hint));
            }
            content(&vhost, faults);
            programs(&vhost, faults);
            file(&vhost, faults);
            plain(&vhost, faults);
            headers(&vhost, faults);
            allowed(&vhost, &access, faults);
            owners(&vhost, faults);
        }
    }
}

/// Exactly one of proxy, folder and redirect, unless nobody may ask; PHP with a folder alone.
fn content(vhost: &Table<'_>, faults: &mut Vec<Fault>) {
    let refused = vhost.text("access").is_some_and(|access| access.value == NOBODY);
    let given = ["proxy", "folder", "redirect"].map(|key| vhost.has(key));
    match given {
        [true, true, _] => {
            let hint = "remove one of the two".to_owned();
            let message = "a location has a `proxy` or a `folder`, not both";
            faults.push(vhost.place_of("folder").fault(message, hint));
        }
        [true, _, true] | [_, true, true] => {
            let hint = "make two locations of it".to_owned();
            let message = "who is sent on elsewhere by `redirect` is not answered here";
            faults.push(vhost.place_of("redirect").fault(message, hint));
        }
        [false, false, false] if !refused => {
            let hint = "add proxy = \"unix:/run/<name>.sock\" or folder = \"/usr/share/<name>\"".to_owned();
            faults.push(vhost.place.fault("a location needs a `proxy` or a `folder`", hint));
        }
        _ => {}
    }
    if let Some(redirect) = vhost.text("redirect").filter(|redirect| !is_redirect(redirect.value)) {
        let hint = "write a path of the same name, as in \"/calendar/\"".to_owned();
        faults.push(redirect.place.fault(format!("`{}` is no path to be sent on to", redirect.value), hint));
    }
    if let Some(proxy) = vhost.text("proxy").filter(|proxy| !is_proxy(proxy.value)) {
        let hint = "write unix:/run/<name>.sock, 127.0.0.1:<port> or [::1]:<port>".to_owned();
        faults.push(proxy.place.fault(format!("`{}` is no address on the box", proxy.value), hint));
    }
    if let Some(folder) = vhost.text("folder").filter(|folder| !is_folder(folder.value)) {
        let hint = "write a path below /srv, /usr/share or /var/lib".to_owned();
        faults.push(folder.place.fault(format!("`{}` is no folder to serve", folder.value), hint));
    }
    let Some(php) = vhost.text("php") else { return };
    if !php.value.starts_with("unix:") || !is_proxy(php.value) {
        let hint = "write unix:/run/php/<name>.sock".to_owned();
        faults.push(php.place.fault(format!("`{}` is no socket of PHP-FPM", php.value), hint));
    }
    if !vhost.has("folder") {
        let hint = "add the folder that the programs lie in".to_owned();
        faults.push(php.place.fault("`php` runs the programs of a `folder`", hint));
    }
}

/// The programs of a location, its own or a site's.
pub(super) fn programs(vhost: &Table<'_>, faults: &mut Vec<Fault>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.*".contains(c);
    let good = |path: &str| {
        path.ends_with(".php") && !path.starts_with('/') && !path.contains("..") && path.chars().all(plain)
    };
    for program in
        vhost.texts("programs").iter().chain(&vhost.text("fallback")).filter(|one| !good(one.value))
    {
        let hint = "write a path below the folder, as in \"index.php\" or \"admin/*.php\"".to_owned();
        faults.push(program.place.fault(format!("`{}` is no program of PHP", program.value), hint));
    }
    let Some(fallback) = vhost.text("fallback") else { return };
    let programs = vhost.texts("programs");
    if !vhost.has("php") || !programs.is_empty() && programs.iter().all(|one| one.value != fallback.value) {
        let hint = "name it in `programs`, and what runs it in `php`".to_owned();
        faults.push(fallback.place.fault(format!("nothing runs `{}`", fallback.value), hint));
    }
}

/// One file is answered by a program.
fn file(vhost: &Table<'_>, faults: &mut Vec<Fault>) {
    if vhost.text("location").is_some_and(|location| !location.value.ends_with('/')) && vhost.has("folder") {
        let hint = "end the location with `/`, or write a `proxy`".to_owned();
        faults.push(vhost.place_of("folder").fault("a location of one file has no `folder`", hint));
    }
}

/// Over plain HTTP nobody is known, and no name has a certificate that it must match.
fn plain(vhost: &Table<'_>, faults: &mut Vec<Fault>) {
    if vhost.boolean("plain") != Some(true) {
        return;
    }
    if let Some(access) = vhost.text("access").filter(|access| access.value != PUBLIC) {
        let hint = "write access = \"public\", or remove `plain`".to_owned();
        faults.push(access.place.fault("a location of plain HTTP is for everybody", hint));
    }
    for key in ["names", "php"].into_iter().filter(|key| vhost.has(key)) {
        let hint = format!("remove `{key}` or `plain`");
        faults.push(vhost.place_of(key).fault(format!("a location of plain HTTP has no `{key}`"), hint));
    }
}

/// They stand in quotes in the configuration of a web server.
fn headers(vhost: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(headers) = vhost.table("headers") else { return };
    if !vhost.has("proxy") {
        let hint = "add the `proxy`, or remove `headers`".to_owned();
        faults.push(vhost.place_of("headers").fault("headers are given to a service behind `proxy`", hint));
    }
    let asked = vhost.text("access").is_some_and(|access| ![PUBLIC, NOBODY].contains(&access.value));
    for (name, place) in headers.keys() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            let hint = "small letters, digits and dashes".to_owned();
            faults.push(place.fault(format!("`{name}` is no name of a header"), hint));
        }
        let Some(value) = headers.text(name) else {
            faults.push(place.fault(format!("`{name}` must be a string"), None));
            continue;
        };
        let bare = value.value.replace("{host}", "").replace("{person}", "");
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_.,:;/=+".contains(c);
        if !bare.chars().all(plain) {
            let hint =
                "letters, digits and plain signs; `{host}` and `{person}` for what is asked for".to_owned();
            faults.push(value.place.fault(format!("`{}` is no value of a header", value.value), hint));
        }
        if value.value.contains("{person}") && !asked {
            let hint = "write access = \"member\", or remove `{person}`".to_owned();
            faults.push(value.place.fault("nobody is asked who they are here", hint));
        }
    }
}

/// Who is let in is compared with whose it is.
fn owners(vhost: &Table<'_>, faults: &mut Vec<Fault>) {
    let asked = vhost.text("access").is_some_and(|access| ![PUBLIC, NOBODY].contains(&access.value));
    if vhost.boolean("owners") == Some(true) && !asked {
        let hint = "write access = \"member\" or \"password\", or remove `owners`".to_owned();
        faults.push(vhost.place_of("owners").fault("nobody is asked who they are here", hint));
    }
}

fn allowed(vhost: &Table<'_>, known: &[&str], faults: &mut Vec<Fault>) {
    let Some(access) = vhost.text("access").filter(|access| !known.contains(&access.value)) else { return };
    let hint = match nearest(access.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.join(", ")),
    };
    faults.push(access.place.fault(format!("no manifest declares the role `{}`", access.value), hint));
}

fn check_location(location: &Text<'_>, faults: &mut Vec<Fault>) {
    let path = location.value;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    // A folder, or one file: its name has a dot.
    let last = path.rsplit('/').next().unwrap_or_default();
    let whole = path.starts_with('/')
        && (last.is_empty() || last.trim_matches('.').contains('.'))
        && !path.contains("//")
        && !path.contains("/../");
    if !whole || !path.chars().all(plain) {
        let hint =
            "begin and end with `/`, as in `/calendar/`, or name one file, as in `/status.php`".to_owned();
        faults.push(location.place.fault(format!("`{path}` is no location of a web server"), hint));
    } else if path.starts_with("/.mazet/") {
        let hint = "take another one".to_owned();
        faults.push(location.place.fault("locations below /.mazet/ are the front web server's own", hint));
    }
}

fn is_proxy(proxy: &str) -> bool {
    if let Some(socket) = proxy.strip_prefix("unix:") {
        return is_path(socket);
    }
    let port = proxy.strip_prefix("127.0.0.1:").or_else(|| proxy.strip_prefix("[::1]:"));
    port.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port != 0)
}

fn is_redirect(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    path.starts_with('/') && !path.starts_with("//") && path.chars().all(plain)
}

fn is_folder(folder: &str) -> bool {
    let below = ["/srv/", "/usr/share/", "/var/lib/"].iter().any(|root| folder.starts_with(root));
    below && is_path(folder) && folder.split('/').all(|part| part != "..")
}

fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    path.starts_with('/') && path.chars().all(plain) && !path.ends_with('/')
}
