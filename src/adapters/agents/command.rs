//! Any command as an agent: its prompt by stdin, success by its exit code, its cost by its last line where it says it.

use crate::adapters::agents::run_record::{ANSWER, RunRecord, SUMMARY, end_by_us, last_run};
use crate::adapters::agents::teller::Teller;
use crate::adapters::process::environment::{self, Variables};
use crate::adapters::process::lines::Line;
use crate::adapters::process::run::Processes;
use crate::adapters::process::spec::{
    Cause, GRACE, Heard, LineSink, ProcessEnd, ProcessSpec, Streams,
};
use crate::adapters::process::words;

use crate::adapters::sandbox::shape::Reach;
use crate::ports::{Activity, Agent, AgentEnd, AgentOrder, AgentReport, Capabilities, Stop, Watch};
use crate::rules::ids::ConversationId;
use crate::rules::money::{Basis, Charge, Usage, Usd};
use crate::rules::task::{ErrorClass, Failure};
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::path::Path;

/// The longest last line that is read as a report, in bytes.
const LONGEST_REPORT: usize = 512 << 10;
const MESSAGE: usize = 2_000;
const LINE: usize = 120;

/// How the command is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandSettings {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Variables from the configuration, over those that it gets anyway.
    pub env: Vec<(String, String)>,
    /// Is a run that says nothing of its cost free? Else it is charged all that it might have spent.
    pub costs_unknown_is_zero: bool,
}

/// Runs a command as an agent.
#[derive(Clone, Debug)]
pub struct CommandAgent {
    settings: CommandSettings,
    processes: Processes,
}

impl CommandAgent {
    /// One that runs it with these settings.
    #[must_use]
    pub fn new(settings: CommandSettings, processes: Processes) -> Self {
        Self {
            settings,
            processes,
        }
    }

    fn environment(&self, order: &AgentOrder) -> Variables {
        let mut variables = environment::inherited(&[]);
        environment::add(&mut variables, &self.settings.env);
        environment::add(&mut variables, &order.env);
        variables.insert("AUTOISSUE_CAP_USD".to_owned(), order.cap.decimal());
        if let Some(model) = &order.model {
            variables.insert("AUTOISSUE_MODEL".to_owned(), model.clone());
        }
        variables
    }

    fn end(&self, end: &ProcessEnd) -> AgentEnd {
        let program = self.settings.argv.first().map(Path::new);
        let program = program
            .and_then(Path::file_name)
            .map_or("the agent's command".into(), |name| name.to_string_lossy());
        let failed = |class, message: String| AgentEnd::Failed(Failure::new(class, message));
        match (&end.cause, end.code) {
            (Cause::Itself, Some(0)) => AgentEnd::Done,
            (Cause::NotStarted { missing, detail }, _) => {
                let class = if *missing {
                    ErrorClass::Setup
                } else {
                    ErrorClass::Workspace
                };
                failed(class, format!("{program} could not be started: {detail}"))
            }
            (
                Cause::Itself
                | Cause::Sink
                | Cause::Lost
                | Cause::Stopped
                | Cause::Refused
                | Cause::Wall
                | Cause::Idle,
                code,
            ) => end_by_us(end).unwrap_or_else(|| {
                failed(ErrorClass::Crash, crash(&program, code, &end.complaints))
            }),
        }
    }

    fn charge(&self, said: &Said, cap: Usd) -> Charge {
        match said.claim() {
            Claim::Cost(cost, usage) => Charge {
                cost,
                usage,
                basis: Basis::Reported,
            },
            Claim::Nothing if self.settings.costs_unknown_is_zero => Charge::default(),
            Claim::Nothing | Claim::Nonsense => Charge::assumed(cap),
        }
    }
}

#[async_trait]
impl Agent for CommandAgent {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            reports_cost: true,
            ..Capabilities::default()
        }
    }

    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport {
        let spec = ProcessSpec {
            argv: self.settings.argv.clone(),
            directory: order.directory.clone(),
            env: self.environment(order),
            input: order.prompt.clone().into_bytes(),
            streams: Streams::Apart,
            wall: order.wall,
            idle: order.idle,
            grace: GRACE,
            keep: Some(RunRecord::of(order).keep(order)),
            reach: Some(Reach::default()),
        };
        let mut hearing = Hearing {
            said: Said::default(),
            teller: Teller::new(watch),
            told: 0,
        };
        let end = self.processes.run(&spec, &mut hearing, watch, stop).await;
        if hearing.told < hearing.said.lines {
            hearing.tell();
        }
        hearing.teller.finish();
        let charge = match end.cause {
            Cause::Refused | Cause::NotStarted { .. } => Charge::default(),
            Cause::Itself
            | Cause::Wall
            | Cause::Idle
            | Cause::Sink
            | Cause::Stopped
            | Cause::Lost => self.charge(&hearing.said, order.cap),
        };
        report(&hearing.said, self.end(&end), charge)
    }

    /// Its own account of its cost is the last thing that it says; whether its exit code was good, the checks tell.
    fn evidence(&self, transcript: &Path) -> Option<AgentReport> {
        let (record, said) = last_run(transcript, |_| Said::default(), Said::hear)?;
        match said.claim() {
            Claim::Cost(..) => Some(report(
                &said,
                AgentEnd::Done,
                self.charge(&said, record.cap),
            )),
            Claim::Nothing | Claim::Nonsense => None,
        }
    }
}

