//! Reads plans: files strictly, planners' answers leniently, and both with every fault that their shape has.

use crate::rules::plan::check::Fault;
use crate::rules::plan::shape::{Complexity, Plan, PlanDomain, PlanItem, VERSION};
use crate::rules::printable::clip;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Places in a text that are tried for the beginning of a JSON object.
const TRIES: usize = 200;
/// Minutes that are read as they are; whatever is above is refused by the check.
const MINUTES: f64 = 1e9;
const ITEM_FIELDS: [&str; 10] = [
    "key",
    "title",
    "body",
    "acceptance",
    "domain",
    "labels",
    "complexity",
    "files",
    "depends_on",
    "estimate_minutes",
];

/// The plan in the text of a file.
///
/// # Errors
/// Everything that is wrong with its shape.
pub fn file(text: &str) -> Result<Plan, Vec<Fault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = serde_json::from_str(text)
        .map_err(|error| vec![Fault::of_plan(format!("is no JSON: {error}"))])?;
    plan(&value, None)
}

/// The plan in a planner's answer: JSON, JSON in a fence, or JSON in prose. The directive is the one that was asked for,
/// whatever the answer makes of it.
///
/// # Errors
/// Everything that is wrong with its shape.
pub fn answer(text: &str, directive: &str) -> Result<Plan, Vec<Fault>> {
    let value = object_in(text).ok_or_else(|| {
        let said = clip(text.trim(), 80);
        vec![Fault::of_plan(format!(
            "there is no JSON object with `items` in the answer, which begins {said:?}"
        ))]
    })?;
    plan(&value, Some(directive))
}

/// The first JSON object with `items` in a text.
fn object_in(text: &str) -> Option<Value> {
    let is_plan = |value: &Value| value.get("items").is_some();
    let starts = text.match_indices('{').map(|(at, _)| at);
    let mut behind = 0;
    for at in starts.take(TRIES) {
        if at < behind {
            continue;
        }
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) if is_plan(&value) => return Some(value),
            Some(Ok(value)) => {
                // Some wrap their answer: {"plan": {...}}.
                let inner = value
                    .as_object()
                    .and_then(|it| it.values().find(|it| is_plan(it)));
                if let Some(inner) = inner {
                    return Some(inner.clone());
                }
                behind = at + values.byte_offset();
            }
            Some(Err(_)) | None => {}
        }
    }
    None
}

fn plan(value: &Value, asked: Option<&str>) -> Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    let Some(fields) = value.as_object() else {
        return Err(vec![Fault::of_plan("is no JSON object")]);
    };
    let mut tell = |problem: String| faults.push(Fault::of_plan(problem));
    tell_unknown(
        fields,
        &["version", "directive", "items", "$schema"],
        &mut tell,
    );
    let version = match fields.get("version") {
        None if asked.is_some() => VERSION,
        None => {
            tell("has no `version`".to_owned());
            VERSION
        }
        Some(version) => version
            .as_u64()
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or_else(|| {
                tell(format!("its `version` is no version: {}", shown(version)));
                VERSION
            }),
    };
    let directive = match asked {
        Some(asked) => asked.to_owned(),
        None => text(fields, "directive", &mut tell),
    };
    let items = match fields.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(other) => {
            tell(format!("its `items` is no list: {}", shown(other)));
            &[]
        }
        None => {
            tell("has no `items`".to_owned());
            &[]
        }
    };
    let items = items.iter().enumerate();
    let items = items
        .map(|(place, value)| item(place, value, &mut faults))
        .collect();
    if faults.is_empty() {
        Ok(Plan {
            version,
            directive,
            items,
        })
    } else {
        Err(faults)
    }
}

fn item(place: usize, value: &Value, faults: &mut Vec<Fault>) -> PlanItem {
    let empty = Map::new();
    let fields = value.as_object().unwrap_or(&empty);
    let key = fields
        .get("key")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim();
    let mut tell = |problem: String| faults.push(Fault::of_item(place, key, problem));
    if !value.is_object() {
        tell(format!("is no object: {}", shown(value)));
        return blank(String::new());
    }
    tell_unknown(fields, &ITEM_FIELDS, &mut tell);
    PlanItem {
        key: text(fields, "key", &mut tell).trim().to_owned(),
        title: text(fields, "title", &mut tell).trim().to_owned(),
        body: text(fields, "body", &mut tell),
        acceptance: texts(fields, "acceptance", &mut tell),
        domain: word(fields, "domain", &mut tell).unwrap_or_default(),
        labels: texts(fields, "labels", &mut tell),
        complexity: word(fields, "complexity", &mut tell).unwrap_or_default(),
        files: texts(fields, "files", &mut tell),
        depends_on: texts(fields, "depends_on", &mut tell),
        estimate_minutes: minutes(fields, &mut tell),
    }
}

fn blank(key: String) -> PlanItem {
    PlanItem {
        key,
        title: String::new(),
        body: String::new(),
        acceptance: Vec::new(),
        domain: PlanDomain::Unknown,
        labels: Vec::new(),
        complexity: Complexity::Medium,
        files: Vec::new(),
        depends_on: Vec::new(),
        estimate_minutes: 0,
    }
}

fn tell_unknown(fields: &Map<String, Value>, known: &[&str], tell: &mut impl FnMut(String)) {
    for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
        tell(format!("has an unknown field {:?}", clip(name, 40)));
    }
}

/// A field that holds a text; one that is missing is as good as an empty one, which the check refuses.
fn text(fields: &Map<String, Value>, name: &str, tell: &mut impl FnMut(String)) -> String {
    match fields.get(name) {
        Some(Value::String(text)) => text.clone(),
        None => {
            tell(format!("has no `{name}`"));
            String::new()
        }
        Some(other) => {
            tell(format!("its `{name}` is no text: {}", shown(other)));
            String::new()
        }
    }
}

