//! `status`, asked of a daemon.

use crate::adapters::daemon_api::{Form, Question};
use crate::cli::args::Format;
use crate::cli::look::StatusArgs;
use crate::commands::output::{Stream, write};
use crate::commands::place::Place;
use crate::commands::through::{Daemon, each, form};
use crate::commands::watch::{first, over, room};
use crate::error::Error;
use crate::reporters::out::Stream as Screen;
use crate::rules::ids::IssueNumber;
use serde_json::Value;
use std::time::Duration;

/// How often one that is watched is asked.
const PACE: Duration = Duration::from_secs(1);

/// How often one is asked again that was there a moment ago.
const TRIES: u32 = 5;

/// Shows how things stand. `false`: nobody answered, and the directory can be asked itself; in it one watches, too.
pub async fn status(daemon: &Daemon, place: &Place, args: &StatusArgs) -> Result<bool, Error> {
    let asked = Asked::of(args.session.clone(), args.issue);
    match (args.watch, daemon.is_named()) {
        (true, false) => Ok(false),
        (true, true) => watch(daemon, place, &asked).await.map(|()| true),
        (false, _) => {
            let question = asked.question(colour(daemon, place), form(place));
            daemon.print(place, &question).await
        }
    }
}

/// What is said elsewhere is made printable, which leaves no colour.
fn colour(daemon: &Daemon, place: &Place) -> bool {
    !daemon.is_named() && place.output.colour().paint(Screen::Out).is_on()
}

/// Asks; one that was reached before may be away for a moment.
async fn patiently(
    daemon: &Daemon,
    place: &Place,
    question: &Question<'_>,
    was_there: bool,
) -> Result<String, Error> {
    for _ in 0..if was_there { TRIES } else { 0 } {
        if let Ok(Some(answer)) = daemon.ask(place, question).await {
            return Ok(answer);
        }
        tokio::time::sleep(PACE).await;
    }
    Ok(daemon.ask(place, question).await?.unwrap_or_default())
}

/// The same again and again, until nothing of it runs any more.
async fn watch(daemon: &Daemon, place: &Place, asked: &Asked) -> Result<(), Error> {
    let is_picture = Screen::Out.can_redraw() && place.output.format() == Format::Text;
    let (mut before, mut lines) = (Vec::new(), 0);
    loop {
        let question = asked.question(false, Form::Json);
        let answer = patiently(daemon, place, &question, !before.is_empty()).await?;
        let events = each(daemon.read(&answer)?);
        let steady: Vec<Value> = events.iter().cloned().map(without_times).collect();
        let is_over = !events.iter().any(runs);
        if is_over && asked.is_of_all() && !before.is_empty() {
            return end(daemon, place, &before, lines).await;
        }
        if place.output.format() == Format::Json {
            let old_and_new = events.iter().zip(&steady);
            for (event, _) in old_and_new.filter(|(_, steady)| !before.contains(*steady)) {
                place.output.result("", event)?;
            }
        } else if is_picture || steady != before {
            let question = asked.question(false, Form::Text);
            let text = patiently(daemon, place, &question, true).await?;
            let text = daemon.shown(&text);
            if is_picture {
                let picture = first(&text, room());
                write(Stream::Out, &over(lines, &picture))?;
                lines = picture.lines().count();
            } else {
                write(Stream::Out, &text)?;
            }
        }
        if is_over {
            return Ok(());
        }
        before = steady;
        tokio::time::sleep(PACE).await;
    }
}

/// What came of the sessions that ran a moment ago, in place of the last picture.
async fn end(daemon: &Daemon, place: &Place, ran: &[Value], lines: usize) -> Result<(), Error> {
    if lines > 0 {
        write(Stream::Out, &over(lines, ""))?;
    }
    for session in ran.iter().filter_map(|event| event["session"].as_str()) {
        let asked = Asked::of(Some(session.to_owned()), None);
        let question = asked.question(colour(daemon, place), form(place));
        daemon.print(place, &question).await?;
    }
    Ok(())
}

/// Is there more to see of this session, or of this task?
fn runs(event: &Value) -> bool {
    let phase = event["phase"].as_str().unwrap_or_default();
    ["running", "stopping"].contains(&phase) && event["state"] != "ended"
}

/// Without what changes by itself as time goes on.
fn without_times(mut event: Value) -> Value {
    match &mut event {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("_millis"));
            let values = fields.values_mut();
            values.for_each(|value| *value = without_times(value.take()));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = without_times(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    event
}

/// What was asked, as it is sent.
struct Asked {
    session: Option<String>,
    issue: Option<String>,
    width: String,
}

impl Asked {
    fn of(session: Option<String>, issue: Option<IssueNumber>) -> Self {
        Self {
            session,
            issue: issue.map(|issue| issue.0.to_string()),
            width: Screen::Out.width().clamp(20, 1000).to_string(),
        }
    }

    /// All that runs?
    fn is_of_all(&self) -> bool {
        self.session.is_none() && self.issue.is_none()
    }

    fn question(&self, colour: bool, form: Form) -> Question<'_> {
        let given = [("session", &self.session), ("issue", &self.issue)].into_iter();
        let given = given.filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let mut query: Vec<_> = given.collect();
        query.push(("width", &self.width));
        query.push(("colour", if colour { "true" } else { "false" }));
        Question {
            path: vec!["status"],
            query,
            wish: None,
            form,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_time_alone_changes_is_no_news() {
        let at = |millis: u64, stage: &str| json!({ "elapsed_millis": millis, "tasks": [{ "stage": stage, "running_millis": millis }] });
        assert_eq!(without_times(at(1, "agent")), without_times(at(2, "agent")));
        assert_ne!(without_times(at(1, "agent")), without_times(at(1, "check")));
    }

    #[test]
    fn one_watches_what_runs() {
        assert!(runs(&json!({ "phase": "running" })));
        assert!(runs(&json!({ "phase": "stopping", "state": "running" })));
        assert!(!runs(&json!({ "phase": "running", "state": "ended" })));
        assert!(!runs(&json!({ "phase": "interrupted" })));
        assert!(!runs(&json!({ "sessions": [] })));
    }
}
