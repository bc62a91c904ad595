//! The page of figures over all sessions.

use crate::adapters::store::figures::Figures;
use crate::adapters::store::worked::Worked;
use crate::reporters::table::thousands;
use crate::reporters::time::human;
use crate::reporters::words::spoken;
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::rules::summary::Group;
use askama::Template;

/// A row of a table.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) tasks: String,
    pub(super) completed: String,
    pub(super) percent: u64,
    pub(super) attempts: String,
    pub(super) cost: Usd,
    pub(super) each: String,
}

/// What all sessions came to.
#[derive(Debug, Template)]
#[template(path = "figures.html")]
pub(super) struct FiguresPage {
    pub(super) title: String,
    pub(super) sessions: String,
    pub(super) spent: Usd,
    pub(super) reserved: Usd,
    pub(super) pulls: String,
    pub(super) endings: Vec<(String, String)>,
    pub(super) tables: [(&'static str, Vec<Line>); 2],
}

impl FiguresPage {
    pub(super) fn new(figures: &Figures) -> Self {
        let ending = |(word, count): &(String, u64)| (spoken(word), thousands(*count));
        Self {
            title: "Metrics".to_owned(),
            sessions: thousands(figures.sessions),
            spent: figures.spent,
            reserved: figures.granted,
            pulls: thousands(figures.code.pulls),
            endings: figures.endings.iter().map(ending).collect(),
            tables: [
                ("By domain", figures.domains.iter().map(by_group).collect()),
                (
                    "By agent and model",
                    figures.agents.iter().map(by_agent).collect(),
                ),
            ],
        }
    }
}

fn by_group(group: &Group) -> Line {
    Line {
        name: printable(&group.name),
        tasks: thousands(group.tasks),
        completed: thousands(group.completed),
        percent: (group.completed * 100)
            .checked_div(group.tasks)
            .unwrap_or(0),
        attempts: thousands(group.attempts),
        cost: group.cost,
        each: String::new(),
    }
}

fn by_agent(worked: &Worked) -> Line {
    Line {
        name: printable(&format!("{}, {}", worked.agent, worked.model)),
        tasks: thousands(worked.tasks),
        completed: thousands(worked.completed),
        percent: worked.success_percent().unwrap_or(0),
        attempts: thousands(worked.attempts),
        cost: worked.cost,
        each: human(worked.millis / worked.attempts.max(1)),
    }
}
