//! Two associations of ten people each share a box: set up in the browser, used by every role, and the
//! same again after the web server was exchanged and after a restart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use crate::browser::{Browser, ENGLISH_DESKTOP, FRENCH_PHONE};
use crate::folk::{self, Person};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, Account, NEXT};
use crate::stories::{install, machine};
use crate::visitor::Visitor;
use crate::wizard::FRENCH;

/// The second association, beside the one of the wizard.
const SECOND: &str = "Les Randonneurs";

/// A list as a French spreadsheet writes it, with five mistakes: an unknown role, a login twice, a login
/// with a space, an address that is none, a line that is too short.
const FAULTY: &str = "nom;identifiant;courriel;rôles\n\
    Anne Martin;anne;anne@example.org;\n\
    Bruno Petit;bruno;;chef\n\
    Chloé Roux;anne;;\n\
    David Blanc;da vid;;\n\
    Emma Faure;emma;pas une adresse;\n\
    Farid Garnier;farid\n";

/// Lines of [`FAULTY`] that are wrong.
const WRONG_LINES: [&str; 5] = ["3", "4", "5", "6", "7"];

/// Nine people, as the same spreadsheet after its mending. `{}`: what makes their logins their own.
const MENDED: &str = "nom;identifiant;courriel;rôles\n\
    Anne Martin;anne{};;manager\n\
    Bruno Petit;bruno{};;site-editor\n\
    Chloé Roux;chloe{};;backup-keeper\n\
    David Blanc;david{};;\n\
    Emma Faure;emma{};;\n\
    Farid Garnier;farid{};;\n\
    Gaëlle Henry;gaelle{};;\n\
    Hugo Imbert;hugo{};;\n\
    Inès Joly;ines{};;\n";

/// What each role is answered for each page: `200` it is shown, `403` not to this role, `303` sent to
/// sign in. The columns: stranger, member, site editor, backup keeper, manager, operator.
const PAGES: [(&str, [u16; 6]); 17] = [
    ("/", [200, 200, 200, 200, 200, 200]),
    ("/connect", [303, 200, 200, 200, 200, 200]),
    ("/account", [303, 200, 200, 200, 200, 200]),
    ("/account/password", [303, 200, 200, 200, 200, 200]),
    ("/account/second-factor", [303, 200, 200, 200, 200, 200]),
    ("/account/applications", [303, 200, 200, 200, 200, 200]),
    ("/account/devices", [303, 200, 200, 200, 200, 200]),
    ("/people", [303, 403, 403, 403, 200, 200]),
    ("/people/new", [303, 403, 403, 403, 200, 200]),
    ("/people/import", [303, 403, 403, 403, 200, 200]),
    ("/groups", [303, 403, 403, 403, 200, 200]),
    ("/organisations", [303, 403, 403, 403, 403, 200]),
    ("/organisations/new", [303, 403, 403, 403, 403, 200]),
    ("/events", [303, 403, 403, 403, 200, 200]),
    ("/machine", [303, 403, 403, 403, 403, 200]),
    ("/machine/settings", [303, 403, 403, 403, 403, 200]),
    ("/machine/services", [303, 403, 403, 403, 403, 200]),
];

/// Everybody of the story, and what was learnt of them.
struct Town<'a> {
    bench: &'a Bench,
    /// Key of the operator's second factor, and the code that it gave last.
    factor: (String, String),
    /// The nine of the wizard's association, in the order of [`MENDED`].
    first: Vec<Person>,
    /// The ten of the second one: the manager, then nine more.
    second: Vec<Person>,
}

/// The story.
pub fn live(bench: &Bench) -> Result<()> {
    let machine =
        bench.machine("associations", Firmware::Bios).disk(install::installed(bench)?).ending_on_restart();
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    let desk = Browser::open(bench, ENGLISH_DESKTOP)?;
    let mut town = found(bench, &qemu, &desk)?;
    accept_all(&town, &qemu)?;
    daily(&mut town, &qemu, "nginx")?;
    machine::changes(&desk, &base(&qemu)?)?;
    daily(&mut town, &qemu, "apache")?;
    drop(desk);
    qemu.shell()?.ask("systemctl --no-block reboot")?;
    qemu.wait_end(Duration::from_secs(600)).context("the box does not restart")?;
    drop(qemu);
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    daily(&mut town, &qemu, "restarted")?;
    settled(&qemu)
}

fn base(qemu: &Qemu) -> Result<String> {
    Ok(format!("https://127.0.0.1:{}", qemu.port(443)?))
}

