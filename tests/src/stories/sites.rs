//! Web sites on the installed box: a phone makes them with a click each, strangers visit them under both web
//! servers, their programs see nothing of each other, and one is archived, brought back, and removed.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mazet_boot::Qemu;
use mazet_boot::firmware::Firmware;
use mazet_boot::guest::GuestShell;
use mazet_boot::watch::Goal;

use crate::browser::{Browser, FRENCH_PHONE};
use crate::dav::{Client, encoded};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, NEXT};
use crate::php::{self, ACTS, AS_IT_IS, SECRETS, SOCKETS, UNCONFINED};
use crate::stories::{install, web_server};
use crate::visitor::Visitor;
use crate::wizard::FRENCH;

/// Time for a site to be made, changed or removed, on an emulated machine.
const ACT: Duration = Duration::from_secs(1200);
/// The folder that is published.
const FOLDER: &str = "Site web";
const INDEX: &str = r#"<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>La vitrine</title><link rel="icon" href="data:,"></head>
<body><main><h1>La vitrine</h1><p><a id="summer" href="%C3%89t%C3%A9%202026.html">L’été 2026</a></p></main></body></html>
"#;
const SUMMER: &str = r#"<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>L’été 2026</title><link rel="icon" href="data:,"></head>
<body><main><h1 id="title">L’été 2026 à l’étang</h1></main></body></html>
"#;

/// A site of this story; they are made in the order of their ports.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub name: &'static str,
    pub port: u16,
    /// What strangers ask for.
    pub paths: &'static [(&'static str, Answer)],
}

/// What a stranger is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// This page; its text is the same whichever server gives it.
    Page(&'static str),
    /// A page with this text in it. The rest is another one each time.
    Form(&'static str),
    /// To another address.
    Led,
    /// Nothing.
    Refused,
}

const PAGES: Site = Site {
    name: "vitrine",
    port: 20_001,
    paths: &[
        ("/", Answer::Page("<h1>La vitrine</h1>")),
        ("/%C3%89t%C3%A9%202026.html", Answer::Page("L’été 2026 à l’étang")),
        ("/missing", Answer::Refused),
        ("/%2e%2e/%2e%2e/etc/passwd", Answer::Refused),
        // Links that lead out of the folder, and a hidden file.
        ("/users.txt", Answer::Refused),
        ("/neighbour.txt", Answer::Refused),
        ("/.hidden.txt", Answer::Refused),
    ],
};
const SPIP_PATHS: &[(&str, Answer)] = &[
    ("/", Answer::Page("<meta name=\"generator\" content=\"SPIP")),
    ("/ecrire", Answer::Led),
    ("/ecrire/", Answer::Led),
    ("/spip.php?page=login&url=%2Fecrire%2F", Answer::Form("id='formulaire_login'")),
    ("/missing", Answer::Refused),
    ("/IMG/", Answer::Refused),
    // Programs that are not among the three; the last one was uploaded.
    ("/ecrire/inc_version.php", Answer::Refused),
    ("/config/connect.php", Answer::Refused),
    ("/tmp/meta_cache.php", Answer::Refused),
    ("/IMG/laid.php", Answer::Refused),
];
const SPIP: Site = Site { name: "amis", port: 20_002, paths: SPIP_PATHS };
const OTHER: Site = Site { name: "balade", port: 20_003, paths: SPIP_PATHS };

/// Who and what takes part.
pub(super) struct Story<'a> {
    pub bench: &'a Bench,
    pub qemu: &'a Qemu,
    pub phone: &'a Browser,
    pub base: String,
}

