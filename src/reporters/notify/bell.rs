//! Rings the terminal's bell when a person is wanted, and at the end.

use crate::ports::Reporter;
use crate::rules::event::{Progress, Recorded};
use crate::rules::notice::shape::NoticeKind;
use crate::rules::notice::teller::Teller;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// BEL (ECMA-48, 8.3.3).
const BEL: &[u8] = b"\x07";
/// A terminal that takes nothing for so long at the end is not waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Rings from a thread of its own, since a terminal may be stopped.
pub struct BellReporter {
    ears: Mutex<(Teller, Option<SyncSender<()>>)>,
    done: Mutex<Receiver<()>>,
}

impl BellReporter {
    /// Rings at this terminal; what happened before is known to it already.
    #[must_use]
    pub fn new(terminal: impl Write + Send + 'static, before: &[Recorded]) -> Self {
        let mut teller = Teller::default();
        for recorded in before {
            teller.hear(recorded);
        }
        let (ring, rings) = sync_channel(1);
        let (ended, done) = sync_channel::<()>(0);
        std::thread::spawn(move || {
            let _ended = ended;
            ring_at(terminal, &rings);
        });
        Self {
            ears: Mutex::new((teller, Some(ring))),
            done: Mutex::new(done),
        }
    }
}

impl Reporter for BellReporter {
    fn event(&self, recorded: &Recorded) {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        let (teller, ring) = &mut *ears;
        let kind = teller.hear(recorded).map(|notice| notice.kind);
        if let Some(ring) = ring
            && matches!(kind, Some(NoticeKind::NeedsPerson | NoticeKind::Summary))
        {
            // One that waits already is as good as two.
            let _ = ring.try_send(());
        }
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        let ring = self
            .ears
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .take();
        drop(ring);
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = done.recv_timeout(PATIENCE);
    }
}

fn ring_at(mut terminal: impl Write, rings: &Receiver<()>) {
    while rings.recv().is_ok() {
        if let Err(error) = terminal.write_all(BEL).and_then(|()| terminal.flush()) {
            tracing::debug!(%error, "could not ring");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script;
    use std::io::Read;

    fn rung(before: &[Recorded], events: &[Recorded]) -> Vec<u8> {
        let (mut heard, terminal) = std::io::pipe().unwrap();
        let bell = BellReporter::new(terminal, before);
        for recorded in events {
            bell.event(recorded);
        }
        bell.finish();
        let mut rung = Vec::new();
        heard.read_to_end(&mut rung).unwrap();
        rung
    }

    #[test]
    fn it_rings_for_a_person_and_at_the_end() {
        let events = script::every_ending().events;
        // Two that come at once may be one.
        let all = rung(&[], &events);
        assert!(all == b"\x07" || all == b"\x07\x07", "{all:?}");
        let (last, before) = events.split_last().unwrap();
        assert_eq!(rung(before, std::slice::from_ref(last)), b"\x07");
        assert_eq!(rung(before, &[]), b"");
    }
}
