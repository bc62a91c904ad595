//! The one place where anything is written to standard output or error. A reader who is slow or gone never holds
//! a session up: lines wait in a bounded queue, and a thread of its own writes them.

use console::Term;
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Columns where nobody says how many there are.
const WIDTH: usize = 100;
/// Bytes that may wait to be written; what does not fit is counted and left out.
const ROOM: usize = 8 << 20;

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: results.
    Out,
    /// Standard error: all else.
    Err,
}

/// What stands at the end of a queue.
pub trait Sink: Send {
    /// Writes one line.
    fn line(&mut self, text: &str) -> io::Result<()>;
    /// Says that so many lines were left out, since nobody took them.
    fn missed(&mut self, count: u64) -> io::Result<()> {
        self.line(&format!("({count} lines were left out: nobody read them)"))
    }
    /// How often `tick` is wanted, where it is.
    fn every(&self) -> Option<Duration> {
        None
    }
    /// Time has passed.
    fn tick(&mut self) {}
    /// Another sink takes its place.
    fn end(&mut self) {}
}

/// Lines on their way to a sink.
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Turn>,
    bytes: usize,
    missed: u64,
    done: u64,
    busy: bool,
    closed: bool,
}

/// Writes lines to a stream or a file as they are.
pub struct Plain<W>(pub W);

impl Stream {
    /// Is it a terminal?
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Out => io::stdout().is_terminal(),
            Self::Err => io::stderr().is_terminal(),
        }
    }

    /// Is it a terminal whose lines can be drawn over?
    #[must_use]
    pub fn can_redraw(self) -> bool {
        self.is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb")
    }

    /// How many columns it has: the terminal's, else `COLUMNS`, else 100.
    #[must_use]
    pub fn width(self) -> usize {
        let term = match self {
            Self::Out => Term::stdout(),
            Self::Err => Term::stderr(),
        };
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let measured = term.size_checked().map(|(_, columns)| usize::from(columns));
        let width = measured.or_else(columns).filter(|width| *width > 0);
        width.unwrap_or(WIDTH)
    }

    /// How many lines it has, where it is a terminal that says so.
    #[must_use]
    pub fn height(self) -> Option<usize> {
        let term = match self {
            Self::Out => Term::stdout(),
            Self::Err => Term::stderr(),
        };
        term.size_checked().map(|(lines, _)| usize::from(lines))
    }

    /// Writes the text and waits for it; for the answers of short commands. A reader who has gone is no trouble.
    pub fn write(self, text: &str) {
        let written = match self {
            Self::Out => put(&mut io::stdout().lock(), text),
            Self::Err => put(&mut io::stderr().lock(), text),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "could not write to {self:?}");
        }
    }
}

/// The queue to standard error that all of the process shares: progress, and log lines for people.
pub fn stderr() -> &'static Queue {
    static QUEUE: OnceLock<Queue> = OnceLock::new();
    QUEUE.get_or_init(|| Queue::start(plain_stderr()))
}

/// Standard error as it is, without live lines.
#[must_use]
pub fn plain_stderr() -> Box<dyn Sink> {
    Box::new(Plain(io::stderr()))
}

impl Queue {
    /// Starts the thread that writes to this sink.
    #[must_use]
    pub fn start(sink: Box<dyn Sink>) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        // It ends when the queue is dropped; nobody waits for a reader that may never read.
        std::thread::spawn(move || drain(&theirs, sink));
        Self { shared }
    }

    /// Puts a line in, or counts it as missed where there is no room.
    pub fn line(&self, text: String) {
        let mut state = self.shared.state();
        if state.bytes > 0 && state.bytes + text.len() > ROOM {
            state.missed += 1;
        } else {
            state.put(text);
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Puts a last line in, whatever the room.
    pub fn last(&self, text: String) {
        self.shared.state().put(text);
        self.shared.changed.notify_all();
    }

    /// Gives what is put in from now on to another sink.
    pub fn hand_over(&self, sink: Box<dyn Sink>) {
        self.shared.state().waiting.push_back(Turn::Replace(sink));
        self.shared.changed.notify_all();
    }

    /// Waits until all is written; gives up once nothing more was written for `patience`. Was all written?
    pub fn flush(&self, patience: Duration) -> bool {
        let mut state = self.shared.state();
        let mut done = state.done;
        let mut deadline = Instant::now() + patience;
        while !state.is_idle() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.done != done {
                done = state.done;
                deadline = Instant::now() + patience;
            }
        }
        true
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, text: String) {
        self.bytes += text.len();
        self.waiting.push_back(Turn::Write(text));
    }

    fn take(&mut self) -> Option<Turn> {
        let turn = match self.waiting.pop_front() {
            Some(turn) => turn,
            None if self.missed > 0 => Turn::Missed(std::mem::take(&mut self.missed)),
            None if self.closed => Turn::End,
            None => return None,
        };
        if let Turn::Write(line) = &turn {
            self.bytes -= line.len();
        }
        self.busy = true;
        Some(turn)
    }

    fn done(&mut self) {
        self.busy = false;
        self.done += 1;
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.busy && self.missed == 0
    }
}

