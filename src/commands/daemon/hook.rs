//! Who may send webhooks, by the configuration and the environment.

use crate::commands::daemon::project::Answering;
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

/// Whose clicks answer what waits in this project, by its own configuration; nothing where that cannot be found out yet. It
/// runs git where there are such.
pub(super) fn clicks(place: &Place) -> Option<Answering> {
    let loaded = place.load(&Overrides::default()).ok();
    let loaded = loaded.filter(|_| place.cwd.is_dir())?;
    let slack = loaded.config.notify.slack.as_ref();
    if slack.and_then(|slack| slack.clicks()).is_none() {
        return Some(Answering(None));
    }
    let wiring = Wiring::new(place, &Overrides::default()).ok()?;
    Some(Answering(clicks_of(&wiring)))
}

/// The same, where it is known already which project it is.
pub(super) fn clicks_of(wiring: &Wiring) -> Option<Clicks> {
    let slack = wiring.loaded.config.notify.slack.as_ref()?;
    let (secret, approvers) = slack.clicks()?;
    Some(Clicks {
        project: wiring.project_key(),
        secret: secret.expose().to_owned().into(),
        approvers: approvers.to_vec(),
        api: slack.api.as_str().to_owned(),
    })
}
