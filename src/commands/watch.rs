//! `status --watch`: a session as it goes on, until it ends or Ctrl-C.

use crate::adapters::store::open::Store;
use crate::cli::args::Format;
use crate::commands::output::{Stream, write};
use crate::commands::place::Place;
use crate::commands::seen::Seen;
use crate::commands::status::show;
use crate::engine::clock::SteadyClock;
use crate::error::{Error, Kind};
use crate::ports::Clock as _;
use crate::reporters::lines::{line, planning_line};
use crate::reporters::out::Stream as Screen;
use crate::reporters::status::{session_json, task_status};
use crate::rules::event::Recorded;
use crate::rules::ids::IssueNumber;
use crate::rules::tally::Tally;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked at.
const PACE: Duration = Duration::from_secs(1);

/// What a watcher sees.
enum Shown {
    /// One object a change.
    Objects,
    /// A line for each event.
    Lines,
    /// A picture that is drawn over: so many lines of it are on the screen.
    Picture(usize),
}

/// Shows these sessions, or this task of theirs, until nobody works on them any more.
pub async fn watch(
    place: &Place,
    store: &Store,
    seen: &mut [Seen],
    issue: Option<IssueNumber>,
) -> Result<(), Error> {
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|cause| Error::new(Kind::Files, "hear Ctrl-C").because(&cause))?;
    let mut shown = match place.output.format() {
        Format::Json => Shown::Objects,
        Format::Text if Screen::Out.can_redraw() => Shown::Picture(0),
        Format::Text => Shown::Lines,
    };
    match shown {
        Shown::Objects | Shown::Lines => show(place, seen, issue)?,
        Shown::Picture(_) => {}
    }
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Whoever stops looking has seen enough: nothing is left to be done.
            _ = interrupt.recv() => return Ok(()),
            _ = ticks.tick() => {}
        }
        turn(place, store, seen, issue, &mut shown)?;
        if seen
            .iter()
            .all(|seen| seen.process().is_none() || has_ended(seen, issue))
        {
            return end(place, seen, issue, &shown);
        }
    }
}

/// A session that finished may be held for a moment yet.
fn has_ended(seen: &Seen, issue: Option<IssueNumber>) -> bool {
    let task = issue.and_then(|issue| seen.tally.tasks.get(&issue));
    task.is_some_and(|task| task.ending().is_some())
}

/// Takes in what is new, and shows it.
fn turn(
    place: &Place,
    store: &Store,
    seen: &mut [Seen],
    issue: Option<IssueNumber>,
    shown: &mut Shown,
) -> Result<(), Error> {
    let paint = place.output.colour().paint(Screen::Out);
    let mut lines = String::new();
    for seen in seen.iter_mut() {
        let tell = |tally: &Tally, recorded: &Recorded| {
            if issue.is_none() || recorded.event.issue() == issue {
                let said = line(tally, recorded).or_else(|| planning_line(recorded));
                let said = said.map(|line| line.shown(paint) + "\n");
                lines.push_str(&said.unwrap_or_default());
            }
        };
        let is_new = seen.refresh(store, tell)?;
        if matches!(shown, Shown::Objects) && is_new {
            object(seen, issue)?;
        }
    }
    match shown {
        Shown::Objects => Ok(()),
        Shown::Lines => write(Stream::Out, &lines),
        Shown::Picture(before) => {
            let picture = picture(place, seen, issue);
            let drawn = over(*before, &picture);
            *before = picture.lines().count();
            write(Stream::Out, &drawn)
        }
    }
}

fn object(seen: &Seen, issue: Option<IssueNumber>) -> Result<(), Error> {
    let sight = seen.sight(SteadyClock::start().now());
    let event = match issue {
        Some(issue) => task_status(&sight, issue),
        None => Some(session_json(&sight)),
    };
    event.map_or(Ok(()), |event| write(Stream::Out, &format!("{event}\n")))
}

/// Everything, if the screen holds it; else what runs; else the beginning of that.
fn picture(place: &Place, seen: &[Seen], issue: Option<IssueNumber>) -> String {
    let now = SteadyClock::start().now();
    let (colour, width) = (place.output.colour(), Screen::Out.width().saturating_sub(1));
    let room = room();
    let whole: Vec<String> = seen
        .iter()
        .filter_map(|seen| match issue {
            Some(issue) => seen.sight(now).task(issue, width, colour),
            None => Some(seen.sight(now).session(width, colour)),
        })
        .collect();
    let whole = whole.join("\n\n") + "\n";
    if whole.lines().count() <= room || issue.is_some() {
        return first(&whole, room);
    }
    let brief = seen.iter().map(|seen| seen.sight(now).brief(width, colour));
    first(&(brief.collect::<Vec<_>>().join("\n\n") + "\n"), room)
}

/// So many lines of it at most.
pub fn first(text: &str, lines: usize) -> String {
    text.split_inclusive('\n').take(lines).collect()
}

/// Lines that the screen holds above the cursor.
pub fn room() -> usize {
    Screen::Out.height().unwrap_or(24).saturating_sub(1)
}

/// The text, drawn over so many lines in one write.
pub fn over(lines: usize, text: &str) -> String {
    let mut drawn = String::new();
    if lines > 0 {
        let _ = write!(drawn, "\u{1b}[{lines}F");
    }
    for line in text.lines() {
        drawn.push_str(line);
        drawn.push_str("\u{1b}[K\n");
    }
    drawn + "\u{1b}[J"
}

/// What came of it, in place of the last picture.
fn end(
    place: &Place,
    seen: &[Seen],
    issue: Option<IssueNumber>,
    shown: &Shown,
) -> Result<(), Error> {
    match shown {
        Shown::Objects => return Ok(()),
        Shown::Lines => write(Stream::Out, "\n")?,
        Shown::Picture(lines) => write(Stream::Out, &over(*lines, ""))?,
    }
    show(place, seen, issue)
}
