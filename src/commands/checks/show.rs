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
use crate::reporters::table::grid;
use crate::reporters::words::fit;
use crate::rules::checks::shape::{DetectedCheck, Need};
use crate::rules::exit::Exit;
use crate::rules::printable::printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Columns of the kind, and between columns.
const BESIDE: usize = 14;
/// Columns that a command or a reason gets at least.
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

fn table(checks: &[DetectedCheck]) -> String {
    let longest = |cell: fn(&DetectedCheck) -> String| {
        let cells = checks.iter().map(|check| cell(check).chars().count());
        cells.max().unwrap_or(0)
    };
    let room = Stream::Out.width().saturating_sub(BESIDE + longest(place));
    let reasons = longest(|check| printable(&check.why)).min(room / 2);
    let commands = room.saturating_sub(reasons).max(LEAST);
    let row = |check: &DetectedCheck| {
        vec![
            check.kind.word().to_owned(),
            fit(&command(check), commands),
            place(check),
            fit(&printable(&check.why), reasons.max(LEAST)),
        ]
    };
    let heads = vec!["kind", "command", "in", "because"];
    grid(heads, checks.iter().map(row).collect(), 4).join("\n") + "\n"
}

fn command(check: &DetectedCheck) -> String {
    let command = shell_words::join(&check.argv);
    printable(&match check.prepare.as_slice() {
        [] => command,
        prepare => format!("{}, then {command}", shell_words::join(prepare)),
    })
}

fn place(check: &DetectedCheck) -> String {
    match check.directory.as_str() {
        "" => ".".to_owned(),
        directory => printable(directory),
    }
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
