//! The box's Wi-Fi, where it has a wireless device: which network, or the cable alone.

use axum::response::Response;
use mazet_model::settings::{Settings, Wifi as Chosen};
use serde_json::Value;

use super::{change, current};
use crate::protocol::{Heard, Wifi};
use crate::web::failure::Failure;
use crate::web::form::{Faults, refusal};
use crate::web::member::{Member, Sent};
use crate::web::wireless::Form;

/// `GET /machine/wifi`: listens first, which takes some seconds.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let current = current(&member).await?;
    let heard = member.app.broker.heard(true).await?;
    let kept = kept(&current.settings);
    page(&member, &kept, &heard, &Form::of(Some(&kept), &heard), &Faults::default())
}

/// `POST /machine/wifi`: fields `network`, `ssid`, `passphrase`, `country`. The key is kept by the
/// broker until the change is confirmed on the next page.
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let current = current(&member).await?;
    let heard = member.app.broker.heard(false).await?;
    let (kept, form) = (kept(&current.settings), Form::read(&fields));
    let mut faults = form.check(&|key| member.say(key, &[]), &fields, Some(&kept), &heard);
    if faults.is_empty() {
        if let Err(error) = member.app.broker.order(&form.request(&fields)).await {
            faults = refusal(&member.app, member.language, error)?;
        }
    }
    if !faults.is_empty() {
        return page(&member, &kept, &heard, &form, &faults);
    }
    let mut wished = current.settings;
    let (country, ssid) = form.choice();
    wished.wifi = Chosen { country, ssid };
    match change::preview(&member, wished, &current.version, "/machine/wifi").await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &kept, &heard, &form, &faults),
    }
}

/// What the settings say. The key itself never leaves the broker: that there may be one is enough.
fn kept(settings: &Settings) -> Wifi {
    let Chosen { country, ssid } = settings.wifi.clone();
    Wifi { key: ssid.as_ref().map(|_| String::new()), country, ssid }
}

fn page(
    member: &Member,
    kept: &Wifi,
    heard: &Heard,
    form: &Form,
    faults: &Faults,
) -> Result<Response, Failure> {
    let more: Value = form.more(&|key| member.say(key, &[]), Some(kept), heard, "/machine/wifi");
    member.form("machine/wifi", "machine.wifi", &form.shown(), faults, more)
}
