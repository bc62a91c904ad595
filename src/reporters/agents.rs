//! What an agent of the chain cannot do for a while, as lines for people and as fields for programs.

use crate::reporters::line::Line;
use crate::reporters::paint::Tone;
use crate::reporters::time::{ahead, rfc3339};
use crate::reporters::words::brief;
use crate::rules::event::Event;
use crate::rules::ids::{AgentPlace, Timestamp};
use crate::rules::printable::printable;
use crate::rules::tally::Tally;
use serde_json::{Value, json};

/// The agent's kind.
pub(super) fn name(tally: &Tally, agent: AgentPlace) -> Option<&str> {
    let settings = tally.settings.as_ref();
    settings.map(|settings| settings.agent_at(agent))
}

/// What its event tells programs.
pub(super) fn fields(tally: &Tally, event: &Event) -> Value {
    match event {
        Event::DispatchStopped { agent, reason } => {
            let agent = agent.and_then(|agent| name(tally, agent));
            json!({ "reason": reason, "agent": agent })
        }
        Event::DispatchPaused {
            agent,
            until,
            reason,
            hands_over,
        } => json!({
            "until": rfc3339(*until), "reason": reason, "agent": name(tally, *agent), "hands_over": hands_over,
        }),
        Event::BreakerOpened {
            agent,
            until,
            failures,
            reason,
        } => json!({
            "until": rfc3339(*until), "failures": failures, "reason": reason, "agent": name(tally, *agent),
        }),
        Event::BreakerClosed { agent } => json!({ "agent": name(tally, *agent) }),
        _ => Value::Null,
    }
}

/// What its event tells people.
pub(super) fn line(tally: &Tally, event: &Event, at: Timestamp) -> Option<Line> {
    Some(match event {
        Event::DispatchPaused {
            until,
            reason,
            hands_over,
            ..
        } => paused(tally, *hands_over, &ahead(*until, at), reason),
        Event::BreakerOpened {
            until,
            failures,
            reason,
            ..
        } => breaker_opened(&ahead(*until, at), *failures, reason),
        Event::DispatchStopped { agent, reason } => dispatch_stopped(tally, *agent, reason),
        Event::BreakerClosed { .. } => Line::news(Tone::Good, "breaker closed", ""),
        _ => return None,
    })
}

fn dispatch_stopped(tally: &Tally, agent: Option<AgentPlace>, reason: &str) -> Line {
    let is_over = agent.is_none() || tally.stopped_because.is_some();
    let head = if is_over {
        "nobody else is let in"
    } else {
        "others take over"
    };
    Line::news(Tone::Bad, head, format!(": {}", printable(reason)))
}

fn paused(tally: &Tally, hands_over: bool, until: &str, reason: &str) -> Line {
    let settings = tally.settings.as_ref();
    let others = settings.map_or(0, |settings| settings.fallback.len());
    let head = if hands_over && others > 0 {
        "others take over"
    } else {
        "nobody is let in"
    };
    let text = format!(" until {until}: {}", brief(reason));
    Line::news(Tone::Warn, head, text)
}

fn breaker_opened(until: &str, failures: u32, reason: &str) -> Line {
    let text = format!(
        " after {failures} failures in a row ({}): one probe at {until}",
        brief(reason)
    );
    Line::news(Tone::Bad, "breaker open", text)
}
