//! The printed JSON: a shape of its own, version 1, to which fields are only ever added. It is not the stored one.
//!
//! Every event is one object `{"v":1,"event":...,"session":...,"at":...}` with further fields by kind. Money is a
//! decimal string in US dollars, times are RFC 3339 in UTC, durations are whole milliseconds.

use crate::reporters::agents;
use crate::reporters::evaluation::evaluation_brief;
use crate::reporters::outlook::outlook;
use crate::reporters::time::rfc3339;
use crate::reporters::together;
use crate::reporters::{consent, plan_lines, quota, slots};
use crate::rules::event::{Command, Effect, Event, Fact, Recorded};
use crate::rules::ids::{AttemptNumber, IssueNumber, Timestamp};
use crate::rules::money::{Charge, Usd};
use crate::rules::schedule::predict::Prediction;
use crate::rules::settings::Settings;
use crate::rules::stack::Below;
use crate::rules::summary::domain_word;
use crate::rules::tally::{PullTally, Tally, TaskTally};
use crate::rules::task::{
    Attempted, CheckReport, Commit, Ending, Failure, Obstacle, Outcome, Pull, Start, Task,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The version of the shape.
pub const VERSION: u32 = 1;

/// The event as one object; the tally has it already.
#[must_use]
pub fn event(tally: &Tally, recorded: &Recorded) -> Value {
    let fields = fields(tally, &recorded.event);
    enveloped(name(&recorded.event), tally, recorded.at, fields)
}

/// The summary that ends every session: counts, the cost, and one object for each task.
/// What changed nothing or needs a person counts as failed, what the budget did not reach as blocked.
#[must_use]
pub fn summary(tally: &Tally) -> Value {
    let counts = &tally.counts;
    let sums = json!({
        "completed": counts.completed,
        "failed": counts.unsuccessful(),
        "blocked": counts.stuck(),
        "skipped": counts.skipped,
        "cost_usd": tally.spent.decimal(),
        "conflicts": together::conflicts(tally),
        "certificate": tally.certificate.as_ref().map(together::as_json),
        "tasks": tasks_json(tally),
    });
    let actual = minutes(tally.worked.millis(tally.last));
    let compared = tally
        .prediction
        .as_ref()
        .map(|expected| with(outlook(expected), json!({ "actual_minutes": actual })));
    let sums = with(sums, compared.unwrap_or_default());
    with(sums, plan_lines::planner(tally))
}

/// To the tenth of a minute.
#[expect(clippy::cast_precision_loss, reason = "tenths of minutes of a session")]
fn minutes(millis: u64) -> f64 {
    (millis / 6_000) as f64 / 10.0
}

/// The tasks as they stand, by issue number; `outcome` is null for one that has not ended.
#[must_use]
pub fn tasks_json(tally: &Tally) -> Value {
    tally.tasks.values().map(task_json).collect()
}

/// The last line of a session that has ended, or that nobody ended.
#[must_use]
pub fn end(tally: &Tally, name: &str) -> Value {
    let fields = json!({ "summary": summary(tally) });
    enveloped(name, tally, tally.last, fields)
}

fn enveloped(name: &str, tally: &Tally, at: Timestamp, fields: Value) -> Value {
    let envelope = json!({
        "v": VERSION,
        "event": name,
        "session": tally.session,
        "at": rfc3339(at),
    });
    with(envelope, fields)
}

/// One task as the summary has it.
pub(crate) fn task_json(task: &TaskTally) -> Value {
    json!({
        "issue": task.issue,
        "outcome": task.ending().map(Ending::word),
        "branch": task.offered_branch(),
        "pull": task.pull.as_ref().map(pull_json),
        "attempts": task.attempts,
        "cost_usd": task.charge.cost.decimal(),
        "reason": task.reason,
    })
}

fn pull_json(pull: &PullTally) -> Value {
    json!({ "number": pull.number, "url": pull.url })
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::SessionStarted { .. } => "session_started",
        Event::SessionResumed { .. } => "session_resumed",
        Event::Planning { fact } => plan_lines::name(fact),
        Event::TasksRead { .. } => "tasks_read",
        Event::Held { .. } => "task_held",
        Event::Due { .. } => "task_due",
        Event::Consent { consent, .. } => consent::name(consent),
        Event::Admitted { .. } => "attempt_admitted",
        Event::Fact { fact, .. } => fact_name(fact),
        Event::Settled { .. } => "attempt_settled",
        Event::RetryScheduled { .. } => "retry_scheduled",
        Event::Parked { .. } => "task_parked",
        Event::Requeued { .. } => "task_requeued",
        Event::DispatchPaused { .. } => "dispatch_paused",
        Event::DispatchStopped { .. } => "dispatch_stopped",
        Event::BreakerOpened { .. } => "breaker_opened",
        Event::BreakerClosed { .. } => "breaker_closed",
        Event::TaskEnded { .. } => "task_ended",
        Event::LeaseLost { .. } => "lease_lost",
        Event::TestMerged { .. } => "test_merged",
        Event::Looked { .. } => "looked",
        Event::TriedOnBase { .. } => "tried_on_base",
        Event::ReworkOffered { .. } => "rework_offered",
        Event::ReworkGivenUp { .. } => "rework_given_up",
        Event::Certifying { .. } => "certifying",
        Event::Certified { .. } => "certified",
        Event::CertificateTold { .. } => "certificate_told",
        Event::Merged { .. } => "task_merged",
        Event::Announced { .. } => "task_announced",
        Event::SlotsChanged { .. } => "slots_changed",
        Event::QuotaHeard { .. } => "quota_heard",
        Event::PullsCounted { .. } => "pulls_counted",
        Event::SpentElsewhere { .. } => "spent_elsewhere",
        Event::CommandTaken { .. } => "command_taken",
        Event::StopRequested => "stop_requested",
        Event::SessionInterrupted => "session_interrupted",
        Event::SessionFinished => "session_finished",
    }
}

