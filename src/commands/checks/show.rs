//! `checks detect`: which checks the base branch speaks for, why, and what is missing for them.

use crate::commands::answer::Answer;
use crate::commands::checks::known::{Found, found, left_out, missing};
use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::config::shape::Config;
use crate::error::Error;
use crate::reporters::out::Stream;
use crate::reporters::shape::VERSION;
use crate::reporters::words::fit;
use crate::rules::checks::shape::{DetectedCheck, Need};
use crate::rules::exit::Exit;
use crate::rules::printable::printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Columns of the kind, and of all that is neither command nor reason.
const KIND: usize = 7;
const BESIDE: usize = 2 + KIND + 2;
/// Columns that a reason gets at least.
const LEAST: usize = 16;

/// Runs the command. Reads the user's repository; writes nothing and starts no check.
pub fn run(place: &Place) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let found = found(&wiring.project)?;
    let answer = Answer {
        text: text(&found, &wiring),
        event: event(&found, &wiring),
    };
    answer.print(&place.output)?;
    Ok(Exit::Done)
}

fn event(found: &Found, wiring: &Wiring) -> Value {
    let as_json = |check: &DetectedCheck| {
        json!({
            "name": check.name, "kind": check.kind, "run": check.argv, "prepare": check.prepare,
            "directory": check.directory, "why": check.why,
            "needs": check.needs.iter().map(need).collect::<Vec<_>>(),
            "missing": missing(check, &wiring.project.top),
        })
    };
    let faults = found.detection.faults.iter();
    json!({
        "v": VERSION, "event": "checks_detected", "base": found.base.name, "commit": found.base.commit,
        "used": is_used(&wiring.loaded.config),
        "checks": found.detection.checks.iter().map(as_json).collect::<Value>(),
        "faults": faults.map(|fault| json!({ "file": fault.file, "problem": fault.problem })).collect::<Value>(),
    })
}

fn need(need: &Need) -> &str {
    match need {
        Need::Program(program) => program,
        Need::GitDirectory => "a git directory",
    }
}

fn is_used(config: &Config) -> bool {
    config.checks.is_empty() && config.detect_checks
}

fn text(found: &Found, wiring: &Wiring) -> String {
    let (checks, top) = (&found.detection.checks, &wiring.project.top);
    let mut text = if checks.is_empty() {
        "Nothing here speaks for a check: name your tests under `checks`.\n".to_owned()
    } else {
        table(checks)
    };
    let left_out = left_out(found, top).map(|(why, names)| format!("{names}: {why}"));
    let left_out: Vec<String> = left_out.collect();
    section(&mut text, "Missing here, so left out", &left_out);
    let faults = found.detection.faults.iter();
    let faults: Vec<_> = faults
        .map(|fault| printable(&format!("{}: {}", fault.file, fault.problem)))
        .collect();
    section(&mut text, "Could not be read", &faults);
    let _ = writeln!(
        text,
        "\nRead from {}.\n{}",
        found.base.words(),
        use_of(wiring)
    );
    text
}

fn use_of(wiring: &Wiring) -> &'static str {
    let config = &wiring.loaded.config;
    if !config.checks.is_empty() {
        "They are not used: `checks` is configured."
    } else if config.detect_checks {
        "They are used as long as `checks` is empty; `autoissue init` writes them down."
    } else {
        "They are not used: `detectChecks` is false."
    }
}

/// A block for each directory; of one where something is made ready first, with that.
fn table(checks: &[DetectedCheck]) -> String {
    let room = Stream::Out.width().saturating_sub(BESIDE);
    let longest = checks.iter().map(|check| command(check).chars().count());
    let reasons = checks.iter().map(|check| check.why.chars().count());
    // Who has to be cut is the reason.
    let commands = longest.max().unwrap_or(0).min(room.saturating_sub(LEAST));
    let reasons = reasons.max().unwrap_or(0).min(room - commands).max(LEAST);
    let blocks = checks.chunk_by(|one, next| one.directory == next.directory);
    let block = |block: &[DetectedCheck]| {
        let line = |check: &DetectedCheck| {
            let command = fit(&command(check), commands);
            let why = fit(&printable(&check.why), reasons);
            format!("  {:KIND$}{command:commands$}  {why}\n", check.kind.word())
        };
        head(block) + &block.iter().map(line).collect::<String>()
    };
    blocks.map(block).collect::<Vec<_>>().join("\n")
}

fn head(block: &[DetectedCheck]) -> String {
    let directory = match block[0].directory.as_str() {
        "" => "At the top".to_owned(),
        directory => format!("In {directory}"),
    };
    let prepared = block.iter().find(|check| !check.prepare.is_empty());
    let first = prepared.map(|check| format!(", after `{}`", shell_words::join(&check.prepare)));
    printable(&(directory + &first.unwrap_or_default())) + "\n"
}

fn command(check: &DetectedCheck) -> String {
    printable(&shell_words::join(&check.argv))
}

fn section(text: &mut String, head: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{head}");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}
