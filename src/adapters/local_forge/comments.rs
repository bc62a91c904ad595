//! The discussion below an issue: everything from the heading `## Comments` on.

use crate::adapters::local_forge::front_matter::Document;
use crate::rules::ids::Timestamp;
use crate::rules::names::bears_marker;
use chrono::DateTime;
use std::ops::Range;

const HEADING: &str = "## Comments";
const AUTHOR: &str = "autoissue";

/// The text above the discussion.
#[must_use]
pub fn above(body: &str) -> &str {
    match scan(body).heading {
        Some(at) => &body[..at],
        None => body,
    }
}

/// What our comment with this marker says; nothing where there is none. The text above, and what a comment quotes, do
/// not count.
#[must_use]
pub fn own(body: &str, marker: &str) -> Option<String> {
    let text = &body[place(body, marker)?];
    Some(text.trim().replace("\r\n", "\n"))
}

/// Puts other words where our comment with this marker stands; `false` where it says that already, or is gone.
pub fn replace(document: &mut Document, marker: &str, text: &str) -> bool {
    let body = document.body();
    let (Some(own), Some(place)) = (own(body, marker), place(body, marker)) else {
        return false;
    };
    if own == text.trim() {
        return false;
    }
    let (before, after) = (&body[..place.start], &body[place.end..]);
    let whole = format!("{before}{}\n{after}", text.trim());
    document.set_body(&whole);
    true
}

/// Where our comment with this marker stands: from below its heading to the end of the marker's line. What somebody
/// wrote before its heading, or where that is gone before the marker, is theirs.
fn place(body: &str, marker: &str) -> Option<Range<usize>> {
    let ours = format!("### {AUTHOR}, ");
    let mut at = above(body).len();
    let mut start = None;
    for line in body[at..].split_inclusive('\n') {
        let (from, quoted) = (at, line.trim_start().starts_with('>'));
        at += line.len();
        if line.starts_with("### ") {
            start = line.starts_with(&ours).then_some(at);
        } else if !quoted && line.contains(marker) {
            return Some(skip_blank(body, start.unwrap_or(from))..at);
        }
    }
    None
}

/// The first place from here on where something is written.
fn skip_blank(body: &str, from: usize) -> usize {
    from + body[from..].len() - body[from..].trim_start().len()
}

