//! What is said of slots that come and go.

use crate::reporters::line::Line;
use crate::reporters::paint::Tone;
use crate::reporters::shape::with;
use crate::reporters::time::rfc3339;
use crate::reporters::words::size;
use crate::rules::room::{Lessened, Reserve, Room, Shortage, SlotsReason};
use crate::rules::tally::Tally;
use serde_json::{Value, json};

/// Told once, when it changes; the tally has it already.
pub(super) fn changed(tally: &Tally, reason: &SlotsReason) -> Line {
    let (now, configured) = tally.slots();
    let head = format!("{now} of {configured} slots");
    match reason {
        SlotsReason::Short(shortage) => {
            let settings = tally.settings.as_ref();
            let reserve = settings.and_then(|settings| settings.adaptive);
            let text = format!(": {} is short{}", name(shortage), left(shortage, reserve));
            Line::news(Tone::Warn, head, text)
        }
        SlotsReason::Room if now == configured => {
            Line::news(Tone::Good, format!("all {configured} slots"), " again")
        }
        SlotsReason::Room => Line::news(Tone::Plain, head, ": there is room for one more"),
    }
}

/// Shown as long as it holds: `2 of 4 slots: memory is short`.
pub(super) fn standing(tally: &Tally) -> Option<String> {
    let lessened = tally.lessened?;
    let (now, configured) = tally.slots();
    let (name, is) = (name(&lessened.shortage), is(&lessened));
    Some(format!("{now} of {configured} slots: {name} {is} short"))
}

/// What a task waits for: `2 of 4 are used while memory is short`.
pub(super) fn while_short(lessened: &Lessened, configured: u32) -> String {
    let (now, name) = (lessened.slots, name(&lessened.shortage));
    let since = if lessened.recovers { "since" } else { "while" };
    format!(
        "{now} of {configured} are used {since} {name} {} short",
        is(lessened)
    )
}

fn is(lessened: &Lessened) -> &'static str {
    if lessened.recovers { "was" } else { "is" }
}

fn name(shortage: &Shortage) -> &'static str {
    match shortage {
        Shortage::Memory(_) => "memory",
        Shortage::Disk(_) => "disk space",
        Shortage::Requests(_) => "what the forge still takes",
        Shortage::AgentLimit { .. } => "what the agent's provider allows",
    }
}

/// How much is left, and how much is to stay so.
fn left(shortage: &Shortage, reserve: Option<Reserve>) -> String {
    let of = |room: &Room, kept: Option<u64>| {
        let (free, total) = (size(room.free), size(room.total));
        let kept = kept.map(|kept| format!(", {} kept free", size(kept)));
        format!(" ({free} of {total} left{})", kept.unwrap_or_default())
    };
    match shortage {
        Shortage::Memory(room) => of(room, reserve.map(|reserve| reserve.memory)),
        Shortage::Disk(room) => of(room, reserve.map(|reserve| reserve.disk)),
        Shortage::Requests(quota) => format!(" ({} requests)", quota.left),
        Shortage::AgentLimit { .. } => String::new(),
    }
}

/// What a program is told of a change.
pub(super) fn fields(tally: &Tally, reason: &SlotsReason) -> Value {
    let (now, configured) = tally.slots();
    let (reason, figures) = match reason {
        SlotsReason::Short(shortage) => (word(shortage), figures(shortage)),
        SlotsReason::Room => ("room", Value::Null),
    };
    let change = json!({ "slots": now, "configured": configured, "reason": reason });
    with(change, figures)
}

/// What a program is told of how it is.
pub(super) fn standing_json(tally: &Tally) -> Value {
    let (now, configured) = tally.slots();
    let short = tally.lessened.map(|lessened| word(&lessened.shortage));
    let recovers = tally.lessened.is_some_and(|lessened| lessened.recovers);
    json!({ "now": now, "configured": configured, "short": short, "recovers": recovers })
}

