//! What mail servers say, in plain words: the codes of RFC 3463, where there is one, and the usual phrases else.

use mazet_model::manifest::Text;
pub use mazet_model::words::both;

/// Phrases of a server's answer, in small letters, and what they mean; where no code tells it better.
const PHRASES: [(&[&str], &str, &str); 10] = [
    (
        &["force-expired"],
        "L’exploitant y a renoncé : le courrier est revenu à son auteur.",
        "The operator gave it up: the mail came back to its writer.",
    ),
    (
        &["expired, returned"],
        "Le courrier a attendu trop longtemps : il est revenu à son auteur.",
        "The mail waited for too long: it came back to its writer.",
    ),
    (
        &["connection timed out", "connection refused", "no route to host", "network is unreachable"],
        "Le serveur d’en face ne répond pas. Le courrier est réessayé tout seul.",
        "The other server does not answer. The mail is tried again by itself.",
    ),
    (
        &["host or domain name not found", "host not found", "domain not found", "nodata"],
        "Le nom de ce domaine n’existe pas, ou le DNS ne répond pas. Vérifiez l’adresse.",
        "There is no such domain, or the DNS does not answer. Check the address.",
    ),
    (
        &[
            "certificate not trusted",
            "certificate verification failed",
            "cannot start tls",
            "tls is required",
        ],
        "Le chiffrement avec le serveur d’en face n’a pas pu s’établir : son certificat n’est pas reconnu.",
        "No encryption with the other server: its certificate is not believed.",
    ),
    (
        &["authentication failed", "sasl authentication", "authentication required"],
        "Le serveur d’envoi refuse l’identifiant ou le mot de passe du serveur.",
        "The relay refuses the box’s login or password.",
    ),
    (
        &["blocked using", "blacklist", "blocklist", "spamhaus", "poor reputation"],
        "Le serveur d’en face refuse l’adresse Internet de cette machine : elle est sur une liste noire.",
        "The other server refuses this box’s Internet address: it is on a blocklist.",
    ),
    (
        &["greylist", "graylist", "try again later", "temporarily deferred"],
        "Le serveur d’en face demande de revenir plus tard. C’est réessayé tout seul.",
        "The other server asks to come again later. It is tried again by itself.",
    ),
    (
        &["spam", "content rejected", "looks like"],
        "Le serveur d’en face prend ce courrier pour un indésirable.",
        "The other server takes this mail for spam.",
    ),
    (
        &["this server carries mail between its own people only"],
        "Ce serveur n’envoie rien au-dehors : choisissez une des façons d’envoyer, ou réglez un serveur d’envoi.",
        "This box sends nothing outside: choose one of the ways of mail, or set a relay.",
    ),
];

/// The same, of what this box itself refuses.
const OWN: [(&[&str], &str, &str); 6] = [
    (
        &["not owned by user", "in the line from is not yours", "sender address rejected: not logged in"],
        "Écrit sous une adresse qui n’est pas celle de son auteur.",
        "Written under an address that is not its writer’s.",
    ),
    (
        &["too much mail was sent", "you write to too many people"],
        "Beaucoup trop de destinataires pour une seule personne.",
        "Far too many recipients for one person.",
    ),
    (
        &["client host rejected: access denied", "relay access denied"],
        "Quelqu’un a voulu faire partir du courrier d’ici sans s’être identifié.",
        "Somebody wanted to send mail from here without signing in.",
    ),
    (&["spam", "gtube"], "Le filtre l’a pris pour un indésirable.", "The filter took it for spam."),
    (
        &["dmarc", "spf"],
        "Le domaine de son auteur dit que ce courrier n’est pas de lui.",
        "Its writer’s domain says that this mail is not its own.",
    ),
    (
        &["domain not found", "malformed dns"],
        "Le domaine de son auteur n’existe pas.",
        "There is no such domain as its writer’s.",
    ),
];

