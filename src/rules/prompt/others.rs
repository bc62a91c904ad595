//! What other tasks of the session do now, and which files are theirs.

use crate::rules::ids::IssueNumber;
use crate::rules::prompt::surroundings::WORTH_A_WORD;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;

/// Files that are told of one task.
const FILES_MAX: usize = 6;

/// A task that runs beside another one. Neither title nor paths are safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its issue.
    pub issue: IssueNumber,
    /// What that is about.
    pub title: String,
    /// In which stage it is.
    pub stage: &'static str,
    /// The files that it has really changed, or else those that it likely will, the likeliest first; directories end in `/`.
    pub files: Vec<String>,
}

/// Those that run beside the task of this issue, by rank.
#[must_use]
pub fn beside(session: &Session, issue: IssueNumber) -> Vec<Other> {
    let running = session.table.running();
    let entries = running.map(|place| session.table.at(place));
    let others = entries.filter(|entry| entry.number != issue);
    others.map(other).collect()
}

fn other(entry: &Entry) -> Other {
    let likely = entry.task.footprint.by_probability().into_iter();
    let likely = likely.filter(|file| file.probability >= WORTH_A_WORD);
    let files: Vec<String> = if entry.record.touched.is_empty() {
        likely
            .map(|file| file.path.clone())
            .take(FILES_MAX)
            .collect()
    } else {
        entry
            .record
            .touched
            .iter()
            .take(FILES_MAX)
            .cloned()
            .collect()
    };
    Other {
        issue: entry.number,
        title: entry.task.issue.title.clone(),
        stage: entry.run().map_or("prepare", |run| run.stage.word()),
        files,
    }
}
