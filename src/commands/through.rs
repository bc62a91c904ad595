//! A daemon that is asked in the place of the state directory: the one that is named, else the one that watches here.

use crate::adapters::daemon_api::{DaemonApi, DaemonError, Form, Keys, Question, Refused};
use crate::adapters::http::AskError;
use crate::cli::args::Format;
use crate::cli::serve::ServerArgs;
use crate::commands::place::{Place, variable};
use crate::commands::sender::sender;
use crate::commands::serve_door::USUAL_NAME;
use crate::config::variables::{DASHBOARD_PASSWORD, DASHBOARD_TOKEN};
use crate::error::{Error, Kind};
use crate::reporters::shape::VERSION;
use crate::rules::event::Command;
use crate::rules::ids::IssueNumber;
use crate::rules::printable::printable_lines;
use secrecy::SecretString;
use serde_json::{Value, json};

/// The status of what is not there: a daemon of before may not know the question.
const NOT_FOUND: u16 = 404;

/// A daemon.
pub struct Daemon {
    api: DaemonApi,
    /// Its address, where it was named: then nobody else is asked.
    address: Option<String>,
}

impl Daemon {
    /// Was it named?
    pub(super) fn is_named(&self) -> bool {
        self.address.is_some()
    }

    /// The one that is meant, if there is one.
    pub fn find(place: &Place, server: &ServerArgs) -> Result<Option<Self>, Error> {
        let by = sender();
        let from = by.actor.unwrap_or(by.who);
        let named = server.server.as_deref().map(str::trim);
        let Some(address) = named.filter(|address| !address.is_empty()) else {
            let api = DaemonApi::here(&place.state_dir()?, &from);
            return Ok(api.map(|api| Self { api, address: None }));
        };
        let api = DaemonApi::named(address, keys(), &from);
        let refuse = |error| {
            Error::new(Kind::Usage, "ask the daemon that --server names")
                .because(&error)
                .hints([
                    "give it as http://127.0.0.1:3030 or https://build.example; a token goes into AUTOISSUE_DASHBOARD_TOKEN",
                    "one that is elsewhere and has no https:// is reached through `ssh -L 3030:127.0.0.1:3030`",
                ])
        };
        Ok(Some(Self {
            api: api.map_err(refuse)?,
            address: Some(address.to_owned()),
        }))
    }

    /// Sends a wish for an issue of this project, or of any. `false`: nobody took it, and it can be left in the directory.
    pub async fn wish(
        &self,
        place: &Place,
        project: Option<&str>,
        command: &Command,
        issue: IssueNumber,
    ) -> Result<bool, Error> {
        let number = issue.0.to_string();
        let (path, body) = match command {
            Command::Retry { .. } => (vec!["issues", &number, "retry"], json!({})),
            Command::Skip { .. } => (vec!["issues", &number, "skip"], json!({})),
            Command::Approve { .. } => (vec!["issues", &number, "approve"], json!({})),
            Command::Reject { reason, .. } => (
                vec!["issues", &number, "reject"],
                json!({ "reason": reason }),
            ),
            Command::Modify { instructions, .. } => {
                let body = json!({ "instructions": instructions });
                (vec!["issues", &number, "modify"], body)
            }
            Command::Answer { answer, .. } => (
                vec!["issues", &number, "answer"],
                json!({ "answer": answer }),
            ),
            Command::ResetBreaker => (vec!["circuit-breaker", "reset"], json!({})),
        };
        let question = Question {
            path,
            query: vec![("project", project.unwrap_or_default())],
            wish: Some(body),
            form: form(place),
        };
        self.print(place, &question).await
    }

    /// Looks at the breakers, or closes them.
    pub async fn breaker(&self, place: &Place, reset: bool) -> Result<bool, Error> {
        let question = Question {
            path: if reset {
                vec!["circuit-breaker", "reset"]
            } else {
                vec!["metrics", "circuit-breaker"]
            },
            query: Vec::new(),
            wish: reset.then(|| json!({})),
            form: form(place),
        };
        self.print(place, &question).await
    }

    /// Asks, and prints what is answered.
    pub(super) async fn print(
        &self,
        place: &Place,
        question: &Question<'_>,
    ) -> Result<bool, Error> {
        let Some(answer) = self.ask(place, question).await? else {
            return Ok(false);
        };
        match question.form {
            Form::Text => place.output.result(&self.shown(&answer), &Value::Null)?,
            Form::Json => {
                for event in each(self.read(&answer)?) {
                    place.output.result("", &event)?;
                }
            }
        }
        Ok(true)
    }

