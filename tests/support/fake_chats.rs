//! Slack, Telegram and a webhook on loopback, as strict as their documentation: what it does not name is refused.

use crate::fake_slack::{ACTIONS, answered, post_message};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// Where the fake's incoming webhook of Slack is.
pub(crate) const SLACK_PATH: &str = "/services/T0001/B0001/a1b2c3d4e5f6g7h8";
/// The token of the fake's bot.
pub(crate) const BOT: &str = "4711:AAfake-token_of_a_bot0123456789";
/// The only chat that the bot may write to.
pub(crate) const CHAT: i64 = -100_200_300;

/// Fields of a message to an incoming webhook
/// (<https://docs.slack.dev/reference/messaging/payload>, and unfurling of links).
const SLACK_FIELDS: [&str; 7] = [
    "text",
    "blocks",
    "attachments",
    "thread_ts",
    "mrkdwn",
    "unfurl_links",
    "unfurl_media",
];
/// Parameters of `sendMessage` (<https://core.telegram.org/bots/api#sendmessage>).
const TELEGRAM_FIELDS: [&str; 11] = [
    "business_connection_id",
    "chat_id",
    "message_thread_id",
    "text",
    "parse_mode",
    "entities",
    "link_preview_options",
    "disable_notification",
    "protect_content",
    "reply_parameters",
    "reply_markup",
];

/// What a service does to one request, in place of looking at it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// It wants to be left alone for so many seconds.
    Limited(u64),
    /// It fails.
    Broken,
    /// It never answers.
    Hangs,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) raw: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) answer: String,
}

#[derive(Default)]
struct State {
    heard: Vec<Heard>,
    troubles: VecDeque<(String, Trouble)>,
    hanging: Vec<TcpStream>,
}

/// The server; it ends with the process.
#[derive(Clone)]
pub(crate) struct FakeChats {
    address: String,
    state: Arc<Mutex<State>>,
}

impl FakeChats {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let server = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let server = server.clone();
                std::thread::spawn(move || server.serve(stream.unwrap()));
            }
        });
        fake
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The next request to a path that begins like this gets into trouble.
    pub(crate) fn trouble(&self, path: &str, trouble: Trouble) {
        self.state().troubles.push_back((path.to_owned(), trouble));
    }

    /// The messages that Slack took from its bot.
    pub(crate) fn posted(&self) -> Vec<Value> {
        let heard = self.heard("/api/chat.postMessage").into_iter();
        let taken = heard.filter(|heard| heard.answer.contains("\"ok\":true"));
        taken.map(|heard| heard.json()).collect()
    }

    /// All requests to a path that begins like this.
    pub(crate) fn heard(&self, path: &str) -> Vec<Heard> {
        let heard = self.state().heard.clone().into_iter();
        heard.filter(|heard| heard.path.starts_with(path)).collect()
    }

    /// The texts that arrived there.
    pub(crate) fn texts(&self, path: &str) -> Vec<String> {
        let arrived = self
            .heard(path)
            .into_iter()
            .filter(|heard| heard.status == 200);
        let texts = arrived.map(|heard| heard.json()["text"].as_str().unwrap().to_owned());
        texts.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some((path, headers, raw)) = request(&stream) else {
            return;
        };
        let trouble = {
            let mut state = self.state();
            let at = state
                .troubles
                .iter()
                .position(|(start, _)| path.starts_with(start));
            at.and_then(|at| state.troubles.remove(at))
                .map(|(_, trouble)| trouble)
        };
        let is_telegram = path.starts_with("/bot");
        let (status, more, body) = match trouble {
            Some(Trouble::Hangs) => (0, String::new(), String::new()),
            Some(Trouble::Broken) => (500, String::new(), "server_error".to_owned()),
            Some(Trouble::Limited(seconds)) if is_telegram => {
                (429, String::new(), too_many(seconds).to_string())
            }
            Some(Trouble::Limited(seconds)) if path.starts_with("/api/") => (
                429,
                format!("retry-after: {seconds}\r\n"),
                json!({ "ok": false, "error": "ratelimited" }).to_string(),
            ),
            Some(Trouble::Limited(seconds)) => (
                429,
                format!("retry-after: {seconds}\r\n"),
                "rate_limited".to_owned(),
            ),
            None => {
                let (status, body) = answer(&path, &headers, &raw);
                (status, String::new(), body)
            }
        };
        let at = Instant::now();
        self.state().heard.push(Heard {
            at,
            path,
            headers,
            raw,
            status,
            answer: body.clone(),
        });
        if status == 0 {
            self.state().hanging.push(stream);
            return;
        }
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let _ = stream.write_all((head + &body).as_bytes());
    }
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.raw).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

