"""Mail programs at work on a box: Python's smtplib and IMAPClient. People are `one`, `two`, … as the story made them;
`tight` is whose mailbox is nearly full.
"""

import hashlib
import itertools
import os
import re
import smtplib
import ssl
import threading
import time
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

import dkim
from box import AUTHORITY, NAME, PASSWORD, PATIENCE, SPEC, TLS, address, holds, run
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

PEOPLE = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
TIGHT = "tight"
ELSEWHERE = "somebody@elsewhere.example"
# rspamd's strings for tests: one that is filed as junk, one that is refused.
JUNK = "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
WORST = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def refused(code, work, *words):
    """The server answers with a code that begins so."""
    try:
        said = work(*words)
    except smtplib.SMTPResponseException as error:
        said = (error.smtp_code, error.smtp_error)
    except smtplib.SMTPRecipientsRefused as error:
        said = next(iter(error.recipients.values()))
    # A letter that was taken is answered by nothing but what was not.
    said = said if isinstance(said, tuple) else (250, said)
    holds(str(said[0]).startswith(code), f"{work.__name__}{words[:2]} was answered by {said}")


@contextmanager
def writing(login, password=PASSWORD, port=465):
    """A connection that hands in mail, signed in."""
    if port == 465:
        server = smtplib.SMTP_SSL(NAME, 465, context=TLS, timeout=PATIENCE)
    else:
        server = smtplib.SMTP(NAME, port, timeout=PATIENCE)
        server.starttls(context=TLS)
    with server:
        if login:
            server.login(login, password)
        yield server


@contextmanager
def reading(login, folder=None):
    with IMAPClient(NAME, port=993, ssl_context=TLS, timeout=PATIENCE) as mailbox:
        mailbox.login(login, PASSWORD)
        # imapclient looks in what it remembers of these, and remembers nothing until it asked.
        mailbox.capabilities()
        if folder:
            mailbox.select_folder(folder)
        yield mailbox


def letter(who, to, subject, text="Bonjour.\n"):
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = who, to, subject
    message["Message-ID"] = f"<{hashlib.sha256(os.urandom(16)).hexdigest()}@{NAME}>"
    message.set_content(text)
    return message


def send(login, to, subject, text="Bonjour.\n"):
    with writing(login) as server:
        server.send_message(letter(address(login), address(to), subject, text))


def awaited(login, folder, criteria):
    """The letters for which IMAP's criteria hold, as soon as there are some: the server tells of new ones."""
    with reading(login, folder) as mailbox:
        end = time.monotonic() + PATIENCE
        while not (found := mailbox.search(criteria, "UTF-8")):
            holds(time.monotonic() < end, f"{login} has nothing like {criteria} in {folder}")
            mailbox.idle()
            mailbox.idle_check(timeout=10)
            mailbox.idle_done()
        content = mailbox.fetch(found, ["BODY.PEEK[]"])
        return [message_from_bytes(content[number][b"BODY[]"], policy=policy.default) for number in found]


def tls_is_needed():
    with smtplib.SMTP(NAME, 587, timeout=PATIENCE) as server:
        server.ehlo()
        holds(not server.has_extn("auth"), "a password is asked for without TLS")
        refused("530", server.mail, address("one"))
    with writing("one", port=587) as server:
        holds(server.noop()[0] == 250, "after STARTTLS nothing goes")
    old = ssl.create_default_context(cafile=AUTHORITY)
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    try:
        smtplib.SMTP_SSL(NAME, 465, context=old, timeout=PATIENCE)
        raise SystemExit("no: TLS 1.1 is spoken")
    except ssl.SSLError as error:
        # The server said so: the program itself would have tried.
        holds("ALERT_PROTOCOL_VERSION" in (error.reason or ""), f"TLS 1.1 ends with {error}")


