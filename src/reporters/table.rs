//! Tables that fit the screen: a session's tasks, and totals.

use crate::reporters::out::Stream;
use crate::reporters::paint::{Colour, Paint, Tone};
use crate::reporters::time::human;
use crate::reporters::words::{address, fit, spoken, tone_of};
use crate::rules::ids::Timestamp;
use crate::rules::printable::printable;
use crate::rules::summary::{Group, Wait, domain_word, wait};
use crate::rules::tally::{Phase, Standing, Tally, TaskTally};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns between two columns.
const GAP: usize = 2;
/// A title is not cut below this many columns while something else can be left out.
const TITLE: usize = 24;
/// A title is not cut below this many columns to show whole addresses.
const TITLE_BESIDE_ADDRESSES: usize = 36;
/// A title is never cut below this many columns.
const LEAST_TITLE: usize = 8;
/// Lines above the first row.
const HEAD: usize = 2;
/// Where nothing is to be said.
const NOTHING_YET: &str = "-";

/// One row per task, at most `width` columns wide as long as that is at least about 60: what does not fit is left
/// out in this order: addresses of pulls (their numbers stay), domains, the ends of titles.
#[must_use]
pub fn session_table(tally: &Tally, now: Timestamp, width: usize, colour: Colour) -> String {
    let rows = rows(tally, now);
    let layout = Layout::fitting(&rows, width);
    let cells = rows.iter().map(|row| row.cells(&layout)).collect();
    let lines = grid(layout.heads(), cells, layout.texts());
    let paint = colour.paint(Stream::Out);
    let painted = lines.iter().enumerate().map(|(index, line)| {
        match index.checked_sub(HEAD).and_then(|row| rows.get(row)) {
            Some(row) => paint_within(line, layout.state, &row.state, row.tone, paint),
            None => paint_head(line, index, paint),
        }
    });
    painted.collect::<Vec<String>>().join("\n")
}

/// Does the table of this width show the whole addresses of pulls?
#[must_use]
pub fn shows_addresses(tally: &Tally, now: Timestamp, width: usize) -> bool {
    Layout::fitting(&rows(tally, now), width).addresses
}

/// One row per group: the domains, then the models.
#[must_use]
pub fn totals_table(domains: &[Group], models: &[Group], colour: Colour) -> String {
    let heads = vec![
        "domain / model",
        "tasks",
        "done",
        "attempts",
        "cost",
        "tokens",
    ];
    let mut cells: Vec<Vec<String>> = domains.iter().map(group_cells).collect();
    if !models.is_empty() {
        cells.push(vec![String::new(); heads.len()]);
        cells.extend(models.iter().map(group_cells));
    }
    let paint = colour.paint(Stream::Out);
    let lines = grid(heads, cells, 1);
    let painted = lines.iter().enumerate();
    let painted = painted.map(|(index, line)| paint_head(line, index, paint));
    painted.collect::<Vec<String>>().join("\n")
}

/// A count in groups of three digits: `12,345`.
#[must_use]
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn group_cells(group: &Group) -> Vec<String> {
    vec![
        fit(&printable(&group.name), 2 * TITLE),
        group.tasks.to_string(),
        group.completed.to_string(),
        group.attempts.to_string(),
        group.cost.to_string(),
        tokens(group.usage.total()),
    ]
}

/// A count of tokens; an agent that tells none is not said to use none.
#[must_use]
pub fn tokens(count: u64) -> String {
    match count {
        0 => NOTHING_YET.to_owned(),
        count => thousands(count),
    }
}

fn rows(tally: &Tally, now: Timestamp) -> Vec<TaskRow> {
    let tasks = tally.tasks.values();
    tasks.map(|task| TaskRow::new(tally, task, now)).collect()
}

/// What stands in a task's row.
struct TaskRow {
    issue: String,
    title: String,
    domain: &'static str,
    state: String,
    tone: Tone,
    attempts: String,
    time: String,
    cost: String,
    offer: String,
    address: String,
}

/// Which columns there are, and how wide titles may be.
struct Layout {
    title: usize,
    domains: bool,
    addresses: bool,
    /// Where the column of states begins.
    state: usize,
}

