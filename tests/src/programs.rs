//! Mail and calendar programs that we did not write, as a few scripts in Python make them work, and the people of the
//! box whose programs they are.

use std::fs;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use serde_json::{Value, json};

use crate::browser::{Browser, ENGLISH_DESKTOP};
use crate::lab::Bench;
use crate::members::{self, Account};
use crate::stories::mail::DOMAIN;

/// The box as the scripts see it.
const BOX: &str = include_str!("../clients/box.py");
/// Everybody's password, but for `accents`, whose it is with an accent: Python's smtplib writes ASCII alone.
const PASSWORD: &str = "sesame du jardin 42";
const ACCENTED: &str = "sésame du jardin 42";
/// What the box keeps of the two, at the cost at which it makes such hashes itself.
const HASHES: [&str; 2] = [
    "$argon2id$v=19$m=19456,t=2,p=1$54TKmIplgvqroszFPgm9Cg$3LZnxdmtdWal+BQs24KNR8Uu/JOlUTQm2qkBoSf9O+Q",
    "$argon2id$v=19$m=19456,t=2,p=1$cYcV7X7ef0ZZkmu8agKU5g$QNg820JrkBEcPs5IIV9lmm8z6Y3jk0FKni2WoUfYBmY",
];
/// People of an association, and of another, by hand: pages make them elsewhere (`associations-of-ten`).
const PEOPLE: &str = "hash='HASH'; accented='OTHER'; \
    psql -qX -v ON_ERROR_STOP=1 -h /run/postgresql -U mazet mazet <<SQL
insert into organisation (name) values ('Les Écrivains'), ('Les Voisins');
insert into person (login, name, password)
    select login, login, '$hash'
    from unnest(string_to_array('one two three four five six seven eight nine ten tight away', ' ')) as login;
insert into membership (person_id, organisation_id)
    select person.id, organisation.id from person, organisation
    where person.password = '$hash' and organisation.name = case login when 'away' then 'Les Voisins' else 'Les Écrivains' end;
insert into person (login, name, password) values ('accents', 'accents', '$accented');
insert into membership (person_id, organisation_id)
    select person.id, organisation.id from person, organisation
    where login = 'accents' and organisation.name = 'Les Écrivains';
SQL";

/// A folder of scripts, the box that they are for, and its people.
pub struct Programs<'a> {
    bench: &'a Bench,
    qemu: &'a Qemu,
    base: String,
}

impl<'a> Programs<'a> {
    /// Makes the people and lays the scripts down.
    pub fn new(bench: &'a Bench, qemu: &'a Qemu) -> Result<Self> {
        qemu.shell()?
            .ask(&PEOPLE.replace("HASH", HASHES[0]).replace("OTHER", HASHES[1]))
            .context("making people")?;
        fs::write(bench.path("box.py"), BOX)?;
        fs::write(bench.path("authority.pem"), qemu.shell()?.ask("cat /srv/mazet/tls/authority.pem")?)?;
        Ok(Self { bench, qemu, base: format!("https://127.0.0.1:{}", qemu.port(443)?) })
    }

    /// Runs these parts of a script, and shows what they saw; `more` is what it needs to know besides.
    pub fn run(&self, script: &str, parts: &[&str], ports: &[u16], more: &Value) -> Result<()> {
        let mut found = serde_json::Map::new();
        for port in ports {
            found.insert(port.to_string(), json!(self.qemu.port(*port)?));
        }
        let mut spec = json!({
            "name": DOMAIN, "authority": self.bench.path("authority.pem"), "ports": found, "password": PASSWORD,
            "accented": ACCENTED, "parts": parts,
        });
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
        }
        let (file, program) = (self.bench.path("spec.json"), self.bench.path("script.py"));
        fs::write(&file, spec.to_string())?;
        fs::write(&program, script)?;
        let mut command = self.bench.lab.test_tree.command("python3");
        let output = command.arg("-uB").arg(program).arg(file).output().context("starting Python")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        print!("{said}");
        ensure!(
            output.status.success() && parts.iter().all(|part| said.contains(&format!("{part}: "))),
            "the programs ended with {}, after {said}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// One of the people in front of the pages of mail and calendars: what their script says of these.
    pub fn in_the_pages(&self, login: &str, page: &str, script: &str) -> Result<()> {
        let desktop = Browser::open(self.bench, ENGLISH_DESKTOP)?;
        members::sign_in(&desktop, &self.base, Account { login, password: PASSWORD })?;
        desktop.wait_for("//ul[@id='yours']")?;
        // At its first page on an emulated machine it takes longer than the web server waits.
        for _ in 0..5 {
            desktop.go(&format!("{}/SOGo/so/{login}/{page}", self.base))?;
            if desktop.count("body[ng-app]")? > 0 {
                break;
            }
        }
        desktop.wait_for("//body[starts-with(@ng-app, 'SOGo.')]")?;
        let answer = desktop.answer_of(&script.replace("DOMAIN", DOMAIN))?;
        ensure!(answer.starts_with("200"), "{page} answers {login}: {answer}");
        Ok(())
    }

    /// Where the box's pages are.
    pub fn base(&self) -> &str {
        &self.base
    }
}
