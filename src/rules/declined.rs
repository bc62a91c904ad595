//! A push that rules of the remote declined: which, and what helps. The words are GitHub's.

use crate::rules::printable::clip;

/// A rule that lets one push in and another one not, whoever sends it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// The token may not change workflows.
    Workflow,
    /// The branch is protected.
    Protected,
    /// A ruleset says no.
    Ruleset,
    /// There is a secret in it.
    Secret,
    /// There is a file in it that is too large.
    Large,
    /// A hook of the server says no.
    Hook,
}

/// What git prints in front of the server's words.
const REMOTE: &str = "remote: ";
/// As much of the server's words as is passed on.
const LONGEST: usize = 400;

/// The signs of each rule, in lower case; the first that fits counts.
const SIGNS: [(&str, Declined); 10] = [
    ("create or update workflow", Declined::Workflow),
    ("without `workflow`", Declined::Workflow),
    ("gh001:", Declined::Large),
    ("gh009:", Declined::Secret),
    ("push cannot contain secrets", Declined::Secret),
    ("gh006:", Declined::Protected),
    ("protected branch hook declined", Declined::Protected),
    ("gh013:", Declined::Ruleset),
    ("repository rule violations", Declined::Ruleset),
    ("hook declined", Declined::Hook),
];

/// Did a rule decline it? `said` is all that git printed.
#[must_use]
pub fn declined(said: &str) -> Option<Declined> {
    let words = said.to_ascii_lowercase();
    let found = SIGNS.iter().find(|(sign, _)| words.contains(sign))?;
    Some(found.1)
}

/// The server's own words in one line, as far as a person needs them.
#[must_use]
pub fn reason(said: &str) -> String {
    let lines = said.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix(REMOTE)?.trim();
        let rest = rest.strip_prefix("error:").unwrap_or(rest).trim();
        (!rest.is_empty() && !rest.starts_with("http")).then(|| rest.trim_matches('-').trim())
    });
    let told: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let bracket = said
        .rfind("[remote rejected] (")
        .and_then(|at| said[at..].split_once('('))
        .map(|(_, rest)| rest.trim().trim_end_matches(')'));
    let words = match (told.is_empty(), bracket) {
        (false, Some(bracket)) if bracket.ends_with("declined") => told.join(" "),
        (_, Some(bracket)) => bracket.to_owned(),
        (_, None) => told.join(" "),
    };
    clip(&words, LONGEST)
}

impl Declined {
    /// What helps, for a person.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Workflow => {
                "give the token the `workflow` scope (an app, or a fine-grained token: Workflows, read and write), or push it yourself"
            }
            Self::Protected => {
                "let whoever the token belongs to push to `autoissue/*` in the settings of protected branches, or push it yourself"
            }
            Self::Ruleset => {
                "let whoever the token belongs to past the ruleset for `autoissue/*`, or push it yourself"
            }
            Self::Secret => "look at what the commit holds before anybody pushes it",
            Self::Large => "keep files of that size out of the repository, or in git LFS",
            Self::Hook => "see what the server's hook wants, then push it yourself",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKFLOW: &str = "error: failed to push some refs to 'https://github.com/o/r.git' \
        [remote rejected] (refusing to allow a Personal Access Token to create or update workflow \
        `.github/workflows/ci.yml` without `workflow` scope)";

    #[test]
    fn each_rule_is_known_by_its_words() {
        let check = |said: &str, expect| assert_eq!(declined(said), expect, "{said}");
        check(WORKFLOW, Some(Declined::Workflow));
        check(
            "(refusing to allow a GitHub App to create or update workflow `.github/workflows/a.yml` without `workflows` permission)",
            Some(Declined::Workflow),
        );
        check(
            "remote: error: GH006: Protected branch update failed for refs/heads/autoissue/1-a.\n[remote rejected] (protected branch hook declined)",
            Some(Declined::Protected),
        );
        check(
            "remote: error: GH013: Repository rule violations found for refs/heads/autoissue/1-a.\nremote: - GITHUB PUSH PROTECTION\nremote:   - Push cannot contain secrets",
            Some(Declined::Secret),
        );
        check(
            "[remote rejected] (push declined due to repository rule violations)",
            Some(Declined::Ruleset),
        );
        check(
            "remote: error: GH001: Large files detected.\n[remote rejected] (pre-receive hook declined)",
            Some(Declined::Large),
        );
        check(
            "[remote rejected] (pre-receive hook declined)",
            Some(Declined::Hook),
        );
        check("[remote rejected] (failed to update ref)", None);
        check("[rejected] (stale info)", None);
        check(
            "fatal: unable to access 'https://github.com/o/r.git/': The requested URL returned error: 403",
            None,
        );
    }

    #[test]
    fn its_reason_is_what_a_person_needs() {
        let check = |said: &str, expect: &str| assert_eq!(reason(said), expect);
        check(
            WORKFLOW,
            "refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without `workflow` scope",
        );
        check(
            "remote: error: GH006: Protected branch update failed for refs/heads/x.        \nremote: \nremote: - Cannot create ref.\nerror: failed to push [remote rejected] (protected branch hook declined)",
            "GH006: Protected branch update failed for refs/heads/x. Cannot create ref.",
        );
        check(
            "[remote rejected] (pre-receive hook declined)",
            "pre-receive hook declined",
        );
        check("remote: \u{1b}[31mno\u{7}", "no");
    }
}
