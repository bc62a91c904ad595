//! Takes secrets out of text, whole or as it streams by.

use crate::rules::secret_forms::forms;
use crate::rules::secret_patterns::{Look, begins_pattern, pattern_at};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What stands where a secret was.
pub const MARK: &str = "[redacted]";

/// Knows secrets in every form they may show in, and what others look like. Cheap to clone; shows nothing of them.
#[derive(Clone)]
pub struct Redactor(Arc<Known>);

struct Known {
    /// Every form of every secret, by its first byte.
    forms: [Vec<Box<[u8]>>; 256],
    /// May a secret begin with this byte?
    begins: [bool; 256],
}

impl Redactor {
    /// One that knows these values; those under six bytes are too common to be taken out.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut known = Known {
            forms: [const { Vec::new() }; 256],
            begins: [false; 256],
        };
        for form in secrets.into_iter().flat_map(|secret| forms(&secret)) {
            let form = form.into_bytes().into_boxed_slice();
            known.forms[usize::from(form[0])].push(form);
        }
        for byte in 0..=u8::MAX {
            let at = usize::from(byte);
            known.begins[at] = begins_pattern(byte) || !known.forms[at].is_empty();
        }
        Self(Arc::new(known))
    }

    /// May a secret begin with this byte?
    #[must_use]
    pub fn begins(&self, byte: u8) -> bool {
        self.0.begins[usize::from(byte)]
    }

    /// How long the known secret is that begins at `at`, in its longest form.
    #[must_use]
    pub fn known_at(&self, text: &[u8], at: usize) -> Option<usize> {
        let forms = self.0.forms[usize::from(text[at])].iter();
        let here = forms.filter(|form| text[at..].starts_with(form));
        here.map(|form| form.len()).max()
    }

    /// The text without secrets, borrowed where there is none.
    #[must_use]
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let (secrets, _) = self.0.find(text.as_bytes(), 0, More::Never, Vec::new());
        if secrets.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut clean = String::with_capacity(text.len());
        let mut at = 0;
        for secret in secrets {
            clean.push_str(&text[at..secret.start]);
            clean.push_str(MARK);
            at = secret.end;
        }
        clean.push_str(&text[at..]);
        Cow::Owned(clean)
    }
}

impl Default for Redactor {
    /// One that knows no secret, only what secrets look like.
    fn default() -> Self {
        Self::new([])
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// Takes secrets out of bytes that come in chunks, also those that are split over several. Holds back only what may yet
/// become a secret: at most 16 kB, or the longest form of a known one.
pub struct StreamRedactor {
    known: Arc<Known>,
    /// What has come and not gone out, with the byte before it.
    held: Vec<u8>,
    /// Where in `held` begins what has not gone out.
    next: usize,
    /// Secrets in `held` that were found already.
    found: Vec<Range<usize>>,
    /// Does the first of them go on from what has gone out, so that its mark has too?
    is_marked: bool,
}

impl StreamRedactor {
    /// For one stream, from its beginning.
    #[must_use]
    pub fn new(redactor: &Redactor) -> Self {
        Self {
            known: redactor.0.clone(),
            held: Vec::new(),
            next: 0,
            found: Vec::new(),
            is_marked: false,
        }
    }

    /// Takes a chunk in, and gives what can go out.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(chunk);
        self.release(More::MayCome)
    }

    /// The stream is at its end: gives the rest.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.release(More::Never)
    }

    fn release(&mut self, more: More) -> Vec<u8> {
        let found = std::mem::take(&mut self.found);
        let (secrets, end) = self.known.find(&self.held, self.next, more, found);
        if end == self.next {
            self.found = secrets;
            return Vec::new();
        }
        let mut out = Vec::with_capacity(end - self.next);
        let mut at = self.next;
        for secret in secrets.iter().take_while(|secret| secret.start < end) {
            out.extend_from_slice(&self.held[at..secret.start]);
            if !(self.is_marked && secret.start == self.next) {
                out.extend_from_slice(MARK.as_bytes());
            }
            at = secret.end.min(end);
        }
        out.extend_from_slice(&self.held[at..end]);
        self.forget_before(end, secrets);
        out
    }

    /// Keeps what has not gone out, and one byte more: what comes before a word tells whether it is one.
    fn forget_before(&mut self, end: usize, secrets: Vec<Range<usize>>) {
        let gone = end.saturating_sub(1);
        self.held.drain(..gone);
        self.next = end - gone;
        self.is_marked = secrets
            .iter()
            .any(|secret| (secret.start..secret.end).contains(&end) && secret.start < end);
        self.found = secrets
            .into_iter()
            .filter(|secret| secret.end > end)
            .map(|secret| secret.start.max(end) - gone..secret.end - gone)
            .collect();
    }
}

impl fmt::Debug for StreamRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamRedactor")
    }
}

/// Can a text go on behind its end?
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    MayCome,
    Never,
}

impl Known {
    /// The secrets in the text from `from` on, in order and apart from one another, with those `found` before; and how far
    /// the text is settled, whatever comes after it.
    fn find(
        &self,
        text: &[u8],
        from: usize,
        more: More,
        mut found: Vec<Range<usize>>,
    ) -> (Vec<Range<usize>>, usize) {
        let mut settled = text.len();
        for (at, byte) in text.iter().enumerate().skip(from) {
            if self.begins[usize::from(*byte)] && !self.look(text, at, more, &mut found) {
                settled = at;
                break;
            }
        }
        found.sort_by_key(|secret| secret.start);
        found.dedup_by(|next, secret| {
            let overlaps = next.start < secret.end;
            if overlaps {
                secret.end = secret.end.max(next.end);
            }
            overlaps
        });
        (found, settled)
    }