/// The operator fills the first association with a list that is faulty at first, makes the second, and
/// its manager fills that one from a phone.
fn found<'a>(bench: &'a Bench, qemu: &Qemu, desk: &Browser) -> Result<Town<'a>> {
    let base = base(qemu)?;
    members::sign_in(desk, &base, members::OPERATOR)?;
    let factor = members::set_up(bench, desk, "en")?;
    faulty_list(desk, &base)?;
    let first = import(desk, &base, FRENCH.organisation, &MENDED.replace("{}", ""))?;
    desk.page_is_well("papers", "en")?;
    members::add_organisation(desk, &base, SECOND, "rando.example.org")?;
    let slip = members::invite(desk, &base, SECOND, ("Max Roche", "max"), true)?;
    let manager = Person { login: "max".to_owned(), code: slip.code.clone() };
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    let password = manager.password();
    members::accept(&phone, &base, &slip, &password, "fr")?;
    members::sign_in(&phone, &base, Account { login: "max", password: &password })?;
    phone.wait_for("//ul[@id='yours']")?;
    let mut second = vec![manager];
    second.extend(import(&phone, &base, SECOND, &MENDED.replace("{}", ".rando"))?);
    phone.page_is_well("papers-phone", "fr")?;
    ensure!((first.len(), second.len()) == (9, 10), "{} and {} slips", first.len(), second.len());
    members::sees_people(&phone, &base, &["max", "ines.rando"], false)?;
    ensure!(phone.count("#people > li")? == 10, "the manager does not see their ten people");
    Ok(Town { bench, factor, first, second })
}

/// Every bad line of a list is reported, and nothing of it is taken in.
fn faulty_list(desk: &Browser, base: &str) -> Result<()> {
    paste(desk, base, FRENCH.organisation, FAULTY)?;
    let said = desk.text("//section[@id='faults']")?;
    for line in WRONG_LINES {
        ensure!(said.contains(&format!("Line {line}")), "the mistake of line {line} is not told: {said}");
    }
    ensure!(!said.contains("Line 2"), "a good line is called faulty: {said}");
    ensure!(desk.count("#continue")? == 0, "a faulty list can be taken in");
    desk.page_is_well("faulty-list", "en")
}

/// A list, previewed and taken in; gives what the slips say.
pub fn import(browser: &Browser, base: &str, organisation: &str, list: &str) -> Result<Vec<Person>> {
    paste(browser, base, organisation, list)?;
    ensure!(browser.count("#faults")? == 0, "the mended list is faulty: {:?}", browser.text_now("#faults")?);
    browser.click(NEXT)?;
    browser.wait_for("//h1[@id='papers']")?;
    let slips = browser.texts("article.slip dd code")?;
    // On each slip: login, address, code.
    let person = |slip: &[String]| Person { login: slip[0].clone(), code: slip[2].clone() };
    Ok(slips.chunks_exact(3).map(person).collect())
}

fn paste(browser: &Browser, base: &str, organisation: &str, list: &str) -> Result<()> {
    browser.go(&format!("{base}/people/import"))?;
    browser.click(&format!("//select[@id='organisation']/option[text()=\"{organisation}\"]"))?;
    browser.fill("//textarea[@id='text']", list)?;
    browser.click(NEXT)?;
    browser.wait_for("//h1[@id='preview']")
}

/// All but the manager, who has accepted on a phone.
fn accept_all(town: &Town<'_>, qemu: &Qemu) -> Result<()> {
    for person in town.first.iter().chain(&town.second[1..]) {
        let jar = town.bench.path(&format!("accept-{}", person.login));
        person.accept(&Visitor::new(&town.bench.lab, qemu, &jar)?)?;
    }
    Ok(())
}

/// What goes on every day, whatever serves the pages and however often the box was started.
fn daily(town: &mut Town<'_>, qemu: &Qemu, when: &str) -> Result<()> {
    every_role(town, qemu, when).with_context(|| format!("{when}: roles"))?;
    nothing_of_the_others(town, qemu, when).with_context(|| format!("{when}: two associations"))?;
    invited_on_a_phone(town, qemu, when).with_context(|| format!("{when}: an invitation"))?;
    another_password(town, qemu, when).with_context(|| format!("{when}: another password"))?;
    settled(qemu).with_context(|| format!("{when}: the applied state"))
}

/// Every page, asked for by every role.
fn every_role(town: &mut Town<'_>, qemu: &Qemu, when: &str) -> Result<()> {
    let jar = |who: &str| town.bench.path(&format!("{when}-{who}"));
    let lab = &town.bench.lab;
    let mut visitors = vec![("stranger", Visitor::new(lab, qemu, &jar("stranger"))?)];
    for (role, index) in [("member", 3), ("site editor", 1), ("backup keeper", 2), ("manager", 0)] {
        let person = &town.first[index];
        let visitor = folk::signed_in(lab, qemu, &jar(&person.login), &person.login, &person.password())?;
        visitors.push((role, visitor));
    }
    let (secret, used) = &town.factor;
    let operator = (FRENCH.login, FRENCH.password);
    let (visitor, code) = folk::operator(town.bench, qemu, &jar("operator"), operator, (secret, used))?;
    visitors.push(("operator", visitor));
    let mut wrong = Vec::new();
    for (column, (role, visitor)) in visitors.iter().enumerate() {
        for (path, answers) in PAGES {
            let status = visitor.get(path)?.status;
            if status != answers[column] {
                wrong.push(format!("{path} as {role}: {status}, not {}", answers[column]));
            }
        }
    }
    ensure!(wrong.is_empty(), "answered otherwise than the table says:\n{}", wrong.join("\n"));
    town.factor.1 = code;
    Ok(())
}

