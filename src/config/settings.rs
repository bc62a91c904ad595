//! From the configuration to what a session's decisions rest on.

use crate::config::shape::Config;
use crate::config::values::{Dollars, Whole};
use crate::config::work::Agent;
use crate::rules::money::Usd;
use crate::rules::settings::{Backup, Billing, PATIENCE, Settings, StateLabels};
use crate::rules::stack::Together;

/// Times that a failed check's output goes back to the agent within one attempt.
const CHECK_ROUNDS: u32 = 2;

impl Config {
    /// The settings of a session: `trigger` is the label that selected its issues, `typical` the P90 of past attempts.
    #[must_use]
    pub fn settings(
        &self,
        base_branch: &str,
        trigger: Option<&str>,
        typical: Option<Usd>,
    ) -> Settings {
        let labels = &self.labels;
        let is_metered = self.agent.billing == Billing::Metered;
        let backup = |agent: Agent| Backup {
            agent: agent.kind.name().to_owned(),
            model: agent.usual_model(),
            billing: agent.billing,
            cap: agent.cap(),
        };
        let cooldown = self.breaker.cooldown_seconds.get();
        Settings {
            slots: self.executor.max_parallel.get(),
            adaptive: self.scheduling.reserve(),
            ceiling: self.max_total_budget_usd.usd(),
            daily_ceiling: self.max_daily_budget_usd.map(Dollars::usd),
            cap: self.agent.cap(),
            typical: typical.filter(|_| is_metered),
            priority_first: false,
            max_retries: self.executor.max_retries.get(),
            check_rounds: CHECK_ROUNDS,
            breaker_failures: self.breaker.failures.get(),
            breaker_cooldown_millis: u64::from(cooldown) * 1000,
            policy: self.scheduling.policy,
            patience: PATIENCE,
            dependents: self.scheduling.dependencies,
            together: Together {
                certificate: self.scheduling.certificate,
                rework: self.scheduling.rework,
                look_seconds: self.scheduling.look_seconds.get(),
            },
            agent: self.agent.kind.name().to_owned(),
            model: self.agent.usual_model(),
            models: self.agent.choice(),
            billing: self.agent.billing,
            fallback: self.agent.chain().into_iter().skip(1).map(backup).collect(),
            starter: None,
            base_branch: base_branch.to_owned(),
            create_pr: self.executor.create_pr,
            draft: self.executor.pr_draft,
            max_open_pulls: self.merge.max_open_pulls.map(Whole::get),
            open_pulls: 0,
            assign: self.github.assigning().assign,
            approvals: self.approvals.rule(),
            labels: StateLabels {
                selected_by: trigger.map(str::to_owned),
                working: labels.working.clone(),
                completed: labels.completed.clone(),
                failed: labels.failed.clone(),
                blocked: labels.blocked.clone(),
                review: labels.review.clone(),
                remove_trigger: trigger.filter(|_| labels.remove_trigger).map(str::to_owned),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_trigger_is_taken_off_only_where_that_is_wished() {
        let check = |wished: bool, trigger, expect: Option<&str>| {
            let file = json!({ "labels": { "removeTrigger": wished } });
            let config: Config = serde_json::from_value(file).unwrap();
            let settings = config.settings("main", trigger, None);
            assert_eq!(settings.labels.remove_trigger.as_deref(), expect);
        };
        check(true, Some("backlog"), Some("backlog"));
        check(false, Some("backlog"), None);
        check(true, None, None);
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let settings = Config::default().settings("main", None, None);
        assert_eq!((settings.slots, settings.max_retries), (3, 2));
        assert_eq!(settings.ceiling, Usd::from_micros(50_000_000));
        assert_eq!(settings.cap, Usd::from_micros(5_000_000));
        assert_eq!(settings.daily_ceiling, None);
        assert_eq!(
            (settings.breaker_failures, settings.breaker_cooldown_millis),
            (5, 60_000)
        );
    }
}
