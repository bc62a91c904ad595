//! A click on a button in Slack: what the buttons carry, and what a click on one asks for.
//!
//! What Slack sends was signed, so it is what somebody did there; who that is decides whether it counts
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use crate::rules::errand::PlanAnswer;
use crate::rules::event::Command;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::printable::clip;
use serde::Deserialize;

/// The name of the button that lets an issue go.
pub const APPROVE: &str = "autoissue_approve";
/// The name of the button that leaves it out.
pub const REJECT: &str = "autoissue_reject";
/// The name of the button that only opens a page; Slack tells of it as well.
pub const OPEN: &str = "autoissue_open";
/// Where Slack takes what is answered to a click.
const HOOKS: &str = "https://hooks.slack.com/";
/// Characters of a message that are shown again.
const TEXT: usize = 600;
/// What a button carries is no longer.
const VALUE: usize = 200;

/// What Slack says somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clicked {
    /// It is an answer.
    Answer(Click),
    /// Nothing that asks for anything.
    Nothing,
}

/// An answer, by a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// Slack's id of who clicked: `U012AB3CD`.
    pub user: String,
    /// The session that waits.
    pub session: SessionId,
    /// The issue that it waits for; nothing where it is a plan.
    pub issue: Option<IssueNumber>,
    /// Is it let go? Else it is left out.
    pub approves: bool,
    /// What the message says, as text; nothing where Slack does not tell.
    pub text: String,
    /// Where Slack wants to be told what came of it.
    pub reply_to: Option<String>,
}

impl Click {
    /// The same as a command for this issue.
    #[must_use]
    pub fn command(&self, issue: IssueNumber) -> Command {
        let reason = None;
        if self.approves {
            Command::Approve { issue }
        } else {
            Command::Reject { issue, reason }
        }
    }

    /// The same as what is said of a plan.
    #[must_use]
    pub fn plan_answer(&self) -> PlanAnswer {
        if self.approves {
            PlanAnswer::CarryOut
        } else {
            PlanAnswer::Drop
        }
    }
}

/// What a button for this issue carries, or for the plan of this session.
#[must_use]
pub fn value(session: &SessionId, issue: Option<IssueNumber>) -> String {
    issue.map_or_else(|| session.to_string(), |issue| format!("{session}{issue}"))
}

/// Reads the `payload` of what Slack sends; nothing where it is none.
#[must_use]
pub fn read(payload: &str) -> Option<Clicked> {
    let payload: Payload = serde_json::from_str(payload).ok()?;
    if payload.kind != "block_actions" {
        return Some(Clicked::Nothing);
    }
    let [action] = &payload.actions[..] else {
        return None;
    };
    let approves = match action.action_id.as_str() {
        APPROVE => true,
        REJECT => false,
        _ => return Some(Clicked::Nothing),
    };
    let user = payload.user.filter(|user| is_user(&user.id))?.id;
    let (session, issue) = carried(action.value.as_deref()?)?;
    let message = payload.message.unwrap_or_default();
    Some(Clicked::Answer(Click {
        user,
        session,
        issue,
        approves,
        text: clip(&unescaped(&message.said()), TEXT),
        reply_to: payload.response_url,
    }))
}

/// Is this how Slack writes whom it knows?
#[must_use]
pub fn is_user(id: &str) -> bool {
    let rest = id.strip_prefix(['U', 'W']).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (2..=30).contains(&rest.len()) && rest.bytes().all(plain)
}

/// May an answer be sent to this address? Only to Slack itself, or to the server that is configured in its place: what
/// somebody can make us ask for must lead nowhere else.
#[must_use]
pub fn may_answer(address: &str, api: &str) -> bool {
    let own = api.find("://").map(|at| {
        let host = api[at + 3..].split(['/', '?', '#']).next();
        format!("{}{}/", &api[..at + 3], host.unwrap_or_default())
    });
    address.starts_with(HOOKS) || own.is_some_and(|own| address.starts_with(&own))
}

fn carried(value: &str) -> Option<(SessionId, Option<IssueNumber>)> {
    let value = Some(value).filter(|value| value.len() <= VALUE)?;
    let (session, issue) = match value.split_once('#') {
        None => (value, None),
        Some((session, issue)) => {
            let is_number = issue.bytes().all(|byte| byte.is_ascii_digit());
            let issue = issue.parse().ok().filter(|_| is_number)?;
            (session, Some(IssueNumber(issue)))
        }
    };
    let is_name = !session.is_empty() && session.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| (SessionId::new(session), issue))
}

/// Slack gives texts back escaped, whether they were sent so or not.
fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    message: Option<Shown>,
    #[serde(default)]
    response_url: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: Option<String>,
}

/// The message that the button stands in.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    blocks: Vec<Block>,
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    text: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Text {
    text: String,
}

