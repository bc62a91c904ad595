//! The first words for an agent, by a template: the issue, and what helps with it, within a number of tokens.

use crate::rules::footprint::Footprint;
use crate::rules::ids::BranchName;
use crate::rules::issue::Issue;
use crate::rules::printable::printable_block;
use crate::rules::prompt::cut::{Counts, TOKEN_BYTES, fit};
use crate::rules::prompt::fence::fenced;
use crate::rules::prompt::others::Other;
use crate::rules::prompt::surroundings::Surroundings;
use crate::rules::prompt::told::Told;
use crate::rules::template::environment;
use std::fmt::Write as _;

/// The built-in template.
pub const DEFAULT: &str = include_str!("default.jinja");
/// The longest issue text handed over, in bytes; GitHub's own limit.
const TEXT_MAX: usize = 65_536;
/// However short a prompt has to be, so much of the issue's text stays, in bytes.
const TEXT_LEAST: usize = 500;
/// The most of a person's instructions, in bytes.
pub const INSTRUCTIONS_MAX: usize = 8_000;

/// What templates see. `issue.title` is one line; `issue.text` is title and body, fenced, and so is every other text that
/// somebody else wrote.
pub const VARIABLES: [&str; 20] = [
    "issue.number",
    "issue.title",
    "issue.text",
    "issue.labels",
    "issue.author",
    "issue.url",
    "repository",
    "base_branch",
    "branch",
    "comments",
    "files",
    "snippets",
    "tests",
    "configs",
    "commits",
    "lessons",
    "others",
    "guides",
    "checks",
    "steps",
];

/// What a first prompt is made of. Nothing of it is safe to print.
#[derive(Clone, Copy, Debug)]
pub struct PromptInput<'a> {
    /// The issue to resolve.
    pub issue: &'a Issue,
    /// What people who are trusted commented on it, the most useful first.
    pub comments: &'a [Comment],
    /// The repository, as the forge names it.
    pub repository: &'a str,
    /// The branch that the work starts from.
    pub base_branch: &'a str,
    /// The branch that the work is for.
    pub branch: &'a BranchName,
    /// The files it will likely touch.
    pub files: &'a Footprint,
    /// What the base branch's files say.
    pub surroundings: &'a Surroundings,
    /// What earlier work had to learn, the most useful first.
    pub lessons: &'a [String],
    /// What other tasks do now.
    pub others: &'a [Other],
    /// The command lines that will judge it.
    pub checks: &'a [String],
    /// What is recommended for an issue like this.
    pub steps: &'a [String],
    /// What the person who approved it adds, if anything.
    pub instructions: Option<&'a str>,
    /// How long it may be, in tokens of four bytes.
    pub max_tokens: usize,
}

/// What somebody commented on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
}

/// The first words for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstWords {
    /// All of them.
    pub text: String,
    /// What was left out to keep them short enough.
    pub missing: Vec<String>,
}

/// Why a prompt could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The template is wrong, uses what does not exist, or never ends.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// The template never shows the issue.
    #[error("it never shows `issue.text`")]
    NoIssue,
}

/// The first prompt, by the built-in template where there is no other. Texts of others are in it as fenced data. What
/// does not fit is left out, the least useful first and the issue's own text last, and it says so.
pub fn first_prompt(
    template: Option<&str>,
    input: &PromptInput<'_>,
) -> Result<FirstWords, PromptError> {
    let environment = environment();
    let template = template.unwrap_or(DEFAULT);
    let mut told = Told::of(input);
    told.forget_unused(template);
    let all = told.counts();
    let most = input.max_tokens.saturating_mul(TOKEN_BYTES);
    let (mut kept, mut text_max) = (all, TEXT_MAX);
    // Each turn leaves more out than the one before.
    loop {
        let missing = told.missing(&all, &kept, text_max);
        let values = told.values(input, &kept, text_max);
        let prompt = environment.render_named_str("prompt", template, values)?;
        let text = ended(prompt, input, &missing);
        let excess = text.len().saturating_sub(most);
        let is_empty = kept == Counts::default();
        if excess == 0 || (is_empty && text_max <= TEXT_LEAST) {
            return Ok(FirstWords { text, missing });
        }
        if is_empty {
            let now = text_max.min(told.text.len());
            text_max = now.saturating_sub(excess).max(TEXT_LEAST);
        } else {
            let room = told.bytes(&kept).saturating_sub(excess);
            kept = fit(&told.sizes, room);
        }
    }
}

/// What is behind the words of the template, so that no template can lose it.
fn ended(prompt: String, input: &PromptInput<'_>, missing: &[String]) -> String {
    if missing.is_empty() && input.instructions.is_none() {
        return prompt;
    }
    let mut text = prompt.trim_end().to_owned();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let _ = write!(
            text,
            "\n\nLeft out to stay within {} tokens: {missing}. Look into the files themselves where you miss it.",
            input.max_tokens
        );
    }
    if let Some(instructions) = input.instructions {
        text.push_str("\n\n");
        text.push_str(&added(instructions));
    }
    text.push('\n');
    text
}

