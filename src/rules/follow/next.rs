//! What is to be done about an open pull: pure, from what was seen and what was done before.

use crate::rules::certificate::{Certificate, Why};
use crate::rules::follow::shape::{ByForge, Fate, Footing, Said, SaidId, Seen};
use crate::rules::follow::wait::Wait;
use crate::rules::ids::{CommitId, IssueNumber, SessionId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who merges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergePolicy {
    /// People.
    #[default]
    Never,
    /// We do, as soon as nothing stands against it: by the forge's auto-merge where that is on.
    Auto,
    /// The forge's merge queue.
    Queue,
}

/// How work comes into its base branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// By a merge commit.
    #[default]
    Merge,
    /// As one commit.
    Squash,
    /// Commit by commit.
    Rebase,
}

/// So long after its last change a pull that no check has reported on is not merged.
const SILENCE_MILLIS: u64 = 300_000;

/// What was done about a pull before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Rounds that an agent was paid for.
    pub rounds: u32,
    /// What was taken up already, and by which session.
    pub heard: BTreeMap<SaidId, SessionId>,
    /// Commits whose failed checks were taken up.
    pub heads: BTreeSet<CommitId>,
    /// When the base branch was last merged in.
    pub updated: Option<Timestamp>,
    /// Where its branch stood when a round came to nothing.
    pub stuck: BTreeSet<CommitId>,
    /// Did its session leave it out of what goes together? Then it has to pass on all that was merged since.
    pub was_left_out: bool,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who merges.
    pub merge: MergePolicy,
    /// Rounds that an agent is paid for, for one pull, at most.
    pub max_rounds: u32,
    /// A moved base that merges is merged in as often at most, in milliseconds.
    pub update_every_millis: u64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It was merged: what is left of it is cleaned up.
    CleanUp,
    /// A person closed it: noted, and never opened again.
    Reject,
    /// An agent works on it.
    Work {
        /// What it is told.
        said: Vec<Said>,
        /// What does not merge with the base branch.
        conflicts: Vec<String>,
    },
    /// The base branch is merged in and checked; nothing is paid.
    Update,
    /// It is merged.
    Merge,
    /// Nothing.
    Wait(Wait),
}

/// Decides.
#[must_use]
pub fn next(seen: &Seen, before: &Before, policy: Policy, now: Timestamp) -> Next {
    match seen.fate {
        Fate::Merged => return Next::CleanUp,
        Fate::Rejected => return Next::Reject,
        Fate::Open => {}
    }
    if let Some(lost) = &seen.lost {
        return Next::Wait(Wait::Rewritten(lost.clone()));
    }
    let mut said: Vec<Said> = fresh(&seen.said, before).cloned().collect();
    let failing = !seen.checks.failed.is_empty();
    // Checks that still run may fail as well: they are told together, but no person waits for them.
    if failing && seen.checks.pending.is_empty() && !before.heads.contains(&seen.head) {
        said.extend(fresh(&seen.checks.failed, before).cloned());
    }
    let conflicts = match &seen.footing {
        Footing::Conflicts(paths) if !before.stuck.contains(&seen.head) => paths.clone(),
        Footing::Conflicts(_) | Footing::Current | Footing::Behind => Vec::new(),
    };
    if !said.is_empty() || !conflicts.is_empty() {
        return if before.rounds < policy.max_rounds {
            Next::Work { said, conflicts }
        } else {
            Next::Wait(Wait::RoundsUsed(before.rounds))
        };
    }
    standing(seen, before, policy, now)
}

