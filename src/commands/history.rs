//! `history`: what the agent said and did on an issue, attempt by attempt, and on request as it happens.

use crate::adapters::process::lines::Lines;
use crate::adapters::store::figures::WorkedOn;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::cli::args::Format;
use crate::cli::look::HistoryArgs;
use crate::commands::conversation::{Said, said};
use crate::commands::output::{Stream, write};
use crate::commands::place::Place;
use crate::commands::sender::redactor;
use crate::commands::store::look;
use crate::error::{Error, Kind};
use crate::reporters::lines::line;
use crate::reporters::paint::Paint;
use crate::reporters::shape::{VERSION, event};
use crate::rules::exit::Exit;
use crate::rules::ids::{AttemptNumber, IssueNumber, SessionId};
use crate::rules::tally::Tally;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a conversation that goes on is looked at.
const PACE: Duration = Duration::from_millis(300);

/// Prints the conversation.
pub async fn run(place: &Place, args: &HistoryArgs) -> Result<Exit, Error> {
    let store = look(&place.state_dir()?)?;
    let history = store.and_then(|store| History::find(store, args.issue, args.follow).transpose());
    let Some(history) = history.transpose()? else {
        return Err(Error::new(
            Kind::Journal,
            format!("show what happened on {}", args.issue),
        )
        .cause("no session worked on it, or it was too long ago")
        .hints([format!(
            "`autoissue exec --issue {}` starts one",
            args.issue.0
        )]));
    };
    // A transcript is kept as the agent printed it; what is shown may be shown to others.
    let redactor = redactor();
    let print = |text: &str| write(Stream::Out, &redactor.clean(text));
    history
        .tell(place.output.format(), args.follow, print)
        .await?;
    Ok(Exit::Done)
}

/// What the newest session that has anything to tell of an issue has to tell.
pub struct History {
    store: Store,
    session: SessionId,
    issue: IssueNumber,
}

impl History {
    /// Finds the newest session that has something to tell: a conversation, else at least events. To follow it, one
    /// that may have a conversation yet comes first.
    pub fn find(store: Store, issue: IssueNumber, follow: bool) -> Result<Option<Self>, Error> {
        let mut known = store.worked_on(issue)?;
        known.retain(|task| !task.pruned);
        let speaks = |task: &&WorkedOn| {
            let directory = store.session_directory(&task.session);
            (follow && !task.finished) || !transcripts(&directory, issue).is_empty()
        };
        let found = known.iter().find(speaks).or(known.first());
        let session = found.map(|task| task.session.clone());
        Ok(session.map(|session| Self {
            store,
            session,
            issue,
        }))
    }

    /// What this session has to tell of an issue.
    #[must_use]
    pub fn of(store: Store, session: SessionId, issue: IssueNumber) -> Self {
        Self {
            store,
            session,
            issue,
        }
    }

    /// Tells what was said in all attempts so far, without the task's course.
    pub async fn said(
        &self,
        format: Format,
        print: impl FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.attempts(format, false, print).await.map(drop)
    }

    /// Tells it from the beginning, in lines or events, and the task's course at the end; with `follow` only once the
    /// task has ended or nobody works on it.
    pub async fn tell(
        &self,
        format: Format,
        follow: bool,
        print: impl FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut print = self.attempts(format, follow, print).await?;
        print(&self.course(format)?)
    }

