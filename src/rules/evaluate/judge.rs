//! Whoever evaluates issues: the rules, over all that is known of them.

use crate::rules::classify::Classified;
use crate::rules::evaluate::background::{Background, Backgrounds};
use crate::rules::evaluate::evaluation::{Evaluation, evaluate};
use crate::rules::evaluate::routing::{Mode, Routing};
use crate::rules::evaluate::signs::{Known, exact_label};
use crate::rules::evaluate::similar::Similar;
use crate::rules::footprint::Footprint;
use crate::rules::issue::{Issue, Priority};
use crate::rules::printable::clip;
use crate::rules::task::{Ending, Obstacle, Task};
use std::sync::Arc;

/// The rules that issues are evaluated by.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// How issues are evaluated.
    pub routing: Routing,
}

impl Judge {
    /// Evaluates an issue, whatever the mode.
    #[must_use]
    pub fn evaluate(
        &self,
        issue: &Issue,
        domain: &Classified,
        footprint: &Footprint,
        background: &Background,
    ) -> Evaluation {
        let least = self.routing.confidence.least_similarity;
        let known = Known {
            issue,
            domain,
            footprint,
            needs: issue.needs().len(),
            similar: Similar::of(&background.precedents, least),
            unowned: &background.unowned,
        };
        evaluate(known, Priority::named(&issue.labels), &self.routing)
    }

    /// Evaluates tasks that were read, and settles what follows: which are not run and, where the evaluation decides,
    /// how urgent they are. A label that selected them leaves none of them out.
    pub fn route(&self, tasks: &mut [Task], backgrounds: &Backgrounds, selected_by: Option<&str>) {
        if self.routing.mode == Mode::Off {
            return;
        }
        let nothing = Background::default();
        for task in tasks {
            let known = backgrounds.get(&task.number()).unwrap_or(&nothing);
            let evaluation = self.weigh(task, known);
            if self.routing.mode == Mode::Enforce {
                task.priority = evaluation.priority;
            }
            if task.obstacle.is_none() {
                task.obstacle = self.obstacle(&task.issue, &evaluation, selected_by);
            }
        }
    }

    /// Gives a task its evaluation, whatever the mode, and decides nothing.
    pub fn weigh(&self, task: &mut Task, known: &Background) -> Arc<Evaluation> {
        let evaluation = self.evaluate(&task.issue, &task.domain, &task.footprint, known);
        let evaluation = Arc::new(evaluation);
        task.evaluation = Some(Arc::clone(&evaluation));
        evaluation
    }

    fn obstacle(
        &self,
        issue: &Issue,
        evaluation: &Evaluation,
        selected_by: Option<&str>,
    ) -> Option<Obstacle> {
        let is_other = |own: &&str| selected_by.is_none_or(|by| !by.eq_ignore_ascii_case(own));
        if let Some(label) = exact_label(issue, &self.routing.skip_labels).filter(is_other) {
            return Some(Obstacle {
                ending: Ending::Skipped,
                reason: format!("it has the label {}", clip(label, 60)),
            });
        }
        evaluation.obstacle().map(|reason| Obstacle {
            ending: Ending::NeedsHuman,
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::classify::Domain;
    use crate::rules::conflict::tests::task;
    use crate::rules::evaluate::routing::Route;

    fn routed(mode: Mode, title: &str, labels: &[&str], selected_by: Option<&str>) -> Task {
        let mut task = task(Domain::Backend, &[("src/a.rs", 0.9)]);
        task.issue.title = title.to_owned();
        task.issue.labels = labels.iter().map(ToString::to_string).collect();
        let mut judge = Judge::default();
        judge.routing.mode = mode;
        let nothing = Backgrounds::new();
        judge.route(std::slice::from_mut(&mut task), &nothing, selected_by);
        task
    }

    #[test]
    fn to_advise_is_to_stop_nobody() {
        let task = routed(Mode::Advise, "Check permissions", &[], None);
        assert_eq!(task.obstacle, None);
        let evaluation = task.evaluation.unwrap();
        assert_eq!(
            (evaluation.route, evaluation.wants_approval()),
            (Route::Manual, false)
        );
        assert_eq!(task.priority, Priority::Medium, "nobody said otherwise");
    }

    #[test]
    fn to_enforce_is_to_leave_manual_work_to_a_person() {
        let task = routed(Mode::Enforce, "Check permissions", &[], None);
        let obstacle = task.obstacle.unwrap();
        assert_eq!(task.priority, Priority::High, "high risk");
        assert_eq!(obstacle.ending, Ending::NeedsHuman);
        assert!(
            obstacle
                .reason
                .starts_with("for a person: security has to be"),
            "{obstacle:?}"
        );
    }

    #[test]
    fn what_is_off_touches_nothing() {
        let task = routed(Mode::Off, "Check permissions", &["blocked"], None);
        assert_eq!(
            (task.obstacle, task.evaluation, task.priority),
            (None, None, Priority::Medium)
        );
    }

    #[test]
    fn a_skip_label_leaves_an_issue_out_unless_it_selected_it() {
        for mode in [Mode::Advise, Mode::Enforce] {
            let obstacle = routed(mode, "Fix it", &["Needs-Discussion"], None)
                .obstacle
                .unwrap();
            assert_eq!(obstacle.ending, Ending::Skipped);
            assert_eq!(obstacle.reason, "it has the label Needs-Discussion");
        }
        assert_eq!(
            routed(Mode::Advise, "Fix it", &["blocked"], Some("blocked")).obstacle,
            None
        );
        let own = routed(Mode::Advise, "Fix it", &["autoissue:blocked"], None);
        assert_eq!(
            own.obstacle, None,
            "how an earlier run ended stops no other"
        );
    }
}
