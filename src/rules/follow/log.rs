//! What matters of a job's log.

use crate::rules::excerpt::excerpt;

/// At most about `most` bytes of a log: the first errors, and the end. The times that GitHub puts before each line are
/// dropped.
#[must_use]
pub fn trimmed(log: &str, most: usize) -> String {
    let lines: Vec<&str> = log.lines().map(without_time).collect();
    excerpt(&lines.join("\n"), most)
}

/// `2026-01-01T00:00:00.0000000Z ` stands before each line.
fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.len() > 20 && time.ends_with('Z') && is_time(time) => rest,
        Some(_) | None => line,
    }
}

fn is_time(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_digit() || b"-T:.Z".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_lines_are_dropped_and_nothing_else() {
        let log = "2026-01-01T00:00:00.0000000Z ##[error]no\nplain Z text\n";
        assert_eq!(trimmed(log, 1000), "##[error]no\nplain Z text");
    }

    #[test]
    fn a_long_log_keeps_its_first_error_and_its_end() {
        let time = "2026-01-01T00:00:00.0000000Z ";
        let mut lines: Vec<String> = (0..1000).map(|n| format!("{time}step {n}")).collect();
        lines[100] = format!("{time}error[E0308]: mismatched types");
        let text = trimmed(&lines.join("\n"), 2000);
        assert!(
            text.len() < 2200 && text.contains("\nerror[E0308]"),
            "{text}"
        );
        assert!(text.trim_end().ends_with("step 999"), "{text}");
    }
}
