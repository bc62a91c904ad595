//! What a watch tells: each pull when what it waits for changes.

use crate::commands::place::Place;
use crate::engine::looking::LookError;
use crate::error::Error;
use crate::ports::Merging;
use crate::rules::exit::Exit;
use crate::rules::follow::next::Next;
use crate::rules::follow::shape::{Said, Seen};
use crate::rules::ids::{IssueNumber, PullNumber};
use crate::rules::money::Usd;
use crate::rules::printable::{clip, printable};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What was told last of each pull.
#[derive(Debug, Default)]
pub struct Shown {
    last: HashMap<PullNumber, String>,
    has_ended: bool,
    is_broke: bool,
}

impl Shown {
    /// Tells what is to be done about a pull, unless that was told last.
    pub fn tell(&mut self, place: &Place, seen: &Seen, next: &Next) -> Result<(), Error> {
        let (kind, words) = words(next);
        self.say(place, seen, kind, &words)
    }

    /// Tells what came of a merge.
    pub fn merging(&mut self, place: &Place, seen: &Seen, merging: &Merging) -> Result<(), Error> {
        let (kind, words) = match merging {
            Merging::Done => ("merged", "merged".to_owned()),
            Merging::Queued => ("queued", "handed to GitHub to be merged".to_owned()),
            Merging::NotYet(why) => (
                "not_merged",
                format!("not merged: {}", clip(&printable(why), 300)),
            ),
        };
        self.say(place, seen, kind, &words)
    }

    /// Tells that an answer arrived which a round could not send.
    pub fn answered(&mut self, place: &Place, seen: &Seen, said: &Said) -> Result<(), Error> {
        let (what, by) = (said.id.source.word(), clip(&printable(&said.by), 80));
        let words = format!("the {what} by {by} is answered now, which failed before");
        self.say(place, seen, "answered", &words)
    }

    fn say(&mut self, place: &Place, seen: &Seen, kind: &str, words: &str) -> Result<(), Error> {
        let number = seen.pull.number;
        if self.last.get(&number).is_some_and(|last| last == words) {
            return Ok(());
        }
        self.last.insert(number, words.to_owned());
        let event = json!({
            "v": 1, "event": "pull", "pull": number, "issue": seen.issue, "url": seen.pull.url, "next": kind,
            "words": words,
        });
        let text = format!("Pull {number} for {}: {words}\n", seen.issue);
        place.output.result(&text, &event)
    }

    /// Tells that a look failed, and that it goes on.
    pub fn trouble(&mut self, place: &Place, error: &LookError) -> Result<(), Error> {
        let words = printable(&error.to_string()).clone();
        let event = json!({ "v": 1, "event": "note", "about": "watch", "text": words });
        place.output.note(
            &format!("note: the pulls could not be looked at, and will be again: {words}\n"),
            &event,
        )
    }

    /// Tells that something went wrong with one pull, and that it is tried again.
    pub fn pull_trouble(
        &mut self,
        place: &Place,
        number: PullNumber,
        error: &dyn std::fmt::Display,
    ) -> Result<(), Error> {
        let words = clip(&printable(&error.to_string()), 500);
        if self.last.get(&number) == Some(&words) {
            return Ok(());
        }
        self.last.insert(number, words.clone());
        let event =
            json!({ "v": 1, "event": "note", "about": "pull", "pull": number, "text": words });
        place
            .output
            .note(&format!("note: pull {number}: {words}\n"), &event)
    }

    /// Tells once that the money is used up.
    pub fn unaffordable(&mut self, place: &Place, left: Usd) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_broke, true) {
            return Ok(());
        }
        let words = format!(
            "of the budget {left} is left, which is too little for an attempt: no agent works any more"
        );
        let event = json!({ "v": 1, "event": "note", "about": "budget", "text": words });
        place.output.note(
            &format!("note: {words}\n  hint: watch --budget <more>\n"),
            &event,
        )
    }

    /// Tells that no pull is open any more, or none of these issues.
    pub fn nothing(&mut self, place: &Place, issues: &[IssueNumber]) -> Result<(), Error> {
        let named: Vec<String> = issues.iter().map(ToString::to_string).collect();
        let of = match named.as_slice() {
            [] => String::new(),
            named => format!(" for {}", named.join(", ")),
        };
        let text = format!("No pull request of autoissue is open{of}.\n");
        self.end(place, &text, "none_open")
    }

    /// Tells that somebody stopped it.
    pub fn stopped(&mut self, place: &Place) -> Result<Exit, Error> {
        let words = "Stopped watching. The same command goes on.\n";
        self.end(place, words, "stopped")?;
        Ok(Exit::Interrupted)
    }

    fn end(&mut self, place: &Place, text: &str, why: &str) -> Result<(), Error> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        let event: Value = json!({ "v": 1, "event": "watch_ended", "why": why });
        place.output.result(text, &event)
    }
}

fn words(next: &Next) -> (&'static str, String) {
    match next {
        Next::CleanUp => (
            "clean_up",
            "merged; its issue and branch are seen to".to_owned(),
        ),
        Next::Reject => ("reject", "closed by a person; it stays so".to_owned()),
        Next::Work { said, conflicts } => ("work", work(said, conflicts)),
        Next::Update => (
            "update",
            "its base has moved on, which is merged in and checked".to_owned(),
        ),
        Next::Merge => ("merge", "nothing stands against it".to_owned()),
        Next::Wait(wait) => ("wait", printable(&wait.words())),
    }
}

fn work(said: &[Said], conflicts: &[String]) -> String {
    let mut parts: Vec<String> = said
        .iter()
        .map(|said| match &said.at {
            Some(at) => format!("{} by {} on {}", said.id.source.word(), said.by, at),
            None => format!("{} {}", said.id.source.word(), said.by),
        })
        .map(|part| clip(&printable(&part), 80))
        .collect();
    if !conflicts.is_empty() {
        parts.push(format!("conflicts in {}", clip(&conflicts.join(", "), 200)));
    }
    format!("an agent works on it: {}", parts.join("; "))
}
