//! Posts JSON to one address: in bounded time and memory, nowhere else, and without a word of the address in any error.

use crate::reporters::notify::channel::{Again, Refused};
use crate::rules::printable::clip;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// Bytes of an answer that are read; Slack repeats the message in its own.
const ANSWER: usize = 64 << 10;
/// Characters of an answer that are told.
const TOLD: usize = 200;
/// What helps where nobody answers.
const UNREACHED: &str = "look at the address, and whether this machine gets there";

/// Where to post, ready to be used.
pub struct Post {
    client: Client,
    url: Url,
}

/// What was answered.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// How long it wants to be left alone, where its headers say so.
    pub retry_after: Option<Duration>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

impl Post {
    /// To this address, which is a secret: whoever knows it can post. No try takes longer than `each`.
    pub fn to(url: &SecretString, each: Duration) -> Result<Self, Refused> {
        let unusable = |_| Refused::for_good("the configured address is no web address", None);
        let url = Url::parse(url.expose_secret()).map_err(unusable)?;
        let client = Client::builder()
            .timeout(each)
            // A redirect would take the notice somewhere that nobody configured.
            .redirect(reqwest::redirect::Policy::none());
        let client = if is_loopback(&url) {
            client.no_proxy()
        } else {
            client
        };
        let client = client.build().map_err(|error| {
            Refused::for_good(
                error.without_url().to_string(),
                Some("look at the proxy of the environment"),
            )
        })?;
        Ok(Self { client, url })
    }

    /// Posts it with these headers, and gives the answer, whatever it says.
    pub async fn send(&self, body: String, headers: &[(&str, String)]) -> Result<Reply, Refused> {
        let mut request = self.client.post(self.url.clone());
        request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut reply = request.body(body).send().await.map_err(unreached)?;
        let retry_after = reply.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut answer = Reply {
            status: reply.status(),
            retry_after: retry_after.map(Duration::from_secs),
            body: Vec::new(),
        };
        while let Some(chunk) = reply.chunk().await.map_err(unreached)? {
            answer.body.extend_from_slice(&chunk);
            if answer.body.len() >= ANSWER {
                break;
            }
        }
        answer.body.truncate(ANSWER);
        Ok(answer)
    }
}

impl Reply {
    /// Nothing where it was taken; else why not, with what the body says, for one that speaks in plain words.
    pub fn judged(
        &self,
        hint: impl Fn(StatusCode, &str) -> Option<&'static str>,
    ) -> Result<(), Refused> {
        let said = String::from_utf8_lossy(&self.body);
        self.judged_by(&said, self.retry_after, hint)
    }

    /// The same, where what it says and when it may be asked again were found elsewhere.
    pub fn judged_by(
        &self,
        said: &str,
        retry_after: Option<Duration>,
        hint: impl Fn(StatusCode, &str) -> Option<&'static str>,
    ) -> Result<(), Refused> {
        if self.status.is_success() {
            return Ok(());
        }
        let told = clip(said, TOLD);
        let colon = if told.is_empty() { "" } else { ": " };
        let passes = self.status.is_server_error()
            || self.status == StatusCode::TOO_MANY_REQUESTS
            || self.status == StatusCode::REQUEST_TIMEOUT;
        let again = match retry_after {
            Some(wait) if passes => Again::After(wait),
            None if passes => Again::Soon,
            Some(_) | None => Again::Never,
        };
        let usual = match self.status {
            StatusCode::TOO_MANY_REQUESTS => Some("it was told too much; try again in a minute"),
            status if status.is_redirection() => Some(
                "it leads elsewhere, which is not followed: configure the address that it leads to",
            ),
            _ => None,
        };
        Err(Refused {
            problem: format!("it answers {}{colon}{told}", self.status),
            hint: hint(self.status, said).or(usual),
            again,
        })
    }
}

fn unreached(error: reqwest::Error) -> Refused {
    let problem = if error.is_timeout() {
        "it does not answer in time".to_owned()
    } else {
        causes(&error.without_url())
    };
    Refused {
        problem,
        hint: Some(UNREACHED),
        again: Again::Soon,
    }
}

/// The error with its last cause, which is the one that says something.
fn causes(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    clip(&format!("cannot reach it: {last}"), TOLD)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn no_error_names_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook/SECRET", listener.local_addr().unwrap());
        drop(listener);
        let post = Post::to(&url.into(), Duration::from_secs(5)).ok().unwrap();
        let raw = post.client.post(post.url.clone()).send().await;
        let raw = raw.unwrap_err().to_string();
        assert!(raw.contains("SECRET"), "the control: {raw}");
        let refused = post.send(String::new(), &[]).await.err().unwrap();
        assert!(!refused.problem.contains("SECRET"), "{refused:?}");
        assert_eq!(refused.again, Again::Soon);
        let wrong = Post::to(&"not an address SECRET".to_owned().into(), Duration::ZERO);
        assert!(!wrong.err().unwrap().problem.contains("SECRET"));
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_not() {
        let check = |status: u16, retry_after: Option<u64>, expect: Again| {
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: retry_after.map(Duration::from_secs),
                body: b"no\x1b[2J\nway".to_vec(),
            };
            let refused = reply.judged(|_, _| None).unwrap_err();
            assert_eq!(refused.again, expect, "{status}");
            assert!(refused.problem.ends_with(": no way"), "{refused}");
        };
        check(429, Some(7), Again::After(Duration::from_secs(7)));
        check(429, None, Again::Soon);
        check(503, None, Again::Soon);
        check(404, Some(7), Again::Never);
        check(302, None, Again::Never);
    }
}