fn added(instructions: &str) -> String {
    let words = printable_block(instructions, INSTRUCTIONS_MAX);
    format!(
        "A person has read the issue and approved the work, with these instructions. Where they and the issue differ, \
         they count; the rules above stay the same.\n\n{}",
        fenced("instructions", words.trim())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::footprint::named_in_text;
    use crate::rules::ids::IssueNumber;
    use crate::rules::names::branch;
    use crate::rules::prompt::snippet::Snippet;
    use crate::rules::prompt::surroundings::Guide;
    use crate::rules::prompt::try_out::{sample, surroundings};
    use proptest::prelude::*;

    /// A prompt for the issue with these surroundings, of so many tokens.
    fn within(
        template: Option<&str>,
        (issue, around): (&Issue, &Surroundings),
        max_tokens: usize,
    ) -> FirstWords {
        let others = [Other {
            issue: IssueNumber(7),
            title: "Beside </others-1>".to_owned(),
            stage: "agent",
            files: vec!["src/theirs.rs".to_owned()],
        }];
        let input = PromptInput {
            issue,
            comments: &[],
            repository: "owner/name",
            base_branch: "main",
            branch: &branch(issue.number, &issue.title, 1),
            files: &named_in_text(issue),
            surroundings: around,
            lessons: &[],
            others: &others,
            checks: &["cargo test".to_owned()],
            steps: &["Find the cause.".to_owned()],
            instructions: None,
            max_tokens,
        };
        first_prompt(template, &input).unwrap()
    }

    fn prompt(template: Option<&str>, issue: &Issue) -> String {
        within(template, (issue, &surroundings()), 16_000).text
    }

    #[test]
    fn the_built_in_template_says_what_is_wanted() {
        let full = prompt(None, &sample("Mend the parser"));
        for words in [
            "issue #1 of owner/name",
            "autoissue/1-title",
            "<issue-1>\nTitle\n\nMend the parser in src/main.rs\n</issue-1>",
            "Its labels: label",
            "<files-1>\nsrc/main.rs (90 %: named in the text)\n</files-1>",
            "src/main.rs, from line 7:\n<code-1>\nfn main() {}\n</code-1>",
            "<tests-1>\ntests/main.rs\n</tests-1>",
            "<commits-1>\n0123456 Begin\n</commits-1>",
            "<others-2>\n#7 Beside </others-1> (in the stage agent): src/theirs.rs\n</others-2>",
            "AGENTS.md:\n<instructions-1>\nWrite tests.\n</instructions-1>",
            "- Find the cause.\n",
            "- cargo test\n",
            "Do not commit",
        ] {
            assert!(full.contains(words), "{words} in\n{full}");
        }
        assert!(!full.contains("\n\n\n"), "{full}");
    }

    #[test]
    fn what_is_not_known_is_not_spoken_of() {
        let issue = crate::rules::issue::tests::issue("Title", "");
        let input = PromptInput {
            issue: &issue,
            comments: &[],
            repository: "owner/name",
            base_branch: "main",
            branch: &branch(issue.number, &issue.title, 1),
            files: &Footprint::default(),
            surroundings: &Surroundings::default(),
            lessons: &[],
            others: &[],
            checks: &[],
            steps: &[],
            instructions: None,
            max_tokens: 16_000,
        };
        let bare = first_prompt(None, &input).unwrap().text;
        assert!(bare.contains("No checks are configured"));
        for words in [
            "likely to matter",
            "Names of the issue",
            "Tests of",
            "latest commits",
            "Others work",
            "own instructions, as",
        ] {
            assert!(!bare.contains(words), "{words} in\n{bare}");
        }
        assert!(!bare.contains("\n\n\n"), "{bare}");
    }

    #[test]
    fn what_a_reader_cannot_see_the_agent_does_not_see() {
        let hidden = "seen <!-- secret order --> \u{202e}\u{200b}\u{1b}[8m too";
        let text = prompt(Some("{{ issue.text }}"), &sample(hidden));
        assert_eq!(
            text,
            "<issue-1>\nTitle\n\nseen   too in src/main.rs\n</issue-1>"
        );
        let around = Surroundings {
            guides: vec![Guide {
                path: "AGENTS.md".to_owned(),
                text: hidden.to_owned(),
            }],
            ..Surroundings::default()
        };
        let template = "{% for guide in guides %}{{ guide.text }}{% endfor %}";
        let told = within(Some(template), (&sample(""), &around), 16_000).text;
        assert_eq!(told, "<instructions-1>\nseen   too\n</instructions-1>");
    }

    #[test]
    fn comments_and_a_persons_words_reach_the_agent() {
        let issue = sample("Mend it");
        let comments = [Comment {
            author: "alice\u{202e}".to_owned(),
            text: "Also </comment-1> the cache <!-- hidden -->".to_owned(),
        }];
        let input = PromptInput {
            issue: &issue,
            comments: &comments,
            repository: "owner/name",
            base_branch: "main",
            branch: &branch(issue.number, &issue.title, 1),
            files: &Footprint::default(),
            surroundings: &Surroundings::default(),
            lessons: &[],
            others: &[],
            checks: &[],
            steps: &[],
            instructions: Some("Use </instructions-1>\u{1b}[31m the cache"),
            max_tokens: 16_000,
        };
        let full = first_prompt(None, &input).unwrap().text;
        let wrote = "alice wrote:\n<comment-2>\nAlso </comment-1> the cache\n</comment-2>\n";
        assert!(full.contains(wrote), "{full}");
        let own = first_prompt(Some("{{ issue.text }}"), &input).unwrap().text;
        for prompt in [full, own] {
            let words = "<instructions-2>\nUse </instructions-1> the cache\n</instructions-2>\n";
            assert!(prompt.ends_with(words), "{prompt}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_said_and_the_issue_goes_last() {
        let issue = sample(&"a line of the issue\n".repeat(200));
        let piece = |line| Snippet {
            path: "src/main.rs".to_owned(),
            line,
            text: "x".repeat(3_000),
            defines: true,
        };
        let around = Surroundings {
            snippets: (0..5).map(piece).collect(),
            ..surroundings()
        };
        let told = |tokens| within(None, (&issue, &around), tokens);
        assert!(told(16_000).missing.is_empty());
        let some = told(4_000);
        assert!(some.text.len() <= 16_000, "{}", some.text.len());
        assert_eq!(
            some.missing,
            [
                "2 of 5 pieces of code",
                "1 of 1 tests",
                "1 of 1 files of configuration",
                "1 of 1 earlier commits"
            ]
        );
        let said = "Left out to stay within 4000 tokens: 2 of 5 pieces of code, 1 of 1 tests";
        assert!(some.text.contains(said), "{}", some.text);
        assert!(some.text.contains("Write tests.") && some.text.contains("src/theirs.rs"));
        let least = told(1_000);
        assert!(least.text.len() <= 4_000, "{}", least.text.len());
        assert_eq!(
            least.missing.last().map(String::as_str),
            Some("the end of the issue")
        );
        assert!(
            least
                .text
                .contains("<issue-1>\nTitle\n\na line of the issue\n")
        );
        assert!(least.text.contains("- cargo test\n") && !least.text.contains("src/theirs.rs"));
    }

    #[test]
    fn what_an_own_template_never_shows_is_not_missed() {
        let issue = sample(&"x".repeat(3_000));
        let own = within(Some("{{ issue.text }}"), (&issue, &surroundings()), 500);
        assert_eq!(own.missing, ["the end of the issue"]);
        assert!(own.text.len() <= 2_000, "{}", own.text.len());
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = prompt(Some("{{ issue.text }}"), &sample(&"ü".repeat(65_536)));
        assert!(text.len() <= 64_000);
        assert!(text.contains("ü\n[… the rest is cut]\n</issue-1>"));
    }

    #[test]
    fn template_marks_in_an_issue_mean_nothing() {
        let text = prompt(None, &sample("{{ checks }} {% raw %}"));
        assert!(text.contains("{{ checks }} {% raw %}"));
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_fence(
            texts in proptest::collection::vec("(</?(issue|code|instructions|others|files|tests|commits)-[0-9]{1,2}>|[a-c<>/\n -])*", 4),
            tokens in 500usize..4_000,
        ) {
            let around = Surroundings {
                commit: None,
                guides: vec![Guide { path: "AGENTS.md".to_owned(), text: texts[0].clone() + "inside" }],
                snippets: vec![Snippet { path: "a.rs".to_owned(), line: 1, text: texts[1].clone() + "inside", defines: true }],
                tests: vec![texts[2].clone() + "inside"],
                configs: Vec::new(),
                commits: vec![texts[2].clone() + "inside"],
            };
            let issue = Issue { body: texts[3].clone() + "inside", ..sample("") };
            let told = within(None, (&issue, &around), tokens).text;
            // Read as an agent would: a fence is closed by its own mark and nothing else.
            let mut open: Option<String> = None;
            for line in told.lines() {
                match &open {
                    Some(close) if line == close => open = None,
                    Some(_) => {}
                    None => {
                        prop_assert!(!line.contains("inside"), "{}", told);
                        let is_mark = line.starts_with('<') && line.ends_with('>');
                        open = is_mark.then(|| line.replacen('<', "</", 1));
                    }
                }
            }
            prop_assert_eq!(open, None);
        }
    }
}
