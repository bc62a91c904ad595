//! Lessons of a repository: what agents had to learn, for those who come after.
//!
//! A lesson is made of what we know ourselves (which check, which kind of failure) and of what reviewers with write access
//! said; never of what a program printed or an issue says, for that may be an outsider's.

use crate::rules::classify::Domain;
use crate::rules::event::{Event, Fact, Recorded};
use crate::rules::ids::IssueNumber;
use crate::rules::printable::clip;
use crate::rules::task::{Attempted, Ending, ErrorClass, Task, Verdict};
use crate::rules::trust::Trust;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The longest lesson, in characters.
pub const LESSON_MAX: usize = 300;
/// So many are told to one agent, and so many paths say what one is about.
const TOLD: usize = 8;
const PATHS: usize = 20;
/// The longest name of a check in one.
const NAME_MAX: usize = 60;

/// Something that agents had to learn in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// What to do, in a sentence or two: printable, bounded.
    pub text: String,
    /// What it came from.
    pub source: LessonSource,
    /// The domain it is about; `Unknown` where it could be any.
    pub domain: Domain,
    /// The files it was learned in; nothing where they do not matter.
    pub paths: Vec<String>,
    /// How many tasks taught it.
    pub times: u32,
}

/// What a lesson came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LessonSource {
    /// A failure that was overcome.
    Overcome,
    /// A reviewer's correction.
    Review,
}

impl LessonSource {
    /// One word for it, the one that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Overcome => "overcome",
            Self::Review => "review",
        }
    }
}

impl Lesson {
    /// A correction by somebody who may write to the repository, of work on these files; nothing where it says nothing.
    #[must_use]
    pub fn of_review(said: &str, domain: Domain, paths: &[String]) -> Option<Self> {
        let text = clip(said, LESSON_MAX);
        (!text.is_empty()).then(|| Self {
            text,
            source: LessonSource::Review,
            domain,
            paths: paths.iter().take(PATHS).cloned().collect(),
            times: 1,
        })
    }

    fn overcome(text: String, domain: Domain, paths: &[String]) -> Self {
        Self {
            text,
            source: LessonSource::Overcome,
            domain,
            paths: paths.iter().take(PATHS).cloned().collect(),
            times: 1,
        }
    }
}

/// What is known of a task on its way.
#[derive(Default)]
struct Way {
    task: Option<Arc<Task>>,
    paths: Vec<String>,
    failures: BTreeSet<String>,
}

/// What the tasks of a session teach that were completed in the end.
#[must_use]
pub fn learned(events: &[Recorded], trust: Trust) -> Vec<(IssueNumber, Lesson)> {
    let mut ways: BTreeMap<IssueNumber, Way> = BTreeMap::new();
    let mut lessons = Vec::new();
    for recorded in events {
        if let Event::TasksRead { tasks, .. } = &recorded.event {
            for task in tasks {
                ways.entry(task.number()).or_default().task = Some(Arc::clone(task));
            }
        }
        let Some(issue) = recorded.event.issue() else {
            continue;
        };
        let way = ways.entry(issue).or_default();
        way.note(&recorded.event);
        if let Event::TaskEnded {
            ending: Ending::Completed,
            ..
        } = &recorded.event
        {
            lessons.extend(way.lessons(trust).into_iter().map(|lesson| (issue, lesson)));
        }
    }
    lessons
}

impl Way {
    fn note(&mut self, event: &Event) {
        if let Event::Fact { fact, .. } = event {
            match fact {
                Fact::Committed { commit } => self.paths.clone_from(&commit.diff.paths),
                Fact::Checked { reports } => {
                    let failed = reports.iter().filter(|report| match report.verdict {
                        Verdict::Failed | Verdict::TimedOut => true,
                        Verdict::Passed
                        | Verdict::Flaky
                        | Verdict::Unproven
                        | Verdict::FailedBefore
                        | Verdict::Unable => false,
                    });
                    self.failures
                        .extend(failed.map(|report| of_check(&report.name)));
                }
                Fact::Entered { .. }
                | Fact::Spawned { .. }
                | Fact::KeptFrom { .. }
                | Fact::AgentDone { .. }
                | Fact::Conversed { .. }
                | Fact::Snapshot { .. }
                | Fact::Verified
                | Fact::BranchChosen { .. }
                | Fact::Intends { .. }
                | Fact::Did { .. } => {}
            }
        }
        if let Event::Settled { outcome, .. } = event
            && let Attempted::Failed(failure) = &outcome.result
        {
            self.failures
                .extend(of_class(failure.class).map(str::to_owned));
        }
    }

