//! What is told of a person's consent, and of questions and their answers: a line, and JSON.

use crate::reporters::line::Line;
use crate::reporters::words::brief;
use crate::rules::event::Consent;
use crate::rules::ids::IssueNumber;
use serde_json::{Value, json};

/// One line.
pub(super) fn line(issue: IssueNumber, consent: &Consent) -> Line {
    match consent {
        Consent::Awaited { reason } => approval_awaited(issue, reason),
        Consent::Overdue { hours } => overdue(issue, *hours),
        Consent::Given { instructions } => approved(issue, instructions.as_deref()),
        Consent::Asked { question } => asks(issue, question),
        Consent::Answered { answer } => Line::about(issue, format!(" answered: {}", brief(answer))),
    }
}

fn asks(issue: IssueNumber, question: &str) -> Line {
    let question = brief(question);
    let text = format!(
        " waits for `autoissue answer {} \"...\"`: {question}",
        issue.0
    );
    Line::warn(issue, text)
}

fn approval_awaited(issue: IssueNumber, reason: &str) -> Line {
    let number = issue.0;
    let text = format!(
        " waits for `autoissue approve {number}` or `reject {number}`: {}",
        brief(reason)
    );
    Line::warn(issue, text)
}

fn overdue(issue: IssueNumber, hours: u32) -> Line {
    let number = issue.0;
    let text = format!(" has waited for `autoissue approve {number}` for {hours} h");
    Line::warn(issue, text)
}

fn approved(issue: IssueNumber, instructions: Option<&str>) -> Line {
    let with = instructions.map_or_else(String::new, |instructions| {
        format!(", with instructions: {}", brief(instructions))
    });
    Line::about(issue, format!(" approved{with}"))
}

/// The name of its event in JSON.
pub(super) fn name(consent: &Consent) -> &'static str {
    match consent {
        Consent::Awaited { .. } => "approval_awaited",
        Consent::Overdue { .. } => "approval_overdue",
        Consent::Given { .. } => "task_approved",
        Consent::Asked { .. } => "input_awaited",
        Consent::Answered { .. } => "input_given",
    }
}

/// Its fields.
pub(super) fn fields(issue: IssueNumber, consent: &Consent) -> Value {
    match consent {
        Consent::Awaited { reason } => json!({ "issue": issue, "reason": reason }),
        Consent::Overdue { hours } => json!({ "issue": issue, "hours": hours }),
        Consent::Given { instructions } => {
            json!({ "issue": issue, "instructions": instructions })
        }
        Consent::Asked { question } => json!({ "issue": issue, "question": question }),
        Consent::Answered { answer } => json!({ "issue": issue, "answer": answer }),
    }
}
