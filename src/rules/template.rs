//! Templates that users write: strict, without escapes of any kind, and never long at work.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// Instructions that a template may take: far more than any needs, far fewer than a second of work.
const FUEL: u64 = 100_000;

/// Where templates are rendered: what does not exist is an error, and what does is put in as it is.
#[must_use]
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}
