//! Every file of every service that is on, as it should be.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::context::context;
use mazet_model::image::OVERLAYS_DIR;
use mazet_model::manifest::{Manifest, Template};
use mazet_model::settings::Settings;
use mazet_model::template;
use serde_json::Value;

use crate::system::below;

/// A file as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Absolute path on the box.
    pub target: String,
    /// Content.
    pub content: String,
    /// Permission bits.
    pub mode: u32,
    /// Group's name.
    pub group: String,
    /// Units to reload when it changed.
    pub reload: Vec<String>,
    /// Units to restart when it changed.
    pub restart: Vec<String>,
}

/// Renders all templates, in the order of services and of their manifests.
///
/// # Errors
/// When a template cannot be read or rendered.
pub fn render(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<Vec<Rendered>> {
    render_some(root, settings, services, false)
}

/// Renders the templates that the live system has, as the builder did.
///
/// # Errors
/// When a template cannot be read or rendered.
pub fn render_live(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<Vec<Rendered>> {
    render_some(root, settings, services, true)
}

fn render_some(root: &Path, settings: &Settings, services: &[Manifest], live: bool) -> Result<Vec<Rendered>> {
    let context = context(settings, services, live);
    let mut rendering = Vec::new();
    for manifest in services.iter().filter(|manifest| settings.is_on(manifest)) {
        let folder = below(root, OVERLAYS_DIR).join(&manifest.service.name);
        for template in manifest.templates.iter().filter(|template| template.live || !live) {
            rendering.push(one(&folder, template, &of_site(template, &context))?);
        }
    }
    Ok(rendering)
}

/// The context of a template; that of a web site knows which one it is.
fn of_site<'c>(template: &Template, context: &'c Value) -> Cow<'c, Value> {
    let Some(site) = &template.site else { return Cow::Borrowed(context) };
    let mut own = context.clone();
    own["site"] = site.clone();
    Cow::Owned(own)
}

fn one(folder: &Path, template: &Template, context: &Value) -> Result<Rendered> {
    let path = folder.join(&template.source);
    let source = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let content =
        template::render(&source, context).with_context(|| format!("rendering {}", path.display()))?;
    Ok(Rendered {
        target: template.target.clone(),
        content,
        mode: mode(&template.mode)?,
        group: template.group.clone(),
        reload: template.reload.clone(),
        restart: template.restart.clone(),
    })
}

/// Permission bits written in octal.
///
/// # Errors
/// When `text` is no octal number.
pub fn mode(text: &str) -> Result<u32> {
    u32::from_str_radix(text, 8).with_context(|| format!("the mode {text:?} is not octal"))
}