fn crash(program: &str, code: Option<i32>, complaints: &[u8]) -> String {
    let code = code.map_or_else(
        || "with its supervisor".to_owned(),
        |code| format!("with exit code {code}"),
    );
    let said = words::end(complaints, MESSAGE);
    // Who shows one line shows the first, and what a program says last matters most.
    let last = said.lines().next_back().unwrap_or_default();
    match (said.is_empty(), last == said) {
        (true, _) => format!("{program} ended {code}"),
        (false, true) => format!("{program} ended {code}: {said}"),
        (false, false) => format!("{program} ended {code}: {last}\n{said}"),
    }
}

fn report(said: &Said, end: AgentEnd, charge: Charge) -> AgentReport {
    let found = said.report();
    let last = match &found {
        Some(_) => "".into(),
        None => String::from_utf8_lossy(&said.last),
    };
    let report = found.unwrap_or_default();
    let text = |key: &str| report.get(key).and_then(Value::as_str);
    AgentReport {
        end,
        summary: words::beginning(text("summary").unwrap_or(&last), SUMMARY),
        answer: said.answer(&report),
        charge,
        dearest: Usd::ZERO,
        conversation: text("conversation").map(ConversationId::new),
        model: text("model").map(|model| words::line(model, LINE)),
        denied: Vec::new(),
        messages: said.lines,
    }
}

/// What a report says of the cost.
enum Claim {
    Nothing,
    Nonsense,
    Cost(Usd, Usage),
}

fn claim(report: &Map<String, Value>) -> Claim {
    let count = |key: &str| {
        report
            .get(key)
            .and_then(Value::as_u64)
            .unwrap_or(0)
            .min(1_000_000_000)
    };
    let usage = Usage {
        input: count("input_tokens"),
        cached_input: count("cached_input_tokens"),
        cache_write: count("cache_write_tokens"),
        output: count("output_tokens"),
    };
    match report.get("cost_usd") {
        None | Some(Value::Null) => Claim::Nothing,
        Some(cost) => match cost.as_f64().and_then(Usd::from_dollars) {
            Some(cost) => Claim::Cost(cost, usage),
            None => Claim::Nonsense,
        },
    }
}

/// What it said, as far as it matters.
#[derive(Default)]
struct Said {
    lines: u64,
    last: Vec<u8>,
    /// Everything before its last line, as long as that is no more than an answer may be.
    before: Vec<u8>,
}

impl Said {
    fn hear(&mut self, line: Line<'_>) {
        if !line.text.trim_ascii().is_empty() {
            self.lines += 1;
            if self.before.len() + self.last.len() < ANSWER {
                self.before.extend_from_slice(&self.last);
                self.before.push(b'\n');
            }
            self.last.clear();
            self.last
                .extend_from_slice(&line.text[..line.text.len().min(LONGEST_REPORT)]);
        }
    }

    /// Its last line, where that is a JSON object, whatever bytes stand in its texts.
    fn report(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&String::from_utf8_lossy(&self.last)).ok()
    }

    /// Its report's `answer`, a text or JSON as it is; else all that it printed before its report.
    fn answer(&self, report: &Map<String, Value>) -> String {
        match report.get("answer") {
            Some(Value::String(text)) => text.clone(),
            Some(answer) => answer.to_string(),
            None => {
                let whole = [&self.before[..], &self.last[..]].concat();
                String::from_utf8_lossy(&whole).into_owned()
            }
        }
    }

    fn claim(&self) -> Claim {
        match self.report() {
            Some(report) => claim(&report),
            // It means to tell its cost, and what it tells is no JSON: `NaN`, say, or a line that was cut.
            None if self.last.trim_ascii_start().starts_with(b"{") && self.names_cost() => {
                Claim::Nonsense
            }
            None => Claim::Nothing,
        }
    }

    fn names_cost(&self) -> bool {
        let name = b"\"cost_usd\"";
        self.last.windows(name.len()).any(|window| window == name)
    }
}

struct Hearing<'a> {
    said: Said,
    teller: Teller<'a>,
    /// How many lines there were when it was told last.
    told: u64,
}

impl Hearing<'_> {
    fn tell(&mut self) {
        let start = &self.said.last[..self.said.last.len().min(4 * LINE)];
        self.told = self.said.lines;
        self.teller.tell(Activity {
            line: words::line(&String::from_utf8_lossy(start), LINE),
            messages: self.said.lines,
            ..Activity::default()
        });
    }
}

impl LineSink for Hearing<'_> {
    fn line(&mut self, line: Line<'_>) -> Heard {
        self.said.hear(line);
        // Of a flood of lines hardly any is told, so hardly any is made readable.
        if self.teller.is_due() {
            self.tell();
        }
        Heard::Life
    }
}
