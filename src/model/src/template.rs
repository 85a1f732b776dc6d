//! Handlebars templates for files: strict, without HTML escaping, checked before use.
//!
//! [`render`] fails on a missing variable. [`check_template`] finds such variables without
//! rendering, in branches that this box would not take as well: it walks the parsed template
//! against a sample of the context ([`crate::context::shape`]).

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Handlebars, RenderError, Template, TemplateErrorReason};
use serde_json::Value;
use thiserror::Error;

use crate::suggest::nearest;

/// Helpers that templates may use.
const HELPERS: [&str; 13] =
    ["if", "unless", "each", "with", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not"];

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TemplateFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length of the faulty text in characters, at least 1.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Renders a template strictly and without escaping.
///
/// # Errors
/// When the template cannot be parsed or names a variable that the context lacks.
pub fn render(source: &str, context: &Value) -> Result<String, TemplateFault> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(handlebars::no_escape);
    engine.register_template_string("template", source).map_err(|error| syntax_fault(&error))?;
    engine.render("template", context).map_err(|error| render_fault(&error))
}

/// Every unknown variable, unknown helper or syntax error of a template, in source order.
///
/// `shape` is a sample of the context in which each list has an element.
pub fn check_template(source: &str, shape: &Value) -> Vec<TemplateFault> {
    match Template::compile(source) {
        Err(error) => vec![syntax_fault(&error)],
        Ok(template) => {
            let mut walk = Walk { source, cursor: 0, scopes: vec![Scope::root(shape)], faults: Vec::new() };
            walk.template(&template);
            walk.faults
        }
    }
}

fn syntax_fault(error: &handlebars::TemplateError) -> TemplateFault {
    let (line, column) = error.pos().unwrap_or((1, 1));
    let message = match error.reason() {
        // The parser's own message repeats the source over several lines.
        TemplateErrorReason::InvalidSyntax(_) => "this is not valid Handlebars".to_owned(),
        other => other.to_string(),
    };
    let hint = Some("every `{{#block}}` needs its `{{/block}}`, every `{{` its `}}`".to_owned());
    TemplateFault { line: line.max(1), column: column.max(1), length: 1, message, hint }
}

fn render_fault(error: &RenderError) -> TemplateFault {
    TemplateFault {
        line: error.line_no.unwrap_or(1),
        column: error.column_no.unwrap_or(1),
        length: 1,
        message: error.reason().to_string(),
        hint: None,
    }
}

/// What is known of a value: a sample of it, or nothing.
type Shape<'s> = Option<&'s Value>;

/// One level of `this`.
struct Scope<'s> {
    this: Shape<'s>,
    names: Vec<(String, Shape<'s>)>,
    is_each: bool,
}

impl<'s> Scope<'s> {
    fn root(shape: &'s Value) -> Self {
        Self { this: Some(shape), names: Vec::new(), is_each: false }
    }
}

struct Walk<'s> {
    source: &'s str,
    /// Byte up to which the source was visited: names are found from here on.
    cursor: usize,
    scopes: Vec<Scope<'s>>,
    faults: Vec<TemplateFault>,
}

/// Why a path does not resolve.
struct Missing {
    message: String,
    hint: Option<String>,
}

impl<'s> Walk<'s> {
    fn template(&mut self, template: &Template) {
        for element in &template.elements {
            match element {
                TemplateElement::HtmlExpression(call) | TemplateElement::Expression(call) => {
                    self.expression(call);
                }
                TemplateElement::HelperBlock(call) => self.block(call),
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                other => {
                    let name = match other {
                        TemplateElement::DecoratorExpression(call)
                        | TemplateElement::DecoratorBlock(call)
                        | TemplateElement::PartialExpression(call)
                        | TemplateElement::PartialBlock(call) => call.name.as_name().unwrap_or_default(),
                        _ => "",
                    };
                    let message = "partials and decorators have no place in a file's template";
                    self.fault(name, message.to_owned(), None);
                }
            }
        }
    }

    fn expression(&mut self, call: &HelperTemplate) {
        if call.params.is_empty() && call.hash.is_empty() {
            self.parameter(&call.name);
        } else {
            self.helper(call);
        }
    }

