//! A repository's own template for pulls, filled in: our sections go under the headings that ask for them.

use crate::rules::checks::shape::CheckKind;
use crate::rules::markdown::visible;
use crate::rules::neutral::neutralise;
use crate::rules::offer::templates::Sections;
use crate::rules::printable::{clip, printable_lines};
use crate::rules::task::{CheckReport, Verdict};

/// The longest template that is filled in, in characters.
const LONGEST: usize = 16_000;

/// The description that the template asks for. Its comments go, what it says under headings that we fill gives way to
/// ours, its checklists stay, and what it has no heading for is put behind it. `None` where it is too long, or empty.
#[must_use]
pub fn filled(template: &str, sections: &Sections, reports: &[CheckReport]) -> Option<String> {
    if template.chars().count() > LONGEST {
        return None;
    }
    let template = neutralise(&visible(&printable_lines(template)));
    let mut blocks = blocks(&template);
    if blocks.iter().all(Block::is_blank) {
        return None;
    }
    let rest = fill(&mut blocks, sections);
    let mut out = Vec::new();
    for block in &blocks {
        out.push(block.text(reports));
    }
    let level = blocks
        .iter()
        .map(|block| block.level)
        .filter(|level| *level > 0);
    let mark = "#".repeat(level.min().unwrap_or(3));
    for (heading, text) in rest {
        out.push(match heading {
            Some(heading) => format!("{mark} {heading}\n\n{text}"),
            None => text,
        });
    }
    let texts: Vec<&str> = out.iter().map(|text| text.trim_matches('\n')).collect();
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    Some(texts.collect::<Vec<_>>().join("\n\n"))
}

/// A heading, and what stands below it; the first block may have none.
#[derive(Debug, Default)]
struct Block<'a> {
    level: usize,
    heading: &'a str,
    lines: Vec<&'a str>,
    ours: Vec<String>,
}

/// What a heading asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Summary,
    Changes,
    Tests,
    Issue,
}

impl Block<'_> {
    fn is_blank(&self) -> bool {
        self.heading.is_empty() && self.lines.iter().all(|line| line.trim().is_empty())
    }

    fn text(&self, reports: &[CheckReport]) -> String {
        let is_ours = !self.ours.is_empty();
        let mut parts = Vec::new();
        if !self.heading.is_empty() {
            parts.push(self.heading.to_owned());
        }
        parts.extend(self.ours.iter().cloned());
        let kept = self.lines.iter().filter(|line| !is_ours || is_item(line));
        let kept: Vec<String> = kept.map(|line| ticked(line, reports)).collect();
        parts.push(kept.join("\n").trim_matches('\n').to_owned());
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n")
    }
}

/// Code blocks have no headings.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::default()];
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let start = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            (Some(_) | None, _) => {}
        }
        let level = if fence.is_none() { level(line) } else { 0 };
        if level > 0 {
            blocks.push(Block {
                level,
                heading: line.trim_end(),
                ..Block::default()
            });
        } else if let Some(block) = blocks.last_mut() {
            block.lines.push(line);
        }
    }
    blocks
}

fn level(line: &str) -> usize {
    let marks = line.len() - line.trim_start_matches('#').len();
    let is_heading = (1..=6).contains(&marks) && line[marks..].starts_with([' ', '\t']);
    if is_heading { marks } else { 0 }
}

/// Puts the sections where they belong; gives those that no heading asked for, with headings of their own.
fn fill(blocks: &mut Vec<Block<'_>>, sections: &Sections) -> Vec<(Option<&'static str>, String)> {
    let find = |topic: Topic| {
        let mut places = blocks.iter().enumerate();
        let found =
            places.find(|(_, block)| block.level > 0 && topic_of(block.heading) == Some(topic));
        found.map(|(place, _)| place)
    };
    let (changes, tests, issue) = (find(Topic::Changes), find(Topic::Tests), find(Topic::Issue));
    let summary = find(Topic::Summary).or(changes);
    let mut rest = Vec::new();
    let mut put = |place: Option<usize>, heading: Option<&'static str>, text: &str| {
        if text.is_empty() {
            return;
        }
        match place.and_then(|place| blocks.get_mut(place)) {
            Some(block) => block.ours.push(text.to_owned()),
            None => rest.push((heading, text.to_owned())),
        }
    };
    // What has no place of its own leads, so that nobody misses it.
    for text in [&sections.size, &sections.stands_on] {
        put(issue.or(Some(0)), None, text);
    }
    put(summary, Some("What was done"), &sections.summary);
    put(tests, Some("Checks"), &sections.checks);
    put(changes, Some("Changes"), &sections.changes);
    put(None, Some("Evaluation"), &sections.evaluation);
    put(None, Some("Effort"), &sections.effort);
    let place = issue.unwrap_or(0);
    if issue.is_none() {
        // Above whatever the template begins with, which stays.
        let mut first = Block::default();
        first.ours.push(sections.closes.clone());
        blocks.insert(0, first);
        let led: Vec<String> = blocks[1].ours.drain(..).collect();
        blocks[0].ours.extend(led);
    } else if let Some(block) = blocks.get_mut(place) {
        block.ours.insert(0, sections.closes.clone());
    }
    rest
}

