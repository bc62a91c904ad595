//! Claude Code, headless.

use crate::adapters::agents::claude_bill::Past;
use crate::adapters::agents::claude_command::{self, ClaudeSettings};
use crate::adapters::agents::claude_end;
use crate::adapters::agents::claude_stream::{ClaudeStream, Life};
use crate::adapters::agents::run_record::{ANSWER, RunRecord, SUMMARY, end_by_us, last_run};
use crate::adapters::agents::teller::Teller;
use crate::adapters::process::environment;
use crate::adapters::process::lines::Line;
use crate::adapters::process::run::Processes;
use crate::adapters::process::spec::{
    Cause, GRACE, Heard, LineSink, ProcessEnd, ProcessSpec, Streams,
};
use crate::ports::{
    Activity, Agent, AgentEnd, AgentOrder, AgentReport, Capabilities, Interrupted, Stop, Watch,
};
use crate::rules::event::ProcessIdentity;
use crate::rules::money::{Charge, Usd};
use crate::rules::task::{ErrorClass, Failure};
use async_trait::async_trait;
use std::path::Path;
use std::time::Duration;

/// What a run may cost beyond its cap before it is stopped, in hundredths of the cap.
const SLACK: u64 = 110;

/// Runs Claude Code.
#[derive(Clone, Debug)]
pub struct ClaudeAgent {
    settings: ClaudeSettings,
    processes: Processes,
}

impl ClaudeAgent {
    /// One that runs it with these settings.
    #[must_use]
    pub fn new(settings: ClaudeSettings, processes: Processes) -> Self {
        Self {
            settings,
            processes,
        }
    }

    /// What its `--version` prints; a failure of the class `Setup` where it is not there or does not work.
    pub async fn version(&self) -> Result<String, Failure> {
        let program = self.settings.program.to_string_lossy().into_owned();
        let spec = ProcessSpec {
            argv: vec![program.clone(), "--version".to_owned()],
            directory: std::env::temp_dir(),
            env: environment::inherited(&[]),
            input: Vec::new(),
            streams: Streams::Apart,
            wall: Duration::from_secs(20),
            idle: Duration::from_secs(20),
            grace: Duration::from_secs(1),
            keep: None,
            reach: None,
        };
        let mut first = FirstLine(None);
        let end = self
            .processes
            .run(&spec, &mut first, &Nobody, &Stop::new())
            .await;
        match (end.cause, end.code, first.0) {
            (Cause::Itself, Some(0), Some(version)) => Ok(version),
            (Cause::NotStarted { missing, detail }, _, _) => {
                Err(self.not_started(missing, &detail))
            }
            (_, code, _) => Err(Failure::new(
                ErrorClass::Setup,
                format!("{program} --version failed (exit code {code:?})"),
            )),
        }
    }

    fn not_started(&self, missing: bool, detail: &str) -> Failure {
        let program = self.settings.program.display();
        if missing {
            let remedy = "install it with `npm install -g @anthropic-ai/claude-code`";
            return Failure::new(
                ErrorClass::Setup,
                format!("{program} is not installed; {remedy}"),
            );
        }
        Failure::new(
            ErrorClass::Workspace,
            format!("{program} could not be started: {detail}"),
        )
    }

    fn report(&self, stream: ClaudeStream, end: &ProcessEnd, cap: Usd) -> AgentReport {
        // It says who it is before it asks anything that costs.
        let charge = if stream.has_spoken {
            stream.bill.charge(cap, stream.model.as_deref())
        } else {
            Charge::default()
        };
        let end = self.end(&stream, end, cap);
        assemble(stream, end, charge)
    }

