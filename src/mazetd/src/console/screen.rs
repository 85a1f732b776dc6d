//! The screen's text: French, then English. Plain characters and half blocks, which the kernel's
//! own console font has.

use std::net::IpAddr;

use mazet_model::qr::half_blocks;

use super::network::Network;

/// What opens the wizard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// This code.
    Shown(String),
    /// The one that was given when the stick or card was flashed; nobody here knows it.
    Given,
}

/// What the screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The box's name.
    pub name: String,
    /// The claim code; none on an installed box.
    pub code: Option<Code>,
    /// Fingerprint of the box's own authority, 32 pairs; none in the live system.
    pub fingerprint: Option<String>,
    /// What else the person in front of it should know: lines that fit, French before English.
    pub notices: Vec<String>,
    /// How it can be reached.
    pub network: Network,
}

/// The whole screen, 80 columns by 25 lines at most where one address is shown.
pub fn text(content: &Content) -> String {
    let mut lines = vec![title(content).to_owned(), String::new()];
    match &content.network {
        Network::Up(addresses) => lines.extend(reach(content, addresses)),
        other => lines.extend(trouble(other).map(str::to_owned)),
    }
    if let Some(code) = &content.code {
        lines.push(String::new());
        let (french, english) = match code {
            Code::Shown(code) => (code.trim(), code.trim()),
            Code::Given => ("celui donné avec la clé ou la carte", "the one given with the stick or card"),
        };
        lines.push(format!("  Code de prise en main : {french}"));
        lines.push(format!("  Claim code: {english}"));
    }
    if let Some(fingerprint) = &content.fingerprint {
        lines.push(String::new());
        lines.extend(halves(fingerprint));
    }
    if !content.notices.is_empty() {
        lines.push(String::new());
        lines.extend(content.notices.iter().map(|notice| format!("  {notice}")));
    }
    lines.push(String::new());
    let mut text = lines.join("\n");
    // Notices and a QR code do not fit on one screen.
    if let (Network::Up(addresses), true) = (&content.network, content.notices.is_empty()) {
        if let Some(code) = addresses.first().and_then(|address| half_blocks(&url(address))) {
            text.push_str(&code);
        }
    }
    text
}

fn title(content: &Content) -> &'static str {
    if content.code.is_some() {
        "Mazet - première installation / first set-up"
    } else {
        "Mazet - en service / running"
    }
}

fn reach(content: &Content, addresses: &[IpAddr]) -> Vec<String> {
    let mut lines = vec!["  Depuis un navigateur du réseau / from a browser on this network:".to_owned()];
    lines.push(format!("  https://{}.local/", content.name));
    lines.extend(addresses.iter().map(|address| format!("  {}", url(address))));
    lines
}

/// What people compare who make a device trust the box: too long for one line.
fn halves(fingerprint: &str) -> [String; 2] {
    let (first, second) = fingerprint.split_at(fingerprint.len() / 2 + 1);
    [format!("  Empreinte / fingerprint: {first}"), format!("  {:24} {second}", "(SHA-256)")]
}

fn trouble(network: &Network) -> [&'static str; 2] {
    match network {
        Network::NoCard => [
            "  Pas de réseau : aucune carte réseau reconnue. Branchez un adaptateur USB.",
            "  No network: no known network card. Plug in a USB adapter.",
        ],
        Network::NoCable => [
            "  Pas de réseau : aucun câble branché, ou la box est éteinte.",
            "  No network: no cable is plugged in, or the router is off.",
        ],
        _ => [
            "  Pas d'adresse : le câble est branché, mais aucun serveur DHCP n'a répondu (encore).",
            "  No address: a cable is there, but no DHCP server has answered (yet).",
        ],
    }
}

/// `https://192.168.1.20/`, `https://[2001:db8::5]/`.
fn url(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("https://{address}/"),
        IpAddr::V6(address) => format!("https://[{address}]/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(code: Option<&str>, network: Network) -> Content {
        let code = code.map(|code| Code::Shown(code.to_owned()));
        Content { name: "mazet".to_owned(), code, fingerprint: None, notices: Vec::new(), network }
    }

    #[test]
    fn the_first_screen_says_where_to_go_and_with_what_code() {
        let address = "192.168.1.20".parse().expect("address");
        insta::assert_snapshot!(text(&content(Some("ABCD-2345"), Network::Up(vec![address]))));
    }

    #[test]
    fn the_screen_fits_a_text_console() {
        let address = "192.168.100.200".parse().expect("address");
        let text = text(&content(Some("ABCD-2345"), Network::Up(vec![address])));
        let mut installed = content(None, Network::Up(vec![address]));
        installed.fingerprint = Some(["AB"; 32].join(":"));
        for text in [text, super::text(&installed)] {
            assert!(text.lines().count() <= 24, "{}", text.lines().count());
            assert!(text.lines().all(|line| line.chars().count() < 80));
        }
    }

    #[test]
    fn an_installed_box_shows_no_code() {
        let address = "2001:db8::5".parse().expect("address");
        let text = text(&content(None, Network::Up(vec![address])));
        assert!(text.contains("https://[2001:db8::5]/"));
        assert!(!text.to_lowercase().contains("code"));
    }

    #[test]
    fn the_fingerprint_stands_whole_in_two_lines() {
        let fingerprint = (0..32).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        let lines = halves(&fingerprint);
        assert_eq!(lines[0], "  Empreinte / fingerprint: 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:");
        assert_eq!(lines[1], "  (SHA-256)                10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F");
    }

    #[test]
    fn without_network_the_screen_says_why() {
        insta::assert_snapshot!(text(&content(Some("ABCD-2345"), Network::NoCable)), @r"
        Mazet - première installation / first set-up

          Pas de réseau : aucun câble branché, ou la box est éteinte.
          No network: no cable is plugged in, or the router is off.

          Code de prise en main : ABCD-2345
          Claim code: ABCD-2345
        ");
    }

    #[test]
    fn a_code_given_in_advance_is_asked_for_and_mistakes_are_told() {
        let address = "192.168.1.20".parse().expect("address");
        let content = Content {
            code: Some(Code::Given),
            notices: vec!["mazet.toml:3:5: unknown key `langage` in the file".to_owned()],
            ..content(None, Network::Up(vec![address]))
        };
        insta::assert_snapshot!(text(&content), @r"
        Mazet - première installation / first set-up

          Depuis un navigateur du réseau / from a browser on this network:
          https://mazet.local/
          https://192.168.1.20/

          Code de prise en main : celui donné avec la clé ou la carte
          Claim code: the one given with the stick or card

          mazet.toml:3:5: unknown key `langage` in the file
        ");
    }
}
