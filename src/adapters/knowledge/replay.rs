//! Replays a history: each commit's files are predicted from its message and from what came before it, then it is
//! learned. Nothing of a commit, and nothing after it, is known when it is predicted.

use crate::adapters::git::archive::{Archive, Contents};
use crate::adapters::knowledge::index::{Index, Outcome, counted, limit};
use crate::adapters::knowledge::library::blocking;
use crate::ports::KnowledgeError;
use crate::rules::classify::classify;
use crate::rules::footprint::Evidence;
use crate::rules::footprint::model::Weights;
use crate::rules::footprint::past::PastCommit;
use crate::rules::footprint::pile::{Pile, Strengths};
use crate::rules::footprint::read;
use crate::rules::footprint::score::share;
use crate::rules::ids::{CommitId, IssueNumber, Timestamp};
use crate::rules::issue::{Issue, IssueState};
use crate::rules::own::Classification;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Commits that are replayed at a time.
const COMMITS: usize = 32;
/// The files that a baseline of the most changed ones names.
const MOST_CHANGED: usize = 10;

/// One prediction, and what came true.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The commit.
    pub commit: CommitId,
    /// Every file that anything speaks for, with the strengths of what does.
    pub evidence: Vec<(String, Strengths)>,
    /// The files that the message names, with how surely.
    pub named: Vec<(String, f64)>,
    /// The files that were changed most often before, with the share of all commits that did.
    pub most_changed: Vec<(String, f64)>,
    /// The files that it touched, of those that were there before.
    pub touched: BTreeSet<String>,
}

/// Which part of a history is predicted; what comes before is only learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// So many commits from the beginning are only learned.
    pub skip: u64,
}

/// Replays the history up to a commit, and hands out each prediction.
pub async fn replay(
    archive: &Archive,
    until: &CommitId,
    part: Part,
    weights: Weights,
    mut each: impl FnMut(Replayed) + Send,
) -> Result<(), KnowledgeError> {
    let index = blocking("make an index in memory", Index::in_memory).await?;
    let index = Arc::new(Mutex::new(index));
    let mut history = archive.history(None, until)?;
    let mut contents = archive.contents()?;
    let mut seen = 0;
    loop {
        let mut lessons = Vec::with_capacity(COMMITS);
        while lessons.len() < COMMITS
            && let Some(commit) = history.next().await?
        {
            let files = read_files(&mut contents, &commit).await?;
            lessons.push(Lesson {
                is_asked: seen >= part.skip,
                commit,
                files,
            });
            seen += 1;
        }
        if lessons.is_empty() {
            return Ok(());
        }
        let index = Arc::clone(&index);
        let replayed = blocking("replay the history", move || {
            let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
            let mut replayed = Vec::new();
            for lesson in &lessons {
                replayed.extend(index.replay(lesson, &weights)?);
            }
            Ok(replayed)
        })
        .await?;
        replayed.into_iter().for_each(&mut each);
    }
}

/// A commit and what the files hold that it wrote.
struct Lesson {
    commit: PastCommit,
    files: Vec<(String, Vec<u8>)>,
    is_asked: bool,
}

async fn read_files(
    contents: &mut Contents,
    commit: &PastCommit,
) -> Result<Vec<(String, Vec<u8>)>, KnowledgeError> {
    let (paths, blobs): (Vec<&str>, Vec<&str>) = commit
        .changes
        .iter()
        .filter_map(|change| change.after())
        .unzip();
    let read = contents.read(&blobs).await?;
    let files = paths.into_iter().zip(read);
    Ok(files
        .map(|(path, content)| (path.to_owned(), content.unwrap_or_default()))
        .collect())
}

impl Index {
    fn replay(&mut self, lesson: &Lesson, weights: &Weights) -> Outcome<Option<Replayed>> {
        let replayed = if lesson.is_asked {
            self.predict(&lesson.commit, weights)?
        } else {
            None
        };
        self.learn(&lesson.commit)?;
        for (path, content) in &lesson.files {
            self.learn_names(path, content)?;
            self.note_owners(path, content)?;
        }
        Ok(replayed)
    }

    /// Merges, commits that touch many files or none, and those that only add files are not predicted.
    fn predict(&self, commit: &PastCommit, weights: &Weights) -> Outcome<Option<Replayed>> {
        let touched: BTreeSet<String> = commit
            .changes
            .iter()
            .filter_map(|change| change.before())
            .filter(|path| self.tree.contains(path))
            .map(str::to_owned)
            .collect();
        if commit.is_merge || !commit.is_work() || touched.is_empty() {
            return Ok(None);
        }
        let issue = as_issue(commit);
        let own = Classification::default();
        let domain = classify(&issue, &own).domain;
        let pile = self.evidence(&issue, domain, weights, &own)?;
        let evidence = pile
            .files()
            .map(|(path, strengths)| (path.to_owned(), *strengths))
            .collect();
        Ok(Some(Replayed {
            commit: commit.id.clone(),
            evidence,
            named: self.named(&issue),
            most_changed: self.most_changed(MOST_CHANGED)?,
            touched,
        }))
    }

    fn named(&self, issue: &Issue) -> Vec<(String, f64)> {
        let mut pile = Pile::default();
        read::read(issue, &self.tree, &mut pile);
        let named = pile
            .files()
            .map(|(path, strengths)| (path.to_owned(), strengths[Evidence::NamedInText as usize]));
        let mut named: Vec<(String, f64)> =
            named.filter(|(path, _)| self.tree.contains(path)).collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        named
    }

    fn most_changed(&self, most: usize) -> Outcome<Vec<(String, f64)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT path, changes FROM files WHERE present AND changes > 0 ORDER BY changes DESC, path LIMIT ?",
        )?;
        let turn = usize::try_from(self.turn).unwrap_or(0);
        let rows = statement.query_map([limit(most)], |row| {
            Ok((row.get(0)?, share(counted(row, 1)?, turn)))
        })?;
        rows.collect()
    }
}

/// The first line of the message is the title, the rest the body.
fn as_issue(commit: &PastCommit) -> Issue {
    let (title, body) = commit
        .message
        .split_once('\n')
        .unwrap_or((&commit.message, ""));
    Issue {
        number: IssueNumber(1),
        title: title.to_owned(),
        body: body.trim().to_owned(),
        labels: Vec::new(),
        state: IssueState::Open,
        author: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        url: None,
        depends_on: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        parts: Vec::new(),
        pulls: Vec::new(),
    }
}
