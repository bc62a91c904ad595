//! One turn of the loop: decide until nothing more follows, make it durable, and only then let it be acted on.

use crate::ports::{JournalError, Ports};
use crate::rules::event::{Input, Recorded};
use crate::rules::ids::Timestamp;
use crate::rules::schedule::session::Session;

/// A session and the journal that it stands in.
pub(super) struct Live<'a> {
    pub(super) ports: &'a Ports,
    pub(super) session: Session,
}

/// A grant can be refused by other sessions' spending this often in a row before something else is wrong.
const MOST_REFUSALS: u32 = 16;

impl Live<'_> {
    /// Decides on the inputs, and returns the events once they are durable.
    pub(super) async fn turn(&mut self, inputs: &[Input]) -> Result<Vec<Recorded>, JournalError> {
        let mut refusals = 0;
        let mut elsewhere = None;
        loop {
            let now = self.ports.clock.now();
            let mut decided = Vec::new();
            for input in inputs.iter().chain(&elsewhere) {
                self.decide(input, now, &mut decided);
            }
            while self.decide(&Input::Tick, now, &mut decided) {}
            if decided.is_empty() {
                return Ok(decided);
            }
            match self.ports.journal.append(&decided).await {
                Ok(()) => return Ok(decided),
                Err(JournalError::DailyCeiling { elsewhere: today })
                    if refusals < MOST_REFUSALS =>
                {
                    // Others were faster: what was decided here never happened.
                    refusals += 1;
                    self.session = Session::fold(&self.ports.journal.events().await?);
                    elsewhere = Some(Input::SpentElsewhere { today });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Applies what follows from one input; says whether anything did.
    fn decide(&mut self, input: &Input, now: Timestamp, decided: &mut Vec<Recorded>) -> bool {
        let events = self.session.step(input, now);
        let follows = !events.is_empty();
        for event in events {
            let recorded = Recorded {
                seq: self.session.seq + 1,
                at: now,
                event,
            };
            self.session.apply(&recorded);
            decided.push(recorded);
        }
        follows
    }
}

/// A random number, for the jitter of a retry.
pub(super) fn dice() -> u32 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
