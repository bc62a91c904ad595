//! A small HTTP server on loopback that answers GET requests by a function, and gets into trouble when it is told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) authorization: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What a server does to the next request, in place of looking at it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Upset {
    /// It wants to be left alone for so many seconds.
    Limited(u64),
    /// It fails.
    Broken,
    /// Half of its answer is missing.
    Half,
    /// It leads somewhere else.
    Elsewhere,
}

/// The server; it ends with the process.
pub(crate) struct Loopback<S> {
    pub(crate) url: String,
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    state: Mutex<S>,
    heard: Mutex<Vec<(Asked, u16)>>,
    upsets: Mutex<VecDeque<Upset>>,
    answer: fn(&S, &Asked) -> Said,
}

impl<S: Send + 'static> Loopback<S> {
    pub(crate) fn start(state: S, answer: fn(&S, &Asked) -> Said) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            state: Mutex::new(state),
            heard: Mutex::default(),
            upsets: Mutex::default(),
            answer,
        });
        let server = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(stream.unwrap()));
            }
        });
        Self { url, inner }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, S> {
        self.inner.state.lock().unwrap()
    }

    pub(crate) fn upset(&self, upset: Upset) {
        self.inner.upsets.lock().unwrap().push_back(upset);
    }

    /// What was asked so far, and with which status it was answered.
    pub(crate) fn heard(&self) -> Vec<(Asked, u16)> {
        self.inner.heard.lock().unwrap().clone()
    }
}

impl<S> Inner<S> {
    fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = request(&stream) else {
            return;
        };
        let upset = self.upsets.lock().unwrap().pop_front();
        let mut said = match upset {
            Some(Upset::Limited(seconds)) => Said {
                headers: vec![("retry-after".to_owned(), seconds.to_string())],
                ..Said::refusal(429, "slow down")
            },
            Some(Upset::Broken) => Said::refusal(500, "oh no"),
            Some(Upset::Elsewhere) => Said {
                headers: vec![("location".to_owned(), "http://127.0.0.1:9/".to_owned())],
                ..Said::refusal(302, "")
            },
            Some(Upset::Half) | None => (self.answer)(&self.state.lock().unwrap(), &asked),
        };
        if let Some(Upset::Half) = upset {
            said.body.truncate(said.body.len() / 2);
        }
        self.heard.lock().unwrap().push((asked, said.status));
        let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", said.status);
        for (name, value) in &said.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", said.body.len()));
        // Whoever asked may be gone.
        let _ = stream.write_all((head + &said.body).as_bytes());
    }
}

impl Said {
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string(),
        }
    }

    pub(crate) fn refusal(status: u16, why: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: why.to_owned(),
        }
    }
}

impl Asked {
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Is nothing in its query but these, each once?
    pub(crate) fn knows(&self, names: &[&str]) -> bool {
        let mut own: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        own.sort_unstable();
        let is_once = own.windows(2).all(|pair| pair[0] != pair[1]);
        is_once && own.iter().all(|name| names.contains(name))
    }
}

fn request(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut authorization = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("authorization") {
            value.trim().clone_into(&mut authorization);
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Some(Asked {
        method,
        path: path.to_owned(),
        query: pairs
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect(),
        authorization,
    })
}

fn decoded(text: &str) -> String {
    let bytes = text.replace('+', " ").into_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%').then(|| std::str::from_utf8(&bytes[at + 1..at + 3]));
        if let Some(Ok(digits)) = digits {
            out.push(u8::from_str_radix(digits, 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap()
}
