//! Colour, which never carries meaning alone.

use crate::reporters::out::Stream;

/// Does a person want colour?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a piece of text tells, beside its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// A person may want to look.
    Warn,
    /// A heading.
    Head,
    /// Less important.
    Faint,
}

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Colour {
    /// The paint for this stream. <https://no-color.org>: any value of `NO_COLOR` that is not empty turns it off.
    #[must_use]
    pub fn paint(self, stream: Stream) -> Paint {
        let on = match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => stream.is_terminal() && environment_allows(|key| std::env::var(key).ok()),
        };
        Paint { on }
    }
}

impl Paint {
    /// Paint that leaves everything as it is.
    pub const NONE: Self = Self { on: false };

    /// Does it paint at all?
    #[must_use]
    pub fn is_on(self) -> bool {
        self.on
    }

    /// The text in its tone.
    #[must_use]
    pub fn tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Head => "1",
            Tone::Faint => "2",
        };
        if self.on && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn environment_allows(variable: impl Fn(&str) -> Option<String>) -> bool {
    let refused = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    !refused && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_can_refuse_colour() {
        let check = |key: &str, value: &str, expect| {
            let variable = |asked: &str| (asked == key).then(|| value.to_owned());
            assert_eq!(environment_allows(variable), expect, "{key}={value}");
        };
        check("NO_COLOR", "1", false);
        check("NO_COLOR", "", true);
        check("TERM", "dumb", false);
        check("TERM", "xterm", true);
    }

    #[test]
    fn paint_that_is_off_changes_nothing() {
        assert_eq!(Paint::NONE.tone(Tone::Bad, "failed"), "failed");
        let paint = Colour::Always.paint(Stream::Out);
        assert_eq!(paint.tone(Tone::Bad, "failed"), "\u{1b}[31mfailed\u{1b}[0m");
        assert_eq!(paint.tone(Tone::Plain, "failed"), "failed");
    }
}
