//! Answers that a round could not send: the next look sends them, each once.

use crate::commands::pulls::show::Shown;
use crate::commands::pulls::watch::{Trouble, Watch};
use crate::engine::answers::Owed;
use crate::error::Error;
use crate::ports::ForgeError;
use crate::rules::follow::next::Before;
use crate::rules::follow::shape::{Said, Seen};

impl Watch<'_> {
    /// Gives the answers that people still wait for though a session took up what they said. What is there already is not
    /// among what was seen.
    pub async fn answer_late(
        &mut self,
        seen: &Seen,
        before: &Before,
        shown: &mut Shown,
    ) -> Result<(), Trouble> {
        for said in &seen.said {
            let Some(owed) = self.owed(seen, said, before)? else {
                continue;
            };
            match owed.give(self.github.as_ref()).await {
                Ok(()) => shown.answered(self.place, seen, said)?,
                Err(error) if passes(&error) => {
                    shown.pull_trouble(self.place, seen.pull.number, &error)?;
                    continue;
                }
                // It would be refused at every look.
                Err(error) => shown.pull_trouble(self.place, seen.pull.number, &error)?,
            }
            self.settled.insert((seen.pull.number, said.id));
        }
        Ok(())
    }

    fn owed(&self, seen: &Seen, said: &Said, before: &Before) -> Result<Option<Owed>, Error> {
        let Some(session) = before.heard.get(&said.id) else {
            return Ok(None);
        };
        if self.settled.contains(&(seen.pull.number, said.id)) {
            return Ok(None);
        }
        let events = self.store.events(session)?;
        let redactor = self.wiring.redactor();
        Ok(Owed::by(&events, seen.issue, said.id, &redactor))
    }
}

/// May it be otherwise the next time?
fn passes(error: &ForgeError) -> bool {
    match error {
        ForgeError::Unknown { .. } | ForgeError::Limited { .. } | ForgeError::Io { .. } => true,
        ForgeError::Auth { .. }
        | ForgeError::App { .. }
        | ForgeError::NotFound { .. }
        | ForgeError::Refused { .. } => false,
    }
}
