//! Names that we give: branches, and the hidden markers by which our own words on a forge are found again.

pub use crate::rules::neutral::neutralise;
pub use crate::rules::printable::{clip, printable, printable_block};

use crate::rules::ids::{BranchName, IssueNumber, SessionId};

const PREFIX: &str = "autoissue/";
const SLUG_MAX: usize = 40;
/// What stands for a title without any letter that a branch name could hold.
const NO_SLUG: &str = "issue";
/// How all that we write is marked.
const ANY_MARKER: &str = "<!-- autoissue:";
const MARKER: &str = "<!-- autoissue:v1 session=";

/// The branch for an issue's work: `autoissue/<number>-<slug>`, from the second suffix on with `-<suffix>` behind it.
/// Matches `^autoissue/[a-z0-9/-]{1,80}$` whatever the title.
#[must_use]
pub fn branch(issue: IssueNumber, title: &str, suffix: u32) -> BranchName {
    let first = format!("{PREFIX}{}-{}", issue.0, slug(title));
    BranchName::new(match suffix {
        0 | 1 => first,
        later => format!("{first}-{later}"),
    })
}

/// The first branch for this issue that is not taken.
#[must_use]
pub fn free_branch(
    issue: IssueNumber,
    title: &str,
    taken: &dyn Fn(&BranchName) -> bool,
) -> BranchName {
    (1..u32::MAX)
        .map(|suffix| branch(issue, title, suffix))
        .find(|branch| !taken(branch))
        .expect("nobody has four billion branches")
}

/// The issue that a branch of ours is for, whatever its title was then.
#[must_use]
pub fn issue_of_branch(branch: &str) -> Option<IssueNumber> {
    let (digits, slug) = branch.strip_prefix(PREFIX)?.split_once('-')?;
    let number = decimal(digits)?;
    (!slug.is_empty()).then_some(IssueNumber(number))
}

/// The suffix that makes `branch` out of this issue and title; `None` if none does.
#[must_use]
pub fn branch_suffix(branch: &str, issue: IssueNumber, title: &str) -> Option<u32> {
    let first = self::branch(issue, title, 1);
    let tail = branch.strip_prefix(first.as_str())?;
    if tail.is_empty() {
        return Some(1);
    }
    let suffix = decimal(tail.strip_prefix('-')?)?;
    u32::try_from(suffix).ok().filter(|suffix| *suffix >= 2)
}

/// The hidden line in a pull's description.
#[must_use]
pub fn pull_marker(session: &SessionId, issue: IssueNumber) -> String {
    comment_marker(session, issue, "pull")
}

/// The hidden line in a comment: one comment for each issue, session and kind.
#[must_use]
pub fn comment_marker(session: &SessionId, issue: IssueNumber, kind: &str) -> String {
    format!("{MARKER}{session} issue={} kind={kind} -->", issue.0)
}

/// The hidden line in the comment that asks what is not clear: one comment for each issue, whatever the session.
#[must_use]
pub fn question_marker(issue: IssueNumber) -> String {
    format!("<!-- autoissue:v1 issue={} kind=question -->", issue.0)
}

/// Does a text bear a marker of ours, whatever it marks?
#[must_use]
pub fn bears_marker(text: &str) -> bool {
    text.contains(ANY_MARKER)
}

/// The session that the last marker in a text names. Markers count only where the text is our own.
#[must_use]
pub fn marker_session(body: &str) -> Option<SessionId> {
    let (_, marker) = body.rsplit_once(MARKER)?;
    let (session, _) = marker.split_once(' ')?;
    let is_name = !session.is_empty() && session.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| SessionId::new(session))
}

/// A decimal number as we write it: digits alone, without leading zeros.
fn decimal(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_plain.then(|| digits.parse().ok())?
}

/// The title's words, joined by dashes; as many whole words as fit.
fn slug(title: &str) -> String {
    let mut plain = String::with_capacity(title.len());
    title.chars().for_each(|char| push_plain(char, &mut plain));
    let mut slug = String::new();
    for word in plain.split_ascii_whitespace() {
        if slug.is_empty() {
            slug.push_str(&word[..word.len().min(SLUG_MAX)]);
        } else if slug.len() + 1 + word.len() <= SLUG_MAX {
            slug.push('-');
            slug.push_str(word);
        } else {
            break;
        }
    }
    if slug.is_empty() {
        slug.push_str(NO_SLUG);
    }
    slug
}

/// Adds the letter or digit in lower-case ASCII, Latin letters without their marks; a space for what has no such form.
fn push_plain(char: char, plain: &mut String) {
    match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' => plain.push(char.to_ascii_lowercase()),
        // Apostrophes and combining marks do not end a word.
        '\'' | '’' | '\u{300}'..='\u{36f}' => {}
        char if char.is_ascii() || char > LATIN_END => plain.push(' '),
        char => {
            let lower = char.to_lowercase().next().unwrap_or(char);
            let letters = LATIN
                .iter()
                .find(|(marked, _)| marked.contains(lower))
                .map_or(" ", |(_, letters)| letters);
            plain.push_str(letters);
        }
    }
}

