//! What the daemon says of itself: a line on the terminal and in the log, an event for programs.

use crate::adapters::process::errand::Ended;
use crate::adapters::store::findings::Whose;
use crate::adapters::store::runs::Run;
use crate::commands::place::Place;
use crate::error::Error;
use crate::reporters::shape::VERSION;
use crate::rules::errand::Errand;
use crate::rules::ids::IssueNumber;
use crate::rules::source::Turn;
use serde_json::{Value, json};

/// A forge is hardly asked any more, or answers again.
pub(super) fn source(place: &Place, project: &str, turn: Turn, reason: Option<&str>) {
    match turn {
        Turn::Disabled => {
            let why = reason.unwrap_or("it fails");
            let text = format!(
                "{project}: the forge failed five times in a row and is asked once an hour from here on: {why}\n  hint: mend it, then choose \"Sync\" on the project's page\n"
            );
            let event = json!({ "event": "source_disabled", "project": project, "reason": why });
            say(place, &text, event);
        }
        Turn::Recovered(failures) => {
            let text = format!("{project}: the forge answers again, after {failures} failures\n");
            let event =
                json!({ "event": "source_recovered", "project": project, "failures": failures });
            say(place, &text, event);
        }
    }
}

/// Another source of work is hardly asked any more, or answers again.
pub(super) fn feed(place: &Place, whose: &Whose, turn: Turn, why: &str) {
    let Whose { project, feed } = whose;
    let (text, event) = match turn {
        Turn::Disabled => (
            format!(
                "{project}: {feed} failed five times in a row and is asked once an hour from here on: {why}\n  hint: mend it, then choose \"Sync\" on the project's page\n"
            ),
            json!({ "event": "source_disabled", "project": project, "source": feed, "reason": why }),
        ),
        Turn::Recovered(failures) => (
            format!("{project}: {feed} answers again, after {failures} failures\n"),
            json!({ "event": "source_recovered", "project": project, "source": feed, "failures": failures }),
        ),
    };
    say(place, &text, event);
}

/// An issue was opened for what another source found.
pub(super) fn found(place: &Place, whose: &Whose, issue: IssueNumber, title: &str) {
    let Whose { project, feed } = whose;
    let text = format!("{project}: {feed} found {issue} {title}\n");
    let event = json!({ "event": "issue_found", "project": project, "source": feed, "issue": issue.0, "title": title });
    say(place, &text, event);
}

/// A source is of no project that is watched.
pub(super) fn lost(place: &Place, feed: &str) {
    let text = format!(
        "the source {feed} is of no project that is watched, and is not asked\n  hint: say which by its `project` in serve.sources\n"
    );
    say(
        place,
        &text,
        json!({ "event": "source_without_project", "source": feed }),
    );
}

/// Nothing is begun for these reasons, or things are begun again.
pub(super) fn paused(place: &Place, pauses: &[String]) {
    let text = if pauses.is_empty() {
        "this machine is well again: work is begun\n".to_owned()
    } else {
        format!("nothing is begun: {}\n", pauses.join("; "))
    };
    say(
        place,
        &text,
        json!({ "event": "admission", "paused_by": pauses }),
    );
}

/// The configuration was read anew, or makes no sense.
pub(super) fn reloaded(place: &Place, error: Option<&Error>) {
    let Some(error) = error else {
        say(
            place,
            "the configuration was read anew\n",
            json!({ "event": "reloaded" }),
        );
        return;
    };
    let reason = error.reason();
    let text = format!("the configuration stays as it was: the new one makes no sense: {reason}\n");
    say(
        place,
        &text,
        json!({ "event": "not_reloaded", "reason": reason }),
    );
}

/// It was told to end, for the first time or again.
pub(super) fn ending(place: &Place, running: usize, told: u32) {
    let text = match (running, told) {
        (0, _) => "ending\n".to_owned(),
        (running, 0) => format!(
            "ending once the attempts of {running} running sessions have ended; once more ends them at once\n"
        ),
        (running, _) => {
            format!("stopping {running} running sessions now; they go on at the next start\n")
        }
    };
    say(
        place,
        &text,
        json!({ "event": "ending", "running": running }),
    );
}

/// An errand begins.
pub(super) fn begun(place: &Place, run: &Run) {
    let project = &run.project;
    let what = match &run.errand {
        Errand::Work { issues, .. } => {
            format!("works on {}", numbers(issues))
        }
        Errand::Resume { session, .. } => format!("goes on with session {session}"),
        Errand::Watch => "looks after its open pulls".to_owned(),
    };
    let event =
        json!({ "event": "run_begun", "project": project, "run": run.id, "errand": run.errand });
    say(place, &format!("{project}: {what}\n"), event);
}

/// Somebody stopped it.
pub(super) fn stopped(place: &Place, run: &Run) {
    let project = &run.project;
    let text = format!(
        "{project}: somebody stopped it; it goes on by \"Go on\" on its page, or `autoissue resume`\n"
    );
    say(
        place,
        &text,
        json!({ "event": "run_stopped", "project": project, "run": run.id }),
    );
}

/// It ended, maybe since the daemon does.
pub(super) fn ended(place: &Place, run: &Run, ended: &Ended, is_ending: bool) {
    let project = &run.project;
    let what = match (ended.exit, &ended.words) {
        (Some(0), _) => "done".to_owned(),
        (Some(3), _) => "done, and some of it needs a person".to_owned(),
        (Some(5), _) if is_ending => {
            "stopped with work left; it goes on at the next start".to_owned()
        }
        (Some(5), _) => {
            "waits for a person, or was interrupted; it goes on with an answer".to_owned()
        }
        (Some(_), Some(words)) => format!("could not go on: {words}"),
        (Some(code), None) => format!("could not go on (exit code {code})"),
        (None, _) => "it was killed; it goes on later".to_owned(),
    };
    let event = json!({ "event": "run_ended", "project": project, "run": run.id, "exit": ended.exit, "words": ended.words });
    say(place, &format!("{project}: {what}\n"), event);
}

/// What a person wanted to be begun, and came to nothing.
pub(super) fn unreached(issues: &[IssueNumber]) -> String {
    format!(
        "{} was not worked on: it is not open any more, or was left out; the log of its last errand says which",
        numbers(issues)
    )
}

/// Issues as people write them.
pub(super) fn numbers(issues: &[IssueNumber]) -> String {
    let numbers: Vec<String> = issues.iter().map(|issue| format!("#{}", issue.0)).collect();
    numbers.join(" ")
}

fn say(place: &Place, text: &str, mut event: Value) {
    event["v"] = json!(VERSION);
    tracing::info!(%event, "the daemon");
    if let Err(error) = place.output.note(text, &event) {
        tracing::debug!(reason = error.reason(), "nobody listens");
    }
}
