//! Hosts that programs in the sandbox may reach, and which of their addresses count.

use crate::rules::printable::clip;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The ports of a host that is named without one: HTTPS and HTTP.
const USUAL_PORTS: [u16; 2] = [443, 80];

/// Hosts that may be reached: `api.example.com`, all below `*.example.com`, an address, each with a port or without.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    name: String,
    is_below: bool,
    port: Option<u16>,
}

/// Why a text is no pattern of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHost {
    /// It is empty, or has something that no name of a host has.
    #[error(
        "a host is a name or an address, such as `api.example.com`, `*.example.com` or `localhost:8080`, without scheme and path"
    )]
    Name,
    /// What stands after the colon is no port.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl FromStr for HostPattern {
    type Err = NoHost;

    fn from_str(text: &str) -> Result<Self, NoHost> {
        if text.contains('/') {
            return Err(NoHost::Name);
        }
        let (name, port) = split(text.trim()).ok_or(NoHost::Port)?;
        let (name, is_below) = match name.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let is_address = name.parse::<IpAddr>().is_ok();
        if !(is_address && !is_below || is_name(name)) {
            return Err(NoHost::Name);
        }
        Ok(Self {
            name: plain(name),
            is_below,
            port,
        })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = NoHost;

    fn try_from(text: String) -> Result<Self, NoHost> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.is_below { "*." } else { "" };
        let brackets = if self.name.contains(':') && self.port.is_some() {
            ("[", "]")
        } else {
            ("", "")
        };
        write!(f, "{below}{}{}{}", brackets.0, self.name, brackets.1)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl JsonSchema for HostPattern {
    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A host that may be reached: a name, `*.` and a name for all below it, or an address, each with a port or without."
        })
    }
}

impl HostPattern {
    /// Precisely this host and port.
    #[must_use]
    pub fn exactly(host: &str, port: u16) -> Option<Self> {
        let pattern: Self = host.parse().ok()?;
        Some(Self {
            port: Some(port),
            ..pattern
        })
    }

    /// Does it mean this host, at this port?
    #[must_use]
    pub fn means(&self, host: &str, port: u16) -> bool {
        let host = plain(host);
        let is_host = if self.is_below {
            let head = host.strip_suffix(&self.name);
            head.is_some_and(|head| head.len() > 1 && head.ends_with('.'))
        } else {
            host == self.name
        };
        is_host
            && self
                .port
                .map_or(USUAL_PORTS.contains(&port), |own| own == port)
    }

    /// May a host that this pattern means have this address? Whoever writes a name's records may send us anywhere: a
    /// name never leads to this machine itself nor to its link, and one below a `*.` stays in the public network.
    #[must_use]
    pub fn may_lead_to(&self, address: IpAddr) -> bool {
        let address = unmapped(address);
        if let Ok(own) = self.name.parse::<IpAddr>() {
            return unmapped(own) == address;
        }
        if self.name == "localhost" && !self.is_below {
            return address.is_loopback();
        }
        !(is_of_this_machine(address) || self.is_below && is_private(address))
    }

    /// Is it this machine, at one port?
    #[must_use]
    pub fn own_port(&self) -> Option<u16> {
        let is_own = self.name == "localhost"
            || (self.name.parse::<IpAddr>()).is_ok_and(|address| address.is_loopback());
        self.port.filter(|_| is_own && !self.is_below)
    }
}

/// Host and port of a URL; the port is the scheme's where none is named.
#[must_use]
pub fn host_of_url(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, rest)| rest);
    let (name, port) = split(authority)?;
    (!name.is_empty()).then(|| (plain(name), port.unwrap_or(usual)))
}

/// Name and port of `name`, `name:port`, `[::1]:port` or `::1`; nothing where the port is none.
#[must_use]
pub fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
    if let Some(rest) = text.strip_prefix('[') {
        let (name, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(text) => Some((name, Some(port(text)?))),
            None => rest.is_empty().then_some((name, None)),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((name, text)) => Some((name, Some(port(text)?))),
        None => Some((text, None)),
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (1..=253).contains(&name.len()) && name.split('.').all(is_label)
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn is_of_this_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            four.is_loopback()
                || four.is_link_local()
                || four.octets()[0] == 0
                || four.is_broadcast()
        }
        IpAddr::V6(six) => six.is_loopback() || six.is_unspecified() || six.is_unicast_link_local(),
    }
}

/// RFC 1918, RFC 6598 and RFC 4193, and what is sent to many.
fn is_private(address: IpAddr) -> bool {
    let is_shared = |four: Ipv4Addr| four.octets()[0] == 100 && four.octets()[1] & 0xc0 == 64;
    let is_local = |six: Ipv6Addr| six.is_unique_local();
    match address {
        IpAddr::V4(four) => four.is_private() || is_shared(four) || four.is_multicast(),
        IpAddr::V6(six) => is_local(six) || six.is_multicast(),
    }
}

