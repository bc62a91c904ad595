//! One event a line, for programs.

use crate::ports::Reporter;
use crate::reporters::out::{Plain, Queue, Sink};
use crate::reporters::shape;
use crate::rules::event::{Event, Progress, Recorded};
use crate::rules::printable::plain_json;
use crate::rules::tally::{Phase, Tally};
use serde_json::json;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A reader who takes nothing for so long at the end is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes every event as a line of JSON; the last one holds the summary. The shape is `reporters::shape`'s.
pub struct JsonReporter {
    tally: Mutex<Tally>,
    queue: Queue,
    patience: Duration,
}

impl JsonReporter {
    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout(), PATIENCE)
    }

    /// Writes to this, and waits for its reader no longer than that without progress at the end.
    pub fn new(writer: impl Write + Send + 'static, patience: Duration) -> Self {
        Self {
            tally: Mutex::default(),
            queue: Queue::start(Box::new(Lines(Plain(writer)))),
            patience,
        }
    }
}

impl Reporter for JsonReporter {
    fn event(&self, recorded: &Recorded) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.apply(recorded);
        let line = plain_json(shape::event(&tally, recorded).to_string());
        if matches!(
            recorded.event,
            Event::SessionFinished | Event::SessionInterrupted
        ) {
            self.queue.last(line);
        } else {
            self.queue.line(line);
        }
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unended = match tally.phase {
            Phase::Running | Phase::Stopping => tally.session.is_some(),
            Phase::Interrupted | Phase::Finished => false,
        };
        if is_unended {
            // The session broke off; it can be resumed as if it had been interrupted.
            let line = shape::end(&tally, "session_interrupted").to_string();
            self.queue.last(plain_json(line));
        }
        drop(tally);
        self.queue.flush(self.patience);
    }
}

/// Lines of JSON, gaps included.
struct Lines<W>(Plain<W>);

