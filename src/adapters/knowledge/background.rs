//! What the index says of an issue beside its files: past work that reads like it, and which files nobody owns.

use crate::adapters::knowledge::index::{Index, Outcome, limit, turns};
use crate::rules::evaluate::background::Background;
use crate::rules::evaluate::likeness::{Weighed, rarity, usual_length};
use crate::rules::evaluate::signs::LIKELY;
use crate::rules::evaluate::similar::{Resolved, precedents};
use crate::rules::footprint::Footprint;
use crate::rules::footprint::area::Owners;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::Issue;
use rusqlite::{OptionalExtension as _, params};

/// So much of the past work that reads most like a title is compared with it.
const WORKS: usize = 50;

impl Index {
    /// What an issue's evaluation rests on. Our own record knows how an agent fared, so it counts before a commit does.
    pub(super) fn background(
        &self,
        issue: &Issue,
        footprint: &Footprint,
        record: &[Resolved],
    ) -> Outcome<Background> {
        let mut resolved = self.resolved_like(&issue.title)?;
        resolved.extend_from_slice(record);
        let title = self.weighed(&issue.title, &resolved)?;
        Ok(Background {
            precedents: precedents(issue.number, &title, &resolved),
            unowned: self.unowned(footprint)?,
        })
    }

    /// Who owns which file, by the first such file that is there.
    pub(super) fn owners(&self) -> Outcome<Owners> {
        let mut places = Owners::PLACES.into_iter();
        let Some(place) = places.find(|place| self.tree.contains(place)) else {
            return Ok(Owners::default());
        };
        let text = self.about(&format!("owners {place}"))?;
        Ok(text.map(|text| Owners::read(&text)).unwrap_or_default())
    }

    /// Keeps the text of a file that says who owns what.
    pub(super) fn note_owners(&self, path: &str, content: &[u8]) -> Outcome<()> {
        if Owners::PLACES.contains(&path) {
            self.note(&format!("owners {path}"), &String::from_utf8_lossy(content))?;
        }
        Ok(())
    }

    /// The likely files that no rule gives to anybody.
    fn unowned(&self, footprint: &Footprint) -> Outcome<Vec<String>> {
        let owners = self.owners()?;
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let likely = footprint.by_probability().into_iter();
        let likely = likely.filter(|file| file.probability >= LIKELY);
        let files = likely.filter(|file| !file.path.ends_with('/'));
        let unowned = files.filter(|file| owners.of(&file.path).is_empty());
        Ok(unowned.map(|file| file.path.clone()).collect())
    }

    /// Commits that name what they resolved, those that read most like the title.
    fn resolved_like(&self, title: &str) -> Outcome<Vec<Resolved>> {
        let (query, _) = self.rare_terms(title)?;
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.db.prepare_cached(
            "SELECT issue, title FROM messages JOIN works ON works.id = messages.rowid
             WHERE messages MATCH ?1 AND issue IS NOT NULL ORDER BY rank LIMIT ?2",
        )?;
        let rows = statement.query_map(params![query, limit(WORKS)], |row| {
            Ok(Resolved {
                issue: IssueNumber(row.get::<_, i64>(0)?.cast_unsigned()),
                title: row.get(1)?,
                succeeded: true,
            })
        })?;
        rows.collect()
    }

    /// The title with its words weighed by how few of the past works have them.
    fn weighed(&self, title: &str, resolved: &[Resolved]) -> Outcome<Weighed> {
        let all = turns(self.works()?);
        let mut title = Weighed::new(title, usual_length(resolved));
        for (word, weight) in title.weights() {
            *weight = rarity(turns(self.holding(word)?.unwrap_or(0)), all);
        }
        Ok(title)
    }

    /// How many works were learned.
    pub(super) fn works(&self) -> Outcome<i64> {
        self.db
            .prepare_cached("SELECT count(*) FROM works")?
            .query_row([], |row| row.get(0))
    }

    /// How many works have this word; nothing where none has.
    pub(super) fn holding(&self, term: &str) -> Outcome<Option<i64>> {
        self.db
            .prepare_cached("SELECT doc FROM message_terms WHERE term = ?")?
            .query_row([term], |row| row.get(0))
            .optional()
    }
}
