//! Slack's interface for bots, and where it takes answers to clicks: as strict as its documentation, and what that does not
//! name is refused.

use serde_json::{Value, json};

/// The token of the fake's bot.
pub(crate) const SLACK_BOT: &str = "xoxb-4711-4712-fakefakefakefake";
/// One whose app may not write.
pub(crate) const SCOPELESS: &str = "xoxb-4711-4713-fakefakefakefake";
/// The only channel that the bot is in.
pub(crate) const ROOM: &str = "C0123ABCD";
/// Where answers to clicks go.
pub(crate) const ACTIONS: &str = "/actions/T0001/4711/";

/// Arguments of `chat.postMessage` (<https://docs.slack.dev/reference/methods/chat.postMessage>).
const ARGUMENTS: [&str; 17] = [
    "channel",
    "as_user",
    "attachments",
    "blocks",
    "icon_emoji",
    "icon_url",
    "link_names",
    "markdown_text",
    "metadata",
    "mrkdwn",
    "parse",
    "reply_broadcast",
    "text",
    "thread_ts",
    "unfurl_links",
    "unfurl_media",
    "username",
];
/// Fields of what is sent to a `response_url`
/// (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
const ANSWER: [&str; 6] = [
    "text",
    "blocks",
    "response_type",
    "replace_original",
    "delete_original",
    "thread_ts",
];

/// What is wrong with a request, in Slack's words.
type Wrong = &'static str;

/// `chat.postMessage`: what went wrong stands in the body, with a status of 200.
pub(crate) fn post_message(token: Option<&str>, is_json: bool, body: Option<&Value>) -> Value {
    match posted(token, is_json, body) {
        // Slack repeats the message.
        Ok(body) => {
            json!({ "ok": true, "channel": body["channel"], "ts": "1503435956.000247", "message": body })
        }
        Err(error) => json!({ "ok": false, "error": error }),
    }
}

fn posted<'a>(
    token: Option<&str>,
    is_json: bool,
    body: Option<&'a Value>,
) -> Result<&'a Value, Wrong> {
    match token.and_then(|token| token.strip_prefix("Bearer ")) {
        None => return Err("not_authed"),
        Some(SLACK_BOT) => {}
        Some(SCOPELESS) => return Err("missing_scope"),
        Some("xoxb-revoked") => return Err("token_revoked"),
        Some(_) => return Err("invalid_auth"),
    }
    holds(is_json, "invalid_form_data")?;
    let body = body.ok_or("invalid_json")?;
    fields(body, &ARGUMENTS, "invalid_arguments")?;
    match body["channel"].as_str() {
        Some(ROOM | "#builds") => {}
        Some("C0ARCHIVED") => return Err("is_archived"),
        Some("C0ELSEWHERE") => return Err("not_in_channel"),
        Some(_) | None => return Err("channel_not_found"),
    }
    let text = body["text"].as_str().filter(|text| !text.is_empty());
    let text = text.ok_or("no_text")?;
    holds(text.chars().count() <= 40_000, "msg_too_long")?;
    escaped(text, Mentions::None)?;
    // Whatever authors write would be markup.
    holds(body["mrkdwn"] == json!(false), "invalid_arguments")?;
    if !body["blocks"].is_null() {
        blocks(&body["blocks"], Mentions::None)?;
    }
    Ok(body)
}

/// What is sent to a `response_url`.
pub(crate) fn answered(body: Option<&Value>) -> Result<(), Wrong> {
    let body = body.ok_or("invalid_payload")?;
    fields(body, &ANSWER, "invalid_payload")?;
    let text = body["text"].as_str().filter(|text| !text.is_empty());
    escaped(text.ok_or("no_text")?, Mentions::People)?;
    if !body["blocks"].is_null() {
        blocks(&body["blocks"], Mentions::People)?;
    }
    let is_one = body["replace_original"] == json!(true) || body["response_type"] == "ephemeral";
    holds(is_one, "invalid_payload")
}

#[derive(Clone, Copy, PartialEq)]
enum Mentions {
    /// Nobody may be called.
    None,
    /// People by their ids; never a channel.
    People,
}

fn holds(is_so: bool, wrong: Wrong) -> Result<(), Wrong> {
    is_so.then_some(()).ok_or(wrong)
}

fn fields(value: &Value, known: &[&str], wrong: Wrong) -> Result<(), Wrong> {
    let object = value.as_object().ok_or(wrong)?;
    holds(
        object.keys().all(|key| known.contains(&key.as_str())),
        wrong,
    )
}

