//! Tells a webhook when a person is wanted: a JSON POST at the end of a session, when a task needs a person, and when one
//! waits for approval.
//!
//! The payload is `{"event":...,"session":...,"project":...,"text":...}`, where `event` is `session_finished`,
//! `session_interrupted`, `needs_human` or `approval_awaited`. The first two have a `summary` as in `reporters::shape`;
//! the others have `issue`, `title` and `reason`. `text` is one line for people, which is all that Slack and its kin look at.

use crate::ports::Reporter;
use crate::reporters::shape;
use crate::reporters::words::{brief, fit, plural};
use crate::rules::event::{Consent, Event, Progress, Recorded};
use crate::rules::ids::IssueNumber;
use crate::rules::printable::printable;
use crate::rules::tally::{Phase, Tally};
use crate::rules::task::Ending;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Notices that may wait; more than that in a few seconds help nobody.
const ROOM: usize = 32;
/// Columns of a title within a notice.
const TITLE: usize = 80;
/// How often a notice is sent before it is given up.
const TRIES: u32 = 2;

/// How long a webhook may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one try; there are two for each notice.
    pub each: Duration,
    /// For all that is still to be sent at the end of a session.
    pub end: Duration,
}

impl Default for Patience {
    /// Ten seconds in all.
    fn default() -> Self {
        Self {
            each: Duration::from_secs(4),
            end: Duration::from_secs(10),
        }
    }
}

/// Posts notices from a thread of its own; what cannot be sent is one warning and no more.
pub struct NotifyReporter {
    tally: Mutex<Tally>,
    notices: Mutex<Option<SyncSender<Value>>>,
    done: Mutex<Receiver<()>>,
    patience: Patience,
}

impl NotifyReporter {
    /// Posts to this address, which is a secret: whoever knows it can post.
    #[must_use]
    pub fn new(url: SecretString, patience: Patience) -> Self {
        let (notices, waiting) = sync_channel(ROOM);
        let (ended, done) = sync_channel::<()>(0);
        // The thread ends with the last notice; `finish` waits for that, though not for ever.
        std::thread::spawn(move || {
            let _ended = ended;
            post_all(&waiting, &url, patience.each);
        });
        Self {
            tally: Mutex::default(),
            notices: Mutex::new(Some(notices)),
            done: Mutex::new(done),
            patience,
        }
    }

    fn tell(&self, notice: Value) {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = notices.as_ref().map(|notices| notices.try_send(notice));
        if let Some(Err(_)) = sent {
            tracing::warn!("the webhook is too slow: a notice was left out");
        }
    }
}

impl Reporter for NotifyReporter {
    fn event(&self, recorded: &Recorded) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.apply(recorded);
        if let Some(notice) = notice(&tally, &recorded.event) {
            self.tell(notice);
        }
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        let notices = self
            .notices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(notices);
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.recv_timeout(self.patience.end) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the webhook did not answer in time");
        }
    }
}

/// The notice that an event is worth, if any; the tally has the event already.
fn notice(tally: &Tally, event: &Event) -> Option<Value> {
    if let Event::TaskEnded {
        issue,
        ending: Ending::NeedsHuman,
        reason,
    } = event
    {
        let reason = reason.as_deref().unwrap_or_default();
        return Some(wanted(tally, *issue, reason, Call::NeedsHuman));
    }
    if let Event::Consent {
        issue,
        consent: Consent::Awaited { reason },
    } = event
    {
        return Some(wanted(tally, *issue, reason, Call::Approval));
    }
    if let Event::Consent {
        issue,
        consent: Consent::Asked { question },
    } = event
    {
        return Some(wanted(tally, *issue, question, Call::Answer));
    }
    let is_end = matches!(event, Event::SessionFinished | Event::SessionInterrupted);
    is_end.then(|| session_over(tally))
}

/// What a person is called for.
#[derive(Clone, Copy)]
enum Call {
    NeedsHuman,
    Approval,
    Answer,
}

impl Call {
    /// Its event, and what the notice says between the issue and its title.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NeedsHuman => ("needs_human", "needs a person"),
            Self::Approval => ("approval_awaited", "waits for approval"),
            Self::Answer => ("input_awaited", "waits for an answer"),
        }
    }
}

