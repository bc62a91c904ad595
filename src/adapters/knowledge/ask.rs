//! What the index says of an issue: evidence for files.

use crate::adapters::knowledge::index::{Index, Outcome, limit};
use crate::rules::classify::Domain;
use crate::rules::footprint::area::{BY_DOMAIN, labelled, ruled};
use crate::rules::footprint::measure::{self, Holding};
use crate::rules::footprint::model::Weights;
use crate::rules::footprint::names::{Look, names_in_text};
use crate::rules::footprint::pile::Pile;
use crate::rules::footprint::words::unique_terms;
use crate::rules::footprint::{Evidence, read};
use crate::rules::issue::Issue;
use crate::rules::layout::domain_of_path;
use crate::rules::markdown::visible;
use crate::rules::own::Classification;
use std::collections::BTreeMap;

/// Of a longer text no more is read.
const TEXT_MAX: usize = 20_000;
/// The files that change most often are thought of for every issue.
const HOT: usize = 30;
/// So many files, the likeliest ones so far, are asked what else changes with them.
const SEEDS: usize = 6;
const SEED_LEAST: f64 = 0.1;

impl Index {
    /// All evidence for this issue.
    pub(super) fn evidence(
        &self,
        issue: &Issue,
        domain: Domain,
        weights: &Weights,
        own: &Classification,
    ) -> Outcome<Pile> {
        let mut pile = Pile::default();
        let text = text(issue);
        read::read(issue, &self.tree, &mut pile);
        self.add_symbols(&text, &mut pile)?;
        for (path, strength) in self.words.sharing(&unique_terms(&text)) {
            pile.add(&path, Evidence::PathWords, strength);
        }
        let mut areas = labelled(&issue.labels, &self.tree, &self.owners()?);
        areas.extend(ruled(&issue.labels, &self.tree, own));
        for (path, strength) in areas {
            pile.add(&path, Evidence::Area, strength);
        }
        self.add_similar(&text, &mut pile)?;
        for path in self.hottest(HOT)? {
            pile.add(&path, Evidence::BaseRate, self.base_rate(&path)?);
        }
        let seeds = seeds(&pile, weights);
        self.add_together(&seeds, &mut pile)?;
        self.complete(domain, own, &mut pile)?;
        Ok(pile)
    }

    /// What holds of any file is asked only of those that something else speaks for.
    fn complete(&self, domain: Domain, own: &Classification, pile: &mut Pile) -> Outcome<()> {
        let paths: Vec<String> = pile.files().map(|(path, _)| path.to_owned()).collect();
        for path in paths {
            pile.add(&path, Evidence::BaseRate, self.base_rate(&path)?);
            let home = own.of_path(&path).or_else(|| domain_of_path(&path));
            if domain != Domain::Unknown && home == Some(domain) {
                pile.add(&path, Evidence::Area, BY_DOMAIN);
            }
        }
        Ok(())
    }

    fn add_symbols(&self, text: &str, pile: &mut Pile) -> Outcome<()> {
        let mut strengths: BTreeMap<String, f64> = BTreeMap::new();
        for (name, look) in names_in_text(text) {
            self.add_holders(&name, look, Holding::Defines, &mut strengths)?;
            self.add_holders(&name, look, Holding::Uses, &mut strengths)?;
        }
        for (path, strength) in strengths {
            pile.add(&path, Evidence::Symbol, strength);
        }
        Ok(())
    }

    fn add_holders(
        &self,
        name: &str,
        look: Look,
        holding: Holding,
        strengths: &mut BTreeMap<String, f64>,
    ) -> Outcome<()> {
        let (column, most) = match holding {
            Holding::Defines => ("defined", measure::DEFINERS_MAX),
            Holding::Uses => ("used", measure::USERS_MAX),
        };
        let paths = self.holders(&format!("{column} : \"{name}\""), most + 1)?;
        for path in &paths {
            let strength = measure::symbol(look, holding, paths.len());
            let known = strengths.entry(path.clone()).or_default();
            *known = measure::either(*known, strength);
        }
        Ok(())
    }

    fn holders(&self, query: &str, most: usize) -> Outcome<Vec<String>> {
        let mut statement = self.db.prepare_cached(
            "SELECT path FROM names JOIN files ON id = names.rowid WHERE names MATCH ?1 AND present LIMIT ?2",
        )?;
        let rows = statement.query_map(rusqlite::params![query, limit(most)], |row| row.get(0))?;
        rows.collect()
    }
}

/// Title and body as far as they show and are not endless.
fn text(issue: &Issue) -> String {
    let mut text = format!("{}\n{}", issue.title, visible(&issue.body));
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}

/// The likeliest files so far and how likely they are.
fn seeds(pile: &Pile, weights: &Weights) -> Vec<(String, f64)> {
    let mut seeds: Vec<(String, f64)> = pile
        .files()
        .map(|(path, strengths)| (path.to_owned(), weights.probability(strengths)))
        .filter(|(_, probability)| *probability >= SEED_LEAST)
        .collect();
    seeds.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    seeds.truncate(SEEDS);
    seeds
}