def wrong_passwords_are_refused():
    for login, password in [("one", "wrong"), ("nobody", PASSWORD), ("one", "")]:
        try:
            with writing(login, password):
                raise SystemExit(f"no: {login} is let in to write with {password!r}")
        except smtplib.SMTPAuthenticationError as error:
            holds(error.smtp_code == 535, f"{login}: {error}")
        try:
            with IMAPClient(NAME, port=993, ssl_context=TLS, timeout=PATIENCE) as mailbox:
                mailbox.login(login, password)
            raise SystemExit(f"no: {login} is let in to read with {password!r}")
        except LoginError:
            pass


def nobody_relays():
    """Open-relay tests, without a password and with one."""
    for port in (465, 587):
        with writing(None, port=port) as server:
            server.ehlo()
            for to in (ELSEWHERE, address("one"), f"somebody%elsewhere.example@{NAME}"):
                server.rset()
                answer = server.mail(ELSEWHERE)
                answer = answer if answer[0] >= 500 else server.rcpt(to)
                holds(answer[0] in (530, 550, 553, 554), f"{to} was taken of a stranger: {answer}")
    with writing("one") as server:
        for to in (
            ELSEWHERE,
            f"somebody%elsewhere.example@{NAME}",
            f'"somebody@elsewhere.example"@{NAME}',
            f"elsewhere.example!somebody@{NAME}",
            f"@{NAME}:{ELSEWHERE}",
            address("nobody"),
        ):
            server.rset()
            server.mail(address("one"))
            refused("5", server.rcpt, to)
        for who in (ELSEWHERE, address("two")):
            server.rset()
            server.mail(who)
            refused("553", server.rcpt, address("three"))
        server.rset()
        forged = letter(address("two"), address("three"), "Faux")
        refused("5", server.sendmail, address("one"), [address("three")], forged.as_bytes())


def accents_and_25_mb():
    photos = os.urandom(25_000_000)
    message = letter(f"Élodie Bâton <{address('one')}>", f"Gaëlle Noël <{address('two')}>", "Été à l’étang 🎣")
    message.add_attachment(photos, maintype="application", subtype="zip", filename="Photos d’été.zip")
    begun = time.monotonic()
    with writing("one") as server:
        server.send_message(message)
    (got,) = awaited("two", "INBOX", ["SUBJECT", "l’étang"])
    attached = next(got.iter_attachments())
    holds(got["From"].addresses[0].display_name == "Élodie Bâton", f"from {got['From']}")
    holds(got["Subject"] == "Été à l’étang 🎣", f"subject {got['Subject']}")
    holds(attached.get_filename() == "Photos d’été.zip", f"named {attached.get_filename()}")
    holds(attached.get_content() == photos, "25 MB came back changed")
    return f"{time.monotonic() - begun:.0f} s"


def folders_and_search():
    with reading("three", "INBOX") as mailbox:
        mailbox.create_folder("Été/À lire")
        for subject in ("La fête du village", "Facture d’électricité", "Le marché"):
            mailbox.append("Été/À lire", letter(address("two"), address("three"), subject).as_bytes())
        mailbox.rename_folder("Été/À lire", "Été/Déjà lu")
        mailbox.select_folder("Été/Déjà lu")
        found = mailbox.search(["SUBJECT", "électricité"], "UTF-8")
        holds(len(found) == 1, f"searched and found {found}")
        mailbox.add_flags(found, ["\\Flagged", "\\Seen"])
        holds(mailbox.search(["FLAGGED"]) == found, "a flag is not kept")
        mailbox.copy(found, "INBOX")
        mailbox.delete_messages(found)
        mailbox.expunge()
        holds(len(mailbox.search(["ALL"])) == 2, "what was deleted is there still")
        moved = mailbox.search(["SUBJECT", "marché"], "UTF-8")
        mailbox.move(moved, "INBOX")
        mailbox.select_folder("INBOX")
        holds(len(mailbox.search(["OR", "SUBJECT", "marché", "SUBJECT", "électricité"], "UTF-8")) == 2, "not moved")
        mailbox.unselect_folder()
        mailbox.delete_folder("Été/Déjà lu")
        names = [name for _, _, name in mailbox.list_folders()]
        holds("Été/Déjà lu" not in names, f"folders: {names}")
        return ", ".join(sorted(names))


