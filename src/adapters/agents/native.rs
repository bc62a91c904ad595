//! An agent's own program, run headless: what the adapters of such programs share.

use crate::adapters::agents::limit::{Limit, Spent};
use crate::adapters::agents::run_record::{RunRecord, end_by_us, last_run};
use crate::adapters::agents::teller::Teller;
use crate::adapters::agents::token_bill::Ended;
use crate::adapters::process::environment::{self, Variables};
use crate::adapters::process::lines::Line;
use crate::adapters::process::run::Processes;
use crate::adapters::process::spec::{
    Cause, GRACE, Heard, LineSink, ProcessEnd, ProcessSpec, Streams,
};
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{
    Activity, Agent, AgentEnd, AgentOrder, AgentReport, Capabilities, Interrupted, Stop, Watch,
};
use crate::rules::event::ProcessIdentity;
use crate::rules::money::{Charge, Usd};
use crate::rules::task::{ErrorClass, Failure};
use async_trait::async_trait;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How one vendor's program is told what to do, and how it is heard.
pub trait Dialect: Clone + Debug + Send + Sync + 'static {
    /// Hears its lines.
    type Stream: Stream;
    /// Its kind in the configuration.
    const KIND: &'static str;
    /// The npm package that it comes in.
    const PACKAGE: &'static str;
    /// What it can do.
    const CAPABILITIES: Capabilities;

    /// The program: a name to look up, or a path.
    fn program(&self) -> &Path;
    /// Program and arguments of one run; the prompt goes in by stdin.
    fn argv(&self, order: &AgentOrder) -> Vec<String>;
    /// All of its environment.
    fn environment(&self, order: &AgentOrder) -> Variables;
    /// Writes the files that its command line names.
    fn lay_out(&self, _order: &AgentOrder) -> io::Result<()> {
        Ok(())
    }
    /// The same in a sandbox of ours, where this directory stands for its home.
    #[must_use]
    fn contained(self, home: PathBuf) -> Self;
    /// What it reaches there, of a run with this environment.
    fn reach(&self, env: &Variables, order: &AgentOrder) -> Reach;
    /// What there is to know of a run before it starts.
    fn record(&self, order: &AgentOrder) -> RunRecord {
        RunRecord::of(order)
    }
    /// Whoever hears this run.
    fn stream(&self, record: &RunRecord) -> Self::Stream;
}

/// Hears what a program prints: pure, lenient, one line at a time. What it does not know, it lets pass.
pub trait Stream: Send {
    /// Takes one line.
    fn line(&mut self, line: &[u8]) -> Life;
    /// The program is gone: takes what it may have left elsewhere.
    fn close(&mut self) {}
    /// What it does at this moment.
    fn activity(&self) -> Activity;
    /// What it has used so far.
    fn spent(&self) -> Spent;
    /// What it said of its own end, with its exit code where that says something.
    fn verdict(&self, code: Option<i32>) -> Verdict;
    /// Why it ended where it said nothing of that.
    fn without_verdict(&self, complaints: &[u8], code: Option<i32>) -> Failure;
    /// What the run is charged, now that it has ended.
    fn charge(&self, cap: Usd, ended: Ended) -> Charge;
    /// All together.
    fn report(self, end: AgentEnd, charge: Charge) -> AgentReport;
}

/// Does a line say that it lives?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Shown,
    /// It has said so too often.
    Doubtful,
}

/// What a program says of its own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    None,
    /// That it is done.
    Success,
    /// That it failed.
    Failed(Failure),
}

/// Runs one vendor's program.
#[derive(Clone, Debug)]
pub struct Native<D> {
    dialect: D,
    processes: Processes,
}

impl<D: Dialect> Native<D> {
    /// One that runs it with these settings.
    #[must_use]
    pub fn new(dialect: D, processes: Processes) -> Self {
        Self { dialect, processes }
    }