    fn end(&self, stream: &ClaudeStream, end: &ProcessEnd, cap: Usd) -> AgentEnd {
        let result = stream.result.as_ref();
        if end.code == Some(0) && result.is_some_and(|result| result.is_success) {
            return AgentEnd::Done;
        }
        match &end.cause {
            Cause::NotStarted { missing, detail } => {
                AgentEnd::Failed(self.not_started(*missing, detail))
            }
            Cause::Sink => {
                let message = format!("stopped after {} of {cap}", stream.bill.so_far());
                AgentEnd::Failed(Failure::new(ErrorClass::Budget, message))
            }
            Cause::Stopped
            | Cause::Refused
            | Cause::Wall
            | Cause::Idle
            | Cause::Itself
            | Cause::Lost => end_by_us(end).unwrap_or_else(|| {
                AgentEnd::Failed(match result {
                    Some(result) if !result.is_success => result.failure(&stream.trouble),
                    Some(_) | None => claude_end::without_result(&end.complaints, end.code),
                })
            }),
        }
    }
}

#[async_trait]
impl Agent for ClaudeAgent {
    fn kind(&self) -> &'static str {
        "claude"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resumes: true,
            has_budget: true,
            reports_cost: true,
            names_conversation: true,
        }
    }

    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport {
        let record = RunRecord::of(order);
        let settings = ClaudeSettings {
            contained: self.processes.are_contained(),
            ..self.settings.clone()
        };
        let env = claude_command::environment(&settings, order);
        let spec = ProcessSpec {
            argv: claude_command::argv(&settings, order),
            directory: order.directory.clone(),
            reach: Some(claude_command::reach(&env)),
            env,
            input: order.prompt.clone().into_bytes(),
            streams: Streams::Apart,
            wall: order.wall,
            idle: order.idle,
            grace: GRACE,
            keep: Some(record.keep(order)),
        };
        let mut hearing = Hearing {
            stream: stream(&record),
            teller: Teller::new(watch),
            limit: order.cap.percent(SLACK),
        };
        let end = self.processes.run(&spec, &mut hearing, watch, stop).await;
        hearing.teller.finish();
        self.report(hearing.stream, &end, order.cap)
    }

    fn evidence(&self, transcript: &Path) -> Option<AgentReport> {
        let (record, stream) = last_run(transcript, stream, |stream, line| {
            stream.line(line.text);
        })?;
        let result = stream.result.as_ref()?;
        let end = if result.is_success {
            AgentEnd::Done
        } else {
            AgentEnd::Failed(result.failure(&stream.trouble))
        };
        let charge = stream.bill.charge(record.cap, stream.model.as_deref());
        Some(assemble(stream, end, charge))
    }
}

fn stream(record: &RunRecord) -> ClaudeStream {
    let past = if record.resumed {
        Past::Paid
    } else {
        Past::None
    };
    ClaudeStream::new(&record.directory, past)
}

fn assemble(stream: ClaudeStream, end: AgentEnd, charge: Charge) -> AgentReport {
    AgentReport {
        end,
        summary: stream.summary(SUMMARY),
        answer: stream.answer(ANSWER),
        charge,
        dearest: stream.bill.dearest(),
        conversation: stream.conversation,
        model: stream.model,
        denied: stream.denied,
        messages: stream.messages,
    }
}

struct Hearing<'a> {
    stream: ClaudeStream,
    teller: Teller<'a>,
    limit: Usd,
}

impl LineSink for Hearing<'_> {
    fn line(&mut self, line: Line<'_>) -> Heard {
        let heard = match self.stream.line(line.text) {
            Life::Shown => Heard::Life,
            Life::Doubtful => Heard::Noise,
        };
        self.teller.tell(self.stream.activity());
        if self.stream.bill.so_far() > self.limit {
            Heard::Enough
        } else {
            heard
        }
    }
}

struct FirstLine(Option<String>);

impl LineSink for FirstLine {
    fn line(&mut self, line: Line<'_>) -> Heard {
        self.0
            .get_or_insert_with(|| String::from_utf8_lossy(line.text).trim().to_owned());
        Heard::Life
    }
}

/// Watches nothing.
struct Nobody;

#[async_trait]
impl Watch for Nobody {
    async fn spawned(&self, _: ProcessIdentity) -> Result<(), Interrupted> {
        Ok(())
    }

    fn activity(&self, _: Activity) {}
}
