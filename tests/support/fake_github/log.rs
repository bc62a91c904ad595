//! Every request that the fake saw, and what came of it.

use serde_json::Value;
use std::time::{Duration, Instant};

/// One request, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    /// `GET`, `POST`, ...
    pub(crate) method: String,
    /// The path, as it was sent.
    pub(crate) path: String,
    /// What follows the question mark, as it was sent.
    pub(crate) query: String,
    /// The body, where it was JSON.
    pub(crate) body: Value,
    /// Did it ask for news only?
    pub(crate) conditional: bool,
    /// What was answered; `None` for no answer.
    pub(crate) status: Option<u16>,
    /// The answer's body, where it was JSON and whole.
    pub(crate) answer: Value,
    /// What went wrong, on demand.
    pub(crate) fault: Option<String>,
    /// The token that it carried, or what an app signed.
    pub(crate) token: String,
    /// Was it for git?
    pub(crate) git: bool,
    /// When it came, by the fake's clock.
    pub(crate) at: Instant,
    /// When its answer was sent; `None` where the client heard none.
    pub(crate) answered: Option<Instant>,
    /// What the fake itself found wrong with it.
    pub(crate) complaint: Option<String>,
}

impl Logged {
    /// Does it change anything?
    pub(crate) fn writes(&self) -> bool {
        match self.path.as_str() {
            _ if self.git => false,
            // A token that an app asks for changes nothing that anybody sees.
            path if path.ends_with("/access_tokens") => false,
            "/graphql" => self.body["query"]
                .as_str()
                .is_some_and(|query| query.trim_start().starts_with("mutation")),
            _ => self.method != "GET",
        }
    }

    /// Does it make something that people are told of? To put a label on an issue is to change it.
    pub(crate) fn creates(&self) -> bool {
        let is_labelling = self.path.contains("/issues/") && self.path.ends_with("/labels");
        self.writes() && self.method == "POST" && self.path != "/graphql" && !is_labelling
    }
}

/// The shortest time between two writes; `None` for fewer than two.
pub(crate) fn closest_writes(requests: &[Logged]) -> Option<Duration> {
    let writes: Vec<Instant> = requests
        .iter()
        .filter(|request| request.writes())
        .map(|request| request.at)
        .collect();
    writes.windows(2).map(|pair| pair[1] - pair[0]).min()
}
