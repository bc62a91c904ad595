//! Messages of Slack with buttons, and what stands in their place once somebody answered
//! (<https://docs.slack.dev/reference/block-kit/>).

use crate::rules::click::{APPROVE, OPEN, REJECT, value};
use crate::rules::ids::IssueNumber;
use crate::rules::notice::shape::Notice;
use crate::rules::notice::text;
use serde_json::{Value, json};

/// UTF-16 units of a section, before it is escaped: at worst each becomes five, and Slack takes 3,000.
const MOST: usize = 590;

/// The notice with a button for each answer, where it asks for one.
pub(super) fn asking(notice: &Notice) -> Option<Value> {
    let (session, issue) = notice.asks_for()?;
    let carried = value(session, issue);
    let [yes, no] = answers(issue);
    let mut buttons = vec![
        json!({
            "type": "button", "action_id": APPROVE, "value": carried, "style": "primary",
            "text": plain(yes.label),
            "confirm": confirm(&yes.question, yes.means, yes.label, "primary"),
        }),
        json!({
            "type": "button", "action_id": REJECT, "value": carried, "style": "danger",
            "text": plain(no.label),
            "confirm": confirm(&no.question, no.means, no.label, "danger"),
        }),
    ];
    if let Some(link) = &notice.link {
        buttons.push(json!({
            "type": "button", "action_id": OPEN, "url": link, "text": plain("Open"),
        }));
    }
    Some(json!([said(&notice.line), { "type": "actions", "elements": buttons }]))
}

/// What somebody may say, as its button says it.
struct Answer {
    label: &'static str,
    question: String,
    means: &'static str,
}

/// Yes and no, to an issue or to a plan.
fn answers(issue: Option<IssueNumber>) -> [Answer; 2] {
    let answer = |label, question, means| Answer {
        label,
        question,
        means,
    };
    match issue {
        Some(issue) => [
            answer(
                "Approve",
                format!("Approve {issue}?"),
                "It is worked on, and its agent is paid.",
            ),
            answer(
                "Reject",
                format!("Reject {issue}?"),
                "It is left out, and nothing is done about it.",
            ),
        ],
        None => [
            answer(
                "Carry it out",
                "Carry the plan out?".to_owned(),
                "Its issues are opened and worked on, and their agents are paid.",
            ),
            answer(
                "Drop it",
                "Drop the plan?".to_owned(),
                "No issue is opened, and nothing is done of it.",
            ),
        ],
    }
}

/// What a message shows once nobody waits for an answer any more: what it said, and these words, in Slack's own form.
#[must_use]
pub fn settled(line: &str, words: &str) -> Value {
    let context = json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": words }] });
    let blocks = match line {
        "" => json!([context]),
        line => json!([said(line), context]),
    };
    json!({ "replace_original": true, "text": words, "blocks": blocks })
}

/// Words, in Slack's own form, that only whoever clicked sees; the message stays.
#[must_use]
pub fn whispered(words: &str) -> Value {
    json!({ "response_type": "ephemeral", "replace_original": false, "text": words })
}

/// A person, by the name that Slack shows.
#[must_use]
pub fn person(id: &str) -> String {
    format!("<@{id}>")
}

/// What authors wrote is text here: no markup, no emoji, and nobody is called.
fn said(line: &str) -> Value {
    json!({ "type": "section", "text": plain(&text::slack_line(line, MOST)) })
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// A second question before a click counts.
fn confirm(title: &str, words: &str, yes: &str, style: &str) -> Value {
    json!({
        "title": plain(title), "text": plain(words), "confirm": plain(yes), "deny": plain("Cancel"),
        "style": style,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::SessionId;
    use crate::rules::notice::shape::APPROVAL_AWAITED;

    fn notice(line: &str) -> Notice {
        Notice {
            event: APPROVAL_AWAITED,
            session: Some(SessionId::new("01K5SHOP")),
            about: Some((IssueNumber(12), "Mend it".to_owned())),
            link: Some("https://github.com/acme/shop/issues/12".to_owned()),
            line: line.to_owned(),
            ..Notice::test("acme/shop")
        }
    }

    #[test]
    fn what_waits_has_a_button_for_each_answer() {
        let blocks = asking(&notice("acme/shop#12 waits: <!channel> *it* :tada: @here")).unwrap();
        assert_eq!(
            blocks[0]["text"],
            json!({ "type": "plain_text", "emoji": false,
                "text": "acme/shop#12 waits: &lt;!channel&gt; *it* :tada: @\u{200b}here" })
        );
        let buttons = blocks[1]["elements"].as_array().unwrap();
        let ids: Vec<&Value> = buttons.iter().map(|button| &button["action_id"]).collect();
        assert_eq!(ids, [APPROVE, REJECT, OPEN]);
        assert_eq!(buttons[0]["value"], "01K5SHOP#12");
        assert_eq!(buttons[0]["confirm"]["title"]["text"], "Approve #12?");
        assert_eq!(buttons[2]["url"], "https://github.com/acme/shop/issues/12");
        let bare = Notice {
            link: None,
            ..notice("it waits")
        };
        assert_eq!(
            asking(&bare).unwrap()[1]["elements"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let other = Notice {
            event: "input_awaited",
            ..notice("it asks")
        };
        assert_eq!(asking(&other), None, "no button answers a question");
    }

    #[test]
    fn no_text_is_longer_than_slack_takes() {
        let blocks = asking(&notice(&"&".repeat(5_000))).unwrap();
        let text = blocks[0]["text"]["text"].as_str().unwrap();
        assert!(text.ends_with("&amp;…"), "{text}");
        assert!((2_000..3_000).contains(&text.chars().count()));
    }

    #[test]
    fn what_was_answered_has_no_button() {
        let shown = settled("acme/shop#12 waits: <b>", "Approved by <@U012AB3CD>");
        assert_eq!(
            shown["blocks"][0]["text"]["text"],
            "acme/shop#12 waits: &lt;b&gt;"
        );
        assert!(!shown.to_string().contains("button"), "{shown}");
        assert_eq!(settled("", "x")["blocks"].as_array().unwrap().len(), 1);
    }
}
