"""The names of the Internet that a test has, by dnslib: who may write for which domain, and where its mail goes.

Arguments: the address at which it answers, the address of the box.
"""

import sys
import threading

from dnslib import QTYPE, RCODE, RR
from dnslib.server import BaseResolver, DNSServer

HERE, BOX = sys.argv[1:]
# A neighbour says who writes for it; of a bank, others write under its name, which it wants refused.
ZONE = f"""
ami.example.net. 60 IN A {HERE}
ami.example.net. 60 IN MX 10 ami.example.net.
ami.example.net. 60 IN TXT "v=spf1 ip4:{HERE} -all"
_dmarc.ami.example.net. 60 IN TXT "v=DMARC1; p=reject"
banque.example.net. 60 IN A 192.0.2.9
banque.example.net. 60 IN MX 10 banque.example.net.
banque.example.net. 60 IN TXT "v=spf1 ip4:192.0.2.9 -all"
_dmarc.banque.example.net. 60 IN TXT "v=DMARC1; p=reject"
cercle.example.org. 60 IN A {BOX}
cercle.example.org. 60 IN MX 10 cercle.example.org.
cercle.example.org. 60 IN TXT "v=spf1 ip4:{BOX} -all"
"""
RECORDS = RR.fromZone(ZONE)


class Names(BaseResolver):
    """Answers with what stands in the zone; a name that is there without such a record is not unknown."""

    def resolve(self, request, handler):
        reply = request.reply()
        name, kind = str(request.q.qname).lower(), QTYPE[request.q.qtype]
        known = [record for record in RECORDS if str(record.rname) == name]
        for record in known:
            if QTYPE[record.rtype] == kind:
                reply.add_answer(record)
        if not known and not any(str(record.rname).endswith(f".{name}") for record in RECORDS):
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


for tcp in (False, True):
    DNSServer(Names(), address=HERE, port=53, tcp=tcp).start_thread()
threading.Event().wait()
