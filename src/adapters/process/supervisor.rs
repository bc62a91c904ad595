//! The process between us and every program that we run: when we die, it ends the program and all that descends from it.
//!
//! It is `autoissue __exec`, started with one end of a socket as its stdin, the lifeline. It runs nothing until a whole
//! order has come over it, so that nothing ever runs that the journal does not know. A byte stops the program, and so
//! does the end of the lifeline, which the system closes when we are killed. As a child subreaper it inherits every
//! orphan of the program, whatever session or group that one fled to, and it does not end before they all have.

use crate::adapters::process::identity::{self, MARK};
use crate::adapters::process::order::{self, KILL, Order, Report};
use crate::adapters::process::{ceilings, tree};
use crate::adapters::sandbox::shape::Ceilings;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{Pid, setsid};
use process_wrap::std::{CommandWrap, ProcessGroup, ResetSigmask};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The exit code where nothing was run.
const NOT_STARTED: u8 = 127;
/// How often those that are being killed are looked for again: new ones may have been born meanwhile.
const ROUND: Duration = Duration::from_millis(20);
/// How long that is tried; a process in the middle of a disk access cannot be killed by anybody.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `autoissue __exec` does, to its exit code: the program's, or 128 and the signal that ended it, or 127 where
/// nothing ran. The report on the lifeline says the same without doubt. Not to be called by a process that does more.
pub fn supervise() -> u8 {
    let signals = detach();
    let Ok((mut lifeline, order, input)) = take_order() else {
        // Nobody is left to work for.
        return NOT_STARTED;
    };
    limit(&order);
    let (program, stdin) = match start(&order, input.is_empty()) {
        Ok(started) => started,
        Err(error) => {
            let missing = error.kind() == io::ErrorKind::NotFound;
            report(
                &mut lifeline,
                &Report::NotStarted {
                    missing,
                    detail: error.to_string(),
                },
            );
            return NOT_STARTED;
        }
    };
    let (news, inbox) = channel();
    if let Ok(ear) = lifeline.try_clone() {
        let news = news.clone();
        thread::spawn(move || listen(ear, &news));
    }
    if let Some(stdin) = stdin {
        thread::spawn(move || feed(stdin, &input));
    }
    let told = news.clone();
    thread::spawn(move || heed(signals, &told));
    thread::spawn(move || reap(program, &news));
    let code = attend(&inbox, program, &order);
    sweep(&inbox, program);
    report(&mut lifeline, &Report::Ended { code });
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// What can happen to a supervisor.
enum News {
    Ended(i32),
    NothingLeft,
    Stop,
    Kill,
}

// A session of its own: no terminal to ask passwords from, and no Ctrl-C that was meant for us.
fn detach() -> SigSet {
    let _ = setsid();
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let signals = SigSet::from_iter([
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ]);
    let _ = signals.thread_block();
    signals
}

fn take_order() -> io::Result<(UnixStream, Order, Vec<u8>)> {
    let mut lifeline = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (order, input) = order::receive(&mut lifeline)?;
    Ok((lifeline, order, input))
}

fn limit(order: &Order) {
    for (resource, most) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, order.largest_file),
    ] {
        if let Ok((_, hard)) = getrlimit(resource) {
            let most = most.min(hard);
            let _ = setrlimit(resource, most, most);
        }
    }
}

fn start(order: &Order, silent: bool) -> io::Result<(Pid, Option<ChildStdin>)> {
    let Some((program, arguments)) = order.argv.split_first() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "no program is named",
        ));
    };
    // Otherwise the system says "not found", and it sounds as if the program was.
    if !order.directory.is_dir() {
        let detail = format!("{} is no directory", order.directory.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, detail));
    }
    let mark = identity::identify(std::process::id()).map(|me| identity::mark(&me));
    let mut child = CommandWrap::with_new(program, |command| {
        command
            .args(arguments)
            .env_clear()
            .envs(order.env.iter().map(|(name, value)| (name, value)))
            .envs(mark.map(|mark| (MARK, mark)))
            .current_dir(&order.directory)
            .stdin(if silent {
                Stdio::null()
            } else {
                Stdio::piped()
            });
    })
    .wrap(ProcessGroup::leader())
    .wrap(ResetSigmask)
    .spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok((Pid::from_raw(pid), child.stdin().take()))
}

fn feed(mut stdin: ChildStdin, input: &[u8]) {
    // A program that does not read its input to the end has its reasons.
    let _ = stdin.write_all(input);
}

