//! The texts of notices, for people: what is somebody else's in them steers nothing, calls nobody and is not too long.

use crate::rules::notice::shape::Notice;
use crate::rules::printable::printable;

/// Stands between `@` and a name, so that nobody is called; it shows nothing.
const BREAK: char = '\u{200b}';

/// All of these as plain text of at most so many UTF-16 units, which is what Telegram counts: one with its cost and its
/// link, unless its line is the whole of it, several as a list. What does not fit is counted in a last line.
#[must_use]
pub fn plain(notices: &[Notice], most: usize) -> String {
    if let [notice] = notices {
        return fit(&single(notice), most);
    }
    let mut text = format!("{} notices:", notices.len());
    for (told, notice) in notices.iter().enumerate() {
        let line = format!("\n- {}", calls_nobody(&notice.line));
        let more = format!("\n… and {} more", notices.len() - told);
        if units(&text) + units(&line) + units(&more) > most {
            text.push_str(&more);
            break;
        }
        text.push_str(&line);
    }
    fit(&text, most)
}

/// As Slack wants text in which nothing is markup
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>), so that no title calls a channel.
#[must_use]
pub fn slack(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// One text as Slack wants it, of at most so many UTF-16 units before it is escaped; it calls nobody.
#[must_use]
pub fn slack_line(text: &str, most: usize) -> String {
    slack(&fit(&calls_nobody(text), most))
}

/// One line that says what these are about, for a subject.
#[must_use]
pub fn subject(notices: &[Notice]) -> String {
    let line = match notices {
        [notice] => notice.line.clone(),
        [] | [_, _, ..] => format!("{} notices", notices.len()),
    };
    // A header has one line (RFC 5322, section 2.2).
    fit(printable(&line).trim(), 150)
}

fn single(notice: &Notice) -> String {
    let cost = notice.cost.map(|cost| format!("cost: {cost}"));
    let link = notice.link.clone();
    let more = [cost, link].into_iter().flatten();
    let more = more.filter(|_| !notice.is_whole);
    more.fold(calls_nobody(&notice.line), |text, line| {
        format!("{text}\n{line}")
    })
}

/// The text in which no `@name` is one for a program that looks for names.
fn calls_nobody(text: &str) -> String {
    let mut calm = String::with_capacity(text.len());
    let mut last = ' ';
    for char in text.chars() {
        if last == '@' && (char.is_alphanumeric() || char == '_') {
            calm.push(BREAK);
        }
        calm.push(char);
        last = char;
    }
    calm
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn fit(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for char in text.chars() {
        used += char.len_utf16();
        if used > most {
            break;
        }
        kept.push(char);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::money::Usd;
    use proptest::prelude::*;

    fn notice(line: &str) -> Notice {
        Notice {
            line: line.to_owned(),
            ..Notice::test("")
        }
    }

    #[test]
    fn one_has_its_cost_and_its_link_and_several_are_a_list() {
        let one = Notice {
            cost: Some(Usd::from_micros(250_000)),
            link: Some("https://github.com/acme/shop/pull/31".to_owned()),
            ..notice("acme/shop#12 completed: Mend it")
        };
        assert_eq!(
            plain(std::slice::from_ref(&one), 3_000),
            "acme/shop#12 completed: Mend it\ncost: $0.25\nhttps://github.com/acme/shop/pull/31"
        );
        let whole = Notice {
            is_whole: true,
            ..one.clone()
        };
        assert_eq!(plain(&[whole], 3_000), one.line);
        assert_eq!(
            plain(&[one, notice("two")], 3_000),
            "2 notices:\n- acme/shop#12 completed: Mend it\n- two"
        );
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let many = vec![notice("0123456789"); 10];
        assert_eq!(
            plain(&many, 60),
            "10 notices:\n- 0123456789\n- 0123456789\n… and 8 more"
        );
        assert_eq!(plain(&[notice("0123456789")], 5), "0123…");
    }

    #[test]
    fn titles_call_nobody() {
        let text = plain(
            &[notice("<!channel> @channel me@here.example @ all")],
            3_000,
        );
        assert_eq!(
            slack(&text),
            "&lt;!channel&gt; @\u{200b}channel me@\u{200b}here.example @ all"
        );
        assert_eq!(
            slack("<img src=x onerror=alert(1)> & <b>"),
            "&lt;img src=x onerror=alert(1)&gt; &amp; &lt;b&gt;"
        );
        assert_eq!(slack_line("<@here> is cut", 9), "&lt;@\u{200b}here&gt;…");
    }

    #[test]
    fn a_subject_is_one_line() {
        let hostile = notice("Hello\r\nBcc: everybody@example.com\r\n\r\nbody");
        assert_eq!(
            subject(&[hostile]),
            "Hello Bcc: everybody@example.com  body"
        );
        assert_eq!(subject(&vec![notice("a"); 3]), "3 notices");
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_its_channel_takes(lines in prop::collection::vec(any::<String>(), 1..12), most in 40usize..400) {
            let notices: Vec<Notice> = lines.iter().map(|line| notice(line)).collect();
            prop_assert!(units(&plain(&notices, most)) <= most);
        }
    }
}