impl Shown {
    /// Its first block with a text, which is ours; else what stands for it where there are no blocks.
    fn said(self) -> String {
        let first = self.blocks.into_iter().find_map(|block| block.text);
        first.map_or(self.text, |text| text.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What Slack's documentation shows, shortened.
    fn payload(action: &str, value: &str) -> Value {
        json!({
            "type": "block_actions",
            "team": { "id": "T9TK3CUKW", "domain": "example" },
            "user": { "id": "UA8RXUSPL", "username": "jtorrance", "team_id": "T9TK3CUKW" },
            "api_app_id": "AABA1ABCD", "token": "9s8d9as89d8as9d8as989",
            "container": { "type": "message", "message_ts": "1548261231.000200", "is_ephemeral": false },
            "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
            "channel": { "id": "CBR2V3XEX", "name": "review-updates" },
            "message": {
                "text": "all", "type": "message", "bot_id": "BAH5CA16Z", "ts": "1548261231.000200",
                "blocks": [
                    { "type": "section", "text": { "type": "plain_text", "text": "it &lt;b&gt; &amp;amp; waits" } },
                    { "type": "actions", "elements": [] },
                ],
            },
            "response_url": "https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209",
            "actions": [{
                "action_id": action, "block_id": "=qXel", "type": "button", "value": value,
                "text": { "type": "plain_text", "text": "View" }, "action_ts": "1548426417.840180",
            }],
        })
    }

    fn told(payload: &Value) -> Option<Clicked> {
        read(&payload.to_string())
    }

    fn answer(payload: &Value) -> Click {
        match told(payload) {
            Some(Clicked::Answer(click)) => click,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_click_is_an_answer_of_whoever_clicked() {
        let (session, issue) = (SessionId::new("01K5SHOP"), IssueNumber(12));
        let carried = value(&session, Some(issue));
        assert_eq!(carried, "01K5SHOP#12");
        let click = answer(&payload(APPROVE, &carried));
        assert_eq!((click.session.clone(), click.issue), (session, Some(issue)));
        assert_eq!(
            (click.user.as_str(), click.text.as_str()),
            ("UA8RXUSPL", "it <b> &amp; waits")
        );
        assert_eq!(click.command(issue), Command::Approve { issue });
        let reason = None;
        let rejected = answer(&payload(REJECT, &carried)).command(issue);
        assert_eq!(rejected, Command::Reject { issue, reason });
        let plan = answer(&payload(REJECT, &value(&click.session, None)));
        assert_eq!((plan.issue, plan.plan_answer()), (None, PlanAnswer::Drop));
        let mut old = payload(APPROVE, &carried);
        old["message"] = json!({ "text": "all" });
        assert_eq!(answer(&old).text, "all");
    }

    #[test]
    fn what_asks_for_nothing_does_nothing_and_what_is_none_is_refused() {
        assert_eq!(told(&payload(OPEN, "")), Some(Clicked::Nothing));
        assert_eq!(
            told(&payload("of_another_app", "1#1")),
            Some(Clicked::Nothing)
        );
        let typed = |kind: &str| {
            let mut other = payload(APPROVE, "01K5SHOP#12");
            other["type"] = json!(kind);
            told(&other)
        };
        assert_eq!(typed("view_submission"), Some(Clicked::Nothing));
        for odd in [
            "",
            "#",
            "01K5SHOP#",
            "#12",
            "01K5SHOP#-1",
            "01K5SHOP#+1",
            "01K5SHOP#1 ",
            "01K5/../SHOP#1",
            "01K5SHOP#99999999999999999999",
        ] {
            assert_eq!(told(&payload(APPROVE, odd)), None, "{odd}");
        }
        let long = format!("{}#1", "A".repeat(VALUE));
        assert_eq!(told(&payload(APPROVE, &long)), None);
        let without = |key: &str| {
            let mut less = payload(APPROVE, "01K5SHOP#12");
            less.as_object_mut().unwrap().remove(key);
            told(&less)
        };
        for key in ["type", "user", "actions"] {
            assert_eq!(without(key), None, "{key}");
        }
        for garbage in ["", "{", "[]", "null", "payload", "{\"type\":1}"] {
            assert_eq!(read(garbage), None, "{garbage}");
        }
        let mut both = payload(APPROVE, "01K5SHOP#12");
        let more = both["actions"][0].clone();
        both["actions"].as_array_mut().unwrap().push(more);
        assert_eq!(told(&both), None, "nobody clicks two at once");
    }

    #[test]
    fn an_id_is_one_of_a_person() {
        for id in ["U012AB3CD", "W012AB3CD"] {
            assert!(is_user(id), "{id}");
        }
        for id in [
            "",
            "U",
            "ann",
            "@ann",
            "u012ab3cd",
            "C012AB3CD",
            "U012>AB",
            "*",
        ] {
            assert!(!is_user(id), "{id}");
        }
    }

    #[test]
    fn an_answer_goes_to_slack_and_nowhere_else() {
        let check = |address: &str, api: &str, expect: bool| {
            assert_eq!(may_answer(address, api), expect, "{address} by {api}");
        };
        let usual = "https://slack.com/api";
        check("https://hooks.slack.com/actions/T/1/x", usual, true);
        check("https://slack.com/x", usual, true);
        check("http://127.0.0.1:80/x", "http://127.0.0.1:80/api", true);
        for elsewhere in [
            "http://hooks.slack.com/actions/T/1/x",
            "https://hooks.slack.com.evil.example/x",
            "https://hooks.slack.com@evil.example/x",
            "https://hooks.slack.com:80/x",
            "https://evil.example/https://hooks.slack.com/",
            "https://slack.com.evil.example/",
            "http://127.0.0.1:80/x",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "",
        ] {
            check(elsewhere, usual, false);
        }
        check("http://127.0.0.1:8080/x", "http://127.0.0.1:80/api", false);
        check(
            "http://127.0.0.1:80@evil.example/",
            "http://127.0.0.1:80/api",
            false,
        );
    }
}