impl<W: Write + Send> Sink for Plain<W> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        put(&mut self.0, &format!("{text}\n"))
    }
}

/// What the thread does next.
enum Turn {
    Write(String),
    Missed(u64),
    Replace(Box<dyn Sink>),
    Tick,
    End,
}

fn drain(shared: &Shared, mut sink: Box<dyn Sink>) {
    let mut dead = false;
    let mut ticked = Instant::now();
    loop {
        let written = match turn(shared, sink.every(), ticked) {
            Turn::Write(_) | Turn::Missed(_) if dead => Ok(()),
            Turn::Write(line) => sink.line(&line),
            Turn::Missed(count) => sink.missed(count),
            Turn::Replace(next) => {
                sink.end();
                sink = next;
                dead = false;
                Ok(())
            }
            Turn::Tick => {
                sink.tick();
                ticked = Instant::now();
                continue;
            }
            Turn::End => break,
        };
        if let Err(error) = written {
            dead = true;
            tracing::warn!(%error, "output is not read any more; the session goes on without it");
        }
        shared.state().done();
        shared.changed.notify_all();
    }
    sink.end();
}

/// Waits for something to do. A tick that is due goes before lines, so that a flood of them does not stop the picture.
fn turn(shared: &Shared, every: Option<Duration>, ticked: Instant) -> Turn {
    let mut state = shared.state();
    loop {
        let left = every.map(|every| (ticked + every).saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Turn::Tick;
        }
        if let Some(turn) = state.take() {
            return turn;
        }
        // Without ticks a long wait stands in for an endless one; waking up early does no harm.
        let left = left.unwrap_or(Duration::from_secs(3600));
        let waited = shared.changed.wait_timeout(state, left);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn put(writer: &mut dyn Write, text: &str) -> io::Result<()> {
    writer.write_all(text.as_bytes())?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    const SOON: Duration = Duration::from_secs(10);

    /// Takes a line whenever the test lets it, and tells what it took.
    struct Gate {
        open: Receiver<()>,
        took: SyncSender<String>,
    }

    impl Sink for Gate {
        fn line(&mut self, text: &str) -> io::Result<()> {
            let _ = self.open.recv();
            let _ = self.took.send(text.to_owned());
            Ok(())
        }
    }

    fn gate() -> (Queue, SyncSender<()>, Receiver<String>) {
        let (opener, open) = sync_channel(100);
        let (took, taken) = sync_channel(100);
        let queue = Queue::start(Box::new(Gate { open, took }));
        (queue, opener, taken)
    }

    #[test]
    fn lines_arrive_in_order() {
        let (queue, open, taken) = gate();
        for number in 0..5 {
            queue.line(number.to_string());
            open.send(()).unwrap();
        }
        assert!(queue.flush(SOON));
        let lines: Vec<String> = taken.try_iter().collect();
        assert_eq!(lines, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn a_reader_who_stands_still_costs_lines_but_no_time() {
        let (queue, open, taken) = gate();
        let big = "x".repeat(ROOM / 4);
        for _ in 0..40 {
            queue.line(big.clone());
        }
        assert!(!queue.flush(Duration::from_millis(20)), "nobody read");
        queue.last("the end".to_owned());
        for _ in 0..10 {
            open.send(()).unwrap();
        }
        assert!(queue.flush(SOON));
        let lines: Vec<String> = taken.try_iter().collect();
        assert!(lines.len() < 8, "the queue is bounded: {}", lines.len());
        assert!(lines.contains(&"the end".to_owned()));
        assert!(
            lines
                .iter()
                .any(|line| line.contains("lines were left out"))
        );
    }

    #[test]
    fn a_closed_pipe_is_no_trouble() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        drop(reader);
        let refused = put(&mut writer, "x").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe, "the control");
        let queue = Queue::start(Box::new(Plain(writer)));
        for _ in 0..3 {
            queue.line("nobody hears this".to_owned());
        }
        assert!(queue.flush(SOON));
    }

    #[test]
    fn a_full_disk_is_no_trouble() {
        let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
            return;
        };
        let queue = Queue::start(Box::new(Plain(full)));
        queue.line("no room for this".to_owned());
        assert!(queue.flush(SOON));
    }

    #[test]
    fn another_sink_takes_over_between_lines() {
        let (queue, open, first) = gate();
        open.send(()).unwrap();
        queue.line("one".to_owned());
        let (opener, open) = sync_channel(100);
        let (took, second) = sync_channel(100);
        queue.hand_over(Box::new(Gate { open, took }));
        opener.send(()).unwrap();
        queue.line("two".to_owned());
        assert!(queue.flush(SOON));
        assert_eq!(first.try_iter().collect::<Vec<_>>(), ["one"]);
        assert_eq!(second.try_iter().collect::<Vec<_>>(), ["two"]);
    }
}
