//! `config show|schema|check|hash-password`: the configuration, seen from outside, and the hash that one may hold.

use crate::cli::setup::ConfigCommands;
use crate::commands::place::Place;
use crate::commands::preflight::template;
use crate::config::loaded::{Effective, Loaded, Overrides};
use crate::config::schema::schema;
use crate::error::{Error, Kind};
use crate::reporters::secret::ask_secret;
use crate::rules::exit::Exit;
use crate::rules::password::hash;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _};
use uuid::Uuid;

/// No password is longer; what is, is a file given by mistake.
const LONGEST: u64 = 1024;
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
        ConfigCommands::HashPassword => {
            let password = read_password()?;
            let hash = hash(&password, Uuid::new_v4().as_bytes());
            let event = json!({ "event": "password_hashed", "hash": hash });
            place.output.result(&format!("{hash}\n"), &event)?;
        }
    }
    Ok(Exit::Done)
}

/// Never from an argument: other accounts see those, and shells write them down. On a terminal it is asked for twice.
fn read_password() -> Result<String, Error> {
    let unread =
        |cause: std::io::Error| Error::new(Kind::Files, "read the password").because(&cause);
    let stdin = std::io::stdin();
    let refuse = |cause: &str| Err(Error::new(Kind::Usage, "hash a password").cause(cause));
    let password = if stdin.is_terminal() {
        let password = ask_secret("Password (not shown): ").map_err(unread)?;
        if ask_secret("Once more: ").map_err(unread)? != password {
            return refuse("the two are not the same");
        }
        password
    } else {
        let mut text = String::new();
        stdin
            .lock()
            .take(LONGEST + 2)
            .read_to_string(&mut text)
            .map_err(unread)?;
        // The end of the line is the shell's; any other space is the password's.
        text.trim_end_matches(['\n', '\r']).to_owned()
    };
    match password.len() as u64 {
        0 => refuse("there is none on stdin"),
        1..8 => refuse("it is shorter than 8 characters"),
        8..=LONGEST => Ok(password),
        _ => refuse("it is longer than 1024 bytes"),
    }
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
