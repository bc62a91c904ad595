//! A report that can be forwarded: figures, trends, what was done and what was not, each as words and tables.

use crate::reporters::analytics::{lines, share};
use crate::reporters::chart::Chart;
use crate::reporters::table::thousands;
use crate::reporters::time::{human, rfc3339};
use crate::reporters::trends::{charts, steps};
use crate::reporters::words::{brief, plural, spoken};
use crate::rules::analytics::rates::Rates;
use crate::rules::analytics::rows::{Done, Rows};
use crate::rules::analytics::windows::{By, Window, window};
use crate::rules::ids::Timestamp;
use crate::rules::printable::{clip, printable};
use crate::rules::task::Ending;

/// Rows of a table at most; of more the newest are shown, and how many more there are.
const ROWS: usize = 200;
/// Characters of a title at most.
const TITLE: usize = 120;

/// A cell: words, and where they lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// One printable line.
    pub words: String,
    /// An address that a browser opens as a page, if any.
    pub url: Option<String>,
}

/// A table with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it lists.
    pub name: String,
    /// The heads of its columns.
    pub heads: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
    /// How many more there are.
    pub more: usize,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// Of which time, and when it was made.
    pub time: String,
    /// The whole in a sentence.
    pub sum: String,
    /// Figures by name.
    pub figures: Vec<(&'static str, String)>,
    /// What is not known.
    pub notes: Vec<String>,
    /// Trends as charts.
    pub charts: Vec<Chart>,
    /// Trends as a table.
    pub steps: Listed,
    /// What was done, what was not, and what it cost.
    pub tables: Vec<Listed>,
}

impl Report {
    /// The report of what happened from a moment on.
    #[must_use]
    pub fn new(rows: &Rows, (name, since): (&str, Timestamp), now: Timestamp) -> Self {
        let window = window(rows, name, since);
        let steps = steps(rows, since, now);
        let all = &window.all;
        let day = |at: Timestamp| rfc3339(at).get(..16).unwrap_or_default().replace('T', " ");
        let projects = projects(&window);
        let named: Named = if projects.len() > 1 {
            with_project
        } else {
            without_project
        };
        Self {
            title: format!("What autoissue did{}", within(projects)),
            time: format!("From {} to {} (UTC)", day(since), day(now)),
            sum: sum(all),
            figures: lines(all),
            notes: notes(all),
            charts: charts(&steps, &window),
            steps: by_step(&steps.steps, steps.unit),
            tables: vec![
                done(&rows.done, named),
                not_done(&rows.done, named),
                groups(&window, By::Domain),
                groups(&window, By::Agent),
                groups(&window, By::Model),
            ],
        }
    }
}

fn projects(window: &Window) -> &[(String, Rates)] {
    let named = window.groups.iter().find(|(by, _)| *by == By::Project);
    named.map_or(&[][..], |(_, named)| named)
}

fn within(projects: &[(String, Rates)]) -> String {
    match projects {
        [] => String::new(),
        [(project, _)] => format!(" in {}", printable(project)),
        several => format!(" in {} repositories", several.len()),
    }
}

fn sum(all: &Rates) -> String {
    let failed = all.fixed.all - all.fixed.part;
    format!(
        "{} processed; {} completed, {} not; {} merged; {} spent.",
        plural(all.issues, "issue"),
        plural(all.fixed.part, "task"),
        thousands(failed),
        plural(all.merged.part, "pull request"),
        all.cost
    )
}

fn notes(all: &Rates) -> Vec<String> {
    let mut notes = Vec::new();
    if all.waiting > 0 {
        notes.push(format!(
            "Of {} nobody saw an end; autoissue watch looks, and only then merges count.",
            plural(all.waiting, "pull request")
        ));
    }
    let unknown = all.merged.part - all.unchanged.all.min(all.merged.part);
    if unknown > 0 {
        notes.push(format!(
            "Of {} it is not known whether anybody changed them.",
            plural(unknown, "merged pull request")
        ));
    }
    notes
}

fn plain(words: impl Into<String>) -> Cell {
    Cell {
        words: words.into(),
        url: None,
    }
}

/// How an issue is named: where there are several repositories, with its own.
type Named = fn(&Done) -> Cell;

fn with_project(done: &Done) -> Cell {
    plain(printable(&format!("{}{}", done.traits.project, done.issue)))
}

fn without_project(done: &Done) -> Cell {
    plain(done.issue.to_string())
}

fn title(done: &Done) -> Cell {
    plain(clip(&done.title, TITLE))
}

