//! The installed box's databases, looked at from inside.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::firmware::Firmware;
use mazet_boot::guest::GuestShell;
use mazet_boot::watch::Goal;
use serde_json::Value;

use crate::inside::{self, System};
use crate::lab::Bench;
use crate::stories::install;
use crate::wizard::FRENCH;

/// A query as root, in the role of the superuser or another.
fn ask(shell: &GuestShell, role: &str, database: &str, query: &str) -> Result<String> {
    let psql = "/usr/lib/postgresql/17/bin/psql -XqAt -h /run/postgresql";
    let text = shell.ask(&format!("{psql} -U {role} -d {database} -c \"{query}\""));
    text.with_context(|| format!("as {role} in {database}"))
}

/// After the installation: PostgreSQL by its socket alone, least privilege, the wizard's people, and
/// nothing to change; the data is taken over by a server that starts anew.
pub fn is_up(bench: &Bench) -> Result<()> {
    let machine = bench.machine("database", Firmware::Bios).disk(install::installed(bench)?);
    let qemu = bench.boot(&machine, &Goal::home())?;
    let shell = qemu.shell()?;
    shell.wait_ready(Duration::from_secs(300))?;
    shell.ask("systemctl is-active postgresql@17-main.service mazet-database.service")?;
    by_socket_alone(&qemu)?;
    least_privilege(shell)?;
    first_people(shell)?;
    applied_again(shell)?;
    guessers_are_shut_out(shell)?;
    taken_over(shell)?;
    inside::no_unit_failed(&qemu)?;
    shell.ask("mazetd health").context("the box is not well")?;
    eprintln!("  {}: {} MiB of memory in use", machine.name, inside::memory_in_use(&qemu)?);
    eprintln!("  of it, in MiB: {}", inside::memory_by_program(&qemu)?);
    let sizes = "for p in $(pgrep -u postgres); do awk '/^Pss:/ {s += $2} END {print s}' /proc/$p/smaps_rollup; done | \
                 awk '{s += $1} END {print int(s / 1024)}'";
    eprintln!("  PostgreSQL: {} MiB (PSS)", shell.ask(sizes)?);
    Ok(())
}

fn by_socket_alone(qemu: &Qemu) -> Result<()> {
    inside::only_named_ports(qemu, System::Installed)?;
    let shell = qemu.shell()?;
    for (setting, wanted) in [
        ("listen_addresses", ""),
        ("data_checksums", "on"),
        ("jit", "off"),
        ("max_connections", "60"),
        ("unix_socket_directories", "/run/postgresql"),
    ] {
        let found = ask(shell, "postgres", "postgres", &format!("show {setting}"))?;
        ensure!(found == wanted, "{setting} is {found:?}");
    }
    let buffers = ask(shell, "postgres", "postgres", "show shared_buffers")?;
    let memory = shell.ask("awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo")?;
    let wanted = (memory.trim().parse::<u64>()? / 32).clamp(32, 512);
    ensure!(buffers == format!("{wanted}MB"), "shared_buffers is {buffers} on a machine of {memory} MiB");
    Ok(())
}

/// Who gets in as whom, and what they may do then.
fn least_privilege(shell: &GuestShell) -> Result<()> {
    let super_users =
        "select string_agg(rolname, ' ') from pg_roles where rolsuper or rolcreaterole or rolcreatedb";
    ensure!(ask(shell, "postgres", "postgres", super_users)? == "postgres", "another role may do too much");
    let as_user = |user: &str, role: &str, database: &str, query: &str| {
        let psql = "/usr/lib/postgresql/17/bin/psql -XqAt -h /run/postgresql";
        shell.run(
            &format!("setpriv --reuid={user} --regid={user} --clear-groups {psql} -U {role} -d {database} -c \"{query}\""),
            Duration::from_secs(60),
        )
    };
    let own = as_user("mazetd", "mazetd", "mazet", "select count(*) from person")?;
    ensure!(own.status == 0 && own.text == "1", "the pages' role sees {own:?}");
    for (user, role, database, query, said) in [
        ("mazetd", "postgres", "mazet", "select 1", "Peer authentication failed"),
        ("mazetd", "mazet", "mazet", "select 1", "Peer authentication failed"),
        ("www-data", "mazetd", "mazet", "select 1", "Peer authentication failed"),
        ("www-data", "www-data", "mazet", "select 1", "does not exist"),
        ("mazetd", "mazetd", "postgres", "select 1", "permission denied for database"),
        ("mazetd", "mazetd", "mazet", "delete from audit", "permission denied for table audit"),
        ("mazetd", "mazetd", "mazet", "create table x ()", "permission denied for schema public"),
    ] {
        let found = as_user(user, role, database, query)?;
        ensure!(found.status != 0 && found.text.contains(said), "{user} as {role}: {query}: {found:?}");
    }
    Ok(())
}

