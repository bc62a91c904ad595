//! Who may send webhooks, by the configuration and the environment.

use crate::commands::place::variable;
use crate::config::loaded::Loaded;
use crate::config::serving::Range;
use crate::config::values::Secret;
use crate::rules::address_range::AddressRange;
use crate::serve::desk::{Hook, Receiver};

/// The variable that holds the secret, where the configuration does not.
const VARIABLE: &str = "GITHUB_WEBHOOK_SECRET";

/// Who may send them: the forge, and those other sources.
pub(in crate::commands) fn hook(loaded: &Loaded, receivers: Vec<Receiver>) -> Hook {
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
    }
}
