//! Judges GraphQL by GitHub's published schema, cut by `fixtures/slice_graphql.py`: documents, variables and answers.

use graphql_tools::parser::{parse_query, parse_schema};
use graphql_tools::static_graphql::{query, schema};
use graphql_tools::validation::rules::default_rules_validation_plan;
use graphql_tools::validation::validate::{ValidationPlan, validate};
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<schema::Document> = LazyLock::new(|| {
    let own = include_str!("../../fixtures/github-graphql.graphql");
    // Every schema has these, and so none says it.
    let built_in = ["Boolean", "Float", "ID", "Int", "String"].map(|name| format!("scalar {name}"));
    let whole = format!("{own}\n{}", built_in.join("\n"));
    parse_schema(&whole).unwrap().into_static()
});
static RULES: LazyLock<ValidationPlan> = LazyLock::new(default_rules_validation_plan);
/// The most nodes that GitHub gives of one list.
const MOST: i64 = 100;

/// A question or a change, read.
pub(crate) struct Question {
    /// As it was written.
    pub(crate) document: query::Document,
    /// By name.
    pub(crate) variables: Value,
}

impl Question {
    /// Reads the body of a request. `Err` says what GitHub would not take.
    pub(crate) fn read(body: &Value) -> Result<Self, Vec<String>> {
        let text = body["query"].as_str().unwrap_or_default();
        let document = parse_query::<String>(text).map_err(|error| vec![error.to_string()])?;
        let question = Self {
            document: document.into_static(),
            variables: body["variables"].clone(),
        };
        let found = validate(&SCHEMA, &question.document, &RULES);
        let mut problems: Vec<String> = found.into_iter().map(|error| error.message).collect();
        problems.extend(question.judge_variables());
        problems.extend(question.judge_lists(question.selection()));
        if problems.is_empty() {
            Ok(question)
        } else {
            Err(problems)
        }
    }

    /// What is asked of the root.
    pub(crate) fn selection(&self) -> &query::SelectionSet {
        self.operation().selection_set()
    }

    /// Does it change anything?
    pub(crate) fn is_mutation(&self) -> bool {
        matches!(self.operation(), query::OperationDefinition::Mutation(_))
    }

    /// What of an answer the schema has not.
    pub(crate) fn judge_answer(&self, answer: &Value) -> Vec<String> {
        let root = if self.is_mutation() {
            "Mutation"
        } else {
            "Query"
        };
        let is_whole = answer["errors"].is_null();
        let mut problems = Vec::new();
        if is_whole || answer["data"].is_object() {
            judge_object(
                &answer["data"],
                root,
                self.selection(),
                is_whole,
                &mut problems,
            );
        }
        problems
    }

    fn operation(&self) -> &query::OperationDefinition {
        let found = self
            .document
            .definitions
            .iter()
            .find_map(|definition| match definition {
                query::Definition::Operation(operation) => Some(operation),
                query::Definition::Fragment(_) => None,
            });
        found.expect("a document asks something")
    }

    fn judge_variables(&self) -> Vec<String> {
        let declared = self.operation().variable_definitions();
        let wrong = declared.iter().filter(|variable| {
            let value = &self.variables[&variable.name];
            !(fits(value, &variable.var_type)
                || value.is_null() && variable.default_value.is_some())
        });
        let wrong = wrong.map(|variable| {
            let (name, value) = (&variable.name, &self.variables[&variable.name]);
            format!(
                "Variable ${name} cannot be {value}: it is {}",
                variable.var_type
            )
        });
        let given = self.variables.as_object().into_iter().flatten();
        let strange = given.filter(|(name, _)| !declared.iter().any(|it| it.name == **name));
        let strange = strange.map(|(name, _)| format!("Variable ${name} is not declared"));
        wrong.chain(strange).collect()
    }

    /// GitHub wants to know of each list how much of it is wanted.
    fn judge_lists(&self, set: &query::SelectionSet) -> Vec<String> {
        let mut problems = Vec::new();
        for selection in &set.items {
            let inner = match selection {
                query::Selection::Field(field) => {
                    let is_list = field.selection_set.items.iter().any(|item| {
                        matches!(item, query::Selection::Field(field) if field.name == "nodes")
                    });
                    let count = ["first", "last"].iter().find_map(|name| {
                        argument(&field.arguments, name, &self.variables)?.as_i64()
                    });
                    let name = &field.name;
                    match count {
                        None if is_list => problems.push(format!(
                            "You must provide a `first` or `last` value to properly paginate the `{name}` connection."
                        )),
                        Some(count) if is_list && !(1..=MOST).contains(&count) => problems.push(format!(
                            "Requesting {count} records on the `{name}` connection exceeds the `first` limit of {MOST} records."
                        )),
                        None | Some(_) => {}
                    }
                    &field.selection_set
                }
                query::Selection::InlineFragment(fragment) => &fragment.selection_set,
                query::Selection::FragmentSpread(_) => continue,
            };
            problems.extend(self.judge_lists(inner));
        }
        problems
    }
}

/// What an argument says, its variables put in.
pub(crate) fn argument(
    arguments: &[(String, query::Value)],
    name: &str,
    variables: &Value,
) -> Option<Value> {
    let (_, value) = arguments.iter().find(|(own, _)| own == name)?;
    Some(plain(value, variables))
}

