//! The demo's agent: reads a prompt, edits files, says what it costs. It plays its script; no model is asked.

use crate::commands::demo::script::{Script, Step, script_of};
use crate::rules::money::Usd;
use serde_json::json;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

/// More than any prompt has.
const LONGEST_PROMPT: u64 = 16 * 1024 * 1024;

/// How one run of it ends.
enum End {
    Done,
    Crashed(&'static str),
}

/// Plays the issue that `AUTOISSUE_ISSUE` names, in the working directory, with the prompt from standard input; gives
/// the exit code of the program.
pub async fn run(out: &mut (impl Write + Send)) -> u8 {
    let mut prompt = Vec::new();
    let heard = io::stdin().take(LONGEST_PROMPT).read_to_end(&mut prompt);
    let issue = std::env::var("AUTOISSUE_ISSUE").unwrap_or_default();
    let script = issue.parse().ok().and_then(script_of);
    match (heard, script) {
        (Ok(_), Some(script)) => {
            let prompt = String::from_utf8_lossy(&prompt);
            play(script, &prompt, Path::new("."), out, &mut io::stderr()).await
        }
        (Err(_), _) | (_, None) => {
            // Nobody is left to tell where this fails.
            let _ = writeln!(out, "the demo has no script for AUTOISSUE_ISSUE={issue:?}");
            2
        }
    }
}

/// Plays a script in a directory, and writes what it says and what it complains about; gives the exit code.
pub async fn play(
    script: &Script,
    prompt: &str,
    directory: &Path,
    out: &mut (impl Write + Send),
    complaints: &mut (impl Write + Send),
) -> u8 {
    let steps = steps_of(script, prompt, directory);
    let complaint = match perform(steps, directory, out).await {
        Ok(End::Done) => None,
        Ok(End::Crashed(words)) => Some(words.to_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(complaint) = &complaint {
        // The exit code tells where this cannot.
        let _ = writeln!(complaints, "{complaint}");
    }
    let code = u8::from(complaint.is_some());
    let summary = complaint.unwrap_or_else(|| script.summary.to_owned());
    let cost = Usd::from_micros(script.micros).dollars();
    let last = json!({ "cost_usd": cost, "summary": summary });
    match writeln!(out, "{last}").and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => 1,
    }
}

/// Is this the first time, or did an earlier one leave its mark, in the files or in the prompt?
fn steps_of(script: &Script, prompt: &str, directory: &Path) -> &'static [Step] {
    let Some((path, mark, again)) = script.again else {
        return script.first;
    };
    let left = fs::read_to_string(directory.join(path)).is_ok_and(|text| text.contains(mark));
    let told = script.first.iter().any(|step| match step {
        Step::Crash(words) => prompt.contains(words),
        Step::Think(_) | Step::Say(_) | Step::Create(..) | Step::Append(..) | Step::Replace(..) => {
            false
        }
    });
    if left || told { again } else { script.first }
}

async fn perform(
    steps: &[Step],
    directory: &Path,
    out: &mut (impl Write + Send),
) -> io::Result<End> {
    for step in steps {
        match *step {
            Step::Think(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Step::Say(words) => {
                writeln!(out, "{words}")?;
                out.flush()?;
            }
            Step::Create(path, text) => fs::write(directory.join(path), text)?,
            Step::Append(path, text) => edit(&directory.join(path), text, |old| old + text)?,
            Step::Replace(path, from, to) => {
                edit(&directory.join(path), to, |old| old.replacen(from, to, 1))?;
            }
            Step::Crash(words) => return Ok(End::Crashed(words)),
        }
    }
    Ok(End::Done)
}

/// Changes a file, unless an earlier run did already.
fn edit(path: &Path, wanted: &str, change: impl FnOnce(String) -> String) -> io::Result<()> {
    let old = fs::read_to_string(path)?;
    if old.contains(wanted) {
        return Ok(());
    }
    fs::write(path, change(old))
}
