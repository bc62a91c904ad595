//! What past work says: which of it reads like a text, which files move together, which change often.

use crate::adapters::knowledge::index::{HALF_LIFE, Index, Outcome, counted, limit, turns};
use crate::rules::footprint::pile::Pile;
use crate::rules::footprint::words::unique_terms;
use crate::rules::footprint::{Evidence, friction, measure};
use rusqlite::{OptionalExtension as _, params};
use std::collections::{BTreeMap, HashMap};

/// The rarest words of a text are looked for in past work, so many of them.
const QUERY_MAX: usize = 40;
/// A word of more than this share of all work says nothing.
const EVERYWHERE: f64 = 0.5;
/// So much of the past work that reads most like the text counts.
const WORKS: usize = 50;
/// So many changes of a file, the latest, tell what changes with it.
const TOUCHES: usize = 3000;

/// A past work that reads like a text.
struct Like {
    work: i64,
    turn: i64,
    files: usize,
    score: f64,
}

impl Index {
    /// Files of past work that reads like the text.
    pub(super) fn add_similar(&self, text: &str, pile: &mut Pile) -> Outcome<()> {
        let works = self.works()?;
        let (query, most) = self.rare_terms(text)?;
        if query.is_empty() {
            return Ok(());
        }
        let mut strengths: BTreeMap<String, f64> = BTreeMap::new();
        let mut best_likeness: f64 = 0.0;
        for like in self.likes(&query)? {
            let likeness = (like.score / most).clamp(0.0, 1.0);
            best_likeness = best_likeness.max(likeness);
            let strength = measure::like(likeness, turns(self.turn - like.turn), like.files);
            for path in self.touched(like.work)? {
                *strengths.entry(path).or_default() += strength;
            }
        }
        let best = strengths.values().copied().fold(0.0, f64::max);
        for (path, strength) in strengths {
            pile.add(
                &path,
                Evidence::SimilarWork,
                measure::similar(strength / best, best_likeness, turns(works)),
            );
        }
        Ok(())
    }

    /// The rarest words of the text as a query, and the score of a work of average length that holds them all: the sum
    /// of their weights, `ln((N - n + 0.5) / (n + 0.5))` as in SQLite's bm25.
    pub(super) fn rare_terms(&self, text: &str) -> Outcome<(String, f64)> {
        let works = self.works()?;
        let mut known: Vec<(i64, String)> = Vec::new();
        for term in unique_terms(&without_trailers(text)) {
            let is_rare = |count: &i64| turns(*count) <= (turns(works) * EVERYWHERE).max(3.0);
            if let Some(holding) = self.holding(&term)?.filter(is_rare) {
                known.push((holding, term));
            }
        }
        known.sort();
        known.truncate(QUERY_MAX);
        let weight = |(holding, _): &(i64, String)| {
            ((turns(works - holding) + 0.5) / (turns(*holding) + 0.5))
                .ln()
                .max(1e-6)
        };
        let most = known.iter().map(weight).sum();
        let terms: Vec<String> = known
            .into_iter()
            .map(|(_, term)| format!("\"{term}\""))
            .collect();
        Ok((terms.join(" OR "), most))
    }

