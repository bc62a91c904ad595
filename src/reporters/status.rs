//! A session's standing as JSON, for programs that ask rather than listen.

use crate::reporters::evaluation::evaluation_brief;
use crate::reporters::shape::{VERSION, task_json, with};
use crate::reporters::standing::Sight;
use crate::reporters::time::rfc3339;
use crate::reporters::{plan_lines, quota, slots, together};
use crate::rules::event::Progress;
use crate::rules::ids::{IssueNumber, SlotNumber};
use crate::rules::money::Usd;
use crate::rules::schedule::pressure::Pressure;
use crate::rules::summary::{Wait, domain_word, pressure, wait};
use crate::rules::tally::{Breaker, CheckTally, Counts, Phase, Standing, TaskTally};
use crate::rules::task::Stage;
use serde_json::{Value, json};

/// The session as it stands: phase, money, counts, breaker, and its tasks. A task has what the summary says of it, and
/// `state` (`waiting`, `running`, `ended`) with what belongs to it.
#[must_use]
pub fn session_json(sight: &Sight<'_>) -> Value {
    let (tally, now) = (sight.tally, sight.now);
    let ceiling = tally.settings.as_ref().map(|settings| settings.ceiling);
    let status = json!({
        "v": VERSION,
        "event": "session_status",
        "session": tally.session,
        "project": tally.project,
        "selection": tally.selection.name(),
        "phase": phase(tally.phase),
        "pid": sight.process,
        "started": tally.started.map(rfc3339),
        "ended": tally.ended.map(rfc3339),
        "elapsed_millis": tally.worked.millis(now),
        "budget_usd": ceiling.map(Usd::decimal),
        "spent_usd": tally.spent.decimal(),
        "granted_usd": tally.granted.decimal(),
        "counts": counts(&tally.counts),
        "slots": slots::standing_json(tally),
        "quota": quota::json(&tally.allowances),
        "open_pulls": pressure(tally, now).map(|(Pressure { open, coming, most }, tasks)| {
            json!({ "open": open, "coming": coming, "most": most, "tasks_waiting": tasks })
        }),
        "breaker": breaker(&tally.breaker),
        "paused_until": tally.pause.as_ref().map(|pause| rfc3339(pause.until)),
        "stopped_because": tally.stopped_because,
        "conflicts": together::open(tally),
        "tasks": tally.tasks.values().map(|task| standing(sight, task)).collect::<Value>(),
    });
    with(status, plan_lines::planner(tally))
}

/// One task as it stands, with its session; `None` where the session does not have it.
#[must_use]
pub fn task_status(sight: &Sight<'_>, issue: IssueNumber) -> Option<Value> {
    let tally = sight.tally;
    let task = tally.tasks.get(&issue)?;
    let envelope = json!({
        "v": VERSION,
        "event": "task_status",
        "session": tally.session,
        "project": tally.project,
        "phase": phase(tally.phase),
    });
    Some(with(envelope, standing(sight, task)))
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Stopping => "stopping",
        Phase::Interrupted => "interrupted",
        Phase::Finished => "finished",
    }
}

fn counts(counts: &Counts) -> Value {
    json!({
        "waiting": counts.waiting,
        "running": counts.running,
        "completed": counts.completed,
        "no_change": counts.no_change,
        "failed": counts.failed,
        "blocked": counts.blocked,
        "skipped": counts.skipped,
        "needs_human": counts.needs_human,
        "budget": counts.budget,
    })
}

fn breaker(breaker: &Breaker) -> Value {
    match breaker {
        Breaker::Closed => json!({ "state": "closed" }),
        Breaker::Open {
            until,
            failures,
            reason,
        } => json!({
            "state": "open",
            "until": rfc3339(*until),
            "failures": failures,
            "reason": reason,
        }),
        Breaker::HalfOpen => json!({ "state": "half_open" }),
    }
}

fn standing(sight: &Sight<'_>, task: &TaskTally) -> Value {
    let (tally, now) = (sight.tally, sight.now);
    let common = json!({
        "title": task.title,
        "url": task.url,
        "domain": domain_word(task.domain),
        "evaluation": task.evaluation.as_deref().map(evaluation_brief),
        "model": task.model,
        "tokens": task.charge.usage.total(),
        "elapsed_millis": task.worked.millis(now),
        "checks": task.checks.iter().map(check).collect::<Value>(),
    });
    let state = match &task.standing {
        Standing::Running { slot, stage, .. } => running(sight, task, *slot, *stage),
        Standing::Ended { .. } => {
            json!({ "state": "ended", "ended": task.ended.map(rfc3339) })
        }
        Standing::Waiting
        | Standing::Unapproved
        | Standing::Asking
        | Standing::Held { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. } => {
            let why = wait(tally, task, now).as_ref().map_or(Value::Null, waiting);
            with(json!({ "state": "waiting" }), why)
        }
    };
    with(with(task_json(task), common), state)
}

