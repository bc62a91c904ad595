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
    /// When it came.
    pub(crate) at: Instant,
    /// What the fake itself found wrong with it.
    pub(crate) complaint: Option<String>,
}

impl Logged {
    /// Does it change anything?
    pub(crate) fn writes(&self) -> bool {
        // A token that an app asks for changes nothing that anybody sees.
        let is_token = self.path.ends_with("/access_tokens");
        !self.git && self.method != "GET" && self.path != "/graphql" && !is_token
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
