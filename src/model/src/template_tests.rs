use serde_json::json;

use super::*;

fn shape() -> Value {
    json!({
        "box": { "name": "mazet", "timezone": "Europe/Paris" },
        "ssh": { "enabled": true, "keys": ["k"] },
        "ports": [{ "port": 80, "protocol": "tcp" }],
    })
}

fn faults(source: &str) -> Vec<String> {
    check_template(source, &shape())
        .iter()
        .map(|fault| {
            format!("{fault}{}", fault.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default())
        })
        .collect()
}

#[test]
fn files_are_not_escaped() {
    assert_eq!(render("{{a}} {{{a}}}", &json!({ "a": "<&\">" })), Ok("<&\"> <&\">".to_owned()));
}

#[test]
fn blocks_on_lines_of_their_own_leave_no_empty_lines() {
    let source = "a\n{{#each list}}\n- {{this}}\n{{/each}}\nb\n";
    assert_eq!(render(source, &json!({ "list": [1, 2] })), Ok("a\n- 1\n- 2\nb\n".to_owned()));
}

#[test]
fn a_missing_variable_fails_the_rendering() {
    let fault = render("one\n{{box.nmae}}\n", &shape()).expect_err("strict");
    assert_eq!(fault.line, 2);
}

#[test]
fn known_variables_pass_in_every_kind_of_block() {
    let source = "{{box.name}}{{#if ssh.enabled}}{{#each ssh.keys}}{{this}} {{@index}} {{../box.name}} {{@root.box.name}}\n\
                  {{/each}}{{else}}{{box.timezone}}{{/if}}{{#each ports as |p i|}}{{p.port}} {{i}} {{protocol}}{{/each}}\
                  {{#with box}}{{name}}{{/with}}{{#if (and ssh.enabled (not live))}}{{/if}}{{#unless (eq box.name \"x\")}}{{/unless}}";
    assert_eq!(faults(&source.replace("(not live)", "(not ssh.enabled)")), Vec::<String>::new());
}

#[test]
fn what_passes_the_check_renders() {
    let source = "{{#each ports as |p|}}{{p.port}} {{@root.box.name}} {{../box.name}}{{/each}}{{#with box}}{{name}}{{/with}}";
    assert_eq!(faults(source), Vec::<String>::new());
    assert_eq!(render(source, &shape()), Ok("80 mazet mazetmazet".to_owned()));
}

#[test]
fn unknown_variables_are_found_with_their_places() {
    let source = "x\n  {{box.nmae}} {{box.nmae}}\n{{#each ports}}{{prot}}{{box.name}}{{/each}}{{#if sssh.enabled}}{{else}}{{@index}}{{/if}}";
    assert_eq!(
        faults(source),
        [
            "line 2, column 5: unknown variable `box.nmae` (did you mean `name`?)",
            "line 2, column 18: unknown variable `box.nmae` (did you mean `name`?)",
            "line 3, column 18: unknown variable `prot` (did you mean `port`?)",
            "line 3, column 26: unknown variable `box.name` (known here: port, protocol)",
            "line 3, column 51: unknown variable `sssh.enabled` (did you mean `ssh`?)",
            "line 3, column 75: `@index` has a value only inside `{{#each}}`",
        ]
    );
}

#[test]
fn a_name_in_a_comment_or_in_the_text_is_not_its_place() {
    let source = "nope {{! nope }}\n{{nope}}";
    assert_eq!(check_template(source, &shape())[0].line, 2);
}

#[test]
fn unknown_helpers_partials_and_syntax_errors_are_faults() {
    assert_eq!(
        faults("{{#iff box}}{{/iff}}"),
        ["line 1, column 4: there is no helper `iff` (did you mean `if`?)"]
    );
    assert_eq!(
        faults("{{> header}}"),
        ["line 1, column 5: partials and decorators have no place in a file's template"]
    );
    assert_eq!(faults("{{#if ssh.enabled}}").len(), 1);
    assert_eq!(
        faults("{{../box.name}}"),
        ["line 1, column 3: `../box.name` climbs above the outermost block (remove a `../`)"]
    );
}
