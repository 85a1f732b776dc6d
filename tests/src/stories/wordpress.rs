//! WordPress on the installed box, of an image that has it: a phone makes two sites with a click each, MariaDB
//! starts for them alone, their programs reach nothing of each other by file or by SQL, one is archived with its
//! database and brought back, one is removed, and when both are gone, nothing is left and MariaDB has ended.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use super::sites::{Answer, Site, Story, address, host, memory};
use crate::browser::{Browser, FRENCH_PHONE};
use crate::lab::Bench;
use crate::stories::{install, web_server};
use crate::{inside, members, php};

/// What strangers ask for; the second site's are the same.
const PATHS: &[(&str, Answer)] = &[
    ("/", Answer::Form("wp-site-blocks")),
    ("/wp-login.php", Answer::Form("id=\"loginform\"")),
    ("/wp-admin", Answer::Led),
    ("/wp-admin/", Answer::Led),
    ("/wp-content/themes/twentytwentyfive/style.css", Answer::Page("Theme Name: Twenty Twenty-Five")),
    ("/wp-content/uploads/affiche.txt", Answer::Page("affiche")),
    // Where there is nothing, WordPress itself says so.
    ("/2001/01/missing/", Answer::Refused),
    ("/wp-content/missing", Answer::Refused),
    // Programs that are none of a visitor's; the last one was uploaded.
    ("/xmlrpc.php", Answer::Refused),
    ("/wp-cron.php", Answer::Refused),
    ("/wp-config.php", Answer::Refused),
    ("/wp-includes/version.php", Answer::Refused),
    ("/wp-admin/network/", Answer::Refused),
    ("/wp-content/.made", Answer::Refused),
    ("/wp-content/uploads/", Answer::Refused),
    ("/wp-content/uploads/laid.php", Answer::Refused),
];
const BLOG: Site = Site { name: "carnet", port: 20_001, paths: PATHS };
const OTHER: Site = Site { name: "gazette", port: 20_002, paths: PATHS };

/// What a site's role tries in SQL, each as the whole of a statement.
const SQL: [&str; 7] = [
    "select count(*) from `site-gazette`.wp_users",
    "select count(*) from mysql.global_priv",
    "create database other",
    "create user other@localhost",
    "select 1 into outfile '/tmp/probe'",
    "drop database `site-gazette`",
    "set global max_connections = 1",
];

/// Everything of it, on the disk that the French installation left.
pub fn is_published(bench: &Bench) -> Result<()> {
    let mut machine = bench.machine("wordpress", Firmware::Bios).disk(install::installed(bench)?);
    machine.guest_ports.extend([BLOG, OTHER].map(|site| site.port));
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    inside::no_unit_failed(&qemu)?;
    let kinds = qemu.shell()?.ask("mazetd websites list --json")?;
    let has = kinds.contains("\"wordpress\"");
    ensure!(has, "this image has no WordPress: add mariadb and wordpress to the services of its recipe");
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let hosts = [BLOG, OTHER].map(|site| Ok((host(site), qemu.port(site.port)?)));
    let hosts: Vec<(String, u16)> = hosts.into_iter().collect::<Result<_>>()?;
    let phone = Browser::open_knowing(bench, FRENCH_PHONE, &hosts)?;
    let phone = members::operator_with(phone, bench, &base, "fr")?;
    let story = Story { bench, qemu: &qemu, phone: &phone, base };
    story.database_runs(false).context("before there is a site")?;
    let account = story.is_installed(BLOG, "wordpress", "wp-login.php").context("WordPress")?;
    story.writer_signs_in(&account).context("WordPress's first administrator")?;
    story.is_installed(OTHER, "wordpress", "wp-login.php").context("another WordPress")?;
    story.database_runs(true)?;
    memory(&qemu)?;
    story.lay_pages()?;
    story.says("juin")?;
    let (blog, other) = (story.seen(BLOG)?, story.seen(OTHER)?);
    story.wordpress_is_apart()?;
    web_server::choose(&qemu, "apache")?;
    phone.forget_complaints()?;
    story.is_as_before(BLOG, &blog).context("under Apache")?;
    story.is_as_before(OTHER, &other).context("under Apache")?;
    story.tries_are_limited().context("under Apache")?;
    story.database_comes_back()?;
    story.is_removed(OTHER)?;
    story.is_as_before(BLOG, &blog).context("beside the removed one")?;
    web_server::choose(&qemu, "nginx")?;
    phone.forget_complaints()?;
    story.is_as_before(BLOG, &blog).context("under nginx again")?;
    story.is_removed(BLOG)?;
    story.database_runs(false).context("when the last site is gone")?;
    story.is_well()
}

