//! Virtual hosts, as the templates of every front web server are given them.
//!
//! ```text
//! vhosts[].default            true for the first: the box's own pages, whatever the name asked for
//!         .names[]            host names; of the default one, none
//!         .name               the first of them, or empty
//!         .port               its own port, beside that of HTTPS; 0: it has none
//!         .opens              true where nothing above listens at that port
//!         .certificate, .key  its files below `<data>/mazet/tls/`
//!         .locations[]        shortest prefix first
//! …locations[].service        whose it is
//!             .location       URL path prefix, with `/` at both ends
//!             .bare           the same without its last `/`; empty for `/` and for one file
//!             .exact          true for the path of one file
//!             .socket         proxied to this Unix socket; else empty
//!             .address        proxied to this loopback address and port; else empty
//!             .folder         served from this folder, with `/` at its end; else empty
//!             .php            Unix socket of the PHP-FPM pool for that folder; else empty
//!             .programs[]     the programs that it runs, below the folder, as regular expressions; none: all
//!             .fallback       the one that answers where there is nothing; empty: none does
//!             .redirected     true where visitors are sent on elsewhere:
//!             .redirect_host, .redirect_port   its name, empty for the same; its port with `:`, or empty
//!             .redirect_path  its path
//!             .posts          true where a POST for a file of the folder is answered as a GET
//!             .access         "public", "member", "password", "nobody" or a role
//!             .guarded        true where the front server asks before it answers (`mazetd web`)
//!             .basic          true where login and password come with each request, and no page asks for them
//!             .headers[]      what the service is given: .name, and its value in .parts[], each a .text,
//!                             or true as .host (the name that was asked for) or .person (who asks);
//!                             .removed: the service is given none of that name
//!             .refused        true where nobody may ask
//!             .upload_mib, .upload_bytes   largest body of a request; 0: unlimited
//!             .streaming      bodies are passed on while they come in
//! plain[]                     locations of the first host that are answered over plain HTTP too
//! front.http, .https          what the server listens at: "80" and "443" of every address
//!      .http_port, .https_port             their numbers alone
//!      .everywhere            false where `http` and `https` name one address
//!      .runtime               folder of its folder for sockets and the like: "/run"
//!      .access                address and port of the FastCGI authorizer
//!      .program_seconds       how long a program of a web site may take: who runs it ends it then
//!      .patience_seconds      how long the front server waits for what such a program says
//!      .trial                 true when it is started beside the running one, to be measured or tested
//! ```

use serde_json::{Value, json};

use crate::manifest::{Manifest, NOBODY, PASSWORD, PUBLIC, VirtualHost};

/// Files of the certificate for the box's names on its own network, and of its key.
pub const LOCAL_PAIR: (&str, &str) = ("cert.pem", "key.pem");
/// Files of the certificate for the box's public domains, and of its key.
pub const PUBLIC_PAIR: (&str, &str) = ("public.pem", "public-key.pem");

/// Where `mazetd web` answers who may do what; the manifest of the base names the port too.
pub const ACCESS: &str = "127.0.0.1:9480";
/// Seconds that a program of a web site may take.
const PROGRAM: u32 = 120;
/// Seconds that the front server waits for it: a little longer, so that who runs it says how it ended.
const PATIENCE: u32 = PROGRAM + 10;

/// Names and port of a host, and what it answers.
struct Host {
    names: Vec<String>,
    port: Option<u16>,
    locations: Vec<Value>,
}

