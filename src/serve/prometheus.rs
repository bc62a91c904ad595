//! Figures for Prometheus: the text format 0.0.4 (prometheus.io, "Exposition formats"), names by its "Metric and label naming".
//!
//! What can fall is a gauge: a task that is tried again loses its ending. Rates are told of windows, and only where they are
//! known.

use crate::adapters::store::control::OpenBreaker;
use crate::adapters::store::figures::Figures;
use crate::adapters::store::sessions::SessionState;
use crate::commands::metrics::windows;
use crate::rules::analytics::rates::{Rates, Share};
use crate::rules::analytics::windows::Window;
use crate::rules::money::Usd;
use crate::rules::tally::Tally;
use crate::serve::desk::{Card, SourceCard};
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
}

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// The text as it grows, a family of samples after the other.
#[derive(Debug, Default)]
struct Exposition(String);

impl Exposition {
    /// One family; nothing where it has no samples.
    fn family<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, String)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let word = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {word}");
        for (labels, value) in samples {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let labels = labels.join(",");
            let labels = if labels.is_empty() {
                labels
            } else {
                format!("{{{labels}}}")
            };
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    fn one(&mut self, name: &str, kind: Kind, help: &str, value: &dyn ToString) {
        self.family(name, kind, help, [(Vec::new(), value.to_string())]);
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// What is told.
struct Told {
    figures: Figures,
    windows: Vec<Window>,
    breakers: BTreeMap<String, OpenBreaker>,
    running: Vec<Running>,
    /// Other sources of work, each with its project.
    sources: Vec<(String, SourceCard)>,
}

/// A session that runs.
struct Running {
    id: String,
    project: String,
    busy: u64,
    waiting: u64,
    spent: Usd,
    ceiling: Usd,
}

impl Running {
    fn new(id: &str, tally: &Tally) -> Self {
        let settings = tally.settings.as_ref();
        Self {
            id: id.to_owned(),
            project: tally.project.clone(),
            busy: tally.counts.running,
            waiting: tally.counts.waiting,
            spent: tally.spent + tally.granted,
            ceiling: settings.map_or(Usd::ZERO, |settings| settings.ceiling),
        }
    }
}

/// All of it.
pub(super) async fn scrape(State(house): State<House>) -> Result<Response, Problem> {
    blocking(house, |house| {
        let store = house.watched.store();
        let rows = house.watched.sessions()?;
        let runs = rows
            .iter()
            .filter(|row| matches!(row.state, SessionState::Running(_)));
        let mut running = Vec::new();
        for row in runs {
            let look =
                |seen: &crate::commands::seen::Seen| Running::new(row.id.as_str(), &seen.tally);
            running.push(house.watched.look(row, look)?);
        }
        let standing = house.desk.as_ref().map(|desk| desk.standing());
        let cards = standing.iter().flat_map(|standing| &standing.projects);
        let of = |card: &Card| {
            let sources = card.sources.clone().into_iter();
            let project = card.name.clone();
            sources.map(move |source| (project.clone(), source))
        };
        let told = Told {
            sources: cards.flat_map(of).collect(),
            figures: store.figures()?,
            windows: windows(store, None, house.now())?,
            breakers: store.breakers()?,
            running,
        };
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        Ok(([(CONTENT_TYPE, kind)], text(&told)).into_response())
    })
    .await
}

fn text(told: &Told) -> String {
    let mut text = Exposition::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    text.family(
        "autoissue_build_info",
        Kind::Gauge,
        "The version that answers.",
        [(version, "1".to_owned())],
    );
    totals(&mut text, &told.figures);
    groups(&mut text, &told.figures);
    running(&mut text, told);
    sources(&mut text, &told.sources);
    rates(&mut text, &told.windows);
    text.0
}

fn totals(text: &mut Exposition, figures: &Figures) {
    text.one(
        "autoissue_sessions_total",
        Kind::Counter,
        "Sessions that were started.",
        &figures.sessions,
    );
    let endings = figures.endings.iter();
    text.family(
        "autoissue_tasks",
        Kind::Gauge,
        "Tasks of all sessions by how they ended.",
        endings.map(|(ending, count)| (vec![("ending", ending.as_str())], count.to_string())),
    );
    text.one(
        "autoissue_spent_dollars_total",
        Kind::Counter,
        "All bills.",
        &figures.spent.decimal(),
    );
    text.one(
        "autoissue_granted_dollars",
        Kind::Gauge,
        "Money that is set aside for attempts that have no bill yet.",
        &figures.granted.decimal(),
    );
    text.one(
        "autoissue_pulls_opened",
        Kind::Gauge,
        "Pull requests of completed tasks.",
        &figures.code.pulls,
    );
}

fn groups(text: &mut Exposition, figures: &Figures) {
    let domains = figures.domains.iter();
    text.family(
        "autoissue_domain_spent_dollars",
        Kind::Gauge,
        "Bills by domain.",
        domains.map(|group| (vec![("domain", group.name.as_str())], group.cost.decimal())),
    );
    let agent = |worked: &crate::adapters::store::worked::Worked| {
        (worked.agent.clone(), worked.model.clone())
    };
    let named: Vec<_> = figures.agents.iter().map(agent).collect();
    let mut each = |name: &str, help: &str, read: &dyn Fn(usize) -> String| {
        let samples = named.iter().enumerate().map(|(at, (agent, model))| {
            let labels = vec![("agent", agent.as_str()), ("model", model.as_str())];
            (labels, read(at))
        });
        text.family(name, Kind::Gauge, help, samples);
    };
    each(
        "autoissue_agent_tasks",
        "Tasks that an agent worked on with a model.",
        &|at| figures.agents[at].tasks.to_string(),
    );
    each(
        "autoissue_agent_tasks_completed",
        "Those of them that it completed.",
        &|at| figures.agents[at].completed.to_string(),
    );
    each("autoissue_agent_spent_dollars", "Its bills.", &|at| {
        figures.agents[at].cost.decimal()
    });
}

fn running(text: &mut Exposition, told: &Told) {
    text.one(
        "autoissue_sessions_running",
        Kind::Gauge,
        "Sessions that a process works on.",
        &told.running.len(),
    );
    let mut each = |name: &str, help: &str, read: fn(&Running) -> String| {
        let samples = told.running.iter().map(|it| {
            let labels = vec![
                ("session", it.id.as_str()),
                ("project", it.project.as_str()),
            ];
            (labels, read(it))
        });
        text.family(name, Kind::Gauge, help, samples);
    };
    each(
        "autoissue_session_tasks_running",
        "Tasks that an attempt runs for.",
        |it| it.busy.to_string(),
    );
    each(
        "autoissue_session_tasks_waiting",
        "Tasks that wait.",
        |it| it.waiting.to_string(),
    );
    each(
        "autoissue_session_used_dollars",
        "What was spent and set aside.",
        |it| it.spent.decimal(),
    );
    each(
        "autoissue_session_ceiling_dollars",
        "The most that may be.",
        |it| it.ceiling.decimal(),
    );
    text.family(
        "autoissue_breaker_open",
        Kind::Gauge,
        "Circuit breakers that are open, by agent.",
        told.breakers
            .keys()
            .map(|agent| (vec![("agent", agent.as_str())], "1".to_owned())),
    );
}

fn sources(text: &mut Exposition, sources: &[(String, SourceCard)]) {
    let mut each = |name: &str, help: &str, read: fn(&SourceCard) -> Option<String>| {
        let samples = sources.iter().filter_map(|(project, source)| {
            let labels = vec![
                ("project", project.as_str()),
                ("source", source.name.as_str()),
            ];
            Some((labels, read(source)?))
        });
        text.family(name, Kind::Gauge, help, samples);
    };
    each(
        "autoissue_source_up",
        "Did a source of work other than the forge answer when it was last asked?",
        |source| source.is_up().map(|is_up| u8::from(is_up).to_string()),
    );
    each(
        "autoissue_source_failures",
        "Times in a row that it did not.",
        |source| Some(source.failures.to_string()),
    );
    each(
        "autoissue_source_last_success_timestamp_seconds",
        "When it last answered.",
        |source| {
            let millis = source.answered?.0;
            Some(format!("{}.{:03}", millis / 1000, millis % 1000))
        },
    );
    each(
        "autoissue_source_issues_opened",
        "Of its findings those that have become issues.",
        |source| Some(source.opened.to_string()),
    );
}

fn rates(text: &mut Exposition, windows: &[Window]) {
    let mut each = |name: &str, help: &str, read: fn(&Rates) -> Option<String>| {
        let known = windows.iter().filter_map(|window| {
            let value = read(&window.all)?;
            Some((vec![("window", window.name.as_str())], value))
        });
        text.family(name, Kind::Gauge, help, known);
    };
    each(
        "autoissue_window_issues",
        "Issues that were processed within the window.",
        |rates| Some(rates.issues.to_string()),
    );
    each(
        "autoissue_window_spent_dollars",
        "Bills of the window.",
        |rates| Some(rates.cost.decimal()),
    );
    each(
        "autoissue_fix_ratio",
        "Tasks that were completed, of those that were tried.",
        |rates| ratio(rates.fixed),
    );
    each(
        "autoissue_first_attempt_ratio",
        "Tasks that were completed by one attempt, of those that were tried.",
        |rates| ratio(rates.first),
    );
    each(
        "autoissue_automation_ratio",
        "Tasks that were completed without a person, of those that were processed.",
        |rates| ratio(rates.automated),
    );
    each(
        "autoissue_checks_passed_ratio",
        "Times that checks held nothing back, of the times that they ran.",
        |rates| ratio(rates.checks),
    );
    each(
        "autoissue_merge_ratio",
        "Pulls that were merged, of those that were merged or closed.",
        |rates| ratio(rates.merged),
    );
    each(
        "autoissue_fix_seconds_median",
        "From the first attempt to the end of a completed task.",
        |rates| {
            let millis = rates.median?;
            Some(format!("{}.{:03}", millis / 1000, millis % 1000))
        },
    );
}

/// To four places.
fn ratio(share: Share) -> Option<String> {
    let parts = (share.part * 10_000).checked_div(share.all)?;
    Some(format!("{}.{:04}", parts / 10_000, parts % 10_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::analytics::rows::Rows;
    use crate::rules::analytics::sample::done;
    use crate::rules::analytics::windows::window;
    use crate::rules::finding::FeedKind;
    use crate::rules::ids::Timestamp;
    use crate::rules::task::Ending;
    use std::collections::HashSet;

    fn told() -> Told {
        let mut rows = Rows::default();
        rows.done.push(done(1, Ending::Completed));
        rows.done.push(done(2, Ending::Failed));
        rows.done.push(done(3, Ending::Failed));
        Told {
            figures: Figures {
                sessions: 3,
                endings: vec![("comp\"le\\ted\nx".to_owned(), 2)],
                spent: Usd::from_micros(1_500_000),
                ..Figures::default()
            },
            windows: vec![window(&rows, "7d", Timestamp(0))],
            breakers: BTreeMap::new(),
            running: vec![Running {
                id: "01A".to_owned(),
                project: "owner/name".to_owned(),
                busy: 1,
                waiting: 2,
                spent: Usd::ZERO,
                ceiling: Usd::from_micros(9_000_000),
            }],
            sources: [(true, "sentry"), (false, "ji\"ra")].map(source).to_vec(),
        }
    }

    /// One that answers, or one that never has.
    fn source((is_up, name): (bool, &str)) -> (String, SourceCard) {
        let card = SourceCard {
            name: name.to_owned(),
            kind: FeedKind::Sentry,
            asked: Some(Timestamp(2_000)),
            answered: is_up.then_some(Timestamp(1_500)),
            next: Timestamp(3_000),
            failures: if is_up { 0 } else { 2 },
            is_disabled: false,
            trouble: None,
            opened: 4,
        };
        ("shop".to_owned(), card)
    }

    #[test]
    fn samples_are_what_they_are_of() {
        let text = text(&told());
        let has = |line: &str| assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        has("autoissue_sessions_total 3");
        has("autoissue_tasks{ending=\"comp\\\"le\\\\ted\\nx\"} 2");
        has("autoissue_spent_dollars_total 1.50");
        has("autoissue_fix_ratio{window=\"7d\"} 0.3333");
        has("autoissue_fix_seconds_median{window=\"7d\"} 60.000");
        has("autoissue_session_ceiling_dollars{session=\"01A\",project=\"owner/name\"} 9.00");
        has("autoissue_source_up{project=\"shop\",source=\"sentry\"} 1");
        has("autoissue_source_up{project=\"shop\",source=\"ji\\\"ra\"} 0");
        has("autoissue_source_failures{project=\"shop\",source=\"ji\\\"ra\"} 2");
        has(
            "autoissue_source_last_success_timestamp_seconds{project=\"shop\",source=\"sentry\"} 1.500",
        );
        assert_eq!(
            text.matches("timestamp_seconds{").count(),
            1,
            "it never answered"
        );
        assert!(
            !text.contains("merge_ratio"),
            "what is not known is not told"
        );
    }

    /// What `promtool check metrics` looks at.
    #[test]
    fn every_family_is_described_once_and_named_by_the_rules() {
        let text = text(&told());
        let mut known: HashSet<&str> = HashSet::new();
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(known.insert(name) && help.len() > 3, "{line}");
                let is_named = |char: char| char.is_ascii_lowercase() || char == '_';
                assert!(
                    name.starts_with("autoissue_") && name.chars().all(is_named),
                    "{name}"
                );
                family = name;
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, family);
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            } else {
                let (name, _) = line.split_once(['{', ' ']).unwrap();
                assert_eq!(name, family, "{line}");
                let value = line.rsplit_once(' ').unwrap().1;
                assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
            }
        }
        assert!(known.len() > 15 && text.ends_with('\n'));
    }
}