    async fn attempts<F: FnMut(&str) -> Result<(), Error>>(
        &self,
        format: Format,
        follow: bool,
        mut print: F,
    ) -> Result<F, Error> {
        let directory = self.store.session_directory(&self.session);
        let mut open: BTreeMap<AttemptNumber, Reading> = BTreeMap::new();
        loop {
            // Asked before the files are read: what is written until then is read in any case.
            let goes_on = follow && self.goes_on()?;
            let transcripts = transcripts(&directory, self.issue);
            let last = transcripts.keys().next_back().copied();
            for (attempt, path) in transcripts {
                let reading = match open.entry(attempt) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        print(&self.heading(format, attempt))?;
                        let reading =
                            Reading::open(&path).map_err(|cause| unread(&path, &cause))?;
                        new.insert(reading)
                    }
                };
                let mut show = |said: &Said| print(&self.show(format, attempt, said));
                reading
                    .more(&mut show)
                    .map_err(|cause| unread(&path, &cause))??;
                if !goes_on || Some(attempt) != last {
                    reading.finish(&mut show)?;
                }
            }
            if !goes_on {
                return Ok(print);
            }
            tokio::time::sleep(PACE).await;
        }
    }

    fn goes_on(&self) -> Result<bool, Error> {
        let running = matches!(
            self.store.state_of(&self.session)?,
            SessionState::Running(_)
        );
        let tasks = self.store.worked_on(self.issue)?;
        let task = tasks.iter().find(|task| task.session == self.session);
        Ok(running && task.is_some_and(|task| task.ending.is_none()))
    }

    /// What the journal says of the task.
    fn course(&self, format: Format) -> Result<String, Error> {
        let mut tally = Tally::default();
        let mut course = match format {
            Format::Text => format!("== {}, session {} ==\n", self.issue, self.session),
            Format::Json => String::new(),
        };
        for recorded in self.store.events(&self.session)? {
            tally.apply(&recorded);
            if recorded.event.issue() != Some(self.issue) {
                continue;
            }
            let told = match format {
                Format::Text => line(&tally, &recorded).map(|line| line.shown(Paint::NONE)),
                Format::Json => Some(event(&tally, &recorded).to_string()),
            };
            if let Some(line) = told {
                course.push_str(&line);
                course.push('\n');
            }
        }
        Ok(course)
    }

    fn heading(&self, format: Format, attempt: AttemptNumber) -> String {
        match format {
            Format::Text => format!(
                "== {}, attempt {attempt}, session {} ==\n",
                self.issue, self.session
            ),
            Format::Json => String::new(),
        }
    }

    fn show(&self, format: Format, attempt: AttemptNumber, said: &Said) -> String {
        match format {
            Format::Text => said.lines(),
            Format::Json => {
                let event = json!({
                    "v": VERSION,
                    "event": "said",
                    "session": self.session,
                    "issue": self.issue,
                    "attempt": attempt,
                    "who": said.who,
                    "text": said.text,
                });
                format!("{event}\n")
            }
        }
    }
}

/// The transcripts of an issue's attempts: `transcripts/<issue>-<attempt>.jsonl`.
fn transcripts(session: &Path, issue: IssueNumber) -> BTreeMap<AttemptNumber, PathBuf> {
    let Ok(entries) = std::fs::read_dir(session.join("transcripts")) else {
        return BTreeMap::new();
    };
    let attempt = |path: &Path| {
        let name = path.file_name()?.to_str()?;
        let (number, attempt) = name.strip_suffix(".jsonl")?.split_once('-')?;
        let same = number.parse() == Ok(issue.0);
        same.then(|| attempt.parse().ok().map(AttemptNumber))?
    };
    entries
        .flatten()
        .filter_map(|entry| Some((attempt(&entry.path())?, entry.path())))
        .collect()
}

fn unread(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Kind::Files, format!("read {}", path.display())).because(cause)
}

/// A transcript that may still grow.
struct Reading {
    file: File,
    lines: Lines,
}

impl Reading {
    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            lines: Lines::default(),
        })
    }

    /// Shows the lines that were added and are whole.
    fn more(
        &mut self,
        show: &mut impl FnMut(&Said) -> Result<(), Error>,
    ) -> std::io::Result<Result<(), Error>> {
        let mut chunk = vec![0; 64 << 10];
        let mut shown = Ok(());
        while let count @ 1.. = self.file.read(&mut chunk)? {
            self.lines.feed(&chunk[..count], |line| {
                for each in said(line) {
                    if shown.is_ok() {
                        shown = show(&each);
                    }
                }
            });
            if shown.is_err() {
                break;
            }
        }
        Ok(shown)
    }

    /// Shows a last line that was never ended.
    fn finish(&mut self, show: &mut impl FnMut(&Said) -> Result<(), Error>) -> Result<(), Error> {
        let mut shown = Ok(());
        self.lines.finish(|line| {
            shown = said(line).iter().try_for_each(&mut *show);
        });
        shown
    }
}