fn listen(mut lifeline: UnixStream, news: &Sender<News>) {
    let mut byte = [0];
    loop {
        let heard = match lifeline.read(&mut byte) {
            Ok(1) if byte[0] == KILL => News::Kill,
            Ok(1) => News::Stop,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(_) | Err(_) => {
                let _ = news.send(News::Stop);
                return;
            }
        };
        if news.send(heard).is_err() {
            return;
        }
    }
}

fn heed(signals: SigSet, news: &Sender<News>) {
    while signals.wait().is_ok() && news.send(News::Stop).is_ok() {}
}

fn reap(program: Pid, news: &Sender<News>) {
    loop {
        let ended = match wait() {
            Ok(WaitStatus::Exited(pid, code)) if pid == program => code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => 128 + signal as i32,
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => {
                let _ = news.send(News::NothingLeft);
                return;
            }
        };
        if news.send(News::Ended(ended)).is_err() {
            return;
        }
    }
}

/// Waits for the program's end, and hastens it where that is asked for.
fn attend(inbox: &Receiver<News>, program: Pid, order: &Order) -> i32 {
    let grace = Duration::from_millis(order.grace_millis);
    let mut kill_at: Option<Instant> = None;
    let mut give_up_at: Option<Instant> = None;
    loop {
        let wait = kill_at.map_or(Duration::MAX, |at| {
            at.saturating_duration_since(Instant::now())
        });
        let kill = match bounded(inbox, wait, order.ceilings) {
            Ok(News::Ended(code)) => return code,
            Ok(News::Stop) if kill_at.is_none() => {
                ask(program, order.is_wrapped);
                kill_at = Some(Instant::now() + grace);
                false
            }
            Ok(News::Stop | News::NothingLeft) => false,
            Ok(News::Kill) | Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => return 128 + Signal::SIGKILL as i32,
        };
        if kill {
            let now = Instant::now();
            if now > *give_up_at.get_or_insert(now + PATIENCE) {
                return 128 + Signal::SIGKILL as i32;
            }
            signal(program, Signal::SIGKILL);
            kill_at = Some(now + ROUND);
        }
    }
}

/// Waits for news; where something is bounded it looks at that meanwhile, and says so where it is exceeded.
fn bounded(
    inbox: &Receiver<News>,
    wait: Duration,
    ceilings: Ceilings,
) -> Result<News, RecvTimeoutError> {
    if ceilings == Ceilings::default() {
        return inbox.recv_timeout(wait);
    }
    let end = Instant::now().checked_add(wait);
    loop {
        let left = end.map_or(ceilings::LOOK, |end| {
            end.saturating_duration_since(Instant::now())
        });
        match inbox.recv_timeout(left.min(ceilings::LOOK)) {
            Err(RecvTimeoutError::Timeout) => {}
            news => return news,
        }
        let me = i32::try_from(std::process::id()).unwrap_or(0);
        if let Some(what) = ceilings::exceeded(ceilings, me) {
            let _ = writeln!(io::stderr(), "autoissue: ended, for {what}");
            return Ok(News::Kill);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(RecvTimeoutError::Timeout);
        }
    }
}

/// Asks it to end. What is only around it would end at once, and take it along without grace.
fn ask(program: Pid, is_wrapped: bool) {
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    let all = tree::descendants(me, &tree::snapshot());
    let within = all.iter().filter(|entry| entry.group != program.as_raw());
    let within: Vec<_> = within.copied().collect();
    if is_wrapped && !within.is_empty() {
        tree::signal(&within, Signal::SIGTERM);
    } else {
        signal(program, Signal::SIGTERM);
    }
}

/// Kills what the program left behind.
fn sweep(inbox: &Receiver<News>, program: Pid) {
    let give_up_at = Instant::now() + PATIENCE;
    while Instant::now() < give_up_at {
        match inbox.recv_timeout(ROUND) {
            Ok(News::NothingLeft) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(News::Ended(_) | News::Stop | News::Kill) => {}
            Err(RecvTimeoutError::Timeout) => signal(program, Signal::SIGKILL),
        }
    }
}

fn signal(program: Pid, signal: Signal) {
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    tree::signal(&tree::descendants(me, &tree::snapshot()), signal);
    // All that can be reached where there is no /proc.
    #[cfg(not(target_os = "linux"))]
    let _ = nix::sys::signal::killpg(program, signal);
    #[cfg(target_os = "linux")]
    let _ = program;
}

fn report(lifeline: &mut UnixStream, report: &Report) {
    if let Ok(bytes) = serde_json::to_vec(report) {
        let _ = lifeline.write_all(&bytes);
    }
}
