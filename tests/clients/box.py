"""The box that programs are tried on, as the JSON file says that the first argument names: `name` of the box,
`authority` (the file of its certificate), `ports` (the box's to this machine's), `password` (everybody's), `accented`
(that of `accents`), `parts` (what to run, in order), and what else the parts need.

Each part that holds says so on a line, with what it saw; one that does not says why on standard error, and makes the run
end with an error, after the others.
"""

import json
import socket
import ssl
import sys
import traceback

with open(sys.argv[1], encoding="utf-8") as file:
    SPEC = json.load(file)
NAME, PASSWORD, AUTHORITY = SPEC["name"], SPEC["password"], SPEC["authority"]
TLS = ssl.create_default_context(cafile=AUTHORITY)
# Seconds for anything on an emulated machine.
PATIENCE = 300
found_at = socket.getaddrinfo


def find(host, port, *words, **named):
    """The box's name leads to this machine's ports, as the network's names would lead there."""
    if host == NAME:
        host, port = "127.0.0.1", SPEC["ports"][str(port)]
    return found_at(host, port, *words, **named)


socket.getaddrinfo = find


def address(login):
    """Where somebody of the box is written to."""
    return f"{login}@{NAME}"


def holds(condition, why):
    """Ends the part where something is not as it should be."""
    if not condition:
        raise SystemExit(f"no: {why}")


def run(parts):
    """Runs the parts that are asked for, of these functions."""
    failed = []
    for part in SPEC["parts"]:
        try:
            print(f"{part}: {parts[part]() or 'yes'}", flush=True)
        except (Exception, SystemExit):
            failed.append(part)
            print(f"== {part}\n{traceback.format_exc(limit=-6)}", file=sys.stderr, flush=True)
    if failed:
        raise SystemExit(f"no: {', '.join(failed)}")
