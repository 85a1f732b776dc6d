//! The box changes its front web server, both ways, while it runs.

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;

use crate::inside::{self, System};
use crate::lab::Bench;
use crate::stories::install;
use crate::visitor::{Reply, Visitor};

/// Pages that both servers answer alike: there, not there, and oddly written. Of `//done`, nginx gives the
/// service both slashes and Apache one; who may ask is judged by one in both.
const PATHS: [&str; 6] = ["/", "/done", "/robots.txt", "/missing", "/a%2Fb?c=d", "/x/%2e%2e/y"];
/// Headers that are each server's own affair.
const OWN: [&str; 6] = ["date", "server", "connection", "content-length", "content-type", "vary"];

/// A server that does not start leaves the other one running; one that does takes over, and hands back.
pub fn switches(bench: &Bench) -> Result<()> {
    let qemu = install::running(bench, "web-server")?;
    inside::no_unit_failed(&qemu)?;
    let nginx = seen(bench, &qemu)?;
    broken(bench, &qemu, &nginx)?;
    let changed = choose(&qemu, "apache")?;
    for step in ["disable nginx.service", "enable apache2.service"] {
        ensure!(changed.contains(step), "apply did not {step}: {changed}");
    }
    is_well(&qemu, "apache2.service", "nginx.service")?;
    let apache = seen(bench, &qemu)?;
    ensure!(apache == nginx, "Apache answers otherwise than nginx:\n{apache}\nnginx answered:\n{nginx}");
    measured(&qemu)?;
    choose(&qemu, "nginx")?;
    is_well(&qemu, "nginx.service", "apache2.service")?;
    let again = seen(bench, &qemu)?;
    ensure!(again == nginx, "nginx answers otherwise than before:\n{again}\nbefore:\n{nginx}");
    Ok(())
}

/// What the operator does today: a line in box.toml, then apply. Returns what apply said.
pub fn choose(qemu: &Qemu, server: &str) -> Result<String> {
    qemu.shell()?
        .ask(&format!("{}; mazetd apply 2>&1", set(server)))
        .with_context(|| format!("choosing {server}"))
}

fn set(server: &str) -> String {
    // Other tables may stand behind it: those of web sites do.
    format!(
        "cd /srv/mazet && awk '/^\\[/ {{ gone = ($0 == \"[alternatives]\") }} !gone' box.toml >/run/box.toml && \
         printf '\\n[alternatives]\\nweb-server = \"{server}\"\\n' >>/run/box.toml && cat /run/box.toml >box.toml"
    )
}

/// Apache cannot start: apply fails, says so, and nginx answers as before.
fn broken(bench: &Bench, qemu: &Qemu, before: &str) -> Result<()> {
    let shell = qemu.shell()?;
    let drop_in = "/run/systemd/system/apache2.service.d";
    shell.ask(&format!(
        "mkdir -p {drop_in} && printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >{drop_in}/zz.conf && \
         systemctl daemon-reload"
    ))?;
    let said = shell.ask(&format!("{}; mazetd apply 2>&1 && echo APPLIED || echo REFUSED", set("apache")))?;
    ensure!(
        said.contains("REFUSED") && !said.contains("APPLIED"),
        "a server that cannot start was taken: {said}"
    );
    ensure!(said.contains("the earlier files are back"), "apply does not say that it went back: {said}");
    is_on(qemu, "nginx.service", "apache2.service")?;
    ensure!(seen(bench, qemu)? == before, "nginx answers otherwise after the refusal");
    inside::no_unit_failed(qemu)?;
    shell.ask(&format!("rm -r {drop_in} && systemctl daemon-reload"))?;
    Ok(())
}

/// Health, ports, and a dry run that has nothing to do; memory is printed.
fn is_well(qemu: &Qemu, on: &str, off: &str) -> Result<()> {
    is_on(qemu, on, off)?;
    let shell = qemu.shell()?;
    let dry = shell.ask("mazetd apply --dry-run 2>&1")?;
    ensure!(dry.trim() == "nothing to change", "a second apply would change: {dry}");
    shell.ask("mazetd health").context("the box is not well")?;
    inside::no_unit_failed(qemu)?;
    inside::only_named_ports(qemu, System::Installed)?;
    let pss = shell.ask(&format!(
        "for pid in $(cat /sys/fs/cgroup/system.slice/{on}/cgroup.procs); do \
         grep ^Pss: /proc/$pid/smaps_rollup; done | awk '{{ sum += $2 }} END {{ print sum }}'"
    ))?;
    eprintln!("  {on}: {} KiB (PSS), {} MiB in use", pss.trim(), inside::memory_in_use(qemu)?);
    Ok(())
}

fn is_on(qemu: &Qemu, on: &str, off: &str) -> Result<()> {
    let ask = format!("systemctl is-active {on} {off}; systemctl is-enabled {on} {off}; true");
    let states = qemu.shell()?.ask(&ask)?;
    let states: Vec<&str> = states.split_whitespace().collect();
    ensure!(states == ["active", "inactive", "enabled", "disabled"], "{on} and {off} are {states:?}");
    Ok(())
}

/// What a visitor sees of every page: status, redirect, headers, and the text of good ones.
fn seen(bench: &Bench, qemu: &Qemu) -> Result<String> {
    let visitor = Visitor::new(&bench.lab, qemu, &bench.path("cookies"))?;
    let mut text = String::new();
    for path in PATHS {
        text.push_str(&format!("== {path}\n{}", shown(&visitor.get(path)?)));
    }
    let plain = bench.lab.test_tree.output("curl", &redirect(qemu.port(80)?))?;
    text.push_str(&format!("== http\n{}\n", String::from_utf8_lossy(&plain)));
    Ok(text)
}

fn shown(reply: &Reply) -> String {
    let own = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !OWN.contains(&name.as_str())
    };
    let mut headers: Vec<&str> = reply.headers.lines().skip(1).filter(own).map(str::trim).collect();
    headers.sort_unstable();
    let version = reply.headers.split(' ').next().unwrap_or_default();
    let body = if reply.status == 200 { reply.body.as_str() } else { "" };
    format!("{version} {} {}\n{}\n{body}\n", reply.status, reply.redirect, headers.join("\n"))
}

/// curl's words to ask for a page by plain HTTP, and to print status and redirect.
fn redirect(port: u16) -> Vec<String> {
    let words = ["--silent", "--noproxy", "*", "--output", "/dev/null", "--max-time", "120"];
    let more = ["--header", "Host: mazet.local", "--write-out", "%{http_code} %{redirect_url}"];
    let url = format!("http://127.0.0.1:{port}/a%2Fb?c=d%20e");
    words.iter().chain(&more).map(|word| (*word).to_owned()).chain([url]).collect()
}

/// The box measures both servers without disturbing the one that runs.
fn measured(qemu: &Qemu) -> Result<()> {
    let shell = qemu.shell()?;
    let table = shell.ask("mazetd measure --seconds 5").context("measuring the web servers")?;
    eprintln!("{table}");
    let kept = shell.ask("cat /srv/mazet/measured/web-server.json")?;
    for name in ["\"nginx\"", "\"apache\"", "\"static\"", "\"upload\"", "\"page\"", "\"php\""] {
        ensure!(kept.contains(name), "the kept figures do not speak of {name}: {kept}");
    }
    is_on(qemu, "apache2.service", "nginx.service")
}