def new_mail_is_told_of():
    """IDLE (RFC 2177): the server speaks first."""
    with reading("four", "INBOX") as mailbox:
        mailbox.idle()
        begun = time.monotonic()
        send("five", "four", "Tout de suite")
        said = time.monotonic()
        told = []
        while not any(b"EXISTS" in line for line in told):
            told = mailbox.idle_check(timeout=PATIENCE)
            holds(told, "IDLE says nothing of a new letter")
        mailbox.idle_done()
        return f"taken in {said - begun:.1f} s, told {time.monotonic() - said:.1f} s later"


def ten_at_once():
    """Ten connections of one person, all reading and all writing."""
    ends, barrier = [], threading.Barrier(10)

    def work(number):
        with reading("five", "INBOX") as mailbox:
            barrier.wait(PATIENCE)
            mailbox.append("INBOX", letter(address("five"), address("five"), f"Numéro {number}").as_bytes())
            mailbox.noop()
            ends.append(len(mailbox.search(["ALL"])))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading("five", "INBOX") as mailbox:
        count = len(mailbox.search(["SUBJECT", "Numéro"], "UTF-8"))
    holds(len(ends) == 10 and count == 10, f"{len(ends)} of 10 connections ended well, {count} letters are there")


def a_full_mailbox_takes_nothing():
    """Whoever writes is told, nothing is lost, and what is deleted gives room."""
    sent = 0
    with writing("one") as server:
        for number in itertools.count():
            holds(number < 20, f"{TIGHT}'s mailbox is never full")
            text = ("x" * 70 + "\n") * 4000
            try:
                server.send_message(letter(address("one"), address(TIGHT), f"Gros {number}", text))
                sent += 1
            except smtplib.SMTPRecipientsRefused as error:
                ((code, said),) = error.recipients.values()
                holds(code in (452, 552), f"a full mailbox says {code} {said}")
                break
            # It counts when it has come.
            awaited(TIGHT, "INBOX", ["SUBJECT", f"Gros {number}"])
    with reading(TIGHT, "INBOX") as mailbox:
        try:
            mailbox.append("INBOX", letter(address(TIGHT), address(TIGHT), "Trop", ("x" * 70 + "\n") * 8000).as_bytes())
            raise SystemExit("no: a full mailbox takes what is laid into it")
        except IMAPClientError as error:
            holds("OVERQUOTA" in str(error) or "uota" in str(error), f"a full mailbox says {error}")
        all_of_it = mailbox.search(["ALL"])
        holds(len(all_of_it) == sent, f"{sent} were taken, {len(all_of_it)} are there")
        mailbox.delete_messages(all_of_it)
        mailbox.expunge()
    send("one", TIGHT, "De la place")
    awaited(TIGHT, "INBOX", ["SUBJECT", "place"])
    return f"full after {sent}"


def spam_is_filed():
    send("six", "seven", "Une bonne affaire", f"{JUNK}\n")
    (got,) = awaited("seven", "Junk", ["SUBJECT", "affaire"])
    with reading("seven", "INBOX") as mailbox:
        holds(not mailbox.search(["SUBJECT", "affaire"]), "spam is in the inbox")
    with writing("six") as server:
        message = letter(address("six"), address("seven"), "Pire", f"{WORST}\n")
        refused("5", server.sendmail, address("six"), [address("seven")], message.as_bytes())
    return got.get("X-Spam") or got.get("X-Spam-Flag") or "filed"


def rules_are_followed():
    """What `eight` set in the pages: bills go to a folder, and who writes is told that they are away."""
    send("nine", "eight", "Votre facture")
    awaited("eight", "Factures", ["SUBJECT", "facture"])
    (away,) = awaited("nine", "INBOX", ["FROM", address("eight")])
    return str(away["Subject"])