fn pull(done: &Done) -> Cell {
    let Some((number, url)) = &done.pull else {
        return plain("-");
    };
    Cell {
        words: number.to_string(),
        url: url.clone().filter(|url| is_link(url)),
    }
}

/// Only what a browser follows to another page, with nothing that ends it early.
fn is_link(url: &str) -> bool {
    let is_odd =
        |char: char| char.is_whitespace() || char.is_control() || "<>\"'`\\".contains(char);
    (url.starts_with("https://") || url.starts_with("http://")) && !url.contains(is_odd)
}

fn newest(
    done: &[Done],
    wanted: impl Fn(&Done) -> bool,
    row: impl Fn(&Done) -> Vec<Cell>,
) -> (Vec<Vec<Cell>>, usize) {
    let all: Vec<&Done> = done.iter().rev().filter(|done| wanted(done)).collect();
    let more = all.len().saturating_sub(ROWS);
    let rows = all.into_iter().take(ROWS);
    (rows.map(row).collect(), more)
}

fn done(all: &[Done], named: Named) -> Listed {
    let row = |done: &Done| {
        let took = done.began.map_or_else(
            || "-".to_owned(),
            |began| human(done.ended.millis_since(began)),
        );
        let what = if done.is_round { "round" } else { "issue" };
        vec![
            named(done),
            title(done),
            pull(done),
            plain(what),
            plain(done.attempts.to_string()),
            plain(took),
            plain(done.cost.to_string()),
            plain(printable(&format!(
                "{}, {}",
                done.traits.agent, done.traits.model
            ))),
        ]
    };
    let (rows, more) = newest(all, |done| done.ending == Ending::Completed, row);
    Listed {
        name: "What was done".to_owned(),
        heads: vec![
            "issue",
            "title",
            "pull",
            "as",
            "attempts",
            "took",
            "cost",
            "agent, model",
        ],
        rows,
        more,
    }
}

fn not_done(all: &[Done], named: Named) -> Listed {
    let row = |done: &Done| {
        let why = done.reason.as_deref().map(brief);
        vec![
            named(done),
            title(done),
            plain(spoken(done.ending.word())),
            plain(why.unwrap_or_else(|| "-".to_owned())),
            plain(done.attempts.to_string()),
            plain(done.cost.to_string()),
        ]
    };
    let (rows, more) = newest(all, |done| done.ending != Ending::Completed, row);
    Listed {
        name: "What was not, and why".to_owned(),
        heads: vec!["issue", "title", "ended as", "why", "attempts", "cost"],
        rows,
        more,
    }
}

fn groups(window: &Window, by: By) -> Listed {
    let named = window.groups.iter().find(|(kind, _)| *kind == by);
    let named = named.map_or(&[][..], |(_, named)| named);
    let row = |(name, rates): &(String, Rates)| {
        vec![
            plain(printable(name)),
            plain(share(rates.fixed)),
            plain(share(rates.first)),
            plain(share(rates.merged)),
            plain(rates.median.map_or_else(|| "-".to_owned(), human)),
            plain(rates.cost.to_string()),
        ]
    };
    Listed {
        name: format!("By {}", by.word()),
        heads: vec!["name", "fixed", "first attempt", "merged", "median", "cost"],
        rows: named.iter().take(ROWS).map(row).collect(),
        more: named.len().saturating_sub(ROWS),
    }
}

fn by_step(steps: &[(String, Rates)], unit: &'static str) -> Listed {
    let some: Vec<&(String, Rates)> = steps
        .iter()
        .rev()
        .filter(|(_, rates)| !rates.is_empty())
        .collect();
    let row = |(at, rates): &&(String, Rates)| {
        vec![
            plain(at.clone()),
            plain(share(rates.fixed)),
            plain(share(rates.first)),
            plain(thousands(rates.merged.part)),
            plain(rates.median.map_or_else(|| "-".to_owned(), human)),
            plain(rates.cost.to_string()),
        ]
    };
    Listed {
        name: format!("By {unit}"),
        heads: vec![unit, "fixed", "first attempt", "merges", "median", "cost"],
        rows: some.iter().take(ROWS).map(row).collect(),
        more: some.len().saturating_sub(ROWS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_a_page_becomes_a_link() {
        for page in [
            "https://forge.test/o/r/pull/7",
            "http://localhost:1/7?a=b#c",
        ] {
            assert!(is_link(page), "{page}");
        }
        for odd in [
            "javascript:alert(1)",
            "https://x/\" onclick=alert(1)",
            "https://x/>)[y](z",
            "https://x/ y",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!is_link(odd), "{odd}");
        }
    }
}
