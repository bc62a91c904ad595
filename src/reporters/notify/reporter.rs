//! Tells people who do not watch: each channel from a thread of its own, so that none holds up a session or another.

use crate::ports::Reporter;
use crate::reporters::notify::channel::Channel;
use crate::reporters::notify::queue::{Pace, Queue};
use crate::reporters::shape;
use crate::rules::event::{Progress, Recorded};
use crate::rules::notice::pile::ROOM;
use crate::rules::notice::shape::{Notice, NoticeKind};
use crate::rules::notice::teller::Teller;
use crate::rules::notice::templates::{Templates, worded};
use crate::rules::redact::Redactor;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How long one try may take, for all channels.
pub const EACH: Duration = Duration::from_secs(5);
/// How long all that is still to be told may take at the end of a session.
pub const END: Duration = Duration::from_secs(10);

/// Whom to tell, and when.
pub struct Telling {
    /// The channels.
    pub channels: Vec<Channel>,
    /// When what happens waits to be told.
    pub pace: Pace,
    /// What is never told.
    pub redactor: Redactor,
    /// A user's own words.
    pub templates: Templates,
    /// How long the end may take.
    pub end: Duration,
}

/// Hears events and hands notices to the channels; never waits, but at the end, and then not for long.
pub struct NotifyReporter {
    teller: Mutex<Teller>,
    lines: Mutex<Vec<Line>>,
    closing: watch::Sender<bool>,
    redactor: Redactor,
    templates: Templates,
    /// Those whose template made nothing of one.
    unworded: Mutex<BTreeSet<NoticeKind>>,
    end: Duration,
}

/// The way to one channel's thread.
struct Line {
    name: &'static str,
    kinds: Vec<NoticeKind>,
    notices: Option<mpsc::Sender<Notice>>,
    pending: Arc<AtomicUsize>,
    /// Nothing ever comes; it is closed when the thread has ended.
    done: Receiver<()>,
}

impl NotifyReporter {
    /// Starts the channels. What happened before is known, and was told by whoever ran then.
    #[must_use]
    pub fn start(telling: Telling, before: &[Recorded]) -> Self {
        let mut teller = Teller::default();
        for recorded in before {
            teller.hear(recorded);
        }
        let (closing, closes) = watch::channel(false);
        let channels = telling.channels.into_iter();
        let lines = channels.map(|channel| Line::start(channel, &telling.pace, &closes));
        Self {
            teller: Mutex::new(teller),
            lines: Mutex::new(lines.collect()),
            closing,
            redactor: telling.redactor,
            templates: telling.templates,
            unworded: Mutex::default(),
            end: telling.end,
        }
    }

    /// Tells this, which no event says.
    pub fn tell(&self, notice: Notice) {
        let notice = self.worded(notice.redacted(&self.redactor));
        for line in &*self.lines.lock().unwrap_or_else(PoisonError::into_inner) {
            line.hand(&notice);
        }
    }

    /// In the user's own words, where there are such and they do.
    fn worded(&self, notice: Notice) -> Notice {
        worded(&notice, &self.templates).unwrap_or_else(|fault| {
            let mut unworded = self.unworded.lock().unwrap_or_else(PoisonError::into_inner);
            if unworded.insert(notice.kind) {
                let template = notice.kind.word();
                tracing::warn!(template, %fault, "a template of notify.templates made nothing of a notice: it is told in our words");
            }
            notice
        })
    }
}

impl Reporter for NotifyReporter {
    fn event(&self, recorded: &Recorded) {
        let mut teller = self.teller.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut notice) = teller.hear(recorded) else {
            return;
        };
        if notice.kind == NoticeKind::Summary {
            notice.summary = Some(shape::summary(&teller.tally));
        }
        drop(teller);
        self.tell(notice);
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for line in &mut *lines {
            line.notices = None;
        }
        self.closing.send_replace(true);
        let deadline = Instant::now() + self.end;
        for line in &*lines {
            line.wait(deadline);
        }
    }
}

