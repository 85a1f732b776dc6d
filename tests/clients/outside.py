"""A mail server of somebody else's, by aiosmtpd, in a network of its own: takes what is brought with the right login over
TLS, and keeps it as it came.

Arguments: address, port, certificate, key, folder, login, file of the password. Without a login it is the server that the
names of a domain lead to, and takes from everybody.
"""

import itertools
import os
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

HOST, PORT, CERTIFICATE, KEY, FOLDER, LOGIN, SECRET = sys.argv[1:]
with open(SECRET, encoding="utf-8") as file:
    PASSWORD = file.read().strip()
NUMBERS = itertools.count()


class Keeper:
    """Keeps each letter in a file of its own, whole before it has its name."""

    async def handle_DATA(self, server, session, envelope):
        name = f"{FOLDER}/{next(NUMBERS)}.eml"
        with open(f"{name}.new", "wb") as file:
            file.write(envelope.content)
        os.rename(f"{name}.new", name)
        return "250 kept"


def who(server, session, envelope, mechanism, data):
    known = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (LOGIN, PASSWORD)
    return AuthResult(success=known)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(CERTIFICATE, KEY)
Controller(
    Keeper(), hostname=HOST, port=int(PORT), tls_context=context, require_starttls=bool(LOGIN), authenticator=who,
    auth_required=bool(LOGIN),
).start()
threading.Event().wait()
