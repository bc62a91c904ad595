//! Why a session was left with work to do.

use crate::rules::event::{Event, Recorded};
use crate::rules::tally::Tally;

/// Why a session was left with work to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// A person has to say something first.
    Waits,
    /// Somebody asked it to stop.
    Stopped,
    /// Nothing more could be done, for want of credentials and the like.
    GaveUp,
}

/// Why, by what happened since a process last worked on it.
#[must_use]
pub fn left(events: &[Recorded]) -> Left {
    let is_begin = |recorded: &Recorded| {
        matches!(
            recorded.event,
            Event::SessionStarted { .. } | Event::SessionResumed { .. }
        )
    };
    let last = events.iter().rposition(is_begin).unwrap_or_default();
    let mut tally = Tally::default();
    for recorded in events {
        tally.apply(recorded);
    }
    let mut since = events[last..].iter();
    if since.any(|recorded| matches!(recorded.event, Event::StopRequested)) {
        Left::Stopped
    } else if tally.stopped_because.is_some() {
        Left::GaveUp
    } else {
        Left::Waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::Timestamp;
    use crate::rules::script::settings;

    fn told(events: Vec<Event>) -> Left {
        let recorded = events.into_iter().enumerate().map(|(at, event)| Recorded {
            seq: at as u64 + 1,
            at: Timestamp(0),
            event,
        });
        left(&recorded.collect::<Vec<_>>())
    }

    #[test]
    fn what_was_asked_before_it_was_taken_up_again_counts_no_more() {
        let resumed = || {
            let settings = Box::new(settings());
            Event::SessionResumed { settings }
        };
        let (stop, end) = (Event::StopRequested, Event::SessionInterrupted);
        assert_eq!(told(vec![]), Left::Waits);
        assert_eq!(told(vec![stop.clone(), end.clone()]), Left::Stopped);
        assert_eq!(
            told(vec![stop.clone(), end.clone(), resumed(), end.clone()]),
            Left::Waits
        );
        assert_eq!(told(vec![end.clone(), resumed(), stop, end]), Left::Stopped);
    }
}
