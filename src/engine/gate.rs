//! Before work becomes a commit: may it be offered without a person?

use crate::engine::attempt::Attempt;
use crate::engine::halt::{Halt, short};
use crate::ports::Capture;
use crate::rules::gate::guarded::Guarded;
use crate::rules::gate::judge::{Held, Reason, words};

impl Attempt<'_> {
    /// Work that changes what is guarded goes to a person, unless the configuration or a label of the issue allows it.
    pub(super) async fn pass_gate(&self, capture: &Capture) -> Result<(), Halt> {
        let mut held = self.work.orders.gate.held(&capture.changes);
        if !held.is_empty() {
            self.let_through(&mut held).await;
        }
        if held.is_empty() {
            return Ok(());
        }
        // A path may have a secret in it.
        let words = words(&held, short(&capture.snapshot));
        let words = self.work.orders.redactor.clean(&words).into_owned();
        Err(Halt::NeedsHuman(words))
    }

    /// Takes out what labels of the issue let through, as they are now.
    async fn let_through(&self, held: &mut Held) {
        let number = self.link.issue;
        let issue = match self.ports.forge.issue(number).await {
            Ok(Some(issue)) => issue,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(issue = %number, %error, "no label could let the work through");
                return;
            }
        };
        let reasons: Vec<Reason> = held.keys().copied().collect();
        for reason in reasons {
            let Reason::Guarded(kind) = reason else {
                continue;
            };
            let labels = kind.labels().into_iter();
            for label in labels.filter(|label| issue.has_label(label)) {
                if self.counts(&label, kind).await {
                    held.remove(&reason);
                }
            }
        }
    }

    /// Did somebody put the label on who may write, on a text that nobody changed since? Whomever else this session
    /// trusts: nobody but writers opens a gate.
    async fn counts(&self, label: &str, kind: Guarded) -> bool {
        let issue = self.link.issue;
        let asked = self.ports.forge.provenance(&[issue], label).await;
        let doubt = match asked {
            Ok(known) => known.iter().find_map(|one| one.doubt(label)),
            Err(error) => Some(error.to_string()),
        };
        if let Some(doubt) = &doubt {
            tracing::warn!(%issue, kind = kind.word(), %doubt, "a label does not let the work through");
        }
        doubt.is_none()
    }
}