/// All virtual hosts of `services`, those that are on. The first answers to every name that no
/// other one has. The box's public `domains` have a certificate of their own: the first host, and those
/// with a port of their own, stand there once more under those of them that no service took.
pub fn of(services: &[&Manifest], domains: &[String]) -> Value {
    let mut hosts = vec![Host { names: Vec::new(), port: None, locations: Vec::new() }];
    let mut all: Vec<(&str, VirtualHost)> = services
        .iter()
        .flat_map(|manifest| manifest.vhosts.iter().map(|vhost| (manifest.service.name.as_str(), vhost)))
        .flat_map(|(service, vhost)| with_denied(vhost).into_iter().map(move |one| (service, one)))
        .collect();
    // Web servers that merge what fits want the most particular last.
    all.sort_by_key(|(_, vhost)| vhost.location.len());
    for (service, vhost) in all {
        let value = location(service, &vhost);
        match hosts.iter_mut().find(|host| host.names == vhost.names && host.port == vhost.port) {
            Some(host) => host.locations.push(value),
            None => hosts.push(Host { names: vhost.names, port: vhost.port, locations: vec![value] }),
        }
    }
    let taken: Vec<&String> = hosts.iter().flat_map(|host| &host.names).collect();
    let own: Vec<String> = domains.iter().filter(|domain| !taken.contains(domain)).cloned().collect();
    let mut shown = Vec::new();
    for one in hosts {
        let again = (one.names.is_empty() && !own.is_empty()).then(|| Host {
            names: own.clone(),
            port: one.port,
            locations: one.locations.clone(),
        });
        shown.push(host(&one, true, domains));
        shown.extend(again.map(|again| host(&again, false, domains)));
    }
    shown.into()
}

fn host(one: &Host, opens: bool, domains: &[String]) -> Value {
    let public = one.names.iter().any(|name| domains.contains(name));
    let (certificate, key) = if public { PUBLIC_PAIR } else { LOCAL_PAIR };
    json!({
        "default": one.names.is_empty(),
        "name": one.names.first().cloned().unwrap_or_default(),
        "names": one.names,
        "port": one.port.unwrap_or_default(),
        "opens": opens && one.port.is_some(),
        "certificate": certificate,
        "key": key,
        "locations": one.locations,
    })
}

/// A location, and those below it that nobody may ask for.
fn with_denied(vhost: &VirtualHost) -> Vec<VirtualHost> {
    let denied = |path: &String| VirtualHost {
        names: vhost.names.clone(),
        port: vhost.port,
        access: NOBODY.to_owned(),
        ..VirtualHost::at(&format!("{}{path}", vhost.location))
    };
    std::iter::once(vhost.clone()).chain(vhost.denied.iter().map(denied)).collect()
}

/// The locations of `services` that plain HTTP answers, shortest prefix first.
pub fn plain(services: &[&Manifest]) -> Value {
    let mut all: Vec<(&str, &VirtualHost)> = services
        .iter()
        .flat_map(|manifest| manifest.vhosts.iter().map(|vhost| (manifest.service.name.as_str(), vhost)))
        .filter(|(_, vhost)| vhost.plain)
        .collect();
    all.sort_by_key(|(_, vhost)| vhost.location.len());
    all.into_iter().map(|(service, vhost)| location(service, vhost)).collect()
}

/// How the front web server of a box listens.
pub fn front() -> Value {
    json!({
        "http": "80", "http_port": 80,
        "https": "443", "https_port": 443,
        "everywhere": true,
        "runtime": "/run",
        "access": ACCESS,
        "program_seconds": PROGRAM,
        "patience_seconds": PATIENCE,
        "trial": false,
    })
}

/// How a server listens that is started beside the running one: on loopback ports `http` and
/// `https`, with its own folder below `runtime`, asking the authorizer at `access`.
pub fn trial(http: u16, https: u16, runtime: &str, access: &str) -> Value {
    json!({
        "http": format!("127.0.0.1:{http}"), "http_port": http,
        "https": format!("127.0.0.1:{https}"), "https_port": https,
        "everywhere": false,
        "runtime": runtime,
        "access": access,
        "program_seconds": PROGRAM,
        "patience_seconds": PATIENCE,
        "trial": true,
    })
}