/// Nothing new was said: may it be merged, or what does it wait for?
fn standing(seen: &Seen, before: &Before, policy: Policy, now: Timestamp) -> Next {
    if let Footing::Conflicts(paths) = &seen.footing {
        return Next::Wait(Wait::Conflicts(paths.clone()));
    }
    let names = |said: &[Said]| said.iter().map(|said| said.by.clone()).collect();
    if !seen.checks.pending.is_empty() {
        return Next::Wait(Wait::Checks(seen.checks.pending.clone()));
    }
    if !seen.checks.failed.is_empty() {
        return Next::Wait(Wait::Failing(names(&seen.checks.failed)));
    }
    let is_due = before
        .updated
        .is_none_or(|updated| now.millis_since(updated) >= policy.update_every_millis);
    // A push would take it out of the queue, or its approval away.
    let is_handed = seen.by_forge.as_ref().is_some_and(ByForge::will_merge);
    let is_left = is_handed || seen.is_approved || policy.merge == MergePolicy::Queue;
    let is_stuck = before.stuck.contains(&seen.head);
    if seen.footing == Footing::Behind && is_due && !is_stuck && !is_left {
        return Next::Update;
    }
    if let Some(below) = seen.below {
        return Next::Wait(Wait::Below(below));
    }
    if !seen.objections.is_empty() {
        return Next::Wait(Wait::Review(seen.objections.clone()));
    }
    if seen.is_draft {
        return Next::Wait(Wait::Draft);
    }
    // What the forge threw out it would throw out again: first something has to change.
    let is_over = matches!(seen.by_forge, Some(ByForge::ThrownOut { .. }));
    if let Some(by_forge) = &seen.by_forge
        && (!is_over || policy.merge != MergePolicy::Never)
    {
        return Next::Wait(Wait::ByForge(by_forge.clone()));
    }
    // Checks of a new commit begin a while after it was pushed.
    let is_young = now.millis_since(seen.updated) < SILENCE_MILLIS;
    let is_silent = seen.checks.is_silent() && is_young;
    if !seen.checks.old.is_empty() && policy.merge != MergePolicy::Never {
        return Next::Wait(Wait::OldFailures(seen.checks.old.clone()));
    }
    match policy.merge {
        MergePolicy::Auto if before.was_left_out && seen.footing == Footing::Behind => {
            Next::Wait(Wait::Base)
        }
        MergePolicy::Auto | MergePolicy::Queue if is_silent => Next::Wait(Wait::Silence),
        MergePolicy::Never => Next::Wait(Wait::Person),
        MergePolicy::Auto | MergePolicy::Queue => Next::Merge,
    }
}

/// The order in which pulls are merged: as their sessions found that they go together, then by their numbers.
pub fn sort(seen: &mut [Seen], certificates: &[Certificate]) {
    let place = |seen: &Seen| {
        let places = certificates.iter().enumerate();
        let mut places = places.filter_map(|(session, certificate)| {
            let place = certificate
                .together
                .iter()
                .position(|it| *it == seen.issue)?;
            Some((session, place))
        });
        places.next().unwrap_or((usize::MAX, 0))
    };
    seen.sort_by_key(|seen| (place(seen), seen.pull.number));
}

/// Was the issue's work left out of what goes together, because it breaks a check?
#[must_use]
pub fn was_left_out(issue: IssueNumber, certificates: &[Certificate]) -> bool {
    let mut left_out = certificates.iter().flat_map(|it| &it.left_out);
    left_out.any(|it| it.issue == issue && matches!(it.why, Why::Breaks { .. }))
}

