//! What a backtest found, as a table and as JSON.

use crate::commands::footprint::backtest::Replay;
use crate::reporters::shape::VERSION;
use crate::reporters::table::{grid, thousands};
use crate::reporters::words::plural;
use crate::rules::footprint::model::Weights;
use crate::rules::footprint::score::{CUTS, Means};
use crate::rules::footprint::{Evidence, Footprint, LikelyFile};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// For a person.
pub(super) fn text(replay: &Replay) -> String {
    let contest = &replay.contest;
    let model = contest.model.means();
    if model.predictions == 0 {
        return "No commit could be replayed: none changes up to 30 files that were there before.\n".to_owned();
    }
    let mut text = format!(
        "{} up to {}, {} predicted from what came before. Left out: merges, commits that touch more than 30 files or \
         none that was there before.\n",
        plural(replay.commits, "commit"),
        replay.until,
        thousands(model.predictions),
    );
    if replay.is_shallow {
        text.push_str("The clone is shallow: what came before its first commit is not known. `git fetch --unshallow` brings it.\n");
    }
    let mut heads = vec![String::new()];
    heads.extend(CUTS.map(|cut| format!("precision@{cut}")));
    heads.extend(CUTS.map(|cut| format!("recall@{cut}")));
    heads.push("Brier".to_owned());
    let rows = vec![
        row("autoissue", &model),
        row("named in the text", &contest.named.means()),
        row("most changed so far", &contest.most_changed.means()),
    ];
    let heads = heads.iter().map(String::as_str).collect();
    let _ = writeln!(text, "\n{}", grid(heads, rows, 1).join("\n"));
    let _ = writeln!(
        text,
        "\nrecall@10 is {:.2} times that of the better baseline.",
        ratio(replay)
    );
    if let Some(weights) = &replay.fitted {
        let _ = writeln!(
            text,
            "\nWeights that fit this history\n  bias {:.2}",
            weights.bias
        );
        for (kind, weight) in Evidence::ALL.into_iter().zip(weights.kinds) {
            let _ = writeln!(text, "  {} {weight:.2}", kind.word());
        }
    }
    text
}

/// For a program.
pub(super) fn event(replay: &Replay) -> Value {
    let contest = &replay.contest;
    json!({
        "v": VERSION,
        "event": "footprint_backtest",
        "until": replay.until,
        "commits": replay.commits,
        "only_learned": replay.skipped,
        "predicted": contest.model.means().predictions,
        "shallow": replay.is_shallow,
        "cuts": CUTS,
        "model": contest.model.means(),
        "named_in_text": contest.named.means(),
        "most_changed": contest.most_changed.means(),
        "recall_ratio": ratio(replay),
        "fitted": replay.fitted.as_ref().map(weights),
    })
}

/// Likely files with what says so, the likeliest first.
pub fn as_values(footprint: &Footprint) -> Value {
    let files = footprint.by_probability();
    let value = |file: &LikelyFile| {
        let reasons = file
            .evidence
            .iter()
            .map(|reason| json!({ "kind": reason.kind, "weight": reason.weight }));
        json!({
            "path": file.path, "probability": file.probability, "friction": file.friction,
            "evidence": reasons.collect::<Value>(),
        })
    };
    files.into_iter().map(value).collect()
}

/// Our recall of ten files as a multiple of the better baseline's.
fn ratio(replay: &Replay) -> f64 {
    let recall = |means: Means| means.recall[2];
    let contest = &replay.contest;
    let best = recall(contest.named.means()).max(recall(contest.most_changed.means()));
    if best > 0.0 {
        (recall(contest.model.means()) / best * 100.0).round() / 100.0
    } else {
        0.0
    }
}

fn row(name: &str, means: &Means) -> Vec<String> {
    let numbers = means.precision.into_iter().chain(means.recall);
    let mut cells = vec![name.to_owned()];
    cells.extend(numbers.map(|number| format!("{number:.3}")));
    cells.push(format!("{:.4}", means.brier));
    cells
}

fn weights(weights: &Weights) -> Value {
    let kinds = Evidence::ALL.into_iter().zip(weights.kinds);
    let kinds: serde_json::Map<String, Value> = kinds
        .map(|(kind, weight)| (kind.word().to_owned(), json!(weight)))
        .collect();
    json!({ "bias": weights.bias, "kinds": kinds })
}