type Request = (String, Vec<(String, String)>, Vec<u8>);

fn request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    if words.next()? != "POST" {
        return None;
    }
    let path = words.next()?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((path, headers, body))
}

fn answer(path: &str, headers: &[(String, String)], raw: &[u8]) -> (u16, String) {
    let kind = headers.iter().find(|(name, _)| name == "content-type");
    let is_json = kind.is_some_and(|(_, value)| value.starts_with("application/json"));
    let body: Option<Value> = serde_json::from_slice(raw).ok().filter(|_| is_json);
    if path == "/hook" {
        return if body.is_some() {
            (200, String::new())
        } else {
            (415, String::new())
        };
    }
    if let Some(rest) = path.strip_prefix("/bot") {
        let (status, answer) = telegram(rest, body.as_ref());
        return (status, answer.to_string());
    }
    if path == "/api/chat.postMessage" {
        let token = headers.iter().find(|(name, _)| name == "authorization");
        let token = token.map(|(_, value)| value.as_str());
        return (200, post_message(token, is_json, body.as_ref()).to_string());
    }
    if path.starts_with(ACTIONS) {
        return match answered(body.as_ref()) {
            Ok(()) => (200, "ok".to_owned()),
            Err(error) => (400, error.to_owned()),
        };
    }
    if path != SLACK_PATH {
        return (404, "no_service".to_owned());
    }
    match slack(body.as_ref()) {
        Ok(()) => (200, "ok".to_owned()),
        Err(error) => (400, error.to_owned()),
    }
}

fn knows(body: &Value, fields: &[&str]) -> bool {
    let object = body.as_object();
    object.is_some_and(|object| object.keys().all(|key| fields.contains(&key.as_str())))
}

fn slack(body: Option<&Value>) -> Result<(), &'static str> {
    let body = body
        .filter(|body| knows(body, &SLACK_FIELDS))
        .ok_or("invalid_payload")?;
    let text = body["text"]
        .as_str()
        .filter(|text| !text.is_empty())
        .ok_or("no_text")?;
    let is_escaped = !text.contains(['<', '>']);
    // A real one would call people or make a link of it; nothing of ours ever wants that.
    is_escaped.then_some(()).ok_or("invalid_payload_markup")?;
    (text.chars().count() <= 40_000)
        .then_some(())
        .ok_or("msg_too_long")
}

fn telegram(rest: &str, body: Option<&Value>) -> (u16, Value) {
    let refuse = |status: u16, what: &str| {
        (
            status,
            json!({ "ok": false, "error_code": status, "description": what }),
        )
    };
    let (token, method) = rest.split_once('/').unwrap_or((rest, ""));
    if token != BOT {
        return refuse(401, "Unauthorized");
    }
    if method != "sendMessage" {
        return refuse(404, "Not Found");
    }
    let Some(body) = body.filter(|body| knows(body, &TELEGRAM_FIELDS)) else {
        return refuse(400, "Bad Request: unknown parameters");
    };
    if body["chat_id"] != json!(CHAT) {
        return refuse(400, "Bad Request: chat not found");
    }
    let length = body["text"]
        .as_str()
        .map_or(0, |text| text.encode_utf16().count());
    if length == 0 {
        return refuse(400, "Bad Request: message text is empty");
    }
    if length > 4096 {
        return refuse(400, "Bad Request: message is too long");
    }
    // With a mode, what authors write would be taken for markup.
    if !body["parse_mode"].is_null() {
        return refuse(400, "Bad Request: can't parse entities");
    }
    (
        200,
        json!({ "ok": true, "result": { "message_id": 1, "text": body["text"] } }),
    )
}

fn too_many(seconds: u64) -> Value {
    json!({
        "ok": false, "error_code": 429,
        "description": format!("Too Many Requests: retry after {seconds}"),
        "parameters": { "retry_after": seconds },
    })
}