def a_thousand():
    """Ten people write a hundred letters each; all come, each once."""
    begun = time.monotonic()

    def work(login):
        with writing(login) as server:
            for number in range(100):
                server.send_message(letter(address(login), address("ten"), f"Mille {login} {number}"))

    threads = [threading.Thread(target=work, args=(login,)) for login in PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.monotonic() - begun
    wanted = {f"Mille {login} {number}" for login in PEOPLE for number in range(100)}
    with reading("ten", "INBOX") as mailbox:
        found, end = [], time.monotonic() + 10 * PATIENCE
        while len(found) < 1000 and time.monotonic() < end:
            found = mailbox.search(["SUBJECT", "Mille"])
            if len(found) < 1000:
                mailbox.idle()
                mailbox.idle_check(timeout=10)
                mailbox.idle_done()
        there = time.monotonic() - begun
        subjects = [message_from_bytes(part[b"BODY[HEADER.FIELDS (SUBJECT)]"])["Subject"] for part in
                    mailbox.fetch(found, ["BODY.PEEK[HEADER.FIELDS (SUBJECT)]"]).values()]
    holds(len(subjects) == 1000 and set(subjects) == wanted, f"of 1000 letters {len(set(subjects))} came")
    return f"taken in {taken:.0f} s, all there after {there:.0f} s"


def a_burst_is_stopped():
    """An account that was broken into: what it sends is slowed, then stopped; others write on."""
    taken, said = 0, {}
    for connection in range(60):
        with writing("nine") as server:
            said = first_refusal(server, connection)
        taken += said.pop("taken")
        if said["code"] >= 500:
            break
    holds(said["code"] >= 500, f"after {taken} recipients nobody stopped them: {said}")
    send("eight", "one", "Rien à voir")
    return f"{taken} recipients were taken, then {said['code']} {said['text']}"


def first_refusal(server, connection):
    """Names recipients until the server wants no more, of a letter that is never written."""
    code, text = server.mail(address("nine"))
    for number in range(60):
        if code >= 400:
            return {"taken": number, "code": code, "text": text.decode()}
        code, text = server.rcpt(f"one+{connection}-{number}@{NAME}")
    return {"taken": 60, "code": code, "text": text.decode()}


def is_let_go():
    """After the operator lifted the stop."""
    send("nine", "one", "À nouveau")
    awaited("one", "INBOX", ["SUBJECT", "nouveau"])


def goes_outside():
    """To a member and to somebody elsewhere at once."""
    message = letter(f"Élodie Bâton <{address('two')}>", f"{ELSEWHERE}, {address('three')}", "Au-delà de l’étang")
    with writing("two") as server:
        server.send_message(message)
    awaited("three", "INBOX", ["SUBJECT", "delà"])


def comes_from_outside():
    """What was taken of who may write for their domain says so (RFC 8601)."""
    (got,) = awaited("one", "INBOX", ["SUBJECT", "voisin"])
    said = " ".join(got.get_all("Authentication-Results", []))
    holds("spf=pass" in said and "dmarc=pass" in said, f"it says of who wrote: {said!r}")
    return said


def answers_outside():
    """Under an address of the association, to a server that the names lead to."""
    with writing("one") as server:
        server.send_message(letter("one@cercle.example.org", "voisin@ami.example.net", "Au-delà de l’étang"))


def is_signed():
    """DKIM (RFC 6376), by dkimpy, with the record that the box asks to be put into the DNS."""
    with open(SPEC["outside"], "rb") as file:
        content = file.read()
    record = "".join(re.findall(r'"([^"]*)"', SPEC["record"])).encode()
    names = []

    def dns(name, timeout=5):
        names.append(name.decode() if isinstance(name, bytes) else name)
        return record

    holds(dkim.verify(content, dnsfunc=dns), f"the signature does not hold (asked for {names})")
    holds(not dkim.verify(content.replace(b"Bonjour", b"Bonsoir"), dnsfunc=dns), "a changed letter is signed too")
    got = message_from_bytes(content, policy=policy.default)
    holds(got["Subject"] == "Au-delà de l’étang", f"its subject came as {got['Subject']}")
    seen = [line for line in got.get_all("Received", []) if "127.0.0.1" in line or "10.0.2" in line]
    holds(not seen, f"where the writer sat is told to others: {seen}")
    return names[0]


run(globals())
