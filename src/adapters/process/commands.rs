//! Runs setup scripts and checks, with no key in reach.

use crate::adapters::process::environment;
use crate::adapters::process::lines::Line;
use crate::adapters::process::run::Processes;
use crate::adapters::process::spec::{
    Cause, GRACE, Heard, LineSink, ProcessEnd, ProcessSpec, Streams,
};
use crate::adapters::process::words;
use crate::ports::{Activity, CommandEnd, CommandOrder, CommandReport, Commands, Stop, Watch};
use crate::rules::event::ProcessIdentity;
use crate::rules::excerpt::Excerpt;
use async_trait::async_trait;

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
        };
        let mut output = Output(Excerpt::new(OUTPUT));
        watch.activity(Activity {
            line: words::line(&shown(&order.argv), 200),
            ..Activity::default()
        });
        let end = self.processes.run(&spec, &mut output, watch, stop).await;
        report(end, output.text())
    }

    async fn end_leftover(&self, process: &ProcessIdentity) {
        self.processes.end_leftover(process).await;
    }
}

fn report(end: ProcessEnd, output: String) -> CommandReport {
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
