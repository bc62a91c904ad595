//! One line of an agent's raw output as a person reads it. Pure; bounded; printable.
//!
//! Claude Code's stream-json is understood (<https://code.claude.com/docs/en/headless>), anything else is shown as it is.

use crate::adapters::process::lines::Line;
use crate::rules::money::Usd;
use crate::rules::printable::{clip, printable_lines};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// A tool's answer is shown up to so many lines, and every text up to so many characters.
const ANSWER_LINES: usize = 12;
const ANSWER: usize = 2_000;
const TEXT: usize = 20_000;
const CALL: usize = 160;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The agent, to us.
    Agent,
    /// The agent, to itself.
    Thought,
    /// The agent, to a tool.
    Call,
    /// A tool.
    Answer,
    /// We, to the agent.
    User,
    /// The run: its start and its end.
    Run,
    /// Nobody we understand.
    Raw,
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub who: Speaker,
    /// What, in printable lines.
    pub text: String,
}

impl Said {
    fn new(who: Speaker, text: &str, most: usize) -> Self {
        // Cut before it is cleaned, so that a line of any length costs little; cleaning never makes it much longer.
        let end = text
            .char_indices()
            .nth(most)
            .map_or(text.len(), |(at, _)| at);
        let mut clean = printable_lines(&text[..end]).trim_end().to_owned();
        if end < text.len() {
            clean.push_str(" […]");
        }
        Self { who, text: clean }
    }

    /// Its lines, marked by who speaks.
    #[must_use]
    pub fn lines(&self) -> String {
        let (first, rest) = match self.who {
            Speaker::Agent | Speaker::Raw => ("", ""),
            Speaker::Thought => ("~ ", "  "),
            Speaker::Call => ("> ", "  "),
            Speaker::Answer => ("    ", "    "),
            Speaker::User => ("| ", "| "),
            Speaker::Run => ("-- ", "   "),
        };
        let mut lines = String::new();
        for (number, line) in self.text.lines().enumerate() {
            let mark = if number == 0 { first } else { rest };
            let _ = writeln!(lines, "{mark}{line}");
        }
        lines
    }
}

/// What a line of output says; nothing where it is of no interest to a person.
#[must_use]
pub fn said(line: Line<'_>) -> Vec<Said> {
    let text = String::from_utf8_lossy(line.text);
    let message: Value = serde_json::from_str(&text).unwrap_or_default();
    let said = match message["type"].as_str() {
        Some("autoissue_run") => vec![begin(&message)],
        Some("assistant") => blocks(&message, Speaker::Agent),
        Some("user") => blocks(&message, Speaker::User),
        Some("result") => vec![end(&message)],
        Some("system") if message["subtype"] == "init" => {
            let model = message["model"].as_str().unwrap_or("unknown");
            vec![Said::new(Speaker::Run, &format!("model {model}"), CALL)]
        }
        Some(_) => vec![],
        None => vec![Said::new(Speaker::Raw, &text, TEXT)],
    };
    said.into_iter()
        .filter(|said| !said.text.is_empty())
        .collect()
}

fn begin(message: &Value) -> Said {
    let how = if message["resumed"] == true {
        "goes on"
    } else {
        "begins"
    };
    let cap = message["cap"].as_u64().map(Usd::from_micros);
    let cap = cap.map(|cap| format!(", up to {cap}")).unwrap_or_default();
    Said::new(Speaker::Run, &format!("the conversation {how}{cap}"), CALL)
}

fn end(message: &Value) -> Said {
    let mut text = message["subtype"].as_str().unwrap_or("ended").to_owned();
    if let Some(turns) = message["num_turns"].as_u64() {
        let _ = write!(text, ", {turns} turns");
    }
    if let Some(cost) = message["total_cost_usd"]
        .as_f64()
        .and_then(Usd::from_dollars)
    {
        let _ = write!(text, ", {cost}");
    }
    let wrong = message["is_error"] == true;
    if let Some(result) = message["result"].as_str().filter(|_| wrong) {
        let _ = write!(text, ": {result}");
    }
    Said::new(Speaker::Run, &text, ANSWER)
}

fn blocks(message: &Value, who: Speaker) -> Vec<Said> {
    match &message["message"]["content"] {
        Value::String(text) => vec![Said::new(who, text, TEXT)],
        Value::Array(blocks) => blocks.iter().filter_map(|each| block(each, who)).collect(),
        _ => vec![],
    }
}

fn block(block: &Value, who: Speaker) -> Option<Said> {
    match block["type"].as_str()? {
        "text" => Some(Said::new(who, block["text"].as_str()?, TEXT)),
        "thinking" => Some(Said::new(
            Speaker::Thought,
            block["thinking"].as_str()?,
            TEXT,
        )),
        "tool_use" => Some(call(block)),
        "tool_result" => Some(answer(block)),
        _ => None,
    }
}