/// What people wrote below our comment with this marker: one after the other, by their headings, and by lines that begin
/// with a command.
#[must_use]
pub fn below(body: &str, marker: &str) -> Vec<String> {
    let discussion = &body[above(body).len()..];
    let ours = format!("### {AUTHOR}, ");
    let mut lines = discussion.lines();
    let is_quoted = |line: &str| line.trim_start().starts_with('>');
    lines.find(|line| !is_quoted(line) && line.contains(marker));
    let mut theirs = vec![String::new()];
    let mut is_ours = false;
    for line in lines {
        if line.starts_with("### ") {
            is_ours = line.starts_with(&ours);
            theirs.push(String::new());
        } else if is_ours {
            // Our comments end with their marker, whatever is written below them.
            is_ours = !bears_marker(line) || is_quoted(line);
        } else {
            if line.starts_with('/') {
                theirs.push(String::new());
            }
            if let Some(last) = theirs.last_mut() {
                last.push_str(line);
                last.push('\n');
            }
        }
    }
    let texts = theirs.iter().map(|text| text.trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

/// Adds a comment of ours at the end, and the heading where it is missing.
pub fn append(document: &mut Document, at: Timestamp, text: &str) {
    let found = scan(document.body());
    let mut addition = String::new();
    if !document.body().is_empty() && !document.body().ends_with('\n') {
        addition.push('\n');
    }
    // Otherwise the comment would be part of the code block, and nobody would find its heading again.
    if let Some(fence) = found.open_fence {
        addition = addition + &fence + "\n";
    }
    if found.heading.is_none() {
        addition = addition + "\n" + HEADING + "\n";
    }
    let when = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    let heading = format!("\n### {AUTHOR}, {}\n\n", when.format("%Y-%m-%d %H:%M UTC"));
    document.append(&(addition + &heading + text.trim_end() + "\n"));
}

struct Scan {
    /// Where the heading starts.
    heading: Option<usize>,
    /// What closes the code block that is still open at the end.
    open_fence: Option<String>,
}

/// Looks for the heading, code blocks left out: `CommonMark` 0.31, section 4.5.
fn scan(body: &str) -> Scan {
    let mut found = Scan {
        heading: None,
        open_fence: None,
    };
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        match (&found.open_fence, fence_of(line)) {
            (Some(open), Some((fence, ""))) if fence.starts_with(open.as_str()) => {
                found.open_fence = None;
            }
            (None, Some((fence, _))) => found.open_fence = Some(fence.to_owned()),
            (None, None) if found.heading.is_none() && line.trim_end() == HEADING => {
                found.heading = Some(at);
            }
            (Some(_) | None, _) => {}
        }
        at += line.len();
    }
    found
}

/// The fence that a line starts with, and what follows it.
fn fence_of(line: &str) -> Option<(&str, &str)> {
    let text = line.trim_start_matches(' ');
    let mark = text
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = text.trim_start_matches(mark);
    let fence = &text[..text.len() - rest.len()];
    let is_fence =
        line.len() - text.len() < 4 && fence.len() >= 3 && !(mark == '`' && rest.contains('`'));
    is_fence.then_some((fence, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_795_148_760_000);

    fn commented(text: &str, comments: &[&str]) -> String {
        let mut document = Document::parse(text).unwrap();
        for comment in comments {
            append(&mut document, AT, comment);
        }
        document.render()
    }

    #[test]
    fn comments_stand_below_one_heading() {
        assert_eq!(
            commented("Do it.", &["one\n", "two"]),
            "Do it.\n\n## Comments\n\n### autoissue, 2026-11-20 04:26 UTC\n\none\n\n### autoissue, 2026-11-20 04:26 UTC\n\ntwo\n"
        );
    }

    #[test]
    fn the_discussion_is_not_the_issue() {
        let check = |body: &str, expect: &str| assert_eq!(above(body), expect, "body: {body}");
        check("a\n## Comments\nb\n", "a\n");
        check(
            "a\n## Comments and more\nb\n",
            "a\n## Comments and more\nb\n",
        );
        check(
            "```md\n## Comments\n```\nb\n",
            "```md\n## Comments\n```\nb\n",
        );
        check(
            "~~~~\n~~~\n## Comments\n~~~~~\n## Comments\n",
            "~~~~\n~~~\n## Comments\n~~~~~\n",
        );
        check("```a`b\n## Comments\n", "```a`b\n");
        check("    ```\n## Comments\n", "    ```\n");
    }

    #[test]
    fn a_marker_counts_in_the_discussion_only() {
        let check = |body: &str, expect: bool| {
            assert_eq!(own(body, "<!-- m -->").is_some(), expect, "body: {body}");
        };
        check("<!-- m -->\n", false);
        check("<!-- m -->\n## Comments\nno\n", false);
        check("a\n## Comments\n> see <!-- m -->\n", false);
        check("a\n## Comments\nsee <!-- m -->\n", true);
    }

    #[test]
    fn a_comment_of_ours_is_changed_where_it_stands() {
        let both = commented("Do it.\r\n", &["one\n\n<!-- m -->", "two\n\n<!-- n -->"]);
        let said = both.replace(
            "<!-- m -->\r\n",
            "<!-- m -->\r\n\r\n### A person\r\n\r\nNo <!-- x -->\r\n",
        );
        let mut document = Document::parse(&said).unwrap();
        assert!(!replace(&mut document, "<!-- m -->", "one\n\n<!-- m -->\n"));
        assert!(!replace(
            &mut document,
            "<!-- o -->",
            "three\n\n<!-- o -->\n"
        ));
        assert_eq!(document.render(), said, "nothing to change");
        assert!(replace(&mut document, "<!-- m -->", "1\n\n<!-- m -->\n"));
        assert_eq!(document.render(), said.replace("one\r\n", "1\r\n"));
        assert_eq!(
            own(document.body(), "<!-- n -->").as_deref(),
            Some("two\n\n<!-- n -->")
        );
        assert!(replace(&mut document, "<!-- n -->", "2\n\n<!-- n -->\n"));
        let all = said.replace("one\r\n", "1\r\n").replace("two\r\n", "2\r\n");
        assert_eq!(document.render(), all);
    }

    #[test]
    fn a_comment_is_found_again_even_below_an_open_code_block() {
        for body in [
            "",
            "~~~~sh\nls",
            "```",
            "a\r\n```\r\nb",
            "## Comments",
            "## Comments\n```\nx",
        ] {
            let once = commented(body, &["```\nopen <!-- m -->"]);
            let twice = commented(&once, &["<!-- n -->"]);
            for marker in ["<!-- m -->", "<!-- n -->"] {
                assert!(own(&twice, marker).is_some(), "{marker} in {twice}");
            }
            let headings = twice.lines().filter(|line| *line == HEADING).count();
            assert_eq!(headings, 1, "{twice}");
        }
    }

    #[test]
    fn what_people_wrote_below_is_heard_one_by_one() {
        let marker = "<!-- autoissue:v1 session=a issue=1 kind=approval -->";
        let body = format!(
            "Text\n\n## Comments\n\n### autoissue, 2026-01-01\n\nMay it?\n\n{marker}\n\nIs it safe?\n/modify keep it\n\nand that\n\n\
             ### autoissue, 2026-01-02\n\nStill nobody:\n/approve above\n\n<!-- autoissue:v1 x -->\n/approve\n### ann, today\nFine.\n"
        );
        let expect = [
            "Is it safe?",
            "/modify keep it\n\nand that",
            "/approve",
            "Fine.",
        ];
        assert_eq!(below(&body, marker), expect);
        assert_eq!(below(&body, "<!-- another -->"), [""; 0]);
    }
}
