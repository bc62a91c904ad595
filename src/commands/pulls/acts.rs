//! What a watch does about a pull that needs no session: merging, cleaning up, noting.

use crate::commands::place::Place;
use crate::commands::pulls::round::Work;
use crate::commands::pulls::show::Shown;
use crate::commands::pulls::watch::{Trouble, Watch};
use crate::engine::ending::CleanUp;
use crate::error::Error;
use crate::ports::{Merging, Pulls as _};
use crate::rules::certificate::Certificate;
use crate::rules::follow::next::{Before, MergePolicy, Next, Policy, was_left_out};
use crate::rules::follow::shape::{ByForge, Fate, Seen};
use crate::rules::follow::wait::Wait;
use crate::rules::ids::{IssueNumber, PullNumber, SessionId, Timestamp};
use crate::rules::money::Usd;
use crate::rules::settings::Settings;
use std::collections::BTreeMap;

/// What became of pulls, as far as it was noted, with their issues.
pub type Fates = BTreeMap<PullNumber, (IssueNumber, Fate)>;

/// So long a pull that another machine works on is left alone.
const ELSEWHERE_MILLIS: u64 = 300_000;

/// Now, by the wall clock.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_millis())
}

/// What an open pull waits for whatever was said of it: a session that works on its issue, or a newer pull for that.
#[must_use]
pub fn held(one: &Seen, seen: &[Seen], claimed: &BTreeMap<IssueNumber, SessionId>) -> Option<Wait> {
    if one.fate != Fate::Open {
        return None;
    }
    if let Some(session) = claimed.get(&one.issue) {
        return Some(Wait::Session(session.clone()));
    }
    let of_issue = seen
        .iter()
        .filter(|other| other.fate == Fate::Open && other.issue == one.issue);
    let newest = of_issue.map(|other| other.pull.number).max();
    newest
        .filter(|newest| *newest > one.pull.number)
        .map(Wait::Newer)
}

impl Watch<'_> {
    /// What is decided by.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let config = &self.wiring.loaded.config;
        config.watch.policy(config.merge.policy)
    }

    /// What was done about a pull before, and what its session found out of it; one that is new, or open again, is noted.
    pub fn known(
        &self,
        seen: &Seen,
        fates: &Fates,
        certificates: &[Certificate],
    ) -> Result<Before, Error> {
        let key = self.wiring.project_key();
        let number = seen.pull.number;
        let noted = fates.get(&number).map(|(_, fate)| *fate);
        if seen.fate == Fate::Open && noted != Some(Fate::Open) {
            self.note(seen, Fate::Open)?;
        }
        let mut before = self.store.before(&key, number)?;
        before.was_left_out = was_left_out(seen.issue, certificates);
        Ok(before)
    }

    /// Was it worked on elsewhere a while ago? It is left alone for some minutes.
    #[must_use]
    pub fn is_elsewhere(&self, number: PullNumber) -> bool {
        let since = self.elsewhere.get(&number);
        since.is_some_and(|since| now().millis_since(*since) < ELSEWHERE_MILLIS)
    }

    /// Does what was decided, as far as no session is needed; says whether a pull was merged.
    pub async fn act(
        &mut self,
        one: &Seen,
        seen: &[Seen],
        next: &Next,
        shown: &mut Shown,
    ) -> Result<bool, Trouble> {
        let armed = ByForge::Armed;
        let is_armed = one.by_forge.as_ref() == Some(&armed);
        let is_left = *next == Next::Wait(Wait::ByForge(armed));
        let is_ours = self.policy().merge == MergePolicy::Auto && one.fate == Fate::Open;
        if is_armed && is_ours && !is_left {
            // What was said since comes first.
            self.github.disarm(one.pull.number).await?;
        }
        match next {
            Next::CleanUp => self.clean_up(one, seen).await.map(|()| false),
            Next::Reject => {
                self.note(one, Fate::Rejected)?;
                Ok(false)
            }
            Next::Merge => self.merge(one, shown).await,
            Next::Work { .. } | Next::Update | Next::Wait(_) => Ok(false),
        }
    }

    async fn clean_up(&self, merged: &Seen, seen: &[Seen]) -> Result<(), Trouble> {
        let settings = self.wiring.settings(None, None);
        let clean_up = CleanUp {
            forge: self.github.as_ref(),
            pulls: self.github.as_ref(),
            repository: self.repository.as_ref(),
            labels: &settings.labels,
            base: &settings.base_branch,
        };
        if clean_up.run(merged, seen).await? {
            self.note(merged, Fate::Merged)?;
        }
        Ok(())
    }

    fn note(&self, seen: &Seen, fate: Fate) -> Result<(), Error> {
        let about = (seen.pull.number, seen.issue);
        let key = self.wiring.project_key();
        self.store.note_fate(&key, about, fate)?;
        if let Some(landed) = seen.landed() {
            self.store.note_landed(&key, seen.pull.number, &landed)?;
        }
        Ok(())
    }

    /// Merges it as it was seen; says whether it is merged now.
    async fn merge(&mut self, seen: &Seen, shown: &mut Shown) -> Result<bool, Trouble> {
        let number = seen.pull.number;
        if self.refused.get(&number) == Some(seen) {
            return Ok(false);
        }
        let how = (self.policy().merge, self.wiring.loaded.config.merge.method);
        let merging = self.github.merge(number, &seen.head, how).await?;
        shown.merging(self.place, seen, &merging)?;
        match merging {
            Merging::Done => return Ok(true),
            Merging::NotYet(_) => drop(self.refused.insert(number, seen.clone())),
            Merging::Queued => {}
        }
        Ok(false)
    }

    /// What may be spent, by this watch and today.
    pub fn purse(&self) -> Result<Purse, Error> {
        let settings = self.wiring.settings(None, None);
        let mut left = self.left;
        if let Some(ceiling) = settings.daily_ceiling {
            let today = self.store.spent_on(now().day())?;
            left = left.min(ceiling.minus(today));
        }
        Ok(Purse { left, settings })
    }
}

/// What may be spent still.
pub struct Purse {
    left: Usd,
    settings: Settings,
}

impl Purse {
    /// Where the money does not reach for one more attempt, only what costs nothing is done.
    pub fn keep(
        &self,
        works: &mut Vec<Work>,
        shown: &mut Shown,
        place: &Place,
    ) -> Result<(), Error> {
        let attempt = self.settings.cap + self.settings.slack(Usd::ZERO);
        if attempt <= self.left || works.is_empty() {
            return Ok(());
        }
        works.retain(|work| !work.is_paid());
        for work in works.iter_mut() {
            work.may_pay = false;
        }
        shown.unaffordable(place, self.left)
    }
}
