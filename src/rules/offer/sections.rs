//! The sections of a pull's description, without headings.

use crate::rules::checks::proof::is_untested;
use crate::rules::evaluate::clarity::Doubt;
use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::evaluate::graded::Graded;
use crate::rules::evaluate::routing::Route;
use crate::rules::excerpt::excerpt;
use crate::rules::markdown::fence;
use crate::rules::money::{Basis, Charge};
use crate::rules::neutral::neutralise;
use crate::rules::printable::{clip, printable_block, printable_lines};
use crate::rules::stack::Below;
use crate::rules::task::{CheckReport, DiffStat, Verdict};

/// Bounds, in bytes or entries, that together keep a pull's description well under GitHub's 65,536 characters.
const SUMMARY_MAX: usize = 8_000;
const OUTPUT_MAX: usize = 2_000;
const OUTPUTS_MAX: usize = 3;
const BELOW_MAX: usize = 20;
const CHECKS_MAX: usize = 30;
const PATHS_MAX: usize = 30;
const NAME_MAX: usize = 200;
const WHY_MAX: usize = 500;

/// What the agent said at the end.
#[must_use]
pub fn summary(said: &str) -> String {
    let said = quoted(said, SUMMARY_MAX);
    if said.is_empty() {
        return "The agent said nothing about it.".to_owned();
    }
    said
}

/// Whose unmerged work it stands on, and what follows for whoever merges.
#[must_use]
pub fn stands_on(below: &[Below], is_stacked: bool) -> String {
    let names: Vec<String> = below.iter().take(BELOW_MAX).map(Below::words).collect();
    let names = names.join(", ");
    if is_stacked {
        return format!(
            "This stands on {names}, and shows only what comes on top of it. Merge that one first."
        );
    }
    format!(
        "This stands on {names}. Their changes are shown here as well until they are merged. Merge them first."
    )
}

/// What the checks said; without any, a person is asked to look.
#[must_use]
pub fn checks(reports: &[CheckReport]) -> String {
    if reports.is_empty() {
        return "No checks are configured, so nothing has tried this. **Please review it by hand.**".to_owned();
    }
    let mut section = "| check | kind | verdict | time |\n|---|---|---|---|\n".to_owned();
    for report in reports.iter().take(CHECKS_MAX) {
        let name = code(&report.name).replace('|', "\\|");
        line(
            &mut section,
            &format!(
                "| {name} | {} | {} | {} |",
                report.kind.word(),
                verdict(report.verdict),
                duration(report.millis)
            ),
        );
    }
    if let Some(more) = more_than(reports.len(), CHECKS_MAX) {
        line(&mut section, &format!("| {more} | | | |"));
    }
    let told = reports.iter().filter(|report| match report.verdict {
        Verdict::Flaky | Verdict::Unproven | Verdict::FailedBefore => {
            !report.output.trim().is_empty()
        }
        Verdict::Passed | Verdict::Failed | Verdict::TimedOut | Verdict::Unable => false,
    });
    for report in told.take(OUTPUTS_MAX) {
        section.push_str(&details(report));
    }
    if is_untested(reports) {
        section.push_str("\nNo test that passes has tried this. **Please review it by hand.**\n");
    }
    section.trim_end().to_owned()
}

/// Files and lines.
#[must_use]
pub fn changes(diff: &DiffStat) -> String {
    let mut section = format!(
        "{}, {} added, {} removed.\n\n",
        counted(diff.files, "file"),
        counted(diff.added, "line"),
        diff.removed
    );
    for path in diff.paths.iter().take(PATHS_MAX) {
        line(&mut section, &format!("- {}", code(path)));
    }
    let files = usize::try_from(diff.files)
        .unwrap_or(usize::MAX)
        .max(diff.paths.len());
    if let Some(more) = more_than(files, PATHS_MAX.min(diff.paths.len())) {
        line(&mut section, &format!("- {more}"));
    }
    section.trim_end().to_owned()
}

