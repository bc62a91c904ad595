//! What a tally means for a person: totals by domain and by model, and what each task waits for.

use crate::rules::classify::Domain;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::{Usage, Usd};
use crate::rules::schedule::pressure::Pressure;
use crate::rules::settings::Settings;
use crate::rules::tally::{Breaker, Standing, Tally, TaskTally};
use crate::rules::task::Ending;
use std::collections::BTreeMap;

/// Totals over tasks that have something in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What they have in common: a domain's word, a model's name.
    pub name: String,
    /// How many tasks.
    pub tasks: u64,
    /// How many of them were completed.
    pub completed: u64,
    /// Attempts at them.
    pub attempts: u64,
    /// Their bills, failed attempts included.
    pub cost: Usd,
    /// Their tokens.
    pub usage: Usage,
}

/// Why a task does not run at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// These must end first.
    Needs(Vec<IssueNumber>),
    /// It would collide with one that runs.
    Collision {
        /// That one.
        by: IssueNumber,
        /// Over what.
        over: String,
    },
    /// A person's approval.
    Approval,
    /// A person's answer.
    Answer,
    /// It failed, and is tried again at this time.
    Retry(Timestamp),
    /// A limit keeps it, until this time.
    Limit(Timestamp),
    /// The provider takes nothing until this time.
    Pause(Timestamp),
    /// Nothing can succeed as things are: nobody is let in until `resume`.
    Resumption,
    /// People have to merge or close pulls first.
    Pulls(Pressure),
    /// The breaker is open until this time.
    Breaker(Timestamp),
    /// The breaker's probe has to succeed first.
    Probe,
    /// All slots are taken.
    Slot,
    /// The money that is left is set aside for others.
    Money,
    /// Nothing: it is next.
    Next,
}

/// One word for a domain, as printed and as in JSON.
#[must_use]
pub fn domain_word(domain: Domain) -> &'static str {
    match domain {
        Domain::Backend => "backend",
        Domain::Frontend => "frontend",
        Domain::Database => "database",
        Domain::Infrastructure => "infrastructure",
        Domain::Security => "security",
        Domain::Testing => "testing",
        Domain::Documentation => "documentation",
        Domain::Unknown => "unknown",
    }
}

/// Totals by domain, in the order of the domains; those without tasks are left out.
#[must_use]
pub fn by_domain(tally: &Tally) -> Vec<Group> {
    let mut groups: BTreeMap<Domain, Group> = BTreeMap::new();
    for task in tally.tasks.values() {
        let group = groups.entry(task.domain).or_default();
        group.count(task);
        group.attempts += u64::from(task.attempts);
        group.cost += task.charge.cost;
        group.usage = group.usage + task.charge.usage;
    }
    let named = groups.into_iter().map(|(domain, group)| Group {
        name: domain_word(domain).to_owned(),
        ..group
    });
    named.collect()
}

/// Totals by model, by name. Bills belong to the model of their attempt, a task to the model that worked on it last.
#[must_use]
pub fn by_model(tally: &Tally) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for (name, model) in &tally.models {
        let group = groups.entry(name).or_default();
        group.attempts = model.attempts;
        group.cost = model.cost;
        group.usage = model.usage;
    }
    for task in tally.tasks.values() {
        if let Some(group) = task.model.as_deref().and_then(|name| groups.get_mut(name)) {
            group.count(task);
        }
    }
    let named = groups.into_iter().map(|(name, group)| Group {
        name: name.to_owned(),
        ..group
    });
    named.collect()
}

/// What this task waits for; `None` where it runs or has ended.
#[must_use]
pub fn wait(tally: &Tally, task: &TaskTally, now: Timestamp) -> Option<Wait> {
    match &task.standing {
        Standing::Running { .. } | Standing::Ended { .. } => None,
        Standing::Unapproved => Some(Wait::Approval),
        Standing::Asking => Some(Wait::Answer),
        Standing::Retrying { until } if *until > now => Some(Wait::Retry(*until)),
        Standing::Parked { until } if *until > now => Some(Wait::Limit(*until)),
        Standing::Held { by, over } if runs(tally, *by) => Some(Wait::Collision {
            by: *by,
            over: over.to_string(),
        }),
        Standing::Waiting
        | Standing::Held { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. } => {
            let own = unmet(tally, task).or_else(|| held_up(tally, task).map(Wait::Pulls));
            Some(own.unwrap_or_else(|| turn(tally, now)))
        }
    }
}

