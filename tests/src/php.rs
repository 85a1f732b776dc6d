//! What the programs of a web site reach: a program of the test's own, run by the site's own PHP in all that the
//! box puts around it. It is asked over the socket at which the front web server asks.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;

/// Settings for [`reached`]: the site's own, as they are.
pub const AS_IT_IS: &str = "";
/// Settings for [`reached`]: PHP itself confines the program to no folder. What is refused then, the system refuses.
pub const UNCONFINED: &str = "open_basedir=/";

/// Files and folders of the box that are nobody's business.
pub const SECRETS: [&str; 15] = [
    "/srv/sites",
    "/srv/files",
    "/srv/files/organisations",
    "/srv/mazet",
    "/srv/mazet/box.toml",
    "/srv/mazet/tls/key.pem",
    "/etc/shadow",
    "/root",
    "/boot",
    "/proc/1/environ",
    "/run/mazet",
    "/run/mazetd",
    "/run/mazet-php",
    "/run/mazet-sites/vitrine",
    "/run/postgresql",
];
/// Sockets of its services.
pub const SOCKETS: [&str; 3] =
    ["/run/postgresql/.s.PGSQL.5432", "/run/mazetd/web.sock", "/run/dbus/system_bus_socket"];
/// What a program of a site may not do.
pub const ACTS: [&str; 8] = [
    "tcp://127.0.0.1:443",
    "tcp://127.0.0.1:9480",
    ">/usr/share/spip",
    ">/etc",
    ">/srv",
    "exec()",
    "proc_open()",
    "mail()",
];

/// A FastCGI client (one request without a body; answers are records of types 6 and 3). Its arguments: socket,
/// program, settings of PHP.
const ASK: &str = r#"<?php
[, $socket, $program, $settings] = $argv;
$record = fn($type, $body) => pack('CCnnCx', 1, $type, 1, strlen($body), 0) . $body;
$given = fn($name, $value) => pack('NN', strlen($name) | 1 << 31, strlen($value) | 1 << 31) . $name . $value;
$line = stream_socket_client("unix://$socket");
$all = $given('REQUEST_METHOD', 'GET') . $given('SCRIPT_FILENAME', $program) . $given('PHP_ADMIN_VALUE', $settings);
fwrite($line, $record(1, pack('nCx5', 1, 0)) . $record(4, $all) . $record(4, '') . $record(5, ''));
while (strlen($head = stream_get_contents($line, 8)) === 8) {
    ['type' => $type, 'length' => $length, 'padding' => $padding] = unpack('Cversion/Ctype/nid/nlength/Cpadding', $head);
    $body = $length > 0 ? stream_get_contents($line, $length) : '';
    if ($padding > 0) {
        stream_get_contents($line, $padding);
    }
    if ($type === 3) {
        break;
    }
    if ($type === 6) {
        echo $body;
    }
}
"#;

/// Tries each of THINGS: `name()` to call a function, `…://…` to connect, `>folder` to write into it; anything
/// else is a file or folder to read.
const PROBE: &str = r#"<?php
foreach (THINGS as $thing) {
    $reached = match (true) {
        str_ends_with($thing, '()') => function_exists(substr($thing, 0, -2)),
        str_contains($thing, '://') => @stream_socket_client($thing, $code, $why, 5) !== false,
        $thing[0] === '>' => @file_put_contents(substr($thing, 1) . '/probe', 'x') !== false,
        default => @file_get_contents($thing) !== false || @scandir($thing) !== false,
    };
    echo $reached ? 'reached' : 'refused', " $thing\n";
}
"#;

/// Where a program of the test's may lie: below the site's folder, and in the view of its PHP.
pub struct Place {
    /// The folder, as the box sees it below the site's own.
    pub home: &'static str,
    /// The same, as PHP does.
    pub inside: &'static str,
}

/// Those of `things` that a program of the SPIP site `site` reaches, as [`reached_in`] gives them.
pub fn reached(qemu: &Qemu, site: &str, things: &[&str], settings: &str) -> Result<Vec<String>> {
    let place = Place { home: "tmp", inside: "/var/lib/spip/tmp" };
    reached_in(qemu, site, &place, things, settings)
}

/// Those of `things` that a program of the site `site` in `place` reaches, with PHP's settings `settings`. Afterwards
/// the site's PHP begins anew: what was set for one request stays with the process that answered it.
pub fn reached_in(
    qemu: &Qemu,
    site: &str,
    Place { home, inside }: &Place,
    things: &[&str],
    settings: &str,
) -> Result<Vec<String>> {
    let probe = PROBE.replace("THINGS", &format!("['{}']", things.join("', '")));
    let script = format!(
        "cat >/run/ask.php <<'END'\n{ASK}END\n\
         cat >/srv/sites/{site}/{home}/probe.php <<'END'\n{probe}END\n\
         php8.4 /run/ask.php /run/mazet-php/{site}.sock {inside}/probe.php '{settings}' && \
         rm /srv/sites/{site}/{home}/probe.php && systemctl stop mazet-php@{site}.service 2>&1"
    );
    let output = qemu.shell()?.run(&script, Duration::from_secs(300))?;
    let lines: Vec<&str> = output.text.lines().map(str::trim).collect();
    let tried = |thing: &&str| lines.iter().find_map(|line| line.strip_suffix(thing)?.strip_suffix(' '));
    let mut reached = Vec::new();
    for thing in things {
        let word =
            tried(thing).with_context(|| format!("{site}'s PHP does not try {thing}: {}", output.text))?;
        ensure!(["reached", "refused"].contains(&word), "{site}'s PHP says {word:?} of {thing}");
        if word == "reached" {
            reached.push((*thing).to_owned());
        }
    }
    ensure!(output.status == 0, "asking {site}'s PHP: {}", output.text);
    Ok(reached)
}
