//! A million lines for the parsers of agents' output: recorded ones with a few bytes or values changed, and bytes of any
//! kind. The same ones in every run.

use crate::vendors_replayed::{VENDORS, hear_as, mutated, recorded};
use serde_json::Value;
use std::panic::catch_unwind;

/// Lines for each of the four parsers.
const LINES: u64 = 250_000;
/// How many lines one run of an agent has.
const RUN: u64 = 20;
/// One line in so many is bytes of any kind, and one another vendor's.
const BYTES: u64 = 8;
const FOREIGN: u64 = 16;

/// Marsaglia's xorshift64* (2003): quick, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap() % most
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        (0..length).map(|_| self.next().to_le_bytes()[7]).collect()
    }
}

/// Makes lines of one vendor.
struct Lines {
    own: Vec<Vec<u8>>,
    all: Vec<Vec<u8>>,
    chance: Chance,
}

impl Lines {
    fn of(vendor: &str, seed: u64) -> Self {
        Self {
            own: recorded(vendor),
            all: recorded(""),
            chance: Chance(seed),
        }
    }

    fn next(&mut self) -> Vec<u8> {
        let chance = &mut self.chance;
        if chance.next().is_multiple_of(BYTES) {
            return chance.bytes(200);
        }
        let from = if chance.next().is_multiple_of(FOREIGN) {
            &self.all
        } else {
            &self.own
        };
        let mut line = from[chance.below(from.len())].clone();
        for _ in 0..=chance.below(2) {
            let (at, with, how) = (chance.below(line.len() + 1), chance.bytes(8), chance.next());
            line = mutated(&line, at, &with, how.to_le_bytes()[7]);
        }
        line
    }
}

/// How many lines were heard, and how many of them are JSON still.
fn hear(vendor: &'static str, seed: u64) -> (u64, u64) {
    let mut lines = Lines::of(vendor, seed);
    let (mut heard, mut json) = (0, 0);
    for _ in 0..LINES / RUN {
        let run: Vec<Vec<u8>> = (0..RUN).map(|_| lines.next()).collect();
        let run: Vec<&[u8]> = run.iter().map(Vec::as_slice).collect();
        hear_as(vendor, &run);
        let is_json = |line: &&&[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
        heard += RUN;
        json += run.iter().filter(is_json).count() as u64;
    }
    (heard, json)
}

#[test]
fn a_million_lines_break_no_parser() {
    let mut sums = Vec::new();
    std::thread::scope(|scope| {
        let hearing =
            VENDORS.map(|vendor| (vendor, scope.spawn(move || hear(vendor, 0x9e37_79b9))));
        for (vendor, thread) in hearing {
            sums.push((vendor, thread.join().expect("no line breaks it")));
        }
    });
    let (heard, json) = sums.iter().fold((0, 0), |(heard, json), (_, sum)| {
        (heard + sum.0, json + sum.1)
    });
    println!("{heard} lines, {json} of them JSON: {sums:?}");
    assert_eq!(heard, 1_000_000);
    // What is no JSON any more ends at once; most has to come further.
    assert!(
        sums.iter().all(|(_, (heard, json))| json * 4 > *heard),
        "{sums:?}"
    );
}

/// Do any of many lines of this vendor break it?
fn breaks(vendor: &str, parse: fn(&[u8])) -> bool {
    let mut lines = Lines::of(vendor, 1);
    (0..20_000).any(|_| {
        let line = lines.next();
        catch_unwind(|| parse(&line)).is_err()
    })
}

#[test]
fn the_same_lines_break_parsers_that_trust_them() {
    assert!(breaks("opencode", |line| {
        let text = String::from_utf8_lossy(line);
        let _ = &text[..text.len().min(100)];
    }));
    assert!(breaks("codex", |line| {
        let value: Value = serde_json::from_slice(line).unwrap_or_default();
        let usage = value.get("usage");
        usage.map(|usage| usage["input_tokens"].as_u64().unwrap());
    }));
    assert!(!breaks("codex", |_| {}));
}
