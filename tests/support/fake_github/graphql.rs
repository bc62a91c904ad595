//! The little of GraphQL that is asked: fields with aliases and arguments, and fragments by type. What GitHub's schema
//! has not is refused in its words.

use super::answer::{Answer, Ask};
use super::show::moment;
use super::state::{Item, State};
use serde_json::{Map, Value, json};

/// One field of a question, or a fragment for one type.
struct Field {
    alias: String,
    name: String,
    on: bool,
    arguments: Vec<(String, String)>,
    fields: Vec<Field>,
}

/// Answers a question; what is wrong with it is told as GitHub does, with status 200.
pub(crate) fn answer(state: &State, ask: &Ask<'_>) -> Answer {
    let text = ask.body["query"].as_str().unwrap_or_default();
    let mut words = words(text).into_iter().peekable();
    let fields = read(&mut words);
    let mut errors = Vec::new();
    let mut data = Map::new();
    for field in &fields {
        let value = match field.name.as_str() {
            "viewer" => project(&json!({ "login": state.login }), "User", field, &mut errors),
            "repository" => repository(state, field, &mut errors),
            name => unknown(name, "Query", &mut errors),
        };
        data.insert(field.alias.clone(), value);
    }
    let mut body = json!({ "data": data });
    if !errors.is_empty() {
        body["errors"] = errors
            .into_iter()
            .map(|message| json!({ "message": message }))
            .collect();
    }
    Answer {
        status: 200,
        body,
        ..Answer::default()
    }
}

fn repository(state: &State, field: &Field, errors: &mut Vec<String>) -> Value {
    let named = format!("{}/{}", field.argument("owner"), field.argument("name"));
    if !named.eq_ignore_ascii_case(&state.project) {
        errors.push(format!(
            "Could not resolve to a Repository with the name '{named}'."
        ));
        return Value::Null;
    }
    let mut found = Map::new();
    for field in &field.fields {
        let number: u64 = field.argument("number").parse().unwrap_or_default();
        let item = state.items.get(&number).filter(|item| item.pull.is_none());
        let value = match (field.name.as_str(), item) {
            ("issue", Some(item)) => project(&issue(state, item, field), "Issue", field, errors),
            ("issue", None) => {
                errors.push(format!(
                    "Could not resolve to an Issue with the number of {number}."
                ));
                Value::Null
            }
            (name, _) => unknown(name, "Repository", errors),
        };
        found.insert(field.alias.clone(), value);
    }
    found.into()
}

fn issue(state: &State, item: &Item, asked: &Field) -> Value {
    let kinds = asked
        .fields
        .iter()
        .find(|field| field.name == "timelineItems");
    let kinds = kinds
        .map(|field| field.argument("itemTypes"))
        .unwrap_or_default();
    let marks = item.marks.iter().filter_map(|mark| {
        let (kind, asked_as) = match mark.label {
            Some(_) => ("LabeledEvent", "LABELED_EVENT"),
            None => ("RenamedTitleEvent", "RENAMED_TITLE_EVENT"),
        };
        let label = mark.label.as_ref().map(|name| json!({ "__typename": "Label", "name": name }));
        kinds.contains(asked_as).then(|| {
            json!({
                "__typename": kind, "createdAt": moment(mark.at), "actor": actor(state, &mark.by), "label": label,
            })
        })
    });
    json!({
        "author": actor(state, &item.author),
        "editor": item.edited.as_ref().map(|(by, _)| actor(state, by)),
        "lastEditedAt": item.edited.as_ref().map(|(_, at)| moment(*at)),
        "timelineItems": { "__typename": "IssueTimelineItemsConnection", "nodes": marks.collect::<Value>() },
    })
}

/// A bot goes without its `[bot]` here.
fn actor(state: &State, login: &str) -> Value {
    if state.gone.contains(login) {
        return Value::Null;
    }
    match login.strip_suffix("[bot]") {
        Some(name) => json!({ "__typename": "Bot", "login": name }),
        None => json!({ "__typename": "User", "login": login }),
    }
}

/// Of a value what is asked.
fn project(value: &Value, kind: &str, asked: &Field, errors: &mut Vec<String>) -> Value {
    let of = |value: &Value, errors: &mut Vec<String>| {
        let kind = value["__typename"].as_str().unwrap_or(kind).to_owned();
        let mut found = Map::new();
        for field in &asked.fields {
            if field.on {
                if field.name == kind {
                    let Value::Object(more) = project(value, &kind, field, errors) else {
                        continue;
                    };
                    found.extend(more);
                }
            } else if let Some(part) = value.get(&field.name) {
                found.insert(field.alias.clone(), project(part, "", field, errors));
            } else {
                unknown(&field.name, &kind, errors);
            }
        }
        Value::Object(found)
    };
    match value {
        Value::Array(all) => all.iter().map(|one| of(one, errors)).collect(),
        Value::Object(_) => of(value, errors),
        other => other.clone(),
    }
}

fn unknown(name: &str, kind: &str, errors: &mut Vec<String>) -> Value {
    errors.push(format!("Field '{name}' doesn't exist on type '{kind}'"));
    Value::Null
}

impl Field {
    fn argument(&self, name: &str) -> String {
        let found = self.arguments.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

fn words(text: &str) -> Vec<String> {
    let spaced = text.chars().fold(String::new(), |mut spaced, char| {
        if "{}()[]:,".contains(char) {
            spaced.extend([' ', char, ' ']);
        } else {
            spaced.push(char);
        }
        spaced
    });
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// A selection: `{` and its fields up to `}`.
fn read(words: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> Vec<Field> {
    let mut fields = Vec::new();
    assert_eq!(words.next().as_deref(), Some("{"), "a selection begins");
    while let Some(word) = words.next() {
        if word == "}" {
            break;
        }
        let on = word == "..." && words.next().as_deref() == Some("on");
        let mut name = if on { words.next().unwrap() } else { word };
        let alias = name.clone();
        if words.next_if(|word| word == ":").is_some() {
            name = words.next().unwrap();
        }
        let mut arguments = Vec::new();
        if words.next_if(|word| word == "(").is_some() {
            let all: Vec<String> = words.by_ref().take_while(|word| word != ")").collect();
            let all = all.join(" ");
            for part in all.split(" , ").filter(|part| part.contains(" : ")) {
                let (name, value) = part.split_once(" : ").unwrap();
                arguments.push((
                    name.trim().to_owned(),
                    value.trim_matches(['"', ' ']).to_owned(),
                ));
            }
            // A list has commas of its own.
            if let Some((_, list)) = all.split_once("itemTypes : [") {
                arguments.retain(|(name, _)| name != "itemTypes");
                arguments.push(("itemTypes".into(), list.to_owned()));
            }
        }
        let has_fields = words.peek().is_some_and(|word| word == "{");
        let inner = if has_fields { read(words) } else { Vec::new() };
        fields.push(Field {
            alias,
            name,
            on,
            arguments,
            fields: inner,
        });
    }
    fields
}
