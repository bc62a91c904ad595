//! Turns the reader's complaint into the key, the reason and what helps.

use crate::config::layers::{Layers, Source, below, leaves};
use crate::config::problem::ConfigError;
use crate::config::spelling::nearest;
use crate::config::words::{self, WordsError};
use serde_json::Value;
use serde_path_to_error::Segment;

/// What is wrong, in words.
pub(crate) fn explain(
    error: &serde_path_to_error::Error<serde_json::Error>,
    layers: &Layers,
) -> ConfigError {
    let message = error.inner().to_string();
    let path = error.path().to_string();
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown(&path, &quoted(rest), layers);
    }
    let key = if path == "." {
        "the top level".to_owned()
    } else {
        path
    };
    if let Source::Environment(variable) = layers.source(&key) {
        return ConfigError::Variable {
            variable,
            key,
            problem: message,
        };
    }
    if layers.reference(&key).is_some() {
        let expected = message
            .split_once(", expected ")
            .map(|(_, expected)| expected);
        let problem = "what its variables hold does not fit";
        let problem = match expected {
            Some(expected) => format!("{problem}: expected {expected}"),
            None => problem.to_owned(),
        };
        return ConfigError::value(key, problem);
    }
    let hint = match message.strip_prefix("unknown variant ") {
        Some(rest) => meant(&quoted(rest)),
        None => shell_hint(value_at(layers.merged(), error.path().iter())),
    };
    ConfigError::Value {
        key,
        problem: message,
        hint,
    }
}

/// `names` are the unknown one and those that are known there.
fn unknown(path: &str, names: &[&str], layers: &Layers) -> ConfigError {
    let (word, known) = names
        .split_first()
        .map_or(("", names), |(word, known)| (*word, known));
    // The path may end with the unknown key itself.
    let parent = match path.strip_suffix(word) {
        Some(parent) => parent.trim_end_matches('.'),
        None => path,
    };
    let parent = if parent == "." { "" } else { parent };
    let sibling = nearest(word, known.iter().copied()).map(|name| below(parent, name));
    ConfigError::Unknown {
        key: below(parent, word),
        meant: sibling.or_else(|| elsewhere(word, layers)),
    }
}

/// A key of this name in another place.
fn elsewhere(word: &str, layers: &Layers) -> Option<String> {
    let default = |path: &String| layers.source(path) == Source::Default;
    leaves(layers.merged())
        .into_iter()
        .map(|(path, _)| path)
        .filter(default)
        .find(|path| path.rsplit('.').next() == Some(word))
}

fn meant(names: &[&str]) -> Option<String> {
    let (word, known) = names.split_first()?;
    nearest(word, known.iter().copied()).map(|name| format!("did you mean `{name}`?"))
}

/// The names between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn shell_hint(value: Option<&Value>) -> Option<String> {
    let line = value?.as_str()?;
    match words::split(line) {
        Err(WordsError::Shell { .. }) => Some(format!(
            "start the shell yourself: [\"sh\", \"-c\", {}]",
            Value::from(line)
        )),
        Err(WordsError::Empty | WordsError::Quote) | Ok(_) => None,
    }
}

fn value_at<'a, 'b>(
    top: &'a Value,
    path: impl IntoIterator<Item = &'b Segment>,
) -> Option<&'a Value> {
    path.into_iter()
        .try_fold(top, |value, segment| match segment {
            Segment::Map { key } => value.get(key),
            Segment::Seq { index } => value.get(index),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
}