fn check(check: &CheckTally) -> Value {
    json!({ "name": check.name, "kind": check.kind, "verdict": check.verdict, "millis": check.millis })
}

fn running(sight: &Sight<'_>, task: &TaskTally, slot: SlotNumber, stage: Option<Stage>) -> Value {
    let progress = sight.progress(task);
    json!({
        "state": "running",
        "slot": slot,
        "stage": stage.map(Stage::word),
        "granted_usd": task.granted.decimal(),
        "pid": progress.and_then(|progress| progress.pid).or(task.process),
        "doing": progress.map(doing),
    })
}

/// What the attempt was last seen doing, and its figures so far.
fn doing(progress: &Progress) -> Value {
    json!({
        "activity": progress.activity,
        "at": rfc3339(progress.at),
        "messages": progress.messages,
        "cost_usd": progress.cost.decimal(),
        "tokens": progress.tokens,
    })
}

/// For what a task waits: `for` says it in a word, other fields name tasks and times.
fn waiting(wait: &Wait) -> Value {
    match wait {
        Wait::Needs(issues) => json!({ "for": "needs", "issues": issues }),
        Wait::Collision { by, over } => json!({ "for": "collision", "issues": [by], "over": over }),
        Wait::Approval => json!({ "for": "approval" }),
        Wait::Answer => json!({ "for": "answer" }),
        Wait::Retry(until) => json!({ "for": "retry", "until": rfc3339(*until) }),
        Wait::Limit(until) => json!({ "for": "limit", "until": rfc3339(*until) }),
        Wait::Pause(until) => json!({ "for": "pause", "until": rfc3339(*until) }),
        Wait::Resumption => json!({ "for": "resumption" }),
        Wait::Pulls(Pressure { open, coming, most }) => {
            json!({ "for": "pulls", "open": open, "coming": coming, "most": most })
        }
        Wait::Breaker(until) => json!({ "for": "breaker", "until": rfc3339(*until) }),
        Wait::Probe => json!({ "for": "probe" }),
        Wait::Slot => json!({ "for": "slot" }),
        Wait::Money => json!({ "for": "money" }),
        Wait::Next => json!({ "for": "nothing" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporters::bars::Doing;
    use crate::reporters::standing::tests::progress;
    use crate::rules::script::{self, Script};

    #[test]
    fn a_running_session_tells_where_each_task_stands() {
        let tasks = [
            script::task(12, "backend", &[]),
            script::task(13, "frontend", &[12]),
        ];
        let mut script = Script::begun(&tasks);
        script.admit(12, 1, 0);
        let tally = script.tally();
        let mut doing = Doing::new();
        doing.insert(IssueNumber(12), progress(&tally));
        let status = session_json(&Sight {
            tally: &tally,
            doing: &doing,
            process: Some(4711),
            now: tally.last.plus_millis(5_000),
        });
        insta::assert_snapshot!(status.to_string(), @r#"{"v":1,"event":"session_status","session":"01K5SHOP000000000000000000","project":"acme/shop","selection":"label bug","phase":"running","pid":4711,"started":"2026-09-21T14:13:21.000Z","ended":null,"elapsed_millis":8000,"budget_usd":"50.00","spent_usd":"0.00","granted_usd":"5.50","counts":{"waiting":1,"running":1,"completed":0,"no_change":0,"failed":0,"blocked":0,"skipped":0,"needs_human":0,"budget":0},"slots":{"now":3,"configured":3,"short":null,"recovers":false},"quota":[],"open_pulls":null,"breaker":{"state":"closed"},"paused_until":null,"stopped_because":null,"conflicts":[],"tasks":[{"issue":12,"outcome":null,"branch":null,"pull":null,"attempts":1,"cost_usd":"0.00","reason":null,"title":"Mend the backend of the shop","url":"https://github.com/acme/shop/issues/12","domain":"backend","evaluation":null,"model":null,"tokens":0,"elapsed_millis":6000,"checks":[],"state":"running","slot":0,"stage":"agent","granted_usd":"5.50","pid":815,"doing":{"activity":"Edit src/login.rs","at":"2026-09-21T14:13:25.000Z","messages":7,"cost_usd":"0.031","tokens":1200}},{"issue":13,"outcome":null,"branch":null,"pull":null,"attempts":0,"cost_usd":"0.00","reason":null,"title":"Mend the frontend of the shop","url":"https://github.com/acme/shop/issues/13","domain":"frontend","evaluation":null,"model":null,"tokens":0,"elapsed_millis":0,"checks":[],"state":"waiting","for":"needs","issues":[12]}]}"#);
    }

    #[test]
    fn all_tasks_are_counted() {
        let tally = script::every_ending().tally();
        let status = session_json(&Sight {
            tally: &tally,
            doing: &Doing::new(),
            process: None,
            now: tally.last,
        });
        let counts = status["counts"].as_object().unwrap();
        let sum: u64 = counts.values().filter_map(Value::as_u64).sum();
        assert_eq!(sum, tally.counts.all());
        assert_eq!(status["phase"], "finished");
    }
}
