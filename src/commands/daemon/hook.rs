//! Who may send webhooks, by the configuration and the environment.

use crate::commands::place::{Place, variable};
use crate::commands::wire::Wiring;
use crate::config::loaded::{Loaded, Overrides};
use crate::config::serving::Range;
use crate::config::values::Secret;
use crate::rules::address_range::AddressRange;
use crate::serve::desk::{Clicks, Hook, Receiver};

/// The variable that holds the secret, where the configuration does not.
const VARIABLE: &str = "GITHUB_WEBHOOK_SECRET";

/// Who may send them: the forge, those other sources, and Slack for these people.
pub(in crate::commands) fn hook(
    loaded: &Loaded,
    receivers: Vec<Receiver>,
    clicks: Vec<Clicks>,
) -> Hook {
    let serving = &loaded.config.serve;
    let configured = serving.webhook_secret.as_ref().map(Secret::expose);
    let secret = configured.map(str::to_owned).or_else(|| variable(VARIABLE));
    let ranges =
        |ranges: &[Range]| -> Vec<AddressRange> { ranges.iter().map(Range::addresses).collect() };
    Hook {
        secret: secret.filter(|secret| !secret.is_empty()).map(Into::into),
        allow_from: ranges(&serving.allow_from),
        proxies: ranges(&serving.trusted_proxies),
        receivers,
        clicks,
    }
}

/// Whose clicks answer what waits in this project, by its own configuration. It runs git where there are such.
pub(super) fn clicks(place: &Place) -> Option<Clicks> {
    let loaded = place.load(&Overrides::default()).ok()?;
    let slack = loaded.config.notify.slack.as_ref()?;
    let (secret, approvers) = slack.clicks()?;
    let wiring = Wiring::new(place, &Overrides::default());
    let project = wiring.map(|wiring| wiring.project_key());
    let project = project.inspect_err(|error| {
        let reason = error.reason();
        tracing::warn!(reason, "no click in Slack counts: the project is not known");
    });
    Some(Clicks {
        project: project.ok()?,
        secret: secret.expose().to_owned().into(),
        approvers: approvers.to_vec(),
        api: slack.api.as_str().to_owned(),
    })
}
