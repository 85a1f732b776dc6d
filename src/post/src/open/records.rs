//! Records that a domain's DNS needs, to be copied; each compared with what the DNS says.

use mazet_model::manifest::Text;
use mazet_model::report::{Copied, Level, Line, Row};

use super::resolve::{Dns, Found, Kind};
use super::secure;
use crate::words::both;

/// The name of the key that signs, in the DNS.
const SELECTOR: &str = "mazet";

/// A record, and how it is judged.
pub(super) struct Record {
    pub name: String,
    pub kind: Kind,
    /// As providers' forms call it.
    pub word: &'static str,
    pub value: String,
    pub why: Text,
    pub fits: Fits,
    /// Mail goes without it.
    pub optional: bool,
}

/// What the DNS must say.
pub(super) enum Fits {
    /// Exactly this, among others.
    Same,
    /// One text that begins so, and has one of these words.
    Begins(&'static str, Vec<String>),
}

/// What the records say of this box.
pub struct Told<'a> {
    /// Public name of the mail server.
    pub host: &'a str,
    /// All public names of the box.
    pub names: &'a [String],
    /// Services that are on.
    pub services: &'a [String],
    /// The record of the key that signs.
    pub key: Option<String>,
    /// SHA-256 of the mail server's public key, in hexadecimal.
    pub pin: Option<String>,
}

/// The lines about one domain.
pub async fn lines(dns: &Dns, domain: &str, told: &Told<'_>) -> Vec<Line> {
    let mut lines = vec![Line::Section {
        title: both(format!("Le DNS de {domain}"), format!("The DNS of {domain}")),
        text: Some(both(
            "À recopier chez qui tient le nom de domaine. Chaque ligne est comparée à ce que le DNS répond.",
            "To be copied where the domain name is kept. Each line is compared with what the DNS answers.",
        )),
        empty: None,
    }];
    for record in records(domain, told.host, told.key.as_deref()) {
        lines.push(Line::Row(asked(dns, &record).await));
    }
    lines.push(Line::Section {
        title: both(format!("{domain}, pour faire mieux"), format!("{domain}, to do better")),
        text: Some(both(
            "Le courrier marche sans ces lignes. Elles aident les logiciels à se régler et protègent le courrier en route.",
            "Mail works without these lines. They help programs to set themselves up, and protect mail under way.",
        )),
        empty: None,
    });
    for record in services(domain, told) {
        lines.push(Line::Row(asked(dns, &record).await));
    }
    lines.extend(secure::rows(dns, domain, told).await.into_iter().map(Line::Row));
    lines
}

/// A record, compared with what the DNS says.
pub(super) async fn asked(dns: &Dns, record: &Record) -> Row {
    row(record, &dns.ask(&record.name, record.kind).await)
}

fn records(domain: &str, host: &str, key: Option<&str>) -> Vec<Record> {
    let mut all = vec![
        Record {
            name: domain.to_owned(),
            kind: Kind::Mx,
            word: "MX",
            value: format!("10 {host}"),
            why: both(
                "Qui reçoit le courrier du domaine. À ne changer qu’en dernier : tout le courrier vient alors ici.",
                "Who takes the domain’s mail. To be changed last: all mail comes here then.",
            ),
            fits: Fits::Same,
            optional: false,
        },
        Record {
            name: domain.to_owned(),
            kind: Kind::Txt,
            word: "TXT",
            value: format!("v=spf1 mx a:{host} -all"),
            why: both(
                "Quelles machines envoient pour le domaine (SPF).",
                "Which machines send for the domain (SPF).",
            ),
            fits: Fits::Begins("v=spf1", vec!["mx".to_owned(), format!("a:{host}")]),
            optional: false,
        },
        Record {
            name: format!("_dmarc.{domain}"),
            kind: Kind::Txt,
            word: "TXT",
            value: format!("v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"),
            why: both(
                "Ce que les autres font du courrier qui usurpe le domaine (DMARC).",
                "What others do with mail that only pretends to be the domain’s (DMARC).",
            ),
            fits: Fits::Begins(
                "v=DMARC1",
                vec!["p=quarantine".to_owned(), "p=reject".to_owned(), "p=none".to_owned()],
            ),
            optional: false,
        },
    ];
    if let Some(key) = key {
        let public = key.split(';').map(str::trim).find(|part| part.starts_with("p=")).unwrap_or("p=?");
        all.insert(
            2,
            Record {
                name: format!("{SELECTOR}._domainkey.{domain}"),
                kind: Kind::Txt,
                word: "TXT",
                value: key.to_owned(),
                why: both("La clé qui signe le courrier (DKIM).", "The key that signs the mail (DKIM)."),
                fits: Fits::Begins("v=DKIM1", vec![public.to_owned()]),
                optional: false,
            },
        );
    }
    all
}

/// How programs find the servers by themselves: RFC 6186, 8314; calendars and contacts: RFC 6764.
fn services(domain: &str, told: &Told<'_>) -> Vec<Record> {
    let mut all = vec![("imaps", 993), ("submissions", 465), ("submission", 587)];
    if told.services.iter().any(|service| service == "groupware") {
        all.extend([("caldavs", 443), ("carddavs", 443)]);
    }
    let service = |(name, port): (&str, u16)| Record {
        name: format!("_{name}._tcp.{domain}"),
        kind: Kind::Srv,
        word: "SRV",
        value: format!("0 1 {port} {}", told.host),
        why: both("Pour que les logiciels se règlent tout seuls.", "So that programs set themselves up."),
        fits: Fits::Same,
        optional: true,
    };
    all.into_iter().map(service).collect()
}

