//! Signs a body, so that who gets it can tell that it is ours and whole; and tells whose one is, by GitHub's way and by Slack's.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt::Write as _;

/// Seconds that a signature of Slack holds before and after the moment that it names, as Slack advises.
const SLACK_HOLDS: u64 = 5 * 60;

/// `sha256=` and the HMAC of the body in hexadecimal (RFC 2104), as GitHub writes it in `X-Hub-Signature-256`
/// (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>).
#[must_use]
pub fn signature(secret: &[u8], body: &[u8]) -> String {
    written("sha256=", mac(secret, &[body]))
}

/// Is this the signature of that body? It takes the same time wherever they differ.
#[must_use]
pub fn is_signed(secret: &[u8], body: &[u8], given: &str) -> bool {
    is_of("sha256=", mac(secret, &[body]), given)
}

/// `v0=` and the HMAC of version, moment and body, as Slack writes it in `X-Slack-Signature`
/// (<https://docs.slack.dev/authentication/verifying-requests-from-slack>). `at` is what `X-Slack-Request-Timestamp` says.
#[must_use]
pub fn slack_signature(secret: &[u8], at: &str, body: &[u8]) -> String {
    written("v0=", mac(secret, &[b"v0:", at.as_bytes(), b":", body]))
}

/// Is this Slack's signature of that body at that moment, and is the moment now, in seconds since 1970? One that was
/// heard before is the same again: whoever asks has to remember it for as long as it holds.
#[must_use]
pub fn is_signed_by_slack(secret: &[u8], (at, body): (&str, &[u8]), given: &str, now: u64) -> bool {
    let is_number = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
    let moment = at.parse::<u64>().ok().filter(|_| is_number);
    let is_now = moment.is_some_and(|moment| moment.abs_diff(now) <= SLACK_HOLDS);
    is_now
        && is_of(
            "v0=",
            mac(secret, &[b"v0:", at.as_bytes(), b":", body]),
            given,
        )
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret).expect("a key of HMAC may have any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

fn written(start: &str, mac: Hmac<Sha256>) -> String {
    let mut signature = start.to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

fn is_of(start: &str, mac: Hmac<Sha256>, given: &str) -> bool {
    let digits = given.strip_prefix(start).map(str::as_bytes);
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
    mac.verify_slice(&wanted).is_ok()
}

/// A digit as both write it, in lower case.
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

    /// The example of Slack's documentation.
    const SLACK: (&str, &str, &str, &str) = (
        "8f742231b10e8888abcd99yyyzzz85a5",
        "1531420618",
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar\
         &user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com\
         %2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d\
         10d2c447fce8b6703c",
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    );

    #[test]
    fn slack_s_own_example_is_signed_by_slack_and_nothing_else_is() {
        let (secret, at, body, good) = SLACK;
        let (secret, body, now) = (secret.as_bytes(), body.as_bytes(), 1_531_420_618);
        assert_eq!(slack_signature(secret, at, body), good);
        assert!(is_signed_by_slack(secret, (at, body), good, now));
        let digits = &good["v0=".len()..];
        let wrong = [
            String::new(),
            "v0=".to_owned(),
            digits.to_owned(),
            format!("v1={digits}"),
            format!("V0={digits}"),
            format!("sha256={digits}"),
            format!("v0={}", digits.to_uppercase()),
            format!("v0={}", &digits[2..]),
            format!("v0={digits}00"),
            signature(secret, body),
        ];
        for given in wrong {
            assert!(
                !is_signed_by_slack(secret, (at, body), &given, now),
                "{given}"
            );
        }
        assert!(!is_signed_by_slack(b"another", (at, body), good, now));
        assert!(!is_signed_by_slack(secret, ("1531420619", body), good, now));
        assert!(!is_signed_by_slack(secret, (at, &body[1..]), good, now));
    }

    #[test]
    fn a_signature_of_slack_holds_for_five_minutes() {
        let check = |at: &str, now: u64, expect: bool| {
            let given = slack_signature(b"secret", at, b"body");
            let is_signed = is_signed_by_slack(b"secret", (at, b"body"), &given, now);
            assert_eq!(is_signed, expect, "{at} at {now}");
        };
        check("1000", 1000, true);
        check("1000", 1300, true);
        check("1000", 1301, false);
        check("1300", 1000, true);
        check("1301", 1000, false);
        for odd in [
            "",
            "+1000",
            "-1000",
            "1000.0",
            " 1000",
            "1e3",
            "99999999999999999999",
        ] {
            check(odd, 1000, false);
        }
    }
}