/// How many pulls wait for people, and how many tasks wait for that; nothing where none does.
#[must_use]
pub fn pressure(tally: &Tally, now: Timestamp) -> Option<(Pressure, usize)> {
    tally.settings.as_ref()?.max_open_pulls?;
    let waits = tally.tasks.values().map(|task| wait(tally, task, now));
    let held = |wait: Option<Wait>| {
        if let Some(Wait::Pulls(pressure)) = wait {
            return Some(pressure);
        }
        None
    };
    let held: Vec<Pressure> = waits.filter_map(held).collect();
    held.first().map(|first| (*first, held.len()))
}

/// A budget in whole dollars that reaches for what this session's could not pay; `None` where nothing was left for money.
#[must_use]
pub fn budget_for_the_rest(tally: &Tally) -> Option<Usd> {
    let settings = tally.settings.as_ref()?;
    if tally.counts.budget == 0 {
        return None;
    }
    let each = settings.cap + settings.slack(Usd::ZERO);
    let dollars = each.times(tally.counts.budget).micros().div_ceil(1_000_000);
    Some(Usd::from_micros(dollars * 1_000_000))
}

fn held_up(tally: &Tally, task: &TaskTally) -> Option<Pressure> {
    let settings = tally.settings.as_ref().filter(|it| it.create_pr)?;
    let most = settings.max_open_pulls?;
    if task.attempts > 0 || task.pull.is_some() {
        return None;
    }
    let begun =
        |task: &&TaskTally| task.attempts > 0 && task.ending().is_none() && task.pull.is_none();
    let coming = tally.tasks.values().filter(begun).count();
    Pressure::of(tally.pulls.all(), coming, most)
}

fn unmet(tally: &Tally, task: &TaskTally) -> Option<Wait> {
    let is_unmet = |issue: &&IssueNumber| {
        let ending = tally.tasks.get(issue).and_then(TaskTally::ending);
        !ending.is_some_and(Ending::satisfies_dependents)
    };
    let unmet: Vec<IssueNumber> = task.needs.iter().filter(is_unmet).copied().collect();
    (!unmet.is_empty()).then_some(Wait::Needs(unmet))
}

fn runs(tally: &Tally, issue: IssueNumber) -> bool {
    let task = tally.tasks.get(&issue);
    task.is_some_and(|task| matches!(task.standing, Standing::Running { .. }))
}

/// Nothing of the task's own keeps it: what keeps everybody?
fn turn(tally: &Tally, now: Timestamp) -> Wait {
    if tally.stopped_because.is_some() {
        return Wait::Resumption;
    }
    if let Some(pause) = tally.pause.as_ref().filter(|pause| pause.until > now) {
        return Wait::Pause(pause.until);
    }
    match &tally.breaker {
        Breaker::Open { until, .. } => return Wait::Breaker(*until),
        Breaker::HalfOpen => return Wait::Probe,
        Breaker::Closed => {}
    }
    let Some(settings) = &tally.settings else {
        return Wait::Next;
    };
    if tally.counts.running >= u64::from(tally.slots().0) {
        Wait::Slot
    } else if tally.granted > Usd::ZERO && tally.left() < least(settings) {
        Wait::Money
    } else {
        Wait::Next
    }
}

/// The least that admission sets aside, as far as the settings tell.
fn least(settings: &Settings) -> Usd {
    settings.typical.unwrap_or(settings.cap) + settings.slack(Usd::ZERO)
}

impl Group {
    fn count(&mut self, task: &TaskTally) {
        self.tasks += 1;
        if task.ending() == Some(Ending::Completed) {
            self.completed += 1;
        }
    }
}
