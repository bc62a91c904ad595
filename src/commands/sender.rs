//! Who runs this program, and through what: for the record of who did what.

use crate::commands::agents::MODEL_KEYS;
use crate::commands::identity::KEY_VARIABLE;
use crate::commands::place::variable;
use crate::config::layers::Source;
use crate::config::loaded::Loaded;
use crate::config::variables::{DASHBOARD_PASSWORD, DASHBOARD_TOKEN};
use crate::rules::printable::clip;
use crate::rules::redact::Redactor;
use crate::rules::sender::{Sender, Starter};
use nix::unistd::{User, gethostname, getuid};
use serde_json::Value;

/// Variables whose values are never shown or kept, whatever they look like.
const SECRETS: [&str; 5] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    KEY_VARIABLE,
    DASHBOARD_PASSWORD,
    DASHBOARD_TOKEN,
];
/// Who it is done for, as `serve` says to what it has done.
pub const ACTOR: &str = "AUTOISSUE_ACTOR";
/// The same, as any environment says: GitHub Actions, and `sudo`.
const ACTORS: [&str; 3] = [ACTOR, "GITHUB_ACTOR", "SUDO_USER"];
/// Characters of a name, and of a command line, at most.
const NAME: usize = 60;
const LINE: usize = 200;

/// Knows the secrets that this process was given by its environment.
#[must_use]
pub fn redactor() -> Redactor {
    let names = SECRETS.iter().chain(&MODEL_KEYS);
    Redactor::new(names.filter_map(|name| variable(name)))
}

/// Who runs this program: the account of the operating system, which nobody can claim to be, and the command line.
#[must_use]
pub fn sender() -> Sender {
    let user = match User::from_uid(getuid()) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid {}", getuid()),
    };
    let host = gethostname().unwrap_or_default();
    let args = std::env::args_os().skip(1);
    let args = args.map(|arg| arg.to_string_lossy().into_owned());
    let line = shell_words::join(args.collect::<Vec<String>>());
    let line = format!("autoissue {line}");
    let actor = ACTORS.iter().find_map(|name| variable(name));
    Sender {
        who: clip(&format!("{user}@{}", host.to_string_lossy()), NAME),
        actor: actor.map(|actor| clip(&actor, NAME)),
        through: clip(&redactor().clean(&line), LINE),
    }
}

/// Who lets a session run, in this isolation and with this configuration.
#[must_use]
pub fn starter(loaded: &Loaded, isolation: &str, redactor: &Redactor) -> Starter {
    let set = loaded.values().into_iter().filter_map(|effective| {
        let by = match effective.source {
            Source::Flag(by) | Source::Environment(by) => by,
            Source::Default | Source::File => return None,
        };
        let value = match effective.value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let value = clip(&redactor.clean(&value), NAME);
        Some(format!("{} = {value}, by {by}", effective.key))
    });
    Starter {
        by: sender(),
        isolation: isolation.to_owned(),
        overridden: set.collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
