//! Plans that wait for a person for too long: dropped, or told once more, as `approvals` of their session says.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::commands::daemon::rounds::Daemon;
use crate::commands::seen::Seen;
use crate::ports::Clock as _;
use crate::rules::approvals::{Late, Patience};
use crate::rules::errand::{PlanAnswer, PlanSaid};
use crate::rules::notice::planned::overdue;

/// Sessions that are looked at: the latest.
const LATEST: usize = 100;

impl Daemon {
    /// Looks for them. What cannot be read is looked at again a minute later.
    pub(super) fn find_late_plans(&mut self) {
        let late = self.late_plans().unwrap_or_else(|error| {
            tracing::warn!(%error, "plans that wait cannot be looked at");
            Vec::new()
        });
        for (row, patience) in late {
            match patience.then {
                Late::Expire => self.drop_plan(row, patience.hours),
                Late::Escalate => self.call_others(&row, patience.hours),
            }
        }
    }

    fn late_plans(&self) -> Result<Vec<(SessionRow, Patience)>, StoreError> {
        let now = self.clock.now();
        let mut late = Vec::new();
        for row in self.store.sessions(LATEST)? {
            // Before its plan is carried out, a session has no tasks.
            let may_wait = row.state == SessionState::Interrupted && row.tasks == 0 && !row.pruned;
            if may_wait && let Some(patience) = Seen::new(&self.store, &row)?.tally.late_plan(now) {
                late.push((row, patience));
            }
        }
        Ok(late)
    }

    fn drop_plan(&mut self, row: SessionRow, hours: u32) {
        let key = Some(row.project.as_str());
        let mut projects = self.projects.values_mut();
        let project = projects.find(|project| project.key.as_deref() == key);
        let is_said = |(session, _): &(_, _)| *session == row.id;
        if let Some(project) = project.filter(|project| !project.continued.iter().any(is_said)) {
            let by = Some(format!("nobody within {hours} h"));
            let answer = PlanAnswer::Drop;
            project
                .continued
                .push((row.id, Some(PlanSaid { answer, by })));
        }
    }

    fn call_others(&mut self, row: &SessionRow, hours: u32) {
        if self.late_plans_told.insert(row.id.clone()) {
            let people = &self.loaded.config.approvals.escalate_to;
            self.announce(overdue(&row.id, &row.project, hours, people));
        }
    }
}
