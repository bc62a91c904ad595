//! The Atlassian Document Format as plain text (<https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>).

use serde_json::Value;

/// Nodes within nodes that are read; what lies deeper is left out.
const DEPTH: usize = 40;

/// What a document says. A text of the older kind stays as it is.
#[must_use]
pub(super) fn text(document: &Value) -> String {
    if let Value::String(text) = document {
        return text.clone();
    }
    let mut said = String::new();
    tell(document, 0, &mut said);
    said.trim().to_owned()
}

fn tell(node: &Value, depth: usize, said: &mut String) {
    if depth > DEPTH {
        return;
    }
    let kind = node["type"].as_str().unwrap_or_default();
    match kind {
        "text" => said.push_str(node["text"].as_str().unwrap_or_default()),
        "hardBreak" => said.push('\n'),
        "mention" | "emoji" | "status" | "date" => {
            let attributes = &node["attrs"];
            let shown = ["text", "shortName", "timestamp"]
                .iter()
                .find_map(|name| attributes[*name].as_str());
            said.push_str(shown.unwrap_or_default());
        }
        "inlineCard" | "blockCard" => {
            said.push_str(node["attrs"]["url"].as_str().unwrap_or_default());
        }
        "codeBlock" => said.push_str("```\n"),
        "listItem" | "taskItem" => said.push_str("- "),
        "heading" => said.push_str("### "),
        _ => {}
    }
    for inner in node["content"].as_array().into_iter().flatten() {
        tell(inner, depth + 1, said);
    }
    match kind {
        "codeBlock" => said.push_str("\n```\n\n"),
        "heading" | "blockCard" => said.push_str("\n\n"),
        "paragraph" => said.push('\n'),
        "bulletList" | "orderedList" | "taskList" | "table" | "panel" | "blockquote" => {
            said.push('\n');
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_becomes_text() {
        let said =
            |text: &str| json!({ "type": "text", "text": text, "marks": [{ "type": "strong" }] });
        let paragraph = |text: &str| json!({ "type": "paragraph", "content": [said(text)] });
        let document = json!({ "type": "doc", "version": 1, "content": [
            { "type": "heading", "attrs": { "level": 1 }, "content": [said("Login")] },
            paragraph("It fails."),
            { "type": "bulletList", "content": [{ "type": "listItem", "content": [paragraph("one")] }] },
            { "type": "codeBlock", "content": [said("boom")] },
            { "type": "paragraph", "content": [{ "type": "mention", "attrs": { "id": "5", "text": "@Ann" } }] },
        ] });
        assert_eq!(
            text(&document),
            "### Login\n\nIt fails.\n- one\n\n```\nboom\n```\n\n@Ann"
        );
        assert_eq!(text(&json!("plain")), "plain");
        assert_eq!(text(&Value::Null), "");
    }

    #[test]
    fn nothing_is_too_deep() {
        let mut node = json!({ "type": "text", "text": "deep" });
        for _ in 0..100 {
            node = json!({ "type": "panel", "content": [node] });
        }
        assert_eq!(text(&node), "");
    }
}
