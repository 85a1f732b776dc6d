//! Pages: Handlebars templates (`pages/*.hbs`), escaped, strict, once per language.

use std::sync::Arc;

use anyhow::Context as _;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use handlebars::{Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, ScopedJson};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::assets::VERSION;
use super::catalogue::{Catalogue, fill};
use super::language::tag;
use super::templates;

/// A page to show.
pub struct Page<'p> {
    /// Template name.
    pub template: &'static str,
    /// Catalogue key of the title.
    pub title: &'static str,
    /// Where the language links lead.
    pub path: &'p str,
    /// Reload by itself after so many seconds, for browsers without JavaScript.
    pub refresh: Option<u8>,
    /// The page needs the script.
    pub script: bool,
    /// The menu, for who is signed in (see [`super::navigation`]); null for everybody else.
    pub menu: Value,
    /// What the template shows; an object.
    pub data: Value,
}

impl<'p> Page<'p> {
    /// A page without script.
    pub fn new(template: &'static str, title: &'static str, path: &'p str, data: Value) -> Self {
        Self { template, title, path, refresh: None, script: false, menu: Value::Null, data }
    }
}

/// All templates in both languages.
pub struct Pages {
    /// The texts.
    pub catalogue: Arc<Catalogue>,
    french: Handlebars<'static>,
    english: Handlebars<'static>,
}

impl Pages {
    /// Compile the templates.
    ///
    /// # Errors
    /// One does not parse.
    pub fn load(catalogue: Arc<Catalogue>) -> anyhow::Result<Self> {
        let french = registry(&catalogue, Language::Fr)?;
        let english = registry(&catalogue, Language::En)?;
        Ok(Self { catalogue, french, english })
    }

    /// Render a page with its frame.
    ///
    /// # Errors
    /// The template names something that `data` or the catalogue lacks.
    pub fn html(&self, language: Language, page: &Page) -> anyhow::Result<String> {
        let registry = match language {
            Language::Fr => &self.french,
            Language::En => &self.english,
        };
        let what = || format!("rendering the page {}", page.template);
        let content = registry.render(page.template, &page.data).with_context(what)?;
        let languages = [Language::Fr, Language::En].map(|other| {
            let name = self.catalogue.say(other, "site.language_name", &[]);
            json!({ "tag": tag(other), "name": name, "current": other == language })
        });
        let frame = json!({
            "language": tag(language),
            "languages": languages,
            "title": self.catalogue.say(language, page.title, &[]),
            "path": page.path,
            "mark": if page.path.contains('?') { "&" } else { "?" },
            "menu": page.menu,
            "refresh": page.refresh,
            "script": page.script,
            "version": *VERSION,
            "content": content,
        });
        registry.render("layout", &frame).with_context(what)
    }

    /// Render a page as a response with a status.
    ///
    /// # Errors
    /// See [`Pages::html`].
    pub fn response(&self, language: Language, status: StatusCode, page: &Page) -> anyhow::Result<Response> {
        Ok((status, Html(self.html(language, page)?)).into_response())
    }
}

fn registry(catalogue: &Arc<Catalogue>, language: Language) -> anyhow::Result<Handlebars<'static>> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_helper("t", Box::new(Translate { catalogue: Arc::clone(catalogue), language }));
    for (name, text) in templates::all() {
        registry
            .register_template_string(name, text)
            .with_context(|| format!("compiling the page {name}"))?;
    }
    Ok(registry)
}

/// `{{t "key" name=value}}`: the text of a key. Escaped like any other value.
struct Translate {
    catalogue: Arc<Catalogue>,
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
        let text = self.catalogue.get(self.language, key);
        let text = text.ok_or_else(|| fault(format!("no text has the key {key}")))?;
        let values: Vec<(&str, String)> = helper
            .hash()
            .iter()
            .map(|(name, value)| {
                (*name, value.value().as_str().map_or_else(|| value.value().to_string(), str::to_owned))
            })
            .collect();
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Ok(ScopedJson::Derived(Value::String(fill(text, &values))))
    }
}