impl Line {
    fn start(channel: Channel, pace: &Pace, closes: &watch::Receiver<bool>) -> Self {
        let (notices, waiting) = mpsc::channel(ROOM);
        let (ended, done) = sync_channel::<()>(0);
        let pending = Arc::new(AtomicUsize::new(0));
        let name = channel.way.name();
        let queue = Queue {
            way: channel.way,
            pace: pace.clone(),
            closing: closes.clone(),
            pending: Arc::clone(&pending),
        };
        // The runtime is its own, so that it works whatever the engine's does; `finish` waits for it, though not for ever.
        std::thread::spawn(move || {
            let _ended = ended;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(queue.run(waiting)),
                Err(error) => tracing::warn!(%error, "there is nothing to send notices with"),
            }
        });
        Self {
            name,
            kinds: channel.kinds,
            notices: Some(notices),
            pending,
            done,
        }
    }

    fn hand(&self, notice: &Notice) {
        let Some(notices) = self
            .notices
            .as_ref()
            .filter(|_| self.kinds.contains(&notice.kind))
        else {
            return;
        };
        self.pending.fetch_add(1, Ordering::SeqCst);
        if notices.try_send(notice.clone()).is_err() {
            self.pending.fetch_sub(1, Ordering::SeqCst);
            let (channel, untold) = (self.name, &notice.line);
            tracing::warn!(channel, untold, "it is too slow: a notice was left out");
        }
    }

    fn wait(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.done.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            let (channel, untold) = (self.name, self.pending.load(Ordering::SeqCst));
            tracing::warn!(channel, untold, "it did not take all notices in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporters::notify::channel::Way;
    use crate::reporters::notify::webhook::Webhook;
    use crate::rules::event::{Consent, Event};
    use crate::rules::ids::IssueNumber;
    use crate::rules::notice::pile::{Moment, Waits};
    use crate::rules::notice::quiet::QuietHours;
    use crate::rules::script::{self, Script};
    use crate::rules::task::Ending;
    use serde_json::Value;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const MINUTE: u32 = 60;

    fn telling(listener: &TcpListener, each: Duration, end: Duration) -> Telling {
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/hook/SECRET").into();
        let webhook = Webhook::new(&url, None, each).ok().unwrap();
        Telling {
            channels: vec![Channel {
                kinds: vec![NoticeKind::NeedsPerson, NoticeKind::Summary],
                way: Way::Webhook(webhook),
            }],
            pace: Pace::at_once(),
            redactor: Redactor::new(["hunter2-of-the-shop".to_owned()]),
            templates: Templates::new(),
            end,
        }
    }

    fn play(telling: Telling, script: &Script) {
        let reporter = NotifyReporter::start(telling, &[]);
        for recorded in &script.events {
            reporter.event(recorded);
        }
        reporter.finish();
    }

    /// Hears one request; whoever waits knows of it before it is answered.
    fn answer(stream: &mut TcpStream, status: &str, told: &Sender<Value>) {
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
        let _ = told.send(serde_json::from_slice(&body).unwrap());
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
    }

    /// Answers requests with these words, the last of them again and again, and gives what they brought.
    fn serve(listener: TcpListener, statuses: &'static [&'static str]) -> Receiver<Value> {
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            for at in 0.. {
                let (mut stream, _) = listener.accept().unwrap();
                let status = statuses.get(at).or(statuses.last()).unwrap();
                answer(&mut stream, status, &sender);
            }
        });
        heard
    }

    #[test]
    fn a_person_is_called_and_told_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let telling = telling(&listener, EACH, END);
        let heard = serve(listener, &["200 OK"]);
        play(telling, &script::every_ending());
        let heard: Vec<Value> = heard.try_iter().collect();
        assert_eq!(heard.len(), 2);
        insta::assert_snapshot!(heard[0].to_string(), @r#"{"event":"needs_human","session":"01K5SHOP000000000000000000","project":"acme/shop","issue":18,"title":"Test the payment callback","reason":"a nested repository was changed: vendor/pay","text":"acme/shop#18 needs a person: Test the payment callback (a nested repository was changed: vendor/pay)","cost_usd":"0.07","url":"https://github.com/acme/shop/issues/18"}"#);
        assert_eq!(heard[1]["event"], "session_finished");
        assert_eq!(heard[1]["summary"]["completed"], 4);
        insta::assert_snapshot!(heard[1]["text"].as_str().unwrap(), @"acme/shop session finished: 4 of 10 tasks completed, 3 failed, 2 blocked, $3.9797 spent");
    }

    #[test]
    fn a_refused_notice_is_sent_again_and_then_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let telling = telling(&listener, EACH, END);
        let heard = serve(listener, &["500 Oops"]);
        let mut script = Script::begun(&[]);
        script.push(Event::SessionFinished);
        let begun = Instant::now();
        play(telling, &script);
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "no rest at the end"
        );
        let heard: Vec<Value> = heard.try_iter().collect();
        assert_eq!(heard.len(), 4);
        assert!(heard.iter().all(|again| *again == heard[0]));
    }

    #[test]
    fn a_server_that_hangs_holds_the_end_up_no_longer_than_its_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let end = Duration::from_millis(300);
        let telling = telling(&listener, Duration::from_secs(60), end);
        let begun = Instant::now();
        play(telling, &script::every_ending());
        let took = begun.elapsed();
        assert!(took >= end, "it did wait: {took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        let waiting = listener.accept();
        assert!(
            waiting.is_ok(),
            "the control: it was connected, and never answered"
        );
    }

    #[test]
    fn a_dead_server_is_no_trouble() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dead = telling(&listener, EACH, END);
        drop(listener);
        play(dead, &script::every_ending());
    }

    #[test]
    fn what_was_told_is_not_told_again_and_no_secret_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let telling = telling(&listener, EACH, END);
        let heard = serve(listener, &["200 OK"]);
        let mut script = Script::begun(&[script::titled(
            12,
            "Use hunter2-of-the-shop",
            "backend",
            &[],
        )]);
        script.end(12, Ending::NeedsHuman, Some("one"));
        let before = script.events.clone();
        script.end(12, Ending::NeedsHuman, Some("hunter2-of-the-shop"));
        let reporter = NotifyReporter::start(telling, &before);
        reporter.event(script.events.last().unwrap());
        reporter.finish();
        let heard: Vec<Value> = heard.try_iter().collect();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let told = heard[0].to_string();
        assert!(told.contains("Use ") && !told.contains("hunter2"), "{told}");
    }

    /// Two tasks that a person is needed for, and the end; the second approval is the last before it.
    fn wanting() -> Script {
        let tasks = [
            script::task(12, "backend", &[]),
            script::task(13, "backend", &[]),
        ];
        let mut script = Script::begun(&tasks);
        for issue in [12, 13].map(IssueNumber) {
            let reason = "risky".to_owned();
            let consent = Consent::Awaited { reason };
            script.push(Event::Consent { issue, consent });
        }
        script.push(Event::SessionFinished);
        script
    }

    fn at_night(telling: Telling, urgent: bool, second: &Arc<AtomicU32>) -> Telling {
        let (from, to) = (22 * 60, 7 * 60);
        let second = Arc::clone(second);
        let quiet = Some(QuietHours { from, to, urgent });
        let clocks = move || Moment {
            second: second.load(Ordering::SeqCst),
            ..Moment::default()
        };
        let waits = Waits {
            quiet,
            gather: None,
        };
        let clocks = Arc::new(clocks);
        Telling {
            pace: Pace { waits, clocks },
            ..telling
        }
    }

    #[test]
    fn what_comes_at_night_is_one_digest_at_the_end() {
        let events = |urgent, second| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let telling = telling(&listener, EACH, END);
            let telling = at_night(telling, urgent, &Arc::new(AtomicU32::new(second)));
            let heard = serve(listener, &["200 OK"]);
            play(telling, &wanting());
            let heard: Vec<Value> = heard.try_iter().collect();
            let events = heard
                .iter()
                .map(|told| told["event"].as_str().unwrap().to_owned());
            (events.collect::<Vec<String>>(), heard)
        };
        let (night, heard) = events(false, 23 * 60 * MINUTE);
        assert_eq!(night, ["digest"]);
        assert_eq!(heard[0]["notices"].as_array().unwrap().len(), 3);
        let (urgent, _) = events(true, 23 * 60 * MINUTE);
        assert_eq!(
            urgent,
            ["approval_awaited", "approval_awaited", "session_finished"]
        );
        let (day, _) = events(false, 12 * 60 * MINUTE);
        assert_eq!(day, urgent, "the control: by day nothing is held back");
    }

    #[test]
    fn what_came_at_night_is_told_in_the_morning() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let telling = telling(&listener, EACH, END);
        let second = Arc::new(AtomicU32::new(7 * 60 * MINUTE - 1));
        let telling = at_night(telling, false, &second);
        let heard = serve(listener, &["200 OK"]);
        let reporter = NotifyReporter::start(telling, &[]);
        for recorded in &wanting().events[..4] {
            reporter.event(recorded);
        }
        let early = heard.recv_timeout(Duration::from_millis(300));
        assert!(early.is_err(), "{early:?}");
        second.store(7 * 60 * MINUTE, Ordering::SeqCst);
        let morning = heard.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(morning["event"], "digest");
        reporter.finish();
        assert!(heard.try_recv().is_err(), "told once");
    }

    /// A teller that gathers for ten minutes, by a clock that a test sets.
    fn gathering(
        listener: &TcpListener,
        gather: Option<Duration>,
        clocks: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> NotifyReporter {
        let mut telling = telling(listener, EACH, END);
        telling.channels[0].kinds = NoticeKind::ALL.to_vec();
        let clocks = move || Moment {
            steady: clocks(),
            ..Moment::default()
        };
        let quiet = None;
        telling.pace = Pace {
            waits: Waits { quiet, gather },
            clocks: Arc::new(clocks),
        };
        NotifyReporter::start(telling, &[])
    }

    const GATHER: Option<Duration> = Some(Duration::from_secs(600));

    fn count(told: &Value) -> usize {
        told["notices"].as_array().map_or(1, Vec::len)
    }

    #[test]
    fn what_is_no_hurry_is_gathered_until_a_person_is_needed_or_the_end() {
        let counts = |gather| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let reporter = gathering(&listener, gather, Duration::default);
            let heard = serve(listener, &["200 OK"]);
            for recorded in &script::every_ending().events {
                reporter.event(recorded);
            }
            reporter.finish();
            let heard: Vec<Value> = heard.try_iter().collect();
            assert_eq!(heard.last().unwrap()["event"] == "digest", gather.is_some());
            heard.iter().map(count).collect::<Vec<usize>>()
        };
        // The seventh is the one that needs a person, after the start; the end takes the last two along.
        assert_eq!(counts(GATHER), [8, 3]);
        assert_eq!(counts(None), [1; 11], "the control");
    }

    #[test]
    fn what_was_gathered_is_told_once_its_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Every look at this clock is a minute later, but for the last bit of the tenth.
        let looks = AtomicU32::new(0);
        let reporter = gathering(&listener, GATHER, move || {
            let look = looks.fetch_add(1, Ordering::SeqCst);
            Duration::from_millis(u64::from(look) * 599_900)
        });
        let heard = serve(listener, &["200 OK"]);
        let script = script::every_ending();
        reporter.event(&script.events[0]);
        for recorded in &script.events {
            if matches!(recorded.event, Event::TasksRead { .. }) {
                reporter.event(recorded);
            }
        }
        // Nothing else comes: the queue looks by itself.
        let told = heard.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(told["event"], "session_started", "{told}");
        reporter.finish();
        assert!(heard.try_recv().is_err(), "told once");
    }
}
