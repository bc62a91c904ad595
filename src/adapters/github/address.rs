//! Addresses: where the token may go, and text that becomes a part of one.

use http::Uri;

/// Checks the API's address: `https`, or plain `http` to this machine, for a token must not travel in the open.
pub(super) fn api_base(text: &str) -> Result<String, String> {
    let base = text.trim_end_matches('/');
    let uri: Uri = base
        .parse()
        .map_err(|_| format!("{text:?} is no address"))?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(format!("{text:?} is no address: it begins with https://"));
    };
    if uri.query().is_some() || uri.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err(format!("{text:?} holds more than an address"));
    }
    match scheme {
        "https" => Ok(base.to_owned()),
        "http" if is_loopback(host) => Ok(base.to_owned()),
        _ => Err(format!(
            "{text:?} would send the token in the open: use https"
        )),
    }
}

/// Where GraphQL is: beside the REST API, as GitHub and GitHub Enterprise Server have it.
pub(super) fn graphql(api: &str) -> String {
    let base = api.strip_suffix("/v3").unwrap_or(api);
    format!("{base}/graphql")
}

/// Is it this machine?
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Text as a part of an address: in a path or in a query.
pub(super) fn percent(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String never fails");
        }
    }
    out
}

/// Scheme, host and port.
pub(super) fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_owned(), uri.authority()?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_travel_in_the_open() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(api_base(text).ok().as_deref(), expect, "{text}");
        };
        check("https://api.github.com", Some("https://api.github.com"));
        check(
            "https://ghe.example.com/api/v3/",
            Some("https://ghe.example.com/api/v3"),
        );
        check("http://127.0.0.1:8080", Some("http://127.0.0.1:8080"));
        check("http://[::1]:8080", Some("http://[::1]:8080"));
        check("http://localhost:1", Some("http://localhost:1"));
        check("http://api.github.com", None);
        check("http://localhost.example.com", None);
        check("https://user:word@api.github.com", None);
        check("https://api.github.com/?a=b", None);
        check("ftp://api.github.com", None);
        check("api.github.com", None);
        check("", None);
    }

    #[test]
    fn graphql_is_beside_the_rest_api() {
        assert_eq!(
            graphql("https://api.github.com"),
            "https://api.github.com/graphql"
        );
        assert_eq!(graphql("https://h/api/v3"), "https://h/api/graphql");
    }

    #[test]
    fn any_text_fits_into_an_address() {
        assert_eq!(percent("good first issue"), "good%20first%20issue");
        assert_eq!(percent("a/b?c#d&e=f+g%"), "a%2Fb%3Fc%23d%26e%3Df%2Bg%25");
        assert_eq!(percent("größe"), "gr%C3%B6%C3%9Fe");
    }
}
