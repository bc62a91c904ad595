//! Which parts of a Markdown text show, and which are code? Near enough to `CommonMark` for what we read from issues.

use std::ops::Range;

/// The text without its HTML comments, which nobody sees on the forge's page. Comments shown as code stay.
#[must_use]
pub fn visible(text: &str) -> String {
    parts(text)
        .into_iter()
        .filter_map(|part| match part {
            Part::Prose(text) | Part::Code(text) => Some(text),
            Part::Comment => None,
        })
        .collect()
}

/// The text without its HTML comments and fenced code blocks.
#[must_use]
pub fn prose(text: &str) -> String {
    parts(text)
        .into_iter()
        .map(|part| match part {
            Part::Prose(text) => text,
            Part::Code(_) => "\n",
            Part::Comment => "",
        })
        .collect()
}

/// A run of `mark` that is longer than any in the text, and at least three: a fence that the text cannot close.
#[must_use]
pub fn fence(text: &str, mark: char) -> String {
    let longest = text
        .split(|char| char != mark)
        .map(str::len)
        .max()
        .unwrap_or(0);
    mark.to_string()
        .repeat((longest / mark.len_utf8() + 1).max(3))
}

/// The text, with the code block closed that it may end in: what is put behind it is none of that block.
#[must_use]
pub fn closed(text: &str) -> String {
    let Some(Part::Code(block)) = parts(text).pop() else {
        return text.to_owned();
    };
    let mut lines = block.lines();
    let Some(fence) = lines.next().and_then(Fence::opened_by) else {
        return text.to_owned();
    };
    if lines.any(|line| fence.closes(line)) {
        return text.to_owned();
    }
    let fence = fence.mark.to_string().repeat(fence.length);
    format!("{}\n{fence}", text.trim_end_matches('\n'))
}

const OPEN: &str = "<!--";
const CLOSE: &str = "-->";

enum Part<'a> {
    Prose(&'a str),
    Code(&'a str),
    Comment,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let has_comments = text.contains(OPEN);
    let last_close = text.rfind(CLOSE);
    let mut parts = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        if let Some(fence) = Fence::opened_by(&text[at..line_end]) {
            let end = fence.end(text, line_end);
            parts.push(Part::Code(&text[at..end]));
            at = end;
            continue;
        }
        while at < line_end {
            let found = if has_comments {
                comment(text, at..line_end, last_close)
            } else {
                None
            };
            let Some((start, end)) = found else {
                parts.push(Part::Prose(&text[at..line_end]));
                at = line_end;
                break;
            };
            parts.push(Part::Prose(&text[at..start]));
            parts.push(Part::Comment);
            at = end;
        }
    }
    parts
}

struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let line = line.trim();
        let mark = line.chars().next().filter(|mark| "`~".contains(*mark))?;
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        (length >= 3 && !(mark == '`' && info.contains('`'))).then_some(Self { mark, length })
    }

    fn closes(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|char| char == self.mark)
    }

    /// Where the block ends in `text`, looking from `from`; an unclosed one ends with the text.
    fn end(&self, text: &str, from: usize) -> usize {
        let mut end = from;
        for line in text[from..].split_inclusive('\n') {
            end += line.len();
            if self.closes(line) {
                break;
            }
        }
        end
    }
}

/// The first comment that begins on this piece of a line: its start and its end. The last `-->` of the text stands at
/// `last_close`, so that a text full of unclosed comments is not searched again for each.
fn comment(text: &str, line: Range<usize>, last_close: Option<usize>) -> Option<(usize, usize)> {
    let piece = &text[line.clone()];
    let offset = outside_code_spans(piece, OPEN)?;
    let start = line.start + offset;
    // `<!-->` is a whole comment.
    let after = start + OPEN.len() - 2;
    if last_close.is_some_and(|close| close >= after) {
        let end = after + text[after..].find(CLOSE)? + CLOSE.len();
        return Some((start, end));
    }
    // Unclosed, it hides all that follows if it begins a block, and is plain text otherwise.
    piece[..offset]
        .trim()
        .is_empty()
        .then_some((start, text.len()))
}

fn outside_code_spans(line: &str, wanted: &str) -> Option<usize> {
    let mut at = 0;
    let mut found = line.find(wanted)?;
    while let Some(tick) = line[at..found].find('`') {
        let content = line[at + tick..].trim_start_matches('`');
        let after = line.len() - content.len();
        let ticks = after - at - tick;
        at = closing_run(content, ticks).map_or(after, |end| after + end);
        if at > found {
            found = at + line[at..].find(wanted)?;
        }
    }
    Some(found)
}

/// Where the run of exactly `ticks` backticks in the text ends.
fn closing_run(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    loop {
        let start = at + text[at..].find('`')?;
        let rest = text[start..].trim_start_matches('`');
        at = text.len() - rest.len();
        if at - start == ticks {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_an_open_code_block_is_none_of_it() {
        let check = |text: &str, expect: &str| assert_eq!(closed(text), expect, "{text:?}");
        check("a\n```sh\nls", "a\n```sh\nls\n```");
        check("a\n~~~~\n~~~\n", "a\n~~~~\n~~~\n~~~~");
        check("a\n```\nb\n```\n", "a\n```\nb\n```\n");
        check("```\nb\n```\nc", "```\nb\n```\nc");
        check("", "");
    }

    #[test]
    fn comments_do_not_show() {
        let check = |text: &str, expect: &str| assert_eq!(visible(text), expect, "{text:?}");
        check("a <!-- hidden --> b", "a  b");
        check("a\n<!-- two\nlines -->\nb", "a\n\nb");
        check("<!-- one --><!-- two -->b", "b");
        check("a <!--> b <!---> c", "a  b  c");
        check("a\n<!-- never closed\nb", "a\n");
        check("a <!-- never closed\nb", "a <!-- never closed\nb");
    }

    #[test]
    fn comments_shown_as_code_stay() {
        let check = |text: &str| assert_eq!(visible(text), text);
        check("```html\n<!-- shown -->\n```\nafter");
        check("see `<!-- shown -->` and ``a ` <!-- b -->``");
        check("~~~\n<!-- never closed");
        assert_eq!(visible("` <!-- hidden --> "), "`  ");
        assert_eq!(visible("<!-- ```\n-->after"), "after");
    }

    #[test]
    fn prose_has_no_code_blocks() {
        assert_eq!(prose("a\n```rust\ncode\n```\nb"), "a\n\nb");
        assert_eq!(prose("a\n~~~\n```\n~~~\nb `c`"), "a\n\nb `c`");
    }

    #[test]
    fn a_fence_is_longer_than_any_run_in_the_text() {
        assert_eq!(fence("plain", '`'), "```");
        assert_eq!(fence("a ````` b ``", '`'), "``````");
    }
}