/// Everything of it, on the disk that the French installation left.
pub fn are_published(bench: &Bench) -> Result<()> {
    let mut machine = bench.machine("sites", Firmware::Bios).disk(install::installed(bench)?);
    machine.guest_ports.extend([PAGES, SPIP, OTHER].map(|site| site.port));
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    // A program that is still starting is no fault.
    inside::no_unit_failed(&qemu)?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let hosts = [PAGES, SPIP, OTHER].map(|site| Ok((host(site), qemu.port(site.port)?)));
    let hosts: Vec<(String, u16)> = hosts.into_iter().collect::<Result<_>>()?;
    let phone = Browser::open_knowing(bench, FRENCH_PHONE, &hosts)?;
    let phone = members::operator_with(phone, bench, &base, "fr")?;
    let story = Story { bench, qemu: &qemu, phone: &phone, base };
    story.a_folder_is_published().context("pages as they are")?;
    let account = story.is_installed(SPIP, "spip", "ecrire/").context("SPIP")?;
    story.editor_signs_in(SPIP, &account).context("SPIP's first administrator")?;
    story.is_installed(OTHER, "spip", "ecrire/").context("another SPIP")?;
    story.holds("juin")?;
    story.lay_traps()?;
    memory(&qemu)?;
    let seen = |site| story.seen(site).context("under nginx");
    let (pages, spip, other) = (seen(PAGES)?, seen(SPIP)?, seen(OTHER)?);
    story.are_apart(SPIP, OTHER)?;
    story.are_apart(OTHER, SPIP)?;
    web_server::choose(&qemu, "apache")?;
    phone.forget_complaints()?;
    for (site, before) in [(PAGES, &pages), (SPIP, &spip), (OTHER, &other)] {
        story.is_as_before(site, before).context("under Apache")?;
    }
    memory(&qemu)?;
    story.comes_back(&spip).context("an archive")?;
    story.leaves_nothing().context("removing a site")?;
    story.is_as_before(SPIP, &spip).context("beside the removed one")?;
    web_server::choose(&qemu, "nginx")?;
    phone.forget_complaints()?;
    story.is_as_before(PAGES, &pages).context("under nginx again")?;
    story.is_as_before(SPIP, &spip).context("under nginx again")?;
    story.is_well()
}

