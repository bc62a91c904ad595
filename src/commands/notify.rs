//! Channels by which people are told: made from the configuration, and tried by `notify test`.

use crate::cli::notify::{ChannelName, NotifyTestArgs};
use crate::commands::place::Place;
use crate::config::loaded::{Loaded, Overrides};
use crate::config::notifying::{self, Notify, Tls};
use crate::config::values::{Secret, Whole};
use crate::error::{Error, Kind};
use crate::ports::Reporter;
use crate::reporters::notify::bell::BellReporter;
use crate::reporters::notify::channel::{Channel, Message, Refused, Way};
use crate::reporters::notify::email::{Email, Secrecy, Server};
use crate::reporters::notify::queue::Pace;
use crate::reporters::notify::reporter::{EACH, END, NotifyReporter, Telling};
use crate::reporters::notify::slack::Slack;
use crate::reporters::notify::slack_bot::{Buttons, SlackBot};
use crate::reporters::notify::telegram::Telegram;
use crate::reporters::notify::webhook::Webhook;
use crate::reporters::out::Stream;
use crate::reporters::shape::VERSION;
use crate::rules::event::Recorded;
use crate::rules::exit::Exit;
use crate::rules::notice::pile::{Moment, Waits};
use crate::rules::notice::quiet::QuietHours;
use crate::rules::notice::shape::{Notice, NoticeKind};
use crate::rules::redact::Redactor;
use chrono::Timelike as _;
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A channel of the configuration, and the way there, or why there is none.
struct Configured {
    name: ChannelName,
    kinds: Vec<NoticeKind>,
    way: Result<Way, Refused>,
}

/// Those who tell people of a session; what happened before was told by whoever ran then.
pub fn tellers(
    loaded: &Loaded,
    redactor: &Redactor,
    before: &[Recorded],
) -> Vec<Arc<dyn Reporter>> {
    let mut tellers: Vec<Arc<dyn Reporter>> = Vec::new();
    if let Some(teller) = teller(loaded, redactor, before) {
        tellers.push(Arc::new(teller));
    }
    let notify = &loaded.config.notify;
    if notify.bell && Stream::Err.is_terminal() {
        tellers.push(Arc::new(BellReporter::new(std::io::stderr(), before)));
    }
    tellers
}

/// Who tells by the channels of the configuration, where there are such.
pub(super) fn teller(
    loaded: &Loaded,
    redactor: &Redactor,
    before: &[Recorded],
) -> Option<NotifyReporter> {
    let notify = &loaded.config.notify;
    let mut channels = Vec::new();
    for Configured { name, kinds, way } in configured(loaded) {
        match way {
            Ok(way) => channels.push(Channel { kinds, way }),
            // Nobody's run fails over it; `notify test` says the same.
            Err(problem) => tracing::warn!(?name, %problem, "nobody is told by this channel"),
        }
    }
    let telling = Telling {
        pace: pace(notify),
        redactor: redactor.clone(),
        templates: notify.templates.clone(),
        end: END,
        channels,
    };
    let is_told = !telling.channels.is_empty();
    is_told.then(|| NotifyReporter::start(telling, before))
}

/// Who tells of `serve` itself, where there are channels: with their quiet hours and digests, tried again like any other.
pub(super) fn service_teller(loaded: &Loaded) -> Option<Arc<NotifyReporter>> {
    let secrets = loaded.config.notify.secrets().into_iter();
    let redactor = Redactor::new(secrets.map(|(_, secret)| secret.expose().to_owned()));
    teller(loaded, &redactor, &[]).map(Arc::new)
}

/// Sends one message by each channel, and says what came of it.
pub async fn test(place: &Place, args: NotifyTestArgs) -> Result<Exit, Error> {
    let loaded = place.load(&Overrides::default())?;
    let all = configured(&loaded).into_iter();
    let chosen = all.filter(|channel| args.channel.is_none_or(|name| name == channel.name));
    let chosen: Vec<Configured> = chosen.collect();
    if chosen.is_empty() {
        return Err(unconfigured(args.channel));
    }
    let project = loaded.config.project.repo.as_ref();
    let project = project.map_or(String::new(), ToString::to_string);
    let message = Message::of(Notice::test(&project));
    let told = chosen.into_iter().map(async |channel| match channel.way {
        Ok(way) => (channel.name, way.tell(&message).await),
        Err(refused) => (channel.name, Err(refused)),
    });
    let told = futures::future::join_all(told).await;
    let redactor = Redactor::new(
        (loaded.config.notify.secrets().into_iter()).map(|(_, secret)| secret.expose().to_owned()),
    );
    let mut exit = Exit::Done;
    for (name, told) in told {
        let name = word(name);
        let Err(refused) = told else {
            let event =
                json!({ "v": VERSION, "event": "notify_test", "channel": name, "ok": true });
            place.output.result(&format!("{name}: ok\n"), &event)?;
            continue;
        };
        exit = Exit::CouldNotRun;
        let problem = redactor.clean(&refused.problem);
        let hint = refused.hint;
        let helps = hint.map_or(String::new(), |hint| format!("  hint: {hint}\n"));
        let event = json!({
            "v": VERSION, "event": "notify_test", "channel": name, "ok": false,
            "problem": problem, "hint": hint,
        });
        let text = format!("{name}: failed: {problem}\n{helps}");
        place.output.result(&text, &event)?;
    }
    Ok(exit)
}