fn row(record: &Record, found: &Found) -> Row {
    let fits = is_there(record, found);
    let (level, state) = match (fits, found) {
        (true, _) => (Level::Good, both("Le DNS le dit déjà.", "The DNS says so already.")),
        (_, Found::Unknown) => (Level::Open, both("Le DNS n’a pas répondu.", "The DNS did not answer.")),
        (_, Found::Nothing) => {
            (Level::Bad, both("Le DNS n’a rien à ce nom.", "The DNS has nothing of this name."))
        }
        (_, Found::Records(others)) => (Level::Bad, otherwise(record, others)),
    };
    let others = matches!(found, Found::Records(others) if !others.is_empty());
    // What others were told for good, and is not so, stops their mail.
    let level = if record.optional && !others && level == Level::Bad { Level::Plain } else { level };
    let copied = |title: Text, value: &str| Copied { title, value: value.to_owned(), code: false };
    Row {
        title: both(
            format!("{} de {}", record.word, record.name),
            format!("{} of {}", record.word, record.name),
        ),
        level,
        facts: vec![record.why.clone(), state],
        copy: vec![
            copied(both("Nom", "Name"), &record.name),
            copied(both("Type", "Type"), record.word),
            copied(both("Valeur", "Value"), &record.value),
        ],
        ..Row::default()
    }
}

fn is_there(record: &Record, found: &Found) -> bool {
    let all = found.records();
    match &record.fits {
        Fits::Same => all.contains(&record.value),
        Fits::Begins(start, words) => {
            let own: Vec<&String> = all.iter().filter(|one| one.starts_with(start)).collect();
            // Two of them are as bad as none: RFC 7208 § 4.5, RFC 7489 § 6.6.3.
            let [one] = own[..] else { return false };
            let parts: Vec<&str> = one.split([' ', ';']).map(str::trim).collect();
            words.iter().any(|word| parts.contains(&word.as_str()))
        }
    }
}

fn otherwise(record: &Record, others: &[String]) -> Text {
    let others: Vec<&str> = match &record.fits {
        Fits::Begins(start, _) => {
            others.iter().map(String::as_str).filter(|one| one.starts_with(start)).collect()
        }
        Fits::Same => others.iter().map(String::as_str).collect(),
    };
    if others.is_empty() {
        return both("Le DNS n’a rien de tel à ce nom.", "The DNS has nothing of the kind at this name.");
    }
    let told = others.join(" | ");
    both(format!("Le DNS dit autre chose : {told}"), format!("The DNS says something else: {told}"))
}

/// The text of a record in the file that rspamadm wrote: the strings in quotes, put together.
pub fn key(file: &str) -> Option<String> {
    let text: String = file.split('"').skip(1).step_by(2).collect();
    text.contains("p=").then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "amis.example.org";
    const HOST: &str = "box.example.org";

    fn judged(number: usize, found: &[&str]) -> Level {
        let found = Found::Records(found.iter().map(|one| (*one).to_owned()).collect());
        row(&records(DOMAIN, HOST, Some("v=DKIM1; k=rsa; p=MIIB"))[number], &found).level
    }

    #[test]
    fn what_the_dns_says_is_compared() {
        assert_eq!(judged(0, &["10 box.example.org"]), Level::Good);
        assert_eq!(judged(0, &["10 mx.elsewhere.example"]), Level::Bad);
        assert_eq!(judged(1, &["v=spf1 include:x.example mx ~all", "other"]), Level::Good);
        assert_eq!(judged(1, &["v=spf1 include:x.example -all"]), Level::Bad);
        assert_eq!(judged(1, &["v=spf1 mx -all", "v=spf1 a -all"]), Level::Bad);
        assert_eq!(judged(2, &["v=DKIM1; k=rsa; p=MIIB"]), Level::Good);
        assert_eq!(judged(2, &["v=DKIM1; k=rsa; p=MIIC"]), Level::Bad);
        assert_eq!(judged(3, &["v=DMARC1; p=reject"]), Level::Good);
        let unknown = row(&records(DOMAIN, HOST, None)[0], &Found::Unknown);
        assert_eq!(unknown.level, Level::Open);
    }

    #[test]
    fn what_is_optional_is_bad_when_it_says_something_else() {
        let services = ["mail".to_owned(), "groupware".to_owned()];
        let told = Told { host: HOST, names: &[], services: &services, key: None, pin: None };
        let all = super::services(DOMAIN, &told);
        assert_eq!(all.len(), 5);
        assert_eq!(
            (&*all[3].name, &*all[3].value),
            ("_caldavs._tcp.amis.example.org", "0 1 443 box.example.org")
        );
        let judged = |found: Found| row(&all[0], &found).level;
        assert_eq!(judged(Found::Nothing), Level::Plain);
        assert_eq!(judged(Found::Records(vec!["0 1 993 box.example.org".to_owned()])), Level::Good);
        assert_eq!(judged(Found::Records(vec!["0 1 993 old.example.org".to_owned()])), Level::Bad);
    }

    #[test]
    fn the_key_is_read_from_the_file_of_rspamadm() {
        let file = "mazet._domainkey IN TXT ( \"v=DKIM1; k=rsa; \"\n\t\"p=MIIB\"\n\t\"CD\" ) ;";
        assert_eq!(key(file).as_deref(), Some("v=DKIM1; k=rsa; p=MIIBCD"));
        assert_eq!(key("nothing"), None);
        let all = records(DOMAIN, HOST, key(file).as_deref());
        assert!(all.iter().any(|one| one.name == "mazet._domainkey.amis.example.org" && one.value.ends_with("p=MIIBCD")));
    }
}
