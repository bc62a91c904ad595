//! A user's own words for pulls and commits.

use crate::rules::issue::Issue;
use crate::rules::neutral::neutralise;
use crate::rules::offer::title::title;
use crate::rules::printable::clip;
use crate::rules::task::Task;
use crate::rules::template::environment;
use minijinja::{Value, context};

/// The built-in template for a pull's description.
pub const PULL: &str = include_str!("pull.jinja");
/// The longest title that a template sees.
const TITLE_MAX: usize = 250;
const LABEL_MAX: usize = 100;

/// Templates; what is not there is as built in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Of a pull's title.
    pub title: Option<String>,
    /// Of its description.
    pub body: Option<String>,
    /// Of a commit's message.
    pub commit: Option<String>,
}

/// What a template for titles and commits may use.
pub const TITLE_VARIABLES: [&str; 8] = [
    "issue.number",
    "issue.title",
    "issue.labels",
    "issue.url",
    "domain",
    "kind",
    "branch",
    "summary",
];

/// What a template for descriptions may use besides.
pub const BODY_VARIABLES: [&str; 13] = [
    "closes",
    "stands_on",
    "size",
    "checks",
    "changes",
    "evaluation",
    "effort",
    "base",
    "session",
    "agent",
    "model",
    "attempts",
    "cost",
];

/// What templates for titles and commits see: text that does nothing on a forge; empty where nothing is known.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The issue.
    pub issue: NamedIssue,
    /// One word.
    pub domain: &'static str,
    /// What the issue is: `bug`, `feature`, ...
    pub kind: &'static str,
    /// The branch that holds the work.
    pub branch: String,
    /// What the agent said.
    pub summary: String,
}

/// What they see of the issue.
#[derive(Clone, Debug, Default)]
pub struct NamedIssue {
    /// Its number.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Their names.
    pub labels: Vec<String>,
    /// Its page.
    pub url: String,
}

/// What templates for descriptions see.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The issue.
    pub issue: NamedIssue,
    /// One word.
    pub domain: &'static str,
    /// What the issue is: `bug`, `feature`, ...
    pub kind: &'static str,
    /// The branch that holds the work.
    pub branch: String,
    /// The sections.
    pub sections: Sections,
    /// The branch that the pull is for.
    pub base: String,
    /// The session.
    pub session: String,
    /// The agent's kind.
    pub agent: String,
    /// Its model.
    pub model: String,
    /// Attempts so far.
    pub attempts: u32,
    /// What they cost.
    pub cost: String,
}

/// The parts of a pull's description, without headings.
#[derive(Clone, Debug, Default)]
pub struct Sections {
    /// `Closes #12`, or `Refs #12` where that would close nothing.
    pub closes: String,
    /// Whose unmerged work it stands on.
    pub stands_on: String,
    /// That it is too large, and how it could be split.
    pub size: String,
    /// What the agent said, as a quote.
    pub summary: String,
    /// What the checks said.
    pub checks: String,
    /// Files and lines.
    pub changes: String,
    /// What was made of the issue.
    pub evaluation: String,
    /// What it took.
    pub effort: String,
}

impl Named {
    /// What is known of a task, and what its agent said.
    #[must_use]
    pub fn of(task: &Task, branch: &str, summary: String) -> Self {
        let kind = task.evaluation.as_ref().map(|found| found.kind.word());
        Self {
            issue: NamedIssue::of(&task.issue, title(task, TITLE_MAX)),
            domain: task.domain.domain.word(),
            kind: kind.unwrap_or_default(),
            branch: branch.to_owned(),
            summary,
        }
    }
}

impl NamedIssue {
    fn value(&self) -> Value {
        context! { number => self.number, title => &self.title, labels => self.labels.clone(), url => &self.url }
    }

    fn of(issue: &Issue, title: String) -> Self {
        let labels = issue.labels.iter();
        Self {
            number: issue.number.0,
            title,
            labels: labels
                .map(|label| neutralise(&clip(label, LABEL_MAX)))
                .collect(),
            url: issue
                .url
                .as_deref()
                .map(|url| clip(url, 500))
                .unwrap_or_default(),
        }
    }
}

/// What a template may be told.
pub trait Told {
    /// As the template sees it.
    fn values(&self) -> Value;
}

impl Told for Named {
    fn values(&self) -> Value {
        context! {
            issue => self.issue.value(),
            domain => self.domain,
            kind => self.kind,
            branch => &self.branch,
            summary => &self.summary,
        }
    }
}

impl Told for Described {
    fn values(&self) -> Value {
        let parts = &self.sections;
        context! {
            issue => self.issue.value(),
            domain => self.domain,
            kind => self.kind,
            branch => &self.branch,
            closes => &parts.closes,
            stands_on => &parts.stands_on,
            size => &parts.size,
            summary => &parts.summary,
            checks => &parts.checks,
            changes => &parts.changes,
            evaluation => &parts.evaluation,
            effort => &parts.effort,
            base => &self.base,
            session => &self.session,
            agent => &self.agent,
            model => &self.model,
            attempts => self.attempts,
            cost => &self.cost,
        }
    }
}

/// The words that a template makes of this.
///
/// # Errors
/// When it uses what does not exist, or never ends.
pub fn render(template: &str, told: &impl Told) -> Result<String, minijinja::Error> {
    environment().render_named_str("template", template, told.values())
}