/// The tool, and the input that tells most about the call.
fn call(block: &Value) -> Said {
    const TELLING: [&str; 7] = [
        "command",
        "file_path",
        "notebook_path",
        "pattern",
        "url",
        "query",
        "description",
    ];
    let name = block["name"].as_str().unwrap_or("a tool");
    let input = &block["input"];
    let told = TELLING.iter().find_map(|key| input[*key].as_str());
    let input = told.map_or_else(|| input.to_string(), str::to_owned);
    Said::new(Speaker::Call, &clip(&format!("{name} {input}"), CALL), CALL)
}

fn answer(block: &Value) -> Said {
    let text = match &block["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    };
    let total = text.lines().count();
    let mut shown: Vec<&str> = text.lines().take(ANSWER_LINES).collect();
    let more = format!("[{} more lines]", total.saturating_sub(ANSWER_LINES));
    if total > ANSWER_LINES {
        shown.push(&more);
    }
    let failed = if block["is_error"] == true {
        "error: "
    } else {
        ""
    };
    Said::new(
        Speaker::Answer,
        &format!("{failed}{}", shown.join("\n")),
        ANSWER,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &[(Speaker, &str)]) {
        let said = said(Line {
            text: line.as_bytes(),
            cut: 0,
        });
        let said: Vec<_> = said
            .iter()
            .map(|said| (said.who, said.text.as_str()))
            .collect();
        assert_eq!(said, expect, "{line}");
    }

    #[test]
    fn the_stream_of_claude_code_reads_like_a_conversation() {
        check(
            r#"{"type":"autoissue_run","resumed":false,"cap":5000000,"directory":"/x"}"#,
            &[(Speaker::Run, "the conversation begins, up to $5.00")],
        );
        check(
            r#"{"type":"system","subtype":"init","model":"claude-opus-5-5","tools":["Bash"]}"#,
            &[(Speaker::Run, "model claude-opus-5-5")],
        );
        check(
            r#"{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"I add it.\nNow."},
               {"type":"tool_use","name":"Bash","input":{"command":"git status","description":"Look"}},
               {"type":"tool_use","name":"Plan","input":{"steps":2}}]}}"#,
            &[
                (Speaker::Thought, "Hm."),
                (Speaker::Agent, "I add it.\nNow."),
                (Speaker::Call, "Bash git status"),
                (Speaker::Call, r#"Plan {"steps":2}"#),
            ],
        );
        check(
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":[{"type":"text","text":"no"}],"is_error":true}]}}"#,
            &[(Speaker::Answer, "error: no")],
        );
        check(
            r#"{"type":"user","message":{"content":"Go on."}}"#,
            &[(Speaker::User, "Go on.")],
        );
        check(
            r#"{"type":"result","subtype":"success","num_turns":3,"total_cost_usd":0.1117,"is_error":false,"result":"Done"}"#,
            &[(Speaker::Run, "success, 3 turns, $0.1117")],
        );
        check(
            r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 401","total_cost_usd":"NaN"}"#,
            &[(Speaker::Run, "success: API Error: 401")],
        );
        check(r#"{"type":"stream_event","event":{}}"#, &[]);
        check(r#"{"type":"assistant","message":{}}"#, &[]);
    }

    #[test]
    fn anything_else_is_shown_as_it_is_without_what_steers_a_terminal() {
        check("plain \u{1b}[31mred", &[(Speaker::Raw, "plain red")]);
        check(r#"{"cost_usd":1}"#, &[(Speaker::Raw, r#"{"cost_usd":1}"#)]);
        check("   ", &[]);
        check(
            "{\"type\":\"assistant\",\"message\":{\"content\":\"\\u001b]0;x\\u0007\\u202ehi\"}}",
            &[(Speaker::Agent, "hi")],
        );
        let said = said(Line {
            text: b"\xff\xfe",
            cut: 9,
        });
        assert_eq!(said[0].text, "\u{fffd}\u{fffd}");
    }

    #[test]
    fn long_answers_are_cut_and_marked() {
        let lines = "a\\n".repeat(40);
        check(
            &format!(
                r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{lines}"}}]}}}}"#
            ),
            &[(
                Speaker::Answer,
                &format!("{}[28 more lines]", "a\n".repeat(12)),
            )],
        );
        let long = "x".repeat(TEXT + 1);
        let said = said(Line {
            text: long.as_bytes(),
            cut: 0,
        });
        assert!(said[0].text.ends_with("x […]"));
        assert_eq!(said[0].text.len(), TEXT + " […]".len());
    }

    #[test]
    fn who_speaks_is_marked_on_every_line() {
        let said = Said::new(Speaker::Call, "Bash a\nb", CALL);
        assert_eq!(said.lines(), "> Bash a\n  b\n");
    }
}