    fn likes(&self, query: &str) -> Outcome<Vec<Like>> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, turn, size, -score FROM
                 (SELECT rowid AS found, rank AS score FROM messages WHERE messages MATCH ?1 ORDER BY rank LIMIT ?2)
             JOIN works ON id = found ORDER BY score, id",
        )?;
        let rows = statement.query_map(params![query, limit(WORKS)], |row| {
            Ok(Like {
                work: row.get(0)?,
                turn: row.get(1)?,
                files: counted(row, 2)?,
                score: row.get(3)?,
            })
        })?;
        rows.collect()
    }

    /// The files of a past work that are still there, where they are now.
    fn touched(&self, work: i64) -> Outcome<Vec<String>> {
        let mut statement = self.db.prepare_cached(
            "SELECT path FROM touches JOIN files ON id = file WHERE work = ? AND present",
        )?;
        statement.query_map([work], |row| row.get(0))?.collect()
    }

    /// Files that change where these do, each of which is touched with a probability.
    pub(super) fn add_together(&self, seeds: &[(String, f64)], pile: &mut Pile) -> Outcome<()> {
        let mut strengths: HashMap<i64, f64> = HashMap::new();
        for (path, probability) in seeds {
            for (file, chance) in self.together(path)? {
                let known = strengths.entry(file).or_default();
                *known = measure::either(*known, probability * chance);
            }
        }
        for (file, strength) in strengths {
            let path: Option<String> = self
                .db
                .prepare_cached("SELECT path FROM files WHERE id = ? AND present")?
                .query_row([file], |row| row.get(0))
                .optional()?;
            if let Some(path) = path {
                pile.add(&path, Evidence::CoChange, strength);
            }
        }
        Ok(())
    }

    /// Files that changed where this one did, and the chance that they do.
    fn together(&self, path: &str) -> Outcome<HashMap<i64, f64>> {
        let mut statement = self.db.prepare_cached(
            "SELECT other.file, works.turn, other.file = own.file
             FROM files JOIN touches AS own ON own.file = files.id
             JOIN works ON works.id = own.work AND NOT works.is_merge
             JOIN touches AS other ON other.work = own.work
             WHERE files.path = ?1 ORDER BY own.work DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![path, limit(TOUCHES)], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, bool>(2)?,
            ))
        })?;
        let mut both: HashMap<i64, f64> = HashMap::new();
        let mut all = 0.0;
        for row in rows {
            let (file, turn, is_own) = row?;
            let counts = measure::together_decay(turns(self.turn - turn));
            if is_own {
                all += counts;
            } else {
                *both.entry(file).or_default() += counts;
            }
        }
        for chance in both.values_mut() {
            *chance = measure::together(*chance, all);
        }
        Ok(both)
    }

    /// The chance that two changes to this file conflict, by its name and by how past merges went.
    pub(super) fn friction(&self, path: &str) -> Outcome<f64> {
        let met = self
            .db
            .prepare_cached(
                "SELECT both, conflicts FROM meetings JOIN files ON id = file WHERE path = ?",
            )?
            .query_row([path], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (both, conflicts): (i64, i64) = met.unwrap_or((0, 0));
        Ok(measure::friction(
            friction(path),
            turns(both),
            turns(conflicts),
        ))
    }

    /// The files that change most often.
    pub(super) fn hottest(&self, most: usize) -> Outcome<Vec<String>> {
        let mut statement = self.db.prepare_cached(
            "SELECT path FROM files WHERE present AND heat IS NOT NULL ORDER BY heat DESC, path LIMIT ?",
        )?;
        statement
            .query_map([limit(most)], |row| row.get(0))?
            .collect()
    }

    /// How strong it is that this file changes as often as it does.
    pub(super) fn base_rate(&self, path: &str) -> Outcome<f64> {
        let heat: Option<Option<f64>> = self
            .db
            .prepare_cached("SELECT heat FROM files WHERE path = ?")?
            .query_row([path], |row| row.get(0))
            .optional()?;
        let now = turns(self.turn) / HALF_LIFE;
        let changes = heat.flatten().map_or(0.0, |heat| (heat - now).exp2());
        // As many commits as a file has changes that is in each of them.
        let all = (1.0 - (-now).exp2()) / (1.0 - (-1.0 / HALF_LIFE).exp2());
        Ok(measure::base_rate(changes, all))
    }
}

/// Commit messages end in lines such as `Signed-off-by: A`, which say who and not what.
pub(super) fn without_trailers(text: &str) -> String {
    let is_trailer = |line: &str| {
        let key = line.split(':').next().unwrap_or_default();
        key.len() < line.len() && key.to_ascii_lowercase().ends_with("-by")
    };
    text.lines()
        .filter(|line| !is_trailer(line))
        .collect::<Vec<_>>()
        .join("\n")
}
