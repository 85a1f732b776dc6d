//! What people hold in common on the installed box: a group's mailbox, a room that is booked, an association's calendar
//! for everybody, and what is none of another association's business.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::mail::{DOMAIN, Program};
use crate::browser::Browser;
use crate::members::{NEXT, OPERATOR};

/// Somebody of another association, and an application password of theirs.
const STRANGER: (&str, &str) = ("zoe", "ABCDEFGHJKMNPQRSTVWXYZ23");
/// Done by hand what pages do elsewhere: another association with somebody in it.
const ANOTHER: &str = "hash=$(doveadm pw -s ARGON2ID -r 2 -p ABCDEFGHJKMNPQRSTVWXYZ23 | sed 's/{ARGON2ID}//'); \
    psql -qX -v ON_ERROR_STOP=1 -h /run/postgresql -U mazet mazet <<SQL
insert into organisation (name) values ('Les Voisins');
insert into person (login, name, password) values ('zoe', 'Zoé', '$hash');
insert into membership (person_id, organisation_id)
    select person.id, organisation.id from person, organisation where login = 'zoe' and organisation.name = 'Les Voisins';
insert into application_password (person_id, name, selector, password)
    select id, 'ordinateur', 'ABCDEF', '$hash' from person where login = 'zoe';
SQL";

/// All of it.
pub fn is_held(program: &Program<'_>, phone: &Browser, base: &str) -> Result<()> {
    a_group_has_a_mailbox(program, phone, base).context("a group's mailbox")?;
    a_room_is_booked(program, phone, base).context("a room")?;
    a_calendar_is_public(program, phone, base).context("the public calendar")?;
    strangers_learn_nothing(program, base).context("somebody of another association")
}

/// On the group's page: who is in it, and that its mail is kept. Then written to, read, and written as.
fn a_group_has_a_mailbox(program: &Program<'_>, phone: &Browser, base: &str) -> Result<()> {
    phone.go(&format!("{base}/groups"))?;
    phone.fill("//input[@id='name']", "Bureau")?;
    phone.click(NEXT)?;
    phone.wait_for("//textarea[@id='address']")?;
    phone.page_is_well("group", "fr")?;
    phone.click("//label[@for='mailbox']")?;
    phone.click("//fieldset[@id='members']//label")?;
    phone.click(NEXT)?;
    phone.wait_for("//p[@id='said']")?;
    let group = account(program, "group")?;
    let address = format!("{group}@{DOMAIN}");
    let own = format!("{}@{DOMAIN}", OPERATOR.login);
    ensure!(program.sends(&own, &address, "Question")? == "0", "nobody may write to {address}");
    let letter = program.fetches(&format!("Shared/{group}"))?;
    ensure!(letter.contains("Subject: Question"), "the group's mailbox holds {letter}");
    ensure!(program.sends(&address, &own, "Réponse")? == "0", "a member may not write as {address}");
    Ok(())
}

/// It accepts by itself, and refuses who comes second.
fn a_room_is_booked(program: &Program<'_>, phone: &Browser, base: &str) -> Result<()> {
    phone.go(&format!("{base}/resources"))?;
    phone.page_is_well("resources", "fr")?;
    phone.fill("//input[@id='name']", "Grande salle")?;
    phone.click(NEXT)?;
    phone.wait_for("//ul[@id='all']/li")?;
    shares(program)?;
    let room = account(program, "location")?;
    let books = |name: &str| {
        let attendee = format!("ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{room}@{DOMAIN}\r\n");
        let organiser = format!("ORGANIZER:mailto:{}@{DOMAIN}\r\n", OPERATOR.login);
        program.puts(base, &format!("{}/Calendar/personal", OPERATOR.login), name, &(organiser + &attendee))
    };
    let (end, answer) = books("first")?;
    ensure!(end == "0", "the room could not be booked (curl: {end}): {answer}");
    let url = format!("{base}/SOGo/dav/{}/Calendar/personal/first.ics", OPERATOR.login);
    let (end, text) = program.curl(&program.password, &url, &[])?;
    ensure!(text.contains("PARTSTAT=ACCEPTED"), "the room did not accept (curl: {end}): {text}");
    let (end, answer) = books("second")?;
    ensure!(end == "22", "the room was booked twice for one hour (curl: {end}): {answer}");
    Ok(())
}

