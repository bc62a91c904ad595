//! What matters of a check's log: the lines that speak of errors, and the end.

/// Lines around one that speaks of an error.
const AROUND: usize = 6;
/// Lines at the end that are always kept.
const END: usize = 40;
const WORDS: [&str; 6] = [
    "##[error]",
    "error",
    "failed",
    "failure",
    "panicked",
    "traceback",
];

/// At most `most` bytes of a log, whole lines, in their order; what is left out is marked. Times that GitHub puts before
/// each line are dropped.
#[must_use]
pub fn trimmed(log: &str, most: usize) -> String {
    let lines: Vec<&str> = log.lines().map(without_time).collect();
    let end = lines.len().saturating_sub(END);
    let mut keep = vec![false; lines.len()];
    let mut left = most;
    let mut take = |at: usize, keep: &mut Vec<bool>| {
        let cost = lines[at].len() + 1;
        if !keep[at] && cost <= left {
            keep[at] = true;
            left -= cost;
        }
    };
    // The end first, from its last line, up to half; then the errors in their order.
    for at in (end..lines.len()).rev() {
        take(at, &mut keep);
    }
    let speaks = |line: &str| {
        let lower = line.to_ascii_lowercase();
        WORDS.iter().any(|word| lower.contains(word))
    };
    for at in (0..end).filter(|at| speaks(lines[*at])) {
        for near in at.saturating_sub(1)..(at + AROUND).min(end) {
            take(near, &mut keep);
        }
    }
    joined(&lines, &keep)
}

fn joined(lines: &[&str], keep: &[bool]) -> String {
    let mut text = String::new();
    let mut is_gap = false;
    for (line, keep) in lines.iter().zip(keep) {
        if !keep {
            is_gap = true;
            continue;
        }
        if is_gap {
            text.push_str("[…]\n");
        }
        is_gap = false;
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// `2026-01-01T00:00:00.0000000Z ` stands before each line of a job's log.
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
    fn the_first_error_and_the_end_are_kept_and_the_gap_is_marked() {
        let mut lines: Vec<String> = (0..1000).map(|n| format!("step {n}")).collect();
        lines[100] = "error[E0308]: mismatched types".to_owned();
        let log = lines.join("\n");
        let text = trimmed(&log, 2000);
        assert!(text.len() < 2200, "{}", text.len());
        assert!(
            text.contains("error[E0308]") && text.contains("step 101"),
            "{text}"
        );
        assert!(text.ends_with("step 999\n"), "{text}");
        assert_eq!(text.matches("[…]").count(), 2, "{text}");
    }

    #[test]
    fn times_before_lines_are_dropped_and_nothing_else() {
        let log = "2026-01-01T00:00:00.0000000Z ##[error]no\nplain Z text\n";
        assert_eq!(trimmed(log, 1000), "##[error]no\nplain Z text\n");
    }

    #[test]
    fn any_log_stays_in_bounds() {
        for log in ["", "\n\n", &"x".repeat(10_000), &"error\n".repeat(10_000)] {
            assert!(trimmed(log, 1000).len() <= 1000 + 10_000 / 40 * 6);
        }
    }
}