/// A list of texts; none where it is left out.
fn texts(fields: &Map<String, Value>, name: &str, tell: &mut impl FnMut(String)) -> Vec<String> {
    match fields.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entries)) => {
            if let Some(odd) = entries.iter().find(|entry| !entry.is_string()) {
                tell(format!("`{name}` holds what is no text: {}", shown(odd)));
            }
            let texts = entries.iter().filter_map(Value::as_str);
            texts.map(|text| text.trim().to_owned()).collect()
        }
        Some(other) => {
            tell(format!("its `{name}` is no list: {}", shown(other)));
            Vec::new()
        }
    }
}

/// A field that holds one of a few words.
fn word<T: DeserializeOwned>(
    fields: &Map<String, Value>,
    name: &str,
    tell: &mut impl FnMut(String),
) -> Option<T> {
    let Some(value) = fields.get(name) else {
        tell(format!("has no `{name}`"));
        return None;
    };
    let lower = value
        .as_str()
        .map(|word| Value::from(word.trim().to_lowercase()));
    let read = serde_json::from_value(lower.unwrap_or(Value::Null));
    read.inspect_err(|_| tell(format!("its `{name}` is not known: {}", shown(value))))
        .ok()
}

/// Whole minutes, rounded up. What is no number, or none that anybody means, is told.
fn minutes(fields: &Map<String, Value>, tell: &mut impl FnMut(String)) -> u32 {
    let Some(value) = fields.get("estimate_minutes") else {
        tell("has no `estimate_minutes`".to_owned());
        return 1;
    };
    let minutes = value.as_f64();
    let minutes = minutes.filter(|minutes| (0.0..MINUTES).contains(minutes));
    let Some(minutes) = minutes else {
        tell(format!(
            "its `estimate_minutes` is no number of minutes: {}",
            shown(value)
        ));
        return 1;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a billion"
    )]
    let minutes = minutes.ceil() as u32;
    minutes
}

fn shown(value: &Value) -> String {
    clip(&value.to_string(), 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::plan::shape::tests::{item, plan as sample};
    use proptest::prelude::*;

    #[test]
    fn an_answer_may_be_json_or_fenced_or_in_prose() {
        let expected = sample(vec![item("a", &[]), item("b", &["a"])]);
        let json = expected.written();
        let check =
            |text: &str| assert_eq!(answer(text, "Build it").as_ref(), Ok(&expected), "{text}");
        check(&json);
        check(&format!(
            "Here is the plan {{sic}}:\n```json\n{json}```\nThat is all."
        ));
        check(&format!(
            "I thought of {{\"a\": 1}} first. {json} And {{more}}."
        ));
        check(&format!("{{\"plan\": {json}}}"));
        let own_words = json.replace("Build it", "Something else");
        check(&own_words);
        assert_eq!(file(&json).as_ref(), Ok(&expected));
        assert_eq!(file(&format!("\u{feff}{json}")).as_ref(), Ok(&expected));
    }

    #[test]
    fn prose_alone_is_no_plan() {
        let told = answer("I would begin with the login.", "x").unwrap_err();
        assert_eq!(
            told[0].to_string(),
            "plan: there is no JSON object with `items` in the answer, which begins \"I would begin with the login.\""
        );
        assert!(answer("", "x").is_err());
        assert!(answer(&"{".repeat(100_000), "x").is_err());
        assert!(
            file("not json").unwrap_err()[0]
                .problem
                .starts_with("is no JSON: expected")
        );
    }

    #[test]
    fn every_fault_of_the_shape_is_told() {
        let text = r#"{"version": "1", "directive": 5, "note": 1, "items": [
            7,
            {"key": "a", "title": "T", "body": "B", "acceptance": "yes", "domain": "cooking", "complexity": "hard",
             "estimate_minutes": "NaN", "dependsOn": []},
            {"key": "b", "title": null, "acceptance": [1], "domain": "Backend", "complexity": "simple",
             "estimate_minutes": -3}]}"#;
        let told: Vec<String> = file(text)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        plan: has an unknown field "note"
        plan: its `version` is no version: "1"
        plan: its `directive` is no text: 5
        item 1: is no object: 7
        item "a": has an unknown field "dependsOn"
        item "a": its `acceptance` is no list: "yes"
        item "a": its `domain` is not known: "cooking"
        item "a": its `complexity` is not known: "hard"
        item "a": its `estimate_minutes` is no number of minutes: "NaN"
        item "b": its `title` is no text: null
        item "b": has no `body`
        item "b": `acceptance` holds what is no text: 1
        item "b": its `estimate_minutes` is no number of minutes: -3
        "#);
    }

    #[test]
    fn odd_estimates_are_rounded_or_refused() {
        let read = |minutes: &str| {
            let text = sample(vec![item("a", &[])]).written().replace(
                "\"estimate_minutes\": 10",
                &format!("\"estimate_minutes\": {minutes}"),
            );
            file(&text)
                .map(|plan| plan.items[0].estimate_minutes)
                .map_err(drop)
        };
        assert_eq!(read("12.2"), Ok(13));
        assert_eq!(read("0"), Ok(0), "refused by the check");
        for odd in ["1e308", "null", "-0.5", "NaN", "[]"] {
            assert_eq!(read(odd), Err(()), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(text in "(\\{|\\}|\"items\"|:|\\[|\\]|\"a\"|,|1|ü| )*") {
            drop(answer(&text, "x"));
            drop(file(&text));
        }
    }
}
