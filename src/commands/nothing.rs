//! Why there is nothing to do, and why issues that were named are not taken.

use crate::commands::place::Place;
use crate::commands::project::Home;
use crate::commands::wire::Wiring;
use crate::error::Error;
use crate::ports::{Forge, ForgeError};
use crate::rules::exit::Exit;
use crate::rules::issue::{Issue, IssueState, Selection};
use crate::rules::printable::printable;
use serde_json::json;

/// Says of issues that were asked for by number why they are left out, and who works on the others.
pub async fn tell_named(
    place: &Place,
    forge: &dyn Forge,
    selection: &Selection,
    issues: &mut [Issue],
) -> Result<(), Error> {
    tell_absent(place, forge, selection, issues).await?;
    tell_worked_on(place, selection, issues)
}

/// Says of every issue that was asked for by number, and is not among these, why it is left out.
async fn tell_absent(
    place: &Place,
    forge: &dyn Forge,
    selection: &Selection,
    issues: &[Issue],
) -> Result<(), Error> {
    for number in &selection.numbers {
        if issues.iter().any(|issue| issue.number == *number) {
            continue;
        }
        let reason = absence(forge.issue(*number).await, selection)?;
        place.output.note(
            &format!("{number} is left out: {reason}\n"),
            &json!({ "v": 1, "event": "issue_left_out", "issue": number, "reason": reason }),
        )?;
    }
    Ok(())
}

/// Says of every issue that was asked for by number which open pull of somebody closes it: whoever names it wants it
/// worked on all the same.
fn tell_worked_on(place: &Place, selection: &Selection, issues: &mut [Issue]) -> Result<(), Error> {
    if selection.numbers.is_empty() {
        return Ok(());
    }
    for issue in issues {
        let number = issue.number;
        for pull in std::mem::take(&mut issue.pulls) {
            place.output.note(
                &format!("{number} was asked for by its number; pull {pull}, which is open, closes it as well\n"),
                &json!({ "v": 1, "event": "issue_worked_on", "issue": number, "pull": pull }),
            )?;
        }
    }
    Ok(())
}

fn absence(
    found: Result<Option<Issue>, ForgeError>,
    selection: &Selection,
) -> Result<String, ForgeError> {
    Ok(match found? {
        None => "there is no issue of that number; pull requests are none".to_owned(),
        Some(issue) if issue.state == IssueState::Closed => "it is closed".to_owned(),
        Some(issue) => {
            let wanted = selection.label.iter().find(|label| !issue.has_label(label));
            let unwanted = selection
                .exclude_labels
                .iter()
                .find(|label| issue.has_label(label));
            match (wanted, unwanted) {
                (Some(label), _) => format!("it has no label {}", printable(label)),
                (None, Some(label)) => format!("it has the label {}", printable(label)),
                (None, None) => selection.filter.stops(&issue).map_or_else(
                    || "it was opened just now; run it again".to_owned(),
                    |why| printable(&why),
                ),
            }
        }
    })
}

/// Says that no open issue is selected, and where was looked. That is no failure.
pub fn say(place: &Place, wiring: &Wiring, selection: &Selection) -> Result<Exit, Error> {
    let summary = json!({ "completed": 0, "failed": 0, "blocked": 0, "skipped": 0, "cost_usd": "0.00", "tasks": [] });
    let event = json!({ "v": 1, "event": "session_finished", "session": null, "summary": summary });
    place.output.result(&words(wiring, selection), &event)?;
    Ok(Exit::Done)
}

/// The same as a line for a person.
#[must_use]
pub fn words(wiring: &Wiring, selection: &Selection) -> String {
    let issues = wiring.loaded.config.forge.issues_dir.display();
    let place = match &wiring.project.home {
        Home::Github { repo, .. } => format!("{repo} on GitHub"),
        Home::Local { in_place_of: None } => issues.to_string(),
        Home::Local {
            in_place_of: Some(repo),
        } => format!("{issues} (there is no token for {repo} on GitHub)"),
    };
    let name = printable(&selection.name());
    format!("Nothing to do: no open issue for {name} in {place}.\n")
}
