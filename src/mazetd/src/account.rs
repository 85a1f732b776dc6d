//! The operator's Unix account: who logs in on the text console, and over SSH once that is on.
//!
//! It follows `box.toml`, as everything does; `root` may be made anew, so each boot and each apply
//! sees to it. Its home lies with the data, and so does the hash of its password. Root itself has
//! no password: the operator becomes root by `sudo`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{Program, Runner};
use crate::{files, system};

/// Hash of the operator's password for `shadow(5)`, below the root.
pub const PASSWORD: &str = "srv/mazet/secrets/operator.shadow";
/// Where homes lie: with the data.
const HOMES: &str = "srv/home";
/// First number of a person's account (Debian policy, 9.2.2).
const FIRST: u32 = 1000;
/// May become root, read logs.
const GROUPS: &str = "sudo,adm,systemd-journal";

/// Makes the account of the tree at `root` what its settings say. Done twice, nothing changes.
///
/// # Errors
/// When the settings or the password's hash cannot be read or a program of Debian's refuses.
pub fn ensure(root: &Path, runner: &Runner) -> Result<()> {
    let operator = system::settings(root)?.operator;
    let path = root.join(PASSWORD);
    let hash = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let (login, hash) = (operator.login.as_str(), hash.trim());
    let known = files::user_id(root, login).ok();
    if let Some(id) = known.filter(|id| *id < FIRST) {
        bail!(
            "operator.login: {login:?} is an account of the system (number {id}): choose another in box.toml"
        );
    }
    if known.is_none() {
        files::make_folder(&root.join(HOMES), 0o755)?;
        let home = format!("/{HOMES}/{login}");
        let account = ["--create-home", "--home-dir", &home, "--shell", "/bin/bash", "--user-group", login];
        runner.run(Program::Useradd, &account).context("making the operator's account")?;
    }
    // The fields of passwd(5) are divided by colons.
    let name = operator.name.replace(':', " ");
    let more = ["--append", "--groups", GROUPS, "--comment", &name, login];
    runner.run(Program::Usermod, &more).context("naming the operator's account")?;
    if current(root, login).as_deref() != Some(hash) {
        let line = format!("{login}:{hash}\n");
        runner
            .run_with_input(Program::Chpasswd, &["--encrypted"], &line)
            .context("setting the password of the operator's account")?;
    }
    Ok(())
}

/// The hash that `shadow(5)` holds now.
fn current(root: &Path, login: &str) -> Option<String> {
    let text = fs::read_to_string(root.join("etc/shadow")).ok()?;
    let mut lines = text.lines().map(|line| line.split(':'));
    let mut line = lines.find(|line| line.clone().next() == Some(login))?;
    line.nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const BOX: &str = "[box]\nname = \"garrigue\"\nlanguage = \"fr\"\ntimezone = \"Europe/Paris\"\n\
        [organisation]\nname = \"Les Amis\"\n[operator]\nname = \"Ada: Countess\"\nlogin = \"ada\"\n";

    /// Runs [`ensure`] in a tree with these files; gives what its programs were asked, and were
    /// told on standard input.
    fn asked(passwd: &str, shadow: &str) -> String {
        let (result, log) = attempt(passwd, shadow);
        result.expect("ensured");
        log
    }

    fn attempt(passwd: &str, shadow: &str) -> (Result<()>, String) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (root, bin) = (folder.path().join("root"), folder.path().join("bin"));
        let put = |path: &Path, content: &str| {
            fs::create_dir_all(path.parent().expect("folder")).expect("made");
            fs::write(path, content).expect("written");
        };
        put(&root.join("srv/mazet/box.toml"), BOX);
        put(&root.join(PASSWORD), "$6$hash\n");
        put(&root.join("etc/passwd"), passwd);
        put(&root.join("etc/shadow"), shadow);
        let log = folder.path().join("log");
        for name in ["useradd", "usermod", "chpasswd"] {
            let script = format!("#!/bin/sh\n{{ echo \"{name} $*\"; cat; }} >>{}\n", log.display());
            put(&bin.join(name), &script);
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("mode");
        }
        let result = ensure(&root, &Runner::from_folder(bin));
        (result, fs::read_to_string(log).unwrap_or_default())
    }

    #[test]
    fn a_new_root_gets_the_account_and_its_password() {
        assert_eq!(
            asked("root:x:0:0::/root:/bin/bash\n", "root:*:1::::::\n"),
            "useradd --create-home --home-dir /srv/home/ada --shell /bin/bash --user-group ada\n\
             usermod --append --groups sudo,adm,systemd-journal --comment Ada  Countess ada\n\
             chpasswd --encrypted\nada:$6$hash\n"
        );
    }

    #[test]
    fn an_account_of_the_system_becomes_nobodys() {
        let (result, log) = attempt("ada:x:107:65534::/run/ada:/usr/sbin/nologin\n", "");
        let error = result.expect_err("refused").to_string();
        assert!(error.contains("account of the system (number 107)"), "{error}");
        assert_eq!(log, "");
    }

    #[test]
    fn an_account_that_is_there_keeps_its_password() {
        assert_eq!(
            asked("ada:x:1000:1000::/srv/home/ada:/bin/bash\n", "ada:$6$hash:1::::::\n"),
            "usermod --append --groups sudo,adm,systemd-journal --comment Ada  Countess ada\n"
        );
    }
}
