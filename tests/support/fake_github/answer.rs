//! Requests taken apart, and answers in GitHub's words.

use super::show::Show;
use super::state::{Item, State};
use serde_json::{Value, json};

/// A request, taken apart.
pub(crate) struct Ask<'a> {
    /// `GET`, `POST`, ...
    pub(crate) method: &'a str,
    /// The path's parts, decoded.
    pub(crate) path: Vec<String>,
    /// What follows the question mark, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The body; `Null` for none.
    pub(crate) body: &'a Value,
    /// Where the API is.
    pub(crate) api: &'a str,
}

/// What is answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Headers on top of the usual ones.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body; `Null` for none.
    pub(crate) body: Value,
    /// The fake does not know what was asked: the test is at fault, or the fake.
    pub(crate) unknown: bool,
}

/// An answer that shows something.
pub(crate) fn shown<'a>(
    state: &'a State,
    ask: &'a Ask<'_>,
    status: u16,
    body: impl FnOnce(&Show<'a>) -> Value,
) -> Answer {
    let show = Show {
        state,
        api: ask.api,
        heads: state.git.heads(),
    };
    Answer {
        status,
        body: body(&show),
        ..Answer::default()
    }
}

/// One page of a list, with links to the others: by database number, so that whoever builds them himself is wrong.
pub(crate) fn page<'a, T>(
    state: &'a State,
    ask: &'a Ask<'_>,
    items: Vec<T>,
    show: impl Fn(&Show<'a>, T) -> Value,
) -> Answer {
    let number = |name, default| {
        ask.get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let size = number("per_page", 30_usize).clamp(1, 100);
    let page = number("page", 1_usize).max(1);
    let last = items.len().div_ceil(size).max(1);
    let mut answer = shown(state, ask, 200, |view| {
        let items = items.into_iter().skip((page - 1) * size).take(size);
        items.map(|item| show(view, item)).collect()
    });
    let link =
        |page: usize, relation| format!("<{}>; rel=\"{relation}\"", ask.page_url(state, page));
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    if !links.is_empty() {
        answer.headers.push(("link", links.join(", ")));
    }
    answer
}

impl Ask<'_> {
    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(own, _)| own == name)?;
        Some(value)
    }

    /// What follows the question mark, with it.
    pub(crate) fn query_text(&self) -> String {
        let pairs: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }

    fn page_url(&self, state: &State, page: usize) -> String {
        let below = self
            .path
            .iter()
            .skip(if self.path[0] == "repos" { 3 } else { 2 });
        let rest = below.fold(String::new(), |path, part| path + "/" + &encoded(part));
        let others = self.query.iter().filter(|(name, _)| name != "page");
        let query = others.fold(String::new(), |query, (name, value)| {
            format!("{query}{}={}&", encoded(name), encoded(value))
        });
        format!(
            "{}/repositories/{}{rest}?{query}page={page}",
            self.api, state.id
        )
    }
}

/// The number in a path, where there is such a thing; else why not.
pub(crate) fn find(
    state: &State,
    number: &str,
    wanted: impl Fn(&Item) -> bool,
) -> Result<u64, Answer> {
    let number: u64 = number.parse().map_err(|_| refusal(404, "Not Found"))?;
    if state.deleted.contains(&number) {
        return Err(refusal(410, "This issue was deleted"));
    }
    if let Some(there) = state.moved.get(&number) {
        let mut answer = refusal(301, "Moved Permanently");
        answer.headers.push((
            "location",
            format!("/repositories/{}/issues/{there}", state.id + 1),
        ));
        return Err(answer);
    }
    match state.items.get(&number) {
        Some(item) if wanted(item) => Ok(number),
        _ => Err(refusal(404, "Not Found")),
    }
}

/// Is it open, or closed, as wanted?
pub(crate) fn in_state(item: &Item, wanted: &str) -> bool {
    wanted == "all" || item.open == (wanted == "open")
}

/// A field of the body that is text.
pub(crate) fn text(ask: &Ask<'_>, field: &str) -> Option<String> {
    ask.body[field].as_str().map(str::to_owned)
}

/// The names in a list of labels, which may be given either way.
pub(crate) fn names(labels: &Value) -> Vec<String> {
    let labels = labels.as_array().into_iter().flatten();
    let names = labels.filter_map(|label| label.as_str().or_else(|| label["name"].as_str()));
    names.map(str::to_owned).collect()
}

/// Refuses what is too long.
pub(crate) fn check_length(
    resource: &str,
    field: &str,
    text: &str,
    most: usize,
) -> Result<(), Answer> {
    if text.chars().count() <= most {
        return Ok(());
    }
    let message = format!("{field} is too long (maximum is {most} characters)");
    Err(invalid(resource, field, "custom", &message))
}

/// A refusal in GitHub's words.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    Answer {
        status,
        body: json!({
            "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string(),
        }),
        ..Answer::default()
    }
}

/// A refusal of one field.
pub(crate) fn invalid(resource: &str, field: &str, code: &str, message: &str) -> Answer {
    let mut error = json!({"resource": resource, "code": code});
    if !field.is_empty() {
        error["field"] = field.into();
    }
    if !message.is_empty() {
        error["message"] = message.into();
    }
    let mut answer = refusal(422, "Validation Failed");
    answer.body["errors"] = json!([error]);
    answer
}

/// The fake does not know it.
pub(crate) fn unknown() -> Answer {
    Answer {
        unknown: true,
        ..refusal(404, "Not Found")
    }
}

/// Text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out + &char::from(byte).to_string()
        } else {
            format!("{out}%{byte:02X}")
        }
    })
}

/// A part of an address as text.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8(digits).unwrap();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
