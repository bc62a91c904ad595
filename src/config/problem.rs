//! What is wrong with a configuration: the key, the reason, and what helps.

use crate::error::{Error, Kind};
use std::io::ErrorKind;
use std::path::PathBuf;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file that was asked for is not there, or cannot be read.
    #[error("{cause}")]
    Unreadable {
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Nobody writes a configuration this large.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: u64,
    },
    /// It is no JSON.
    #[error("line {line}, column {column}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// It ends in the middle.
    #[error("it ends in the middle, at line {line}, column {column}")]
    Truncated {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A newer program wrote it.
    #[error("version: it has format {found}, and this program knows up to {known}")]
    Newer {
        /// What it says.
        found: u64,
        /// What this program knows.
        known: u32,
    },
    /// There is no such key.
    #[error("{key}: there is no such key")]
    Unknown {
        /// Its path.
        key: String,
        /// A key that is spelled like it.
        meant: Option<String>,
    },
    /// The value does not fit its key.
    #[error("{key}: {problem}")]
    Value {
        /// Its path.
        key: String,
        /// What is wrong.
        problem: String,
        /// What helps, if anything is known to.
        hint: Option<String>,
    },
    /// An environment variable sets a key to what does not fit it.
    #[error("the environment variable {variable} sets {key}: {problem}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// The path of the key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A text refers to a variable that is not set.
    #[error("{key}: the environment variable {variable} is not set")]
    Unset {
        /// The path of the key.
        key: String,
        /// The variable.
        variable: String,
    },
    /// A text has `${` that starts no reference.
    #[error("{key}: `${{` starts no reference of the form `${{NAME}}`")]
    Reference {
        /// The path of the key.
        key: String,
    },
    /// Git tracks the file, and there are secrets in it.
    #[error("git tracks it, and it carries a secret in {}", keys.join(", "))]
    Secret {
        /// The paths of the keys.
        keys: Vec<String>,
    },
}

/// A problem, and the file it is in.
#[derive(Debug, thiserror::Error)]
#[error("use {}", what(file.as_ref(), problem))]
pub struct InFile {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// What is wrong.
    #[source]
    pub problem: ConfigError,
}

/// What an environment variable sets wrong is not the file's fault.
fn what(file: Option<&PathBuf>, problem: &ConfigError) -> String {
    match file {
        Some(file) if !matches!(problem, ConfigError::Variable { .. }) => {
            file.display().to_string()
        }
        Some(_) | None => "the configuration".to_owned(),
    }
}

impl ConfigError {
    /// A value that does not fit, without a hint.
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Value {
            key: key.into(),
            problem: problem.into(),
            hint: None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { cause } if cause.kind() == ErrorKind::NotFound => {
                Some("`autoissue init` writes one for this repository".into())
            }
            Self::Syntax { problem, .. } if problem.contains("trailing comma") => {
                Some("JSON has no comma after the last value".into())
            }
            Self::Newer { .. } => Some("install a newer autoissue".into()),
            Self::Unknown { meant, .. } => meant
                .as_ref()
                .map(|meant| format!("did you mean {meant}?"))
                .or_else(|| Some("`autoissue config show` lists all keys".into())),
            Self::Value { hint, .. } => hint.clone(),
            Self::Unset { variable, .. } => Some(format!(
                "set {variable}, or write `$${{{variable}}}` if the text is meant as it is"
            )),
            Self::Reference { .. } => Some("write `$${` where it is meant as it is".into()),
            Self::Secret { keys } => Some(format!(
                "put the value into an environment variable and write `${{NAME}}` for {}",
                keys.first().map_or("it", String::as_str)
            )),
            Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::Syntax { .. }
            | Self::Truncated { .. }
            | Self::Variable { .. } => None,
        }
    }
}

impl From<InFile> for Error {
    fn from(error: InFile) -> Self {
        Self::new(Kind::Config, error.to_string())
            .because(&error.problem)
            .hints(error.problem.hint())
    }
}