fn unconfigured(channel: Option<ChannelName>) -> Error {
    let key = channel.map_or("notify.slack", |name| match name {
        ChannelName::Slack => "notify.slack",
        ChannelName::Telegram => "notify.telegram",
        ChannelName::Email => "notify.email",
        ChannelName::Webhook => "notify.webhook",
    });
    let missing = match channel {
        Some(_) => format!("{key} is not configured"),
        None => "no channel is configured".to_owned(),
    };
    let hint = match channel {
        Some(_) => format!("add `{key}` to autoissue.config.json; the README shows how"),
        None => "add `notify.slack`, `notify.telegram`, `notify.email` or `notify.webhook` to autoissue.config.json".to_owned(),
    };
    Error::new(Kind::Config, "send a test message")
        .cause(missing)
        .hints([hint])
}

const fn word(name: ChannelName) -> &'static str {
    match name {
        ChannelName::Slack => "slack",
        ChannelName::Telegram => "telegram",
        ChannelName::Email => "email",
        ChannelName::Webhook => "webhook",
    }
}

fn configured(loaded: &Loaded) -> Vec<Configured> {
    let notify = &loaded.config.notify;
    let mut all = Vec::new();
    let mut add = |name, kinds: &[NoticeKind], way| {
        let kinds = kinds.to_vec();
        all.push(Configured { name, kinds, way });
    };
    if let Some(slack) = &notify.slack
        && let Some(way) = slack_way(slack)
    {
        add(ChannelName::Slack, &slack.events, way);
    }
    if let Some(telegram) = &notify.telegram {
        let token = text(&telegram.bot_token);
        let (api, chat) = (telegram.api.as_str(), telegram.chat_id.as_str());
        let way = Telegram::new(api, &token, chat, EACH).map(Way::Telegram);
        add(ChannelName::Telegram, &telegram.events, way);
    }
    if let Some(email) = &notify.email {
        add(
            ChannelName::Email,
            &email.events,
            mail(email, loaded).map(Way::Email),
        );
    }
    if let Some(webhook) = &notify.webhook {
        let secret = notify.webhook_secret.as_ref().map(text);
        let way = Webhook::new(&text(webhook), secret, EACH).map(Way::Webhook);
        add(ChannelName::Webhook, &notify.webhook_events, way);
    }
    all
}

/// By the bot or by the webhook: one of them is configured.
fn slack_way(slack: &notifying::Slack) -> Option<Result<Way, Refused>> {
    if let (Some(token), Some(channel)) = (&slack.bot_token, &slack.channel) {
        let buttons = match slack.clicks() {
            Some(_) => Buttons::Shown,
            None => Buttons::Hidden,
        };
        let place = (channel.as_str(), buttons);
        let bot = SlackBot::new(slack.api.as_str(), text(token), place, EACH);
        return Some(bot.map(Way::SlackBot));
    }
    let webhook = slack.webhook.as_ref()?;
    Some(Slack::new(&text(webhook), EACH).map(Way::Slack))
}

fn mail(email: &notifying::Email, loaded: &Loaded) -> Result<Email, Refused> {
    let ca = email.ca_file.as_ref().map(|file| {
        let file = loaded.resolve(file);
        std::fs::read(&file).map_err(|error| {
            let problem = format!("cannot read {}: {error}", file.display());
            Refused::for_good(problem, Some("look at notify.email.caFile"))
        })
    });
    let password = email.password.as_ref().map(text);
    let server = Server {
        name: email.server.clone(),
        port: email.port.and_then(|port| u16::try_from(port.get()).ok()),
        tls: match email.tls {
            Tls::Starttls => Secrecy::Starttls,
            Tls::Implicit => Secrecy::Implicit,
            Tls::None => Secrecy::None,
        },
        ca: ca.transpose()?,
        login: email.user.clone().zip(password),
    };
    Email::new(server, &email.from, &email.to, 2 * EACH)
}

fn pace(notify: &Notify) -> Pace {
    let hours = notify.quiet_hours.as_ref();
    let quiet = hours.map(|hours| QuietHours {
        from: hours.from.minutes(),
        to: hours.to.minutes(),
        urgent: hours.urgent,
    });
    let minutes = notify.digest_minutes.map(Whole::get);
    let gather = minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    let begun = Instant::now();
    Pace {
        waits: Waits { quiet, gather },
        clocks: Arc::new(move || Moment {
            second: chrono::Local::now().num_seconds_from_midnight(),
            steady: begun.elapsed(),
        }),
    }
}

fn text(secret: &Secret) -> SecretString {
    secret.expose().to_owned().into()
}