fn fact_name(fact: &Fact) -> &'static str {
    match fact {
        Fact::Entered { .. } => "stage_entered",
        Fact::Spawned { .. } => "process_started",
        Fact::KeptFrom { .. } => "kept_from",
        Fact::AgentDone { .. } => "agent_done",
        Fact::Conversed { .. } => "conversation_known",
        Fact::Snapshot { .. } => "snapshot_taken",
        Fact::Committed { .. } => "committed",
        Fact::Checked { .. } => "checked",
        Fact::Verified => "verified",
        Fact::BranchChosen { .. } => "branch_chosen",
        Fact::Intends { .. } => "effect_intended",
        Fact::Did { .. } => "effect_done",
    }
}

fn fields(tally: &Tally, event: &Event) -> Value {
    match event {
        Event::SessionStarted { .. } => started(event),
        Event::SessionResumed { settings } => frame(settings),
        Event::Planning { fact } => plan_lines::fields(fact),
        Event::TasksRead { tasks, prediction } => tasks_read(tasks, prediction.as_deref()),
        Event::Held { issue, by, over } => json!({ "issue": issue, "by": by, "over": over }),
        Event::Due { issue } | Event::Merged { issue } => json!({ "issue": issue }),
        Event::Admitted { .. } => admitted(tally, event),
        Event::Fact {
            issue,
            attempt,
            fact,
        } => of_attempt(*issue, *attempt, fact_fields(fact)),
        Event::Settled {
            issue,
            attempt,
            grant,
            outcome,
        } => of_attempt(*issue, *attempt, settled(tally, *grant, outcome)),
        Event::RetryScheduled {
            issue,
            until,
            failure,
            ..
        }
        | Event::Parked {
            issue,
            until,
            failure,
            ..
        } => put_off(*issue, *until, failure),
        Event::Consent { issue, consent } => consent::fields(*issue, consent),
        Event::Requeued { issue, start } => json!({ "issue": issue, "from": from(start) }),
        Event::DispatchStopped { .. }
        | Event::DispatchPaused { .. }
        | Event::BreakerOpened { .. }
        | Event::BreakerClosed { .. } => agents::fields(tally, event),
        Event::TaskEnded { issue, .. } => task_ended(tally, *issue),
        Event::LeaseLost { issue, reason } => json!({ "issue": issue, "reason": reason }),
        Event::TestMerged { .. }
        | Event::Looked { .. }
        | Event::TriedOnBase { .. }
        | Event::ReworkOffered { .. }
        | Event::ReworkGivenUp { .. }
        | Event::Certifying { .. }
        | Event::Certified { .. } => together::fields(event),
        Event::Announced { issue, trouble } | Event::CertificateTold { issue, trouble } => {
            json!({ "issue": issue, "trouble": trouble })
        }
        Event::SlotsChanged { reason, .. } => slots::fields(tally, reason),
        Event::QuotaHeard { allowances, .. } => json!({ "quota": quota::json(allowances) }),
        Event::PullsCounted { .. } => open_pulls(tally),
        Event::SpentElsewhere { today } => json!({ "today_usd": today.decimal() }),
        Event::CommandTaken { command, .. } => asked(command),
        Event::SessionInterrupted | Event::SessionFinished => json!({ "summary": summary(tally) }),
        Event::StopRequested => Value::Null,
    }
}