impl TaskRow {
    fn new(tally: &Tally, task: &TaskTally, now: Timestamp) -> Self {
        let tried = |text: String| match task.attempts {
            0 => NOTHING_YET.to_owned(),
            _ => text,
        };
        let (state, tone) = state(tally, task, now);
        let branch = task.offered_branch().map(ToString::to_string);
        let branch = branch.unwrap_or_else(|| NOTHING_YET.to_owned());
        let pull = task.pull.as_ref();
        Self {
            issue: task.issue.to_string(),
            title: printable(&task.title),
            domain: domain_word(task.domain),
            state,
            tone,
            attempts: tried(task.attempts.to_string()),
            time: tried(human(task.worked.millis(now))),
            cost: tried(task.charge.cost.to_string()),
            offer: pull.map_or_else(|| branch.clone(), |pull| pull.number.to_string()),
            address: pull.map_or(branch, |pull| address(&pull.url, &tally.project)),
        }
    }

    fn cells(&self, layout: &Layout) -> Vec<String> {
        let mut cells = vec![self.issue.clone(), fit(&self.title, layout.title)];
        if layout.domains {
            cells.push(self.domain.to_owned());
        }
        let offer = if layout.addresses {
            &self.address
        } else {
            &self.offer
        };
        let rest = [&self.state, offer, &self.attempts, &self.time, &self.cost];
        cells.extend(rest.map(String::clone));
        cells
    }
}

impl Layout {
    fn fitting(rows: &[TaskRow], width: usize) -> Self {
        let widest = |column: fn(&TaskRow) -> &str, head: &str| {
            let widths = rows.iter().map(|row| column(row).width());
            widths.max().unwrap_or(0).max(head.len()) + GAP
        };
        let fixed = widest(|row| &row.issue, "issue")
            + widest(|row| &row.state, "outcome")
            + widest(|row| &row.attempts, "attempts")
            + widest(|row| &row.time, "time")
            + widest(|row| &row.cost, "cost");
        let domain = widest(|row| row.domain, "domain");
        let offer = widest(|row| &row.offer, "pull") - GAP;
        let address = widest(|row| &row.address, "pull") - GAP;
        let wish = widest(|row| &row.title, "title") - GAP;
        let room = |taken: usize| width.saturating_sub(fixed + GAP + taken);
        let enough = wish.min(TITLE);
        let (title, domains, addresses) =
            if room(domain + address) >= wish.min(TITLE_BESIDE_ADDRESSES) {
                (room(domain + address), true, true)
            } else if room(domain + offer) >= enough {
                (room(domain + offer), true, false)
            } else {
                (room(offer), false, false)
            };
        let title = title.clamp(LEAST_TITLE, wish.max(LEAST_TITLE));
        let before = widest(|row| &row.issue, "issue") + title + GAP;
        Self {
            title,
            domains,
            addresses,
            state: before + if domains { domain } else { 0 },
        }
    }

    fn heads(&self) -> Vec<&'static str> {
        let mut heads = vec!["issue", "title"];
        if self.domains {
            heads.push("domain");
        }
        heads.extend(["outcome", "pull", "attempts", "time", "cost"]);
        heads
    }

    /// How many columns, from the left, hold text rather than numbers.
    fn texts(&self) -> usize {
        self.heads().len() - 3
    }
}

/// Where a task stands, in a few words.
#[must_use]
pub fn state(tally: &Tally, task: &TaskTally, now: Timestamp) -> (String, Tone) {
    match &task.standing {
        Standing::Ended { ending } => (spoken(ending.word()), tone_of(*ending)),
        Standing::Running { .. } if tally.phase == Phase::Interrupted => {
            ("interrupted".to_owned(), Tone::Warn)
        }
        Standing::Running { stage, .. } => {
            let stage = stage.map_or("starts", |stage| stage.word());
            (stage.to_owned(), Tone::Head)
        }
        Standing::Waiting
        | Standing::Unapproved
        | Standing::Asking
        | Standing::Held { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. } => {
            let waits = wait(tally, task, now).map_or(String::new(), |wait| waiting(&wait, now));
            (waits, Tone::Faint)
        }
    }
}

fn waiting(wait: &Wait, now: Timestamp) -> String {
    let within = |until: &Timestamp| human(until.millis_since(now));
    match wait {
        Wait::Needs(issues) => match issues.as_slice() {
            [one] => format!("after {one}"),
            [one, more @ ..] => format!("after {one} +{}", more.len()),
            [] => "waits".to_owned(),
        },
        Wait::Collision { by, .. } => format!("after {by}"),
        Wait::Approval => "approval".to_owned(),
        Wait::Answer => "an answer".to_owned(),
        Wait::Retry(until) => format!("again in {}", within(until)),
        Wait::Limit(until) | Wait::Pause(until) | Wait::Breaker(until) => {
            format!("paused {}", within(until))
        }
        Wait::Pulls(_) => "for merges".to_owned(),
        Wait::Resumption | Wait::Probe | Wait::Slot | Wait::Money | Wait::Next => {
            "waits".to_owned()
        }
    }
}

