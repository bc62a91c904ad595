//! One line for each event that matters, for pipes, logs of CI and `--headless`.

use crate::ports::Reporter;
use crate::reporters::end::end_report;
use crate::reporters::lines::line;
use crate::reporters::next::Calling;
use crate::reporters::out::{Plain, Queue, Stream};
use crate::reporters::paint::{Colour, Paint};
use crate::rules::event::{Progress, Recorded};
use crate::rules::tally::Tally;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A reader who takes nothing for so long at the end is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says on one stream what happens, and on the other what came of it.
pub struct PlainReporter {
    tally: Mutex<Tally>,
    lines: &'static Queue,
    end: End,
    paint: Paint,
}

/// Where the end of a session is written, and how.
pub struct End {
    queue: Queue,
    width: fn() -> usize,
    colour: Colour,
    calling: Calling,
}

impl End {
    /// On standard output.
    #[must_use]
    pub fn stdout(colour: Colour, calling: Calling) -> Self {
        Self {
            calling,
            ..Self::new(std::io::stdout(), || Stream::Out.width(), colour)
        }
    }

    /// On this; asked for its width when there is something to write, since windows change.
    pub fn new(writer: impl Write + Send + 'static, width: fn() -> usize, colour: Colour) -> Self {
        Self {
            queue: Queue::start(Box::new(Plain(writer))),
            width,
            colour,
            calling: Calling::default(),
        }
    }

    /// Writes the last words, unless nothing ever began.
    pub fn write(&self, tally: &Tally) {
        if tally.session.is_some() {
            self.queue.last(end_report(
                tally,
                (self.width)(),
                self.colour,
                &self.calling,
            ));
            self.queue.flush(PATIENCE);
        }
    }
}

impl PlainReporter {
    /// Lines go to this queue, the end to that.
    #[must_use]
    pub fn new(lines: &'static Queue, paint: Paint, end: End) -> Self {
        Self {
            tally: Mutex::default(),
            lines,
            end,
            paint,
        }
    }
}

impl Reporter for PlainReporter {
    fn event(&self, recorded: &Recorded) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.apply(recorded);
        if let Some(line) = line(&tally, recorded) {
            self.lines.line(line.shown(self.paint));
        }
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        self.lines.flush(PATIENCE);
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        self.end.write(&tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script;
    use std::io::{self, Read};

    fn leaked(writer: impl Write + Send + 'static) -> &'static Queue {
        Box::leak(Box::new(Queue::start(Box::new(Plain(writer)))))
    }

    /// What a session with every ending says on its way, and at its end.
    fn said_and_ended() -> (String, String) {
        let (mut said, lines) = io::pipe().unwrap();
        let (mut ended, end) = io::pipe().unwrap();
        let end = End::new(end, || 80, Colour::Never);
        let reporter = PlainReporter::new(leaked(lines), Paint::NONE, end);
        for recorded in &script::every_ending().events {
            reporter.event(recorded);
        }
        reporter.finish();
        drop(reporter);
        let mut bytes = vec![0; 32_768];
        let count = said.read(&mut bytes).unwrap();
        let said = String::from_utf8_lossy(&bytes[..count]).into_owned();
        let mut text = String::new();
        ended.read_to_string(&mut text).unwrap();
        (said, text)
    }

    #[test]
    fn a_session_reads_like_a_report() {
        let (said, _) = said_and_ended();
        insta::assert_snapshot!(said, @"
        session 01K5SHOP000000000000000000 on acme/shop: label bug; budget $50.00, 3 slots, agent claude with sonnet
        10 tasks: 2 backend, 2 frontend, 1 database, 1 infrastructure, 1 security, 1 testing, 1 documentation, 1 unknown
        #20 skipped: Build the image for arm64: pull #77 is open already
        #12 admitted, attempt 1, slot 0, $5.50 set aside: Fix the login redirect
        #12 committed 0000000000: 3 files, +40 -2
        #12 checks: lint passed (3s), test passed (3s)
        #12 pushed autoissue/12-mend-the-shop
        #12 pull #31 opened
        #12 completed: Fix the login redirect (1m 37s, $0.1117) https://github.com/acme/shop/pull/31
        #14 waits for #13 (src/header.css)
        #13 admitted, attempt 1, slot 1, $5.50 set aside: Make the header sticky on small screens
        #13 checks: lint passed (3s), test failed (3s)
        #13 attempt 1 failed, $0.42
        #13 failed: check failed: 2 of 40 tests fail; again in 1s
        #13 admitted, attempt 2, slot 1, $5.50 set aside: Make the header sticky on small screens
        #13 committed 0000000000: 3 files, +40 -2
        #13 checks: lint passed (3s), test passed (3s)
        #13 pushed autoissue/13-mend-the-shop
        #13 pull #32 opened
        #13 completed: Make the header sticky on small screens (2 attempts, 1m 40s, $0.65) https://github.com/acme/shop/pull/32
        #14 admitted, attempt 1, slot 0, $5.50 set aside: Show the cart in the header
        #14 committed 0000000000: 3 files, +40 -2
        #14 checks: lint passed (3s), test passed (3s)
        #14 pushed autoissue/14-mend-the-shop
        #14 pull #33 opened
        #14 completed: Show the cart in the header (1m 37s, $0.0980) https://github.com/acme/shop/pull/33
        #15 admitted, attempt 1, slot 2, $5.50 set aside: Add an index to the table of orders
        #15 attempt 1 failed, $1.00
        #15 admitted, attempt 2, slot 2, $5.50 set aside: Add an index to the table of orders
        #15 attempt 2 failed, $1.00
        #15 admitted, attempt 3, slot 2, $5.50 set aside: Add an index to the table of orders
        #15 attempt 3 failed, $1.00
        #15 failed: Add an index to the table of orders (3 attempts, 6s, $3.00): timeout: nothing came of it in 30 minutes
        #16 blocked: List the last orders of a customer: needs #15, which failed
        #17 admitted, attempt 1, slot 0, $5.50 set aside: Say in the README which ports are used
        #17 no change: Say in the README which ports are used (2s, $0.04): it says so already
        #18 admitted, attempt 1, slot 0, $5.50 set aside: Test the payment callback
        #18 needs human: Test the payment callback (2s, $0.07): a nested repository was changed: vendor/pay
        #19 budget: Rotate the signing keys every 90 days: $5.50 would pass what is left of $50.00
        #21 admitted, attempt 1, slot 0, $5.50 set aside: Greet in 日本語 and العربية, not only in English
        #21 committed 0000000000: 3 files, +40 -2
        #21 checks: lint passed (3s), test passed (3s)
        #21 pushed autoissue/21-mend-the-shop
        #21 pull #34 opened
        #21 completed: Greet in 日本語 and العربية, not only in English (1m 37s, $0.01) https://github.com/acme/shop/pull/34
        session finished after 7m 10s
        ");
    }

    #[test]
    fn the_end_goes_another_way() {
        let (said, ended) = said_and_ended();
        assert!(ended.starts_with("issue "), "{ended}");
        assert!(ended.contains("\n  autoissue exec --issue 15 "), "{ended}");
        assert!(said.contains("admitted") && !ended.contains("admitted"));
    }

    #[test]
    fn nobody_reading_is_no_trouble() {
        let (lines_gone, lines) = io::pipe().unwrap();
        let (end_gone, end) = io::pipe().unwrap();
        drop((lines_gone, end_gone));
        let end = End::new(end, || 80, Colour::Never);
        let reporter = PlainReporter::new(leaked(lines), Paint::NONE, end);
        for recorded in &script::every_ending().events {
            reporter.event(recorded);
        }
        reporter.finish();
    }
}
