//! Runs setup scripts and checks, with no key in reach.

use crate::adapters::process::answers;
use crate::adapters::process::environment;
use crate::adapters::process::lines::Line;
use crate::adapters::process::run::Processes;
use crate::adapters::process::spec::{
    Cause, GRACE, Heard, LineSink, ProcessEnd, ProcessSpec, Streams,
};
use crate::adapters::process::words;
use crate::adapters::sandbox::proxy::Refused;
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{
    Activity, CommandEnd, CommandOrder, CommandReport, Commands, Probe, Stop, Watch,
};
use crate::rules::event::ProcessIdentity;
use crate::rules::excerpt::Excerpt;
use crate::rules::host::host_of_url;
use async_trait::async_trait;
use std::pin::pin;
use std::time::Duration;

/// How much of a command's output is kept, in bytes.
const OUTPUT: usize = 16 << 10;
/// What stands where a program was killed with its supervisor, so that nobody saw its own code.
const KILLED: i32 = 137;

/// Runs the commands of the configuration.
#[derive(Clone, Debug)]
pub struct CommandRunner {
    processes: Processes,
}

impl CommandRunner {
    /// One that runs them through these processes.
    #[must_use]
    pub fn new(processes: Processes) -> Self {
        Self { processes }
    }
}

#[async_trait]
impl Commands for CommandRunner {
    async fn run(&self, order: &CommandOrder, watch: &dyn Watch, stop: &Stop) -> CommandReport {
        let mut env = environment::inherited(&[]);
        environment::add(&mut env, &order.env);
        let spec = ProcessSpec {
            argv: order.argv.clone(),
            directory: order.directory.clone(),
            env,
            input: Vec::new(),
            streams: Streams::Merged,
            wall: order.wall,
            idle: order.wall,
            grace: GRACE,
            keep: None,
            reach: Some(Reach {
                answers: order.probe.as_ref().and_then(port),
                ..Reach::default()
            }),
        };
        let mut output = Output(Excerpt::new(OUTPUT));
        watch.activity(Activity {
            line: words::line(&shown(&order.argv), 200),
            ..Activity::default()
        });
        let Some(probe) = &order.probe else {
            let end = self.processes.run(&spec, &mut output, watch, stop).await;
            return report(end, output.text());
        };
        let own = stop.child();
        let running = self.processes.run(&spec, &mut output, watch, &own);
        let (end, answer) = until_answered(running, probe, &own).await;
        let killed = end.code == Some(KILLED);
        let mut report = report(end, output.text());
        if !stop.is_asked() {
            try_out(&mut report, answer, probe, killed);
        }
        report
    }

    async fn end_leftover(&self, process: &ProcessIdentity) {
        self.processes.end_leftover(process).await;
    }
}

/// What became of the tries to reach a server.
type Answer = Result<(u16, Duration), String>;

/// Runs a server until it has answered, or its time to do so is over; either way it is stopped, gently at first. No
/// answer is known where it ended before.
async fn until_answered(
    running: impl Future<Output = ProcessEnd>,
    probe: &Probe,
    stop: &Stop,
) -> (ProcessEnd, Option<Answer>) {
    let mut running = pin!(running);
    let answer = tokio::select! {
        end = &mut running => return (end, None),
        answer = answers::wait(probe) => answer,
    };
    stop.ask();
    (running.await, Some(answer))
}

/// What a smoke check came to: it started, answered and stopped, or one of these is missing.
fn try_out(report: &mut CommandReport, answer: Option<Answer>, probe: &Probe, killed: bool) {
    let url = &probe.url;
    let (code, told) = match (answer, report.end) {
        (None, CommandEnd::Exited(code)) => {
            let told = format!("it ended with {code} before it answered at {url}");
            (code.max(1), told)
        }
        (None, CommandEnd::TimedOut | CommandEnd::NotStarted | CommandEnd::Stopped) => return,
        (Some(Err(problem)), _) => {
            let seconds = probe.within.as_secs();
            (
                1,
                format!("no answer at {url} within {seconds} s: {problem}"),
            )
        }
        (Some(Ok(_)), _) if killed => {
            let seconds = GRACE.as_secs();
            (
                1,
                format!("it answered, and did not stop within {seconds} s"),
            )
        }
        (Some(Ok((status, took))), _) => {
            let millis = took.as_millis();
            (
                0,
                format!("answered {status} after {millis} ms, and stopped"),
            )
        }
    };
    report.end = CommandEnd::Exited(code);
    if !report.output.is_empty() {
        report.output.push('\n');
    }
    report.output.push_str(&told);
}

/// Hosts that are named at most.
const NAMED: usize = 10;

/// What a sandbox kept a program from, as a last line of its output: it seldom says so itself.
fn kept_from(refused: &Refused, output: &mut String) {
    if refused.is_empty() {
        return;
    }
    let names: Vec<&str> = refused.keys().take(NAMED).map(String::as_str).collect();
    let them = if names.len() == 1 { "it" } else { "them" };
    let line = format!(
        "autoissue: kept from {} (add {them} to sandbox.hosts if it may go there)",
        names.join(", ")
    );
    if !output.is_empty() {
        output.push('\n');
    }
    output.push_str(&line);
}

fn report(end: ProcessEnd, mut output: String) -> CommandReport {
    kept_from(&end.refused, &mut output);
    let millis = u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX);
    let (end, output) = match end.cause {
        Cause::Itself => (CommandEnd::Exited(end.code.unwrap_or(KILLED)), output),
        Cause::Lost => (CommandEnd::Exited(KILLED), output),
        Cause::Wall | Cause::Idle => (CommandEnd::TimedOut, output),
        Cause::Sink | Cause::Stopped | Cause::Refused => (CommandEnd::Stopped, output),
        Cause::NotStarted { detail, .. } => (CommandEnd::NotStarted, detail),
    };
    CommandReport {
        end,
        output,
        millis,
    }
}

/// Where a server has to answer.
fn port(probe: &Probe) -> Option<u16> {
    host_of_url(&probe.url).map(|(_, port)| port)
}

struct Output(Excerpt);

impl Output {
    fn text(self) -> String {
        // What says that lines are missing may make it somewhat longer.
        words::end(&self.0.text(), 2 * OUTPUT)
    }
}

impl LineSink for Output {
    fn line(&mut self, line: Line<'_>) -> Heard {
        self.0.push(line.text, line.cut);
        Heard::Life
    }
}

/// The command line without the way to its program.
fn shown(argv: &[String]) -> String {
    let (program, arguments) = argv.split_first().map_or(("", argv), |(program, rest)| {
        (program.rsplit('/').next().unwrap_or(program), rest)
    });
    [&[program.to_owned()], arguments].concat().join(" ")
}
