//! People of the box with curl: they accept their slips, sign in, and ask for pages.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;

use crate::lab::{Bench, Lab};
use crate::members;
use crate::visitor::{Reply, Visitor, csrf};

/// Somebody with an account on the box, and a slip that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Login name.
    pub login: String,
    /// The code on their slip, in groups.
    pub code: String,
}

impl Person {
    /// The password that they choose: of a test alone, long, and each its own.
    pub fn password(&self) -> String {
        format!("ruche tournesol 71 {} margelle", self.login)
    }

    /// Opens the account with the slip, and chooses the password.
    pub fn accept(&self, visitor: &Visitor<'_>) -> Result<()> {
        let page = visitor.get(&format!("/welcome?code={}", self.code.replace('-', "")))?;
        let token = csrf(&page.body)?;
        let password = self.password();
        let fields = [
            ("csrf", token.as_str()),
            ("code", self.code.as_str()),
            ("password", password.as_str()),
            ("password_again", password.as_str()),
        ];
        let reply = visitor.post("/welcome", &fields)?;
        let good = reply.status == 303 && reply.redirect.ends_with("/sign-in?said=welcome.done");
        ensure!(good, "the slip of {} is answered {} {}", self.login, reply.status, reply.redirect);
        Ok(())
    }
}

/// Signs in at the box that `visitor` asks; gives the answer to the password.
pub fn sign_in(visitor: &Visitor<'_>, login: &str, password: &str) -> Result<Reply> {
    let token = csrf(&visitor.get("/sign-in")?.body)?;
    let fields = [("csrf", token.as_str()), ("login", login), ("password", password)];
    visitor.post("/sign-in", &fields).with_context(|| format!("signing in as {login}"))
}

/// Somebody's curl, signed in with a password alone.
pub fn signed_in<'a>(
    lab: &'a Lab,
    qemu: &Qemu,
    jar: &Path,
    login: &str,
    password: &str,
) -> Result<Visitor<'a>> {
    let visitor = Visitor::new(lab, qemu, jar)?;
    let reply = sign_in(&visitor, login, password)?;
    ensure!(reply.status == 303, "{login} is not let in: {}", reply.status);
    let home = visitor.get("/")?;
    ensure!(home.body.contains("id=\"yours\""), "{login} is not shown their own home page");
    Ok(visitor)
}

/// The operator's curl, signed in with the second factor `secret`; gives the code that was `used`.
pub fn operator<'a>(
    bench: &'a Bench,
    qemu: &Qemu,
    jar: &Path,
    (login, password): (&str, &str),
    (secret, used): (&str, &str),
) -> Result<(Visitor<'a>, String)> {
    let visitor = Visitor::new(&bench.lab, qemu, jar)?;
    let reply = sign_in(&visitor, login, password)?;
    ensure!(reply.redirect.contains("/sign-in/code"), "no second factor is asked of {login}");
    let token = csrf(&visitor.get("/sign-in/code")?.body)?;
    let wrong = visitor.post("/sign-in/code", &[("csrf", &token), ("code", "000000")])?;
    ensure!(wrong.status == 422, "a wrong code is answered {}", wrong.status);
    let code = members::digits(bench, secret, used)?;
    let token = csrf(&wrong.body)?;
    let reply = visitor.post("/sign-in/code", &[("csrf", &token), ("code", &code)])?;
    ensure!(reply.status == 303, "the right code is answered {}", reply.status);
    Ok((visitor, code))
}
