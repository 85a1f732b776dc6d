//! Appointments and cards, as python-caldav, vdirsyncer and the pages keep them: recurrence, time zones, alarms, sharing,
//! invitations, free/busy, and many entries on two computers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use serde_json::json;

use crate::inside;
use crate::lab::Bench;
use crate::programs::Programs;
use crate::stories::install;

/// The programs.
const APPOINTMENTS: &str = include_str!("../../clients/appointments.py");
/// Appointments, and as many cards, that two computers keep in step.
const ENTRIES: u32 = 2000;
/// As the page of an appointment sends it: one, with somebody who is invited.
const INVITES: &str = "const done = arguments[arguments.length - 1];
    const body = { summary: 'Venue des pages', classification: 'public', isAllDay: 0, isTransparent: 0,
        startDate: '2027-04-05', startTime: '10:00', endDate: '2027-04-05', endTime: '11:00', alarm: {}, comment: '',
        organizer: { name: 'one', email: 'one@DOMAIN' }, type: 'appointment', component: 'vevent',
        attendees: [{ name: 'three', email: 'three@DOMAIN', uid: 'three', role: 'req-participant', status: 'needs-action' }] };
    fetch('/SOGo/so/one/Calendar/personal/' + crypto.randomUUID() + '.ics/saveAsAppointment', { method: 'POST',
            headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
        .then(answer => answer.text().then(text => done(answer.status + ' ' + text)), error => done(String(error)));";
/// Ends when the last of the people has a calendar.
const CALENDARS: &str = "timeout 900 sh -c 'until setpriv --reuid=sogo --regid=sogo --clear-groups \
    /usr/lib/postgresql/17/bin/psql -XqAt -h /run/postgresql -U sogo -d groupware \
    -c \"select c_path from sogo_folder_info\" | grep -qx /Users/two/Calendar/personal; do sleep 1; done'";
/// What is looked at before something is made in the pages.
const BEFORE: [&str; 5] = [
    "each_week_with_an_alarm",
    "a_password_with_accents_opens",
    "shared_by_two",
    "invited_and_accepted",
    "busy_is_told_to_colleagues",
];
/// And after it.
const AFTER: [&str; 2] = ["an_invitation_from_the_pages_is_accepted", "thousands_in_step"];

/// Everything of it, on the disk that the French installation left.
pub fn are_kept(bench: &Bench) -> Result<()> {
    let machine = bench.machine("appointments", Firmware::Bios).disk(install::installed(bench)?);
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    inside::no_unit_failed(&qemu)?;
    let programs = Programs::new(bench, &qemu)?;
    // People have a calendar before they ever open it.
    let ended = qemu.shell()?.run(CALENDARS, Duration::from_secs(1000))?;
    ensure!(ended.status == 0, "nobody gave them a calendar: {}", ended.text);
    let more = json!({ "entries": ENTRIES, "folder": bench.path("vdirsyncer") });
    programs.run(APPOINTMENTS, &BEFORE, &[443], &more)?;
    programs.in_the_pages("one", "Calendar/view", INVITES).context("an invitation from the pages")?;
    programs.run(APPOINTMENTS, &AFTER, &[443], &more)?;
    println!("{}", inside::memory_by_program(&qemu)?);
    inside::no_unit_failed(&qemu)
}