impl<W: Write + Send> Sink for Lines<W> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.0.line(text)
    }

    fn missed(&mut self, count: u64) -> io::Result<()> {
        let gap = json!({ "v": shape::VERSION, "event": "events_missed", "count": count });
        self.0.line(&gap.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script::{self, NASTY, Script};
    use serde_json::Value;
    use std::io::Read;
    use std::sync::Arc;

    const SOON: Duration = Duration::from_secs(10);

    /// Everything that a program would read of these events.
    fn lines_of(script: &Script) -> Vec<Value> {
        let (mut reader, writer) = io::pipe().unwrap();
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        let reporter = JsonReporter::new(writer, SOON);
        for recorded in &script.events {
            reporter.event(recorded);
        }
        reporter.finish();
        drop(reporter);
        let text = reading.join().unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn shown(lines: &[Value]) -> String {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn one_task_is_told_event_by_event() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.complete(12, 1, 0, 111_700, 31);
        script.push(Event::SessionFinished);
        insta::assert_snapshot!(shown(&lines_of(&script)), @r#"
        {"v":1,"event":"session_started","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:13:21.000Z","project":"acme/shop","selection":{"label":"bug","issues":[],"exclude_labels":[]},"budget_usd":"50.00","daily_budget_usd":null,"attempt_cap_usd":"5.00","slots":3,"agent":"claude","model":"sonnet","fallback":[],"base_branch":"main","create_pr":true,"draft":false,"dependencies":"stacked"}
        {"v":1,"event":"tasks_read","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:13:22.000Z","tasks":[{"issue":12,"title":"Mend the backend of the shop","url":"https://github.com/acme/shop/issues/12","domain":"backend","confidence":0.9,"priority":"medium","needs":[],"obstacle":null,"evaluation":null,"files":[],"estimate_usd":"5.00","branch":"autoissue/12-mend-the-shop"}]}
        {"v":1,"event":"attempt_admitted","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:13:23.000Z","agent":"claude","issue":12,"attempt":1,"slot":0,"grant_usd":"5.50","probe":false,"branch":"autoissue/12-mend-the-shop","from":"base","below":[]}
        {"v":1,"event":"stage_entered","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:13:24.000Z","issue":12,"attempt":1,"stage":"agent"}
        {"v":1,"event":"committed","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:14:55.000Z","issue":12,"attempt":1,"commit":"000000000000000000000000000000000000000c","base":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","files":3,"added":40,"removed":2}
        {"v":1,"event":"checked","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:14:56.000Z","issue":12,"attempt":1,"checks":[{"name":"lint","kind":"custom","verdict":"passed","millis":3200},{"name":"test","kind":"custom","verdict":"passed","millis":3200}]}
        {"v":1,"event":"verified","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:14:57.000Z","issue":12,"attempt":1}
        {"v":1,"event":"effect_done","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:14:58.000Z","issue":12,"attempt":1,"effect":"push","branch":"autoissue/12-mend-the-shop","commit":"000000000000000000000000000000000000000c"}
        {"v":1,"event":"effect_done","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:14:59.000Z","issue":12,"attempt":1,"effect":"open_pull","branch":"autoissue/12-mend-the-shop","pull":{"number":31,"url":"https://github.com/acme/shop/pull/31"}}
        {"v":1,"event":"attempt_settled","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:15:00.000Z","issue":12,"attempt":1,"result":"published","failure":null,"reason":null,"model":"claude-sonnet-4-5","grant_usd":"5.50","spent_usd":"0.1117","cost_usd":"0.1117","basis":"reported","tokens":{"input":1000,"cached_input":0,"cache_write":0,"output":200}}
        {"v":1,"event":"task_ended","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:15:01.000Z","issue":12,"outcome":"completed","branch":"autoissue/12-mend-the-shop","pull":{"number":31,"url":"https://github.com/acme/shop/pull/31"},"attempts":1,"cost_usd":"0.1117","reason":null}
        {"v":1,"event":"task_announced","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:15:02.000Z","issue":12,"trouble":null}
        {"v":1,"event":"session_finished","session":"01K5SHOP000000000000000000","at":"2026-09-21T14:15:03.000Z","summary":{"completed":1,"failed":0,"blocked":0,"skipped":0,"cost_usd":"0.1117","conflicts":[],"certificate":null,"tasks":[{"issue":12,"outcome":"completed","branch":"autoissue/12-mend-the-shop","pull":{"number":31,"url":"https://github.com/acme/shop/pull/31"},"attempts":1,"cost_usd":"0.1117","reason":null}]}}
        "#);
    }

    #[test]
    fn the_last_line_sums_the_session_up() {
        let lines = lines_of(&script::every_ending());
        let last = lines.last().unwrap();
        assert_eq!(last["event"], "session_finished");
        let mut summary = last["summary"].clone();
        let tasks = summary["tasks"].take();
        let mut text = vec![summary];
        text.extend(tasks.as_array().unwrap().iter().cloned());
        insta::assert_snapshot!(shown(&text), @r#"
        {"completed":4,"failed":3,"blocked":2,"skipped":1,"cost_usd":"3.9797","conflicts":[],"certificate":null,"tasks":null}
        {"issue":12,"outcome":"completed","branch":"autoissue/12-mend-the-shop","pull":{"number":31,"url":"https://github.com/acme/shop/pull/31"},"attempts":1,"cost_usd":"0.1117","reason":null}
        {"issue":13,"outcome":"completed","branch":"autoissue/13-mend-the-shop","pull":{"number":32,"url":"https://github.com/acme/shop/pull/32"},"attempts":2,"cost_usd":"0.65","reason":null}
        {"issue":14,"outcome":"completed","branch":"autoissue/14-mend-the-shop","pull":{"number":33,"url":"https://github.com/acme/shop/pull/33"},"attempts":1,"cost_usd":"0.098","reason":null}
        {"issue":15,"outcome":"failed","branch":null,"pull":null,"attempts":3,"cost_usd":"3.00","reason":"timeout: nothing came of it in 30 minutes"}
        {"issue":16,"outcome":"blocked","branch":null,"pull":null,"attempts":0,"cost_usd":"0.00","reason":"needs #15, which failed"}
        {"issue":17,"outcome":"no_change","branch":null,"pull":null,"attempts":1,"cost_usd":"0.04","reason":"it says so already"}
        {"issue":18,"outcome":"needs_human","branch":null,"pull":null,"attempts":1,"cost_usd":"0.07","reason":"a nested repository was changed: vendor/pay"}
        {"issue":19,"outcome":"budget","branch":null,"pull":null,"attempts":0,"cost_usd":"0.00","reason":"$5.50 would pass what is left of $50.00"}
        {"issue":20,"outcome":"skipped","branch":null,"pull":null,"attempts":0,"cost_usd":"0.00","reason":"pull #77 is open already"}
        {"issue":21,"outcome":"completed","branch":"autoissue/21-mend-the-shop","pull":{"number":34,"url":"https://github.com/acme/shop/pull/34"},"attempts":1,"cost_usd":"0.01","reason":null}
        "#);
    }

    #[test]
    fn every_line_has_version_name_session_and_time() {
        for line in lines_of(&script::every_ending()) {
            assert_eq!(line["v"], 1);
            assert!(
                line["event"].is_string() && line["at"].is_string(),
                "{line}"
            );
            assert_eq!(line["session"], "01K5SHOP000000000000000000");
        }
    }

    #[test]
    fn an_interrupted_or_broken_session_has_a_last_line_too() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.admit(12, 1, 0);
        let broken = lines_of(&script);
        script.push(Event::SessionInterrupted);
        let interrupted = lines_of(&script);
        for lines in [broken, interrupted] {
            let last = lines.last().unwrap();
            assert_eq!(last["event"], "session_interrupted");
            assert_eq!(last["summary"]["tasks"][0]["outcome"], Value::Null);
            let ends = lines.iter().filter(|line| line["summary"].is_object());
            assert_eq!(ends.count(), 1);
        }
    }

    #[test]
    fn a_title_of_control_characters_stays_one_line() {
        let task = script::titled(21, NASTY, "unknown", &[]);
        let lines = lines_of(&Script::begun(&[task]));
        assert_eq!(lines[1]["tasks"][0]["title"], NASTY);
        assert!(!lines[1].to_string().contains('\u{1b}'));
    }

    #[test]
    fn a_closed_pipe_does_not_stop_the_session() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let reporter: Arc<dyn Reporter> = Arc::new(JsonReporter::new(writer, SOON));
        for recorded in &script::every_ending().events {
            reporter.event(recorded);
        }
        reporter.finish();
    }

    #[test]
    fn a_reader_who_stands_still_holds_nothing_up() {
        let (reader, writer) = io::pipe().unwrap();
        let reporter = JsonReporter::new(writer, Duration::from_millis(50));
        let script = script::every_ending();
        let read = script.events[1].clone();
        for seq in 1..2_000 {
            reporter.event(&Recorded {
                seq,
                ..read.clone()
            });
        }
        reporter.finish();
        drop(reader);
    }
}
