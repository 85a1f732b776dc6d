"""Calendar and address-book programs at work on a box: python-caldav and vdirsyncer. `one`, `two` and `three` are of
one association, `away` is of another; `entries` says how many appointments, and cards, are kept in step.
"""

import shutil
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import caldav
import icalendar
import requests
from box import AUTHORITY, NAME, PASSWORD, PATIENCE, SPEC, address, holds, run

DAV = f"https://{NAME}/SOGo/dav"
KIND = {"Content-Type": "text/calendar; charset=utf-8"}
FOLDER = Path(SPEC["folder"])
# Rules of Paris since 1996.
ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def client(login):
    return caldav.DAVClient(f"{DAV}/", username=login, password=PASSWORD, ssl_verify_cert=AUTHORITY, timeout=PATIENCE)


def own(login):
    """The calendar that somebody has from the beginning, as a program finds it."""
    calendars = client(login).principal().calendars()
    mine = [one for one in calendars if f"/{login}/Calendar/personal" in str(one.url)]
    holds(len(mine) == 1, f"{login} is shown the calendars {[str(one.url) for one in calendars]}")
    return mine[0]


def asks(method, login, path, password=PASSWORD, **words):
    who = (login, password)
    return requests.request(method, f"{DAV}/{path}", auth=who, verify=AUTHORITY, timeout=PATIENCE, **words)


def event(uid, *lines, zone=""):
    text = "\n".join([
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Mazet//Test//FR", *zone.splitlines(), "BEGIN:VEVENT", f"UID:{uid}",
        "DTSTAMP:20261130T000000Z", f"SUMMARY:{uid} à l’étang", *lines, "END:VEVENT", "END:VCALENDAR", "",
    ])
    return text.replace("\n", "\r\n")


def each_week_with_an_alarm():
    """Recurrence, a time zone across the change to summer time, an alarm, one time left out."""
    calendar = own("one")
    calendar.save_event(event(
        "chorale", "DTSTART;TZID=Europe/Paris:20270315T180000", "DTEND;TZID=Europe/Paris:20270315T190000",
        "RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;TZID=Europe/Paris:20270322T180000", "BEGIN:VALARM", "ACTION:DISPLAY",
        "DESCRIPTION:x", "TRIGGER:-PT15M", "END:VALARM", zone=ZONE,
    ))
    found = calendar.search(
        start=datetime(2027, 3, 14), end=datetime(2027, 4, 30), event=True, expand=True
    )
    times = sorted(
        one.icalendar_component["DTSTART"].dt.astimezone(timezone.utc) for one in found
    )
    wanted = [datetime(2027, 3, 15, 17), datetime(2027, 3, 29, 16), datetime(2027, 4, 5, 16), datetime(2027, 4, 12, 16)]
    holds(times == [one.replace(tzinfo=timezone.utc) for one in wanted], f"it takes place at {times}")
    (kept,) = icalendar.Calendar.from_ical(calendar.event_by_uid("chorale").data).walk("VEVENT")
    alarm = kept.walk("VALARM")[0]
    holds(alarm["TRIGGER"].dt == timedelta(minutes=-15), f"the alarm is {alarm}")
    return f"{len(times)} times"


def a_password_with_accents_opens():
    """As RFC 7617 wishes, and in Latin 1, which requests and others write; and no other one."""
    accented = SPEC["accented"]
    tries = {"UTF-8": accented.encode(), "Latin 1": accented.encode("latin-1"), "neither": accented.encode("utf-16")}
    seen = {
        name: asks("PROPFIND", "accents", "accents/Calendar/personal/", password, headers={"Depth": "0"}).status_code
        for name, password in tries.items()
    }
    holds(seen == {"UTF-8": 207, "Latin 1": 207, "neither": 401}, f"it is answered {seen}")


def shared_by_two():
    """Nothing, then to be read, then to be written too; never with another association."""
    own("one").save_event(event("partage", "DTSTART:20270401T080000Z", "DTEND:20270401T090000Z"))
    path = "one/Calendar/personal/partage.ics"
    seen = {login: asks("GET", login, path).status_code for login in ("two", "three", "away")}
    holds(200 not in seen.values(), f"before it is shared: {seen}")
    grant("one", "two", "PublicViewer")
    grant("one", "three", "PublicModifier", "ObjectCreator", "ObjectEraser")
    grant("one", "away", "PublicViewer")
    seen = {login: asks("GET", login, path).status_code for login in ("two", "three", "away")}
    holds(seen["two"] == seen["three"] == 200 and seen["away"] in (403, 404), f"when it is shared: {seen}")
    put = {
        login: asks(
            "PUT", login, f"one/Calendar/personal/de-{login}.ics", headers=KIND,
            data=event(f"de-{login}", "DTSTART:20270402T080000Z", "DTEND:20270402T090000Z").encode(),
        ).status_code
        for login in ("two", "three")
    }
    holds(put["two"] == 403 and put["three"] in (201, 204), f"who writes is answered {put}")
    own("one").event_by_uid("de-three")
    return str(put)


