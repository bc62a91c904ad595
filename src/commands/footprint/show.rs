//! `footprint show`: the files that an issue will likely touch, and what says so.

use crate::adapters::knowledge::library::Library;
use crate::commands::answer::Answer;
use crate::commands::footprint::known::{index_path, weights};
use crate::commands::footprint::report::as_values;
use crate::commands::place::Place;
use crate::commands::store::look;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind};
use crate::ports::Knowledge as _;
use crate::reporters::out::Stream;
use crate::reporters::shape::VERSION;
use crate::reporters::table::grid;
use crate::reporters::words::fit;
use crate::rules::classify::classify;
use crate::rules::exit::Exit;
use crate::rules::footprint::read::read_alone;
use crate::rules::footprint::{Footprint, LikelyFile};
use crate::rules::ids::IssueNumber;
use crate::rules::printable::printable;
use serde_json::json;

/// Runs the command. Reads the issue and the index as the last run left it; writes nothing.
pub async fn run(place: &Place, number: IssueNumber) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let issue = wiring.forge()?.issue(number).await?.ok_or_else(|| {
        Error::new(Kind::Usage, format!("show issue {number}")).cause("there is no such issue")
    })?;
    let library = Library::look(index_path(&wiring)).await.ok();
    let footprint = match &library {
        Some(library) => {
            let store = look(&wiring.state)?;
            let library = library
                .clone()
                .with_weights(weights(store.as_ref(), &wiring))
                .with_rules(wiring.own());
            let domain = classify(&issue, wiring.own()).domain;
            library.footprint(&issue, domain).await?
        }
        None => read_alone(&issue),
    };
    let event = json!({
        "v": VERSION, "event": "footprint", "issue": number, "index": library.is_some(),
        "files": as_values(&footprint),
    });
    let mut text = text(&footprint);
    if library.is_none() {
        text.push_str(
            "\nThere is no index of this repository yet; the next `autoissue exec` makes it.\n",
        );
    }
    Answer { text, event }.print(&place.output)?;
    Ok(Exit::Done)
}

/// Columns of the two numbers with what stands between them; the strongest reasons get what the paths leave.
const NUMBERS: usize = 27;
const REASONS: usize = 3;
const LEAST: usize = 20;

fn text(footprint: &Footprint) -> String {
    if footprint.files.is_empty() {
        return "Nothing says which files it will touch.\n".to_owned();
    }
    let width = Stream::Out.width();
    let files = footprint.by_probability();
    let longest = files.iter().map(|file| file.path.chars().count()).max();
    let paths = longest.unwrap_or(0).min(width / 2).max("file".len());
    let room = width.saturating_sub(NUMBERS + paths).max(LEAST);
    let rows = files
        .into_iter()
        .map(|file| row(file, paths, room))
        .collect();
    let heads = vec!["file", "because", "probability", "friction"];
    grid(heads, rows, 2).join("\n") + "\n"
}

/// The strongest reasons come first.
fn row(file: &LikelyFile, paths: usize, room: usize) -> Vec<String> {
    let mut reasons = file.evidence.clone();
    reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let reasons: Vec<String> = reasons
        .iter()
        .take(REASONS)
        .map(|reason| format!("{} {:.2}", reason.kind.words(), reason.weight))
        .collect();
    vec![
        fit(&printable(&file.path), paths),
        fit(&reasons.join(", "), room),
        format!("{:.0} %", file.probability * 100.0),
        format!("{:.2}", file.friction),
    ]
}