impl Story<'_> {
    /// MariaDB is there while a site needs it.
    fn database_runs(&self, wanted: bool) -> Result<()> {
        // It takes a moment to end.
        let script = "for second in $(seq 60); do state=$(systemctl is-active mazet-mariadb.service); \
             case $state in active | inactive | failed) break;; esac; sleep 1; done; echo $state";
        let state = self.shell()?.run(script, Duration::from_secs(120))?.text;
        let runs = state.trim() == "active";
        ensure!(runs == wanted, "MariaDB is {}", state.trim());
        Ok(())
    }

    /// On WordPress's own pages.
    fn writer_signs_in(&self, (login, password): &(String, String)) -> Result<()> {
        self.phone.go(&format!("{}wp-login.php", address(BLOG)))?;
        self.phone.fill("//input[@id='user_login']", login)?;
        self.phone.fill("//input[@id='user_pass']", password)?;
        self.phone.click("//input[@id='wp-submit']")?;
        self.phone.wait_for("//*[@id='wpadminbar']").context("they are not let in")?;
        self.phone.forget_complaints()
    }

    /// What an editor would have uploaded, in both sites.
    fn lay_pages(&self) -> Result<()> {
        let script = "for site in carnet gazette; do cd /srv/sites/$site/wp-content/uploads && \
             echo affiche >affiche.txt && echo '<?php echo 6 * 7;' >laid.php && \
             chown site-$site: affiche.txt laid.php && chmod 644 affiche.txt laid.php; done";
        self.shell()?.ask(script).context("laying what was uploaded").map(drop)
    }

    /// Makes a month the title of the site, in its database.
    fn says(&self, month: &str) -> Result<()> {
        let statement =
            format!("update wp_options set option_value = 'Amis de {month}' where option_name = 'blogname'");
        self.in_sql(&statement)?;
        let home = self.stranger(BLOG)?.get("/")?.body;
        ensure!(home.contains(&format!("Amis de {month}")), "the site does not show its title: {home}");
        Ok(())
    }

    /// A statement in the site's database, as its own role.
    fn in_sql(&self, statement: &str) -> Result<String> {
        let script = format!(
            "setpriv --reuid=site-carnet --regid=site-carnet --groups=mysql mariadb \
             --defaults-file=/usr/lib/mazet/mariadb/mariadb.cnf --batch --skip-column-names site-carnet 2>&1 <<'END'\n\
             {statement};\nEND\n"
        );
        Ok(self.shell()?.run(&script, Duration::from_secs(120))?.text)
    }

    /// The programs and the role of one site reach nothing of the other one.
    fn wordpress_is_apart(&self) -> Result<()> {
        let files =
            ["/srv/sites/gazette", "/srv/sites/gazette/wp-content/uploads/affiche.txt", "/srv/mariadb"];
        let own = "/var/lib/wordpress/wp-content/uploads/affiche.txt";
        let mut things = vec![own, "/etc/passwd"];
        things.extend(files);
        things.extend(php::SECRETS.iter().copied().filter(|path| !path.contains("vitrine")));
        things.extend(["unix:///run/postgresql/.s.PGSQL.5432", "unix:///run/mazet-php/gazette.sock"]);
        let place =
            php::Place { home: "wp-content/uploads", inside: "/var/lib/wordpress/wp-content/uploads" };
        let reached = php::reached_in(self.qemu, BLOG.name, &place, &things, php::AS_IT_IS)?;
        ensure!(reached == things[..1], "the site's programs reach {reached:?}");
        let reached = php::reached_in(self.qemu, BLOG.name, &place, &things, php::UNCONFINED)?;
        ensure!(reached == things[..2], "the site's programs, unconfined by PHP, reach {reached:?}");
        let databases = self.in_sql("show databases")?;
        let seen: Vec<&str> = databases.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        ensure!(seen == ["information_schema", "site-carnet"], "the site's role sees {seen:?}");
        for statement in SQL {
            let said = self.in_sql(statement)?;
            ensure!(said.contains("denied"), "{statement:?} is answered {said:?}");
        }
        let other = self.shell()?.run(
            "setpriv --reuid=site-carnet --regid=site-carnet --clear-groups mariadb \
             --defaults-file=/usr/lib/mazet/mariadb/mariadb.cnf --execute='select 1' 2>&1",
            Duration::from_secs(60),
        )?;
        ensure!(other.status != 0, "who is not of the group comes to MariaDB: {}", other.text);
        let listens = self.shell()?.ask("ss -lntp | grep -c mariadbd || true")?;
        ensure!(listens.trim() == "0", "MariaDB listens on the network");
        Ok(())
    }

    /// After ten wrong passwords, none is looked at.
    fn tries_are_limited(&self) -> Result<()> {
        let visitor = self.stranger(BLOG)?;
        let fields = [("log", "ada"), ("pwd", "wrong")];
        let tries = (0..11).map(|_| Ok(visitor.post("/wp-login.php", &fields)?.status));
        let statuses: Vec<u16> = tries.collect::<Result<_>>()?;
        ensure!(
            statuses[..10] == [401; 10] && statuses[10] == 429,
            "wrong passwords are answered {statuses:?}"
        );
        Ok(())
    }

    /// The site and its database are kept by a click, changed, and brought back by a click.
    fn database_comes_back(&self) -> Result<()> {
        self.opens(BLOG, "before-archive")?;
        self.phone.click("//button[@id='back-up']")?;
        self.is_told("L’archive du site carnet est faite.")?;
        let listed = self.shell()?.ask("mazetd websites fetch carnet | tar --list --gzip")?;
        ensure!(listed.lines().any(|line| line == "0/database.sql"), "the archive holds {listed}");
        let left = self.shell()?.ask("ls /srv/sites/carnet")?;
        ensure!(left.trim() == "wp-content", "beside the site lies {left}");
        self.says("juillet")?;
        self.shell()?.ask("rm /srv/sites/carnet/wp-content/uploads/affiche.txt")?;
        self.phone.click("//details[starts-with(@id, 'back-to-')]/summary")?;
        self.phone.click("//button[starts-with(@id, 'restore-')]")?;
        self.is_told("Le site carnet est redevenu ce qu’il était.")?;
        let visitor = self.stranger(BLOG)?;
        let home = visitor.get("/")?.body;
        ensure!(home.contains("Amis de juin"), "the title is not what it was: {home}");
        ensure!(visitor.get("/wp-content/uploads/affiche.txt")?.status == 200, "an upload did not come back");
        self.is_well()
    }

    /// A site goes by a click, with its folder, its database and its role.
    fn is_removed(&self, site: Site) -> Result<()> {
        self.opens(site, &format!("before-removal-{}", site.name))?;
        self.phone.fill("//input[@id='typed']", site.name)?;
        self.phone.click("//button[@id='remove']")?;
        self.is_told(&format!("Le site {} est supprimé", site.name))?;
        let script = format!(
            "grep --with-filename {name} /etc/passwd /etc/group /etc/shadow /etc/gshadow /srv/mazet/box.toml; \
             find /etc /run /srv /var -xdev -name '*{name}*'; \
             systemctl list-units --all --plain --no-legend '*@{name}*'; \
             systemd-run --quiet --pipe --wait --property=Requires=mazet-mariadb.service \
             --property=After=mazet-mariadb.service mariadb --defaults-file=/usr/lib/mazet/mariadb/mariadb.cnf \
             --batch --skip-column-names --execute=\"select user from mysql.user where user like '%{name}%'; \
             show databases like '%{name}%'\" 2>&1; true",
            name = site.name
        );
        let left = self.shell()?.run(&script, Duration::from_secs(600))?.text;
        ensure!(left.trim().is_empty(), "of the removed site, there is still:\n{left}");
        Ok(())
    }
}