fn open_pulls(tally: &Tally) -> Value {
    let settings = tally.settings.as_ref();
    let most = settings.and_then(|settings| settings.max_open_pulls);
    json!({ "open": tally.pulls.all(), "most": most })
}

fn of_attempt(issue: IssueNumber, attempt: AttemptNumber, fields: Value) -> Value {
    with(json!({ "issue": issue, "attempt": attempt }), fields)
}

fn fact_fields(fact: &Fact) -> Value {
    match fact {
        Fact::Entered { stage } => json!({ "stage": stage.word() }),
        Fact::Spawned {
            stage,
            process,
            conversation,
        } => json!({ "stage": stage.word(), "pid": process.pid, "conversation": conversation }),
        Fact::AgentDone {
            conversation,
            summary,
            charge,
        } => with(
            json!({ "conversation": conversation, "summary": summary }),
            bill(charge),
        ),
        Fact::Conversed { conversation } => json!({ "conversation": conversation }),
        Fact::Snapshot { commit, base } => json!({ "commit": commit, "base": base }),
        Fact::Committed { commit } => committed(commit),
        Fact::Checked { reports } => {
            json!({ "checks": reports.iter().map(check).collect::<Value>() })
        }
        Fact::Verified => Value::Null,
        Fact::KeptFrom { hosts } => json!({ "hosts": hosts }),
        Fact::BranchChosen { branch } => json!({ "branch": branch }),
        Fact::Intends { effect } => effect_fields(effect),
        Fact::Did { effect, pull } => with(
            effect_fields(effect),
            pull.as_ref().map_or(Value::Null, pull_done),
        ),
    }
}

/// One object with the fields of both.
pub(crate) fn with(mut fields: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    fields
}

fn started(event: &Event) -> Value {
    let Event::SessionStarted {
        project,
        selection,
        settings,
        ..
    } = event
    else {
        return Value::Null;
    };
    let filter = Some(&selection.filter).filter(|filter| !filter.is_empty());
    let mut selection = json!({
        "label": selection.label,
        "issues": selection.numbers,
        "exclude_labels": selection.exclude_labels,
    });
    if let Some(filter) = filter {
        selection["filter"] = json!(filter);
    }
    with(
        json!({ "project": project, "selection": selection }),
        frame(settings),
    )
}

/// What a session runs within.
fn frame(settings: &Settings) -> Value {
    json!({
        "budget_usd": settings.ceiling.decimal(),
        "daily_budget_usd": settings.daily_ceiling.map(Usd::decimal),
        "attempt_cap_usd": settings.cap.decimal(),
        "slots": settings.slots,
        "agent": settings.agent,
        "model": settings.model,
        "fallback": settings.agents().skip(1).collect::<Vec<_>>(),
        "base_branch": settings.base_branch,
        "create_pr": settings.create_pr,
        "draft": settings.draft,
        "dependencies": settings.dependents,
    })
}

fn tasks_read(tasks: &[Arc<Task>], prediction: Option<&Prediction>) -> Value {
    let mut fields = json!({});
    fields["tasks"] = tasks.iter().map(|each| task(each)).collect();
    with(fields, prediction.map_or_else(|| json!({}), outlook))
}

fn task(task: &Task) -> Value {
    let files: Vec<&str> = task
        .footprint
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    json!({
        "issue": task.number(),
        "title": task.issue.title,
        "url": task.issue.url,
        "domain": domain_word(task.domain.domain),
        "confidence": task.domain.confidence,
        "priority": task.priority,
        "needs": task.needs,
        "obstacle": task.obstacle.as_ref().map(obstacle),
        "evaluation": task.evaluation.as_deref().map(evaluation_brief),
        "files": files,
        "estimate_usd": task.estimate.cost.decimal(),
        "branch": task.branch,
    })
}

fn obstacle(obstacle: &Obstacle) -> Value {
    json!({ "outcome": obstacle.ending.word(), "reason": obstacle.reason })
}

fn admitted(tally: &Tally, event: &Event) -> Value {
    let Event::Admitted {
        issue,
        attempt,
        slot,
        grant,
        probe,
        branch,
        start,
        below,
        agent,
    } = event
    else {
        return Value::Null;
    };
    json!({
        "agent": agents::name(tally, *agent),
        "issue": issue,
        "attempt": attempt,
        "slot": slot,
        "grant_usd": grant.decimal(),
        "probe": probe,
        "branch": branch,
        "from": from(start),
        "below": below.iter().map(below_json).collect::<Value>(),
    })
}

