//! Ctrl-C: before a session has begun it ends the command, from then on it stops the session in good order.

use crate::commands::place::Place;
use crate::error::{Error, Kind};
use crate::ports::Stop;
use crate::rules::exit::Exit;
use std::future::pending;
use std::sync::atomic::Ordering;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears interrupts and requests to end.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on they do not end the process by themselves. Nothing where they cannot be heard.
    #[must_use]
    pub fn hear() -> Option<Self> {
        let heard = signal(SignalKind::interrupt()).and_then(|interrupt| {
            let terminate = signal(SignalKind::terminate())?;
            Ok(Self {
                interrupt,
                terminate,
            })
        });
        heard
            .inspect_err(|error| {
                tracing::warn!(%error, "signals cannot be heard; Ctrl-C ends the process at once");
            })
            .ok()
    }

    /// The first asks the session to stop, each further one insists.
    pub async fn obey(mut self, stop: Stop) {
        self.next().await;
        stop.ask();
        loop {
            self.next().await;
            stop.insist();
        }
    }

    /// The next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Runs a command that may begin a session. While it has not, a signal drops it, and with it all that it runs.
pub async fn interruptible(
    place: &Place,
    command: impl Future<Output = Result<Exit, Error>>,
) -> Result<Exit, Error> {
    tokio::select! {
        ended = command => ended,
        () = early(place) => Err(Error::new(Kind::Interrupted, "begin the session")
            .cause("it was interrupted before anything was started")
            .hints(["run the same command again"])),
    }
}

async fn early(place: &Place) {
    let Some(mut signals) = Signals::hear() else {
        return pending().await;
    };
    signals.next().await;
    if place.has_begun.load(Ordering::SeqCst) {
        // The session hears it, too, and knows better what to do.
        pending::<()>().await;
    }
}
