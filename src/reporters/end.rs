//! The last words of a session: what became of each task, what it cost, and what to do next.

use crate::reporters::next::{Calling, Step, steps};
use crate::reporters::out::Stream;
use crate::reporters::outlook::looked_back;
use crate::reporters::paint::{Colour, Paint, Tone};
use crate::reporters::plan_lines;
use crate::reporters::table::{session_table, shows_addresses, totals_table};
use crate::reporters::time::human;
use crate::reporters::together::{left_out, sentence};
use crate::reporters::words::{address, brief, fit, plural, spoken, tone_of};
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::rules::summary::{Group, by_domain, by_model};
use crate::rules::tally::{Phase, Tally, TaskTally};
use crate::rules::task::Ending;
use unicode_width::UnicodeWidthStr;

/// Tasks whose reasons are told one by one.
const REASONS: usize = 20;

/// Everything that a person wants to know at the end, without a line break at its end. Colour that is left to the
/// terminal is decided by standard output.
#[must_use]
pub fn end_report(tally: &Tally, width: usize, colour: Colour, calling: &Calling) -> String {
    let paint = colour.paint(Stream::Out);
    if tally.tasks.is_empty() {
        return nothing(tally, paint, calling);
    }
    let parts = [
        session_table(tally, tally.last, width, colour),
        totals_table(&by_part(tally), &by_model(tally), colour),
        verdict(tally, width, paint),
        links(tally, width, paint),
        reasons(tally, width, paint),
        kept_from_hosts(tally, width, paint),
        conflicts(tally, width, paint),
        together(tally, width, paint),
        next_steps(&steps(tally, calling), width, paint),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

/// The domains, and the planner beside them.
fn by_part(tally: &Tally) -> Vec<Group> {
    let mut parts = by_domain(tally);
    parts.extend(tally.planner_group());
    parts
}

fn nothing(tally: &Tally, paint: Paint, calling: &Calling) -> String {
    if tally.read {
        let selection = printable(&tally.selection.name());
        return format!("Nothing to do: no open issue for {selection}.");
    }
    if let Some(reason) = tally.planner.as_ref().and_then(|it| it.declined.as_deref()) {
        let reason = brief(reason);
        return format!(
            "The plan was not carried out: {reason}. {} spent.",
            tally.spent
        );
    }
    let ended = plan_lines::standing(tally, tally.last)
        .unwrap_or_else(|| "The session ended before its issues were read.".to_owned());
    let next = next_steps(&steps(tally, calling), usize::MAX, paint);
    [ended, next].join("\n\n").trim_end().to_owned()
}

/// `4 of 10 tasks completed, 3 failed; $3.98 of $50.00 spent, ...`
fn verdict(tally: &Tally, width: usize, paint: Paint) -> String {
    let session = tally.session.as_ref().map_or("", SessionId::as_str);
    let ended = match tally.phase {
        Phase::Finished => "finished",
        Phase::Interrupted => "was interrupted",
        Phase::Running | Phase::Stopping => "did not end",
    };
    let time = human(tally.worked.millis(tally.last));
    let first = format!(
        "Session {session} on {} {ended} after {time}.",
        printable(&tally.project)
    );
    let mut lines = vec![first, counted(tally, width, paint), paid(tally, paint)];
    let took = tally.worked.millis(tally.last);
    let expected = tally.prediction.as_ref();
    lines.extend(expected.and_then(|expected| looked_back(expected, took)));
    if let Some(reason) = &tally.stopped_because {
        let stopped = format!("Nobody else was let in: {}", brief(reason));
        lines.push(paint.tone(Tone::Bad, &fit(&stopped, width)));
    }
    lines.join("\n")
}

fn counted(tally: &Tally, width: usize, paint: Paint) -> String {
    let counts = &tally.counts;
    let all = plural(counts.all(), "task");
    let mut parts = vec![(
        format!("{} of {all} completed", counts.completed),
        Tone::Good,
    )];
    let others = [
        (counts.failed, Ending::Failed),
        (counts.no_change, Ending::NoChange),
        (counts.needs_human, Ending::NeedsHuman),
        (counts.blocked, Ending::Blocked),
        (counts.budget, Ending::Budget),
        (counts.skipped, Ending::Skipped),
    ];
    for (count, ending) in others.into_iter().filter(|(count, _)| *count > 0) {
        let part = format!("{count} {}", spoken(ending.word()));
        parts.push((part, tone_of(ending)));
    }
    let left = counts.waiting + counts.running;
    if left > 0 {
        parts.push((format!("{left} left"), Tone::Warn));
    }
    listed(&parts, width, paint)
}

/// The parts with commas between them, in as many lines as they need.
fn listed(parts: &[(String, Tone)], width: usize, paint: Paint) -> String {
    let mut text = String::new();
    let mut column = 0;
    for (index, (part, tone)) in parts.iter().enumerate() {
        // A part takes the comma or the full stop that follows it.
        let needs = part.width() + 1;
        if index > 0 && column + 1 + needs > width {
            text.push_str(",\n");
            column = 0;
        } else if index > 0 {
            text.push_str(", ");
            column += 1;
        }
        text.push_str(&paint.tone(*tone, part));
        column += needs;
    }
    text.push('.');
    text
}

fn paid(tally: &Tally, paint: Paint) -> String {
    let ceiling = tally.settings.as_ref().map_or(Usd::ZERO, |s| s.ceiling);
    let spent = format!("{} of {ceiling} spent", tally.spent);
    let others = [
        (tally.failed, "in attempts that failed", Tone::Plain),
        (tally.granted, "still set aside", Tone::Plain),
        (tally.overshoot, "above what was set aside", Tone::Warn),
    ];
    let others = others.iter().filter(|(amount, ..)| *amount > Usd::ZERO);
    let others =
        others.map(|(amount, words, tone)| paint.tone(*tone, &format!("{amount} {words}")));
    let parts: Vec<String> = std::iter::once(spent).chain(others).collect();
    format!("{}.", parts.join(", "))
}

/// Addresses of pulls, where the table had no room for them.
fn links(tally: &Tally, width: usize, paint: Paint) -> String {
    if shows_addresses(tally, tally.last, width) {
        return String::new();
    }
    let link = |task: &TaskTally| {
        let pull = task.pull.as_ref()?;
        Some(format!(
            "  {:<6} {}",
            task.issue.to_string(),
            address(&pull.url, &tally.project)
        ))
    };
    let lines: Vec<String> = tally.tasks.values().filter_map(link).collect();
    let head = match tally.project.strip_prefix('/') {
        Some(_) => format!("Pulls in {}", printable(&tally.project)),
        None => "Pulls".to_owned(),
    };
    section(&head, &lines, paint)
}

/// Why the others did not get there.
fn reasons(tally: &Tally, width: usize, paint: Paint) -> String {
    let told: Vec<&TaskTally> = tally
        .tasks
        .values()
        .filter(|task| has_reason(task))
        .collect();
    let line = |task: &&TaskTally| {
        let reason = task.reason.as_deref().or(task.trouble.as_deref());
        let line = format!(
            "  {:<6} {}",
            task.issue.to_string(),
            brief(reason.unwrap_or_default())
        );
        fit(&line, width)
    };
    let mut lines: Vec<String> = told.iter().take(REASONS).map(line).collect();
    if told.len() > REASONS {
        lines.push(format!("  and {} more", told.len() - REASONS));
    }
    section("Reasons", &lines, paint)
}

/// Work that conflicts, and stayed so.
fn conflicts(tally: &Tally, width: usize, paint: Paint) -> String {
    let conflicts = tally.conflicts.iter();
    let conflicts = conflicts.map(|conflict| (conflict.issue, conflict.words()));
    let outdated = tally.outdated.iter().map(|one| (one.issue, one.words()));
    let line = |(issue, words): (IssueNumber, String)| {
        let (issue, words) = (issue.to_string(), printable(&words));
        fit(&format!("  {issue:<6} {words}"), width)
    };
    let all = conflicts.chain(outdated).take(REASONS);
    let lines: Vec<String> = all.map(line).collect();
    section("Conflicts", &lines, paint)
}

/// Does it all go together, in which order, and what does not?
fn together(tally: &Tally, width: usize, paint: Paint) -> String {
    let Some(certificate) = &tally.certificate else {
        return String::new();
    };
    let mut lines = vec![fit(&format!("  {}", sentence(certificate)), width)];
    for (issue, why) in left_out(certificate).take(REASONS) {
        lines.push(fit(&format!("  {issue:<6} {why}"), width));
    }
    section("Together", &lines, paint)
}

/// What programs in the sandbox asked for and did not get: the likeliest reason for odd failures.
fn kept_from_hosts(tally: &Tally, width: usize, paint: Paint) -> String {
    let tasks = tally
        .tasks
        .values()
        .filter(|task| !task.kept_from.is_empty());
    let line = |task: &TaskTally| {
        let hosts = printable(&task.kept_from.join(", "));
        fit(&format!("  {:<6} {hosts}", task.issue.to_string()), width)
    };
    let mut lines: Vec<String> = tasks.map(line).take(REASONS).collect();
    if !lines.is_empty() {
        lines.push("  sandbox.hosts says where agents and checks may go".to_owned());
    }
    section("Kept from", &lines, paint)
}

fn has_reason(task: &TaskTally) -> bool {
    task.reason.is_some() || task.trouble.is_some()
}

fn next_steps(steps: &[Step], width: usize, paint: Paint) -> String {
    let widest = steps
        .iter()
        .map(|step| step.command.width())
        .max()
        .unwrap_or(0);
    let line = |step: &Step| {
        let gap = " ".repeat(widest - step.command.width());
        let room = width.saturating_sub(widest + 4);
        format!("  {}{gap}  {}", step.command, fit(&step.why, room))
            .trim_end()
            .to_owned()
    };
    let lines: Vec<String> = steps.iter().map(line).collect();
    section("Next", &lines, paint)
}

fn section(head: &str, lines: &[String], paint: Paint) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("{}\n{}", paint.tone(Tone::Head, head), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::event::Event;
    use crate::rules::script::{self, Script};

    #[test]
    fn the_end_on_a_narrow_screen() {
        let tally = script::every_ending().tally();
        insta::assert_snapshot!(end_report(&tally, 80, Colour::Never, &Calling::default()), @"
        issue  title                        outcome      pull  attempts    time     cost
        ────────────────────────────────────────────────────────────────────────────────
        #12    Fix the login redirect       completed    #31          1  1m 37s  $0.1117
        #13    Make the header sticky on …  completed    #32          2  1m 40s    $0.65
        #14    Show the cart in the header  completed    #33          1  1m 37s  $0.0980
        #15    Add an index to the table …  failed       -            3      6s    $3.00
        #16    List the last orders of a …  blocked      -            -       -        -
        #17    Say in the README which po…  no change    -            1      2s    $0.04
        #18    Test the payment callback    needs human  -            1      2s    $0.07
        #19    Rotate the signing keys ev…  budget       -            -       -        -
        #20    Build the image for arm64    skipped      -            -       -        -
        #21    Greet in 日本語 and العربي…  completed    #34          1  1m 37s    $0.01

        domain / model     tasks  done  attempts     cost  tokens
        ─────────────────────────────────────────────────────────
        backend                2     1         1  $0.1117   1,200
        frontend               2     2         3  $0.7480   3,600
        database               1     0         3    $3.00   3,600
        infrastructure         1     0         0    $0.00       -
        security               1     0         0    $0.00       -
        testing                1     0         1    $0.07   1,200
        documentation          1     0         1    $0.04   1,200
        unknown                1     1         1    $0.01   1,200

        claude-sonnet-4-5      7     4        10  $3.9797  12,000

        Session 01K5SHOP000000000000000000 on acme/shop finished after 7m 10s.
        4 of 10 tasks completed, 1 failed, 1 no change, 1 needs human, 1 blocked,
        1 budget, 1 skipped.
        $3.9797 of $50.00 spent, $3.42 in attempts that failed.

        Pulls
          #12    https://github.com/acme/shop/pull/31
          #13    https://github.com/acme/shop/pull/32
          #14    https://github.com/acme/shop/pull/33
          #21    https://github.com/acme/shop/pull/34

        Reasons
          #15    timeout: nothing came of it in 30 minutes
          #16    needs #15, which failed
          #17    it says so already
          #18    a nested repository was changed: vendor/pay
          #19    $5.50 would pass what is left of $50.00
          #20    pull #77 is open already

        Next
          autoissue history 15           what happened to #15
          autoissue history 17           what happened to #17
          autoissue history 18           what happened to #18
          autoissue exec --issue 15      try #15 again
          autoissue exec bug --budget 6  for 1 task that the budget did not reach
        ");
    }

    #[test]
    fn the_end_on_a_wide_screen() {
        let tally = script::every_ending().tally();
        insta::assert_snapshot!(end_report(&tally, 140, Colour::Never, &Calling::default()), @"
        issue  title                                    domain          outcome      pull                                  attempts    time     cost
        ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        #12    Fix the login redirect                   backend         completed    https://github.com/acme/shop/pull/31         1  1m 37s  $0.1117
        #13    Make the header sticky on small screens  frontend        completed    https://github.com/acme/shop/pull/32         2  1m 40s    $0.65
        #14    Show the cart in the header              frontend        completed    https://github.com/acme/shop/pull/33         1  1m 37s  $0.0980
        #15    Add an index to the table of orders      database        failed       -                                            3      6s    $3.00
        #16    List the last orders of a customer       backend         blocked      -                                            -       -        -
        #17    Say in the README which ports are used   documentation   no change    -                                            1      2s    $0.04
        #18    Test the payment callback                testing         needs human  -                                            1      2s    $0.07
        #19    Rotate the signing keys every 90 days    security        budget       -                                            -       -        -
        #20    Build the image for arm64                infrastructure  skipped      -                                            -       -        -
        #21    Greet in 日本語 and العربية, not only …  unknown         completed    https://github.com/acme/shop/pull/34         1  1m 37s    $0.01

        domain / model     tasks  done  attempts     cost  tokens
        ─────────────────────────────────────────────────────────
        backend                2     1         1  $0.1117   1,200
        frontend               2     2         3  $0.7480   3,600
        database               1     0         3    $3.00   3,600
        infrastructure         1     0         0    $0.00       -
        security               1     0         0    $0.00       -
        testing                1     0         1    $0.07   1,200
        documentation          1     0         1    $0.04   1,200
        unknown                1     1         1    $0.01   1,200

        claude-sonnet-4-5      7     4        10  $3.9797  12,000

        Session 01K5SHOP000000000000000000 on acme/shop finished after 7m 10s.
        4 of 10 tasks completed, 1 failed, 1 no change, 1 needs human, 1 blocked, 1 budget, 1 skipped.
        $3.9797 of $50.00 spent, $3.42 in attempts that failed.

        Reasons
          #15    timeout: nothing came of it in 30 minutes
          #16    needs #15, which failed
          #17    it says so already
          #18    a nested repository was changed: vendor/pay
          #19    $5.50 would pass what is left of $50.00
          #20    pull #77 is open already

        Next
          autoissue history 15           what happened to #15
          autoissue history 17           what happened to #17
          autoissue history 18           what happened to #18
          autoissue exec --issue 15      try #15 again
          autoissue exec bug --budget 6  for 1 task that the budget did not reach
        ");
    }

    #[test]
    fn nothing_to_do_is_one_sentence() {
        let mut script = Script::begun(&[]);
        script.push(Event::SessionFinished);
        let report = end_report(&script.tally(), 80, Colour::Never, &Calling::default());
        assert_eq!(report, "Nothing to do: no open issue for label bug.");
    }

    #[test]
    fn an_interrupted_session_says_what_is_left() {
        let tasks = [
            script::task(12, "backend", &[]),
            script::task(13, "testing", &[]),
        ];
        let mut script = Script::begun(&tasks);
        script.complete(12, 1, 0, 111_700, 31);
        script.push(Event::SessionInterrupted);
        insta::assert_snapshot!(end_report(&script.tally(), 80, Colour::Never, &Calling::default()), @"
        issue  title                         outcome    pull  attempts    time     cost
        ───────────────────────────────────────────────────────────────────────────────
        #12    Mend the backend of the shop  completed  #31          1  1m 37s  $0.1117
        #13    Mend the testing of the shop  waits      -            -       -        -

        domain / model     tasks  done  attempts     cost  tokens
        ─────────────────────────────────────────────────────────
        backend                1     1         1  $0.1117   1,200
        testing                1     0         0    $0.00       -

        claude-sonnet-4-5      1     1         1  $0.1117   1,200

        Session 01K5SHOP000000000000000000 on acme/shop was interrupted after 1m 42s.
        1 of 2 tasks completed, 1 left.
        $0.1117 of $50.00 spent.

        Pulls
          #12    https://github.com/acme/shop/pull/31

        Next
          autoissue resume 01K5SHOP000000000000000000  go on with 1 task
        ");
    }

    #[test]
    fn a_session_that_no_attempt_can_help_says_why() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.push(Event::DispatchStopped {
            agent: None,
            reason: "authentication: the key was refused".to_owned(),
        });
        script.push(Event::SessionInterrupted);
        let report = end_report(&script.tally(), 80, Colour::Never, &Calling::default());
        let expect = "\nNobody else was let in: authentication: the key was refused\n";
        assert!(report.contains(expect), "{report}");
    }

    #[test]
    fn nothing_but_addresses_is_wider_than_the_screen() {
        let tally = script::every_ending().tally();
        for width in 72..160 {
            let report = end_report(&tally, width, Colour::Never, &Calling::default());
            for line in report.lines().filter(|line| !line.contains("https://")) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_session_can_be_looked_at_after_any_event() {
        let mut tally = Tally::default();
        for recorded in &script::every_ending().events {
            tally.apply(recorded);
            assert!(!end_report(&tally, 80, Colour::Never, &Calling::default()).is_empty());
            assert_eq!(tally.counts.all(), tally.tasks.len() as u64);
        }
    }
}