fn below_json(below: &Below) -> Value {
    json!({ "issue": below.issue, "commit": below.commit, "branch": below.branch, "pull": below.pull })
}

fn from(start: &Start) -> &'static str {
    match start {
        Start::Base => "base",
        Start::Joined => "joined",
        Start::Snapshot { .. } => "snapshot",
        Start::Captured { .. } => "captured",
        Start::Verified => "verified",
    }
}

fn committed(commit: &Commit) -> Value {
    json!({
        "commit": commit.id,
        "base": commit.base,
        "files": commit.diff.files,
        "added": commit.diff.added,
        "removed": commit.diff.removed,
    })
}

fn check(report: &CheckReport) -> Value {
    json!({ "name": report.name, "kind": report.kind, "verdict": report.verdict, "millis": report.millis })
}

fn effect_fields(effect: &Effect) -> Value {
    match effect {
        Effect::Push { branch, commit } => {
            json!({ "effect": "push", "branch": branch, "commit": commit })
        }
        Effect::OpenPull { branch } => json!({ "effect": "open_pull", "branch": branch }),
        Effect::Describe { branch, kind } => {
            json!({ "effect": "describe", "branch": branch, "kind": kind })
        }
        Effect::Detail { branch } => json!({ "effect": "detail", "branch": branch }),
        Effect::AskReview { branch } => json!({ "effect": "ask_review", "branch": branch }),
        Effect::AddLabel { label } => json!({ "effect": "add_label", "label": label }),
        Effect::RemoveLabel { label } => json!({ "effect": "remove_label", "label": label }),
        Effect::Answer { pull, said } => json!({ "effect": "answer", "pull": pull, "said": said }),
        Effect::Status { state } => json!({ "effect": "status", "state": state }),
        Effect::Assign { state } => json!({ "effect": "assign", "state": state }),
        Effect::Comment { kind } => json!({ "effect": "comment", "kind": kind }),
    }
}

fn pull_done(pull: &Pull) -> Value {
    json!({ "pull": { "number": pull.number, "url": pull.url } })
}

fn bill(charge: &Charge) -> Value {
    json!({
        "cost_usd": charge.cost.decimal(),
        "basis": charge.basis,
        "tokens": charge.usage,
    })
}

fn settled(tally: &Tally, grant: Usd, outcome: &Outcome) -> Value {
    let (result, failure, said) = match &outcome.result {
        Attempted::Published => ("published", None, None),
        Attempted::Unchanged { said } => ("unchanged", None, Some(said)),
        Attempted::Failed(failure) => ("failed", Some(failure_fields(failure)), None),
        Attempted::NeedsHuman { reason } => ("needs_human", None, Some(reason)),
        Attempted::Withdrawn { reason } => ("withdrawn", None, Some(reason)),
        Attempted::Asked { question } => ("asked", None, Some(question)),
        Attempted::Stopped => ("stopped", None, None),
        Attempted::Lost => ("lost", None, None),
    };
    let fields = json!({
        "result": result,
        "failure": failure,
        "reason": said,
        "model": outcome.model,
        "grant_usd": grant.decimal(),
        "spent_usd": tally.spent.decimal(),
    });
    with(fields, bill(&outcome.charge))
}

fn failure_fields(failure: &Failure) -> Value {
    json!({ "class": failure.class, "message": failure.message })
}

fn put_off(issue: IssueNumber, until: Timestamp, failure: &Failure) -> Value {
    json!({ "issue": issue, "until": rfc3339(until), "failure": failure_fields(failure) })
}

fn task_ended(tally: &Tally, issue: IssueNumber) -> Value {
    let task = tally.tasks.get(&issue);
    task.map_or_else(|| json!({ "issue": issue }), task_json)
}

fn asked(command: &Command) -> Value {
    match command {
        Command::Retry { issue } => json!({ "command": "retry", "issue": issue }),
        Command::Skip { issue } => json!({ "command": "skip", "issue": issue }),
        Command::Approve { issue } => json!({ "command": "approve", "issue": issue }),
        Command::Reject { issue, reason } => {
            json!({ "command": "reject", "issue": issue, "reason": reason })
        }
        Command::Modify {
            issue,
            instructions,
        } => json!({ "command": "modify", "issue": issue, "instructions": instructions }),
        Command::Answer { issue, answer } => {
            json!({ "command": "answer", "issue": issue, "answer": answer })
        }
        Command::ResetBreaker => json!({ "command": "reset_breaker" }),
    }
}
