//! Which domain does an issue belong to, how sure is that, and why?

use serde::{Deserialize, Serialize};

/// The part of a project that an issue is about.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// APIs, services, business logic.
    Backend,
    /// Components, pages, styling.
    Frontend,
    /// Schemas, migrations, queries.
    Database,
    /// Build, deployment, CI.
    Infrastructure,
    /// Authentication, permissions, vulnerabilities.
    Security,
    /// Test suites and fixtures.
    Testing,
    /// Docs, comments, guides.
    Documentation,
    /// Nothing says.
    #[default]
    Unknown,
}

/// An issue's domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// The domain.
    pub domain: Domain,
    /// From 0 (unknown) to 1 (its title says so).
    pub confidence: f64,
    /// What spoke for it, the strongest first.
    pub reasons: Vec<String>,
}