/// Nothing in it is markup that calls somebody, but people where they may be.
fn escaped(text: &str, mentions: Mentions) -> Result<(), Wrong> {
    let mut rest = text.to_owned();
    while let Some(at) = rest.find("<@").filter(|_| mentions == Mentions::People) {
        let end = at + rest[at..].find('>').ok_or("invalid_payload_markup")?;
        let id = &rest[at + 2..end];
        let is_id =
            id.starts_with(['U', 'W']) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        holds(is_id, "invalid_payload_markup")?;
        rest.replace_range(at..=end, "");
    }
    let entities = ["&amp;", "&lt;", "&gt;"];
    let bare = entities
        .iter()
        .fold(rest, |text, entity| text.replace(entity, ""));
    holds(!bare.contains(['<', '>', '&']), "invalid_payload_markup")
}

const BLOCKS: Wrong = "invalid_blocks";

/// By <https://docs.slack.dev/reference/block-kit/blocks>.
fn blocks(blocks: &Value, mentions: Mentions) -> Result<(), Wrong> {
    let blocks = blocks.as_array().ok_or(BLOCKS)?;
    holds((1..=50).contains(&blocks.len()), BLOCKS)?;
    for block in blocks {
        match block["type"].as_str() {
            Some("section") => {
                fields(
                    block,
                    &["type", "text", "block_id", "fields", "accessory", "expand"],
                    BLOCKS,
                )?;
                text_object(&block["text"], 3_000, mentions)?;
            }
            Some("context") => {
                fields(block, &["type", "elements", "block_id"], BLOCKS)?;
                let elements = block["elements"].as_array().ok_or(BLOCKS)?;
                holds((1..=10).contains(&elements.len()), BLOCKS)?;
                for element in elements {
                    text_object(element, 2_000, mentions)?;
                }
            }
            Some("actions") => actions(block)?,
            Some(_) | None => return Err(BLOCKS),
        }
    }
    Ok(())
}

fn actions(block: &Value) -> Result<(), Wrong> {
    fields(block, &["type", "elements", "block_id"], BLOCKS)?;
    let elements = block["elements"].as_array().ok_or(BLOCKS)?;
    holds((1..=25).contains(&elements.len()), BLOCKS)?;
    let mut names = Vec::new();
    for button in elements {
        let known = [
            "type",
            "text",
            "action_id",
            "url",
            "value",
            "style",
            "confirm",
            "accessibility_label",
        ];
        fields(button, &known, BLOCKS)?;
        holds(button["type"] == "button", BLOCKS)?;
        plain_text(&button["text"], 75)?;
        let name = button["action_id"].as_str().ok_or(BLOCKS)?;
        holds(name.len() <= 255 && !names.contains(&name), BLOCKS)?;
        names.push(name);
        for (key, most) in [("url", 3_000), ("value", 2_000)] {
            let text = &button[key];
            let is_fine = text.is_null() || text.as_str().is_some_and(|text| text.len() <= most);
            holds(is_fine, BLOCKS)?;
        }
        style(&button["style"])?;
        if !button["confirm"].is_null() {
            confirm(&button["confirm"])?;
        }
    }
    Ok(())
}

fn confirm(dialog: &Value) -> Result<(), Wrong> {
    fields(
        dialog,
        &["title", "text", "confirm", "deny", "style"],
        BLOCKS,
    )?;
    plain_text(&dialog["title"], 100)?;
    text_object(&dialog["text"], 300, Mentions::None)?;
    plain_text(&dialog["confirm"], 30)?;
    plain_text(&dialog["deny"], 30)?;
    style(&dialog["style"])
}

fn style(style: &Value) -> Result<(), Wrong> {
    holds(
        style.is_null() || style == "primary" || style == "danger",
        BLOCKS,
    )
}

fn plain_text(object: &Value, most: usize) -> Result<(), Wrong> {
    holds(object["type"] == "plain_text", BLOCKS)?;
    text_object(object, most, Mentions::None)
}

fn text_object(object: &Value, most: usize, mentions: Mentions) -> Result<(), Wrong> {
    let (known, mentions): (&[&str], _) = match object["type"].as_str() {
        Some("plain_text") => (&["type", "text", "emoji"], Mentions::None),
        Some("mrkdwn") => (&["type", "text", "verbatim"], mentions),
        Some(_) | None => return Err(BLOCKS),
    };
    fields(object, known, BLOCKS)?;
    let text = object["text"].as_str().ok_or(BLOCKS)?;
    holds((1..=most).contains(&text.chars().count()), BLOCKS)?;
    escaped(text, mentions)
}
