//! What is read and what programs get of each step from a directive to issues: one short function per kind.

use crate::reporters::line::Line;
use crate::reporters::paint::Tone;
use crate::reporters::words::{brief, plural};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::plan::progress::{PlanEffect, Planning};
use crate::rules::plan::shape::Plan;
use crate::rules::plan::sums::PlanStage;
use crate::rules::tally::{Phase, Tally};
use crate::rules::task::{Attempted, Outcome};
use serde_json::{Value, json};

/// What there is to say about a step, if anything.
pub(super) fn line(fact: &Planning) -> Option<Line> {
    match fact {
        Planning::Granted { grant, .. } => Some(news("planner", format!(": {grant} set aside"))),
        Planning::Refused { faults, .. } => Some(refused(faults)),
        Planning::Checked { plan } => Some(checked(plan)),
        Planning::Settled { outcome, grant, .. } => Some(settled(*grant, outcome)),
        Planning::Declined { reason } => Some(Line::news(
            Tone::Warn,
            "the plan is not carried out",
            format!(": {}", brief(reason)),
        )),
        Planning::Did { effect, issue } => opened(effect, (*issue)?),
        Planning::Spawned { .. } | Planning::Approved | Planning::Intends { .. } => None,
    }
}

fn news(head: &str, text: String) -> Line {
    Line::news(Tone::Plain, head, text)
}

fn refused(faults: &[String]) -> Line {
    let first = faults
        .first()
        .map_or_else(String::new, |fault| brief(fault));
    let text = format!(
        " with {}, the first: {first}; asked once more",
        plural(faults.len() as u64, "fault")
    );
    Line::news(Tone::Warn, "planner answered", text)
}

fn checked(plan: &Plan) -> Line {
    let text = format!(": {}", brief(&plan.directive));
    let head = format!("plan of {}", plural(plan.items.len() as u64, "item"));
    Line::news(Tone::Head, head, text)
}

fn settled(grant: Usd, outcome: &Outcome) -> Line {
    let cost = outcome.charge.cost;
    let over = cost.minus(grant);
    let more = if over > Usd::ZERO {
        format!(", {over} more than was set aside")
    } else {
        String::new()
    };
    let ended = match &outcome.result {
        Attempted::Failed(failure) => format!(" failed: {}", brief(&failure.message)),
        Attempted::Stopped => " was stopped".to_owned(),
        Attempted::Lost => " was lost with its process".to_owned(),
        Attempted::Published
        | Attempted::Unchanged { .. }
        | Attempted::NeedsHuman { .. }
        | Attempted::Withdrawn { .. }
        | Attempted::Asked { .. } => String::new(),
    };
    news("planner", format!("{ended}: {cost}{more}"))
}

fn opened(effect: &PlanEffect, issue: IssueNumber) -> Option<Line> {
    match effect {
        PlanEffect::OpenParent => Some(Line::about(issue, " opened for the plan".to_owned())),
        PlanEffect::OpenItem { item } => Some(Line::about(issue, format!(" opened for {item}"))),
        PlanEffect::TieItems => None,
    }
}

/// The name of a step as programs read it.
pub(super) fn name(fact: &Planning) -> &'static str {
    match fact {
        Planning::Granted { .. } => "planner_granted",
        Planning::Spawned { .. } => "planner_started",
        Planning::Refused { .. } => "plan_refused",
        Planning::Checked { .. } => "plan_checked",
        Planning::Settled { .. } => "planner_settled",
        Planning::Approved => "plan_approved",
        Planning::Declined { .. } => "plan_declined",
        Planning::Intends { .. } => "plan_effect_intended",
        Planning::Did { .. } => "plan_effect_done",
    }
}

/// What programs read of a step.
pub(super) fn fields(fact: &Planning) -> Value {
    match fact {
        Planning::Granted { run, grant } => json!({ "run": run, "grant_usd": grant.decimal() }),
        Planning::Spawned {
            process,
            conversation,
        } => json!({ "pid": process.pid, "conversation": conversation }),
        Planning::Refused { faults, charge } => {
            json!({ "faults": faults, "cost_usd": charge.cost.decimal() })
        }
        Planning::Checked { plan } => json!({ "plan": plan }),
        Planning::Settled {
            run,
            grant,
            outcome,
        } => bill(run.0, *grant, outcome),
        Planning::Approved => Value::Null,
        Planning::Declined { reason } => json!({ "reason": reason }),
        Planning::Intends { effect } => effect_fields(effect, None),
        Planning::Did { effect, issue } => effect_fields(effect, *issue),
    }
}

fn bill(run: u32, grant: Usd, outcome: &Outcome) -> Value {
    let failure = match &outcome.result {
        Attempted::Failed(failure) => Some(&failure.message),
        Attempted::Published
        | Attempted::Unchanged { .. }
        | Attempted::NeedsHuman { .. }
        | Attempted::Withdrawn { .. }
        | Attempted::Asked { .. }
        | Attempted::Stopped
        | Attempted::Lost => None,
    };
    json!({
        "run": run,
        "failure": failure,
        "model": outcome.model,
        "grant_usd": grant.decimal(),
        "cost_usd": outcome.charge.cost.decimal(),
        "basis": outcome.charge.basis,
    })
}

fn effect_fields(effect: &PlanEffect, issue: Option<IssueNumber>) -> Value {
    match effect {
        PlanEffect::OpenParent => json!({ "effect": "open_parent", "issue": issue }),
        PlanEffect::OpenItem { item } => {
            json!({ "effect": "open_item", "item": item, "issue": issue })
        }
        PlanEffect::TieItems => json!({ "effect": "tie_items" }),
    }
}

/// The planner in a session's summary and standing; nothing where it has none.
pub(super) fn planner(tally: &Tally) -> Value {
    let Some(planner) = &tally.planner else {
        return Value::Null;
    };
    json!({ "planner": {
        "stage": tally.plan_stage().map(PlanStage::word),
        "runs": planner.runs,
        "cost_usd": planner.charge.cost.decimal(),
        "items": planner.items(),
        "issues_opened": planner.opened,
        "declined": planner.declined,
    } })
}

/// What a session that is making a plan does, for a person: one line.
pub(super) fn standing(tally: &Tally, now: Timestamp) -> Option<String> {
    let planner = tally.planner.as_ref()?;
    let time = crate::reporters::time::human(now.millis_since(planner.since));
    let runs = matches!(tally.phase, Phase::Running | Phase::Stopping);
    Some(match tally.plan_stage()? {
        PlanStage::Planning if planner.granted > Usd::ZERO && runs => {
            format!(
                "The planner has worked for {time}, {} set aside.",
                planner.granted
            )
        }
        PlanStage::Planning => "There is no plan yet.".to_owned(),
        PlanStage::Waiting => "There is a plan, and nobody has approved it yet.".to_owned(),
        PlanStage::Opening => {
            let items = planner.items().unwrap_or(0);
            format!(
                "Of a plan of {items}, {} opened.",
                plural(planner.opened, "issue")
            )
        }
    })
}
