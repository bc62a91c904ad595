//! Tells systemd how the service is, where it started us (`sd_notify(3)`).

use sd_notify::NotifyState;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It serves.
    Ready,
    /// It is about to end.
    Ending,
}

/// Tells it; where nobody asked, nothing happens.
pub fn say(what: Says) {
    let state = match what {
        Says::Ready => NotifyState::Ready,
        Says::Ending => NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}