def grant(owner, login, *rights):
    """As SOGo's own pages and connectors do (inverse-dav's acl-query)."""
    body = (
        '<?xml version="1.0"?><acl-query xmlns="urn:inverse:params:xml:ns:inverse-dav">'
        f'<set-roles user="{login}">{"".join(f"<{right}/>" for right in rights)}</set-roles></acl-query>'
    )
    answer = asks("POST", owner, f"{owner}/Calendar/personal/", data=body, headers={"Content-Type": "application/xml"})
    holds(answer.ok, f"sharing with {login}: {answer.status_code} {answer.text}")


def invited_and_accepted():
    """By programs: it stands in the other's calendar, and the answer comes back."""
    organiser = own("one")
    organiser.save_event(event(
        "invitation", "DTSTART:20270403T090000Z", "DTEND:20270403T100000Z", f"ORGANIZER;CN=one:mailto:{address('one')}",
        f"ATTENDEE;CN=two;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{address('two')}",
    ))
    accepts("two", "invitation")
    return answer_of("one", "two", "invitation")


def accepts(login, uid):
    got = own(login).event_by_uid(uid)
    lines = got.data.replace("\r\n ", "").splitlines()
    mine = [line for line in lines if line.startswith("ATTENDEE") and address(login) in line]
    holds(mine and "NEEDS-ACTION" in mine[0], f"{login} is invited by {mine}")
    got.data = "\r\n".join(
        line.replace("NEEDS-ACTION", "ACCEPTED") if line in mine else line for line in lines
    )
    got.save()


def answer_of(organiser, login, uid):
    lines = own(organiser).event_by_uid(uid).data.replace("\r\n ", "").splitlines()
    said = [line for line in lines if line.startswith("ATTENDEE") and address(login) in line]
    holds(said and "ACCEPTED" in said[0], f"the organiser reads {said}")
    return said[0]


def an_invitation_from_the_pages_is_accepted():
    """`one` made it in the pages for `three`."""
    found = [one for one in own("three").events() if "Venue des pages" in one.data]
    holds(len(found) == 1, "what was made in the pages is not in the other's calendar")
    uid = str(found[0].icalendar_component["UID"])
    accepts("three", uid)
    return answer_of("one", "three", uid)


def busy_is_told_to_colleagues():
    """Free/busy (RFC 6638 section 5): to colleagues, and to nobody else."""
    answers = {login: busy(login, "two") for login in ("three", "away")}
    holds("20270403T090000Z/20270403T100000Z" in answers["three"], f"a colleague is told {answers['three']}")
    holds("20270403T09" not in answers["away"], f"a stranger is told {answers['away']}")


def busy(login, whom):
    body = "\r\n".join([
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Mazet//Test//FR", "METHOD:REQUEST", "BEGIN:VFREEBUSY", "UID:frei",
        "DTSTAMP:20261130T000000Z", "DTSTART:20270403T000000Z", "DTEND:20270404T000000Z",
        f"ORGANIZER:mailto:{address(login)}", f"ATTENDEE:mailto:{address(whom)}", "END:VFREEBUSY", "END:VCALENDAR", "",
    ])
    return asks("POST", login, f"{login}/Calendar/personal/", data=body, headers={"Content-Type": "text/calendar"}).text