    /// Nothing where the one of this directory does not answer: then the directory can be asked itself.
    pub(super) async fn ask(
        &self,
        place: &Place,
        question: &Question<'_>,
    ) -> Result<Option<String>, Error> {
        match (self.api.ask(question).await, &self.address) {
            (Ok(answer), _) => Ok(Some(answer)),
            (Err(DaemonError::Refused(problem)), _) if problem.kind.is_some() => {
                Err(refusal(*problem))
            }
            (Err(error), None) if was_taken(&error, question) => Err(untold(&error)),
            (Err(error), None) => {
                let text = format!("the daemon that runs here does not answer: {error}");
                let event =
                    json!({ "v": VERSION, "event": "note", "about": "serve", "text": text });
                place.output.note(&format!("note: {text}\n"), &event)?;
                Ok(None)
            }
            (Err(error), Some(address)) => Err(unanswered(address, error)),
        }
    }

    /// As JSON.
    pub(super) fn read(&self, answer: &str) -> Result<Value, Error> {
        let address = self.address.as_deref().unwrap_or("this state directory");
        serde_json::from_str(answer).map_err(|error| {
            Error::new(
                Kind::Journal,
                format!("read the answer of the daemon at {address}"),
            )
            .because(&error)
        })
    }

    /// What a daemon elsewhere says cannot steer this terminal.
    pub(super) fn shown(&self, text: &str) -> String {
        match self.address {
            None => text.to_owned(),
            Some(_) => printable_lines(text),
        }
    }
}

/// An answer may be of several objects.
pub(super) fn each(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(events) => events,
        event => vec![event],
    }
}

/// As this process was asked to print.
pub(super) fn form(place: &Place) -> Form {
    match place.output.format() {
        Format::Text => Form::Text,
        Format::Json => Form::Json,
    }
}

/// What the environment holds, which nobody else sees.
fn keys() -> Keys {
    let secret = |name| variable(name).filter(|value| !value.trim().is_empty());
    Keys {
        token: secret(DASHBOARD_TOKEN).map(SecretString::from),
        password: secret(DASHBOARD_PASSWORD).map(SecretString::from),
        usual_user: USUAL_NAME,
    }
}

/// What the daemon would not do, told as it would be told here.
fn refusal(problem: Refused) -> Error {
    let kind = serde_json::from_value(problem.kind.into()).unwrap_or(Kind::Journal);
    let action = problem
        .title
        .strip_prefix("could not ")
        .unwrap_or(&problem.title);
    let error = Error::new(kind, action).hints(problem.hints);
    match problem.detail {
        Some(detail) => error.cause(detail),
        None => error,
    }
}

/// Can it be that a wish was taken, or is it refused? Then it must not be left in the directory as well.
fn was_taken(error: &DaemonError, question: &Question<'_>) -> bool {
    match error {
        DaemonError::Refused(problem) => problem.status != NOT_FOUND,
        DaemonError::Ask(AskError::Unreached(_)) | DaemonError::Stranger(_) => false,
        DaemonError::Ask(_) => question.wish.is_some(),
    }
}

/// What came of a question to the one of this directory, where nobody else is asked.
fn untold(error: &DaemonError) -> Error {
    let told = Error::new(Kind::Journal, "ask the daemon that runs here");
    match error {
        DaemonError::Refused(problem) => {
            told.cause(problem.detail.as_ref().unwrap_or(&problem.title))
        }
        DaemonError::Ask(_) | DaemonError::Stranger(_) => told.because(error).hints([
            "it may take it up yet: `autoissue status` shows that; else end it, and try again",
        ]),
    }
}

/// No answer of one that was named.
fn unanswered(address: &str, error: DaemonError) -> Error {
    let told = Error::new(Kind::Journal, format!("ask the daemon at {address}"));
    match error {
        DaemonError::Refused(problem) => {
            let why = problem.detail.unwrap_or(problem.title);
            let hint = (problem.status == 401).then_some(
                "its token goes into AUTOISSUE_DASHBOARD_TOKEN; or a password into AUTOISSUE_DASHBOARD_PASSWORD, with its user in the address (https://ann@build.example)",
            );
            told.cause(why).hints(hint)
        }
        error @ (DaemonError::Ask(_) | DaemonError::Stranger(_)) => told
            .because(&error)
            .hints(["`autoissue serve` says its address when it starts; is it reached from here?"]),
    }
}
