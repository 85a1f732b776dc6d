"""Somebody elsewhere on the Internet writes to the box, by Python's smtplib: a neighbour whose domain says that he may, who
is not one whose letters he signs, and whoever looks for an open relay.

Arguments: the address of the box. Each try says so on a line, with the answer.
"""

import smtplib
import sys
from email import policy
from email.message import EmailMessage

(BOX,) = sys.argv[1:]
MEMBER = "one@cercle.example.org"
FRIEND = "voisin@ami.example.net"
# Who writes, to whom, and how the answer begins.
TRIES = {
    "a neighbour": (FRIEND, MEMBER, "250"),
    "nobody of that name": (FRIEND, "nobody@cercle.example.org", "550"),
    "a bank that it is not": ("conseiller@banque.example.net", MEMBER, "5"),
    "a member that it is not": (MEMBER, MEMBER, "5"),
    "a domain that is not there": ("x@nulle-part.example.net", MEMBER, "450"),
    "somebody elsewhere": (FRIEND, "x@banque.example.net", "554"),
}


def answer(sender, recipient):
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, recipient, "Du voisin"
    message["Date"], message["Message-ID"] = "Mon, 30 Nov 2026 12:00:00 +0000", f"<{len(sender)}.{len(recipient)}@{sender.split('@')[1]}>"
    message.set_content("Bonjour, à dimanche.\n")
    with smtplib.SMTP(BOX, 25, local_hostname="ami.example.net", timeout=300) as server:
        try:
            server.send_message(message, sender, [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            return next(iter(error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            return error.smtp_code, error.smtp_error
    return 250, b"taken"


for name, (sender, recipient, expected) in TRIES.items():
    code, text = answer(sender, recipient)
    print(f"{name}: {code} {text.decode(errors='replace')}", flush=True)
    if not str(code).startswith(expected):
        raise SystemExit(f"no: {expected} was expected")