/// What was made of the issue before the work began; empty where it was not evaluated.
#[must_use]
pub fn evaluation(evaluation: Option<&Evaluation>) -> String {
    let Some(found) = evaluation else {
        return String::new();
    };
    let grade =
        |name: &str, graded: &Graded| format!("{name} {} ({})", graded.level.word(), graded.score);
    let who = match found.route {
        Route::Autonomous => "an agent may do this alone",
        Route::Supervised => "an agent may do this once a person approved",
        Route::Manual => "a person should do this",
    };
    let mut section = format!(
        "Type {}, {}, {}, {}: {who} ({}), with {} suitability: {}.",
        found.kind.word(),
        grade("complexity", &found.complexity),
        grade("confidence", &found.confidence),
        grade("risk", &found.risk),
        found.route.word(),
        found.suitability.word(),
        neutralise(&clip(found.reason(), WHY_MAX)),
    );
    if !found.doubts.is_empty() {
        let doubts: Vec<String> = found.doubts.iter().map(Doubt::words).collect();
        let doubts = neutralise(&clip(&doubts.join("; "), WHY_MAX));
        section.push_str(" The issue is not clear: ");
        section.push_str(&doubts);
        section.push('.');
    }
    let care: Vec<&str> = found.care().collect();
    if !care.is_empty() {
        let care = neutralise(&clip(&care.join(", "), NAME_MAX));
        line(&mut section, &format!("\n\n**Review with care: {care}.**"));
    }
    section.trim_end().to_owned()
}

/// What it cost, and how sure that is.
#[must_use]
pub fn cost(charge: &Charge) -> String {
    match charge.basis {
        Basis::Reported => charge.cost.to_string(),
        Basis::Table => format!("about {} by list prices", charge.cost),
        Basis::Subscription => "paid by a subscription".to_owned(),
        Basis::Assumed => format!("at most {}: the bill is not known", charge.cost),
    }
}

/// The text as a quote: whatever Markdown it opens ends with it.
#[must_use]
pub fn quoted(text: &str, max_bytes: usize) -> String {
    let text = neutralise(&printable_block(text, max_bytes));
    let lines: Vec<String> = text
        .trim()
        .lines()
        .map(|line| format!("> {line}"))
        .collect();
    lines.join("\n")
}

/// The text as inline code, in one line.
#[must_use]
pub fn code(text: &str) -> String {
    format!("`{}`", clip(text, NAME_MAX).replace('`', "'"))
}

/// `1 file`, `2 files`.
#[must_use]
pub fn counted(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

/// What matters of a check's output, folded away; the fence is longer than any in it.
fn details(report: &CheckReport) -> String {
    let output = excerpt(&printable_lines(&report.output), OUTPUT_MAX);
    let fence = fence(&output, '`');
    let name = clip(&report.name, NAME_MAX).replace(['<', '&'], "");
    format!(
        "\n<details><summary>{name}</summary>\n\n{fence}\n{}\n{fence}\n\n</details>\n",
        output.trim_end()
    )
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "**failed**",
        Verdict::Flaky => "flaky: failed, then passed on the same commit",
        Verdict::Unproven => "no test fails without the change",
        Verdict::FailedBefore => "fails on the base branch as well",
        Verdict::TimedOut => "**did not end in time**",
        Verdict::Unable => "**could not be started**",
    }
}

fn more_than(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| format!("and {} more", all - shown))
}

fn line(section: &mut String, text: &str) {
    section.push_str(text);
    section.push('\n');
}

fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    if seconds >= 60 {
        format!("{}m {}s", seconds / 60, seconds % 60)
    } else {
        format!("{seconds}.{} s", millis % 1000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::evaluation::tests::Case;

    #[test]
    fn what_was_made_of_an_issue_is_told_to_its_reviewer() {
        let found = Case::new("Fix permissions", "").evaluate();
        let expect = "Type bug, complexity low (0.18), confidence low (0.30), risk high (0.70): a person should do this (manual), with low suitability: security has to be reviewed and approved by a person (\"permission*\"). The issue is not clear: it does not say when it is done.

**Review with care: security.**";
        assert_eq!(evaluation(Some(&found)), expect);
        assert_eq!(evaluation(None), "");
    }

    #[test]
    fn what_an_issue_brings_into_its_evaluation_does_nothing_on_a_forge() {
        let case = Case::new("Say it", "It should be.").labelled(&["security"]);
        let mut found = case.evaluate();
        found.fired[0].because = format!("closes #7 @octocat {}", "x".repeat(2_000));
        let section = evaluation(Some(&found));
        assert!(
            section.contains("closes #\u{200b}7 @\u{200b}octocat"),
            "{section}"
        );
        assert!(section.len() < 1_000, "{}", section.len());
    }
}
