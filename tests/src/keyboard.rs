//! A person without a pointer: everything is reached with Tab and done with keys.

use anyhow::{Context as _, Result, bail, ensure};

use crate::webdriver::{Element, Session};

/// Keys as WebDriver names them (section 17.4.2).
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const DOWN: char = '\u{e015}';
const DELETE: char = '\u{e017}';
const SPACE: char = ' ';
/// More stops than any page has.
const STOPS: usize = 400;
/// More choices than any group of radio buttons has.
const CHOICES: usize = 20;

/// Has the element, or the field that it is the label of, the focus?
const HERE: &str = "return document.activeElement === (arguments[0].control ?? arguments[0]);";

/// Notes each stop of the focus, and where nothing shows that it is there. Gives how many stops there are.
const NOTE: &str = r"
    const stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
        .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0
            && one.type !== 'hidden');
    const group = one => one.type === 'radio' ? one.name : one;
    window.mazet = { wanted: stops, group, reached: new Set(), unseen: [] };
    addEventListener('focusin', event => {
        const style = getComputedStyle(event.target);
        mazet.reached.add(group(event.target));
        if (style.outlineStyle === 'none' && style.boxShadow === 'none') mazet.unseen.push(event.target.outerHTML);
    });
    return stops.length;";
/// What [`NOTE`] noted: elements that were never reached, and those whose focus nobody sees.
const NOTED: &str = r"
    const missed = mazet.wanted.filter(one => !mazet.reached.has(mazet.group(one))).map(one => one.outerHTML);
    return [missed, mazet.unseen];";

/// Sees that Tab leads to everything on the page that can be used, and that the focus shows where it is.
pub fn reaches_everything(session: &Session) -> Result<()> {
    let stops = session.script(NOTE)?.as_u64().context("the page does not count its stops")?;
    session.press(std::iter::repeat_n(TAB, usize::try_from(stops)? + 2))?;
    let noted = session.script(NOTED)?;
    for (list, what) in [(&noted[0], "Tab does not reach"), (&noted[1], "nothing shows the focus on")] {
        let elements = list.as_array().context("the page does not tell its stops")?;
        ensure!(elements.is_empty(), "{what} {list}");
    }
    Ok(())
}

/// What a click does.
pub fn activate(session: &Session, element: &Element) -> Result<()> {
    let kind = session.script_on(
        element,
        "const one = arguments[0].control ?? arguments[0]; return one.type === 'radio' || one.type === 'checkbox' \
         ? one.type : one.tagName.toLowerCase();",
    )?;
    match kind.as_str().unwrap_or_default() {
        "option" => choose(session, element),
        "radio" => select(session, element),
        "checkbox" => {
            focus(session, element)?;
            session.press([SPACE])
        }
        _ => {
            focus(session, element)?;
            session.press([ENTER])
        }
    }
}

/// Replaces what a field holds.
pub fn fill(session: &Session, element: &Element, text: &str) -> Result<()> {
    focus(session, element)?;
    // A person would press Ctrl+A here; which key that is depends on the machine.
    session.script_on(element, "arguments[0].select();")?;
    session.press(std::iter::once(DELETE).chain(text.chars()))
}

/// Presses Tab until the element, or the field that it is the label of, has the focus.
fn focus(session: &Session, element: &Element) -> Result<()> {
    until(session, element, HERE, TAB, STOPS)
}

/// A radio button: Tab leads to its group, the arrows through it.
fn select(session: &Session, element: &Element) -> Result<()> {
    let in_group = "return document.activeElement.name === (arguments[0].control ?? arguments[0]).name;";
    until(session, element, in_group, TAB, STOPS)?;
    let chosen = "return (arguments[0].control ?? arguments[0]).checked;";
    if session.script_on(element, HERE)? == true {
        session.press([SPACE])?;
    }
    until(session, element, chosen, DOWN, CHOICES)
}

/// An option: Tab leads to its list, and what is typed there chooses.
fn choose(session: &Session, option: &Element) -> Result<()> {
    let in_list = "return document.activeElement === arguments[0].closest('select');";
    until(session, option, in_list, TAB, STOPS)?;
    let text = session.script_on(option, "return arguments[0].text;")?;
    session.press(text.as_str().unwrap_or_default().chars())?;
    let chosen = session.script_on(option, "return arguments[0].selected;")?;
    ensure!(chosen == true, "typing {text} does not choose it");
    Ok(())
}

fn until(session: &Session, element: &Element, condition: &str, key: char, most: usize) -> Result<()> {
    for _ in 0..most {
        if session.script_on(element, condition)? == true {
            return Ok(());
        }
        session.press([key])?;
    }
    let which = session.script_on(element, "return arguments[0].outerHTML;")?;
    bail!("{most} times the same key do not lead to {which}")
}