fn plain(value: &query::Value, variables: &Value) -> Value {
    match value {
        query::Value::Variable(name) => variables[name].clone(),
        query::Value::Int(number) => number.as_i64().into(),
        query::Value::Float(number) => (*number).into(),
        query::Value::String(text) | query::Value::Enum(text) => text.clone().into(),
        query::Value::Boolean(flag) => (*flag).into(),
        query::Value::Null => Value::Null,
        query::Value::List(all) => all.iter().map(|one| plain(one, variables)).collect(),
        query::Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), plain(value, variables)))
            .collect(),
    }
}

/// May a value stand where this is wanted?
fn fits(value: &Value, kind: &schema::Type) -> bool {
    match kind {
        schema::Type::NonNullType(kind) => !value.is_null() && fits(value, kind),
        _ if value.is_null() => true,
        schema::Type::ListType(kind) => {
            let all = value.as_array();
            all.is_some_and(|all| all.iter().all(|one| fits(one, kind)))
        }
        schema::Type::NamedType(name) => match SCHEMA.type_by_name(name) {
            Some(schema::TypeDefinition::Enum(kind)) => {
                let word = value.as_str();
                kind.values
                    .iter()
                    .any(|one| Some(one.name.as_str()) == word)
            }
            Some(schema::TypeDefinition::InputObject(kind)) => {
                value.as_object().is_some_and(|fields| {
                    let known = |name: &String| kind.fields.iter().any(|field| field.name == *name);
                    let own = |field: &schema::InputValue| {
                        field.default_value.is_some()
                            || fits(&value[&field.name], &field.value_type)
                    };
                    fields.keys().all(known) && kind.fields.iter().all(own)
                })
            }
            Some(_) => is_scalar(value, name),
            None => false,
        },
    }
}

fn is_scalar(value: &Value, name: &str) -> bool {
    match name {
        "Int" => value
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        _ => value.is_string(),
    }
}

fn judge_object(
    value: &Value,
    kind: &str,
    set: &query::SelectionSet,
    is_whole: bool,
    problems: &mut Vec<String>,
) {
    let kind = value["__typename"].as_str().unwrap_or(kind);
    for selection in &set.items {
        match selection {
            query::Selection::Field(field) if field.name == "__typename" => {}
            query::Selection::Field(field) => {
                let alias = field.alias.as_ref().unwrap_or(&field.name);
                let Some(kind) = SCHEMA.type_by_name(kind) else {
                    problems.push(format!("no type is called {kind}"));
                    return;
                };
                let own = kind.field_by_name(&field.name);
                match own {
                    None => problems.push(format!("{} has no {}", kind.name(), field.name)),
                    Some(own) => {
                        let here = format!("{}.{}", kind.name(), field.name);
                        judge_value(
                            (&value[alias], &here),
                            &own.field_type,
                            &field.selection_set,
                            is_whole,
                            problems,
                        );
                    }
                }
            }
            query::Selection::InlineFragment(fragment) => {
                let on = fragment.type_condition.as_ref().map(AsRef::as_ref);
                if on.is_none_or(|on: &String| on == kind) {
                    judge_object(value, kind, &fragment.selection_set, is_whole, problems);
                }
            }
            query::Selection::FragmentSpread(_) => {}
        }
    }
}

fn judge_value(
    (value, here): (&Value, &str),
    kind: &schema::Type,
    set: &query::SelectionSet,
    is_whole: bool,
    problems: &mut Vec<String>,
) {
    match kind {
        schema::Type::NonNullType(kind) => {
            if value.is_null() && is_whole {
                problems.push(format!("{here} is never nothing"));
            }
            judge_value((value, here), kind, set, is_whole, problems);
        }
        _ if value.is_null() => {}
        schema::Type::ListType(kind) => match value.as_array() {
            Some(all) => {
                for one in all {
                    judge_value((one, here), kind, set, is_whole, problems);
                }
            }
            None => problems.push(format!("{here} is a list")),
        },
        schema::Type::NamedType(name) if set.items.is_empty() => {
            if !fits(value, kind) {
                problems.push(format!("{here} cannot be {value}: it is {name}"));
            }
        }
        schema::Type::NamedType(name) => judge_object(value, name, set, is_whole, problems),
    }
}

#[test]
fn an_answer_that_the_schema_has_not_is_seen() {
    let text = "{ viewer { login } repository(owner: \"o\", name: \"r\") { issue(number: 1) { number state } } }";
    let question = Question::read(&serde_json::json!({ "query": text })).ok();
    let question = question.expect("GitHub would take it");
    let check = |data: &str, expect: &[&str]| {
        let answer = serde_json::from_str(data).expect("an answer");
        assert_eq!(question.judge_answer(&answer), expect, "{data}");
    };
    let viewer = r#""viewer": {"login": "me"}"#;
    check(
        &format!(
            r#"{{"data": {{{viewer}, "repository": {{"issue": {{"number": 1, "state": "OPEN"}}}}}}}}"#
        ),
        &[],
    );
    check(
        &format!(r#"{{"data": {{{viewer}, "repository": null}}}}"#),
        &[],
    );
    check(
        &format!(
            r#"{{"data": {{{viewer}, "repository": {{"issue": {{"number": "1", "state": "open"}}}}}}}}"#
        ),
        &[
            "Issue.number cannot be \"1\": it is Int",
            "Issue.state cannot be \"open\": it is IssueState",
        ],
    );
    check(
        r#"{"data": {"repository": null}}"#,
        &["Query.viewer is never nothing"],
    );
    check(r#"{"data": null, "errors": [{"message": "no"}]}"#, &[]);
}
