//! The page of figures: charts of a window of time, groups, and the same for programs.

use crate::cli::values::{Since, since};
use crate::commands::metrics::windows;
use crate::reporters::analytics::{self, lines, share};
use crate::reporters::chart::Chart;
use crate::reporters::table::thousands;
use crate::reporters::time::human;
use crate::reporters::trends::{charts, steps};
use crate::rules::analytics::rates::{Rates, Share};
use crate::rules::analytics::rows::Rows;
use crate::rules::analytics::windows::{Window, window};
use crate::rules::ids::Timestamp;
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking, page};
use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;

/// The windows that are one step away.
const CHOICES: [&str; 4] = ["24h", "7d", "30d", "90d"];
/// Rows of a table at most; they are the dearest.
const ROWS: usize = 50;
/// Width of a bar in a table.
const BAR: u64 = 80;

/// Which time is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// As `metrics --since` takes it.
    window: String,
}

impl Asked {
    /// Thirty days, where nothing is asked for or nobody can say what.
    fn since(&self) -> Since {
        since(&self.window).unwrap_or(Since::Ago(30 * 86_400_000))
    }
}

/// A bar in a table: its words, and its width.
#[derive(Debug)]
pub(super) struct Bar {
    words: String,
    width: Option<u64>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct Line {
    name: String,
    issues: String,
    bars: [Bar; 4],
    median: String,
    cost: Bar,
}

/// A window of time.
#[derive(Debug, Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    title: String,
    choices: Vec<(&'static str, bool)>,
    name: String,
    figures: Vec<(&'static str, String)>,
    charts: Vec<Chart>,
    tables: Vec<(String, Vec<Line>)>,
}

impl FiguresPage {
    fn new(rows: &Rows, since: Since, now: Timestamp) -> Self {
        let from = since.before(now);
        let window = window(rows, &since.name(), from);
        let choice = |choice: &'static str| (choice, choice == window.name);
        Self {
            title: "Metrics".to_owned(),
            choices: CHOICES.map(choice).to_vec(),
            figures: lines(&window.all),
            charts: charts(&steps(rows, from, now), &window),
            tables: tables(&window),
            name: window.name,
        }
    }
}

fn tables(window: &Window) -> Vec<(String, Vec<Line>)> {
    let kinds = window.groups.iter();
    let tables = kinds.map(|(by, groups)| {
        let most = groups.iter().map(|(_, rates)| rates.cost).max();
        let most = most.unwrap_or(Usd::ZERO);
        let lines = groups.iter().take(ROWS);
        let lines = lines.map(|(name, rates)| line(name, rates, most));
        (format!("By {}", by.word()), lines.collect())
    });
    tables.collect()
}

fn line(name: &str, rates: &Rates, most: Usd) -> Line {
    let part = |part: Share| Bar {
        words: share(part),
        width: part.percent().map(|percent| percent * BAR / 100),
    };
    let cost = u128::from(rates.cost.micros()) * u128::from(BAR);
    let cost = cost.checked_div(u128::from(most.micros()));
    Line {
        name: printable(name),
        issues: thousands(rates.issues),
        bars: [rates.fixed, rates.first, rates.automated, rates.merged].map(part),
        median: rates.median.map_or_else(|| "-".to_owned(), human),
        cost: Bar {
            words: rates.cost.to_string(),
            width: cost.and_then(|width| u64::try_from(width).ok()),
        },
    }
}

/// The page.
pub(super) async fn show(
    State(house): State<House>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let (since, now) = (asked.since(), house.now());
        let rows = house.watched.store().rows(since.before(now))?;
        Ok(page(&FiguresPage::new(&rows, since, now)))
    })
    .await
}

async fn asked(house: House, asked: Asked) -> Result<Vec<Window>, Problem> {
    blocking(house, move |house| {
        let wanted = since(&asked.window).ok();
        Ok(windows(house.watched.store(), wanted, house.now())?)
    })
    .await
}

/// The same as CSV.
pub(super) async fn csv(
    State(house): State<House>,
    Query(wanted): Query<Asked>,
) -> Result<Response, Problem> {
    let text = analytics::csv(&asked(house, wanted).await?);
    let named = "attachment; filename=\"autoissue-metrics.csv\"";
    let heads = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, named),
    ];
    Ok((heads, text).into_response())
}

/// The same as JSON, as `metrics --since` tells it.
pub(super) async fn json(
    State(house): State<House>,
    Query(wanted): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(analytics::event(&asked(house, wanted).await?)))
}
