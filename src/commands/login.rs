//! `login`, `logout`: a token for GitHub is kept on this machine, or forgotten.

use crate::cli::setup::LoginArgs;
use crate::commands::answer::Answer;
use crate::commands::identity::{host, unkept, vault};
use crate::commands::place::{Place, variable};
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind};
use crate::reporters::secret::ask_secret;
use crate::reporters::shape::VERSION;
use crate::rules::access::TokenKind;
use crate::rules::exit::Exit;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _};

/// No token is near as long.
const LARGEST: u64 = 4096;

/// Keeps the token that stdin or a person at the terminal gives.
pub fn login(place: &Place, args: LoginArgs) -> Result<Exit, Error> {
    let host = host(&place.load(&Overrides::default())?.config);
    let token = read(&host)?;
    let mut vault = vault();
    let left = vault.keyring.take_if(|_| args.file);
    let kept = vault.keep(&host, &token).map_err(|cause| unkept(&cause))?;
    if let Some(keyring) = left {
        keyring.remove(&host);
    }
    let kind = TokenKind::of(token.expose_secret());
    let mut text = format!(
        "The token for {host} ({}) is kept in {kept}. `autoissue doctor` says what it may do.\n",
        kind.words()
    );
    for name in ["GITHUB_TOKEN", "GH_TOKEN"] {
        if variable(name).is_some_and(|value| !value.trim().is_empty()) {
            let _ = writeln!(text, "note: {name} is set, and goes before it");
        }
    }
    let event = json!({
        "v": VERSION, "event": "logged_in", "host": host, "kept": kept.to_string(),
    });
    Answer { text, event }.print(&place.output)?;
    Ok(Exit::Done)
}

/// Forgets it, wherever it is kept.
pub fn logout(place: &Place) -> Result<Exit, Error> {
    let host = host(&place.load(&Overrides::default())?.config);
    let was = vault().forget(&host).map_err(|cause| unkept(&cause))?;
    let was: Vec<String> = was.iter().map(ToString::to_string).collect();
    let text = if was.is_empty() {
        format!("No token for {host} was kept.\n")
    } else {
        format!(
            "The token for {host} is gone from {}. It is still good: revoke it on GitHub if nobody is to use it.\n",
            was.join(" and ")
        )
    };
    let event = json!({ "v": VERSION, "event": "logged_out", "host": host, "was": was });
    Answer { text, event }.print(&place.output)?;
    Ok(Exit::Done)
}

/// Never from an argument: other accounts see those, and shells write them down.
fn read(host: &str) -> Result<SecretString, Error> {
    let unread = |cause: &std::io::Error| Error::new(Kind::Files, "read the token").because(cause);
    let stdin = std::io::stdin();
    let text = if stdin.is_terminal() {
        ask_secret(&format!("Token for {host} (not shown): ")).map_err(|cause| unread(&cause))?
    } else {
        let mut bytes = Vec::new();
        let mut reading = stdin.lock().take(LARGEST + 1);
        reading
            .read_to_end(&mut bytes)
            .map_err(|cause| unread(&cause))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let token = text.trim();
    let problem = if token.is_empty() {
        "there is none on stdin"
    } else if token.len() as u64 > LARGEST {
        "it is longer than any token"
    } else if !token
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    {
        "it has characters that no token has"
    } else {
        return Ok(SecretString::from(token.to_owned()));
    };
    Err(Error::new(Kind::Usage, "keep a token")
        .cause(problem)
        .hints(["`autoissue login < file`, or run it on a terminal and paste the token"]))
}