def thousands_in_step():
    """Two computers of `two`, by vdirsyncer: all of one's come to the other, and its changes come back."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for side in ("a", "b"):
        configure(side)
    count = SPEC["entries"]
    for number in range(count):
        (FOLDER / "a/cal/personal" / f"n-{number}.ics").write_text(entry(number), newline="")
        (FOLDER / "a/con/personal" / f"l-{number}.vcf").write_text(card(number), newline="")
    times = [sync("a"), sync("b")]
    there = {name.name for name in (FOLDER / "b/con/personal").iterdir()}
    holds(len(there) == count, f"{len(there)} of {count} cards came")
    alike("all came", count)
    changed = sorted((FOLDER / "b/cal/personal").iterdir())
    ours = [file for file in changed if "UID:n-" in file.read_text()]
    for file in ours[:10]:
        file.unlink()
    for file in ours[10:20]:
        file.write_text(file.read_text().replace("SUMMARY:", "SUMMARY:Changé "), newline="")
    times += [sync("b"), sync("a")]
    left = alike("changes came back", count - 10)
    holds(sum(one[0].startswith("Changé") for one in left.values()) == 10, "changes are lost")
    times.append(sync("a"))
    up, down, *_, unchanged = times
    return f"{count} appointments and {count} cards: up {up:.0f} s, down {down:.0f} s, unchanged {unchanged:.0f} s"


def configure(side):
    """Writes vdirsyncer's settings: a folder each for appointments and cards, and the box."""
    secret = FOLDER / "secret"
    lines = ["[general]", f'status_path = "{FOLDER}/{side}/status/"']
    for kind, protocol, ending in (("cal", "caldav", ".ics"), ("con", "carddav", ".vcf")):
        folder = FOLDER / side / kind
        (folder / "personal").mkdir(parents=True)
        lines += [
            f"[pair {kind}]", f'a = "{kind}_here"', f'b = "{kind}_there"', 'collections = ["personal"]',
            f"[storage {kind}_here]", 'type = "filesystem"', f'path = "{folder}/"', f'fileext = "{ending}"',
            f"[storage {kind}_there]", f'type = "{protocol}"', f'url = "https://{NAME}/.well-known/{protocol}"',
            'username = "two"', f'password.fetch = ["command", "cat", "{secret}"]', f'verify = "{AUTHORITY}"',
        ]
    secret.write_text(PASSWORD)
    (FOLDER / f"{side}.conf").write_text("\n".join(lines) + "\n")
    vdirsyncer(side, "discover")


def vdirsyncer(side, verb):
    # In this process, so that the box's name is found.
    from vdirsyncer.cli import app

    app.main(["--config", str(FOLDER / f"{side}.conf"), "--verbosity", "WARNING", verb], standalone_mode=False)


def sync(side):
    begun = time.monotonic()
    vdirsyncer(side, "sync")
    return time.monotonic() - begun


def entry(number):
    """Appointments of five kinds."""
    day = (date(2028, 1, 1) + timedelta(days=number % 700)).strftime("%Y%m%d")
    lines = [
        [f"DTSTART;VALUE=DATE:{day}", "RRULE:FREQ=YEARLY;COUNT=3"],
        [f"DTSTART;TZID=Europe/Paris:{day}T180000", f"DTEND;TZID=Europe/Paris:{day}T190000",
         "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=8", f"EXDATE;TZID=Europe/Paris:{day}T180000"],
        [f"DTSTART;TZID=Europe/Paris:{day}T020000", "DURATION:PT1H", "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x",
         "TRIGGER:-PT15M", "END:VALARM"],
        [f"DTSTART:{day}T080000Z", f"DTEND:{day}T090000Z"],
        [f"DTSTART:{day}T100000Z", f"DTEND:{day}T110000Z", "LOCATION:Salle des fêtes"],
    ][number % 5]
    return event(f"n-{number}", *lines, zone=ZONE)


def card(number):
    lines = [
        "BEGIN:VCARD", "VERSION:3.0", f"UID:l-{number}", f"FN:Élodie n° {number}", f"N:n° {number};Élodie;;;",
        f"EMAIL:e{number}@example.org", "END:VCARD", "",
    ]
    return "\r\n".join(lines)


def alike(when, count):
    """Both computers hold the same appointments of ours."""
    here, there = (appointments(side) for side in ("a", "b"))
    holds(len(here) == count and here == there, f"{when}: {len(here)} here, {len(there)} there of {count}")
    return here


def appointments(side):
    found = {}
    for file in (FOLDER / side / "cal/personal").iterdir():
        for one in icalendar.Calendar.from_ical(file.read_text()).walk("VEVENT"):
            if str(one["UID"]).startswith("n-"):
                rule = one["RRULE"].to_ical() if "RRULE" in one else b""
                zone = str(one["DTSTART"].params.get("TZID", ""))
                found[str(one["UID"])] = (
                    str(one["SUMMARY"]), one["DTSTART"].to_ical(), zone, rule, len(one.walk("VALARM")), "EXDATE" in one,
                )
    return found


run(globals())