/// What a heading asks for, by its words.
fn topic_of(heading: &str) -> Option<Topic> {
    let heading = heading.to_lowercase();
    let words: Vec<&str> = heading
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
    // "Type of change", "Breaking changes" and checklists ask for something else.
    if has(&[
        "type",
        "types",
        "kind",
        "breaking",
        "checklist",
        "screenshots",
    ]) {
        None
    } else if has(&[
        "test",
        "tests",
        "tested",
        "testing",
        "verification",
        "verified",
    ]) {
        Some(Topic::Tests)
    } else if has(&[
        "issue",
        "issues",
        "ticket",
        "tickets",
        "fixes",
        "closes",
        "resolves",
        "related",
        "linked",
        "references",
    ]) {
        Some(Topic::Issue)
    } else if has(&["changes", "changed", "change"]) && !has(&["summary", "description"]) {
        Some(Topic::Changes)
    } else if has(&[
        "summary",
        "description",
        "overview",
        "what",
        "purpose",
        "proposed",
    ]) {
        Some(Topic::Summary)
    } else {
        None
    }
}

/// Is it an entry of a checklist?
fn is_item(line: &str) -> bool {
    box_of(line).is_some()
}

/// Where the mark between the brackets of an entry stands.
fn box_of(line: &str) -> Option<usize> {
    let start = line.len() - line.trim_start().len();
    let rest = &line[start..];
    let is_list = ["- [", "* [", "+ ["]
        .iter()
        .any(|mark| rest.starts_with(mark));
    let is_box = is_list && matches!(rest.get(3..5), Some(" ]" | "x]" | "X]"));
    is_box.then_some(start + 3)
}

/// The line, ticked where it is an entry that we know to hold, and not ticked where it is any other.
fn ticked(line: &str, reports: &[CheckReport]) -> String {
    let Some(at) = box_of(line) else {
        return line.to_owned();
    };
    let mark = if holds(&line[at + 2..], reports) {
        'x'
    } else {
        ' '
    };
    format!("{}{mark}{}", &line[..at], &line[at + 1..])
}

