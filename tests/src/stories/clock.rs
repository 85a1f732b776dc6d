//! A Raspberry Pi has no clock of its own: it takes the time from the network.

use anyhow::{Context, Result, ensure};
use mazet_boot::cable::Cable;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use super::pi;
use crate::lab::Bench;
use crate::visitor::Visitor;
use crate::{by_http, console};

/// The router's time is so far ahead of every other clock here.
const AHEAD_SECONDS: u64 = 400 * 86_400;

/// A router on the cable: DHCP names it as the time server (option 42, RFC 2132), and it serves NTP
/// (RFC 5905), `AHEAD` seconds ahead.
const ROUTER: &str = r#"
mkdir -p /run/systemd/network
cat > /run/systemd/network/10-cable.network <<END
[Match]
MACAddress=PLUG
[Network]
Address=192.168.78.1/24
DHCPServer=yes
[DHCPServer]
EmitNTP=yes
NTP=192.168.78.1
EmitDNS=no
EmitRouter=no
END
cat > /run/ntp.pl <<'END'
use Socket;
socket(my $s, PF_INET, SOCK_DGRAM, 17) or die $!;
bind($s, sockaddr_in(123, INADDR_ANY)) or die $!;
print STDERR "serving\n";
while (my $peer = recv($s, my $question, 512, 0)) {
    my $now = pack('NN', time() + AHEAD + 2208988800, 0);
    my $head = pack('CCCcNNN', 0x24, 1, 6, -10, 0, 0, 0x4c4f434c);
    send($s, $head . $now . substr($question, 40, 8) . $now . $now, 0, $peer);
}
END
nft flush ruleset
networkctl reload && networkctl reconfigure "$(grep -l PLUG /sys/class/net/*/address | cut -d/ -f5)"
systemd-run --quiet --unit=ntp perl /run/ntp.pl
journalctl --follow --lines=all --unit=ntp | grep --quiet --max-count=1 serving
"#;

/// The Pi's certificate bears the router's time, and nothing is said of a clock that is not set.
pub fn taken(bench: &Bench) -> Result<()> {
    let cable = Cable::new()?;
    let [near, far] = cable.ends();
    let router = bench.machine("router", Firmware::Bios).disk(bench.stick("stick.qcow2")?);
    let router = bench.boot(&router.plugged(near.clone()), &Goal::wizard())?;
    let script = ROUTER.replace("PLUG", near.mac).replace("AHEAD", &AHEAD_SECONDS.to_string());
    router.shell()?.ask(&script).context("making a router")?;
    let card = pi::card(bench)?;
    let qemu = pi::Board::new("live", Firmware::Raspi3b).plugged(far).start(bench, &card)?;
    let code = console::claim_code(&qemu)?;
    let served: u64 = router.shell()?.ask(&format!("expr $(date +%s) + {AHEAD_SECONDS}"))?.trim().parse()?;
    let made = certified(bench, qemu.port(443)?)?;
    let behind = served.saturating_sub(made);
    ensure!(
        made <= served && behind < 2 * 86_400,
        "the certificate begins {behind} s before the time served"
    );
    let visitor = Visitor::new(&bench.lab, &qemu, &bench.path("cookies"))?;
    by_http::claim(&visitor, &code)?;
    let page = visitor.get("/language")?.body;
    ensure!(!page.contains("id=\"clock-unset\""), "the wizard says that the clock is not set");
    eprintln!("  the certificate begins {behind} s before the time that the router serves");
    drop((qemu, router));
    std::fs::remove_file(&card).context("removing the card")
}

/// When the certificate that the box shows begins: seconds since 1970.
fn certified(bench: &Bench, port: u16) -> Result<u64> {
    let script = "date +%s -d \"$(openssl s_client -connect \"127.0.0.1:$0\" </dev/null 2>/dev/null | \
                  openssl x509 -noout -startdate | cut -d= -f2)\"";
    let text = bench.lab.test_tree.output("sh", &["-c", script, &port.to_string()])?;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.trim().parse().with_context(|| format!("reading the certificate's date {text:?}"))
}
