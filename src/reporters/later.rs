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
    let text = format!(" failed: {}; again in {}", why(failure), human(millis));
    Line::warn(issue, text)
}

fn parked(issue: IssueNumber, until: &str, failure: &Failure) -> Line {
    let text = format!(" waits until {until}: {}", why(failure));
    Line::warn(issue, text)
}
