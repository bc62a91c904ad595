//! The head of a request to our proxy, read as strictly as a thing from a program that may be hostile.

use crate::rules::host::{host_of_url, split};

/// A head is no longer than this.
pub const LONGEST: usize = 16 << 10;

/// Where a program wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The host: a name or an address, as it was asked for.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What is sent there first; nothing for a tunnel, whose ends speak for themselves.
    pub head: Option<Vec<u8>>,
}

/// Reads a whole head, its empty line included; nothing where it is none that a proxy serves.
#[must_use]
pub fn read(head: &[u8]) -> Option<Wanted> {
    let text = std::str::from_utf8(head).ok()?;
    let (line, fields) = text.split_once("\r\n")?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") || method.is_empty() {
        return None;
    }
    if method == "CONNECT" {
        let (name, port) = split(target)?;
        return Some(Wanted {
            host: name.to_owned(),
            port: port?,
            head: None,
        });
    }
    let (host, port) = host_of_url(target)?;
    if !target.get(..7)?.eq_ignore_ascii_case("http://") {
        return None;
    }
    Some(Wanted {
        head: Some(forwarded(method, target, fields)),
        host,
        port,
    })
}

/// The same head as it goes to the host itself, which closes after its one answer: nothing else may follow on this way.
fn forwarded(method: &str, target: &str, fields: &str) -> Vec<u8> {
    let rest = &target[7..];
    let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut head = format!("{method} {slash}{path} HTTP/1.1\r\n");
    for field in fields.split("\r\n").filter(|field| !field.is_empty()) {
        let name = field.split(':').next().unwrap_or_default();
        let is_ours = name.eq_ignore_ascii_case("connection")
            || name.to_ascii_lowercase().starts_with("proxy-");
        if !is_ours {
            head.push_str(field);
            head.push_str("\r\n");
        }
    }
    head.push_str("Connection: close\r\n\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tunnels_and_plain_requests_are_read() {
        let tunnel = read(b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(
            (&*tunnel.host, tunnel.port, tunnel.head),
            ("api.example.com", 443, None)
        );
        let plain = b"GET http://a.b:81/c?d HTTP/1.1\r\nHost: a.b\r\nProxy-Authorization: x\r\nConnection: keep-alive\r\n\r\n";
        let plain = read(plain).unwrap();
        assert_eq!((&*plain.host, plain.port), ("a.b", 81));
        let head = String::from_utf8(plain.head.unwrap()).unwrap();
        assert_eq!(
            head,
            "GET /c?d HTTP/1.1\r\nHost: a.b\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn what_no_proxy_serves_is_refused() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "CONNECT a.b HTTP/1.1\r\n\r\n",
            "CONNECT a.b:0 HTTP/1.1\r\n\r\n",
            "CONNECT a.b:443 x HTTP/1.1\r\n\r\n",
            "GET https://a.b/ HTTP/1.1\r\n\r\n",
            "GET ftp://a.b/ HTTP/1.1\r\n\r\n",
            "CONNECT a.b:443 SPDY/3\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(read(head.as_bytes()), None, "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let mut line = b"GET http://".to_vec();
            line.extend(&bytes);
            line.extend(b" HTTP/1.1\r\n\r\n");
            let _ = read(&line);
        }
    }
}
