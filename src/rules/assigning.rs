//! Who an issue is assigned to: to us while we work on it, to people once it is theirs.

use crate::rules::offer::comment::Stand;
use crate::rules::task::Ending;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who is assigned to an issue that is worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Assign {
    /// Whoever was assigned before.
    #[default]
    Never,
    /// The account that works on it, and people once it is theirs.
    #[serde(rename = "self")]
    Ourselves,
}

/// What the configuration says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigning {
    /// Who.
    pub assign: Assign,
    /// Whose it is when it is a person's; without them it is whoever put the label on.
    pub people: Vec<String>,
}

/// Whose the issue is by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ours: the work goes on.
    Ours,
    /// A person's.
    Theirs,
    /// Nobody's: the work has ended without anything to look at.
    Nobodys,
    /// Done: it stays as it is.
    Done,
}

/// Whose an issue is where the work on it stands there, and has ended like this.
#[must_use]
pub fn turn(stand: Stand, ending: Option<Ending>) -> Turn {
    match (stand, ending) {
        (Stand::Working { .. }, _) => Turn::Ours,
        (Stand::Unapproved | Stand::Asking { .. }, _)
        | (Stand::Ended, Some(Ending::NeedsHuman)) => Turn::Theirs,
        (Stand::Ended, Some(Ending::Completed)) => Turn::Done,
        (
            Stand::Ended,
            Some(
                Ending::NoChange
                | Ending::Failed
                | Ending::Blocked
                | Ending::Skipped
                | Ending::Budget,
            )
            | None,
        ) => Turn::Nobodys,
    }
}

/// Who is put on an issue, and who is taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Logins.
    pub on: Vec<String>,
    /// Logins.
    pub off: Vec<String>,
}

/// Those who have something to do with it.
#[derive(Clone, Copy, Debug)]
pub struct Hands<'a> {
    /// The account that we act as.
    pub ours: &'a str,
    /// Whose it is when it is a person's.
    pub people: &'a [String],
    /// Who was assigned before we began: they stay.
    pub before: &'a [String],
    /// Who is assigned now.
    pub now: &'a [String],
}

/// What makes the issue theirs whose turn it is.
#[must_use]
pub fn moves(turn: Turn, hands: &Hands<'_>) -> Moves {
    let ours = [hands.ours.to_owned()];
    let (wanted, gone): (&[String], &[String]) = match turn {
        Turn::Ours => (&ours, hands.people),
        Turn::Theirs => (hands.people, &ours),
        Turn::Nobodys => (&[], &ours),
        Turn::Done => (&[], &[]),
    };
    let holds = |all: &[String], one: &str| all.iter().any(|it| it.eq_ignore_ascii_case(one));
    let on = wanted.iter().filter(|one| !holds(hands.now, one));
    let off = gone
        .iter()
        .filter(|one| holds(hands.now, one) && !holds(hands.before, one) && !holds(wanted, one));
    Moves {
        on: on.cloned().collect(),
        off: off.cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_issue_is_theirs_whose_turn_it_is_and_nobody_is_taken_off_who_was_there_before() {
        let check = |turn, before: &[&str], now: &[&str], on: &[&str], off: &[&str]| {
            let (people, before, now) = (names(&["ann"]), names(before), names(now));
            let hands = Hands {
                ours: "bot",
                people: &people,
                before: &before,
                now: &now,
            };
            let expect = Moves {
                on: names(on),
                off: names(off),
            };
            assert_eq!(moves(turn, &hands), expect, "{turn:?} {before:?} {now:?}");
        };
        check(Turn::Ours, &[], &[], &["bot"], &[]);
        check(Turn::Ours, &[], &["Bot"], &[], &[]);
        check(Turn::Theirs, &[], &["bot", "eve"], &["ann"], &["bot"]);
        check(Turn::Ours, &[], &["ann", "eve"], &["bot"], &["ann"]);
        check(Turn::Ours, &["Ann"], &["ann"], &["bot"], &[]);
        check(Turn::Theirs, &["bot"], &["bot"], &["ann"], &[]);
        check(Turn::Nobodys, &[], &["bot", "ann"], &[], &["bot"]);
        check(Turn::Done, &[], &["bot"], &[], &[]);
    }

    #[test]
    fn only_what_waits_for_an_answer_or_an_approval_and_work_that_is_held_are_a_persons() {
        assert_eq!(turn(Stand::Working { answers: 1 }, None), Turn::Ours);
        assert_eq!(turn(Stand::Asking { times: 1 }, None), Turn::Theirs);
        assert_eq!(turn(Stand::Unapproved, None), Turn::Theirs);
        let ended = |ending| turn(Stand::Ended, Some(ending));
        assert_eq!(ended(Ending::NeedsHuman), Turn::Theirs);
        assert_eq!(ended(Ending::Completed), Turn::Done);
        assert_eq!(ended(Ending::Failed), Turn::Nobodys);
    }
}
