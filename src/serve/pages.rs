//! The pages: what stands where, put into words for the templates.

use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::commands::seen::Seen;
use crate::reporters::paint::Tone;
use crate::reporters::table::{state, thousands};
use crate::reporters::time::{ago, human};
use crate::reporters::together;
use crate::reporters::words::{brief, plural};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::rules::summary::{Wait, domain_word, wait};
use crate::rules::tally::{Breaker, Phase, PullTally, Standing, Tally, TaskTally};
use crate::rules::task::Ending;
use crate::serve::planned::{self, PlanCard};
use askama::Template;
use serde::Deserialize;

/// Tasks on one page.
const PAGE: usize = 100;

/// Which tasks are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// Which page, counted from 1.
    pub page: usize,
    /// Only those in this state: `running`, `waiting`, `completed`, `failed`.
    pub state: String,
    /// Only those whose number, title or domain has this in it.
    pub q: String,
}

/// A link to some of the tasks.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) name: &'static str,
    pub(super) count: String,
    pub(super) is_chosen: bool,
}

/// A task's row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) issue: u64,
    pub(super) title: String,
    pub(super) domain: &'static str,
    pub(super) state: String,
    pub(super) tone: &'static str,
    pub(super) attempts: u32,
    pub(super) time: String,
    pub(super) cost: String,
    pub(super) doing: String,
    pub(super) pull: Option<(String, Option<String>)>,
    pub(super) asks: Asks,
}

/// What a person may say of a task.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Approval,
    Answer,
    Retry,
    Skip,
    Nothing,
}

/// A session's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) selection: String,
    pub(super) phase: &'static str,
    pub(super) time: String,
    pub(super) agent: String,
    pub(super) spent: Usd,
    pub(super) reserved: Usd,
    pub(super) ceiling: Usd,
    pub(super) left: Usd,
    pub(super) spent_percent: u64,
    pub(super) reserved_percent: u64,
    pub(super) slots: String,
    pub(super) notices: Vec<String>,
    pub(super) is_breaker_open: bool,
    /// Does a process work on it?
    pub(super) can_stop: bool,
    /// Is work left that nobody does?
    pub(super) can_go_on: bool,
    /// The plan that waits for a person.
    pub(super) plan: Option<PlanCard>,
}

/// A session in the list.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) selection: String,
    pub(super) state: &'static str,
    pub(super) started: String,
    pub(super) tasks: String,
    pub(super) cost: Usd,
}

/// A session with some of its tasks, and the other sessions.
#[derive(Debug, Template)]
#[template(path = "session.html")]
pub(super) struct SessionPage {
    pub(super) title: String,
    pub(super) head: Option<Head>,
    pub(super) filters: Vec<Filter>,
    pub(super) rows: Vec<Row>,
    pub(super) found: usize,
    pub(super) shown: Shown,
    pub(super) pages: usize,
    pub(super) sessions: Vec<Listed>,
}

/// Nothing was ever stored, or another name was asked for.
#[derive(Debug, Template)]
#[template(path = "said.html")]
pub(super) struct SaidPage {
    pub(super) title: String,
    pub(super) words: String,
}

impl SessionPage {
    /// The page of a session; only the list where there is none.
    pub(super) fn new(
        seen: Option<&Seen>,
        rows: &[SessionRow],
        shown: &Shown,
        now: Timestamp,
    ) -> Self {
        let mut page = Self {
            title: "Overview".to_owned(),
            head: seen.map(|seen| head(seen, now)),
            filters: seen.map_or_else(Vec::new, |seen| filters(&seen.tally, shown)),
            rows: Vec::new(),
            found: 0,
            shown: shown.clone(),
            pages: 1,
            sessions: rows.iter().map(|row| listed(row, now)).collect(),
        };
        page.shown.page = shown.page.max(1);
        if let Some(seen) = seen {
            let wanted = shown.q.trim().to_lowercase();
            let tasks = seen.tally.tasks.values();
            let found: Vec<&TaskTally> = tasks
                .filter(|task| is_in(task, &shown.state) && has(task, &wanted))
                .collect();
            page.found = found.len();
            page.pages = found.len().div_ceil(PAGE).max(1);
            page.shown.page = page.shown.page.min(page.pages);
            let from = (page.shown.page - 1) * PAGE;
            let some = found.into_iter().skip(from).take(PAGE);
            page.rows = some.map(|task| row(seen, task, now)).collect();
        }
        page
    }
}