fn location(service: &str, vhost: &VirtualHost) -> Value {
    let proxy = vhost.proxy.as_deref().unwrap_or_default();
    let socket = proxy.strip_prefix("unix:").unwrap_or_default();
    let (redirect_host, redirect_port, redirect_path) = redirect(vhost);
    let folder = vhost.folder.as_ref().map(|folder| format!("{}/", folder.trim_end_matches('/')));
    json!({
        "service": service,
        "location": vhost.location,
        "bare": vhost.location.strip_suffix('/').unwrap_or_default(),
        "exact": !vhost.location.ends_with('/'),
        "socket": socket,
        "address": if socket.is_empty() { proxy } else { "" },
        "folder": folder.unwrap_or_default(),
        "php": vhost.php.as_deref().and_then(|php| php.strip_prefix("unix:")).unwrap_or_default(),
        "programs": vhost.programs.iter().map(|path| expression(path)).collect::<Vec<_>>(),
        "fallback": vhost.fallback.as_deref().unwrap_or_default(),
        "redirected": vhost.redirect.is_some(),
        "redirect_host": redirect_host,
        "redirect_port": redirect_port,
        "redirect_path": redirect_path,
        "posts": vhost.posts,
        "access": vhost.access,
        "owners": if vhost.owners { vhost.location.as_str() } else { "" },
        "guarded": vhost.access != PUBLIC && vhost.access != NOBODY,
        "basic": vhost.access == PASSWORD,
        "refused": vhost.access == NOBODY,
        "headers": vhost.headers.iter().map(header).collect::<Vec<_>>(),
        "upload_mib": vhost.upload_mib,
        "upload_bytes": u64::from(vhost.upload_mib) << 20,
        "streaming": vhost.streaming,
    })
}

/// A program's path as a regular expression of either web server. Nothing in it needs quotes, or a backslash.
fn expression(path: &str) -> String {
    let part = |c: char| match c {
        '*' => "[^/]+".to_owned(),
        c if c.is_ascii_alphanumeric() || "/_-".contains(c) => c.to_string(),
        c => format!("[{c}]"),
    };
    path.chars().map(part).collect()
}

/// Name, port with its colon, and path of where visitors are sent on to; empty: the same name, the usual port.
fn redirect(vhost: &VirtualHost) -> (&str, &str, &str) {
    let to = vhost.redirect.as_deref().unwrap_or_default();
    match to.strip_prefix("https://") {
        Some(host) => (host, "", "/"),
        None if to.starts_with('/') => ("", "", to),
        None => ("", to, "/"),
    }
}

fn header((name, value): (&String, &String)) -> Value {
    json!({ "name": name, "removed": value.is_empty(), "parts": parts(value) })
}

/// The value of a header in pieces: text, or what only the web server knows.
fn parts(value: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        parts.push(json!({ "text": text, "host": name == "host", "person": name == "person" }));
        rest = after;
    }
    parts.push(json!({ "text": rest, "host": false, "person": false }));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: &str = r#"
