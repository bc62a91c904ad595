//! Signs a body, so that who gets it can tell that it is ours and whole.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt::Write as _;

/// `sha256=` and the HMAC of the body in hexadecimal (RFC 2104), as GitHub writes it in `X-Hub-Signature-256`
/// (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>).
#[must_use]
pub fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret).expect("a key of HMAC may have any length");
    mac.update(body);
    let mut signature = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bodies_have_their_known_signatures() {
        let check = |secret: &str, body: &str, expect: &str| {
            let signed = signature(secret.as_bytes(), body.as_bytes());
            assert_eq!(signed, format!("sha256={expect}"), "{body}");
        };
        // The example of GitHub's documentation, and test case 2 of RFC 4231.
        check(
            "It's a Secret to Everybody",
            "Hello, World!",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        );
        check(
            "Jefe",
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
    }
}