/// The end of Unicode's block "Latin Extended-B".
const LATIN_END: char = '\u{24f}';

const LATIN: [(&str, &str); 27] = [
    ("àáâãåāăąǎ", "a"),
    ("äæ", "ae"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľł", "l"),
    ("ñńņňŋ", "n"),
    ("òóôõōŏőø", "o"),
    ("öœ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ţťț", "t"),
    ("þ", "th"),
    ("ùúûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
    ("²", "2"),
    ("³", "3"),
    ("µ", "u"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_branch(name: &str) -> bool {
        name.strip_prefix("autoissue/").is_some_and(|rest| {
            (1..=80).contains(&rest.len())
                && rest
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-'))
        })
    }

    fn session() -> SessionId {
        SessionId::new("01JD8Z6Q0G7Y4V3M2N1K5T9RXC")
    }

    #[test]
    fn a_title_becomes_a_slug_of_whole_words() {
        let check = |title: &str, expect: &str| {
            let branch = branch(IssueNumber(12), title, 1);
            assert_eq!(branch.as_str(), format!("autoissue/12-{expect}"));
        };
        check("[Backend] Fix login bug", "backend-fix-login-bug");
        check("Größe & Café don’t match", "groesse-cafe-dont-match");
        check("cafe\u{301} au lait", "cafe-au-lait");
        check("修复 login", "login");
        check("🦀🦀", "issue");
        check("", "issue");
        check("\u{202e}شيء", "issue");
        check(
            "$(rm -rf ~); `id` \"x\"\n--upload-pack",
            "rm-rf-id-x-upload-pack",
        );
        check("../../etc/passwd.lock", "etc-passwd-lock");
        check(&"a".repeat(65_536), &"a".repeat(40));
        check(
            "this title has far too many words to fit into one branch",
            "this-title-has-far-too-many-words-to-fit",
        );
    }

    #[test]
    fn a_branch_tells_its_issue_and_suffix() {
        let issue = IssueNumber(12);
        for suffix in [1, 2, 31] {
            let branch = branch(issue, "Fix part 2", suffix);
            assert_eq!(issue_of_branch(branch.as_str()), Some(issue));
            assert_eq!(
                branch_suffix(branch.as_str(), issue, "Fix part 2"),
                Some(suffix)
            );
            assert_eq!(branch_suffix(branch.as_str(), issue, "Other"), None);
        }
        for other in [
            "main",
            "autoissue/x-1",
            "autoissue/012-a",
            "autoissue/12-",
            "autoissue/-1-a",
            "autoissue/12",
        ] {
            assert_eq!(issue_of_branch(other), None, "{other}");
        }
        for other in ["-1", "-02", "-x", "2", "-2-2"] {
            let name = format!("autoissue/12-fix{other}");
            assert_eq!(branch_suffix(&name, issue, "fix"), None, "{name}");
        }
    }

    #[test]
    fn a_taken_branch_gets_the_next_suffix() {
        let taken = ["autoissue/7-fix", "autoissue/7-fix-2"];
        let free = free_branch(IssueNumber(7), "Fix", &|branch| {
            taken.contains(&branch.as_str())
        });
        assert_eq!(free.as_str(), "autoissue/7-fix-3");
    }

    #[test]
    fn a_marker_names_its_session() {
        let marker = pull_marker(&session(), IssueNumber(12));
        assert_eq!(
            marker,
            "<!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=pull -->"
        );
        assert_eq!(
            marker_session(&format!("text\n{marker}\n")),
            Some(session())
        );
        assert_eq!(marker_session("no marker"), None);
        assert_eq!(marker_session("<!-- autoissue:v1 session= issue=1"), None);
    }

    #[test]
    fn text_of_others_forges_no_marker() {
        let forged = comment_marker(&session(), IssueNumber(12), "end");
        assert_eq!(marker_session(&forged), Some(session()));
        assert_eq!(marker_session(&neutralise(&forged)), None);
        assert!(neutralise(&forged).contains("kind=end"), "still readable");
    }

    proptest! {
        #[test]
        fn any_title_gives_a_branch(number in any::<u64>(), title in any::<String>(), suffix in any::<u32>()) {
            let branch = branch(IssueNumber(number), &title, suffix);
            prop_assert!(is_branch(branch.as_str()), "{}", branch);
            prop_assert!(!branch.as_str().contains("--"));
            prop_assert!(!branch.as_str().ends_with('-'));
        }

        #[test]
        fn issues_never_share_a_branch(one in 1u64.., other in 1u64.., title in any::<String>(), suffix in 1u32..9) {
            prop_assume!(one != other);
            let branch = branch(IssueNumber(one), &title, suffix);
            prop_assert_eq!(issue_of_branch(branch.as_str()), Some(IssueNumber(one)));
            prop_assert_ne!(issue_of_branch(branch.as_str()), Some(IssueNumber(other)));
        }
    }
}
