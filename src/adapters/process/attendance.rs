//! Attends a running program: drains its output, keeps its limits, and stays until nothing of it runs.

use crate::adapters::process::leftover;
use crate::adapters::process::lines::{Lines, Tail};
use crate::adapters::process::order::{KILL, Report, STOP};
use crate::adapters::process::run::{MARGIN, Running};
use crate::adapters::process::spec::{Cause, Heard, LineSink, ProcessEnd, ProcessSpec};
use crate::adapters::sandbox::proxy::Refused;
use crate::ports::Stop;
use std::future::pending;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep_until, timeout};

/// How much of what goes to stderr is kept, in bytes.
const COMPLAINTS: usize = 64 << 10;
const CHUNK: usize = 64 << 10;
/// How long output may still come once nothing runs that could write it.
const DRAIN: Duration = Duration::from_secs(5);

/// Stays with a program until nothing of it runs any more and all of its output has been heard.
pub(super) async fn attend(
    running: Running,
    spec: &ProcessSpec,
    sink: &mut impl LineSink,
    stop: &Stop,
) -> ProcessEnd {
    let mut attendance = Attendance::new(running, spec);
    while !attendance.is_over() {
        let happening = attendance.next(stop).await;
        attendance.take(happening, sink).await;
    }
    attendance.finish(sink).await
}

struct Attendance<'a> {
    running: Running,
    spec: &'a ProcessSpec,
    lines: Lines,
    complaints: Tail,
    report: Vec<u8>,
    state: State,
    cause: Option<Cause>,
    wall_at: Instant,
    idle_at: Instant,
    chunk: Vec<u8>,
    complaint: Vec<u8>,
}

/// How far its end has come; each state has its own next thing to do when nothing happens for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It works.
    Running,
    /// It has been asked to stop; the supervisor kills it when the grace is over.
    Stopping { until: Instant },
    /// It is being killed.
    Killing { until: Instant },
    /// Nothing of it runs any more; what it wrote may still be in the pipes.
    Draining { until: Instant },
}

enum Happening {
    Output(usize),
    Complaint(usize),
    LifelineClosed,
    StopAsked,
    StopInsisted,
    Late,
}

impl<'a> Attendance<'a> {
    fn new(running: Running, spec: &'a ProcessSpec) -> Self {
        let now = Instant::now();
        Self {
            running,
            spec,
            lines: Lines::default(),
            complaints: Tail::new(COMPLAINTS),
            report: Vec::new(),
            state: State::Running,
            cause: None,
            wall_at: now + spec.wall,
            idle_at: now + spec.idle,
            chunk: vec![0; CHUNK],
            complaint: vec![0; CHUNK],
        }
    }

    fn is_over(&self) -> bool {
        let is_silent = self.running.stdout.is_none() && self.running.stderr.is_none();
        is_silent && matches!(self.state, State::Draining { .. })
    }

    /// Every arm is cancel-safe: what was read is in a buffer of ours, or was not read.
    async fn next(&mut self, stop: &Stop) -> Happening {
        let (may_stop, may_kill, may_report) = match self.state {
            State::Running => (true, true, true),
            State::Stopping { .. } => (false, true, true),
            State::Killing { .. } => (false, false, true),
            State::Draining { .. } => (false, false, false),
        };
        let late_at = match self.state {
            State::Running => self.wall_at.min(self.idle_at),
            State::Stopping { until } | State::Killing { until } | State::Draining { until } => {
                until
            }
        };
        tokio::select! {
            count = read(&mut self.running.stdout, &mut self.chunk) => Happening::Output(count),
            count = read(&mut self.running.stderr, &mut self.complaint) => Happening::Complaint(count),
            () = read_to_end(&mut self.running.lifeline, &mut self.report), if may_report => Happening::LifelineClosed,
            wish = wish(stop, may_stop), if may_kill => wish,
            () = sleep_until(late_at) => Happening::Late,
        }
    }

    async fn take(&mut self, happening: Happening, sink: &mut impl LineSink) {
        match happening {
            Happening::Output(0) => self.running.stdout = None,
            Happening::Output(count) => self.hear(count, sink).await,
            Happening::Complaint(0) => self.running.stderr = None,
            Happening::Complaint(count) => {
                self.complaints.push(&self.complaint[..count]);
                self.idle_at = Instant::now() + self.spec.idle;
            }
            Happening::LifelineClosed => self.ended().await,
            Happening::StopAsked => self.stop(Cause::Stopped),
            Happening::StopInsisted => self.kill(Cause::Stopped),
            Happening::Late => self.late().await,
        }
    }

