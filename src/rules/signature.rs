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

/// Is this the signature of that body? It takes the same time wherever they differ.
#[must_use]
pub fn is_signed(secret: &[u8], body: &[u8], given: &str) -> bool {
    let digits = given.strip_prefix("sha256=").map(str::as_bytes);
    let Some(digits) = digits.filter(|digits| digits.len() == 64) else {
        return false;
    };
    let mut wanted = [0_u8; 32];
    for (byte, pair) in wanted.iter_mut().zip(digits.chunks(2)) {
        let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
            return false;
        };
        *byte = high << 4 | low;
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret).expect("a key of HMAC may have any length");
    mac.update(body);
    mac.verify_slice(&wanted).is_ok()
}

/// A digit as GitHub writes it, in lower case.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
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
    #[test]
    fn only_the_signature_of_this_body_by_this_secret_is_taken() {
        let (secret, body) = (b"It's a Secret to Everybody", b"Hello, World!");
        let good = signature(secret, body);
        assert!(is_signed(secret, body, &good));
        let digits = &good["sha256=".len()..];
        let wrong = [
            String::new(),
            "sha256=".to_owned(),
            digits.to_owned(),
            format!("sha1={digits}"),
            format!("SHA256={digits}"),
            format!("sha256={}", digits.to_uppercase()),
            format!("sha256={}", &digits[2..]),
            format!("sha256={digits}00"),
            format!("sha256={}g", &digits[1..]),
            good.replacen('7', "8", 1),
        ];
        for given in wrong {
            assert!(!is_signed(secret, body, &given), "{given}");
        }
        assert!(!is_signed(b"another", body, &good));
        assert!(!is_signed(secret, b"Hello, World", &good));
    }
}