    fn lessons(&self, trust: Trust) -> Vec<Lesson> {
        let task = self.task.as_deref();
        let domain = task.map_or(Domain::Unknown, |task| task.domain.domain);
        let overcome = |text: &String| Lesson::overcome(text.clone(), domain, &self.paths);
        let mut lessons: Vec<Lesson> = self.failures.iter().map(overcome).collect();
        let follow = task.and_then(|task| task.follow_up.as_ref());
        // Where everybody is trusted, nobody knows whose words they are.
        if let (Some(follow), Trust::Writers) = (follow, trust) {
            let corrections = follow
                .said
                .iter()
                .filter(|said| said.id.source.wants_answer());
            lessons.extend(corrections.filter_map(|said| {
                let at = said.at.as_deref().and_then(|at| at.rsplit_once(':'));
                let own = at.map(|(path, _)| vec![path.to_owned()]);
                Lesson::of_review(&said.text, domain, own.as_deref().unwrap_or(&self.paths))
            }));
        }
        lessons
    }
}

fn of_check(name: &str) -> String {
    let name = clip(name, NAME_MAX).replace('`', "'");
    format!(
        "The check `{name}` failed at first on work like this. Run it before you end, and mend the cause."
    )
}

/// What a failure teaches whoever works; nothing where it was not the work's.
fn of_class(class: ErrorClass) -> Option<&'static str> {
    match class {
        ErrorClass::Timeout | ErrorClass::TurnLimit | ErrorClass::Stalled => Some(
            "Work like this did not end in time at first. Take the shortest way, and run nothing that waits or never ends.",
        ),
        ErrorClass::PermissionDenied => Some(
            "Tools that were not allowed were tried at first on work like this. Edit files and run the named checks.",
        ),
        ErrorClass::ContextTooLong => Some(
            "Work like this grew too long for one conversation at first. Read parts of large files, not all of them.",
        ),
        ErrorClass::Validation
        | ErrorClass::RateLimit
        | ErrorClass::UsageLimit
        | ErrorClass::Overloaded
        | ErrorClass::Crash
        | ErrorClass::Network
        | ErrorClass::Auth
        | ErrorClass::Billing
        | ErrorClass::Budget
        | ErrorClass::Refusal
        | ErrorClass::ModelNotFound
        | ErrorClass::ConversationLost
        | ErrorClass::Conflict
        | ErrorClass::CheckFailed
        | ErrorClass::Setup
        | ErrorClass::Workspace
        | ErrorClass::Publish => None,
    }
}

/// The lessons that fit a task, the most useful first: about its files, then its directories, then its domain; of equals
/// those that were taught oftener.
#[must_use]
pub fn fitting(lessons: &[Lesson], task: &Task) -> Vec<String> {
    let files: Vec<&str> = task
        .footprint
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let domain = task.domain.domain;
    let mut found: Vec<(u32, u32, &str)> = lessons
        .iter()
        .filter_map(|lesson| {
            Some((
                fit(lesson, &files, domain)?,
                lesson.times,
                lesson.text.as_str(),
            ))
        })
        .collect();
    found.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(b.2)));
    found.dedup_by(|a, b| a.2 == b.2);
    let told = found.into_iter().take(TOLD);
    told.map(|(_, _, text)| text.to_owned()).collect()
}

fn fit(lesson: &Lesson, files: &[&str], domain: Domain) -> Option<u32> {
    let directory = |path: &str| {
        path.rsplit_once('/')
            .map(|(directory, _)| directory.to_owned())
    };
    let same_file = lesson
        .paths
        .iter()
        .any(|path| files.contains(&path.as_str()));
    let near = |path: &String| {
        let own = directory(path);
        own.is_some() && files.iter().any(|file| directory(file) == own)
    };
    if same_file {
        Some(3)
    } else if lesson.paths.iter().any(near) {
        Some(2)
    } else if lesson.domain == Domain::Unknown || lesson.domain == domain {
        Some(1)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::conflict::tests::task;

    fn lesson(text: &str, domain: Domain, paths: &[&str], times: u32) -> Lesson {
        Lesson {
            times,
            ..Lesson::overcome(
                text.to_owned(),
                domain,
                &paths.iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        }
    }

    #[test]
    fn what_fits_best_comes_first_and_what_does_not_is_left_out() {
        let lessons = [
            lesson("elsewhere", Domain::Frontend, &["web/a.ts"], 9),
            lesson("domain, often", Domain::Backend, &[], 5),
            lesson("domain", Domain::Backend, &["lib/z.rs"], 1),
            lesson("directory", Domain::Frontend, &["src/b.rs"], 1),
            lesson("file", Domain::Frontend, &["src/a.rs"], 1),
            lesson("any", Domain::Unknown, &[], 1),
        ];
        let told = fitting(&lessons, &task(Domain::Backend, &[("src/a.rs", 0.9)]));
        assert_eq!(
            told,
            ["file", "directory", "domain, often", "any", "domain"]
        );
    }

    #[test]
    fn a_correction_is_one_bounded_printable_line() {
        let said = format!("Use \u{1b}[31mthe cache\n{}", "x".repeat(900));
        let lesson = Lesson::of_review(&said, Domain::Backend, &[]).unwrap();
        assert!(
            lesson.text.starts_with("Use the cache x") && lesson.text.chars().count() <= LESSON_MAX
        );
        assert_eq!(Lesson::of_review(" \n", Domain::Backend, &[]), None);
    }
}