[service]
name = "pages"
title = { fr = "Pages", en = "Pages" }
summary = { fr = "Pages.", en = "Pages." }
[[vhost]]
location = "/files/"
proxy = "unix:/run/files.sock"
access = "member"
upload-mib = 0
streaming = true
[[vhost]]
location = "/"
names = ["amis.example.org"]
folder = "/srv/sites/amis"
php = "unix:/run/php/amis.sock"
[[vhost]]
location = "/"
proxy = "127.0.0.1:8080"
[[vhost]]
location = "/secret/"
access = "nobody"
"#;

    #[test]
    fn hosts_are_told_apart_by_name_and_locations_come_shortest_first() {
        let pages = Manifest::parse(PAGES).expect("a valid manifest");
        let hosts = of(&[&pages], &[]);
        let seen: Vec<(Value, Vec<Value>)> = hosts
            .as_array()
            .expect("a list")
            .iter()
            .map(|host| {
                let locations = host["locations"].as_array().expect("a list");
                (host["names"].clone(), locations.iter().map(|each| each["location"].clone()).collect())
            })
            .collect();
        assert_eq!(
            seen,
            [
                (json!([]), vec![json!("/"), json!("/files/"), json!("/secret/")]),
                (json!(["amis.example.org"]), vec![json!("/")]),
            ]
        );
        insta::assert_snapshot!(serde_json::to_string_pretty(&hosts[0]["locations"][1]).expect("text"));
        insta::assert_snapshot!(serde_json::to_string_pretty(&hosts[1]).expect("text"));
    }

    #[test]
    fn a_site_without_a_domain_has_a_port_of_the_boxs_names() {
        let mut pages = Manifest::parse(PAGES).expect("a valid manifest");
        let folder = Some("/srv/site".to_owned());
        let denied = vec!["config/".to_owned()];
        pages.vhosts.push(VirtualHost { port: Some(20_001), folder, denied, ..VirtualHost::at("/") });
        let redirect = Some(":20001".to_owned());
        pages.vhosts.push(VirtualHost { redirect, ..VirtualHost::at("/site/a/") });
        let hosts = of(&[&pages], &["box.example.org".to_owned()]);
        let seen: Vec<String> = hosts
            .as_array()
            .expect("a list")
            .iter()
            .map(|host| {
                format!("{} {} {} {}", host["name"], host["port"], host["opens"], host["certificate"])
            })
            .collect();
        assert_eq!(
            seen,
            [
                r#""" 0 false "cert.pem""#,
                r#""box.example.org" 0 false "public.pem""#,
                r#""amis.example.org" 0 false "cert.pem""#,
                r#""" 20001 true "cert.pem""#,
                r#""box.example.org" 20001 false "public.pem""#,
            ]
        );
        assert_eq!(hosts[3]["locations"][1]["location"], "/config/");
        assert_eq!(hosts[3]["locations"][1]["refused"], true);
        let last = hosts[0]["locations"].as_array().and_then(|all| all.last()).expect("a location");
        assert_eq!((&last["redirect_host"], &last["redirect_port"]), (&json!(""), &json!(":20001")));
    }

    #[test]
    fn the_box_answers_for_itself_even_without_a_location() {
        let hosts = of(&[], &[]);
        assert_eq!(hosts.as_array().map(Vec::len), Some(1));
        assert_eq!(hosts[0]["default"], true);
        assert_eq!(hosts[0]["locations"], json!([]));
    }

    #[test]
    fn public_domains_have_their_own_certificate_whoever_answers_there() {
        let pages = Manifest::parse(PAGES).expect("a valid manifest");
        let domains = ["box.example.org".to_owned(), "amis.example.org".to_owned()];
        let hosts = of(&[&pages], &domains);
        let seen: Vec<(&str, &str, usize)> = hosts
            .as_array()
            .expect("a list")
            .iter()
            .map(|host| {
                let text = |key: &str| host[key].as_str().expect("a text");
                (text("name"), text("certificate"), host["locations"].as_array().map_or(0, Vec::len))
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("", "cert.pem", 3),
                ("box.example.org", "public.pem", 3),
                ("amis.example.org", "public.pem", 1)
            ]
        );
    }

    #[test]
    fn a_service_is_told_who_asks_in_headers_of_its_own() {
        let text = format!(
            "{PAGES}[[vhost]]\nlocation = \"/dav/\"\nproxy = \"127.0.0.1:1\"\naccess = \"password\"\nowners = true\n\
             headers = {{ x-person = \"{{person}}\", x-url = \"https://{{host}}/\", cookie = \"\" }}\n\
             [[vhost]]\nlocation = \"/old/\"\nredirect = \"/dav/\"\n"
        );
        let pages = Manifest::parse(&text).expect("a valid manifest");
        let hosts = of(&[&pages], &[]);
        let at = |path: &str| {
            let all = hosts[0]["locations"].as_array().expect("a list");
            all.iter().find(|one| one["location"] == path).expect("there").clone()
        };
        let (dav, old) = (at("/dav/"), at("/old/"));
        assert_eq!((&dav["basic"], &dav["guarded"]), (&json!(true), &json!(true)));
        assert_eq!((&dav["owners"], &old["owners"]), (&json!("/dav/"), &json!("")));
        let part = |text: &str, host, person| json!({ "text": text, "host": host, "person": person });
        let none = || part("", false, false);
        assert_eq!(
            dav["headers"],
            json!([
                { "name": "cookie", "removed": true, "parts": [none()] },
                { "name": "x-person", "removed": false, "parts": [part("", false, true), none()] },
                { "name": "x-url", "removed": false, "parts": [part("https://", true, false), part("/", false, false)] },
            ])
        );
        assert_eq!((&old["redirected"], &old["redirect_path"]), (&json!(true), &json!("/dav/")));
        assert_eq!((&old["redirect_host"], &old["redirect_port"]), (&json!(""), &json!("")));
    }

    #[test]
    fn plain_http_answers_what_says_so_alone() {
        let text = format!(
            "{PAGES}[[vhost]]\nlocation = \"/about/\"\nproxy = \"unix:/run/pages.sock\"\nplain = true\n"
        );
        let pages = Manifest::parse(&text).expect("a valid manifest");
        let plain = plain(&[&pages]);
        assert_eq!(plain.as_array().map(Vec::len), Some(1));
        assert_eq!(plain[0]["location"], "/about/");
    }
}
