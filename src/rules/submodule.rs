//! Where a submodule is fetched from: what `.gitmodules` says of it, read by our own rules.
//!
//! Git's documentation: `gitmodules(5)`, `submodule.<name>.url`; a relative one is relative to the repository it is in.

/// What stands in the way of fetching a submodule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// It leads to files of this machine, which a repository must not choose.
    File,
    /// Another way than HTTP over TLS, SSH's short form of which is understood.
    Scheme,
    /// It holds a user or a password.
    Credentials,
    /// It leads above the top of its server.
    Outside,
}

impl Unreachable {
    /// For a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::File => "it leads to files of this machine",
            Self::Scheme => "it is fetched neither by https:// nor by ssh",
            Self::Credentials => "it holds credentials",
            Self::Outside => "it leads out of its server",
        }
    }
}

/// The URL of a submodule of the repository at `parent`, which is `https://`, or `http://` on this machine. SSH
/// addresses become those of the same server's HTTPS, where our token is known.
pub fn url(parent: &str, written: &str) -> Result<String, Unreachable> {
    let written = written.trim();
    if written.starts_with("./") || written.starts_with("../") {
        return relative(parent, written);
    }
    if let Some((scheme, rest)) = written.split_once("://") {
        return absolute(scheme, rest);
    }
    // `git@host:owner/name`; a path has its first slash before any colon.
    match written.split_once(':') {
        Some((host, path)) if !host.contains('/') && !host.is_empty() && !path.starts_with(':') => {
            secure(without_user(host), path)
        }
        Some((_, path)) if path.starts_with(':') => Err(Unreachable::Scheme),
        Some(_) | None => Err(Unreachable::File),
    }
}

/// Do two URLs lead to the same server by the same way? Only then the token of one is sent to the other.
#[must_use]
pub fn is_same_server(one: &str, other: &str) -> bool {
    let server = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split('/').next()?;
        Some((scheme.to_ascii_lowercase(), host.to_ascii_lowercase()))
    };
    server(one).is_some() && server(one) == server(other)
}

fn absolute(scheme: &str, rest: &str) -> Result<String, Unreachable> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match scheme {
        "ssh" | "git+ssh" => {
            let host = without_user(host);
            // A port of SSH is none of HTTPS.
            let host = host.split_once(':').map_or(host, |(host, _)| host);
            secure(host, path)
        }
        "https" | "http" if host.contains('@') => Err(Unreachable::Credentials),
        "https" | "http" => Ok(format!("{scheme}://{rest}")),
        "file" => Err(Unreachable::File),
        _ => Err(Unreachable::Scheme),
    }
}

fn secure(host: &str, path: &str) -> Result<String, Unreachable> {
    if host.is_empty() || host.starts_with('-') {
        return Err(Unreachable::Scheme);
    }
    Ok(format!("https://{host}/{}", path.trim_start_matches('/')))
}

fn without_user(host: &str) -> &str {
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

fn relative(parent: &str, written: &str) -> Result<String, Unreachable> {
    let Some((scheme, rest)) = parent.split_once("://") else {
        return Err(Unreachable::File);
    };
    let mut parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            ".." => return Err(Unreachable::Outside),
            name => parts.push(name),
        }
    }
    Ok(format!("{scheme}://{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "https://github.com/acme/shop.git";

    #[test]
    fn what_gitmodules_says_becomes_a_url() {
        let check = |written: &str, expect: Result<&str, Unreachable>| {
            let found = url(PARENT, written);
            assert_eq!(found.as_deref().map_err(|why| *why), expect, "{written}");
        };
        check(
            "https://github.com/acme/lib",
            Ok("https://github.com/acme/lib"),
        );
        check("../lib.git", Ok("https://github.com/acme/lib.git"));
        check("../../other/lib", Ok("https://github.com/other/lib"));
        check("./lib", Ok("https://github.com/acme/shop.git/lib"));
        check(
            "git@github.com:acme/lib.git",
            Ok("https://github.com/acme/lib.git"),
        );
        check(
            "github.com:acme/lib.git",
            Ok("https://github.com/acme/lib.git"),
        );
        check(
            "ssh://git@github.com:22/acme/lib",
            Ok("https://github.com/acme/lib"),
        );
        check(
            "ssh://git@github.com/acme/lib",
            Ok("https://github.com/acme/lib"),
        );
        check("http://127.0.0.1:80/lib", Ok("http://127.0.0.1:80/lib"));
        check("../../../../etc", Err(Unreachable::Outside));
        check("/home/me/secret", Err(Unreachable::File));
        check("file:///home/me/secret", Err(Unreachable::File));
        check("secret", Err(Unreachable::File));
        check("ext::sh -c id", Err(Unreachable::Scheme));
        check("git://github.com/acme/lib", Err(Unreachable::Scheme));
        check(
            "https://me:token@github.com/acme/lib",
            Err(Unreachable::Credentials),
        );
        check("-oProxyCommand=id:lib", Err(Unreachable::Scheme));
    }

    #[test]
    fn a_relative_one_needs_a_server() {
        assert_eq!(url("/home/me/shop", "../lib"), Err(Unreachable::File));
    }

    #[test]
    fn the_token_goes_to_the_same_server_only() {
        let check = |other: &str, expect: bool| {
            assert_eq!(is_same_server(PARENT, other), expect, "{other}");
        };
        check("https://github.com/other/lib", true);
        check("https://GitHub.com/lib", true);
        check("http://github.com/lib", false);
        check("https://github.com.evil.example/lib", false);
        check("https://github.com:8443/lib", false);
        check("nonsense", false);
    }
}
