//! What the operator sees of mail and chooses of it: mail that waits and is tried again, mail that was refused, the
//! ways of mail, and a mailbox elsewhere.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;

use crate::browser::Browser;
use crate::members::{NEXT, OPERATOR};

/// Time for a change of the box's settings, or a letter, on an emulated machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// A letter that cannot be brought, as the mailboxes are closed; ends when Postfix knows that.
const WAITS: &str = "systemctl stop dovecot.service && printf 'Subject: Attente\\n\\nBonjour.\\n' | \
                     sendmail -f OWN OWN && timeout 120 sh -c 'until postqueue -j | grep -q delay_reason; do sleep 1; done'";
/// The mailboxes are open again.
const OPEN: &str = "systemctl start dovecot.service";
/// Ends when nothing waits.
const GONE: &str = "timeout 120 sh -c 'until test -z \"$(postqueue -j)\"; do sleep 1; done'";

/// All of it, by a French phone that is signed in as the operator; `refused` once tried to write under another
/// address.
pub fn are_seen(qemu: &Qemu, phone: &Browser, base: &str, domain: &str, refused: &str) -> Result<()> {
    queue(qemu, phone, base, domain, refused).context("mail under way")?;
    ways(qemu, phone, base).context("the ways of mail")?;
    elsewhere(qemu, phone, base, domain).context("a mailbox elsewhere")
}

fn queue(qemu: &Qemu, phone: &Browser, base: &str, domain: &str, refused: &str) -> Result<()> {
    let own = format!("{}@{domain}", OPERATOR.login);
    // The webmail that is open would ask mailboxes that are closed.
    phone.go(&format!("{base}/"))?;
    qemu.shell()?.ask(&WAITS.replace("OWN", &own)).context("no letter waits")?;
    phone.go(&format!("{base}/machine/reports/mail/queue"))?;
    phone.wait_for("//h1[.='Courrier en route']")?;
    phone.page_is_well("mail under way", "fr")?;
    let rows = phone.texts("ul.rows > li")?.join("\n");
    ensure!(rows.contains(&format!("De {own}, pour {own}")), "what waits is not told: {rows}");
    ensure!(rows.contains(refused), "what was refused is not told: {rows}");
    qemu.shell()?.ask(OPEN)?;
    phone.click("//button[@value='retry']")?;
    phone.wait_for("//p[@id='said']")?;
    qemu.shell()?.ask(GONE).context("the letter still waits")?;
    phone.go(&format!("{base}/machine/reports/mail/queue"))?;
    phone.wait_for("//p[.='Rien n’attend.']")
}

fn ways(qemu: &Qemu, phone: &Browser, base: &str) -> Result<()> {
    phone.go(&format!("{base}/machine/reports/mail/open"))?;
    phone.wait_long_for("//h2[.='Ce qu’il faut']", PATIENCE)?;
    phone.page_is_well("a full mail server", "fr")?;
    for (way, told) in [("inside", "error"), ("relay", "error")] {
        phone.go(&format!("{base}/machine/services"))?;
        let offered = phone.count("#option-mail-way-full:not(:disabled)")?;
        ensure!(offered == 0, "a full server is offered to a box that has no public name");
        phone.click(&format!("//input[@id='option-mail-way-{way}']"))?;
        phone.click(NEXT)?;
        phone.click("//button[@id='confirm']")?;
        phone
            .wait_long_for("//p[@id='done']", PATIENCE)
            .with_context(|| format!("choosing {way} does not end"))?;
        let transport = qemu.shell()?.ask("postconf -h default_transport")?;
        ensure!(transport.starts_with(told), "{way}: mail for others goes by {transport}");
    }
    Ok(())
}

fn elsewhere(qemu: &Qemu, phone: &Browser, base: &str, domain: &str) -> Result<()> {
    phone.go(&format!("{base}/machine/reports/mail/fetch"))?;
    phone.wait_for("//form[@id='adding-form']")?;
    phone.page_is_well("mailboxes elsewhere", "fr")?;
    let own = format!("{}@{domain}", OPERATOR.login);
    for (field, value) in
        [("host", "imap.nowhere.invalid"), ("user", "contact"), ("password", "sésame 42"), ("to", &own)]
    {
        phone.fill(&format!("//input[@id='{field}']"), value)?;
    }
    phone.click("//button[@id='add']")?;
    phone.wait_for("//button[@value='forget']")?;
    ensure!(!phone.texts("main")?.join("\n").contains("sésame"), "the page shows the password");
    let modes =
        qemu.shell()?.ask("stat -c '%a %U' /srv/mazet/secrets/mail-fetch /srv/mazet/secrets/mail-fetch/*")?;
    ensure!(modes.trim() == "700 root\n600 root", "who may read the password: {modes}");
    phone.click("//button[@value='fetch']")?;
    phone.wait_long_for("//p[@id='said']", PATIENCE)?;
    let rows = phone.texts("ul.rows > li")?.join("\n");
    ensure!(rows.contains("imap.nowhere.invalid") && rows.contains("À regarder"), "the page says: {rows}");
    phone.click("//button[@value='forget']")?;
    phone.wait_for("//p[.='Aucune.']")
}