/// The lines of a table; the first `texts` columns lean left, the others right.
#[must_use]
pub fn grid(heads: Vec<&str>, rows: Vec<Vec<String>>, texts: usize) -> Vec<String> {
    let mut table = Table::new();
    table.force_no_tty();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─')));
    table.set_header(heads);
    table.add_rows(rows);
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        let gap = if index == last { 0 } else { GAP };
        column.set_padding((0, u16::try_from(gap).unwrap_or_default()));
        if index >= texts {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn paint_head(line: &str, index: usize, paint: Paint) -> String {
    match index {
        0 => paint.tone(Tone::Head, line),
        1 => paint.tone(Tone::Faint, line),
        _ => line.to_owned(),
    }
}

/// Paints this text where it begins at this column; a line that has something else there stays as it is.
fn paint_within(line: &str, column: usize, text: &str, tone: Tone, paint: Paint) -> String {
    let (before, rest) = line.split_at(byte_at(line, column));
    match rest.strip_prefix(text) {
        Some(after) => format!("{before}{}{after}", paint.tone(tone, text)),
        None => line.to_owned(),
    }
}

/// Where in the text this column begins.
fn byte_at(text: &str, column: usize) -> usize {
    let mut columns = 0;
    for (index, letter) in text.char_indices() {
        if columns >= column {
            return index;
        }
        columns += letter.width().unwrap_or(0);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script::{self, NASTY, Script};

    #[test]
    fn counts_are_grouped() {
        let check = |count, expect: &str| assert_eq!(thousands(count), expect);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(12_345_678, "12,345,678");
    }

    #[test]
    fn a_running_session_says_where_each_task_stands() {
        let tasks = [
            script::task(12, "backend", &[]),
            script::task(13, "frontend", &[12]),
            script::task(14, "database", &[]),
            script::task(15, "testing", &[]),
        ];
        let mut script = Script::begun(&tasks);
        script.admit(12, 1, 0);
        script.held(14, 12, "src/db.rs");
        script.admit(15, 1, 1);
        script.fail(15, 1, 20_000, crate::rules::task::ErrorClass::Crash);
        script.retry(15, crate::rules::task::ErrorClass::Crash, 4_000);
        let tally = script.tally();
        insta::assert_snapshot!(session_table(&tally, tally.last, 80, Colour::Never), @r#"
        issue  title                          outcome      pull  attempts  time   cost
        ──────────────────────────────────────────────────────────────────────────────
        #12    Mend the backend of the shop   agent        -            1    6s  $0.00
        #13    Mend the frontend of the shop  after #12    -            -     -      -
        #14    Mend the database of the shop  after #12    -            -     -      -
        #15    Mend the testing of the shop   again in 4s  -            1    2s  $0.02
        "#);
    }

    #[test]
    fn no_row_is_wider_than_the_screen() {
        let mut tasks = vec![script::titled(21, NASTY, "infrastructure", &[])];
        let long = "日本語の題名はとても長い ".repeat(20);
        tasks.push(script::titled(22, &long, "documentation", &[]));
        let mut script = Script::begun(&tasks);
        script.complete(21, 1, 0, 111_700, 31);
        script.complete(22, 1, 0, 111_700, 32);
        let tally = script.tally();
        for width in 60..200 {
            let table = session_table(&tally, tally.last, width, Colour::Never);
            let widest = table.lines().map(UnicodeWidthStr::width).max().unwrap();
            assert!(widest <= width, "{widest} of {width}:\n{table}");
            assert_eq!(table.lines().count(), 4, "a title is one line");
            assert!(!table.contains('\u{1b}'));
        }
    }

    #[test]
    fn colour_changes_no_word() {
        let tally = script::every_ending().tally();
        let plain = session_table(&tally, tally.last, 120, Colour::Never);
        let painted = session_table(&tally, tally.last, 120, Colour::Always);
        assert!(painted.contains("\u{1b}[31mfailed\u{1b}[0m"), "{painted}");
        assert!(
            painted.contains("\u{1b}[32mcompleted\u{1b}[0m"),
            "{painted}"
        );
        assert_eq!(console::strip_ansi_codes(&painted), plain);
    }
}
