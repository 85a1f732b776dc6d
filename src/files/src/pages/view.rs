//! Pages: Handlebars templates (`pages/*.hbs`), escaped, strict, once per language.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use handlebars::{Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, ScopedJson};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::assets;
use super::catalogue;
use super::language::tag;

/// A template, named by its file.
macro_rules! page {
    ($name:literal) => {
        ($name, include_str!(concat!("../../pages/", $name, ".hbs")))
    };
}

const TEMPLATES: &[(&str, &str)] = &[
    page!("about"),
    page!("bin"),
    page!("bin-sure"),
    page!("choose"),
    page!("csrf"),
    page!("error"),
    page!("folder"),
    page!("layout"),
    page!("link"),
    page!("links"),
    page!("messages"),
    page!("pages"),
    page!("preview"),
    page!("search"),
    page!("shared"),
    page!("shared-password"),
    page!("then"),
    page!("unfinished"),
    page!("versions"),
];

/// A page to show.
pub struct Page<'p> {
    /// Template name.
    pub template: &'static str,
    /// Its title, in the reader's language.
    pub title: &'p str,
    /// Where the language links lead: a path and query of ours.
    pub here: &'p str,
    /// The menu of somebody signed in.
    pub menu: bool,
    /// What the template shows; an object.
    pub data: Value,
}

/// All templates in both languages.
pub struct Pages {
    french: Handlebars<'static>,
    english: Handlebars<'static>,
}

impl Pages {
    /// Compiles the templates.
    ///
    /// # Errors
    /// One does not parse.
    pub fn load() -> Result<Self, handlebars::TemplateError> {
        Ok(Self { french: registry(Language::Fr)?, english: registry(Language::En)? })
    }

    /// A page in its frame.
    ///
    /// # Errors
    /// The template names something that `data` or the catalogue lacks.
    pub fn html(&self, language: Language, page: &Page) -> Result<String, RenderError> {
        let registry = match language {
            Language::Fr => &self.french,
            Language::En => &self.english,
        };
        let content = registry.render(page.template, &page.data)?;
        let languages = [Language::Fr, Language::En].map(|other| {
            let name = catalogue::say(other, "site.language_name", &[]);
            json!({ "tag": tag(other), "name": name, "current": other == language })
        });
        let frame = json!({
            "language": tag(language),
            "languages": languages,
            "title": page.title,
            "here": page.here,
            "mark": if page.here.contains('?') { "&" } else { "?" },
            "menu": if page.menu { menu(language, page.here) } else { Value::Null },
            "version": *assets::VERSION,
            "content": content,
        });
        registry.render("layout", &frame)
    }

    /// A page as an answer with a status.
    ///
    /// # Errors
    /// See [`Pages::html`].
    pub fn response(
        &self,
        language: Language,
        status: StatusCode,
        page: &Page,
    ) -> Result<Response, RenderError> {
        Ok((status, Html(self.html(language, page)?)).into_response())
    }
}

/// The way back to the box's pages, and the pages of the files.
fn menu(language: Language, here: &str) -> Value {
    let path = here.split('?').next().unwrap_or_default();
    let entries = [("home", "/"), ("files", "/files/"), ("links", "/files/links"), ("bin", "/files/bin")];
    let of_files = |path: &str| !["/files/links", "/files/bin"].iter().any(|other| path.starts_with(other));
    let entry = |(name, target): (&str, &str)| {
        let current = match name {
            "home" => false,
            "files" => of_files(path),
            _ => path.starts_with(target),
        };
        json!({
            "name": name,
            "path": target,
            "title": catalogue::say(language, &format!("nav.{name}"), &[]),
            "current": current,
        })
    };
    entries.map(entry).into_iter().collect()
}

fn registry(language: Language) -> Result<Handlebars<'static>, handlebars::TemplateError> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_helper("t", Box::new(Translate { language }));
    for (name, text) in TEMPLATES {
        registry.register_template_string(name, text)?;
    }
    Ok(registry)
}

/// `{{t "key" name=value}}`: the text of a key. Escaped like any other value.
struct Translate {
    language: Language,
}

impl HelperDef for Translate {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let fault = |text: String| RenderError::from(handlebars::RenderErrorReason::Other(text));
        let key = helper.param(0).and_then(|key| key.value().as_str());
        let key = key.ok_or_else(|| fault("t needs a key".to_owned()))?;
        let text =
            catalogue::get(self.language, key).ok_or_else(|| fault(format!("no text has the key {key}")))?;
        let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let values: Vec<(&str, String)> =
            helper.hash().iter().map(|(name, given)| (*name, value(given.value()))).collect();
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Ok(ScopedJson::Derived(Value::String(catalogue::fill(text, &values))))
    }
}
