//! The report, and what is measured.

use super::*;

fn report() -> Report {
    let figures =
        |rate, p95_ms| Figures { requests_per_second: rate, median_ms: Some(4.25), p95_ms, failed: 0 };
    let task = |name: &str, rate, p95| Task { name: name.to_owned(), figures: figures(rate, p95) };
    let tasks = vec![task("static", 4321.4, Some(19.5)), task("upload", 3.0, None)];
    Report {
        alternative: "web-server".to_owned(),
        measured: 1_790_000_000,
        processor: "Some CPU".to_owned(),
        processors: 2,
        clients: CLIENTS,
        seconds: 5,
        services: vec![Measured { service: "one".to_owned(), idle_kib: 2048, loaded_kib: 9000, tasks }],
    }
}

#[test]
fn a_report_reads_as_a_table() {
    insta::assert_snapshot!(report().text(), @r"
    web-server, 50 clients for 5 s each, on 2 × Some CPU
    one: 2 MiB idle, 8 MiB after the load
      static       4321 requests/s   median    4.2 ms   95 %   19.5 ms   0 failed
      upload          3 requests/s   median    4.2 ms   95 % too few answers   0 failed
    ");
}

#[test]
fn a_kept_report_is_read_again() {
    let text = serde_json::to_string(&report()).expect("text");
    assert_eq!(serde_json::from_str::<Report>(&text).expect("a report"), report());
}

#[test]
fn php_is_measured_where_a_service_of_the_box_runs_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let names = |sample: &Sample| sample.tasks.iter().map(|(name, _, _)| *name).collect::<Vec<_>>();
    let without = Sample::lay_out(folder.path(), None).expect("laid out");
    assert!(!names(&without).contains(&"php") && names(&without).contains(&"upload"));
    let php = "[service]\nname = \"php\"\ntitle = { fr = \"\", en = \"\" }\nsummary = { fr = \"\", en = \"\" }\n\
               [trial]\ntemplate = \"a.hbs\"\ncommand = [\"/usr/sbin/php-fpm\"]\nsocket = \"php.sock\"\n";
    let services = [Manifest::parse(php).expect("valid")];
    assert!(runs_php(&[]).is_none());
    assert_eq!(runs_php(&services).map(|(_, _, socket)| socket), Some("php.sock"));
    let with = Sample::lay_out(folder.path(), Some(Path::new("/run/php.sock"))).expect("laid out");
    assert!(names(&with).contains(&"php"));
    let pages = with.manifest.vhosts.iter().find(|vhost| vhost.location == "/pages/").expect("there");
    assert_eq!(pages.php.as_deref(), Some("unix:/run/php.sock"));
}

#[test]
fn the_processor_is_named() {
    assert_eq!(processor("processor\t: 0\nmodel name\t: Intel X\nmodel name\t: Intel X\n"), "Intel X");
    assert_eq!(processor("Features : a\nModel\t\t: Raspberry Pi 4\n"), "Raspberry Pi 4");
    assert_eq!(processor(""), "");
}
