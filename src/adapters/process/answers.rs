//! Waits until a server that was started for a smoke check answers.

use crate::ports::Probe;
use reqwest::{Client, redirect};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// One try; a server that takes longer is tried again.
const EACH: Duration = Duration::from_secs(5);

/// Tries until it answers. Returns its status and how long it took, or what the last try came to once the time is over.
///
/// Any status below 500 is an answer: a server may want a login, or have nothing at this path, and runs all the same.
pub(super) async fn wait(probe: &Probe) -> Result<(u16, Duration), String> {
    let began = Instant::now();
    let client = Client::builder()
        .timeout(EACH)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    loop {
        let problem = match client.get(&probe.url).send().await {
            Ok(reply) if !reply.status().is_server_error() => {
                return Ok((reply.status().as_u16(), began.elapsed()));
            }
            Ok(reply) => format!("it answers {}", reply.status()),
            Err(error) if error.is_timeout() => "it takes the call and says nothing".to_owned(),
            Err(error) if error.is_connect() => "nobody listens there".to_owned(),
            Err(error) => error.without_url().to_string(),
        };
        if began.elapsed() >= probe.within {
            return Err(problem);
        }
        sleep(PAUSE).await;
    }
}
