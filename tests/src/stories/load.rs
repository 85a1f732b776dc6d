//! Fifty people at once on the pages, for two minutes, with wrk: latency, errors, memory.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use mazet_boot::Qemu;

use crate::browser::ENGLISH_DESKTOP;
use crate::folk::{self, Person};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self};
use crate::stories::{associations, install};
use crate::visitor::Visitor;
use crate::wizard::FRENCH;

/// How many people.
const PEOPLE: usize = 50;
/// For how long, in seconds.
const SECONDS: u64 = 120;
/// Accounts that are opened side by side: each costs the box a hash that is slow by intent.
const HANDS: usize = 4;
/// Between two looks at the box's memory.
const LOOK: Duration = Duration::from_secs(15);

/// What every person's browser does: a page at random, read for one to five seconds.
/// `COOKIES` stands for the sessions, one each.
const SCRIPT: &str = r#"
local cookies = { COOKIES }
local pages = { "/", "/", "/connect", "/account", "/account/devices", "/account/applications", "/assets/mazet.css" }
local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end
function init(args)
    math.randomseed(number + 7)
end
function delay()
    return math.random(1000, 5000)
end
function request()
    local cookie = cookies[math.random(#cookies)]
    return wrk.format("GET", pages[math.random(#pages)], { ["Cookie"] = cookie })
end
function response(status, headers, body)
    if status ~= 200 then
        io.write(string.format("answered %d\n", status))
    end
end
"#;

/// The story: no request fails; what it cost is printed.
pub fn fifty(bench: &Bench) -> Result<()> {
    let qemu = install::running(bench, "load")?;
    let people = invited(bench, &qemu)?;
    let sessions = sessions(bench, &qemu, &people)?;
    let before = inside::memory_in_use(&qemu)?;
    let counted = counters(&qemu)?;
    let (report, most) = under_load(bench, &qemu, &sessions)?;
    eprintln!("{report}  memory in use: {before} MiB before, {most} MiB at most");
    eprintln!("  the box's own count: {}", more(&counted, &counters(&qemu)?));
    for bad in ["answered ", "Socket errors", "Non-2xx"] {
        ensure!(!report.contains(bad), "requests failed:\n{report}");
    }
    ensure!(report.contains("requests in"), "wrk did not say what it did:\n{report}");
    inside::no_unit_failed(&qemu)?;
    qemu.shell()?.ask("mazetd health").context("the box is not well after it").map(drop)
}

/// Fifty people by a list.
fn invited(bench: &Bench, qemu: &Qemu) -> Result<Vec<Person>> {
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let desk = members::operator(bench, &base, ENGLISH_DESKTOP, "en")?;
    let rows: String = (1..=PEOPLE).map(|number| format!("Person {number},p{number}\n")).collect();
    let people = associations::import(&desk, &base, FRENCH.organisation, &format!("name,login\n{rows}"))?;
    ensure!(people.len() == PEOPLE, "{} slips for {PEOPLE} people", people.len());
    Ok(people)
}

/// Everybody accepts and signs in; gives the cookies, one line each as a browser sends them.
fn sessions(bench: &Bench, qemu: &Qemu, people: &[Person]) -> Result<Vec<String>> {
    let share = people.len().div_ceil(HANDS);
    thread::scope(|scope| {
        let workers: Vec<_> = people
            .chunks(share)
            .map(|some| scope.spawn(|| some.iter().map(|one| session(bench, qemu, one)).collect()))
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            let some: Result<Vec<String>> = worker.join().map_err(|_| anyhow!("a worker panicked"))?;
            all.extend(some?);
        }
        Ok(all)
    })
}

fn session(bench: &Bench, qemu: &Qemu, person: &Person) -> Result<String> {
    let jar = bench.path(&format!("{}.cookies", person.login));
    person.accept(&Visitor::new(&bench.lab, qemu, &jar)?)?;
    folk::signed_in(&bench.lab, qemu, &jar, &person.login, &person.password())?;
    cookie_line(&fs::read_to_string(&jar).context("reading a cookie jar")?)
}

/// The `Cookie` header of a jar in Netscape's format, as curl writes it.
fn cookie_line(jar: &str) -> Result<String> {
    let pair = |line: &str| {
        let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
        let fields: Vec<&str> = line.split('\t').collect();
        (fields.len() == 7).then(|| format!("{}={}", fields[5], fields[6]))
    };
    let pairs: Vec<String> = jar.lines().filter_map(pair).collect();
    ensure!(!pairs.is_empty(), "the jar holds no cookie: {jar}");
    Ok(pairs.join("; "))
}

/// wrk's report, and the most memory in use meanwhile, in MiB.
fn under_load(bench: &Bench, qemu: &Qemu, sessions: &[String]) -> Result<(String, u64)> {
    let script = bench.path("people.lua");
    let cookies: Vec<String> = sessions.iter().map(|line| format!("{line:?}")).collect();
    fs::write(&script, SCRIPT.replace("COOKIES", &cookies.join(", "))).context("writing wrk's script")?;
    let words = [
        "--threads=2".to_owned(),
        format!("--connections={PEOPLE}"),
        format!("--duration={SECONDS}s"),
        "--timeout=60s".to_owned(),
        "--latency".to_owned(),
        format!("--script={}", script.display()),
        format!("https://127.0.0.1:{}", qemu.port(443)?),
    ];
    let (ended, end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watcher = scope.spawn(move || most_memory(qemu, &end));
        let output = bench.lab.test_tree.output("wrk", &words);
        drop(ended);
        let most = watcher.join().map_err(|_| anyhow!("looking at the memory panicked"))??;
        Ok((String::from_utf8_lossy(&output?).into_owned(), most))
    })
}

/// What the box's kernel counted of TCP so far (Linux, Documentation/networking/snmp_counter.rst).
fn counters(qemu: &Qemu) -> Result<BTreeMap<String, i64>> {
    let text = qemu.shell()?.ask("cat /proc/net/snmp /proc/net/netstat")?;
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("Tcp")).collect();
    let named = lines.chunks_exact(2).flat_map(|pair| pair[0].split(' ').zip(pair[1].split(' ')).skip(1));
    Ok(named.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
}

/// Those counters that tell of connections, with what came to them.
fn more(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> String {
    let tells = |name: &&String| {
        ["Listen", "Reset", "Rst", "Opens", "Fail", "Cookie", "Abort", "Full"]
            .iter()
            .any(|part| name.contains(part))
    };
    let came = |name: &String| (name.clone(), after[name] - before.get(name).copied().unwrap_or_default());
    let all = after.keys().filter(tells).map(came).filter(|(_, count)| *count != 0);
    all.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// The most memory in use until `end` is closed.
fn most_memory(qemu: &Qemu, end: &mpsc::Receiver<()>) -> Result<u64> {
    let mut most = 0;
    while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        most = most.max(inside::memory_in_use(qemu)?);
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_becomes_a_header() {
        let jar = "# Netscape HTTP Cookie File\n\n#HttpOnly_127.0.0.1\tFALSE\t/\tTRUE\t0\t__Host-session\tabc\n\
                   127.0.0.1\tFALSE\t/\tTRUE\t0\tlanguage\tfr\n";
        assert_eq!(cookie_line(jar).expect("cookies"), "__Host-session=abc; language=fr");
        assert!(cookie_line("# nothing\n").is_err());
    }
}
