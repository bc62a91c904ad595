//! GraphQL as GitHub answers it: what the schema has and the fake does not know is refused in GitHub's words.

use super::answer::{Answer, Ask};
use super::grammar::{Question, argument};
use super::mutations;
use super::reviews::Remark;
use super::show::moment;
use super::state::{Item, State, closed_by};
use graphql_tools::static_graphql::query::{Field, Selection, SelectionSet};
use serde_json::{Map, Value, json};

/// Answers a question or does a change; what is wrong with it is told as GitHub does, with status 200.
pub(crate) fn answer(state: &mut State, ask: &Ask<'_>) -> Answer {
    let body = match Question::read(ask.body) {
        Err(problems) => json!({ "errors": told(problems) }),
        Ok(question) if question.is_mutation() => mutations::answer(state, &question),
        Ok(question) => {
            let mut teller = Teller {
                state,
                api: ask.api,
                question: &question,
                errors: Vec::new(),
            };
            let data = teller.object(&Thing::Root, question.selection());
            let mut body = json!({ "data": data });
            if !teller.errors.is_empty() {
                body["errors"] = told(teller.errors);
            }
            body
        }
    };
    Answer {
        status: 200,
        body,
        ..Answer::default()
    }
}

fn told(messages: Vec<String>) -> Value {
    let errors = messages
        .into_iter()
        .map(|message| json!({ "message": message }));
    errors.collect()
}