/// On the box's pages.
impl Story<'_> {
    /// The form for a site, filled in and sent.
    fn wishes(&self, site: Site, kind: &str, folder: &str) -> Result<()> {
        self.phone.go(&format!("{}/websites", self.base))?;
        self.phone.click("//a[@id='new']")?;
        self.phone.wait_for("//form[@id='website-form']")?;
        self.phone.page_is_well(&format!("new-{}", site.name), "fr")?;
        self.phone.click(&format!("//label[@for='kind-{kind}']"))?;
        self.phone.fill("//input[@id='name']", site.name)?;
        if !folder.is_empty() {
            self.phone.fill("//input[@id='folder']", folder)?;
        }
        self.phone.click(NEXT)
    }

    /// Waits until the page, which looks again by itself, tells how an act went.
    pub(super) fn is_told(&self, words: &str) -> Result<()> {
        let wanted = format!("//p[@id='told'][contains(., '{words}')] | //div[@id='failed']");
        let told = self.phone.wait_long_for(&wanted, ACT);
        told.with_context(|| format!("the page that looks again by itself does not come to say {words:?}"))?;
        // While a web server takes its new settings, such a page may meet nobody.
        self.phone.forget_complaints()?;
        match self.phone.text_now("#failed pre")? {
            Some(why) => bail!("the page says that it failed: {why}"),
            None => Ok(()),
        }
    }

    /// The box's page of a site.
    pub(super) fn opens(&self, site: Site, picture: &str) -> Result<()> {
        self.phone.go(&format!("{}/websites/{}", self.base, site.port - 20_000))?;
        self.phone.wait_for("//dl[@id='website']")?;
        self.phone.page_is_well(picture, "fr")
    }

    /// The operator publishes a folder of the association's files that is not there yet, looks at it, and fills it.
    fn a_folder_is_published(&self) -> Result<()> {
        self.phone.go(&format!("{}/websites", self.base))?;
        self.phone.wait_for("//p[@id='no-websites']")?;
        self.phone.page_is_well("none", "fr")?;
        self.wishes(PAGES, "sites", &format!("../{FOLDER}"))?;
        self.phone.wait_for("//p[@id='folder-fault']").context("a folder elsewhere is taken")?;
        self.phone.page_is_well("no-folder", "fr")?;
        self.wishes(PAGES, "sites", FOLDER)?;
        self.is_told("Le site vitrine est là.")?;
        self.phone.page_is_well("list", "fr")?;
        self.opens(PAGES, "page-vitrine")?;
        let organisation = self.phone.text("//dd[@id='organisation']")?;
        ensure!(organisation == FRENCH.organisation, "the site is of {organisation:?}");
        self.phone.go(&address(PAGES))?;
        self.phone.page_is_well("vitrine-first", "fr")?;
        let first = self.phone.text("//h1")?;
        ensure!(first == "Le site est là", "the first page says {first:?}");
        let client = Client::of(self.bench, self.phone, &self.base)?;
        let folder = encoded(&format!("{}/{FOLDER}", FRENCH.organisation));
        client.put(&format!("{folder}/index.html"), INDEX.as_bytes())?;
        client.put(&format!("{folder}/{}", encoded("Été 2026.html")), SUMMER.as_bytes())?;
        client.put("secret.txt", b"nobody's business\n")?;
        self.phone.go(&address(PAGES))?;
        self.phone.page_is_well("vitrine", "fr")?;
        self.phone.click("//a[@id='summer']")?;
        self.phone.wait_for("//h1[@id='title']")?;
        self.phone.page_is_well("vitrine-summer", "fr")
    }

    /// One click; gives login and password of its first administrator, which the page shows once.
    pub(super) fn is_installed(&self, site: Site, kind: &str, below: &str) -> Result<(String, String)> {
        self.wishes(site, kind, "")?;
        let password = self.phone.text("//code[@id='password']")?;
        let login = self.phone.text("//code[@id='login']")?;
        self.phone.page_is_well(&format!("password-{}", site.name), "fr")?;
        self.phone.click("//a[@id='continue']")?;
        self.is_told(&format!("Le site {} est là.", site.name))?;
        self.opens(site, &format!("page-{}", site.name))?;
        let entrance = self.phone.text("//a[@id='entrance']")?;
        ensure!(entrance == format!("{}{below}", address(site)), "its editors are led to {entrance}");
        Ok((login, password))
    }

    /// On SPIP's own pages.
    fn editor_signs_in(&self, site: Site, (login, password): &(String, String)) -> Result<()> {
        self.phone.go(&format!("{}ecrire/", address(site)))?;
        self.phone.fill("//input[@id='var_login']", login)?;
        self.phone.fill("//input[@id='password']", password)?;
        self.phone.click("//form[@id='formulaire_login']//input[@type='submit']")?;
        self.phone.wait_for("//*[@id='bando_haut']").context("they are not let in")?;
        // Its pages are not ours to judge.
        self.phone.forget_complaints()
    }

    /// All of a site is kept by a click, changed, and brought back by a click.
    fn comes_back(&self, before: &str) -> Result<()> {
        self.opens(SPIP, "before-archive")?;
        self.phone.click("//button[@id='back-up']")?;
        self.is_told("L’archive du site amis est faite.")?;
        self.phone.page_is_well("archive", "fr")?;
        let listed = self.shell()?.ask("mazetd websites fetch amis | tar --list --gzip")?;
        ensure!(listed.lines().any(|line| line == "0/config/connect.php"), "the archive holds {listed}");
        self.holds("juillet")?;
        self.shell()?
            .ask("echo new >/srv/sites/amis/IMG/new.txt && chmod 644 /srv/sites/amis/IMG/new.txt")?;
        let visitor = self.stranger(SPIP)?;
        ensure!(visitor.get("/IMG/new.txt")?.status == 200, "what was added is not shown");
        ensure!(self.seen(SPIP)? != before, "a change of the site is not to be seen");
        self.phone.click("//details[starts-with(@id, 'back-to-')]/summary")?;
        self.phone.click("//button[starts-with(@id, 'restore-')]")?;
        self.is_told("Le site amis est redevenu ce qu’il était.")?;
        self.is_as_before(SPIP, before)?;
        let poster = visitor.get("/IMG/affiche.txt")?.body;
        ensure!(poster.trim() == "juin", "an uploaded file is {poster:?}");
        ensure!(
            visitor.get("/IMG/new.txt")?.status == 404,
            "what was added after the archive is still there"
        );
        self.is_well()
    }

    /// A site goes by a click, with all that was its own; the folder of another stays when that one goes.
    fn leaves_nothing(&self) -> Result<()> {
        self.opens(OTHER, "before-removal")?;
        self.phone.fill("//input[@id='typed']", OTHER.name)?;
        self.phone.click("//button[@id='remove']")?;
        self.is_told("Le site balade est supprimé")?;
        self.phone.page_is_well("removed", "fr")?;
        let left = self.shell()?.ask(
            "grep --with-filename balade /etc/passwd /etc/group /etc/shadow /etc/gshadow /srv/mazet/box.toml; \
             find /etc /run /srv /var -xdev -name '*balade*'; ss -lntH | grep ':20003 '; \
             systemctl list-units --all --plain --no-legend '*balade*'; \
             systemctl list-unit-files --no-legend '*@balade*'; true",
        )?;
        ensure!(left.trim().is_empty(), "of the removed site, there is still:\n{left}");
        ensure!(self.stranger(OTHER)?.get("/").is_err(), "somebody answers at the removed site's port");
        let (gone, never) = (self.led_from("balade")?, self.led_from("jamais")?);
        let never = (never.0, never.1.replace("jamais", "balade"));
        ensure!(gone == never, "the removed site's path is answered {gone:?}, one that never was {never:?}");
        self.is_well()
    }
}

