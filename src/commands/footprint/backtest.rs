//! `footprint backtest`: how well would the files of a repository's commits have been foreseen?

use crate::adapters::git::archive::Archive;
use crate::adapters::knowledge::replay::{Part, Replayed, replay};
use crate::cli::foresee::BacktestArgs;
use crate::commands::answer::Answer;
use crate::commands::footprint::report;
use crate::commands::place::Place;
use crate::error::{Error, Kind};
use crate::rules::exit::Exit;
use crate::rules::footprint::fit::{Example, fit};
use crate::rules::footprint::model::{LEAST, Weights};
use crate::rules::footprint::score::{Ranked, Score};
use crate::rules::ids::CommitId;
use std::collections::BTreeSet;
use std::path::Path;

/// More examples than this are not kept for a fit.
const EXAMPLES_MAX: usize = 600_000;
/// How many examples' worth the weights are believed in that a fit starts from.
const RIDGE: f64 = 1.0;

/// Our model, and what it is measured against.
#[derive(Debug, Default)]
pub struct Contest {
    /// Our model.
    pub model: Score,
    /// The files that the message names.
    pub named: Score,
    /// The files that were changed most often so far.
    pub most_changed: Score,
}

/// What was replayed.
#[derive(Debug)]
pub struct Replay {
    /// The last commit.
    pub until: CommitId,
    /// Commits in all, merges and left out ones with them.
    pub commits: u64,
    /// Of those the first ones that were only learned.
    pub skipped: u64,
    /// Is there more history that the clone does not have?
    pub is_shallow: bool,
    /// How it went.
    pub contest: Contest,
    /// Weights that fit it best, where those were asked for.
    pub fitted: Option<Weights>,
}

/// Runs the command.
pub async fn run(place: &Place, args: &BacktestArgs) -> Result<Exit, Error> {
    let repository = match &args.repo {
        Some(path) => place.cwd.join(path),
        None => {
            place
                .checkout(&place.load(&crate::config::loaded::Overrides::default())?)?
                .top
        }
    };
    let home = place.state_dir()?.join("index").join("home");
    let replay = backtest(&repository, &home, args).await?;
    let answer = Answer {
        text: report::text(&replay),
        event: report::event(&replay),
    };
    answer.print(&place.output)?;
    Ok(Exit::Done)
}

/// Replays this repository's history.
pub async fn backtest(
    repository: &Path,
    home: &Path,
    args: &BacktestArgs,
) -> Result<Replay, Error> {
    let archive = Archive::of(repository, home).await?;
    let until = find(&archive, &args.until).await?;
    let commits = archive.count(None, &until).await?;
    let mut skipped = args.limit.map_or(0, |limit| commits.saturating_sub(limit));
    if let Some(since) = &args.since {
        let since = find(&archive, since).await?;
        skipped = skipped.max(commits.saturating_sub(archive.count(Some(&since), &until).await?));
    }
    let weights = Weights::default();
    let mut contest = Contest::default();
    let mut examples: Vec<Example> = Vec::new();
    replay(
        &archive,
        &until,
        Part { skip: skipped },
        weights,
        |replayed| {
            contest.add(&replayed, &weights);
            if args.fit && examples.len() < EXAMPLES_MAX {
                examples.extend(replayed.evidence.iter().map(|(path, strengths)| Example {
                    strengths: *strengths,
                    touched: replayed.touched.contains(path),
                }));
            }
        },
    )
    .await?;
    Ok(Replay {
        until,
        commits,
        skipped,
        is_shallow: archive.is_shallow(),
        contest,
        fitted: args.fit.then(|| fit(&examples, &weights, RIDGE)),
    })
}

async fn find(archive: &Archive, name: &str) -> Result<CommitId, Error> {
    archive.commit(name).await?.ok_or_else(|| {
        Error::new(Kind::Usage, format!("find the commit {name}"))
            .cause("the repository has none of that name")
            .hints(["name a commit, a branch or a tag that `git log` knows"])
    })
}

impl Contest {
    fn add(&mut self, replayed: &Replayed, weights: &Weights) {
        let mut model: Ranked = replayed
            .evidence
            .iter()
            .map(|(path, strengths)| (path.clone(), weights.probability(strengths)))
            .collect();
        model.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let universe: BTreeSet<String> = model
            .iter()
            .filter(|(_, probability)| *probability >= LEAST)
            .chain(&replayed.named)
            .chain(&replayed.most_changed)
            .map(|(path, _)| path.clone())
            .chain(replayed.touched.iter().cloned())
            .collect();
        self.model.add(&model, &replayed.touched, &universe);
        self.named
            .add(&replayed.named, &replayed.touched, &universe);
        self.most_changed
            .add(&replayed.most_changed, &replayed.touched, &universe);
    }
}
