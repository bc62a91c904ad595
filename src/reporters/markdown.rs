//! A report as Markdown, with nothing in it that others' texts could do.

use crate::reporters::report::{Cell, Listed, Report};
use crate::rules::neutral::neutralise;
use crate::rules::printable::printable;
use std::fmt::Write as _;

/// What begins something in Markdown within a line.
const MARKS: &str = "\\`*_[]<>|~&";

/// The report as Markdown (GitHub's, for its tables).
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\n{}\n",
        plain(&report.title),
        plain(&report.time),
        plain(&report.sum)
    );
    text.push_str("\n| figure | value |\n|---|---|\n");
    for (name, value) in &report.figures {
        let _ = writeln!(text, "| {} | {} |", plain(name), plain(value));
    }
    for note in &report.notes {
        let _ = write!(text, "\n{}\n", plain(note));
    }
    for table in [&report.steps].into_iter().chain(&report.tables) {
        listed(&mut text, table);
    }
    text
}

fn listed(text: &mut String, table: &Listed) {
    let _ = write!(text, "\n## {}\n\n", plain(&table.name));
    if table.rows.is_empty() {
        text.push_str("Nothing.\n");
        return;
    }
    let _ = writeln!(text, "| {} |", table.heads.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(table.heads.len()));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    if table.more > 0 {
        let _ = write!(text, "\nand {} more.\n", table.more);
    }
}

fn cell(cell: &Cell) -> String {
    let words = plain(&cell.words);
    match &cell.url {
        None => words,
        // An address that was let through has neither space nor `>` in it; a pipe would end the cell.
        Some(url) => format!("[{words}](<{}>)", url.replace('|', "%7C")),
    }
}

/// Words that stay words.
fn plain(text: &str) -> String {
    let text = neutralise(printable(text).trim());
    let mut safe = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if MARKS.contains(char) {
            safe.push('\\');
        }
        safe.push(char);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        let check = |text: &str, expect: &str| assert_eq!(plain(text), expect, "{text}");
        check("Mend a|b", "Mend a\\|b");
        check("![x](https://evil.test/)", "!\\[x\\](https://evil.test/)");
        check("<img src=x>", "\\<img src=x\\>");
        check("ask @octocat", "ask @\u{200b}octocat");
        check("closes #12", "closes #\u{200b}12");
        check("a\nb\u{1b}[31m", "a b");
    }
}
