//! What must hold of the channels by which people are told.

use crate::config::notifying::{Email, Notify, Slack, Telegram, Tls};
use crate::config::problem::ConfigError;
use crate::config::values::Secret;
use crate::rules::click::is_user;
use crate::rules::notice::shape::NoticeKind;
use crate::rules::notice::templates::{self, Templates, VARIABLES};

/// Finds the first thing that makes no sense; says nothing that is a secret.
pub fn check(notify: &Notify) -> Result<(), ConfigError> {
    if let Some(webhook) = &notify.webhook
        && !webhook.expose().starts_with("https://")
        && !webhook.expose().starts_with("http://")
    {
        return refuse(
            "notify.webhook",
            "is not an address that starts with https://",
        );
    }
    if let Some(secret) = &notify.webhook_secret {
        if secret.expose().is_empty() {
            return refuse("notify.webhookSecret", "is empty");
        }
        if notify.webhook.is_none() {
            return refuse(
                "notify.webhookSecret",
                "signs nothing: there is no notify.webhook",
            );
        }
    }
    events("notify.webhookEvents", &notify.webhook_events)?;
    notify.slack.as_ref().map_or(Ok(()), slack)?;
    notify.telegram.as_ref().map_or(Ok(()), telegram)?;
    notify.email.as_ref().map_or(Ok(()), email)?;
    words(&notify.templates)?;
    match &notify.quiet_hours {
        Some(hours) if hours.from == hours.to => {
            refuse("notify.quietHours.to", "is the same as `from`")
        }
        Some(_) | None => Ok(()),
    }
}

fn words(templates: &Templates) -> Result<(), ConfigError> {
    for (kind, template) in templates {
        templates::check(template).map_err(|fault| ConfigError::Value {
            key: format!("notify.templates.{}", kind.word()),
            problem: format!("is no template: {fault}"),
            hint: Some(format!("it may use {}", VARIABLES.join(", "))),
        })?;
    }
    Ok(())
}

fn slack(slack: &Slack) -> Result<(), ConfigError> {
    match (&slack.webhook, &slack.bot_token) {
        (Some(webhook), None) => by_webhook(slack, webhook)?,
        (None, Some(token)) => by_bot(slack, token)?,
        (Some(_), Some(_)) => {
            let problem = "is set beside `webhook`: there is one way to the channel, so leave one of them out";
            return refuse("notify.slack.botToken", problem);
        }
        (None, None) => {
            let problem = "is missing; a bot has `botToken` and `channel` in its place";
            return refuse("notify.slack.webhook", problem);
        }
    }
    events("notify.slack.events", &slack.events)
}

fn by_webhook(slack: &Slack, webhook: &Secret) -> Result<(), ConfigError> {
    let address = webhook.expose();
    let is_local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|start| {
            address
                .strip_prefix(start)
                .is_some_and(|rest| rest.starts_with([':', '/']))
        });
    if !address.starts_with("https://") && !is_local {
        let problem = "is not an address that starts with https://";
        return refuse("notify.slack.webhook", problem);
    }
    let of_a_bot = [
        ("channel", slack.channel.is_some()),
        ("signingSecret", slack.signing_secret.is_some()),
        ("approvers", !slack.approvers.is_empty()),
    ];
    match of_a_bot.iter().find(|(_, is_set)| *is_set) {
        Some((key, _)) => refuse(
            &format!("notify.slack.{key}"),
            "is for a bot: a webhook knows its own channel, and has no buttons; set `botToken` in place of `webhook`",
        ),
        None => Ok(()),
    }
}

fn by_bot(slack: &Slack, token: &Secret) -> Result<(), ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let rest = token.expose().strip_prefix("xoxb-").unwrap_or_default();
    if rest.is_empty() || !rest.chars().all(plain) {
        let problem = "is not the token of a bot: it begins with xoxb-, and stands under \"OAuth & Permissions\" of the app";
        return refuse("notify.slack.botToken", problem);
    }
    let Some(channel) = &slack.channel else {
        return refuse(
            "notify.slack.channel",
            "is missing: where does the bot write?",
        );
    };
    if !is_channel(channel) {
        let problem = "is neither the id of a channel such as C0123ABCD, nor `#` and its name";
        return refuse("notify.slack.channel", problem);
    }
    let secret = slack.signing_secret.as_ref().map(Secret::expose);
    if secret.is_some_and(str::is_empty) {
        return refuse("notify.slack.signingSecret", "is empty");
    }
    if secret.is_some() && slack.approvers.is_empty() {
        let problem = "names nobody, so no click would count: add ids such as U012AB3CD, or take `signingSecret` out";
        return refuse("notify.slack.approvers", problem);
    }
    if secret.is_none() && !slack.approvers.is_empty() {
        let problem = "is missing: without it nobody knows who clicked; it stands under \"Basic Information\" of the app";
        return refuse("notify.slack.signingSecret", problem);
    }
    match slack.approvers.iter().position(|id| !is_user(id)) {
        Some(at) => refuse(
            &format!("notify.slack.approvers[{at}]"),
            "is not the id of a member such as U012AB3CD: it stands in their profile, as \"Copy member ID\"",
        ),
        None => Ok(()),
    }
}