    /// What its `--version` prints; a failure of the class `Setup` where it is not there or does not work.
    pub async fn version(&self) -> Result<String, Failure> {
        let program = self.dialect.program().to_string_lossy().into_owned();
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
        let program = self.dialect.program().display();
        if missing {
            let remedy = format!("install it with `npm install -g {}`", D::PACKAGE);
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

    /// As it is run in this directory.
    fn dialect(&self, directory: &Path) -> D {
        match self.processes.home_in(directory) {
            Some(home) => self.dialect.clone().contained(home),
            None => self.dialect.clone(),
        }
    }

    fn spec(dialect: &D, order: &AgentOrder, record: &RunRecord) -> ProcessSpec {
        let env = dialect.environment(order);
        ProcessSpec {
            argv: dialect.argv(order),
            directory: order.directory.clone(),
            reach: Some(dialect.reach(&env, order)),
            env,
            input: order.prompt.clone().into_bytes(),
            streams: Streams::Apart,
            wall: order.wall,
            idle: order.idle,
            grace: GRACE,
            keep: Some(record.keep(order)),
        }
    }

    fn end(&self, stream: &D::Stream, end: &ProcessEnd, over: Option<Failure>) -> AgentEnd {
        let verdict = stream.verdict(end.code);
        if end.code == Some(0) && verdict == Verdict::Success {
            return AgentEnd::Done;
        }
        match &end.cause {
            Cause::NotStarted { missing, detail } => {
                AgentEnd::Failed(self.not_started(*missing, detail))
            }
            Cause::Stopped
            | Cause::Refused
            | Cause::Wall
            | Cause::Idle
            | Cause::Sink
            | Cause::Itself
            | Cause::Lost => end_by_us(end).unwrap_or_else(|| {
                AgentEnd::Failed(over.unwrap_or_else(|| match verdict {
                    Verdict::Failed(failure) => failure,
                    Verdict::Success | Verdict::None => {
                        stream.without_verdict(&end.complaints, end.code)
                    }
                }))
            }),
        }
    }
}

#[async_trait]
impl<D: Dialect> Agent for Native<D> {
    fn kind(&self) -> &'static str {
        D::KIND
    }

    fn capabilities(&self) -> Capabilities {
        D::CAPABILITIES
    }

    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport {
        let dialect = self.dialect(&order.directory);
        let record = dialect.record(order);
        let stream = dialect.stream(&record);
        if let Err(error) = dialect.lay_out(order) {
            let message = format!("what the agent needs could not be written: {error}");
            let failure = Failure::new(ErrorClass::Workspace, message);
            return stream.report(AgentEnd::Failed(failure), Charge::default());
        }
        let spec = Self::spec(&dialect, order, &record);
        let mut hearing = Hearing {
            stream,
            teller: Teller::new(watch),
            limit: Limit::of(order),
            over: None,
        };
        let end = self.processes.run(&spec, &mut hearing, watch, stop).await;
        hearing.teller.finish();
        let (mut stream, over) = (hearing.stream, hearing.over);
        stream.close();
        let charge = match end.cause {
            Cause::Refused | Cause::NotStarted { .. } => Charge::default(),
            Cause::Itself => stream.charge(order.cap, Ended::Itself),
            Cause::Wall | Cause::Idle | Cause::Sink | Cause::Stopped | Cause::Lost => {
                stream.charge(order.cap, Ended::CutOff)
            }
        };
        let end = self.end(&stream, &end, over);
        stream.report(end, charge)
    }

    fn evidence(&self, transcript: &Path) -> Option<AgentReport> {
        let (record, mut stream) = last_run(
            transcript,
            |record| self.dialect(&record.directory).stream(record),
            |stream, line| {
                stream.line(line.text);
            },
        )?;
        stream.close();
        let end = match stream.verdict(None) {
            Verdict::Success => AgentEnd::Done,
            Verdict::Failed(failure) => AgentEnd::Failed(failure),
            Verdict::None => return None,
        };
        let charge = stream.charge(record.cap, Ended::Itself);
        Some(stream.report(end, charge))
    }
}

struct Hearing<'a, S> {
    stream: S,
    teller: Teller<'a>,
    limit: Limit,
    over: Option<Failure>,
}

impl<S: Stream> LineSink for Hearing<'_, S> {
    fn line(&mut self, line: Line<'_>) -> Heard {
        let heard = match self.stream.line(line.text) {
            Life::Shown => Heard::Life,
            Life::Doubtful => Heard::Noise,
        };
        self.teller.tell(self.stream.activity());
        self.over = self
            .over
            .take()
            .or_else(|| self.limit.passed(self.stream.spent()));
        if self.over.is_some() {
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
