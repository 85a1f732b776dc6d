//! The operator's own account: off until turned on, then a key and nothing else.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use crate::lab::Bench;
use crate::stories::install;
use crate::wizard::FRENCH;

/// A real ssh client is kept out while SSH is off, then let in with the key alone; `sudo` takes the
/// password that was chosen in the wizard.
pub fn signs_in(bench: &Bench) -> Result<()> {
    let mut machine = bench.machine("operator", Firmware::Bios).disk(install::installed(bench)?);
    machine.guest_ports.push(22);
    let qemu = bench.boot(&machine, &Goal::home())?;
    let shell = qemu.shell()?;
    shell.wait_ready(Duration::from_secs(300))?;
    let before = ssh(bench, &qemu, &["true"], "")?;
    ensure!(!before.status.success(), "SSH answers before the operator turned it on");
    turn_on(bench, &qemu)?;
    let login = said(&ssh(bench, &qemu, &["id", "--user", "--name"], "")?)?;
    ensure!(login.trim() == FRENCH.login, "logged in as {login:?}");
    let root = said(&ssh(bench, &qemu, &["sudo --stdin --prompt= id --user"], FRENCH.password)?)?;
    ensure!(root.trim() == "0", "sudo leads to {root:?}");
    let wrong =
        ssh(bench, &qemu, &["sudo --stdin --prompt= --reset-timestamp id --user"], "not the password")?;
    ensure!(!wrong.status.success(), "sudo takes any password");
    let methods = refusal(bench, &qemu)?;
    ensure!(methods.contains("Permission denied (publickey)"), "without a key, ssh is told: {methods}");
    Ok(())
}

/// What an operator does today: a key into box.toml, then apply.
fn turn_on(bench: &Bench, qemu: &Qemu) -> Result<()> {
    let key = bench.path("key").to_string_lossy().into_owned();
    bench
        .lab
        .test_tree
        .output("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "elise", "-f", &key])?;
    let public = std::fs::read_to_string(bench.path("key.pub")).context("reading the public key")?;
    let table = format!("\n[ssh]\nenabled = true\nkeys = [\"{}\"]\n", public.trim());
    // What the wizard wrote of SSH makes way.
    let script = format!(
        "cd /srv/mazet && sed -i '/^\\[ssh\\]/,/^\\[/{{/^\\[ssh\\]/d;/^enabled/d;/^keys/d}}' box.toml && \
         cat >>box.toml <<'END'{table}END\nmazetd apply"
    );
    qemu.shell()?.ask(&script).context("turning SSH on")?;
    Ok(())
}

/// The operator's own ssh, with `input` as a line on its standard input.
fn ssh(bench: &Bench, qemu: &Qemu, command: &[&str], input: &str) -> Result<Output> {
    let key = format!("IdentityFile={}", bench.path("key").display());
    client(bench, qemu, &[&key, "IdentitiesOnly=yes"], command, input)
}

/// What the server says to who has no key.
fn refusal(bench: &Bench, qemu: &Qemu) -> Result<String> {
    let output = client(bench, qemu, &["PubkeyAuthentication=no"], &["true"], "")?;
    ensure!(!output.status.success(), "SSH lets in without a key");
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn client(bench: &Bench, qemu: &Qemu, options: &[&str], command: &[&str], input: &str) -> Result<Output> {
    let port = qemu.port(22)?.to_string();
    let mut client: Command = bench.lab.test_tree.command("ssh");
    let fixed =
        ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=60"];
    client.args(["-F", "none", "-p", &port, "-l", FRENCH.login]);
    for option in fixed.iter().chain(options) {
        client.args(["-o", option]);
    }
    client.arg("127.0.0.1").args(command);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().context("starting ssh")?;
    if let Some(mut pipe) = child.stdin.take() {
        // A client that was refused reads nothing: its status tells.
        let _ = writeln!(pipe, "{input}");
    }
    child.wait_with_output().context("waiting for ssh")
}

fn said(output: &Output) -> Result<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "ssh ended with {}: {}", output.status, text(&output.stderr));
    Ok(text(&output.stdout))
}