    async fn hear(&mut self, count: usize, sink: &mut impl LineSink) {
        let chunk = &self.chunk[..count];
        if let Some(transcript) = &mut self.running.transcript
            && let Err(error) = transcript.append(chunk).await
        {
            tracing::warn!(%error, "the transcript ends here");
            self.running.transcript = None;
        }
        // A chunk without the end of a line is life, too.
        let mut heard = None;
        self.lines
            .feed(chunk, |line| heard = Some(worst(heard, sink.line(line))));
        match heard {
            None | Some(Heard::Life) => self.idle_at = Instant::now() + self.spec.idle,
            Some(Heard::Noise) => {}
            Some(Heard::Enough) => self.stop(Cause::Sink),
        }
    }

    fn stop(&mut self, cause: Cause) {
        if self.state == State::Running {
            self.cause = Some(cause);
            self.state = State::Stopping {
                until: Instant::now() + self.spec.grace + MARGIN,
            };
            self.say(STOP);
        }
    }

    fn kill(&mut self, cause: Cause) {
        self.cause.get_or_insert(cause);
        self.state = State::Killing {
            until: Instant::now() + MARGIN,
        };
        self.say(KILL);
    }

    async fn late(&mut self) {
        match self.state {
            State::Running if Instant::now() >= self.wall_at => self.stop(Cause::Wall),
            State::Running => self.stop(Cause::Idle),
            State::Stopping { .. } => self.kill(Cause::Lost),
            State::Killing { .. } => self.ended().await,
            State::Draining { .. } => (self.running.stdout, self.running.stderr) = (None, None),
        }
    }

    /// The supervisor has said its last word. If it said nothing, it was killed, and what it watched is ours to end.
    async fn ended(&mut self) {
        if self.report.is_empty() {
            leftover::kill(&self.running.identity).await;
        }
        self.state = State::Draining {
            until: Instant::now() + DRAIN,
        };
    }

    fn say(&self, byte: u8) {
        // Where it cannot be said the supervisor is gone, or does not listen and will be late.
        let _ = self.running.lifeline.try_write(&[byte]);
    }

    async fn finish(mut self, sink: &mut impl LineSink) -> ProcessEnd {
        self.lines.finish(|line| {
            sink.line(line);
        });
        // It has closed its lifeline or been killed; all that is left is to be waited for.
        let _ = timeout(MARGIN, self.running.child.wait()).await;
        drop(self.running.listed);
        let (cause, code) = match serde_json::from_slice(&self.report) {
            Ok(Report::Ended { code }) => (self.cause.unwrap_or(Cause::Itself), Some(code)),
            Ok(Report::NotStarted { missing, detail }) => {
                (Cause::NotStarted { missing, detail }, None)
            }
            Err(_) => (self.cause.unwrap_or(Cause::Lost), None),
        };
        ProcessEnd {
            cause,
            code,
            complaints: self.complaints.take().0,
            took: Duration::ZERO,
            refused: Refused::default(),
        }
    }
}

fn worst(sofar: Option<Heard>, now: Heard) -> Heard {
    match (sofar, now) {
        (Some(Heard::Enough), _) | (_, Heard::Enough) => Heard::Enough,
        (Some(Heard::Life), _) | (_, Heard::Life) => Heard::Life,
        (Some(Heard::Noise) | None, Heard::Noise) => Heard::Noise,
    }
}

/// What came, in bytes; 0 at the end. Never comes back where there is nothing to read from.
async fn read(pipe: &mut Option<pipe::Receiver>, into: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(into).await.unwrap_or(0),
        None => pending().await,
    }
}

/// Whoever insists has asked as well, and is not to be heard as merely asking.
async fn wish(stop: &Stop, may_stop: bool) -> Happening {
    tokio::select! {
        biased;
        () = stop.insisted() => Happening::StopInsisted,
        () = stop.asked(), if may_stop => Happening::StopAsked,
    }
}

async fn read_to_end(lifeline: &mut (impl AsyncReadExt + Unpin), into: &mut Vec<u8>) {
    while matches!(lifeline.read_buf(into).await, Ok(1..)) {}
}
