//! The page of who waits for whom, and who would get in whose way: a drawing that the server makes, and the same in words.

use crate::commands::seen::Seen;
use crate::reporters::table::{state, thousands};
use crate::rules::conflict::{Why, may_run_together};
use crate::rules::ids::{ByIssue, IssueNumber, Timestamp};
use crate::rules::printable::{clip, printable};
use crate::rules::settings::Policy;
use crate::rules::tally::{Standing, TaskTally};
use crate::rules::task::Task;
use crate::serve::asked::Asked;
use crate::serve::course::Course;
use crate::serve::layered::layered;
use crate::serve::pages::tone_class;
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking, page};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::collections::BTreeMap;

/// Tasks that are drawn at most: more can be neither read nor laid out at once.
const MOST: usize = 120;
/// Conflicts that are drawn at most, the likeliest.
const MOST_CONFLICTS: usize = 200;
/// Columns of those that are tied to nobody.
const COLUMNS: usize = 4;
/// Sizes in pixels.
const WIDTH: usize = 275;
const HEIGHT: usize = 48;
const BOX: (usize, usize) = (220, 34);
/// Characters of a title that a box holds.
const TITLE: usize = 26;

/// A task's box.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) issue: u64,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) label: String,
    pub(super) tone: &'static str,
    pub(super) words: String,
    pub(super) ties: Vec<String>,
}

/// A line between two boxes.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) path: String,
    pub(super) words: String,
    pub(super) class: &'static str,
}

/// The graph of a session.
#[derive(Debug, Template)]
#[template(path = "graph.html")]
pub(super) struct GraphPage {
    pub(super) title: String,
    pub(super) session: String,
    pub(super) left_out: Option<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// The size of a node's box.
    pub(super) size: (usize, usize),
}

/// A tie between two of the drawn ones, by their places.
struct Tie {
    from: usize,
    to: usize,
    class: &'static str,
    words: String,
}

/// Answers with it.
pub(super) async fn graph(
    State(house): State<House>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let row = asked.row(house)?;
        let now = house.now();
        let made = house
            .watched
            .look_back(&row, |seen, course| GraphPage::new(seen, course, now))?;
        Ok(page(&made))
    })
    .await
}

impl GraphPage {
    fn new(seen: &Seen, course: &Course, now: Timestamp) -> Self {
        let drawn = drawn(seen, course);
        let all = course.tasks.len();
        let places: ByIssue<usize> = drawn
            .iter()
            .map(|(task, _)| task.number())
            .zip(0..)
            .collect();
        let policy = seen
            .tally
            .settings
            .as_ref()
            .map_or(Policy::Footprint, |it| it.policy);
        let mut ties = needs(&drawn, &places);
        ties.extend(conflicts(&drawn, policy));
        let spots = spots(drawn.len(), &ties);
        let ends = |place: usize| spots[place];
        let edges = ties.iter().map(|tie| Edge {
            path: line(ends(tie.from), ends(tie.to)),
            words: tie.words.clone(),
            class: tie.class,
        });
        let edges = edges.collect();
        let node = |(place, (task, tally)): (usize, &(&Task, &TaskTally))| {
            let (words, tone) = state(&seen.tally, tally, now);
            let title = printable(&task.issue.title);
            let of_it = ties
                .iter()
                .filter(|tie| tie.from == place || tie.to == place);
            Node {
                issue: task.number().0,
                x: spots[place].0,
                y: spots[place].1,
                label: clip(&format!("{} {title}", task.number()), TITLE),
                tone: tone_class(tone),
                words: format!("{} {title}, {words}", task.number()),
                ties: of_it.map(|tie| tie.words.clone()).collect(),
            }
        };
        Self {
            title: "Graph".to_owned(),
            session: seen.id.to_string(),
            left_out: (drawn.len() < all).then(|| {
                let (some, all) = (thousands(drawn.len() as u64), thousands(all as u64));
                format!("{some} of {all} tasks are drawn: those that run come first, then those that have not ended")
            }),
            nodes: drawn.iter().enumerate().map(node).collect(),
            edges,
            size: BOX,
            width: spots.iter().map(|spot| spot.0 + BOX.0).max().unwrap_or(0) + 8,
            height: spots.iter().map(|spot| spot.1 + BOX.1).max().unwrap_or(0) + 8,
        }
    }
}

