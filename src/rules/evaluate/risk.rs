//! What a mistake would cost.

use crate::rules::evaluate::graded::{Factor, Graded, REASONS_MAX};
use crate::rules::evaluate::score::Score;
use crate::rules::evaluate::signs::Signs;
use crate::rules::evaluate::weights::Risk;
use crate::rules::printable::clip;

/// What a mistake would cost.
#[must_use]
pub fn risk(signs: &Signs<'_>, rules: &Risk) -> Graded {
    let mut factors = Vec::new();
    for area in &rules.areas {
        let mut found = Vec::new();
        found.extend(
            signs
                .label(&area.labels)
                .map(|label| format!("label \"{}\"", clip(label, 40))),
        );
        let domain = signs.known.domain.domain;
        found.extend(
            area.domains
                .contains(&domain)
                .then(|| format!("domain {}", domain.word())),
        );
        let paths = signs
            .paths()
            .filter(|path| area.paths.iter().any(|pattern| pattern.means(path)));
        found.extend(paths.map(|path| clip(path, 80)));
        found.extend(
            signs
                .text
                .said(&area.words)
                .map(|phrase| format!("\"{}\"", phrase.as_str())),
        );
        found.truncate(REASONS_MAX);
        factors.push(touched(&area.name, area.weight, found));
    }
    let unowned = signs.known.unowned.iter().take(REASONS_MAX);
    let unowned = unowned.map(|path| clip(path, 80)).collect();
    factors.push(touched("unowned files", rules.unowned, unowned));
    Graded::chance(factors, rules.levels)
}

fn touched(name: &str, weight: Score, because: Vec<String>) -> Factor {
    let value = if because.is_empty() {
        Score::ZERO
    } else {
        Score::ONE
    };
    Factor {
        name: name.to_owned(),
        value,
        weight,
        because,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::classify::Domain;
    use crate::rules::evaluate::evaluation::tests::{Case, score};
    use crate::rules::evaluate::score::Level;

    fn check(case: &Case, areas: &[&str], whole: u8, level: Level) {
        let found = case.evaluate();
        assert_eq!(found.care().collect::<Vec<_>>(), areas, "{case:?}");
        assert_eq!(
            (found.risk.score, found.risk.level),
            (score(whole), level),
            "{case:?}"
        );
    }

    #[test]
    fn each_area_is_found_and_weighed() {
        check(&Case::new("Say it", ""), &[], 0, Level::Low);
        check(
            &Case::new("An author's page", "See src/author.rs"),
            &[],
            0,
            Level::Low,
        );
        check(
            &Case::new("Check permissions", ""),
            &["security"],
            70,
            Level::High,
        );
        check(&Case::new("Migrate it", ""), &["data"], 50, Level::Medium);
        check(
            &Case::new("Say it", "In db/migrations/1.sql"),
            &["data"],
            50,
            Level::Medium,
        );
        check(
            &Case::new("Deploy it", ""),
            &["infrastructure"],
            40,
            Level::Medium,
        );
        check(
            &Case::new("A breaking change", ""),
            &["breaking change"],
            70,
            Level::High,
        );
        check(
            &Case::new("Say it", "").labelled(&["breaking-change"]),
            &["breaking change"],
            70,
            Level::High,
        );
        check(
            &Case::new("Say it", "In src/billing/sum.rs"),
            &["sensitive paths"],
            50,
            Level::Medium,
        );
        let database = Case {
            domain: Domain::Database,
            ..Case::new("Deploy it", "")
        };
        check(&database, &["data", "infrastructure"], 70, Level::High);
    }

    #[test]
    fn files_without_an_owner_count_a_little() {
        let case = Case {
            unowned: vec!["src/a.rs".to_owned()],
            ..Case::new("Say it", "")
        };
        check(&case, &["unowned files"], 20, Level::Low);
    }
}
