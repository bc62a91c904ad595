//! The git side: git's own `git http-backend`, behind the token.

use super::git::command;
use super::server::Raw;
use axum::http::{HeaderMap, Method, Uri};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// What a request for git needs to know.
pub(crate) struct GitRequest<'a> {
    /// Its method.
    pub(crate) method: &'a Method,
    /// Its address.
    pub(crate) uri: &'a Uri,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// Its body.
    pub(crate) body: &'a [u8],
}

/// Is it for git, and what does it ask of the repository? GitHub answers with and without `.git`.
pub(crate) fn git_path(path: &str) -> Option<&str> {
    let (_, rest) = path.trim_start_matches('/').split_once('/')?;
    let (_, rest) = rest.split_once('/')?;
    let starts = ["info/refs", "git-upload-pack", "git-receive-pack"];
    let is_api = path.starts_with("/repos/") || path.starts_with("/repositories/");
    (!is_api && starts.iter().any(|start| rest.starts_with(start))).then_some(rest)
}

/// Lets git answer, those who are let in. `root` holds `repo.git`.
///
/// `let_in` is for those who are known: why a hook declines pushes, if it does.
pub(crate) async fn serve(
    root: &Path,
    let_in: Option<&str>,
    path: &str,
    request: &GitRequest<'_>,
) -> Raw {
    let header = |name: &str| {
        let value = request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let Some(reason) = let_in else {
        return Raw {
            status: 401,
            headers: vec![("www-authenticate".into(), "Basic realm=\"GitHub\"".into())],
            body: Vec::new(),
        };
    };
    let mut command = tokio::process::Command::from(command("git"));
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/repo.git/{path}"))
        .env("QUERY_STRING", request.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", request.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_USER", "x-access-token")
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ((), output) = tokio::join!(
        async move {
            // git may answer without reading all of it.
            let _ = stdin.write_all(request.body).await;
        },
        child.wait_with_output()
    );
    let mut raw = cgi(&output.unwrap().stdout);
    if path == "git-receive-pack" && !reason.is_empty() {
        raw.body = reworded(&raw.body, reason);
    }
    raw
}

/// The answer to a push, with GitHub's own reason where git says that its hook declined it.
fn reworded(body: &[u8], reason: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines(body) {
        let mut data = line.to_vec();
        if data[0] == 1 {
            let inner = lines(&line[1..]).map(|line| {
                let text = String::from_utf8_lossy(line);
                packed(text.replace("hook declined", reason).as_bytes())
            });
            data = [&[1], &inner.collect::<Vec<_>>().concat()[..], b"0000"].concat();
        }
        out.extend(packed(&data));
    }
    out.extend(b"0000");
    out
}

/// Git's own framing: four digits of length, which count themselves; lengths below four end a list.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let next = move || {
        let digits = std::str::from_utf8(rest.get(..4)?).ok()?;
        let length = usize::from_str_radix(digits, 16).ok()?.max(4);
        let (line, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(&line[4..])
    };
    std::iter::from_fn(next).filter(|line| !line.is_empty())
}

fn packed(line: &[u8]) -> Vec<u8> {
    [format!("{:04x}", line.len() + 4).as_bytes(), line].concat()
}

/// Takes a CGI answer apart.
fn cgi(output: &[u8]) -> Raw {
    let end = output
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let mut raw = Raw {
        status: 200,
        headers: Vec::new(),
        body: output[end + 4..].to_vec(),
    };
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name.eq_ignore_ascii_case("status") {
            raw.status = value[..3].parse().unwrap();
        } else {
            raw.headers.push((name.to_lowercase(), value.to_owned()));
        }
    }
    raw
}

/// The password of HTTP basic authentication, for the user that GitHub documents.
pub(crate) fn password(header: &str) -> Option<String> {
    let text = String::from_utf8(base64(header.strip_prefix("Basic ")?)?).ok()?;
    Some(text.strip_prefix("x-access-token:")?.to_owned())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|own| *own == byte)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(out)
}
