//! A template is tried on sample issues before anything is paid for it.

use crate::rules::footprint::{Footprint, named_in_text};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::issue::{Issue, IssueState};
use crate::rules::names::branch;
use crate::rules::prompt::first::{Comment, PromptError, PromptInput, first_prompt};
use crate::rules::prompt::others::Other;
use crate::rules::prompt::snippet::Snippet;
use crate::rules::prompt::surroundings::{Guide, Surroundings};

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
    let (files, around) = (named_in_text(&full), surroundings());
    let comments = [Comment {
        author: "author".to_owned(),
        text: "comment".to_owned(),
    }];
    let others = [Other {
        issue: IssueNumber(2),
        title: "Title".to_owned(),
        stage: "agent",
        files: vec!["src/main.rs".to_owned()],
    }];
    let checks = ["true".to_owned()];
    let full = PromptInput {
        issue: &full,
        comments: &comments,
        repository: "owner/name",
        base_branch: "main",
        branch: &branch(full.number, &full.title, 1),
        files: &files,
        surroundings: &around,
        lessons: &checks,
        others: &others,
        checks: &checks,
        steps: &checks,
        instructions: None,
        max_tokens: usize::MAX,
    };
    let plain = PromptInput {
        issue: &plain,
        comments: &[],
        files: &Footprint::default(),
        surroundings: &Surroundings::default(),
        lessons: &[],
        others: &[],
        checks: &[],
        steps: &[],
        ..full
    };
    for input in [full, plain] {
        if !first_prompt(Some(template), &input)?.text.contains(text) {
            return Err(PromptError::NoIssue);
        }
    }
    Ok(())
}

/// An issue with this text that has all that an issue can have.
pub(super) fn sample(body: &str) -> Issue {
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
        assignees: Vec::new(),
        milestone: None,
        parts: Vec::new(),
        pulls: Vec::new(),
    }
}

/// Something of everything.
pub(super) fn surroundings() -> Surroundings {
    Surroundings {
        commit: None,
        guides: vec![Guide {
            path: "AGENTS.md".to_owned(),
            text: "Write tests.".to_owned(),
        }],
        snippets: vec![Snippet {
            path: "src/main.rs".to_owned(),
            line: 7,
            text: "fn main() {}".to_owned(),
            defines: true,
        }],
        tests: vec!["tests/main.rs".to_owned()],
        configs: vec!["Cargo.toml".to_owned()],
        commits: vec!["0123456 Begin".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::prompt::first::{DEFAULT, VARIABLES};

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
        check(
            "{{ issue.text }}{% for guide in guides %}{{ guide.name }}{% endfor %}",
            "`guide.name` is undefined",
        );
        assert!(
            check_template("{{ issue.text }}{% if issue.author %}{{ issue.author }}{% endif %}")
                .is_ok()
        );
        assert!(check_template(DEFAULT).is_ok());
    }

    #[test]
    fn every_variable_that_is_named_can_be_used() {
        let all = format!("{{{{ {} }}}}", VARIABLES.join(" }}{{ "));
        assert!(check_template(&all).is_ok());
    }
}
