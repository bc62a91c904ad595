//! Whoever evaluates issues: the rules, and the record of what was resolved before.

use crate::rules::classify::Classified;
use crate::rules::evaluate::evaluation::{Evaluation, evaluate};
use crate::rules::evaluate::routing::{Mode, Routing};
use crate::rules::evaluate::signs::{Known, label};
use crate::rules::evaluate::similar::{Precedents, Titles};
use crate::rules::footprint::Footprint;
use crate::rules::issue::{Issue, Priority};
use std::fmt;

/// The rules, and the record.
pub struct Judge {
    /// How issues are evaluated.
    pub routing: Routing,
    /// What was resolved before.
    pub precedents: Box<dyn Precedents>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("routing", &self.routing)
            .finish_non_exhaustive()
    }
}

impl Default for Judge {
    /// The default rules, and nothing resolved yet.
    fn default() -> Self {
        Self {
            routing: Routing::default(),
            precedents: Box::new(Titles::default()),
        }
    }
}

impl Judge {
    /// Evaluates an issue, whatever the mode.
    #[must_use]
    pub fn evaluate(
        &self,
        issue: &Issue,
        domain: &Classified,
        footprint: &Footprint,
        needs: usize,
    ) -> Evaluation {
        let least = self.routing.confidence.least_similarity;
        let known = Known {
            issue,
            domain,
            footprint,
            needs,
            similar: self.precedents.similar(issue, least),
            unowned: &[],
        };
        evaluate(known, Priority::named(&issue.labels), &self.routing)
    }

    /// The label that leaves an issue out, as the issue has it. One that selected it does not.
    #[must_use]
    pub fn skip_label<'a>(&self, issue: &'a Issue, selected_by: Option<&str>) -> Option<&'a str> {
        match self.routing.mode {
            Mode::Off => None,
            Mode::Advise | Mode::Enforce => label(issue, &self.routing.skip_labels)
                .filter(|label| selected_by.is_none_or(|own| !own.eq_ignore_ascii_case(label))),
        }
    }
}
