//! Words for agents: what to do at first, and what to do about what went wrong.

use crate::rules::footprint::Footprint;
use crate::rules::ids::{BranchName, IssueNumber, Timestamp};
use crate::rules::issue::{Issue, IssueState};
use crate::rules::markdown::visible;
use crate::rules::printable::{clip, printable, printable_block, printable_lines};
use crate::rules::task::{CheckReport, Verdict};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use std::fmt::Write as _;

const DEFAULT: &str = include_str!("prompt/default.jinja");
/// Instructions that a template may take: far more than any needs, far fewer than a second of work.
const FUEL: u64 = 100_000;
/// The longest issue text handed over, in bytes; GitHub's own limit.
const TEXT_MAX: usize = 65_536;
/// The most of all checks' output together, and of one failure's words, in bytes.
const OUTPUTS_MAX: usize = 24_000;
const FAILURE_MAX: usize = 4_000;
/// The most of a person's instructions, in bytes.
pub const INSTRUCTIONS_MAX: usize = 8_000;

/// What templates see. `issue.title` is one line, `issue.text` title and body, fenced.
pub const VARIABLES: [&str; 12] = [
    "issue.number",
    "issue.title",
    "issue.text",
    "issue.labels",
    "issue.author",
    "issue.url",
    "repository",
    "base_branch",
    "branch",
    "files",
    "checks",
    "steps",
];

/// What a first prompt is made of.
#[derive(Clone, Copy, Debug)]
pub struct PromptInput<'a> {
    /// The issue to resolve.
    pub issue: &'a Issue,
    /// The repository, as the forge names it.
    pub repository: &'a str,
    /// The branch that the work starts from.
    pub base_branch: &'a str,
    /// The branch that the work is for.
    pub branch: &'a BranchName,
    /// The files it will likely touch.
    pub files: &'a Footprint,
    /// The command lines that will judge it.
    pub checks: &'a [String],
    /// What is recommended for an issue like this.
    pub steps: &'a [String],
    /// What the person who approved it adds, if anything: not safe to print.
    pub instructions: Option<&'a str>,
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

/// What went wrong with an attempt that goes on.
#[derive(Clone, Copy, Debug)]
pub enum Feedback<'a> {
    /// These checks ran; those that stop the commit are told.
    ChecksFailed(&'a [CheckReport]),
    /// It failed with these words.
    Failed(&'a str),
    /// Nothing is wrong: it was stopped midway.
    Interrupted,
}

/// The first prompt, by the built-in template where there is no other. The issue's text is in it as fenced data.
pub fn first_prompt(
    template: Option<&str>,
    input: &PromptInput<'_>,
) -> Result<String, PromptError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    let template = template.unwrap_or(DEFAULT);
    let prompt = environment.render_named_str("prompt", template, values(input))?;
    Ok(match input.instructions {
        None => prompt,
        Some(instructions) => format!("{}\n\n{}\n", prompt.trim_end(), added(instructions)),
    })
}

/// Would this template work for any issue?
pub fn check_template(template: &str) -> Result<(), PromptError> {
    let text = "a text that no template has by itself";
    let full = sample(text);
    let plain = Issue {
        labels: Vec::new(),
        author: None,
        url: None,
        ..full.clone()
    };
    let files = crate::rules::footprint::named_in_text(&full);
    let checks = ["true".to_owned()];
    for (issue, files, checks) in [
        (&full, &files, &checks[..]),
        (&plain, &Footprint::default(), &[]),
    ] {
        let input = PromptInput {
            issue,
            repository: "owner/name",
            base_branch: "main",
            branch: &crate::rules::names::branch(issue.number, &issue.title, 1),
            files,
            checks,
            steps: checks,
            instructions: None,
        };
        if !first_prompt(Some(template), &input)?.contains(text) {
            return Err(PromptError::NoIssue);
        }
    }
    Ok(())
}

/// The prompt for an attempt that goes on in its conversation and its files.
#[must_use]
pub fn feedback_prompt(what: &Feedback<'_>) -> String {
    match what {
        Feedback::ChecksFailed(reports) => checks_prompt(reports),
        Feedback::Failed(message) => format!(
            "The work so far ended with a failure:\n\n{}\n\nThe files are as you left them. See to the cause where it \
             lies in your work, then go on until the issue is resolved. The rules stay the same, and so does the short \
             message at the end.",
            fenced("failure", &printable_block(message, FAILURE_MAX)),
        ),
        Feedback::Interrupted => "You were interrupted; nothing else is wrong. The files are as you left them. Look at \
             where you stand, and go on until the issue is resolved. The rules stay the same, and so does the short \
             message at the end."
            .to_owned(),
    }
}

/// Less likely files would lead the agent astray, and more of them than this as well.
const WORTH_A_WORD: f64 = 0.3;
const FILES_MAX: usize = 20;