    /// Takes what begins at `at` into `found`. Can that be said already?
    fn look(&self, text: &[u8], at: usize, more: More, found: &mut Vec<Range<usize>>) -> bool {
        let more = more == More::MayCome;
        let rest = &text[at..];
        let forms = &self.forms[usize::from(text[at])];
        let pattern = pattern_at(text, at, more);
        if pattern == Look::Unfinished
            || more
                && forms
                    .iter()
                    .any(|form| form.len() > rest.len() && form.starts_with(rest))
        {
            return false;
        }
        let longest = forms
            .iter()
            .filter(|form| rest.starts_with(form))
            .map(|form| form.len())
            .max();
        found.extend(longest.map(|length| at..at + length));
        if let Look::Secret(secret) = pattern {
            found.push(secret.start..char_end(text, secret.end));
        }
        true
    }
}

/// The end of the character that `end` may lie in, so that a cut-off secret leaves whole characters behind.
fn char_end(text: &[u8], end: usize) -> usize {
    let rest = text[end..]
        .iter()
        .take_while(|byte| (0x80..0xc0).contains(*byte));
    end + rest.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "s3cr3t/väl+ue";

    fn redactor() -> Redactor {
        Redactor::new([SECRET.to_owned(), "abcabc".to_owned(), "short".to_owned()])
    }

    fn streamed(redactor: &Redactor, chunks: &[&[u8]]) -> String {
        let mut stream = StreamRedactor::new(redactor);
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend(stream.push(chunk));
        }
        out.extend(stream.finish());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_known_secret_goes_in_every_form() {
        let check = |text: &str, expect: &str| assert_eq!(redactor().clean(text), expect, "{text}");
        check("a s3cr3t/väl+ue b", "a [redacted] b");
        check("?t=s3cr3t%2Fv%C3%A4l%2Bue&u=1", "?t=[redacted]&u=1");
        check(r#"{"t":"s3cr3t\/väl+ue"}"#, r#"{"t":"[redacted]"}"#);
        check(r#"{"t":"s3cr3t/v\u00e4l+ue"}"#, r#"{"t":"[redacted]"}"#);
        check("abcabcabc and abcabcx", "[redacted] and [redacted]x");
        check("short stays", "short stays");
        check("ghp_0123456789abcdefghij", "[redacted]");
    }

    #[test]
    fn text_without_secrets_is_not_copied() {
        assert!(matches!(
            redactor().clean("nothing here: sk- https://a.b/c"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn nothing_of_a_secret_is_shown_for_debugging() {
        let shown = format!("{:?} {:?}", redactor(), StreamRedactor::new(&redactor()));
        assert_eq!(shown, "Redactor StreamRedactor");
    }

    #[test]
    fn a_secret_split_over_chunks_goes() {
        let text = format!("x{SECRET}y Authorization: Bearer {SECRET}");
        let bytes = text.as_bytes();
        for at in 0..bytes.len() {
            let out = streamed(&redactor(), &[&bytes[..at], &bytes[at..]]);
            assert_eq!(
                out, "x[redacted]y Authorization: Bearer [redacted]",
                "cut at {at}"
            );
        }
        // The control: chunk by chunk without holding back, it shows.
        let (head, tail) = text.split_at(8);
        let naive = redactor().clean(head).into_owned() + &redactor().clean(tail);
        assert!(naive.contains("s3cr3t"));
    }

    #[test]
    fn plain_lines_are_not_held_back() {
        let mut stream = StreamRedactor::new(&redactor());
        assert_eq!(stream.push(b"a plain line\n"), b"a plain line\n");
        assert_eq!(stream.push(b"ends in abc"), b"ends in ");
        assert_eq!(stream.push(b"d"), b"abcd");
    }

    #[test]
    fn endless_secrets_are_held_in_little_memory() {
        for endless in [
            "abc",
            "ghp_0123456789",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nM",
            "://a:",
        ] {
            let mut stream = StreamRedactor::new(&redactor());
            let (mut most, mut out) = (0, 0);
            for _ in 0..20_000 {
                out += stream.push(endless.as_bytes()).len();
                most = most.max(stream.held.len());
            }
            assert!(most < 40_000, "{endless}: {most}");
            assert!(out < 20_000 * endless.len());
        }
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "abcabc", "abc", "c", SECRET, "s3cr3t", " ", "\n", "ghp_0123456789", "x", "Authorization: ", "Bearer ", "://u:",
                "p@h", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "ü", "sk-", "\"",
            ]), 0..12),
            cuts in prop::collection::vec(0usize..200, 0..6),
        ) {
            let text = pieces.concat();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let clean = redactor().clean(&text).into_owned();
            prop_assert_eq!(&streamed(&redactor(), &chunks), &clean);
            prop_assert!(!clean.contains("abcabc") && !clean.contains(SECRET));
        }

        #[test]
        fn base64_hides_nothing(before in "[ -~]{0,5}", after in "[ -~]{0,5}") {
            let secret = "correct horse battery";
            let encoded = base64(format!("{before}{secret}{after}").as_bytes());
            let clean = Redactor::new([secret.to_owned()]).clean(&encoded).into_owned();
            prop_assert!(clean.contains(MARK), "{encoded} -> {clean}");
            prop_assert!(clean.len() < MARK.len() + 2 * 4 + 10);
        }
    }

    /// Plain base64, to check against.
    fn base64(bytes: &[u8]) -> String {
        let letters: Vec<char> = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['+', '/'])
            .collect();
        let mut out = String::new();
        for three in bytes.chunks(3) {
            let number = three
                .iter()
                .fold(0usize, |number, byte| number << 8 | usize::from(*byte))
                << (8 * (3 - three.len()));
            for place in 0..=three.len() {
                out.push(letters[number >> (18 - 6 * place) & 63]);
            }
        }
        out
    }
}
