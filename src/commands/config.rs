//! `config show|schema|check`: the configuration, seen from outside.

use crate::cli::setup::ConfigCommands;
use crate::commands::place::Place;
use crate::commands::preflight::template;
use crate::config::loaded::{Effective, Loaded, Overrides};
use crate::config::schema::schema;
use crate::error::Error;
use crate::rules::exit::Exit;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Sources stand in one column, unless a value is longer than this.
const WIDEST: usize = 48;

/// Does what the subcommand says.
pub fn run(place: &Place, command: ConfigCommands) -> Result<Exit, Error> {
    let load = || place.load(&Overrides::default());
    match command {
        ConfigCommands::Show => show(place, &load()?)?,
        ConfigCommands::Check => {
            let loaded = load()?;
            template(&loaded)?;
            check(place, &loaded)?;
        }
        ConfigCommands::Schema => {
            let schema = schema();
            let text = serde_json::to_string_pretty(&schema).expect("a schema is always JSON");
            place.output.result(&format!("{text}\n"), &schema)?;
        }
    }
    Ok(Exit::Done)
}

fn show(place: &Place, loaded: &Loaded) -> Result<(), Error> {
    let values = loaded.values();
    let mut text = match &loaded.file {
        Some(file) => format!("# file: {}\n", file.display()),
        None => "# no file\n".to_owned(),
    };
    let lines = values
        .iter()
        .map(|one| format!("{} = {}", one.key, one.value));
    let lines: Vec<String> = lines.collect();
    let widths = lines.iter().map(|line| line.chars().count());
    let widest = widths.max().unwrap_or(0).min(WIDEST);
    for (line, Effective { source, .. }) in lines.iter().zip(&values) {
        let _ = writeln!(text, "{line:widest$}  # {source}");
    }
    let values: Vec<Value> = values
        .iter()
        .map(|Effective { key, value, source }| {
            json!({ "key": key, "value": value, "source": source.to_string() })
        })
        .collect();
    let event = json!({ "event": "config", "file": loaded.file, "values": values });
    place.output.result(&text, &event)
}

fn check(place: &Place, loaded: &Loaded) -> Result<(), Error> {
    let text = match &loaded.file {
        Some(file) => format!("ok: {}\n", file.display()),
        None => "ok: no file; the defaults hold\n".to_owned(),
    };
    let event = json!({ "event": "config_checked", "file": loaded.file });
    place.output.result(&text, &event)
}
