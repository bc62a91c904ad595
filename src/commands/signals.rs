//! Ctrl-C: before a session has begun it ends the command, from then on it stops the session in good order. `serve` lets its
//! sessions end what they have begun, and asks for that by SIGUSR1.

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
    drain: Signal,
}

impl Signals {
    /// From here on they do not end the process by themselves. Nothing where they cannot be heard.
    #[must_use]
    pub fn hear() -> Option<Self> {
        let heard = signal(SignalKind::interrupt()).and_then(|interrupt| {
            let terminate = signal(SignalKind::terminate())?;
            let drain = signal(SignalKind::user_defined1())?;
            Ok(Self {
                interrupt,
                terminate,
                drain,
            })
        });
        heard
            .inspect_err(|error| {
                tracing::warn!(%error, "signals cannot be heard; Ctrl-C ends the process at once");
            })
            .ok()
    }

    /// The first asks the session to stop, each further one insists. Before that it may be asked to begin nothing more.
    pub async fn obey(mut self, stop: Stop) {
        let is_soft = tokio::select! {
            _ = self.drain.recv() => true,
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => false,
        };
        if is_soft {
            stop.drain();
            self.next().await;
        }
        stop.ask();
        loop {
            self.next().await;
            stop.insist();
        }
    }

    /// The next of any kind, where nothing runs that could be seen to its end.
    pub async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.drain.recv() => {}
        }
    }

    /// The next that asks to stop.
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
    signals.any().await;
    if place.has_begun.load(Ordering::SeqCst) {
        // The session hears it, too, and knows better what to do.
        pending::<()>().await;
    }
}
