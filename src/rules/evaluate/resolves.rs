//! Which issue, or which pull, did a commit of the past resolve?

use crate::rules::evaluate::similar::Resolved;
use crate::rules::ids::IssueNumber;
use crate::rules::printable::clip;

/// Words that a forge closes an issue by.
/// <https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue>
const CLOSING: [&str; 9] = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
];
/// The longest title that is kept, in characters.
const TITLE_MAX: usize = 200;

/// What a commit of this message resolved: the issue that it closes, else the issue or pull that its first line names.
/// Nothing for one that takes other work back, and for one that names none. It was merged, so it ended well.
#[must_use]
pub fn resolved_by(message: &str) -> Option<Resolved> {
    let mut lines = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.next()?;
    if first.starts_with("Revert ") {
        return None;
    }
    let named = numbers(first).last();
    let number = closed(message).or(named)?;
    let is_merge = first.starts_with("Merge ");
    let title = if is_merge { lines.next()? } else { first };
    Some(Resolved {
        issue: IssueNumber(number),
        title: clip(without_numbers(title), TITLE_MAX),
        succeeded: true,
    })
}

/// The first number after a closing word: `Fixes #3`, `closes: #3`.
fn closed(message: &str) -> Option<u64> {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.windows(2).find_map(|pair| {
        let word = pair[0].trim_matches(|char: char| !char.is_alphanumeric());
        let is_closing = CLOSING
            .iter()
            .any(|closing| word.eq_ignore_ascii_case(closing));
        is_closing.then(|| numbers(pair[1]).next()).flatten()
    })
}

/// Numbers behind a `#` that no word stands before.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.match_indices('#').filter_map(|(at, _)| {
        let is_foreign = text[..at].ends_with(|char: char| char.is_alphanumeric());
        let digits = text[at + 1..]
            .split(|char: char| !char.is_ascii_digit())
            .next()?;
        let rest = &text[at + 1 + digits.len()..];
        let is_whole = !rest.starts_with(|char: char| char.is_alphanumeric());
        let number = digits.parse().ok().filter(|number| *number > 0)?;
        (!is_foreign && is_whole).then_some(number)
    })
}

/// `Fix it (#3)` -> `Fix it`
fn without_numbers(title: &str) -> &str {
    let end = title
        .trim_end_matches(')')
        .trim_end_matches(|char: char| char.is_ascii_digit());
    end.strip_suffix("(#").map_or(title, str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expect: Option<(u64, &str)>) {
        let found = resolved_by(message);
        let found = found
            .as_ref()
            .map(|found| (found.issue.0, found.title.as_str()));
        assert_eq!(found, expect, "{message:?}");
    }

    #[test]
    fn a_message_names_what_it_resolved() {
        check("Mend the timeout (#12)", Some((12, "Mend the timeout")));
        check(
            "Mend the timeout\n\nFixes #7.",
            Some((7, "Mend the timeout")),
        );
        check("Mend it (#12)\n\nCloses: #7 and #8", Some((7, "Mend it")));
        check("fixed #7: the timeout", Some((7, "fixed #7: the timeout")));
        check(
            "Merge pull request #34 from ada/mend\n\nMend the timeout",
            Some((34, "Mend the timeout")),
        );
    }

    #[test]
    fn a_message_that_resolves_nothing_is_none() {
        check("Mend the timeout", None);
        check("Mend the timeout\n\nSee #7", None);
        check("Revert \"Mend the timeout (#12)\"", None);
        check("Merge pull request #34 from ada/mend", None);
        check(
            "issue#3 and #4a and #0 and # and #99999999999999999999",
            None,
        );
        check("", None);
    }
}