/// Does an entry say that something passes which has been tried, and passed?
fn holds(entry: &str, reports: &[CheckReport]) -> bool {
    let entry = clip(entry, 300).to_lowercase();
    let words: Vec<&str> = entry.split(|char: char| !char.is_alphanumeric()).collect();
    let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
    let says_so = has(&["pass", "passes", "passing", "passed", "green"]);
    // One that was written for it, or run elsewhere, is another matter.
    let is_more = has(&[
        "added", "add", "new", "wrote", "written", "manual", "manually", "ci",
    ]);
    let kinds = [
        (CheckKind::Test, ["test", "tests"]),
        (CheckKind::Lint, ["lint", "linter"]),
        (CheckKind::Build, ["build", "builds"]),
        (CheckKind::Types, ["type", "types"]),
    ];
    let meant: Vec<_> = kinds.iter().filter(|(_, words)| has(words)).collect();
    let passed = |(kind, words): &&(CheckKind, [&str; 2])| {
        let is_meant = |report: &&CheckReport| {
            report.kind == *kind || report.name.to_lowercase().contains(words[0])
        };
        let mut tried = reports.iter().filter(is_meant).peekable();
        tried.peek().is_some() && tried.all(|report| report.verdict == Verdict::Passed)
    };
    says_so && !is_more && !meant.is_empty() && meant.iter().all(passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sections() -> Sections {
        Sections {
            closes: "Closes #12".to_owned(),
            stands_on: String::new(),
            size: String::new(),
            summary: "> Did it.".to_owned(),
            checks: "all passed".to_owned(),
            changes: "1 file".to_owned(),
            evaluation: String::new(),
            effort: "$0.10".to_owned(),
        }
    }

    fn report(name: &str, verdict: Verdict) -> CheckReport {
        CheckReport {
            name: name.to_owned(),
            kind: CheckKind::default(),
            verdict,
            millis: 1,
            output: String::new(),
        }
    }

    const USUAL: &str = "\
<!-- Thank you! -->
## Description

Please say what and why.

Fixes # (issue)

## Type of change

- [ ] Bug fix
- [x] New feature

## How Has This Been Tested?

Say how. Closes #99, cc @acme/all

- [ ] The tests pass
- [ ] I have added tests that pass

## Related issues

Fixes #

## Checklist

- [ ] My code follows the style
";

    #[test]
    fn a_usual_template_is_filled_in_and_nothing_in_it_acts() {
        let passed = [report("unit tests", Verdict::Passed)];
        let body = filled(USUAL, &sections(), &passed).unwrap();
        let expect = "\
## Description

> Did it.

## Type of change

- [ ] Bug fix
- [ ] New feature

## How Has This Been Tested?

all passed

- [x] The tests pass
- [ ] I have added tests that pass

## Related issues

Closes #12

## Checklist

- [ ] My code follows the style

## Changes

1 file

## Effort

$0.10";
        assert_eq!(body, expect);
    }

    #[test]
    fn what_has_no_heading_is_put_around_it() {
        let body = filled(
            "Be kind. @octocat\n\n### Notes\n\nfixes #7\n",
            &sections(),
            &[],
        )
        .unwrap();
        assert!(
            body.starts_with("Closes #12\n\nBe kind. @\u{200b}octocat\n\n### Notes\n\nfixes #\u{200b}7\n\n### What was done\n\n> Did it."),
            "{body}"
        );
        let led = Sections {
            size: "**large**".to_owned(),
            ..sections()
        };
        let body = filled("### Changes\nsay\n", &led, &[]).unwrap();
        assert!(
            body.starts_with(
                "Closes #12\n\n**large**\n\n### Changes\n\n> Did it.\n\n1 file\n\n### Checks"
            ),
            "{body}"
        );
    }

    #[test]
    fn an_entry_is_ticked_only_where_it_was_tried() {
        let check = |line: &str, reports: &[CheckReport], expect: &str| {
            assert_eq!(ticked(line, reports), expect);
        };
        let passed = [
            report("test", Verdict::Passed),
            report("lint", Verdict::Passed),
        ];
        let failed = [report("test", Verdict::FailedBefore)];
        check("- [ ] tests pass", &passed, "- [x] tests pass");
        check(
            "* [ ] Lint and tests are passing",
            &passed,
            "* [x] Lint and tests are passing",
        );
        check("- [x] tests pass", &failed, "- [ ] tests pass");
        check("- [ ] tests pass", &[], "- [ ] tests pass");
        check("- [ ] build passes", &passed, "- [ ] build passes");
        check("- [ ] tests", &passed, "- [ ] tests");
        check(
            "  - [X] I read the guide",
            &passed,
            "  - [ ] I read the guide",
        );
    }

    #[test]
    fn what_asks_for_nothing_is_no_template() {
        assert_eq!(
            filled("<!-- only a comment -->\n\n", &sections(), &[]),
            None
        );
        assert_eq!(filled(&"x".repeat(20_000), &sections(), &[]), None);
    }

    proptest! {
        #[test]
        fn whatever_a_template_says_our_sections_stand_in_it_once(
            template in "(#{1,3} (Summary|Tests|Issue|Changes|Notes)\n|- \\[ \\] x\n|```\n|text\n|\n|<!--|-->){0,20}"
        ) {
            if let Some(body) = filled(&template, &sections(), &[]) {
                for part in ["Closes #12", "> Did it.", "all passed", "1 file", "$0.10"] {
                    prop_assert_eq!(body.matches(part).count(), 1, "{} in {}", part, body);
                }
            }
        }
    }
}
