//! What people read of a task that is tried again later.

use crate::reporters::line::Line;
use crate::reporters::time::{ahead, human};
use crate::reporters::words::why;
use crate::rules::event::Event;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::task::Failure;

/// It failed, or a limit keeps it waiting.
pub(super) fn put_off(event: &Event, at: Timestamp) -> Option<Line> {
    if let Event::RetryScheduled {
        issue,
        until,
        failure,
        ..
    } = event
    {
        return Some(retry_scheduled(*issue, until.millis_since(at), failure));
    }
    let Event::Parked {
        issue,
        until,
        failure,
        ..
    } = event
    else {
        return None;
    };
    Some(parked(*issue, &ahead(*until, at), failure))
}

fn retry_scheduled(issue: IssueNumber, millis: u64, failure: &Failure) -> Line {
    // Only who takes over begins at once: whoever failed waits before the next try.
    let next = match millis {
        0 => "another agent takes over".to_owned(),
        millis => format!("again in {}", human(millis)),
    };
    let text = format!(" failed: {}; {next}", why(failure));
    Line::warn(issue, text)
}

fn parked(issue: IssueNumber, until: &str, failure: &Failure) -> Line {
    let text = format!(" waits until {until}: {}", why(failure));
    Line::warn(issue, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporters::paint::Paint;
    use crate::rules::task::ErrorClass;

    #[test]
    fn who_takes_over_begins_at_once_and_who_tries_again_waits() {
        let failure = Failure::new(ErrorClass::Crash, "it broke");
        let told = |millis| retry_scheduled(IssueNumber(7), millis, &failure).shown(Paint::NONE);
        assert!(
            told(0).ends_with("; another agent takes over"),
            "{}",
            told(0)
        );
        assert!(told(2_000).ends_with("; again in 2s"), "{}", told(2_000));
    }
}
