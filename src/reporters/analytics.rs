//! Figures of windows: as a table for a person, as JSON and CSV for programs.

use crate::reporters::shape::VERSION;
use crate::reporters::table::{grid, thousands};
use crate::reporters::time::{human, rfc3339};
use crate::reporters::words::plural;
use crate::rules::analytics::rates::{Rates, Share};
use crate::rules::analytics::windows::{By, Window};
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A share as people read it: `67 % (2 of 3)`; `-` where there is nothing to have a share of.
#[must_use]
pub fn share(share: Share) -> String {
    match share.percent() {
        None => "-".to_owned(),
        Some(percent) => format!(
            "{percent} % ({} of {})",
            thousands(share.part),
            thousands(share.all)
        ),
    }
}

/// The figures in words, each with its name.
#[must_use]
pub fn lines(rates: &Rates) -> Vec<(&'static str, String)> {
    let took = |millis: Option<u64>| millis.map_or_else(|| "-".to_owned(), human);
    let each = rates.cost_per_merge();
    vec![
        ("Issues processed", thousands(rates.issues)),
        ("Fix rate", share(rates.fixed)),
        ("First-attempt success", share(rates.first)),
        ("Automation rate", share(rates.automated)),
        ("Checks passed", share(rates.checks)),
        ("Merge rate", share(rates.merged)),
        ("Merged without changes", share(rates.unchanged)),
        ("Pulls not seen to end", thousands(rates.waiting)),
        ("Time to fix, median", took(rates.median)),
        ("Time to fix, slowest tenth", took(rates.slow)),
        ("Rounds with pulls", thousands(rates.rounds)),
        ("Cost", rates.cost.to_string()),
        (
            "Cost per merged pull",
            each.map_or_else(|| "-".to_owned(), |each| each.to_string()),
        ),
    ]
}

/// The windows side by side.
#[must_use]
pub fn side_by_side(windows: &[Window]) -> String {
    let mut heads = vec!["since"];
    heads.extend(windows.iter().map(|window| window.name.as_str()));
    let columns: Vec<_> = windows.iter().map(|window| lines(&window.all)).collect();
    let names = columns.first().into_iter().flatten().enumerate();
    let rows = names.map(|(at, (name, _))| {
        let mut row = vec![(*name).to_owned()];
        row.extend(columns.iter().map(|lines| lines[at].1.clone()));
        row
    });
    let mut text = grid(heads, rows.collect(), 1).join("\n") + "\n";
    let waiting = windows.iter().map(|window| window.all.waiting).max();
    if let Some(waiting) = waiting.filter(|waiting| *waiting > 0) {
        let pulls = plural(waiting, "pull request");
        let _ = writeln!(
            text,
            "\n{pulls} without an end that anybody saw: `autoissue watch` looks, and only then merges count."
        );
    }
    text
}

/// A window's groups, a table for each kind of them; one project alone is not told.
#[must_use]
pub fn grouped(window: &Window) -> String {
    let mut text = String::new();
    for (by, groups) in &window.groups {
        if groups.is_empty() || (*by == By::Project && groups.len() == 1) {
            continue;
        }
        let heads = vec![
            by.word(),
            "issues",
            "fixed",
            "first attempt",
            "automated",
            "merged",
            "median",
            "cost",
        ];
        let row = |(name, rates): &(String, Rates)| {
            vec![
                printable(name),
                thousands(rates.issues),
                share(rates.fixed),
                share(rates.first),
                share(rates.automated),
                share(rates.merged),
                rates.median.map_or_else(|| "-".to_owned(), human),
                rates.cost.to_string(),
            ]
        };
        let table = grid(heads, groups.iter().map(row).collect(), 1);
        let _ = write!(text, "\n{}\n", table.join("\n"));
    }
    text
}

/// The figures by name, the same for all programs.
#[must_use]
pub fn fields(rates: &Rates) -> Vec<(&'static str, Value)> {
    let percent = |share: Share| json!(share.percent());
    vec![
        ("issues", json!(rates.issues)),
        ("tried", json!(rates.fixed.all)),
        ("completed", json!(rates.fixed.part)),
        ("fix_percent", percent(rates.fixed)),
        ("first_attempt", json!(rates.first.part)),
        ("first_attempt_percent", percent(rates.first)),
        ("processed", json!(rates.automated.all)),
        ("automated", json!(rates.automated.part)),
        ("automation_percent", percent(rates.automated)),
        ("checked", json!(rates.checks.all)),
        ("checks_passed", json!(rates.checks.part)),
        ("checks_percent", percent(rates.checks)),
        ("pulls_ended", json!(rates.merged.all)),
        ("pulls_merged", json!(rates.merged.part)),
        ("merge_percent", percent(rates.merged)),
        ("merged_compared", json!(rates.unchanged.all)),
        ("merged_unchanged", json!(rates.unchanged.part)),
        ("unchanged_percent", percent(rates.unchanged)),
        ("pulls_waiting", json!(rates.waiting)),
        ("fix_millis_median", json!(rates.median)),
        ("fix_millis_slow", json!(rates.slow)),
        ("rounds", json!(rates.rounds)),
        ("cost_usd", json!(rates.cost.decimal())),
        (
            "cost_per_merge_usd",
            json!(rates.cost_per_merge().map(Usd::decimal)),
        ),
    ]
}