fn fresh<'a>(said: &'a [Said], before: &'a Before) -> impl Iterator<Item = &'a Said> {
    said.iter()
        .filter(|said| !before.heard.contains_key(&said.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::certificate::Proof;
    use crate::rules::follow::shape::{Checks, Source};
    use crate::rules::ids::PullNumber;
    use crate::rules::task::Pull;

    const NOW: Timestamp = Timestamp(10_000_000);

    fn seen() -> Seen {
        Seen {
            pull: Pull {
                number: PullNumber(7),
                url: String::new(),
                head: "autoissue/3-x".to_owned(),
                base: "main".to_owned(),
                open: true,
                body: String::new(),
            },
            issue: IssueNumber(3),
            head: CommitId::new("a".repeat(40)),
            fate: Fate::Open,
            is_draft: false,
            checks: Checks::default(),
            said: Vec::new(),
            objections: Vec::new(),
            is_approved: false,
            footing: Footing::Current,
            below: None,
            by_forge: None,
            lost: None,
            updated: Timestamp(0),
            merged_as: None,
        }
    }

    fn said(source: Source, number: u64) -> Said {
        Said {
            id: SaidId { source, number },
            thread: None,
            by: "ci".to_owned(),
            at: None,
            text: "x".to_owned(),
        }
    }

    fn policy(merge: MergePolicy) -> Policy {
        Policy {
            merge,
            max_rounds: 2,
            update_every_millis: 60_000,
        }
    }

    fn decided(change: impl Fn(&mut Seen, &mut Before), merge: MergePolicy) -> Next {
        let (mut seen, mut before) = (seen(), Before::default());
        change(&mut seen, &mut before);
        next(&seen, &before, policy(merge), NOW)
    }

    #[test]
    fn what_ended_is_cleaned_up_or_noted_whatever_else_was_said() {
        let ended = |fate| {
            decided(
                |seen, _| {
                    seen.fate = fate;
                    seen.said = vec![said(Source::Line, 1)];
                },
                MergePolicy::Auto,
            )
        };
        assert_eq!(ended(Fate::Merged), Next::CleanUp);
        assert_eq!(ended(Fate::Rejected), Next::Reject);
    }

    #[test]
    fn what_is_said_goes_to_an_agent_once() {
        let one = said(Source::Line, 1);
        let work = decided(|seen, _| seen.said = vec![one.clone()], MergePolicy::Never);
        let expected = Next::Work {
            said: vec![one.clone()],
            conflicts: Vec::new(),
        };
        assert_eq!(work, expected);
        let heard = |seen: &mut Seen, before: &mut Before| {
            seen.said = vec![one.clone()];
            before.heard.insert(one.id, SessionId::new("01K"));
        };
        assert_eq!(decided(heard, MergePolicy::Never), Next::Wait(Wait::Person));
    }

    #[test]
    fn failed_checks_wait_for_the_others_and_people_wait_for_nobody() {
        let red = |seen: &mut Seen| {
            seen.checks.failed = vec![said(Source::Check, 5)];
            seen.checks.pending = vec!["slow".to_owned()];
        };
        let waits = Next::Wait(Wait::Checks(vec!["slow".to_owned()]));
        assert_eq!(decided(|seen, _| red(seen), MergePolicy::Auto), waits);
        let both = decided(
            |seen, _| {
                red(seen);
                seen.said = vec![said(Source::Line, 1)];
            },
            MergePolicy::Auto,
        );
        let expected = Next::Work {
            said: vec![said(Source::Line, 1)],
            conflicts: Vec::new(),
        };
        assert_eq!(both, expected);
    }

    #[test]
    fn one_commit_s_failed_checks_are_paid_for_once() {
        let red = |seen: &mut Seen, before: &mut Before| {
            seen.checks.failed = vec![said(Source::Check, 6)];
            before.heads.insert(seen.head.clone());
        };
        let waits = Next::Wait(Wait::Failing(vec!["ci".to_owned()]));
        assert_eq!(decided(red, MergePolicy::Auto), waits);
    }

    #[test]
    fn rounds_have_an_end() {
        let third = |seen: &mut Seen, before: &mut Before| {
            seen.said = vec![said(Source::Comment, 3)];
            before.rounds = 2;
        };
        let waits = Next::Wait(Wait::RoundsUsed(2));
        assert_eq!(decided(third, MergePolicy::Auto), waits);
    }

    #[test]
    fn a_conflict_is_reworked_once_for_each_head() {
        let paths = vec!["a".to_owned()];
        let clash = |seen: &mut Seen| seen.footing = Footing::Conflicts(vec!["a".to_owned()]);
        let work = Next::Work {
            said: Vec::new(),
            conflicts: paths.clone(),
        };
        assert_eq!(decided(|seen, _| clash(seen), MergePolicy::Never), work);
        let again = |seen: &mut Seen, before: &mut Before| {
            clash(seen);
            before.stuck.insert(seen.head.clone());
        };
        let waits = Next::Wait(Wait::Conflicts(paths));
        assert_eq!(decided(again, MergePolicy::Auto), waits);
    }

    #[test]
    fn a_moved_base_is_merged_in_but_not_all_the_time() {
        let behind = |seen: &mut Seen| seen.footing = Footing::Behind;
        let updated = decided(|seen, _| behind(seen), MergePolicy::Never);
        assert_eq!(updated, Next::Update);
        let soon = |seen: &mut Seen, before: &mut Before| {
            behind(seen);
            before.updated = Some(Timestamp(NOW.0 - 1000));
        };
        // A busy base keeps nobody from merging.
        assert_eq!(decided(soon, MergePolicy::Auto), Next::Merge);
        assert_eq!(decided(soon, MergePolicy::Never), Next::Wait(Wait::Person));
    }

    #[test]
    fn what_broke_a_check_with_other_work_is_merged_on_top_of_it_alone() {
        let soon = |seen: &mut Seen, before: &mut Before| {
            seen.footing = Footing::Behind;
            before.updated = Some(Timestamp(NOW.0 - 1000));
            before.was_left_out = true;
        };
        assert_eq!(decided(soon, MergePolicy::Auto), Next::Wait(Wait::Base));
        let current = |_: &mut Seen, before: &mut Before| before.was_left_out = true;
        assert_eq!(decided(current, MergePolicy::Auto), Next::Merge);
    }

    #[test]
    fn what_the_forge_threw_out_is_not_handed_to_it_again_before_something_changes() {
        let thrown_out = ByForge::ThrownOut {
            reason: Some("failed checks".to_owned()),
        };
        let found = |by_forge: Option<ByForge>, merge| {
            decided(|seen, _| seen.by_forge.clone_from(&by_forge), merge)
        };
        for merge in [MergePolicy::Queue, MergePolicy::Auto] {
            let waits = Wait::ByForge(thrown_out.clone());
            assert_eq!(found(Some(thrown_out.clone()), merge), Next::Wait(waits));
            assert_eq!(found(None, merge), Next::Merge);
        }
        let never = found(Some(thrown_out), MergePolicy::Never);
        assert_eq!(never, Next::Wait(Wait::Person));
        let queued = found(Some(ByForge::Queued { position: 2 }), MergePolicy::Never);
        let Next::Wait(wait) = queued else {
            panic!("{queued:?}")
        };
        assert_eq!(wait.words(), "waits in the merge queue, position 2");
    }

    #[test]
    fn a_branch_that_was_rewritten_goes_to_a_person_whatever_was_said() {
        let lost = CommitId::new("b".repeat(40));
        let rewritten = |seen: &mut Seen, _: &mut Before| {
            seen.said = vec![said(Source::Line, 1)];
            seen.footing = Footing::Behind;
            seen.lost = Some(lost.clone());
        };
        let waits = Next::Wait(Wait::Rewritten(lost.clone()));
        assert_eq!(decided(rewritten, MergePolicy::Auto), waits);
    }

    #[test]
    fn they_are_merged_in_the_order_in_which_they_go_together() {
        let certificate = Certificate {
            base: None,
            together: vec![IssueNumber(9), IssueNumber(3)],
            left_out: Vec::new(),
            proof: Proof::Merged,
            runs: 0,
        };
        let pull = |issue, number| Seen {
            issue: IssueNumber(issue),
            pull: Pull {
                number: PullNumber(number),
                ..seen().pull
            },
            ..seen()
        };
        let mut all = vec![pull(1, 4), pull(3, 5), pull(9, 6)];
        sort(&mut all, &[certificate]);
        let numbers: Vec<u64> = all.iter().map(|seen| seen.pull.number.0).collect();
        assert_eq!(numbers, [6, 5, 4]);
    }

    #[test]
    fn only_what_nothing_stands_against_is_merged() {
        let merge = |change: fn(&mut Seen)| decided(|seen, _| change(seen), MergePolicy::Auto);
        assert_eq!(merge(|_| {}), Next::Merge);
        let waits = |change, wait| assert_eq!(merge(change), Next::Wait(wait));
        waits(|seen| seen.is_draft = true, Wait::Draft);
        waits(|seen| seen.updated = Timestamp(NOW.0 - 1000), Wait::Silence);
        let green = |seen: &mut Seen| (seen.updated, seen.checks.passed) = (NOW, 1);
        assert_eq!(merge(green), Next::Merge);
        waits(
            |seen| seen.below = Some(PullNumber(2)),
            Wait::Below(PullNumber(2)),
        );
        let armed = |seen: &mut Seen| seen.by_forge = Some(ByForge::Armed);
        waits(armed, Wait::ByForge(ByForge::Armed));
        let ann = || vec!["ann".to_owned()];
        waits(
            |seen| seen.objections = vec!["ann".to_owned()],
            Wait::Review(ann()),
        );
    }
}