/// The association and the operator, as the wizard was told.
fn first_people(shell: &GuestShell) -> Result<()> {
    let read = |command: &str| -> Result<Value> {
        let text = shell.ask(command)?;
        serde_json::from_str(&text).with_context(|| format!("reading {text}"))
    };
    let organisations = read("mazetd organisations list --json")?;
    ensure!(organisations[0]["name"] == FRENCH.organisation, "the first association is {organisations}");
    let people = read("mazetd people list --json")?;
    let [operator] = people.as_array().map(Vec::as_slice).unwrap_or_default() else {
        anyhow::bail!("there should be one person: {people}")
    };
    ensure!(operator["login"] == FRENCH.login && operator["name"] == FRENCH.operator, "{operator}");
    ensure!(operator["operator"] == true && operator["state"] == "active", "{operator}");
    ensure!(operator["memberships"][0]["roles"][0] == "manager", "{operator}");
    let same = "test \"$(/usr/lib/postgresql/17/bin/psql -XqAt -h /run/postgresql -U mazet -d mazet \
                -c 'select password from person')\" = \"$(cat /srv/mazet/secrets/operator.phc)\"";
    shell.ask(same).context("the operator has another password than the wizard was given").map(drop)
}

fn applied_again(shell: &GuestShell) -> Result<()> {
    for command in ["mazetd apply 2>&1", "mazetd apply --dry-run 2>&1"] {
        let said = shell.ask(command)?;
        ensure!(said.contains("nothing to change"), "{command}: {said}");
    }
    let said = shell.ask("mazetd database 2>&1")?;
    ensure!(said.trim().is_empty(), "mazetd database changed something: {said}");
    Ok(())
}

/// fail2ban knows the line of a refused try, and its ban gets into the firewall and survives a reload
/// of ours.
fn guessers_are_shut_out(shell: &GuestShell) -> Result<()> {
    let line = "cabanon mazetd[12]: sign-in refused from 192.0.2.7";
    let found = shell.ask(&format!("fail2ban-regex '{line}' /etc/fail2ban/filter.d/mazet.conf"))?;
    ensure!(found.contains("1 matched"), "fail2ban does not know the line: {found}");
    shell.ask("fail2ban-client set mazet banip 192.0.2.7 && systemctl reload nftables.service")?;
    let rules = shell.ask("nft list ruleset")?;
    ensure!(rules.contains("192.0.2.7"), "the address is not shut out:\n{rules}");
    ensure!(rules.contains("table inet mazet"), "the firewall is gone:\n{rules}");
    shell.ask("fail2ban-client set mazet unbanip 192.0.2.7")?;
    let memory =
        "awk '/^Pss:/ {print int($2 / 1024)}' /proc/$(systemctl show -P MainPID fail2ban)/smaps_rollup";
    eprintln!("  fail2ban: {} MiB (PSS)", shell.ask(memory)?);
    Ok(())
}

/// What is there is taken over, with all that is in it, as after a reinstall; the owner of the data is
/// a number that no reinstall changes.
fn taken_over(shell: &GuestShell) -> Result<()> {
    let code = shell.ask("mazetd people add zoe 'Zoé Le Goff' 2>/dev/null")?;
    ensure!(code.len() == 14, "the code of an invitation is {code:?}");
    let owner = shell.ask("stat --format=%u:%g:%a /srv/postgresql/17/main")?;
    ensure!(owner == "901:901:700", "the data belongs to {owner}");
    let before = ask(shell, "postgres", "postgres", "select system_identifier from pg_control_system()")?;
    shell
        .ask("rm -rf /run/postgresql/17-main.memory.conf && systemctl restart postgresql@17-main.service")?;
    let after = ask(shell, "postgres", "postgres", "select system_identifier from pg_control_system()")?;
    ensure!(before == after, "another cluster was made");
    let people = ask(shell, "mazetd", "mazet", "select string_agg(login, ' ' order by login) from person")?;
    ensure!(people == "elise zoe", "people are {people}");
    Ok(())
}
