//! How strong each piece of evidence is, from 0 to 1.

use crate::rules::footprint::names::Look;
use crate::rules::footprint::pile::thousandths;
use crate::rules::footprint::read::shared;

/// After so many commits what past work tells counts half: which files move together, and which work it was like.
const TOGETHER_HALF_LIFE: f64 = 500.0;
const LIKE_HALF_LIFE: f64 = 1000.0;
/// Laplace's two: a file that changed once, with another, tells little of either.
const DOUBT: f64 = 2.0;
/// With so many past works they are believed half: among five, the likeliest need not be like at all.
const WORKS_HALF: f64 = 10.0;
/// A shorter history is taken to be this long, its other commits to have changed nothing: the first ones prove no habit.
const COMMITS_LEAST: f64 = 100.0;
/// More files than this that define or use a name, and it tells nothing.
pub const DEFINERS_MAX: usize = 10;
/// The same for files that only use it.
pub const USERS_MAX: usize = 15;

/// How much a commit of this age still counts that tells which files move together; ages are counted in commits.
#[must_use]
pub fn together_decay(age: f64) -> f64 {
    (-age / TOGETHER_HALF_LIFE).exp2()
}

/// The chance that a file changes where another does: of the other's changes (decayed) those that both had.
#[must_use]
pub fn together(both: f64, other: f64) -> f64 {
    (both / (other + DOUBT)).clamp(0.0, 1.0)
}

/// What one past work adds for each file that it touched: more for words that are more alike (1: all of them), less
/// with age in commits, less where it touched many files.
#[must_use]
pub fn like(likeness: f64, age: f64, files: usize) -> f64 {
    shared(likeness * likeness * (-age / LIKE_HALF_LIFE).exp2(), files)
}

/// How strongly past work speaks for a file: its part of what it adds for the best file, less where nothing in the
/// past reads much like the text, and less where there is little of a past, `works` in number.
#[must_use]
pub fn similar(part: f64, best_likeness: f64, works: f64) -> f64 {
    let believed = works / (works + WORKS_HALF);
    part * (0.4 + 0.6 * best_likeness.clamp(0.0, 1.0)) * believed
}

/// A file that holds a name of the text; of `holders` that do.
#[must_use]
pub fn symbol(look: Look, holding: Holding, holders: usize) -> f64 {
    let strength = match (look, holding) {
        (Look::Code, Holding::Defines) => 0.9,
        (Look::Code, Holding::Uses) => 0.5,
        (Look::Word, Holding::Defines) => 0.45,
        (Look::Word, Holding::Uses) => 0.2,
    };
    let most = match holding {
        Holding::Defines => DEFINERS_MAX,
        Holding::Uses => USERS_MAX,
    };
    if holders > most {
        0.0
    } else {
        shared(strength, holders)
    }
}

/// What a file does with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It defines it.
    Defines,
    /// It uses it.
    Uses,
}

/// How strong it is that a file changed in so many of all commits, both decayed: nothing at one in a thousand, all at
/// every one, evenly over the powers of ten between.
#[must_use]
pub fn base_rate(changes: f64, commits: f64) -> f64 {
    let share = changes / commits.max(COMMITS_LEAST);
    if share > 0.0 {
        (1.0 + share.log10() / 3.0).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// An ordinary file's two changes are never taken to conflict less often than this, however well merges went: two
/// tasks that both name it stay apart.
const ORDINARY_LEAST: f64 = 0.6;

/// The chance that two changes to a file conflict: of `both` past merges where both sides had changed it those that
/// conflicted, with Laplace's two for what its name alone says.
#[must_use]
pub fn friction(by_name: f64, both: f64, conflicts: f64) -> f64 {
    let seen = (conflicts + DOUBT * by_name) / (both + DOUBT);
    let least = if by_name < 1.0 { 0.0 } else { ORDINARY_LEAST };
    thousandths(seen.clamp(least, 1.0))
}

/// Two pieces of evidence of one kind that do not rest on each other.
#[must_use]
pub fn either(one: f64, other: f64) -> f64 {
    1.0 - (1.0 - one) * (1.0 - other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expect: f64) {
        assert!((found - expect).abs() < 0.005, "{found} is not {expect}");
    }

    #[test]
    fn files_that_always_move_together_say_so_the_more_often_they_did() {
        close(together(1.0, 1.0), 0.33);
        close(together(8.0, 8.0), 0.8);
        close(together(1.0, 98.0), 0.01);
        close(together_decay(500.0), 0.5);
    }

    #[test]
    fn past_work_counts_less_the_older_wider_and_less_alike_it_is() {
        close(like(1.0, 0.0, 1), 1.0);
        close(like(0.5, 0.0, 1), 0.25);
        close(like(1.0, 1000.0, 1), 0.5);
        close(like(1.0, 0.0, 4), 0.5);
        assert!(similar(1.0, 0.1, 1000.0) < similar(1.0, 0.9, 1000.0));
        close(similar(1.0, 1.0, 1e6), 1.0);
        close(similar(1.0, 1.0, 10.0), 0.5);
    }

    #[test]
    fn a_name_that_many_know_says_nothing() {
        close(symbol(Look::Code, Holding::Defines, 1), 0.9);
        close(symbol(Look::Code, Holding::Uses, 4), 0.25);
        close(symbol(Look::Word, Holding::Defines, 11), 0.0);
        close(symbol(Look::Word, Holding::Uses, 16), 0.0);
    }

    #[test]
    fn friction_is_what_merges_showed() {
        close(friction(1.0, 0.0, 0.0), 1.0);
        close(friction(0.5, 0.0, 0.0), 0.5);
        close(friction(0.5, 18.0, 0.0), 0.05);
        close(friction(0.5, 8.0, 8.0), 0.9);
        close(friction(1.0, 98.0, 0.0), ORDINARY_LEAST);
        let named_by_both = 0.9 * 0.9 * ORDINARY_LEAST;
        assert!(named_by_both >= crate::rules::conflict::THRESHOLD);
    }

    #[test]
    fn base_rates_are_told_apart_by_their_powers_of_ten() {
        close(base_rate(289.0, 289.0), 1.0);
        close(base_rate(28.9, 289.0), 0.667);
        close(base_rate(0.289, 289.0), 0.0);
        close(base_rate(0.0, 289.0), 0.0);
        close(base_rate(1.0, 1.0), 0.333);
        close(base_rate(0.0, 0.0), 0.0);
        close(either(0.5, 0.5), 0.75);
    }
}
