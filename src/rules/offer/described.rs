//! What a pull's description is made of.

use crate::rules::ids::BranchName;
use crate::rules::offer::pull::Offer;
use crate::rules::offer::sections::{
    changes, checks, code, cost, counted, evaluation, stands_on, summary,
};
use crate::rules::offer::size::warning;
use crate::rules::offer::templates::{Described, Named, Sections};
use crate::rules::stack::pull_base;

/// The branch that the pull is for.
#[must_use]
pub fn base<'a>(offer: &Offer<'a>) -> &'a str {
    let base = pull_base(offer.below).map(BranchName::as_str);
    base.unwrap_or(&offer.settings.base_branch)
}

/// All that a template may use.
#[must_use]
pub fn described(offer: &Offer<'_>) -> Described {
    let named = Named::of(offer.task, offer.branch.as_str(), String::new());
    Described {
        issue: named.issue,
        domain: named.domain,
        kind: named.kind,
        branch: named.branch,
        sections: sections(offer),
        base: base(offer).to_owned(),
        session: offer.session.to_string(),
        agent: offer.settings.agent_at(offer.agent).to_owned(),
        model: model(offer).unwrap_or_default().to_owned(),
        attempts: offer.attempts,
        cost: cost(&offer.charge),
    }
}

fn sections(offer: &Offer<'_>) -> Sections {
    let below = offer.below;
    let is_stacked = pull_base(below).is_some();
    Sections {
        closes: closes(offer),
        stands_on: if below.is_empty() {
            String::new()
        } else {
            stands_on(below, is_stacked)
        },
        size: warning(&offer.commit.diff, offer.offering.limit),
        summary: summary(offer.summary),
        checks: checks(offer.checks),
        changes: changes(&offer.commit.diff),
        evaluation: evaluation(offer.task.evaluation.as_deref()),
        effort: effort(offer),
    }
}

/// A keyword closes the issue only from a pull for the default branch; on another it would promise what never happens.
/// <https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue>
fn closes(offer: &Offer<'_>) -> String {
    let issue = offer.task.number();
    // A stacked pull is for the base branch by the time it is merged.
    let is_other = |branch: &str| branch != offer.settings.base_branch;
    if offer.default_branch.is_some_and(is_other) {
        format!("Refs {issue}")
    } else {
        format!("Closes {issue}")
    }
}

fn model<'a>(offer: &Offer<'a>) -> Option<&'a str> {
    offer.model.or(offer.settings.model.as_deref())
}

fn effort(offer: &Offer<'_>) -> String {
    let model = model(offer).map_or(String::new(), |model| format!(" with {}", code(model)));
    let several = if offer.agent.is_first() {
        ""
    } else {
        ", the last one"
    };
    format!(
        "{}; {}{several} by {}{model}; session `{}`.",
        cost(&offer.charge),
        counted(offer.attempts.into(), "attempt"),
        code(offer.settings.agent_at(offer.agent)),
        offer.session,
    )
}