fn is_channel(channel: &str) -> bool {
    if let Some(name) = channel.strip_prefix('#') {
        let odd = |c: char| c.is_control() || c.is_whitespace() || "<>&@#".contains(c);
        return (1..=80).contains(&name.chars().count()) && !name.contains(odd);
    }
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    channel.starts_with(['C', 'G', 'D']) && channel.len() >= 3 && channel.bytes().all(plain)
}

fn telegram(telegram: &Telegram) -> Result<(), ConfigError> {
    if !is_bot_token(&telegram.bot_token) {
        let problem = "is not the token of a bot: a number, a colon, letters and digits";
        return refuse("notify.telegram.botToken", problem);
    }
    events("notify.telegram.events", &telegram.events)
}

/// As in Telegram's documentation (<https://core.telegram.org/bots/api#authorizing-your-bot>); it becomes part of an address.
fn is_bot_token(token: &Secret) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    token.expose().split_once(':').is_some_and(|(bot, rest)| {
        let is_number = !bot.is_empty() && bot.bytes().all(|byte| byte.is_ascii_digit());
        is_number && !rest.is_empty() && rest.chars().all(plain)
    })
}

fn email(email: &Email) -> Result<(), ConfigError> {
    let is_name = |text: &str| {
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == '/' || c == '@';
        !text.is_empty() && !text.contains(odd)
    };
    if !is_name(&email.server) {
        return refuse("notify.email.server", "is not the name of a server");
    }
    if email.tls == Tls::None && !is_this_machine(&email.server) {
        let problem = "is `none`, which would show the mail to everybody on its way; it is for this machine only";
        return refuse("notify.email.tls", problem);
    }
    if email.user.is_some() != email.password.is_some() {
        let key = if email.user.is_some() {
            "password"
        } else {
            "user"
        };
        return refuse(
            &format!("notify.email.{key}"),
            "is missing: a server asks for both or none",
        );
    }
    if email.to.is_empty() {
        return refuse("notify.email.to", "names nobody");
    }
    let to = email.to.iter().enumerate();
    let to = to.map(|(at, address)| (format!("notify.email.to[{at}]"), address));
    for (key, address) in to.chain([("notify.email.from".to_owned(), &email.from)]) {
        let odd = |c: char| c.is_control() || c.is_whitespace() || "<>,;\"".contains(c);
        let is_address = address.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !address.contains(odd)
        });
        if !is_address {
            return refuse(&key, "is not a mail address such as me@example.com");
        }
    }
    events("notify.email.events", &email.events)
}

fn is_this_machine(server: &str) -> bool {
    let address: Option<std::net::IpAddr> = server.trim_matches(['[', ']']).parse().ok();
    server == "localhost" || address.is_some_and(|address| address.is_loopback())
}

fn events(key: &str, events: &[NoticeKind]) -> Result<(), ConfigError> {
    if events.is_empty() {
        return refuse(key, "names nothing; leave the key out for the usual events");
    }
    Ok(())
}