/// As a stranger.
impl Story<'_> {
    /// Somebody without an account, at the address that the box's page shows.
    pub(super) fn stranger(&self, site: Site) -> Result<Visitor<'_>> {
        let jar = self.bench.path(&format!("stranger-{}", site.name));
        Ok(Visitor::led(&self.bench.lab, &address(site), self.qemu.port(site.port)?, &jar))
    }

    /// How the box's own name answers for a site: status, and where it leads.
    fn led_from(&self, name: &str) -> Result<(u16, String)> {
        let base = format!("https://{}.local", FRENCH.box_name);
        let jar = self.bench.path("stranger");
        let visitor = Visitor::led(&self.bench.lab, &base, self.qemu.port(443)?, &jar);
        let reply = visitor.get(&format!("/site/{name}/"))?;
        Ok((reply.status, reply.redirect))
    }

    /// What a stranger is answered: status, where to, and the text of pages.
    pub(super) fn seen(&self, site: Site) -> Result<String> {
        let (status, to) = self.led_from(site.name)?;
        ensure!((status, &to) == (302, &address(site)), "/site/{}/ is answered {status} {to}", site.name);
        let visitor = self.stranger(site)?;
        // What is asked for first may still be put together.
        visitor.get("/")?;
        let mut text = String::new();
        for (path, answer) in site.paths {
            let reply = visitor.get(path)?;
            let good = match answer {
                Answer::Page(part) | Answer::Form(part) => reply.status == 200 && reply.body.contains(part),
                Answer::Led => (301..=303).contains(&reply.status),
                Answer::Refused => [400, 403, 404].contains(&reply.status),
            };
            let what = format!("{} {}", reply.status, reply.redirect);
            ensure!(good, "{}: {path} is answered {what}: {}", site.name, reply.body);
            // Each server has its own way to say no.
            let what = if *answer == Answer::Refused { "refused".to_owned() } else { what };
            let body = if matches!(answer, Answer::Page(_)) { lasting(&reply.body) } else { String::new() };
            writeln!(text, "== {path}\n{what}\n{body}")?;
        }
        Ok(text)
    }

    pub(super) fn is_as_before(&self, site: Site, before: &str) -> Result<()> {
        let now = self.seen(site)?;
        ensure!(now == before, "{} answers otherwise:\n{now}\nbefore:\n{before}", site.name);
        Ok(())
    }
}

