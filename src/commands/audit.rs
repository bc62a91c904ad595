//! `audit`: who did what, over all sessions of this state directory.

use crate::adapters::store::audit::Audited;
use crate::cli::args::Format;
use crate::cli::look::AuditArgs;
use crate::commands::output::{Stream, write};
use crate::commands::place::Place;
use crate::commands::sender;
use crate::commands::store::look;
use crate::error::Error;
use crate::reporters::out;
use crate::reporters::shape::VERSION;
use crate::reporters::table::grid;
use crate::reporters::time::rfc3339;
use crate::reporters::words::{fit, plural};
use crate::rules::exit::Exit;
use crate::rules::ids::Timestamp;
use crate::rules::money::Usd;
use crate::rules::printable::{plain_json, printable};
use serde_json::json;
use std::fmt::Write as _;

/// Columns that what was done gets at least.
const LEAST: usize = 30;
/// Columns of all others, without that of who did it.
const OTHERS: usize = 19 + 7 + 9 + 8;
/// Columns of who did it at most.
const WHO: usize = 40;

/// Prints the record.
pub fn run(place: &Place, args: &AuditArgs) -> Result<Exit, Error> {
    let now = Timestamp(chrono::Utc::now().timestamp_millis());
    let since = args.since.map(|since| since.before(now));
    let store = look(&place.state_dir()?)?;
    let from = since.unwrap_or(Timestamp(i64::MIN));
    let done = store.map(|store| store.audit(from)).transpose()?;
    let done = done.unwrap_or_default();
    let redactor = sender::redactor();
    let text = match place.output.format() {
        Format::Text if !args.json => {
            let out = out::Stream::Out;
            table(&done, since, out.is_terminal().then(|| out.width()))
        }
        Format::Text | Format::Json => done.iter().map(line).collect(),
    };
    write(Stream::Out, &redactor.clean(&text))?;
    Ok(Exit::Done)
}

/// One row a deed, and the sum. `width` is that of a terminal.
fn table(done: &[Audited], since: Option<Timestamp>, width: Option<usize>) -> String {
    if done.is_empty() {
        return match since {
            Some(since) => format!("Nothing was done since {}.\n", second(since)),
            None => "Nothing was done yet. `autoissue exec <label>` starts a session.\n".into(),
        };
    }
    let who = |audited: &Audited| match &audited.entry.who {
        Some(who) => fit(&printable(&who.to_string()), WHO),
        None => "-".to_owned(),
    };
    let widest = done.iter().map(|audited| who(audited).len()).max();
    let room = width.map(|width| {
        width
            .saturating_sub(OTHERS + widest.unwrap_or_default())
            .max(LEAST)
    });
    let rows = done.iter().map(|audited| {
        let entry = &audited.entry;
        let what = printable(format!("{} {}", entry.deed.word(), entry.detail).trim());
        vec![
            second(entry.at),
            who(audited),
            room.map_or(what.clone(), |room| fit(&what, room)),
            entry
                .issue
                .map_or("-".to_owned(), |issue| issue.to_string()),
            entry
                .amount
                .map_or("-".to_owned(), |amount| amount.to_string()),
        ]
    });
    let heads = vec!["time (UTC)", "who", "what", "issue", "amount"];
    let mut text = grid(heads, rows.collect(), 3).join("\n");
    let spent: Usd = done.iter().filter_map(|audited| audited.entry.amount).sum();
    let count = plural(done.len() as u64, "deed");
    let _ = writeln!(text, "\n\n{count}, {spent} spent");
    text
}

fn second(at: Timestamp) -> String {
    rfc3339(at).get(..19).unwrap_or_default().replace('T', " ")
}

fn line(audited: &Audited) -> String {
    let entry = &audited.entry;
    let who = entry.who.as_ref();
    let event = json!({
        "v": VERSION,
        "event": "audit",
        "at": rfc3339(entry.at),
        "project": audited.project,
        "session": audited.session,
        "seq": entry.seq,
        "who": who.map(|who| &who.who),
        "for": who.and_then(|who| who.actor.as_ref()),
        "through": who.map(|who| &who.through),
        "what": entry.deed.word(),
        "detail": entry.detail,
        "issue": entry.issue,
        "amount_usd": entry.amount.map(Usd::decimal),
    });
    plain_json(event.to_string()) + "\n"
}