fn refuse(key: &str, problem: &str) -> Result<(), ConfigError> {
    Err(ConfigError::value(key, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_cannot_work_is_named_and_no_secret_is_shown() {
        let verdict = |value: Value| {
            let notify: Notify = serde_json::from_value(value).unwrap();
            match check(&notify) {
                Ok(()) => "fine".to_owned(),
                Err(error) => error.to_string(),
            }
        };
        let mail = |change: Value| {
            let mut email =
                json!({ "server": "mail.example.com", "from": "a@b.c", "to": ["d@e.f"] });
            for (key, value) in change.as_object().unwrap() {
                email[key] = value.clone();
            }
            verdict(json!({ "email": email }))
        };
        let bot = |token: &str| verdict(json!({ "telegram": { "botToken": token, "chatId": 1 } }));
        let hook = |address: &str| verdict(json!({ "slack": { "webhook": address } }));
        assert_eq!(bot("123:AAb-c_D"), "fine");
        assert_eq!(hook("http://127.0.0.1:80/x"), "fine");
        assert_eq!(mail(json!({})), "fine");
        assert_eq!(
            mail(json!({ "server": "127.0.0.1", "tls": "none" })),
            "fine"
        );
        let refused = [
            bot("123/../SECRET"),
            hook("http://hooks.slack.com/SECRET"),
            hook("http://localhost.example.com/SECRET"),
            mail(json!({ "tls": "none" })),
            mail(json!({ "user": "me" })),
            mail(json!({ "to": [] })),
            mail(json!({ "to": ["a@b.c\r\nBcc: x@y.z"] })),
            mail(json!({ "from": "nobody" })),
            mail(json!({ "events": [] })),
            verdict(json!({ "webhookSecret": "SECRET" })),
            verdict(json!({ "quietHours": { "from": "07:00", "to": "07:00" } })),
            verdict(json!({ "templates": { "failed": "{{ title }}\n{{ reasons }}" } })),
        ];
        assert!(!refused.join("").contains("SECRET"));
        insta::assert_snapshot!(refused.join("\n"), @r"
        notify.telegram.botToken: is not the token of a bot: a number, a colon, letters and digits
        notify.slack.webhook: is not an address that starts with https://
        notify.slack.webhook: is not an address that starts with https://
        notify.email.tls: is `none`, which would show the mail to everybody on its way; it is for this machine only
        notify.email.password: is missing: a server asks for both or none
        notify.email.to: names nobody
        notify.email.to[0]: is not a mail address such as me@example.com
        notify.email.from: is not a mail address such as me@example.com
        notify.email.events: names nothing; leave the key out for the usual events
        notify.webhookSecret: signs nothing: there is no notify.webhook
        notify.quietHours.to: is the same as `from`
        notify.templates.failed: is no template: line 2: there is no `reasons`
        ");
    }

    #[test]
    fn a_channel_of_slack_has_one_way_and_its_buttons_have_somebody() {
        let verdict = |slack: Value| {
            let notify: Notify = serde_json::from_value(json!({ "slack": slack })).unwrap();
            match check(&notify) {
                Ok(()) => "fine".to_owned(),
                Err(error) => error.to_string(),
            }
        };
        let bot = |change: Value| {
            let mut slack = json!({ "botToken": "xoxb-12-34-SECRET", "channel": "C0123ABCD" });
            for (key, value) in change.as_object().unwrap() {
                slack[key] = value.clone();
            }
            verdict(slack)
        };
        let hook = "https://hooks.slack.com/services/T/B/SECRET";
        let buttons = json!({ "signingSecret": "SECRET", "approvers": ["U012AB3CD", "W012AB3CD"] });
        for fine in [json!({}), json!({ "channel": "#über-uns" }), buttons] {
            assert_eq!(bot(fine.clone()), "fine", "{fine}");
        }
        let refused = [
            verdict(json!({})),
            bot(json!({ "webhook": hook })),
            verdict(json!({ "webhook": hook, "channel": "C0123ABCD" })),
            verdict(json!({ "webhook": hook, "signingSecret": "SECRET" })),
            verdict(json!({ "botToken": "xoxb-12-34-SECRET" })),
            bot(json!({ "botToken": "xoxp-12-34-SECRET" })),
            bot(json!({ "botToken": "xoxb-SECRET\r\nx: y" })),
            bot(json!({ "channel": "general" })),
            bot(json!({ "channel": "#" })),
            bot(json!({ "signingSecret": "SECRET" })),
            bot(json!({ "approvers": ["U012AB3CD"] })),
            bot(json!({ "signingSecret": "", "approvers": ["U012AB3CD"] })),
            bot(json!({ "signingSecret": "SECRET", "approvers": ["U012AB3CD", "@ann"] })),
            bot(json!({ "events": [] })),
        ];
        assert!(!refused.join("").contains("SECRET"));
        insta::assert_snapshot!(refused.join("\n"), @r#"
        notify.slack.webhook: is missing; a bot has `botToken` and `channel` in its place
        notify.slack.botToken: is set beside `webhook`: there is one way to the channel, so leave one of them out
        notify.slack.channel: is for a bot: a webhook knows its own channel, and has no buttons; set `botToken` in place of `webhook`
        notify.slack.signingSecret: is for a bot: a webhook knows its own channel, and has no buttons; set `botToken` in place of `webhook`
        notify.slack.channel: is missing: where does the bot write?
        notify.slack.botToken: is not the token of a bot: it begins with xoxb-, and stands under "OAuth & Permissions" of the app
        notify.slack.botToken: is not the token of a bot: it begins with xoxb-, and stands under "OAuth & Permissions" of the app
        notify.slack.channel: is neither the id of a channel such as C0123ABCD, nor `#` and its name
        notify.slack.channel: is neither the id of a channel such as C0123ABCD, nor `#` and its name
        notify.slack.approvers: names nobody, so no click would count: add ids such as U012AB3CD, or take `signingSecret` out
        notify.slack.signingSecret: is missing: without it nobody knows who clicked; it stands under "Basic Information" of the app
        notify.slack.signingSecret: is empty
        notify.slack.approvers[1]: is not the id of a member such as U012AB3CD: it stands in their profile, as "Copy member ID"
        notify.slack.events: names nothing; leave the key out for the usual events
        "#);
    }
}