/// Something of which fields can be asked.
enum Thing<'a> {
    Root,
    Repository,
    Issue(&'a Item),
    Pull(&'a Item),
    /// A conversation about lines of a pull, by its first comment.
    Thread(&'a Remark),
    /// An object without arguments, with its `__typename`.
    Plain(Value),
}

struct Teller<'a> {
    state: &'a State,
    api: &'a str,
    question: &'a Question,
    errors: Vec<String>,
}

impl<'a> Teller<'a> {
    /// Of a thing what is asked.
    fn object(&mut self, thing: &Thing<'a>, set: &SelectionSet) -> Value {
        let mut found = Map::new();
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    let alias = field.alias.as_ref().unwrap_or(&field.name);
                    let value = match field.name.as_str() {
                        "__typename" => thing.kind().into(),
                        _ => self.field(thing, field),
                    };
                    found.insert(alias.clone(), value);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.type_condition.as_ref().map(AsRef::as_ref);
                    if on.is_none_or(|on: &String| *on == thing.kind())
                        && let Value::Object(more) = self.object(thing, &fragment.selection_set)
                    {
                        found.extend(more);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.fragment_name;
                    self.errors
                        .push(format!("the fake does not know the fragment {name}"));
                }
            }
        }
        found.into()
    }

    fn field(&mut self, thing: &Thing<'a>, field: &Field) -> Value {
        match thing {
            Thing::Root => self.of_root(field),
            Thing::Repository => self.of_repository(field),
            Thing::Issue(item) => self.of_issue(item, field),
            Thing::Pull(item) => self.of_pull(item, field),
            Thing::Thread(first) => self.of_thread(first, field),
            Thing::Plain(value) => match &value[&field.name] {
                inner @ Value::Object(_) => {
                    self.object(&Thing::Plain(inner.clone()), &field.selection_set)
                }
                leaf => leaf.clone(),
            },
        }
    }

    fn of_root(&mut self, field: &Field) -> Value {
        match field.name.as_str() {
            "viewer" => {
                let own = json!({ "__typename": "User", "login": self.state.login });
                self.object(&Thing::Plain(own), &field.selection_set)
            }
            "repository" => {
                let text = |name| {
                    self.argument(field, name)
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                let named = format!("{}/{}", text("owner"), text("name"));
                // Those that were renamed are found by their old names, too.
                let own = self.state.old_names.iter().chain([&self.state.project]);
                if own
                    .into_iter()
                    .any(|name| name.eq_ignore_ascii_case(&named))
                {
                    return self.object(&Thing::Repository, &field.selection_set);
                }
                self.errors.push(format!(
                    "Could not resolve to a Repository with the name '{named}'."
                ));
                Value::Null
            }
            name => self.unknown(name, "Query"),
        }
    }

    fn of_repository(&mut self, field: &Field) -> Value {
        match field.name.as_str() {
            "hasIssuesEnabled" => (!self.state.issues_disabled).into(),
            "nameWithOwner" => self.state.project.clone().into(),
            "issue" => {
                let number = self.argument(field, "number").as_u64().unwrap_or_default();
                let item = self
                    .state
                    .items
                    .get(&number)
                    .filter(|item| item.pull.is_none());
                if let Some(item) = item {
                    return self.object(&Thing::Issue(item), &field.selection_set);
                }
                self.errors.push(format!(
                    "Could not resolve to an Issue with the number of {number}."
                ));
                Value::Null
            }
            "issues" => self.issues(field),
            "pullRequest" => {
                let number = self.argument(field, "number").as_u64().unwrap_or_default();
                let item = self.state.items.get(&number);
                if let Some(item) = item.filter(|item| item.pull.is_some()) {
                    return self.object(&Thing::Pull(item), &field.selection_set);
                }
                self.errors.push(format!(
                    "Could not resolve to a PullRequest with the number of {number}."
                ));
                Value::Null
            }
            name => self.unknown(name, "Repository"),
        }
    }

    fn of_pull(&mut self, item: &'a Item, field: &Field) -> Value {
        let state = self.state;
        match field.name.as_str() {
            "number" => item.number.into(),
            "url" => self.page(item).into(),
            "state" => match item.pull.as_ref().and_then(|pull| pull.merged.as_ref()) {
                Some(_) => "MERGED".into(),
                None => word(item.open).into(),
            },
            "repository" => self.object(&Thing::Repository, &field.selection_set),
            "mergeQueueEntry" => match state.merging.entry(item.number) {
                Value::Null => Value::Null,
                entry => self.object(&Thing::Plain(entry), &field.selection_set),
            },
            "timelineItems" => {
                let kinds = self.argument(field, "itemTypes");
                let steps = state.merging.timeline(item.number, &kinds);
                self.list(steps.into_iter().map(Thing::Plain).collect(), field)
            }
            "reviewThreads" => {
                let remarks = state.reviews.remarks.iter();
                let firsts = remarks.filter(|it| it.pull == item.number && it.reply_to.is_none());
                self.list(firsts.map(Thing::Thread).collect(), field)
            }
            name => self.unknown(name, "PullRequest"),
        }
    }

    fn of_thread(&mut self, first: &'a Remark, field: &Field) -> Value {
        let state = self.state;
        match field.name.as_str() {
            "isResolved" => state.reviews.resolved.contains(&first.id).into(),
            "comments" => {
                let remarks = state.reviews.remarks.iter();
                let own = remarks.filter(|it| it.id == first.id || it.reply_to == Some(first.id));
                let comment = |it: &Remark| {
                    let id = it.id.to_string();
                    Thing::Plain(
                        json!({ "__typename": "PullRequestReviewComment", "fullDatabaseId": id }),
                    )
                };
                self.list(own.map(comment).collect(), field)
            }
            name => self.unknown(name, "PullRequestReviewThread"),
        }
    }

    /// Pulls are not among them; the labels that are asked for are alternatives.
    fn issues(&mut self, field: &Field) -> Value {
        let states = self.argument(field, "states");
        let labels = self.argument(field, "labels");
        let labels: Option<Vec<String>> = labels.as_array().map(|labels| {
            let names = labels.iter().filter_map(Value::as_str);
            names.map(str::to_lowercase).collect()
        });
        let is_on = !self.state.issues_disabled;
        let is_wanted = |item: &&Item| {
            let is_state = states
                .as_array()
                .is_none_or(|all| all.contains(&word(item.open).into()));
            let is_labelled = labels.as_ref().is_none_or(|labels| {
                let mut own = item.labels.iter();
                own.any(|label| labels.contains(&label.to_lowercase()))
            });
            is_on && item.pull.is_none() && is_state && is_labelled
        };
        let mut items: Vec<&Item> = self.state.items.values().filter(is_wanted).collect();
        let order = self.argument(field, "orderBy");
        if order["field"] == "UPDATED_AT" {
            items.sort_by_key(|item| item.updated);
        }
        if order["direction"] == "DESC" {
            items.reverse();
        }
        self.list(items.into_iter().map(Thing::Issue).collect(), field)
    }

    fn of_issue(&mut self, item: &'a Item, field: &Field) -> Value {
        let state = self.state;
        let others = |numbers: &[u64]| {
            let found = numbers.iter().filter_map(|number| state.items.get(number));
            found.map(Thing::Issue).collect::<Vec<_>>()
        };
        let named = |kind: &str, names: Vec<String>, key: &str| {
            let things = names.into_iter();
            let things = things.map(|name| Thing::Plain(json!({ "__typename": kind, key: name })));
            things.collect::<Vec<_>>()
        };
        match field.name.as_str() {
            "assignees" => self.list(named("User", item.assignees.clone(), "login"), field),
            "labels" => self.list(named("Label", item.labels.clone(), "name"), field),
            "blockedBy" => self.list(others(&item.blocked_by), field),
            "subIssues" => self.list(others(&item.parts), field),
            "closedByPullRequestsReferences" => {
                let pulls = state.items.values().filter(|pull| {
                    let text = pull.body.as_deref().unwrap_or_default();
                    pull.pull.is_some() && pull.open && closed_by(text).contains(&item.number)
                });
                self.list(pulls.map(Thing::Pull).collect(), field)
            }
            "timelineItems" => {
                let marks = self.marks(item, field);
                self.list(marks, field)
            }
            "parent" => {
                let mut items = state.items.values();
                match items.find(|other| other.parts.contains(&item.number)) {
                    Some(parent) => self.object(&Thing::Issue(parent), &field.selection_set),
                    None => Value::Null,
                }
            }
            "repository" => self.object(&Thing::Repository, &field.selection_set),
            _ => {
                let leaf = self.leaf(item, &field.name);
                match leaf {
                    Some(inner @ Value::Object(_)) => {
                        self.object(&Thing::Plain(inner), &field.selection_set)
                    }
                    Some(leaf) => leaf,
                    None => self.unknown(&field.name, "Issue"),
                }
            }
        }
    }

    fn leaf(&self, item: &Item, name: &str) -> Option<Value> {
        let state = self.state;
        Some(match name {
            "author" => actor(state, &item.author),
            "body" => item.body.clone().unwrap_or_default().into(),
            "createdAt" => moment(item.created).into(),
            "databaseId" => item.id.into(),
            "editor" => item.edited.as_ref().map_or(Value::Null, |(by, _)| actor(state, by)),
            "lastEditedAt" => item.edited.as_ref().map(|(_, at)| moment(*at)).into(),
            "locked" => item.locked.into(),
            "milestone" => item.milestone.map_or(Value::Null, |number| {
                json!({ "__typename": "Milestone", "number": number, "title": format!("v{number}") })
            }),
            "number" => item.number.into(),
            "state" => word(item.open).into(),
            "stateReason" if item.open => Value::Null,
            "stateReason" => "COMPLETED".into(),
            "subIssuesSummary" => {
                let parts = item.parts.iter().filter_map(|part| state.items.get(part));
                let done = parts.filter(|part| !part.open).count();
                json!({ "__typename": "SubIssuesSummary", "total": item.parts.len(), "completed": done })
            }
            "title" => item.title.clone().into(),
            "updatedAt" => moment(item.updated).into(),
            "url" => self.page(item).into(),
            _ => return None,
        })
    }

    fn marks(&self, item: &'a Item, field: &Field) -> Vec<Thing<'a>> {
        let kinds = self.argument(field, "itemTypes");
        let marks = item.marks.iter().filter_map(|mark| {
            let (kind, asked_as) = match mark.label {
                Some(_) => ("LabeledEvent", "LABELED_EVENT"),
                None => ("RenamedTitleEvent", "RENAMED_TITLE_EVENT"),
            };
            let label = mark.label.as_ref();
            let label = label.map(|name| json!({ "__typename": "Label", "name": name }));
            let is_asked = kinds.as_array().is_none_or(|all| all.contains(&asked_as.into()));
            is_asked.then(|| {
                Thing::Plain(json!({
                    "__typename": kind, "createdAt": moment(mark.at), "actor": actor(self.state, &mark.by), "label": label,
                }))
            })
        });
        marks.collect()
    }

    /// A page of a list: those after the cursor, or the last ones.
    fn list(&mut self, things: Vec<Thing<'a>>, field: &Field) -> Value {
        let total = things.len();
        let number = |name| {
            self.argument(field, name)
                .as_u64()
                .and_then(|it| usize::try_from(it).ok())
        };
        let after = self.argument(field, "after");
        let after = after
            .as_str()
            .and_then(|cursor| cursor.strip_prefix("cursor:")?.parse().ok());
        let from = match number("last") {
            Some(last) => total.saturating_sub(last),
            None => after.unwrap_or(0).min(total),
        };
        let to = number("first").map_or(total, |first| (from + first).min(total));
        let page: Vec<Thing<'a>> = things.into_iter().skip(from).take(to - from).collect();
        let mut found = Map::new();
        for selection in &field.selection_set.items {
            let Selection::Field(asked) = selection else {
                continue;
            };
            let set = &asked.selection_set;
            let value = match asked.name.as_str() {
                "nodes" => page.iter().map(|thing| self.object(thing, set)).collect(),
                "totalCount" => total.into(),
                "pageInfo" => {
                    let cursor = (to > from).then(|| format!("cursor:{to}"));
                    let info = json!({ "__typename": "PageInfo", "hasNextPage": to < total, "endCursor": cursor });
                    self.object(&Thing::Plain(info), set)
                }
                name => self.unknown(name, &field.name),
            };
            found.insert(asked.alias.as_ref().unwrap_or(&asked.name).clone(), value);
        }
        found.into()
    }

    fn argument(&self, field: &Field, name: &str) -> Value {
        argument(&field.arguments, name, &self.question.variables).unwrap_or_default()
    }

    fn page(&self, item: &Item) -> String {
        let kind = if item.pull.is_some() {
            "pull"
        } else {
            "issues"
        };
        format!("{}/{}/{kind}/{}", self.api, self.state.project, item.number)
    }

    fn unknown(&mut self, name: &str, kind: &str) -> Value {
        self.errors
            .push(format!("the fake does not know {name} of {kind}"));
        Value::Null
    }
}

impl Thing<'_> {
    fn kind(&self) -> String {
        match self {
            Self::Root => "Query".to_owned(),
            Self::Repository => "Repository".to_owned(),
            Self::Issue(_) => "Issue".to_owned(),
            Self::Pull(_) => "PullRequest".to_owned(),
            Self::Thread(_) => "PullRequestReviewThread".to_owned(),
            Self::Plain(value) => value["__typename"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

fn word(open: bool) -> &'static str {
    if open { "OPEN" } else { "CLOSED" }
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