/// The subject and detail of a code (RFC 3463; 7.20 and on: RFC 7372), and what it means.
const CODES: [(&str, &str, &str); 14] = [
    ("1.1", "Cette adresse n’existe pas.", "There is no such address."),
    (
        "1.2",
        "Ce domaine n’existe pas ou ne prend pas de courrier.",
        "There is no such domain, or it takes no mail.",
    ),
    ("1.8", "L’adresse de l’expéditeur n’est pas valable.", "The sender’s address is not valid."),
    ("1.10", "Ce domaine dit qu’il ne prend aucun courrier.", "This domain says that it takes no mail."),
    ("2.1", "Cette boîte est fermée.", "This mailbox is closed."),
    ("2.2", "La boîte du destinataire est pleine.", "The recipient’s mailbox is full."),
    ("2.3", "Le message est trop gros pour cette boîte.", "The message is too large for this mailbox."),
    ("3.4", "Le message est trop gros.", "The message is too large."),
    (
        "4.7",
        "Le courrier a attendu trop longtemps : il est revenu à son auteur.",
        "The mail waited for too long: it came back to its writer.",
    ),
    ("7.8", "L’identifiant ou le mot de passe est refusé.", "The login or the password is refused."),
    ("7.20", "La signature (DKIM) n’est pas reconnue.", "The signature (DKIM) is not believed."),
    (
        "7.23",
        "Le domaine ne permet pas à cette machine d’envoyer (SPF).",
        "The domain does not let this box send (SPF).",
    ),
    (
        "7.25",
        "L’adresse Internet de cette machine n’a pas de nom inverse.",
        "This box’s Internet address has no reverse name.",
    ),
    (
        "7.26",
        "Ni SPF ni DKIM ne montrent que le courrier vient bien de ce domaine.",
        "Neither SPF nor DKIM shows that the mail is this domain’s.",
    ),
];

/// What an answer means.
pub fn plain(answer: &str) -> Text {
    let small = answer.to_lowercase();
    let code = code(answer);
    let detail = code.and_then(|code| code.split_once('.')).map(|(_, detail)| detail);
    if let Some((_, fr, en)) = CODES.iter().find(|(one, ..)| Some(*one) == detail) {
        return both(*fr, *en);
    }
    if let Some((_, fr, en)) =
        PHRASES.iter().find(|(words, ..)| words.iter().any(|word| small.contains(word)))
    {
        return both(*fr, *en);
    }
    match code.map(|code| &code[..1]) {
        Some("5") => both(
            "Refusé pour de bon par le serveur d’en face, avec les mots ci-dessous.",
            "Refused for good by the other server, with the words below.",
        ),
        _ => both(
            "Pas pour l’instant : c’est réessayé tout seul pendant trois jours.",
            "Not for now: it is tried again by itself for three days.",
        ),
    }
}

/// What an answer of this box itself means: why it did not take a message.
pub fn refused(answer: &str) -> Text {
    let small = answer.to_lowercase();
    let own = OWN.iter().find(|(words, ..)| words.iter().any(|word| small.contains(word)));
    if let Some((_, fr, en)) = own {
        return both(*fr, *en);
    }
    let told = plain(answer);
    if told.en.starts_with("Refused for good") || told.en.starts_with("Not for now") {
        return both(
            "Refusé par ce serveur, avec les mots ci-dessous.",
            "Refused by this box, with the words below.",
        );
    }
    told
}

/// The first code of an answer: `5.7.26`.
pub fn code(answer: &str) -> Option<&str> {
    let words = answer.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.map(|word| word.trim_matches('.')).find(|word| is_code(word))
}

fn is_code(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let number = |part: &&str| (1..=3).contains(&part.len());
    parts.len() == 3 && ["2", "4", "5"].contains(&parts[0]) && parts.iter().all(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_and_addresses_are_none() {
        let said = "host mx.example.org[203.0.113.9] said: 550-5.7.26 Unauthenticated mail (in reply to end of DATA)";
        assert_eq!(code(said), Some("5.7.26"));
        assert_eq!(code("connect to mx.example.org[203.0.113.9]:25: Connection timed out"), None);
        assert_eq!(code("4.2.2.1 5.100.9999"), None);
    }

    #[test]
    fn answers_are_told_in_plain_words() {
        let told = |answer: &str| plain(answer).en;
        assert_eq!(told("550 5.1.1 <x@example.org>: User unknown"), "There is no such address.");
        assert_eq!(told("452 4.2.2 The mailbox is full"), "The recipient’s mailbox is full.");
        assert!(
            told("connect to mx[192.0.2.1]:25: Connection timed out")
                .starts_with("The other server does not answer.")
        );
        assert!(
            told("550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org")
                .contains("blocklist")
        );
        assert!(told("550 5.0.0 because").starts_with("Refused for good"));
        assert!(told("force-expired, returned to sender").starts_with("The operator"));
        assert!(told("450 something").starts_with("Not for now"));
        let told = |answer: &str| refused(answer).en;
        assert!(
            told("553 5.7.1 <a@b.example>: Sender address rejected: not owned by user bruno")
                .starts_with("Written under")
        );
        assert!(told("5.7.1 Gtube pattern").contains("spam"));
        assert_eq!(told("452 4.2.2 <z@b.example>: The mailbox is full"), "The recipient’s mailbox is full.");
        assert!(told("550 5.5.0 because").starts_with("Refused by this box"));
        for (_, fr, en) in CODES {
            assert!(!fr.is_empty() && !en.is_empty());
        }
    }
}