fn object(rates: &Rates) -> Map<String, Value> {
    let fields = fields(rates).into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Windows as JSON, each with its groups.
#[must_use]
pub fn json(windows: &[Window]) -> Value {
    let groups = |groups: &[(String, Rates)]| -> Value {
        let one = |(name, rates): &(String, Rates)| {
            let mut object = object(rates);
            object.shift_insert(0, "name".to_owned(), json!(name));
            Value::Object(object)
        };
        groups.iter().map(one).collect()
    };
    let one = |window: &Window| {
        let mut object = object(&window.all);
        object.shift_insert(0, "window".to_owned(), json!(window.name));
        object.shift_insert(1, "since".to_owned(), json!(rfc3339(window.since)));
        for (by, named) in &window.groups {
            object.insert(format!("by_{}", by.word()), groups(named));
        }
        Value::Object(object)
    };
    windows.iter().map(one).collect()
}

/// Windows as one event.
#[must_use]
pub fn event(windows: &[Window]) -> Value {
    json!({ "v": VERSION, "event": "metrics", "windows": json(windows) })
}

/// Windows as CSV (RFC 4180): a line for all of each, and one for each group.
#[must_use]
pub fn csv(windows: &[Window]) -> String {
    let mut heads = vec!["window", "since", "by", "name"];
    let columns = fields(&Rates::default());
    heads.extend(columns.iter().map(|(name, _)| *name));
    let mut text = heads.join(",") + "\r\n";
    for window in windows {
        let all = [("all", "", &window.all)].into_iter();
        let groups = window.groups.iter().flat_map(|(by, groups)| {
            let named = groups.iter();
            named.map(|(name, rates)| (by.word(), name.as_str(), rates))
        });
        for (by, name, rates) in all.chain(groups) {
            let since = rfc3339(window.since);
            let mut cells = [&window.name, since.as_str(), by, name].map(cell).to_vec();
            cells.extend(fields(rates).iter().map(|(_, value)| plain(value)));
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

/// A cell that no reader takes for two, and no spreadsheet for a formula (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let text = printable(text);
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cell(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::analytics::rows::Rows;
    use crate::rules::analytics::sample::{bill, done};
    use crate::rules::analytics::windows::window;
    use crate::rules::ids::Timestamp;
    use crate::rules::task::Ending;

    fn hostile() -> Window {
        let mut rows = Rows::default();
        let mut task = done(1, Ending::Completed);
        task.traits.model = "=cmd|' /C calc'!A0, \"x\"\u{1b}[31m\nnext".into();
        rows.done.push(task);
        rows.bills.push(bill(250_000));
        window(&rows, "7d", Timestamp(0))
    }

    #[test]
    fn csv_has_as_many_cells_as_names_and_no_formula() {
        let text = csv(&[hostile()]);
        let lines: Vec<&str> = text.trim_end().split("\r\n").collect();
        assert_eq!(lines.len(), 1 + 1 + 4 + 2, "{text}");
        let names = lines[0].split(',').count();
        assert_eq!(lines[1].split(',').count(), names);
        assert!(lines[1].starts_with("7d,1970-01-01T00:00:00.000Z,all,,1,1,1,100,"));
        let odd = lines.iter().find(|line| line.contains("cmd")).unwrap();
        assert!(
            odd.contains(",model,\"'=cmd|' /C calc'!A0, \"\"x\"\""),
            "{odd}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_person_reads_n_of_m_and_a_dash_where_nothing_is_known() {
        let text = side_by_side(&[hostile()]);
        let row = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..].trim().to_owned()
        };
        assert_eq!(row("Fix rate"), "100 % (1 of 1)");
        assert_eq!(row("Merge rate"), "-");
        assert_eq!(row("Cost per merged pull"), "-");
        assert_eq!(row("Time to fix, median"), "1m 00s");
        let groups = grouped(&hostile());
        assert!(
            !groups.contains("project") && groups.contains("backend"),
            "{groups}"
        );
    }
}