fn wanted(tally: &Tally, issue: IssueNumber, reason: &str, call: Call) -> Value {
    let title = tally.tasks.get(&issue).map_or("", |task| &task.title);
    let title = fit(&printable(title), TITLE);
    let reason = brief(reason);
    let project = printable(&tally.project);
    let (event, words) = call.words();
    let because = if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    };
    json!({
        "event": event,
        "session": tally.session,
        "project": tally.project,
        "issue": issue,
        "title": title,
        "reason": reason,
        "text": escaped(&format!("{project}{issue} {words}: {title}{because}")),
    })
}

fn session_over(tally: &Tally) -> Value {
    let (event, ended) = match tally.phase {
        Phase::Finished => ("session_finished", "finished"),
        Phase::Interrupted | Phase::Running | Phase::Stopping => {
            ("session_interrupted", "was interrupted")
        }
    };
    let counts = &tally.counts;
    let text = format!(
        "{} session {ended}: {} of {} completed, {} failed, {} blocked, {} spent",
        printable(&tally.project),
        counts.completed,
        plural(counts.all(), "task"),
        counts.unsuccessful(),
        counts.stuck(),
        tally.spent
    );
    json!({
        "event": event,
        "session": tally.session,
        "project": tally.project,
        "text": escaped(&text),
        "summary": shape::summary(tally),
    })
}

/// As Slack wants it (<https://docs.slack.dev/messaging/formatting-message-text>), so that no title calls a channel.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// Posts what comes until nothing more can come. The runtime is its own, so that it works whatever the engine's does.
fn post_all(notices: &Receiver<Value>, url: &SecretString, each: Duration) {
    let Some((client, url)) = prepared(url, each) else {
        tracing::warn!("the webhook of the configuration is no usable address");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        tracing::warn!("there is nothing to send notices with");
        return;
    };
    let mut warned = false;
    while let Ok(notice) = notices.recv() {
        let posted = runtime.block_on(post(&client, &url, &notice));
        if let Err(problem) = posted
            && !warned
        {
            warned = true;
            tracing::warn!(%problem, "could not tell the webhook");
        }
    }
}