/// So many hosts that a program was kept from are told of one attempt; more of them say no more.
pub const MOST_KEPT_FROM: usize = 20;
/// Characters of one: names have 253 at most (RFC 1035), and these come from programs that mean no good.
const LONGEST: usize = 100;

/// Hosts that a program was kept from, as they may be kept and shown: those that `known` has are not told again.
#[must_use]
pub fn kept_from<'a>(asked: impl IntoIterator<Item = &'a str>, known: &[String]) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for host in asked {
        if known.len() + hosts.len() == MOST_KEPT_FROM {
            break;
        }
        let host = clip(host, LONGEST);
        if !host.is_empty() && !known.contains(&host) && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// Adds hosts to those that are known, each once, and not too many.
pub fn remember(known: &mut Vec<String>, hosts: &[String]) {
    let news = kept_from(hosts.iter().map(String::as_str), known);
    known.extend(news);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_means_hosts_at_ports() {
        let check = |text: &str, host: &str, port: u16, expect: bool| {
            assert_eq!(
                pattern(text).means(host, port),
                expect,
                "{text} {host} {port}"
            );
        };
        check("api.example.com", "API.example.com.", 443, true);
        check("api.example.com", "api.example.com", 80, true);
        check("api.example.com", "api.example.com", 22, false);
        check("api.example.com", "evilapi.example.com", 443, false);
        check("api.example.com", "api.example.com.evil.org", 443, false);
        check("*.example.com", "a.b.example.com", 443, true);
        check("*.example.com", "example.com", 443, false);
        check("*.example.com", "evilexample.com", 443, false);
        check("*.example.com", ".example.com", 443, false);
        check("localhost:8080", "localhost", 8080, true);
        check("localhost:8080", "localhost", 443, false);
        check("[::1]:8080", "::1", 8080, true);
        check("10.0.0.1", "10.0.0.1", 443, true);
    }

    #[test]
    fn what_is_no_host_is_refused_and_what_is_one_is_written_as_it_was() {
        for text in [
            "",
            "https://a.b",
            "a/b",
            "a b",
            "*",
            "*.",
            "a..b",
            "*.10.0.0.1:x",
            "a\u{0}b",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        assert_eq!("a:0".parse::<HostPattern>(), Err(NoHost::Port));
        assert_eq!("https://a.b".parse::<HostPattern>(), Err(NoHost::Name));
        for text in [
            "a.b",
            "*.a.b:81",
            "localhost:1",
            "[::1]:80",
            "::1",
            "127.0.0.1",
        ] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }

    #[test]
    fn a_name_never_leads_to_this_machine_nor_a_wildcard_into_a_private_network() {
        let check = |text: &str, address: &str, expect: bool| {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(
                pattern(text).may_lead_to(address),
                expect,
                "{text} {address}"
            );
        };
        check("a.b", "93.184.216.34", true);
        check("a.b", "10.1.2.3", true);
        check("*.a.b", "10.1.2.3", false);
        check("*.a.b", "100.64.0.1", false);
        check("*.a.b", "fd00::1", false);
        for own in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
        ] {
            check("a.b", own, false);
        }
        check("localhost", "127.0.0.1", true);
        check("localhost", "10.0.0.1", false);
        check("127.0.0.1", "127.0.0.1", true);
        check("169.254.169.254", "169.254.169.254", true);
    }

    #[test]
    fn urls_tell_host_and_port() {
        let check = |url: &str, expect: Option<(&str, u16)>| {
            let expect = expect.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(host_of_url(url), expect, "{url}");
        };
        check("https://api.example.com/v1", Some(("api.example.com", 443)));
        check("http://user:p@127.0.0.1:8801?x", Some(("127.0.0.1", 8801)));
        check("http://[::1]:1/", Some(("::1", 1)));
        check("ftp://a/", None);
        check("api.example.com", None);
        check("http://:80", None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,40}", host in ".{0,20}", port: u16) {
            let _ = host_of_url(&text);
            if let Ok(pattern) = text.parse::<HostPattern>() {
                let _ = pattern.means(&host, port);
                prop_assert_eq!(pattern.to_string().parse::<HostPattern>(), Ok(pattern));
            }
        }
    }

    #[test]
    fn hosts_from_hostile_programs_are_few_short_printable_and_told_once() {
        let odd = format!("a\u{1b}[2J\u{202e}{}:1", "x".repeat(5_000));
        let told = kept_from([odd.as_str(), "b:1", "b:1", ""], &[]);
        assert_eq!(told.len(), 2);
        assert!(told[0].chars().count() <= LONGEST && !told[0].contains('\u{1b}'));
        assert_eq!(kept_from(["b:1", "c:1"], &told), ["c:1"]);
        let many: Vec<String> = (0..1_000).map(|number| format!("h{number}:443")).collect();
        let many = many.iter().map(String::as_str);
        let first = kept_from(many.clone(), &told);
        assert_eq!(first.len() + told.len(), MOST_KEPT_FROM);
        let known = [told, first].concat();
        assert!(kept_from(many, &known).is_empty());
    }
}
