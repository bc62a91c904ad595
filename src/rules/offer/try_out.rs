//! Templates for pulls and commits are tried before anything is paid for.

use crate::rules::offer::templates::{Described, Named, NamedIssue, Sections, Templates, render};

/// Would these templates work for any work? Names the one that would not, and why.
pub fn check_templates(templates: &Templates) -> Result<(), (&'static str, minijinja::Error)> {
    for full in [true, false] {
        let named = named(full);
        let described = described(&named, full);
        let commit = templates.commit.as_deref();
        let tried = [
            ("pull.title", templates.title.as_deref()),
            ("commit.message", commit),
        ];
        for (key, template) in tried {
            if let Some(template) = template {
                render(template, &named).map_err(|error| (key, error))?;
            }
        }
        if let Some(template) = &templates.body {
            render(template, &described).map_err(|error| ("pull.body", error))?;
        }
    }
    Ok(())
}

fn named(full: bool) -> Named {
    if !full {
        return Named::default();
    }
    Named {
        issue: NamedIssue {
            number: 1,
            title: "Title".to_owned(),
            labels: vec!["label".to_owned()],
            url: "https://github.com/owner/name/issues/1".to_owned(),
        },
        domain: "backend",
        kind: "bug",
        branch: "autoissue/1-title".to_owned(),
        summary: "Summary".to_owned(),
    }
}

fn described(named: &Named, full: bool) -> Described {
    let text = |text: &str| if full { text.to_owned() } else { String::new() };
    Described {
        issue: named.issue.clone(),
        domain: named.domain,
        kind: named.kind,
        branch: named.branch.clone(),
        sections: Sections {
            closes: text("Closes #1"),
            stands_on: text("This stands on #2."),
            size: text("**This is large.**"),
            summary: text("> Summary"),
            checks: text("passed"),
            changes: text("1 file"),
            evaluation: text("low risk"),
            effort: text("1 attempt"),
        },
        base: text("main"),
        session: text("01JD8Z6Q0G7Y4V3M2N1K5T9RXC"),
        agent: text("claude"),
        model: text("sonnet"),
        attempts: 1,
        cost: text("$0.10"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::offer::templates::{BODY_VARIABLES, PULL, TITLE_VARIABLES};

    fn titled(title: &str) -> Templates {
        Templates {
            title: Some(title.to_owned()),
            ..Templates::default()
        }
    }

    #[test]
    fn a_wrong_template_is_refused_by_its_key() {
        let check = |templates: Templates, key: &str, cause: &str| {
            let (found, error) = check_templates(&templates).unwrap_err();
            assert_eq!(found, key);
            assert!(error.to_string().contains(cause), "{error}");
        };
        check(
            titled("{{ isue.title }}"),
            "pull.title",
            "`isue` is undefined",
        );
        check(
            titled("{{ closes }}"),
            "pull.title",
            "`closes` is undefined",
        );
        let body = Some("{% for i in range(90000) %}{{ i }}{% endfor %}".to_owned());
        let body = Templates {
            body,
            ..Templates::default()
        };
        check(body, "pull.body", "fuel");
        let commit = Some("{{ issue.title }".to_owned());
        let commit = Templates {
            commit,
            ..Templates::default()
        };
        check(commit, "commit.message", "syntax error");
    }

    #[test]
    fn every_variable_that_is_named_can_be_used() {
        let all = |names: &[&str]| format!("{{{{ {} }}}}", names.join(" }}{{ "));
        let titles = all(&TITLE_VARIABLES);
        let templates = Templates {
            title: Some(titles.clone()),
            body: Some(titles.clone() + &all(&BODY_VARIABLES)),
            commit: Some(titles),
        };
        assert!(check_templates(&templates).is_ok());
        let body = Some(PULL.to_owned());
        let built_in = Templates {
            body,
            ..Templates::default()
        };
        assert!(check_templates(&built_in).is_ok());
    }
}