fn prepared(url: &SecretString, each: Duration) -> Option<(Client, Url)> {
    let url = Url::parse(url.expose_secret()).ok()?;
    let client = Client::builder()
        .timeout(each)
        // A redirect would take the notice somewhere that nobody configured.
        .redirect(reqwest::redirect::Policy::none());
    let client = if is_loopback(&url) {
        client.no_proxy()
    } else {
        client
    };
    Some((client.build().ok()?, url))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// Tries twice. What it says of a failure leaves the address out.
async fn post(client: &Client, url: &Url, notice: &Value) -> Result<(), String> {
    let mut problem = String::new();
    for _ in 0..TRIES {
        match client.post(url.clone()).json(notice).send().await {
            Ok(reply) if reply.status().is_success() => return Ok(()),
            Ok(reply) => problem = format!("it answers {}", reply.status()),
            Err(error) => problem = error.without_url().to_string(),
        }
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script::{self, Script};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    fn reporter(listener: &TcpListener, patience: Patience) -> NotifyReporter {
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/hook/SECRET");
        NotifyReporter::new(url.into(), patience)
    }

    fn play(reporter: &NotifyReporter, script: &Script) {
        for recorded in &script.events {
            reporter.event(recorded);
        }
        reporter.finish();
    }

    fn answer(stream: &mut TcpStream, status: &str) -> Value {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Answers so many requests with these words, and gives what they brought.
    fn serve(
        listener: TcpListener,
        statuses: &'static [&'static str],
    ) -> std::thread::JoinHandle<Vec<Value>> {
        std::thread::spawn(move || {
            let answers = statuses.iter().map(|status| {
                let (mut stream, _) = listener.accept().unwrap();
                answer(&mut stream, status)
            });
            answers.collect()
        })
    }

    #[test]
    fn a_person_is_called_and_told_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reporter = reporter(&listener, Patience::default());
        let server = serve(listener, &["200 OK", "204 No Content"]);
        play(&reporter, &script::every_ending());
        let heard = server.join().unwrap();
        insta::assert_snapshot!(heard[0].to_string(), @r#"{"event":"needs_human","session":"01K5SHOP000000000000000000","project":"acme/shop","issue":18,"title":"Test the payment callback","reason":"a nested repository was changed: vendor/pay","text":"acme/shop#18 needs a person: Test the payment callback (a nested repository was changed: vendor/pay)"}"#);
        assert_eq!(heard[1]["event"], "session_finished");
        assert_eq!(heard[1]["summary"]["completed"], 4);
        insta::assert_snapshot!(heard[1]["text"].as_str().unwrap(), @r#"acme/shop session finished: 4 of 10 tasks completed, 3 failed, 2 blocked, $3.9797 spent"#);
    }

    #[test]
    fn a_refused_notice_is_sent_a_second_time_and_then_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reporter = reporter(&listener, Patience::default());
        let server = serve(listener, &["500 Oops", "500 Oops"]);
        let mut script = Script::begun(&[]);
        script.push(Event::SessionFinished);
        play(&reporter, &script);
        let heard = server.join().unwrap();
        assert_eq!(heard[0], heard[1]);
    }

    #[test]
    fn a_server_that_hangs_holds_the_end_up_no_longer_than_its_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let patience = Patience {
            each: Duration::from_secs(60),
            end: Duration::from_millis(300),
        };
        let reporter = reporter(&listener, patience);
        let begun = Instant::now();
        play(&reporter, &script::every_ending());
        let took = begun.elapsed();
        assert!(took >= patience.end, "it did wait: {took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        let waiting = listener.accept();
        assert!(
            waiting.is_ok(),
            "the control: it was connected, and never answered"
        );
    }

    #[test]
    fn a_dead_server_and_a_wrong_address_are_no_trouble() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dead = reporter(&listener, Patience::default());
        drop(listener);
        play(&dead, &script::every_ending());
        let wrong = NotifyReporter::new("not an address".to_owned().into(), Patience::default());
        play(&wrong, &script::every_ending());
    }

    #[test]
    fn no_title_calls_a_channel() {
        let task = script::titled(12, "<!channel> & co", "backend", &[]);
        let mut script = Script::begun(&[task]);
        script.end(12, Ending::NeedsHuman, None);
        let event = &script.events.last().unwrap().event;
        let notice = notice(&script.tally(), event).unwrap();
        let text = notice["text"].as_str().unwrap();
        assert_eq!(
            text,
            "acme/shop#12 needs a person: &lt;!channel&gt; &amp; co"
        );
    }

    #[test]
    fn who_waits_for_approval_is_told_and_an_answer_is_not() {
        let mut script = Script::begun(&[script::titled(12, "Drop the table", "database", &[])]);
        let issue = IssueNumber(12);
        let reason = "a migration; medium risk".to_owned();
        let consent = Consent::Awaited { reason };
        script.push(Event::Consent { issue, consent });
        let heard = notice(&script.tally(), &script.events.last().unwrap().event).unwrap();
        assert_eq!(
            (&heard["event"], &heard["issue"]),
            (&json!("approval_awaited"), &json!(12))
        );
        assert_eq!(
            heard["text"],
            "acme/shop#12 waits for approval: Drop the table (a migration; medium risk)"
        );
        let consent = Consent::Given { instructions: None };
        script.push(Event::Consent { issue, consent });
        let answered = notice(&script.tally(), &script.events.last().unwrap().event);
        assert_eq!(answered, None);
    }

    #[test]
    fn no_error_names_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook/SECRET", listener.local_addr().unwrap());
        drop(listener);
        let (client, url) = prepared(&url.into(), Duration::from_secs(5)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let sent = async {
            let raw = client
                .post(url.clone())
                .send()
                .await
                .unwrap_err()
                .to_string();
            (raw, post(&client, &url, &Value::Null).await.unwrap_err())
        };
        let (raw, said) = runtime.unwrap().block_on(sent);
        assert!(raw.contains("SECRET"), "the control: {raw}");
        assert!(!said.contains("SECRET"), "{said}");
    }
}