/// Inside the box.
impl Story<'_> {
    pub(super) fn shell(&self) -> Result<&GuestShell> {
        Ok(self.qemu.shell()?)
    }

    /// Makes a month the title of the SPIP site, and the text of a file that was uploaded there.
    fn holds(&self, month: &str) -> Result<()> {
        let script = format!(
            "cd /srv/sites/amis && runuser -u site-amis -- php8.4 <<'END' && echo {month} >IMG/affiche.txt && \
             chown site-amis: IMG/affiche.txt && chmod 644 IMG/affiche.txt && rm -rf tmp/cache/* tmp/meta_cache.php\n\
             <?php\n\
             $base = new PDO('sqlite:/srv/sites/amis/config/bases/spip.sqlite');\n\
             $base->exec(\"replace into spip_meta (nom, valeur, impt) values ('nom_site', 'Amis de {month}', 'oui')\");\n\
             END\n"
        );
        self.shell()?.ask(&script).with_context(|| format!("writing {month} into the site"))?;
        let home = self.stranger(SPIP)?.get("/")?.body;
        ensure!(home.contains(&format!("Amis de {month}")), "the site does not show its title: {home}");
        Ok(())
    }

    /// Somebody who can write into the sites' folders tries to have more shown than those.
    fn lay_traps(&self) -> Result<()> {
        let script = format!(
            "cd /srv/files/organisations/*/files/'{FOLDER}' && test -s /srv/files/people/{login}/files/secret.txt && \
             runuser -u mazet-files -- ln -s /etc/passwd users.txt && \
             runuser -u mazet-files -- ln -s /srv/files/people/{login}/files/secret.txt neighbour.txt && \
             runuser -u mazet-files -- cp index.html .hidden.txt && \
             for site in amis balade; do echo '<?php echo 6 * 7;' >/srv/sites/$site/IMG/laid.php && \
             chmod 644 /srv/sites/$site/IMG/laid.php; done",
            login = FRENCH.login
        );
        self.shell()?.ask(&script).context("laying traps").map(drop)
    }

    /// The programs of one site reach nothing of the other one, nor of the box, whatever PHP itself allows.
    fn are_apart(&self, site: Site, other: Site) -> Result<()> {
        let theirs = format!("/srv/sites/{}", other.name);
        let (connection, database) =
            (format!("{theirs}/config/connect.php"), format!("{theirs}/config/bases/spip.sqlite"));
        let socket = format!("/run/mazet-php/{}.sock", other.name);
        let files = [theirs.as_str(), connection.as_str(), database.as_str()]
            .into_iter()
            .chain(SECRETS.iter().copied());
        let files: Vec<&str> = files.collect();
        let sockets = SOCKETS.iter().copied().chain([socket.as_str()]);
        let there: String = files
            .iter()
            .copied()
            .chain(sockets.clone())
            .map(|path| format!("test -e {path} || echo {path};"))
            .collect();
        let missing = self.shell()?.ask(&there)?;
        ensure!(missing.trim().is_empty(), "nobody could read what is not there: {missing}");
        let sockets: Vec<String> = sockets.map(|path| format!("unix://{path}")).collect();
        // The first two show that the probe sees what there is to see.
        let mut things = vec!["/var/lib/spip/config/connect.php", "/etc/passwd"];
        things.extend(files);
        things.extend(sockets.iter().map(String::as_str));
        things.extend(ACTS);
        let reached = php::reached(self.qemu, site.name, &things, AS_IT_IS)?;
        ensure!(reached == things[..1], "{}'s programs reach {reached:?}", site.name);
        let reached = php::reached(self.qemu, site.name, &things, UNCONFINED)?;
        ensure!(reached == things[..2], "{}'s programs, unconfined by PHP, reach {reached:?}", site.name);
        Ok(())
    }

    pub(super) fn is_well(&self) -> Result<()> {
        let dry = self.shell()?.ask("mazetd apply --dry-run 2>&1")?;
        ensure!(dry.trim() == "nothing to change", "another apply would change: {dry}");
        self.shell()?.ask("mazetd health").context("the box is not well")?;
        inside::no_unit_failed(self.qemu)?;
        memory(self.qemu)
    }
}

/// Where the box's page says that a site is.
pub(super) fn address(site: Site) -> String {
    format!("https://{}/", host(site))
}

/// Name and port of a site.
pub(super) fn host(site: Site) -> String {
    format!("{}.local:{}", FRENCH.box_name, site.port)
}

/// A page without what SPIP writes anew: times of files in their addresses (`?1764…`), the names of styles and
/// scripts that it puts together, and what is due in its queue, on the last line of the body.
fn lasting(body: &str) -> String {
    let mut text = String::new();
    for line in body.lines().filter(|line| !line.contains("</body>") && !line.contains("/cache-")) {
        let mut parts = line.split('?');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let moment = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            text.push('?');
            text.push_str(if moment == 10 { &part[10..] } else { part });
        }
        text.push('\n');
    }
    text
}

/// What is in use, for the record.
pub(super) fn memory(qemu: &Qemu) -> Result<()> {
    eprintln!("  {} MiB in use: {}", inside::memory_in_use(qemu)?, inside::memory_by_program(qemu)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spip_writes_anew_is_left_out() {
        let page = "<link href=\"a.css?1764445810\">\n<link href=\"local/cache-css/b-0121ba8b.css\">\n<a href=\"/?page=plan&amp;n=2?\">\n<b></b></body>\n";
        assert_eq!(lasting(page), "<link href=\"a.css?\">\n<a href=\"/?page=plan&amp;n=2?\">\n");
    }

    #[test]
    fn sites_are_numbered_in_their_order() {
        assert_eq!([PAGES, SPIP, OTHER].map(|site| site.port), [20_001, 20_002, 20_003]);
    }
}
