//! Replays of histories whose right answers are known.

use crate::repos::{git, write};
use autoissue::adapters::git::archive::Archive;
use autoissue::adapters::knowledge::replay::{Part, Replayed, replay};
use autoissue::cli::foresee::BacktestArgs;
use autoissue::commands::footprint::backtest::{Replay, backtest};
use autoissue::error::Color;
use autoissue::rules::footprint::Evidence;
use autoissue::rules::footprint::model::Weights;
use std::path::{Path, PathBuf};

const PARTS: [(&str, &str); 4] = [
    ("tariff", "src/customs.rs"),
    ("parcel", "src/shipping.rs"),
    ("refund", "src/ledger.rs"),
    ("voucher", "src/gifts.rs"),
];

/// Twelve files; then, over and over, work on one of four parts, whose word never stands in its file or path, beside
/// a file that changes in every commit.
fn history(rounds: usize) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main", "repo"]);
    let repo = dir.path().join("repo");
    for n in 0..8 {
        write(&repo, &format!("src/other{n}.rs"), "x");
    }
    for (_, path) in PARTS {
        write(&repo, path, "0");
    }
    write(&repo, "VERSION", "0");
    commit(&repo, "begin");
    for round in 1..=rounds {
        for (word, path) in PARTS {
            write(&repo, path, round.to_string());
            write(&repo, "VERSION", format!("{word}{round}"));
            commit(&repo, &format!("the {word} is wrong again"));
        }
    }
    (dir, repo)
}

fn commit(repo: &Path, message: &str) {
    git(repo, &["add", "-A"]);
    git(repo, &["commit", "-q", "-m", message]);
}

async fn run(repo: &Path, args: BacktestArgs) -> Replay {
    let args = BacktestArgs {
        until: "HEAD".to_owned(),
        ..args
    };
    backtest(repo, &repo.with_file_name("home"), &args)
        .await
        .unwrap()
}

async fn replayed(repo: &Path, until: &str) -> Vec<Replayed> {
    let archive = Archive::of(repo, &repo.with_file_name("home"))
        .await
        .unwrap();
    let until = archive.commit(until).await.unwrap().unwrap();
    let mut all = Vec::new();
    replay(
        &archive,
        &until,
        Part::default(),
        Weights::default(),
        |one| all.push(one),
    )
    .await
    .unwrap();
    all
}

#[tokio::test]
async fn what_was_seen_before_is_foreseen() {
    let (_dir, repo) = history(12);
    let replay = run(
        &repo,
        BacktestArgs {
            limit: Some(16),
            ..BacktestArgs::default()
        },
    )
    .await;
    let model = replay.contest.model.means();
    assert_eq!(
        (replay.commits, replay.skipped, model.predictions),
        (49, 33, 16)
    );
    assert!(
        model.recall[1] > 0.99,
        "both files are among the first five: {model:?}"
    );
    assert!(model.precision[0] > 0.99, "{model:?}");
    let named = replay.contest.named.means();
    assert!(named.recall[2] < 0.01, "no message names a file: {named:?}");
    let most_changed = replay.contest.most_changed.means();
    assert!(
        model.brier < most_changed.brier,
        "{model:?} {most_changed:?}"
    );
}

/// The first work on a part can only be guessed from what comes later.
#[tokio::test]
async fn nothing_is_foreseen_that_only_comes_later() {
    let (_dir, repo) = history(6);
    let all = replayed(&repo, "HEAD").await;
    let similar = |one: &Replayed, path: &str| {
        let found = one.evidence.iter().find(|(known, _)| known == path);
        found.map_or(0.0, |(_, strengths)| {
            strengths[Evidence::SimilarWork as usize]
        })
    };
    for (place, (_, path)) in PARTS.into_iter().enumerate() {
        assert!(
            similar(&all[place], path) < 0.01,
            "{path} was guessed too early"
        );
        // Control: once it was seen, the same words find it.
        assert!(similar(&all[place + 4], path) > 0.3, "{path} was not found");
    }
}

/// Whatever comes later, the predictions before it are the same, to the last digit.
#[tokio::test]
async fn a_longer_history_changes_no_earlier_prediction() {
    let (_dir, repo) = history(5);
    let (short, long) = (
        replayed(&repo, "HEAD~9").await,
        replayed(&repo, "HEAD").await,
    );
    assert_eq!((short.len(), long.len()), (11, 20));
    for (one, other) in short.iter().zip(&long) {
        assert_eq!(one.commit, other.commit);
        assert_eq!(one.evidence, other.evidence);
        assert_eq!(one.named, other.named);
        assert_eq!(one.most_changed, other.most_changed);
    }
}

#[tokio::test]
async fn merges_wide_commits_and_those_that_only_add_are_left_out() {
    let (_dir, repo) = history(1);
    for n in 0..31 {
        write(&repo, &format!("wide/{n}"), "1");
    }
    commit(&repo, "only adds");
    for n in 0..31 {
        write(&repo, &format!("wide/{n}"), "2");
    }
    commit(&repo, "touches many");
    git(&repo, &["checkout", "-q", "-b", "side", "HEAD~1"]);
    write(&repo, "VERSION", "side");
    commit(&repo, "on a side branch");
    git(&repo, &["checkout", "-q", "main"]);
    git(&repo, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let replay = run(&repo, BacktestArgs::default()).await;
    assert_eq!(replay.commits, 9);
    assert_eq!(replay.contest.model.means().predictions, 5);
}

#[tokio::test]
async fn only_what_came_after_a_commit_is_asked_for() {
    let (_dir, repo) = history(3);
    let args = BacktestArgs {
        since: Some("HEAD~4".to_owned()),
        ..BacktestArgs::default()
    };
    assert_eq!(run(&repo, args).await.contest.model.means().predictions, 4);
    let args = BacktestArgs {
        since: Some("nothing".to_owned()),
        until: "HEAD".to_owned(),
        ..BacktestArgs::default()
    };
    let refused = backtest(&repo, &repo.with_file_name("home"), &args).await;
    let text = refused
        .err()
        .map(|error| error.text(Color::Off))
        .unwrap_or_default();
    assert!(text.contains("find the commit nothing"), "{text}");
}

#[tokio::test]
async fn a_fit_to_a_history_counts_what_was_right_there() {
    let (_dir, repo) = history(10);
    let replay = run(
        &repo,
        BacktestArgs {
            fit: true,
            ..BacktestArgs::default()
        },
    )
    .await;
    let fitted = replay.fitted.unwrap();
    assert!(
        fitted.kinds[Evidence::SimilarWork as usize] > 1.0,
        "{fitted:?}"
    );
    assert!(fitted.bias < -1.0, "{fitted:?}");
}