/// One word for programs.
pub(super) fn word(shortage: &Shortage) -> &'static str {
    match shortage {
        Shortage::Memory(_) => "memory",
        Shortage::Disk(_) => "disk",
        Shortage::Requests(_) => "forge_limit",
        Shortage::AgentLimit { .. } => "agent_limit",
    }
}

fn figures(shortage: &Shortage) -> Value {
    match shortage {
        Shortage::Memory(Room { free, total }) | Shortage::Disk(Room { free, total }) => {
            json!({ "free_bytes": free, "total_bytes": total })
        }
        Shortage::Requests(quota) => {
            json!({ "requests_left": quota.left, "until": rfc3339(quota.until) })
        }
        Shortage::AgentLimit { until } => json!({ "until": rfc3339(*until) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporters::paint::Paint;
    use crate::rules::event::Event;
    use crate::rules::ids::Timestamp;
    use crate::rules::room::Quota;
    use crate::rules::script::{self, Script};
    use crate::rules::settings::Settings;

    fn told(changes: &[(u32, SlotsReason)]) -> (Tally, String) {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        let adaptive = Some(Reserve {
            memory: 1 << 30,
            memory_each: 600 << 20,
            disk: 1 << 30,
            requests_each: 25,
            calm_millis: 60_000,
        });
        let settings = Box::new(Settings {
            adaptive,
            ..script::settings()
        });
        script.push(Event::SessionResumed { settings });
        let mut lines = Vec::new();
        for (slots, reason) in changes {
            let (slots, reason) = (*slots, *reason);
            script.push(Event::SlotsChanged { slots, reason });
            let tally = script.tally();
            lines.push(changed(&tally, &reason).shown(Paint::NONE));
            lines.push(fields(&tally, &reason).to_string());
        }
        (script.tally(), lines.join("\n"))
    }

    #[test]
    fn every_reason_is_told_with_its_figures_and_shown_while_it_holds() {
        let (free, total) = (612 << 20, 4 << 30);
        let until = Timestamp(1_790_000_060_000);
        let short = SlotsReason::Short;
        let (tally, lines) = told(&[
            (2, short(Shortage::Memory(Room { free, total }))),
            (1, short(Shortage::Disk(Room { free, total }))),
            (2, SlotsReason::Room),
            (1, short(Shortage::Requests(Quota { left: 40, until }))),
            (2, SlotsReason::Room),
            (1, short(Shortage::AgentLimit { until })),
            (2, SlotsReason::Room),
        ]);
        insta::assert_snapshot!(lines, @r#"
        2 of 3 slots: memory is short (612 MiB of 4.0 GiB left, 1.0 GiB kept free)
        {"slots":2,"configured":3,"reason":"memory","free_bytes":641728512,"total_bytes":4294967296}
        1 of 3 slots: disk space is short (612 MiB of 4.0 GiB left, 1.0 GiB kept free)
        {"slots":1,"configured":3,"reason":"disk","free_bytes":641728512,"total_bytes":4294967296}
        2 of 3 slots: there is room for one more
        {"slots":2,"configured":3,"reason":"room"}
        1 of 3 slots: what the forge still takes is short (40 requests)
        {"slots":1,"configured":3,"reason":"forge_limit","requests_left":40,"until":"2026-09-21T14:14:20.000Z"}
        2 of 3 slots: there is room for one more
        {"slots":2,"configured":3,"reason":"room"}
        1 of 3 slots: what the agent's provider allows is short
        {"slots":1,"configured":3,"reason":"agent_limit","until":"2026-09-21T14:14:20.000Z"}
        2 of 3 slots: there is room for one more
        {"slots":2,"configured":3,"reason":"room"}
        "#);
        let shown = standing(&tally);
        assert_eq!(
            shown.as_deref(),
            Some("2 of 3 slots: what the agent's provider allows was short")
        );
        let (whole, line) = told(&[
            (2, short(Shortage::Memory(Room { free, total }))),
            (3, SlotsReason::Room),
        ]);
        assert_eq!(standing(&whole), None);
        assert!(line.contains("all 3 slots again"), "{line}");
    }
}
