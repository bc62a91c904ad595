//! Tells systemd how the service is, where it started us (`sd_notify(3)`).

use sd_notify::NotifyState;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It serves.
    Ready,
    /// It is still there, where that is wanted to be known.
    Alive,
    /// It is about to end.
    Ending,
}

/// Tells it; where nobody asked, nothing happens.
pub fn say(what: Says) {
    let state = match what {
        Says::Ready => NotifyState::Ready,
        Says::Alive => NotifyState::Watchdog,
        Says::Ending => NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}