/// The tasks that are drawn, by their numbers.
fn drawn<'a>(seen: &'a Seen, course: &'a Course) -> Vec<(&'a Task, &'a TaskTally)> {
    let rank = |tally: &TaskTally| match tally.standing {
        Standing::Running { .. } => 0,
        Standing::Ended { .. } => 2,
        Standing::Waiting
        | Standing::Unapproved
        | Standing::Asking
        | Standing::Held { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. } => 1,
    };
    let both =
        |task: &'a std::sync::Arc<Task>| Some((&**task, seen.tally.tasks.get(&task.number())?));
    let mut all: Vec<_> = course.tasks.iter().filter_map(both).collect();
    all.sort_by_key(|(task, tally)| (rank(tally), task.number()));
    all.truncate(MOST);
    all.sort_by_key(|(task, _)| task.number());
    all
}

fn needs(drawn: &[(&Task, &TaskTally)], places: &ByIssue<usize>) -> Vec<Tie> {
    let mut ties = Vec::new();
    for (to, (task, _)) in drawn.iter().enumerate() {
        for need in &task.needs {
            if let Some(&from) = places.get(need) {
                let words = format!("{} comes after {need}", task.number());
                ties.push(Tie {
                    from,
                    to,
                    class: "need",
                    words,
                });
            }
        }
    }
    ties
}

/// Those of which no two would run at a time, of work that is not done.
fn conflicts(drawn: &[(&Task, &TaskTally)], policy: Policy) -> Vec<Tie> {
    let mut found: Vec<(f64, Tie)> = Vec::new();
    for (from, (one, tally)) in drawn.iter().enumerate() {
        for (to, (other, others)) in drawn.iter().enumerate().skip(from + 1) {
            if tally.ending().is_some() && others.ending().is_some() {
                continue;
            }
            let Err(why) = may_run_together(one, other, policy) else {
                continue;
            };
            let chance = if let Why::Files { probability, .. } = why {
                probability
            } else {
                1.0
            };
            let words = told(one.number(), other.number(), &why, chance);
            let class = "conflict";
            found.push((
                chance,
                Tie {
                    from,
                    to,
                    class,
                    words,
                },
            ));
        }
    }
    found.sort_by(|one, next| next.0.total_cmp(&one.0));
    found.truncate(MOST_CONFLICTS);
    found.into_iter().map(|(_, tie)| tie).collect()
}

fn told(one: IssueNumber, other: IssueNumber, why: &Why, chance: f64) -> String {
    let over = printable(&why.to_string());
    match why {
        Why::Files { .. } => {
            let percent = chance * 100.0;
            format!("{one} and {other} collide with a chance of {percent:.0} %, over {over}")
        }
        Why::Domain(_) | Why::Unknown => format!("{one} and {other} go one by one, over {over}"),
    }
}

/// Left upper corners: who is tied in layers, who is not in rows below.
fn spots(count: usize, ties: &[Tie]) -> Vec<(usize, usize)> {
    let is_tied = |place: usize| ties.iter().any(|tie| tie.from == place || tie.to == place);
    let (joined, alone): (Vec<usize>, Vec<usize>) = (0..count).partition(|place| is_tied(*place));
    let places: BTreeMap<usize, usize> = joined.iter().copied().zip(0..).collect();
    let mut after = vec![Vec::new(); joined.len()];
    for tie in ties.iter().filter(|tie| tie.class == "need") {
        after[places[&tie.to]].push(places[&tie.from]);
    }
    let mut spots = vec![(0, 0); count];
    let corner = |column: usize, row: usize| (column * WIDTH + 4, row * HEIGHT + 6);
    let mut rows = 0;
    for (place, spot) in joined.iter().zip(layered(&after)) {
        spots[*place] = corner(spot.layer, spot.row);
        rows = rows.max(spot.row + 1);
    }
    for (index, place) in alone.into_iter().enumerate() {
        spots[place] = corner(index % COLUMNS, rows + index / COLUMNS);
    }
    spots
}

/// From one box to another: to the right where that one stands further right, else in a bow.
fn line(from: (usize, usize), to: (usize, usize)) -> String {
    let (fy, ty) = (from.1 + BOX.1 / 2, to.1 + BOX.1 / 2);
    let (fx, tx) = (from.0 + BOX.0, to.0);
    if from.0 + WIDTH < to.0 {
        // Below the boxes in between.
        let low = fy.max(ty) + HEIGHT;
        format!(
            "M{fx} {fy}C{} {low} {} {low} {tx} {ty}",
            fx + BOX.0 / 3,
            tx - BOX.0 / 3
        )
    } else if from.0 < to.0 {
        let middle = usize::midpoint(fx, tx);
        format!("M{fx} {fy}C{middle} {fy} {middle} {ty} {tx} {ty}")
    } else {
        let (tx, bow) = (to.0 + BOX.0, fx.max(to.0 + BOX.0) + 36);
        format!("M{fx} {fy}C{bow} {fy} {bow} {ty} {tx} {ty}")
    }
}