/// A manager finds nobody of the other association, neither in lists nor by number.
fn nothing_of_the_others(town: &Town<'_>, qemu: &Qemu, when: &str) -> Result<()> {
    let manager = &town.second[0];
    let jar = town.bench.path(&format!("{when}-{}", manager.login));
    let visitor = folk::signed_in(&town.bench.lab, qemu, &jar, &manager.login, &manager.password())?;
    let list = visitor.get("/people")?.body;
    let own = list.split("/people/export?organisation=").nth(1).and_then(|rest| rest.split('"').next());
    let own: u64 = own.unwrap_or_default().parse().context("the manager is offered no export")?;
    let export = visitor.get(&format!("/people/export?organisation={own}"))?.body;
    let known = |line: &str| [".rando", "max", "new."].into_iter().any(|login| line.contains(login));
    let strange: Vec<&str> = export.lines().skip(1).filter(|line| !known(line)).collect();
    ensure!(export.lines().count() > 10 && strange.is_empty(), "the export is not of the ten: {export}");
    // The wizard's association is the first that was made.
    let status = visitor.get("/people/export?organisation=1")?.status;
    ensure!(own != 1 && status == 404, "the other association's export is answered {status}");
    let foreign = qemu.shell()?.ask(
        "/usr/lib/postgresql/17/bin/psql -XqAt -h /run/postgresql -U mazet -d mazet \
         -c \"select id from person where login in ('anne', 'elise')\"",
    )?;
    ensure!(foreign.lines().count() == 2, "the directory holds {foreign}");
    for id in foreign.lines() {
        let status = visitor.get(&format!("/people/{id}"))?.status;
        ensure!(status == 404, "somebody of another association is answered {status}");
    }
    Ok(())
}

/// The manager invites one more from the phone; the invitation is accepted on a phone.
fn invited_on_a_phone(town: &Town<'_>, qemu: &Qemu, when: &str) -> Result<()> {
    let (base, manager) = (base(qemu)?, &town.second[0]);
    let password = manager.password();
    let phone = Browser::open(town.bench, FRENCH_PHONE)?;
    members::sign_in(&phone, &base, Account { login: &manager.login, password: &password })?;
    phone.wait_for("//ul[@id='yours']")?;
    let login = format!("new.{when}");
    let slip = members::invite(&phone, &base, SECOND, ("Jeanne Kermarec", &login), false)?;
    let other = Browser::open(town.bench, FRENCH_PHONE)?;
    let person = Person { login, code: slip.code.clone() };
    members::accept(&other, &base, &slip, &person.password(), "fr")?;
    members::sign_in(&other, &base, Account { login: &person.login, password: &person.password() })?;
    other.wait_for("//ul[@id='yours']")
}

/// A member forgot their password: a slip of the manager's, and another password on a phone.
fn another_password(town: &Town<'_>, qemu: &Qemu, when: &str) -> Result<()> {
    let (base, manager) = (base(qemu)?, &town.second[0]);
    let login = format!("new.{when}");
    let desk = Browser::open(town.bench, ENGLISH_DESKTOP)?;
    members::sign_in(&desk, &base, Account { login: &manager.login, password: &manager.password() })?;
    desk.wait_for("//ul[@id='yours']")?;
    desk.go(&format!("{base}/people?q={login}"))?;
    desk.click("//ul[@id='people']//a")?;
    desk.wait_for("//h1[@id='person']")?;
    desk.click("//button[@id='do-reset']")?;
    desk.wait_for("//h1[@id='paper']")?;
    let code = desk.text("//code[@id='code']")?.replace('-', "");
    let phone = Browser::open(town.bench, FRENCH_PHONE)?;
    phone.go(&format!("{base}/reset?code={code}"))?;
    phone.click(NEXT)?;
    phone.wait_for("//h1[@id='choose']")?;
    let password = format!("auvent 29 glycine {when} bastide");
    phone.fill("//input[@id='password']", &password)?;
    phone.fill("//input[@id='password_again']", &password)?;
    phone.click(NEXT)?;
    phone.wait_for("//form[@id='sign-in-form']")?;
    let person = Person { login, code };
    let jar = town.bench.path(&format!("{when}-old-password"));
    let old = folk::sign_in(&Visitor::new(&town.bench.lab, qemu, &jar)?, &person.login, &person.password())?;
    ensure!(old.status == 422, "the forgotten password is answered {}", old.status);
    members::sign_in(&phone, &base, Account { login: &person.login, password: &password })?;
    phone.wait_for("//ul[@id='yours']")
}

/// Nothing is left to apply, and the box is well.
fn settled(qemu: &Qemu) -> Result<()> {
    let shell = qemu.shell()?;
    let dry = shell.ask("mazetd apply --dry-run 2>&1")?;
    ensure!(dry.trim() == "nothing to change", "applying again would change: {dry}");
    inside::no_unit_failed(qemu)?;
    shell.ask("mazetd health").context("the box is not well").map(drop)
}
