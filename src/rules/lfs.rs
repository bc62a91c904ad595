//! Git LFS: the pointers that stand for large files, where those are asked for, and to whom our token is shown.
//!
//! Its documentation: `docs/spec.md` (pointers), `docs/api/server-discovery.md` and `docs/api/batch.md`.

use crate::rules::submodule::is_same_server;
use serde::{Deserialize, Serialize};

/// A pointer is shorter than this.
pub const POINTER_BYTES: u64 = 1024;
/// How a pointer begins.
const BEGIN: &str = "version https://git-lfs.github.com/spec/v1\n";

/// What a pointer says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pointer {
    /// The SHA-256 of the content, in 64 hexadecimal digits.
    pub oid: String,
    /// How long the content is, in bytes.
    pub size: u64,
}

impl Pointer {
    /// Reads one; none where it is no pointer, or one with extensions, which programs of the user's would have to undo.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_prefix(BEGIN)?;
        let mut lines = text.split_terminator('\n');
        let oid = lines.next()?.strip_prefix("oid sha256:")?;
        let size = lines.next()?.strip_prefix("size ")?;
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let is_plain = size.bytes().all(|b| b.is_ascii_digit());
        (oid.len() == 64 && oid.bytes().all(is_digit) && is_plain && lines.next().is_none()).then(
            || {
                Some(Self {
                    oid: oid.to_owned(),
                    size: size.parse().ok()?,
                })
            },
        )?
    }
}

/// Does a file begin as pointers do?
#[must_use]
pub fn is_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGIN.as_bytes())
}

/// Where the objects of the repository at this URL are asked for. A `.lfsconfig`, which anybody who may push could
/// write, has no say in it.
#[must_use]
pub fn endpoint(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    format!("{url}.git/info/lfs/objects/batch")
}

/// May an object be fetched from there? What is fetched in the clear from another machine, others could read along.
#[must_use]
pub fn is_allowed(remote: &str, href: &str) -> bool {
    let (scheme, rest) = href.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_near = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    let is_plain = !host.is_empty() && !host.contains(['@', '\\']);
    // A repository is fetched by `http://` from this machine alone.
    let may_be_clear = remote.starts_with("http://") && is_near;
    is_plain && (scheme == "https" || (scheme == "http" && may_be_clear))
}

/// Is our token shown where an object is fetched? To the same server alone, and not where it gave something else to show.
#[must_use]
pub fn shows_token(remote: &str, href: &str, is_authenticated: bool) -> bool {
    !is_authenticated && is_same_server(remote, href)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_nothing_else_are_read() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let good = format!("{BEGIN}oid sha256:{oid}\nsize 12345\n");
        let expect = Pointer {
            oid: oid.to_owned(),
            size: 12_345,
        };
        assert_eq!(Pointer::read(good.as_bytes()), Some(expect));
        for bad in [
            String::new(),
            "plain content\n".to_owned(),
            good.replace("sha256", "md5"),
            good.replace("4d7a", "../.."),
            good.replace("4d7a", "4D7A"),
            good.replace("12345", "-1"),
            good.replace("12345", "99999999999999999999999"),
            good.replace("oid", "ext-0-foo sha256:1\noid"),
            format!("{good}more\n"),
        ] {
            assert_eq!(Pointer::read(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn objects_are_asked_for_beside_the_repository() {
        let check = |url: &str| {
            let expect = "https://github.com/acme/shop.git/info/lfs/objects/batch";
            assert_eq!(endpoint(url), expect, "{url}");
        };
        check("https://github.com/acme/shop.git");
        check("https://github.com/acme/shop");
        check("https://github.com/acme/shop/");
    }

    #[test]
    fn the_token_goes_to_the_same_server_only_and_nothing_goes_in_the_clear() {
        let remote = "https://github.com/acme/shop.git";
        let check = |href: &str, allowed: bool, shown: bool| {
            assert_eq!(is_allowed(remote, href), allowed, "{href}");
            assert_eq!(shows_token(remote, href, false), shown, "{href}");
            assert!(!shows_token(remote, href, true), "{href}");
        };
        check("https://github.com/lfs/1", true, true);
        check("https://store.example/1", true, false);
        check("https://github.com.evil.example/1", true, false);
        check("https://github.com@evil.example/1", false, false);
        check("http://store.example/1", false, false);
        check("http://127.0.0.1/1", false, false);
        check("file:///etc/passwd", false, false);
        check("https:///etc", false, false);
        let near = "http://127.0.0.1:80/shop.git";
        assert!(is_allowed(near, "http://127.0.0.1:80/1"));
        assert!(is_allowed(near, "http://127.0.0.1:81/1"));
        assert!(!is_allowed(near, "http://127.0.0.1.evil.example/1"));
    }
}