    fn helper(&mut self, call: &HelperTemplate) -> Shape<'s> {
        let name = call.name.as_name().unwrap_or_default().to_owned();
        if HELPERS.contains(&name.as_str()) {
            self.advance(&name);
        } else {
            let hint = nearest(&name, HELPERS).map(|near| format!("did you mean `{near}`?"));
            self.fault(&name, format!("there is no helper `{name}`"), hint);
        }
        let shapes: Vec<Shape> = call.params.iter().map(|parameter| self.parameter(parameter)).collect();
        for value in call.hash.values() {
            self.parameter(value);
        }
        shapes.first().copied().flatten()
    }

    fn block(&mut self, call: &HelperTemplate) {
        let subject = self.helper(call);
        let name = call.name.as_name().unwrap_or_default();
        let is_each = name == "each";
        let inner = if is_each { subject.and_then(element) } else { subject };
        let opens_scope = is_each || name == "with";
        if opens_scope {
            let names = block_names(call, inner);
            self.scopes.push(Scope { this: inner, names, is_each });
        }
        if let Some(template) = &call.template {
            self.template(template);
        }
        if opens_scope {
            self.scopes.pop();
        }
        if let Some(inverse) = &call.inverse {
            self.template(inverse);
        }
    }

    fn parameter(&mut self, parameter: &Parameter) -> Shape<'s> {
        if let Parameter::Subexpression(inner) = parameter {
            if let TemplateElement::Expression(call) = inner.as_element() {
                self.helper(call);
            }
            return None;
        }
        let path = parameter.as_name()?.to_owned();
        match self.resolve(&path) {
            Ok(shape) => {
                self.advance(&path);
                shape
            }
            Err(missing) => {
                self.fault(&path, missing.message, missing.hint);
                None
            }
        }
    }

    fn resolve(&self, path: &str) -> Result<Shape<'s>, Missing> {
        let (path, root) = path.strip_prefix("@root").map_or((path, false), |rest| (rest, true));
        if let Some(local) = path.strip_prefix('@') {
            return self.resolve_local(local);
        }
        let ups = path.split('/').take_while(|part| *part == "..").count();
        let depth =
            if root { 0 } else { self.scopes.len().checked_sub(1 + ups).ok_or_else(|| above(path))? };
        let mut segments = path[(3 * ups).min(path.len())..]
            .split(['.', '/'])
            .filter(|part| !part.is_empty() && *part != "this")
            .map(|part| part.trim_matches(['[', ']']))
            .peekable();
        let named = segments.peek().and_then(|first| self.named(first, depth));
        let mut shape = match named {
            Some(shape) => {
                segments.next();
                shape
            }
            None => self.scopes[depth].this,
        };
        for segment in segments {
            let Some(value) = shape else { return Ok(None) };
            shape = Some(step(value, segment, path)?);
        }
        Ok(shape)
    }

    fn resolve_local(&self, local: &str) -> Result<Shape<'s>, Missing> {
        let name = local.trim_start_matches("../");
        let known = ["index", "first", "last", "key"].contains(&name);
        if known && self.scopes.iter().any(|scope| scope.is_each) {
            return Ok(None);
        }
        let message = if known {
            format!("`@{name}` has a value only inside `{{{{#each}}}}`")
        } else {
            format!("unknown variable `@{local}`")
        };
        Err(Missing { message, hint: None })
    }

    fn named(&self, name: &str, depth: usize) -> Option<Shape<'s>> {
        let mut names = self.scopes[..=depth].iter().rev().flat_map(|scope| &scope.names);
        names.find(|(known, _)| known == name).map(|(_, shape)| *shape)
    }

    fn fault(&mut self, text: &str, message: String, hint: Option<String>) {
        let start = self.advance(text);
        let (line, column) = crate::source::position(self.source, start);
        self.faults.push(TemplateFault { line, column, length: text.chars().count().max(1), message, hint });
    }

    /// Moves behind the next mention of `text` inside `{{…}}`; returns where it starts.
    fn advance(&mut self, text: &str) -> usize {
        let Some(start) = find_in_tags(self.source, self.cursor, text) else { return self.cursor };
        self.cursor = start + text.len();
        start
    }
}

fn above(path: &str) -> Missing {
    Missing {
        message: format!("`{path}` climbs above the outermost block"),
        hint: Some("remove a `../`".to_owned()),
    }
}

/// The first element of a list, or the first value of a table.
fn element(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(list) => list.first(),
        Value::Object(table) => table.values().next(),
        _ => None,
    }
}

fn step<'s>(value: &'s Value, segment: &str, path: &str) -> Result<&'s Value, Missing> {
    let next = match value {
        Value::Object(table) => table.get(segment),
        Value::Array(list) if segment.parse::<usize>().is_ok() => list.first(),
        _ => None,
    };
    next.ok_or_else(|| Missing {
        message: format!("unknown variable `{}`", path.trim_start_matches('.')),
        hint: hint_for(value, segment),
    })
}

fn hint_for(value: &Value, segment: &str) -> Option<String> {
    let Value::Object(table) = value else {
        return Some(format!("there is nothing below it named `{segment}`"));
    };
    let keys: Vec<&str> = table.keys().map(String::as_str).collect();
    Some(match nearest(segment, keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", keys.join(", ")),
    })
}

fn block_names<'s>(call: &HelperTemplate, inner: Shape<'s>) -> Vec<(String, Shape<'s>)> {
    let name = |parameter: &Parameter| parameter.as_name().unwrap_or_default().to_owned();
    match &call.block_param {
        Some(BlockParam::Single(value)) => vec![(name(value), inner)],
        Some(BlockParam::Pair((value, index))) => vec![(name(value), inner), (name(index), None)],
        _ => Vec::new(),
    }
}

/// The byte where `text` stands as a whole word inside a tag, from byte `from` on.
fn find_in_tags(source: &str, from: usize, text: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || "_-./@".contains(c);
    source[from..].match_indices(text).map(|(offset, _)| from + offset).find(|&start| {
        let before = &source[..start];
        let in_tag = before.rfind("{{").is_some_and(|open| {
            before.rfind("}}").is_none_or(|close| close < open) && !source[open..].starts_with("{{!")
        });
        let ends = |c: Option<char>| c.is_none_or(|c| !is_word(c));
        in_tag && ends(before.chars().next_back()) && ends(source[start + text.len()..].chars().next())
    })
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