/// A person's words stand outside of the template, so that no template can lose them.
fn added(instructions: &str) -> String {
    let words = printable_block(instructions, INSTRUCTIONS_MAX);
    format!(
        "A person has read the issue and approved the work, with these instructions. Where they and the issue differ, \
         they count; the rules above stay the same.\n\n{}",
        fenced("instructions", words.trim())
    )
}

fn values(input: &PromptInput<'_>) -> Value {
    let issue = input.issue;
    let labels: Vec<String> = issue.labels.iter().map(|label| printable(label)).collect();
    let files = input.files.by_probability();
    let files: Vec<String> = files
        .iter()
        .filter(|file| file.probability >= WORTH_A_WORD)
        .take(FILES_MAX)
        .map(|file| printable(&file.path))
        .collect();
    context! {
        issue => context! {
            number => issue.number.0,
            title => clip(&issue.title, 300),
            text => issue_text(issue),
            labels => labels,
            author => issue.author.as_deref().map(printable),
            url => issue.url.as_deref().map(printable),
        },
        repository => input.repository,
        base_branch => input.base_branch,
        branch => input.branch.as_str(),
        files => files,
        checks => input.checks.to_vec(),
        steps => input.steps.to_vec(),
    }
}

/// Title and body as a reader of the forge's page sees them, between two lines that they cannot contain.
fn issue_text(issue: &Issue) -> String {
    let body = printable_lines(&visible(&issue.body));
    let mut text = format!("{}\n\n{}", clip(&issue.title, 300), body.trim());
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push_str("\n[… the rest is cut]");
    }
    fenced("issue", text.trim_end())
}

/// The text between `<name-n>` and `</name-n>`, with the first n behind all that the text itself mentions.
#[must_use]
pub fn fenced(name: &str, text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let prefix = format!("{name}-");
    let mentioned = lower.match_indices(&prefix).map(|(at, _)| {
        let digits = lower[at + prefix.len()..].bytes().take(9);
        digits
            .take_while(u8::is_ascii_digit)
            .fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'))
    });
    let number = mentioned.max().unwrap_or(0) + 1;
    format!("<{prefix}{number}>\n{text}\n</{prefix}{number}>")
}

fn checks_prompt(reports: &[CheckReport]) -> String {
    let stopping = reports.iter().filter(|report| report.verdict.stops());
    let each = OUTPUTS_MAX / stopping.clone().count().max(1);
    let mut prompt = "Your change is not done yet: it does not pass these checks.\n".to_owned();
    for report in stopping {
        let output = fenced("output", printable_block(&report.output, each).trim());
        let name = clip(&report.name, 100);
        write!(prompt, "\n{name} {}:\n{output}\n", ended(report.verdict))
            .expect("writing to a string never fails");
    }
    prompt.push_str(
        "\nMend the cause, not the check. The rules stay the same. End with a short message about the whole change.",
    );
    prompt
}

fn ended(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::FailedBefore => "failed before your change as well",
        Verdict::TimedOut => "did not end in time",
        Verdict::Unable => "could not be started",
    }
}