fn is_in(task: &TaskTally, state: &str) -> bool {
    let ended = task.ending().map(Ending::word);
    match state {
        "" => true,
        "running" => matches!(task.standing, Standing::Running { .. }),
        "waiting" => ended.is_none() && !matches!(task.standing, Standing::Running { .. }),
        "other" => ended.is_some_and(|word| word != "completed" && word != "failed"),
        word => ended == Some(word),
    }
}

fn has(task: &TaskTally, wanted: &str) -> bool {
    wanted.is_empty()
        || task.title.to_lowercase().contains(wanted)
        || domain_word(task.domain) == wanted
        || task.issue.to_string().trim_start_matches('#') == wanted.trim_start_matches('#')
}

fn filters(tally: &Tally, shown: &Shown) -> Vec<Filter> {
    let counts = &tally.counts;
    let others = counts.ended() - counts.completed - counts.failed;
    let all = [
        ("", counts.all()),
        ("running", counts.running),
        ("waiting", counts.waiting),
        ("completed", counts.completed),
        ("failed", counts.failed),
        ("other", others),
    ];
    let filter = |(name, count): (&'static str, u64)| Filter {
        name,
        count: thousands(count),
        is_chosen: shown.state == name,
    };
    all.into_iter().map(filter).collect()
}

fn head(seen: &Seen, now: Timestamp) -> Head {
    let tally = &seen.tally;
    let settings = tally.settings.as_ref();
    let ceiling = settings.map_or(Usd::ZERO, |settings| settings.ceiling);
    let percent = |part: Usd| {
        let share = part.micros().saturating_mul(100);
        share.checked_div(ceiling.micros()).unwrap_or(0).min(100)
    };
    let (used, most) = tally.slots();
    let agents: Vec<&str> = settings.map_or_else(Vec::new, |settings| settings.agents().collect());
    Head {
        id: seen.id.to_string(),
        project: called(&tally.project),
        selection: printable(&tally.selection.name()),
        phase: phase(tally.phase),
        time: human(tally.worked.millis(now)),
        agent: agents.join(", then "),
        spent: tally.spent,
        reserved: tally.granted,
        ceiling,
        left: ceiling.minus(tally.spent + tally.granted),
        spent_percent: percent(tally.spent),
        reserved_percent: percent(tally.granted).min(100 - percent(tally.spent)),
        slots: if used == most {
            plural(most.into(), "slot")
        } else {
            format!("{used} of {}", plural(most.into(), "slot"))
        },
        notices: notices(tally, now),
        is_breaker_open: tally.breaker != Breaker::Closed,
        can_stop: seen.process().is_some(),
        can_go_on: seen.state == SessionState::Interrupted,
        plan: planned::waiting(seen),
    }
}

/// A project by its name: of one that is a directory, its last part.
pub(super) fn called(project: &str) -> String {
    let last = project.rsplit('/').find(|part| !part.is_empty());
    let is_path = project.starts_with('/');
    printable(last.filter(|_| is_path).unwrap_or(project))
}

/// What keeps everybody out, and what does not fit together.
fn notices(tally: &Tally, now: Timestamp) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(reason) = &tally.stopped_because {
        notices.push(format!(
            "Nobody is let in until it is resumed: {}",
            brief(reason)
        ));
    }
    if let Some(pause) = tally.pause.as_ref().filter(|pause| pause.until > now) {
        let left = human(pause.until.millis_since(now));
        notices.push(format!(
            "A limit for another {left}: {}",
            brief(&pause.reason)
        ));
    }
    match &tally.breaker {
        Breaker::Closed => {}
        Breaker::HalfOpen => notices.push("The circuit breaker lets one probe through.".to_owned()),
        Breaker::Open {
            reason, failures, ..
        } => notices.push(format!(
            "The circuit breaker is open after {failures} failures in a row: {}",
            brief(reason)
        )),
    }
    notices.extend(together::told(tally));
    notices
}

pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Stopping => "stopping",
        Phase::Interrupted => "interrupted",
        Phase::Finished => "finished",
    }
}

fn row(seen: &Seen, task: &TaskTally, now: Timestamp) -> Row {
    let (words, tone) = state(&seen.tally, task, now);
    let progress = seen.doing.get(&task.issue);
    let progress = progress.filter(|_| matches!(task.standing, Standing::Running { .. }));
    let cost = task.charge.cost + progress.map_or(Usd::ZERO, |progress| progress.cost);
    let reason = task.reason.as_deref().map(brief);
    let pull = |pull: &PullTally| {
        let url = Some(pull.url.clone()).filter(|url| is_link(url));
        (pull.number.to_string(), url)
    };
    Row {
        issue: task.issue.0,
        title: printable(&task.title),
        domain: domain_word(task.domain),
        state: words,
        tone: tone_class(tone),
        attempts: task.attempts,
        time: if task.attempts == 0 {
            String::new()
        } else {
            human(task.worked.millis(now))
        },
        cost: cost.to_string(),
        doing: progress
            .map(|progress| brief(&progress.activity))
            .or(reason)
            .unwrap_or_else(|| unsaid(wait(&seen.tally, task, now).as_ref()).to_owned()),
        pull: task.pull.as_ref().map(pull),
        asks: asks(task),
    }
}

/// For what a task waits, where its state does not say so.
fn unsaid(wait: Option<&Wait>) -> &'static str {
    match wait {
        Some(Wait::Slot) => "for a free slot",
        Some(Wait::Money) => "for money that others have set aside",
        Some(Wait::Resumption) => "for somebody to resume the session",
        Some(Wait::Probe) => "for what a single probe comes to",
        Some(_) | None => "",
    }
}

/// Only what a browser follows to another page is made a link.
fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

pub(super) fn asks(task: &TaskTally) -> Asks {
    match task.standing {
        Standing::Unapproved => Asks::Approval,
        Standing::Asking => Asks::Answer,
        Standing::Ended { ending } if ending.satisfies_dependents() => Asks::Nothing,
        Standing::Ended { .. } => Asks::Retry,
        Standing::Waiting
        | Standing::Held { .. }
        | Standing::Running { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. } => Asks::Skip,
    }
}

pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Head => "now",
        _ => "faint",
    }
}

fn listed(row: &SessionRow, now: Timestamp) -> Listed {
    Listed {
        id: row.id.to_string(),
        project: called(&row.project),
        selection: printable(&row.selection),
        state: match row.state {
            SessionState::Running(_) => "running",
            SessionState::Interrupted => "interrupted",
            SessionState::Finished => "finished",
        },
        started: ago(row.started, now),
        tasks: format!("{} of {}", thousands(row.completed), thousands(row.tasks)),
        cost: row.cost,
    }
}

/// One task, with all that is known of it.
#[derive(Debug, Template)]
#[template(path = "issue.html")]
pub(super) struct IssuePage {
    pub(super) title: String,
    pub(super) session: String,
    pub(super) issue: u64,
    pub(super) url: Option<String>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) asks: Asks,
    pub(super) question: String,
    pub(super) story: Vec<(String, String)>,
    pub(super) transcript: String,
}

impl IssuePage {
    /// The page of one task, with its story as it was told; `None` where the session does not have it.
    pub(super) fn new(
        seen: &Seen,
        issue: IssueNumber,
        story: Vec<(String, String)>,
        transcript: String,
        now: Timestamp,
    ) -> Option<Self> {
        let task = seen.tally.tasks.get(&issue)?;
        Some(Self {
            title: format!("{issue} {}", printable(&task.title)),
            session: seen.id.to_string(),
            issue: issue.0,
            url: task.url.clone().filter(|url| is_link(url)),
            facts: seen.sight(now).facts(task),
            asks: asks(task),
            question: task.reason.as_deref().map(brief).unwrap_or_default(),
            story,
            transcript,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_called_by_its_name() {
        let check = |project, expect| assert_eq!(called(project), expect);
        check("octo/widgets", "octo/widgets");
        check("/home/me/work/tea-shop", "tea-shop");
        check("/home/me/work/tea-shop/", "tea-shop");
        check("/", "/");
        check("", "");
    }
}
