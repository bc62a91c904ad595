//! What matters of a long output: the first lines that speak of errors, and the end.

use std::collections::VecDeque;

/// Lines that are kept after one that speaks of an error, as long as there is room.
const AFTER: usize = 4;
/// Of the room, this share in percent is for the first errors, the rest for the end.
const EARLY: usize = 40;
/// No line takes more than this share of the room, in percent.
const LINE: usize = 20;
/// As much of a line is looked at.
const LOOKED_AT: usize = 400;
/// About as much says that lines are missing.
const MARK: usize = 30;
/// Words that speak of an error.
const ERRORS: [&str; 13] = [
    "error",
    "fail",
    "panic",
    "exception",
    "traceback",
    "assert",
    "fatal",
    "undefined",
    "not ok",
    "cannot",
    "✗",
    "✕",
    "×",
];
/// Words that stand in what all is well with, in the way that they do.
const FINE: [&str; 8] = [
    "0 failed",
    "0 failures",
    "0 errors",
    "0 error(s)",
    "no error",
    "errors: 0",
    "failures: 0",
    "failures=0",
];

/// Takes lines one by one, and keeps what matters in bounded memory.
#[derive(Debug)]
pub struct Excerpt {
    most: usize,
    count: usize,
    early: Vec<Numbered>,
    early_bytes: usize,
    after: usize,
    end: VecDeque<Numbered>,
    end_bytes: usize,
}

#[derive(Clone, Debug)]
struct Numbered {
    number: usize,
    line: Vec<u8>,
}

impl Excerpt {
    /// Keeps at most about so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            count: 0,
            early: Vec::new(),
            early_bytes: 0,
            after: 0,
            end: VecDeque::new(),
            end_bytes: 0,
        }
    }

    /// Takes a line without its end, whatever its bytes; `cut` more have been cut off it already.
    pub fn push(&mut self, line: &[u8], cut: u64) {
        let room = (self.most * LINE / 100).max(80);
        let kept = &line[..line.len().min(room)];
        let cut = cut + (line.len() - kept.len()) as u64;
        let mut line = kept.to_vec();
        if cut > 0 {
            line.extend_from_slice(format!(" … ({cut} bytes more)").as_bytes());
        }
        let number = self.count;
        self.count += 1;
        let numbered = Numbered { number, line };
        self.keep_early(&numbered);
        self.end_bytes += numbered.line.len() + 1;
        self.end.push_back(numbered);
        // All of it stays as long as all fits, and from then on the end alone.
        let room = if self.early.is_empty() {
            self.most
        } else {
            self.most - self.most * EARLY / 100
        };
        while self.end_bytes > self.most || (self.is_short() && self.end_bytes > room) {
            let Some(gone) = self.end.pop_front() else {
                return;
            };
            self.end_bytes -= gone.line.len() + 1;
        }
    }

    /// What was kept, with a word on what was not.
    #[must_use]
    pub fn text(mut self) -> Vec<u8> {
        let first = self.end.front().map_or(self.count, |first| first.number);
        self.early.retain(|early| early.number < first);
        let mut text = Vec::with_capacity(self.most);
        let mut next = 0;
        for kept in self.early.iter().chain(&self.end) {
            match kept.number - next {
                0 => {}
                1 => text.extend_from_slice("[… 1 line left out]\n".as_bytes()),
                lines => text.extend_from_slice(format!("[… {lines} lines left out]\n").as_bytes()),
            }
            next = kept.number + 1;
            text.extend_from_slice(&kept.line);
            text.push(b'\n');
        }
        text
    }

    fn is_short(&self) -> bool {
        self.end.front().is_none_or(|first| first.number > 0)
    }

    fn keep_early(&mut self, numbered: &Numbered) {
        let follows = self
            .early
            .last()
            .is_some_and(|last| last.number + 1 == numbered.number);
        let mark = if follows { 0 } else { MARK };
        let size = numbered.line.len() + 1 + mark;
        if self.early_bytes + size > self.most * EARLY / 100 {
            return;
        }
        if speaks_of_error(&numbered.line) {
            self.after = AFTER + 1;
        }
        if self.after > 0 {
            self.after -= 1;
            self.early_bytes += size;
            self.early.push(numbered.clone());
        }
    }
}

/// What matters of a text, in at most about so many bytes.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut excerpt = Excerpt::new(most);
    for line in text.lines() {
        excerpt.push(line.as_bytes(), 0);
    }
    String::from_utf8_lossy(&excerpt.text()).into_owned()
}

fn speaks_of_error(line: &[u8]) -> bool {
    let line = &line[..line.len().min(LOOKED_AT)];
    let line = String::from_utf8_lossy(line).to_lowercase();
    let end = line.trim_end();
    let is_fine = end.ends_with("... ok")
        || end.ends_with(" passed")
        || end.trim_start().starts_with(['✓', '✔'])
        || FINE.iter().any(|words| line.contains(words));
    !is_fine && ERRORS.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(
            excerpt("one\nerror: two\nthree", 100),
            "one\nerror: two\nthree"
        );
        let mut all = Excerpt::new(100);
        for line in ["one", "error: two", "three"] {
            all.push(line.as_bytes(), 0);
        }
        assert_eq!(all.text(), b"one\nerror: two\nthree\n");
    }

    #[test]
    fn the_first_errors_and_the_end_are_kept() {
        let lines = |from: usize, to: usize| {
            let lines: Vec<String> = (from..to).map(|n| format!("line {n} is fine\n")).collect();
            lines.concat()
        };
        let text = format!(
            "{}error[E0308]: mismatched types\n  --> src/a.rs:3\n{}test error_is_told ... ok\ntest result: 3 passed, 0 failed\n{}the end\n",
            lines(0, 100),
            lines(100, 200),
            lines(200, 300)
        );
        let kept = excerpt(&text, 600);
        assert!(kept.len() <= 700, "{}", kept.len());
        assert!(
            kept.starts_with("[… 100 lines left out]\nerror[E0308]: mismatched types\n  --> src/a.rs:3\nline 100 is fine\n"),
            "{kept}"
        );
        assert!(kept.ends_with("line 299 is fine\nthe end\n"), "{kept}");
        assert!(
            !kept.contains("error_is_told") && !kept.contains("0 failed"),
            "{kept}"
        );
        // Without any error all of the room is the end's.
        let kept = excerpt(&lines(0, 300), 600);
        assert!(
            kept.len() > 500 && kept.ends_with("line 299 is fine\n"),
            "{kept}"
        );
    }

    #[test]
    fn memory_is_bounded_by_lines_of_any_length_and_number() {
        let mut many = Excerpt::new(1_000);
        let long = vec![b'e'; 100_000];
        for number in 0..10_000 {
            many.push(&long, 5);
            many.push(b"error", 0);
            assert!(
                many.end_bytes <= 1_000 && many.early_bytes <= 400,
                "{number}"
            );
        }
        let text = String::from_utf8(many.text()).unwrap();
        assert!(
            text.len() < 1_200 && text.contains("(99805 bytes more)"),
            "{text}"
        );
    }
}