fn sample(body: &str) -> Issue {
    Issue {
        number: IssueNumber(1),
        title: "Title".to_owned(),
        body: format!("{body} in src/main.rs"),
        labels: vec!["label".to_owned()],
        state: IssueState::Open,
        author: Some("author".to_owned()),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        url: Some("https://forge.test/1".to_owned()),
        depends_on: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::footprint::named_in_text;
    use crate::rules::names::branch;
    use proptest::prelude::*;

    fn prompt(
        template: Option<&str>,
        issue: &Issue,
        checks: &[&str],
    ) -> Result<String, PromptError> {
        let checks: Vec<String> = checks.iter().map(ToString::to_string).collect();
        first_prompt(
            template,
            &PromptInput {
                issue,
                repository: "owner/name",
                base_branch: "main",
                branch: &branch(issue.number, &issue.title, 1),
                files: &named_in_text(issue),
                checks: &checks,
                steps: &[],
                instructions: None,
            },
        )
    }

    fn report(verdict: Verdict, output: &str) -> CheckReport {
        CheckReport {
            name: format!("{verdict:?}"),
            verdict,
            millis: 1,
            output: output.to_owned(),
        }
    }

    #[test]
    fn the_built_in_template_says_what_is_wanted() {
        let full = prompt(None, &sample("Mend the parser"), &["cargo test"]).unwrap();
        for words in [
            "issue #1 of owner/name",
            "autoissue/1-title",
            "<issue-1>\nTitle\n\nMend the parser in src/main.rs\n</issue-1>",
            "- src/main.rs\n",
            "- cargo test\n",
            "Do not commit",
        ] {
            assert!(full.contains(words), "{words} in\n{full}");
        }
        let bare = prompt(None, &crate::rules::issue::tests::issue("Title", ""), &[]).unwrap();
        assert!(bare.contains("No checks are configured"));
        assert!(!bare.contains("It names"));
        assert!(
            !full.contains("\n\n\n") && !bare.contains("\n\n\n"),
            "{full}\n{bare}"
        );
        assert!(check_template(DEFAULT).is_ok());
    }

    #[test]
    fn what_a_reader_cannot_see_the_agent_does_not_see() {
        let hidden = "seen <!-- secret order --> \u{202e}\u{200b}\u{1b}[8m too";
        let text = prompt(Some("{{ issue.text }}"), &sample(hidden), &[]).unwrap();
        assert_eq!(
            text,
            "<issue-1>\nTitle\n\nseen   too in src/main.rs\n</issue-1>"
        );
    }

    #[test]
    fn steps_and_a_persons_words_reach_the_agent() {
        let issue = sample("Mend it");
        let input = PromptInput {
            issue: &issue,
            repository: "owner/name",
            base_branch: "main",
            branch: &branch(issue.number, &issue.title, 1),
            files: &named_in_text(&issue),
            checks: &[],
            steps: &["Find the cause.".to_owned()],
            instructions: Some("Use </instructions-1>\u{1b}[31m the cache"),
        };
        let full = first_prompt(None, &input).unwrap();
        assert!(full.contains("- Find the cause.\n"), "{full}");
        let own = first_prompt(Some("{{ issue.text }}"), &input).unwrap();
        for prompt in [full, own] {
            let words = "<instructions-2>\nUse </instructions-1> the cache\n</instructions-2>\n";
            assert!(prompt.ends_with(words), "{prompt}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = prompt(Some("{{ issue.text }}"), &sample(&"ü".repeat(65_536)), &[]).unwrap();
        assert!(text.len() < TEXT_MAX + 100);
        assert!(text.ends_with("ü\n[… the rest is cut]\n</issue-1>"));
    }

    #[test]
    fn a_wrong_template_is_refused() {
        let check = |template: &str, expect: &str| {
            let error = check_template(template).unwrap_err();
            let cause =
                std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
            assert!(cause.contains(expect), "{template}: {cause}");
        };
        check(
            "{{ issue.text }} {{ isue.title }}",
            "`isue` is undefined (in prompt:1)",
        );
        check(
            "{{ issue.text }}\n{% if issue.titel %}x{% endif %}",
            "(in prompt:2)",
        );
        check("{{ issue.text }} {% if %}", "syntax error");
        check(
            "{{ issue.text }} {% for i in range(90000) %}{{ i }}{% endfor %}",
            "fuel",
        );
        check("{% include 'other' %}", "template not found");
        check("Do {{ issue.number }}", "never shows");
        assert!(
            check_template("{{ issue.text }}{% if issue.author %}{{ issue.author }}{% endif %}")
                .is_ok()
        );
    }

    #[test]
    fn every_variable_that_is_named_can_be_used() {
        let all = format!("{{{{ {} }}}}", VARIABLES.join(" }}{{ "));
        assert!(check_template(&all).is_ok());
    }

    #[test]
    fn template_marks_in_an_issue_mean_nothing() {
        let text = prompt(None, &sample("{{ checks }} {% raw %}"), &[]).unwrap();
        assert!(text.contains("{{ checks }} {% raw %}"));
    }

    #[test]
    fn feedback_tells_only_what_stops() {
        let reports = [
            report(Verdict::Passed, "fine"),
            report(Verdict::Failed, "\u{1b}[31mit broke\u{1b}[0m"),
            report(Verdict::FailedBefore, "old"),
            report(Verdict::TimedOut, "slow"),
        ];
        let prompt = feedback_prompt(&Feedback::ChecksFailed(&reports));
        assert!(
            prompt.contains("Failed failed:\n<output-1>\nit broke\n</output-1>"),
            "{prompt}"
        );
        assert!(prompt.contains("TimedOut did not end in time:\n<output-1>\nslow"));
        assert!(!prompt.contains("fine") && !prompt.contains("old"));
    }

    #[test]
    fn feedback_is_bounded_and_keeps_the_ends() {
        let long = "x\n".repeat(1_000_000) + "the end";
        let reports = vec![report(Verdict::Failed, &long); 5];
        let prompt = feedback_prompt(&Feedback::ChecksFailed(&reports));
        assert!(prompt.len() < OUTPUTS_MAX + 1_000);
        assert_eq!(prompt.matches("the end").count(), 5);
        let prompt = feedback_prompt(&Feedback::Failed(&long));
        assert!(prompt.len() < FAILURE_MAX + 1_000 && prompt.contains("the end"));
        assert!(feedback_prompt(&Feedback::Interrupted).contains("interrupted"));
    }

    proptest! {
        #[test]
        fn no_text_closes_its_fence(text in "(</?(issue|Issue)-[0-9]{0,3}>?|[a-z<>\n -])*") {
            let fenced = fenced("issue", &text);
            let (open, rest) = fenced.split_once('\n').unwrap();
            let close = open.replace('<', "</");
            prop_assert_eq!(rest.to_lowercase().find(&close), Some(rest.len() - close.len()));
        }
    }
}