/// What stands in it is a file for everybody, and says nothing of who comes.
fn a_calendar_is_public(program: &Program<'_>, phone: &Browser, base: &str) -> Result<()> {
    let association = account(program, "organisation")?;
    let guest = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:secret@example.org\r\n";
    let (end, answer) = program.puts(base, &format!("{association}/Calendar/public"), "fete", guest)?;
    ensure!(end == "0", "a manager may not write into the public calendar (curl: {end}): {answer}");
    shares(program)?;
    let (end, text) = program.asks(None, &format!("{base}/calendars/{association}.ics"), &[])?;
    ensure!(end == "0" && text.contains("SUMMARY:fete"), "a stranger is shown ({end}): {text}");
    ensure!(!text.contains("secret@example.org"), "who comes is shown to strangers: {text}");
    phone.go(&format!("{base}/calendars/"))?;
    phone.page_is_well("public calendars", "fr")?;
    phone.wait_for(&format!("//ul[@class='rows']//a[@href='{association}.ics']"))
}

/// Neither when people are busy, nor that there are such people.
fn strangers_learn_nothing(program: &Program<'_>, base: &str) -> Result<()> {
    program.qemu.shell()?.ask(ANOTHER)?;
    let own = format!("{base}/SOGo/dav/{}/freebusy.ifb", STRANGER.0);
    let (end, answer) = program.asks(Some(STRANGER), &own, &[])?;
    ensure!(end == "0", "who is asked about themself is refused (curl: {end}): {answer}");
    for path in
        [format!("{}/freebusy.ifb", OPERATOR.login), format!("{}@{DOMAIN}/freebusy.ifb", OPERATOR.login)]
    {
        let (end, text) = program.asks(Some(STRANGER), &format!("{base}/SOGo/dav/{path}"), &[])?;
        ensure!(end == "22", "somebody of another association was told of {path} ({end}): {text}");
    }
    Ok(())
}

/// What the directory's people hold in common is shared at once, not in a minute. Not only started: one that runs already
/// may have read the directory before.
fn shares(program: &Program<'_>) -> Result<()> {
    program.qemu.shell()?.ask("systemctl restart mazet-groupware-share.service")?;
    Ok(())
}

/// The first account of that kind.
fn account(program: &Program<'_>, kind: &str) -> Result<String> {
    let question = format!(
        "psql -qXAt -h /run/postgresql -U mazet mazet -c \
         \"select login from shared_account where kind = '{kind}' order by id limit 1\""
    );
    Ok(program.qemu.shell()?.ask(&question)?.trim().to_owned())
}

impl Program<'_> {
    /// Puts an event of an hour, with lines of its own, into a calendar; how curl ends, and the answer with its
    /// status behind.
    fn puts(&self, base: &str, calendar: &str, name: &str, lines: &str) -> Result<(String, String)> {
        let file = self.bench.path("event.ics");
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Mazet//Test//FR\r\nBEGIN:VEVENT\r\nUID:{name}\r\n\
             DTSTAMP:20261130T000000Z\r\nDTSTART:20261211T180000Z\r\nDTEND:20261211T190000Z\r\nSUMMARY:{name}\r\n\
             {lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        fs::write(&file, text)?;
        let kind = "Content-Type: text/calendar; charset=utf-8";
        let file = file.display().to_string();
        let words = ["--header", kind, "--write-out", " %{http_code}", "--upload-file", &file];
        self.curl(&self.password, &format!("{base}/SOGo/dav/{calendar}/{name}.ics"), &words)
    }
}
