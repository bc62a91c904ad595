//! A user's own words for notices: strict templates, one for each kind. What goes wrong with one costs nobody a notice.

use crate::rules::ids::SessionId;
use crate::rules::notice::shape::{Notice, NoticeKind};
use crate::rules::printable::clip;
use crate::rules::template::environment;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use std::collections::BTreeMap;

/// Characters of a notice that a template made.
const LINE: usize = 400;
/// Bytes after which a template makes too much of it.
const MOST: usize = 64 * 1024;

/// What a template may use; what is not known of a notice is empty text.
pub const VARIABLES: [&str; 10] = [
    "event", "kind", "project", "session", "issue", "title", "reason", "cost", "link", "line",
];

/// The templates by what a notice is about; a kind without one has our own words.
pub type Templates = BTreeMap<NoticeKind, String>;

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Fault {
    /// Of the template, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// The notice in the words of its template; as it is where there is none, or where it has nothing to say.
///
/// # Errors
/// When the template makes nothing of it, with the reason.
pub fn worded(notice: &Notice, templates: &Templates) -> Result<Notice, Fault> {
    let Some(template) = templates.get(&notice.kind) else {
        return Ok(notice.clone());
    };
    let said = clip(&render(template, values(notice))?, LINE);
    if said.is_empty() {
        return Ok(notice.clone());
    }
    Ok(Notice {
        line: said,
        is_whole: true,
        ..notice.clone()
    })
}

/// Would this template do, whatever is known of a notice?
///
/// # Errors
/// When it is none, names what there is not, or makes nothing of a notice.
pub fn check(template: &str) -> Result<(), Fault> {
    let environment = environment();
    let parsed = environment.template_from_named_str("template", template);
    let named = parsed
        .map_err(|error| fault(&error))?
        .undeclared_variables(false);
    let is_known = |name: &str| VARIABLES.contains(&name) || is_global(&environment, name);
    let unknown = named.iter().filter(|name| !is_known(name)).min();
    if let Some(name) = unknown {
        return Err(Fault {
            line: line_of(template, name),
            problem: format!("there is no `{name}`"),
        });
    }
    for word in ["word", ""] {
        let all = VARIABLES.iter().map(|name| (*name, word));
        render(
            template,
            Value::from_object(all.collect::<BTreeMap<_, _>>()),
        )?;
    }
    Ok(())
}

fn is_global(environment: &Environment<'_>, name: &str) -> bool {
    environment.globals().any(|(global, _)| global == name)
}

/// The first line in which the name stands as a word.
fn line_of(template: &str, name: &str) -> usize {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let names = |line: &str| line.split(|char| !is_part(char)).any(|word| word == name);
    template.lines().position(names).map_or(1, |at| at + 1)
}

fn values(notice: &Notice) -> Value {
    let issue = notice.about.as_ref().map(|(issue, _)| issue.0.to_string());
    let title = notice.about.as_ref().map(|(_, title)| title.as_str());
    let session = notice.session.as_ref().map(SessionId::as_str);
    let cost = notice.cost.map(|cost| cost.to_string());
    context! {
        event => notice.event,
        kind => notice.kind.word(),
        project => &notice.project,
        session => session.unwrap_or_default(),
        issue => issue.unwrap_or_default(),
        title => title.unwrap_or_default(),
        reason => notice.reason.as_deref().unwrap_or_default(),
        cost => cost.unwrap_or_default(),
        link => notice.link.as_deref().unwrap_or_default(),
        line => &notice.line,
    }
}

fn render(template: &str, values: Value) -> Result<String, Fault> {
    let environment = environment();
    let parsed = environment.template_from_named_str("template", template);
    // It takes no more than there is room for.
    let mut room = vec![0; MOST];
    let mut rest = room.as_mut_slice();
    let rendered = parsed.and_then(|parsed| parsed.render_captured_to(values, &mut rest).map(drop));
    rendered.map_err(|error| fault(&error))?;
    let used = MOST - rest.len();
    Ok(String::from_utf8_lossy(&room[..used]).into_owned())
}

fn fault(error: &Error) -> Fault {
    let kind = error.kind();
    let problem = match (kind, error.detail()) {
        (ErrorKind::WriteFailure, _) => "it makes too much text".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    Fault {
        line: error.line().unwrap_or(1),
        problem: clip(&problem, LINE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::IssueNumber;
    use crate::rules::money::Usd;

    fn notice() -> Notice {
        Notice {
            kind: NoticeKind::Completed,
            event: "task_completed",
            about: Some((IssueNumber(12), "Mend it".to_owned())),
            cost: Some(Usd::from_micros(250_000)),
            line: "acme/shop#12 is completed: Mend it".to_owned(),
            ..Notice::test("acme/shop")
        }
    }

    fn said(template: &str, notice: &Notice) -> Result<String, String> {
        let templates = Templates::from([(NoticeKind::Completed, template.to_owned())]);
        let worded = worded(notice, &templates);
        worded
            .map(|notice| notice.line)
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_template_has_the_word_and_what_is_not_known_is_empty() {
        let check = |template: &str, expect: &str| {
            assert_eq!(said(template, &notice()).unwrap(), expect, "{template}");
        };
        check(
            "{{ project }}#{{ issue }} {{ title }} for {{ cost }}",
            "acme/shop#12 Mend it for $0.25",
        );
        check(
            "{{ kind }} {{ event }}[{{ session }}{{ link }}{{ reason }}]",
            "completed task_completed[]",
        );
        check(
            "{{ title }}{% if reason %} ({{ reason }}){% endif %}",
            "Mend it",
        );
        check("yes: {{ line }}", "yes: acme/shop#12 is completed: Mend it");
        check("two\nlines", "two lines");
        // Nothing to say: our own words.
        check(
            "{% if reason %}{{ reason }}{% endif %}\n",
            "acme/shop#12 is completed: Mend it",
        );
        assert!(
            said(&"long ".repeat(200), &notice())
                .unwrap()
                .chars()
                .count()
                <= LINE
        );
    }

    #[test]
    fn another_kind_keeps_our_words_and_one_that_is_told_is_whole() {
        let templates = Templates::from([(NoticeKind::Failed, "no".to_owned())]);
        assert_eq!(worded(&notice(), &templates), Ok(notice()));
        let templates = Templates::from([(NoticeKind::Completed, "no".to_owned())]);
        assert!(worded(&notice(), &templates).unwrap().is_whole);
    }

    #[test]
    fn a_title_is_no_template_and_steers_nothing() {
        let hostile = "{{ 7 * 7 }}{% for i in range(9) %} <b>\u{1b}[31mred\u{202e}\nmore";
        let notice = Notice {
            about: Some((IssueNumber(12), hostile.to_owned())),
            ..notice()
        };
        assert_eq!(
            said("{{ title }}", &notice).unwrap(),
            "{{ 7 * 7 }}{% for i in range(9) %} <b>red more"
        );
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_line() {
        let refused = [
            "{{ titel }}",
            "{{ title }}\n{% if reason %}\n{{ reasons }}{% endif %}",
            "one\n{{ title }",
            "{% include 'x' %}",
            "{{ title.length }}",
            "{{ title | shout }}",
            "{% for i in range(90000) %}{{ i }}{% endfor %}",
            "{% for i in range(90000) %}{% if i %}{% endif %}{% endfor %}",
        ];
        let refused = refused.map(|template| check(template).unwrap_err().to_string());
        insta::assert_snapshot!(refused.join("\n"), @r"
        line 1: there is no `titel`
        line 3: there is no `reasons`
        line 2: syntax error: unexpected `}`, expected end of variable block
        line 1: template not found: tried to include non-existing template 'x'
        line 1: undefined value: `title.length` is undefined
        line 1: unknown filter: filter shout is unknown
        line 1: it makes too much text
        line 1: engine ran out of fuel
        ");
        let every = VARIABLES.map(|name| format!("{{{{ {name} }}}}")).join("");
        assert_eq!(check(&every), Ok(()));
        assert_eq!(
            check("{% set a = namespace(n=range(2)) %}{% for i in a.n %}{{ i }}{% endfor %}"),
            Ok(())
        );
    }

    #[test]
    fn one_that_never_ends_or_makes_too_much_fails() {
        let long = Notice {
            about: Some((IssueNumber(12), "x".repeat(80))),
            ..notice()
        };
        let loops = "{% for a in title %}{% for b in title %}{% for c in title %}{{ a }}{% endfor %}{% endfor %}{% endfor %}";
        assert_eq!(check(loops), Ok(()), "it does for shorter ones");
        assert!(said(loops, &long).unwrap_err().contains("fuel"));
        let large = "{% for a in title %}{{ a * 9000 }}{% endfor %}";
        assert_eq!(check(large), Ok(()));
        assert!(said(large, &long).is_err());
    }
}
