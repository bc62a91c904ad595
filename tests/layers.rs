//! The floors of the house hold: imports point down, outside crates stay at home, rules are pure, files are small.
//!
//! Sources are read as tokens, comments and strings left out; `use` trees are unfolded, `self` and `super` resolved.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/rust_paths.rs"]
mod rust_paths;

use rust_paths::{Token, paths, tokens};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Which top-level modules a file of each may use; `*` stands for all.
const FLOORS: [(&str, &[&str]); 12] = [
    ("rules", &["rules"]),
    ("ports", &["rules", "ports"]),
    ("engine", &["rules", "ports", "engine"]),
    ("adapters", &["rules", "ports", "adapters"]),
    ("reporters", &["rules", "ports", "reporters"]),
    ("cli", &["*"]),
    ("config", &["*"]),
    ("error", &["*"]),
    ("commands", &["*"]),
    ("serve", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

/// Where each outside crate may be used: a file, or a folder with all below it; `x*` takes every name that begins so.
const HOMES: [(&str, &[&str]); 58] = [
    ("argon2", &["rules/password"]),
    ("askama", &["serve"]),
    ("async_trait", &["ports", "engine", "adapters"]),
    ("axum", &["serve"]),
    ("axum_server", &["serve", "commands"]),
    ("backoff", &["adapters/retry"]),
    ("base64", &["rules", "adapters/git", "serve"]),
    ("chrono", &["*"]),
    ("clap", &["cli", "commands", "main"]),
    ("clap_complete", &["cli", "commands"]),
    ("clap_mangen", &["cli", "commands"]),
    ("comfy_table", &["reporters", "commands"]),
    ("console", &["reporters"]),
    ("dashmap", &["adapters/process*"]),
    ("etcetera", &["config", "commands"]),
    ("futures", &["engine", "adapters", "commands", "serve"]),
    ("hmac", &["rules/signature"]),
    ("http", &["adapters/github"]),
    ("http_body_util", &["adapters/github"]),
    ("icu_normalizer", &["rules/gate"]),
    ("indicatif", &["reporters"]),
    ("landlock", &["adapters/sandbox"]),
    ("lettre", &["reporters/notify"]),
    ("lru", &["adapters/github"]),
    (
        "minijinja",
        &[
            "rules/prompt",
            "rules/offer",
            "rules/notice",
            "rules/template",
        ],
    ),
    ("nix", &["adapters", "commands"]),
    ("octocrab", &["adapters/github"]),
    ("petgraph", &["rules/graph"]),
    ("process_wrap", &["adapters/process*", "adapters/sandbox"]),
    (
        "reqwest",
        &[
            "reporters/notify",
            "adapters/process*",
            "adapters/git/lfs_*",
            "adapters/http",
            "adapters/daemon_api",
        ],
    ),
    ("rustix", &["adapters/sandbox"]),
    ("rusqlite", &["adapters/store", "adapters/knowledge"]),
    ("rusqlite_migration", &["adapters/store"]),
    ("schemars", &["config*", "commands", "rules"]),
    ("seccompiler", &["adapters/sandbox"]),
    ("sd_notify", &["adapters/systemd"]),
    (
        "secrecy",
        &[
            "config*",
            "adapters",
            "commands",
            "reporters/notify",
            "serve",
        ],
    ),
    ("serde", &["*"]),
    ("serde_json", &["*"]),
    ("serde_path_to_error", &["config*"]),
    ("sha2", &["*"]),
    ("shell_words", &["config*", "commands", "reporters"]),
    ("subtle", &["serve"]),
    ("tokio_stream", &["serve"]),
    ("utoipa", &["serve"]),
    ("utoipa_axum", &["serve"]),
    ("strsim", &["config*", "cli", "commands"]),
    ("thiserror", &["*"]),
    (
        "tokio",
        &[
            "ports",
            "engine",
            "adapters",
            "reporters",
            "commands",
            "main",
            "serve",
        ],
    ),
    (
        "tokio_util",
        &["ports", "engine", "adapters", "commands", "serve"],
    ),
    (
        "tracing",
        &[
            "engine",
            "adapters",
            "reporters",
            "commands",
            "main",
            "serve",
        ],
    ),
    ("tracing_appender", &["reporters/log"]),
    ("tracing_subscriber", &["reporters/log"]),
    ("ulid", &["engine", "adapters", "commands"]),
    ("unicode_width", &["rules", "reporters", "commands"]),
    ("uuid", &["engine", "adapters", "commands", "serve"]),
    // Only in tests:
    ("proptest", &["*"]),
    ("tempfile", &["*"]),
];

/// What rules may not so much as name: I/O, threads, clocks, chance.
const IMPURE: [&str; 12] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "rand",
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Local::now",
    "getrandom",
];

const LONGEST: usize = 500;

/// One breach of the plan.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: String,
    line: usize,
    problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.problem)
    }
}

/// A source file, by its module path (`rules/schedule/step`), and its text.
struct Source {
    module: String,
    text: String,
}

#[test]
fn imports_point_down_and_crates_stay_at_home() {
    let sources = sources();
    assert!(sources.len() > 40, "the sources were found");
    let found: Vec<String> = sources
        .iter()
        .flat_map(violations)
        .map(|violation| violation.to_string())
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_is_small() {
    let mut sizes = Vec::new();
    let mut found = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if !source.text.starts_with("//! ") {
            found.push(format!(
                "src/{}.rs does not begin with `//!`",
                source.module
            ));
        }
        if lines > LONGEST {
            found.push(format!("src/{}.rs has {lines} lines", source.module));
        }
        sizes.push((lines, source.module));
    }
    sizes.sort();
    let (median, _) = sizes[sizes.len() / 2];
    let (longest, name) = &sizes[sizes.len() - 1];
    println!(
        "{} files, median {median} lines, longest {name} with {longest}",
        sizes.len()
    );
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_dependency_has_a_home() {
    let manifest = read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("Cargo.toml")
            .as_path(),
    );
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (table, _) = rest.split_once("\n[").unwrap();
    let named: BTreeSet<String> = table
        .lines()
        .filter_map(|line| {
            line.split_once('=')
                .map(|(name, _)| name.trim().replace('-', "_"))
        })
        .collect();
    assert!(named.contains("tokio"), "the table was found");
    let known: BTreeSet<String> = HOMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let homeless: Vec<_> = named.difference(&known).collect();
    assert!(
        homeless.is_empty(),
        "give these a line in HOMES: {homeless:?}"
    );
}

#[test]
fn the_map_of_the_house_is_true() {
    let map = architecture("Rooms");
    let mut named = BTreeSet::new();
    for row in map.lines().filter(|row| row.contains('`')) {
        let mut words = quoted(row);
        let top = row.starts_with("| top ");
        let room = if top { "" } else { words.next().unwrap() };
        named.extend(words.map(|word| format!("{room}/{word}").trim_matches('/').to_owned()));
    }
    let sources = sources();
    let there: BTreeSet<String> = sources.iter().map(|source| source.module.clone()).collect();
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(
        gone.is_empty(),
        "ARCHITECTURE.md names what is gone: {gone:?}"
    );
    let missing: Vec<String> = sources
        .iter()
        .filter(|source| !named.contains(&source.module))
        .map(|source| format!("{}  {}", source.module, source.text.lines().next().unwrap()))
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names no room for\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_invariant_is_tested_by_what_it_names() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = sources().into_iter().map(|source| source.text).collect();
    files.extend(
        rust_files(&manifest.join("tests"))
            .iter()
            .map(|path| read(path)),
    );
    let table = architecture("Invariants");
    let tests: Vec<&str> = quoted(&table).collect();
    assert!(tests.len() > 10, "the table was found");
    let is_there = |test: &&&str| {
        files
            .iter()
            .any(|text| text.contains(&format!("fn {test}(")))
    };
    let missing: Vec<_> = tests.iter().filter(|test| !is_there(test)).collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names tests that do not exist: {missing:?}"
    );
}

/// A section of `ARCHITECTURE.md`.
fn architecture(section: &str) -> String {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"));
    let (_, rest) = page.split_once(&format!("## {section}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Module, source, and what has to be found in it.
const PLANTED: &str = r"
rules/budget   | use crate::ports::Clock;                     | rules may not use ports
ports          | use crate::{rules::ids, engine::clock};      | ports may not use engine
engine/attempt | fn f() { crate::adapters::git::run() }       | engine may not use adapters
adapters/git/x | use crate::reporters::plain;                 | adapters may not use reporters
reporters/x    | use super::super::commands::wire;            | reporters may not use commands
engine/x       | mod t { use super::super::super::adapters; } | engine may not use adapters
engine/x       | mod t {} use super::super::adapters;         | engine may not use adapters
engine/x       | use autoissue::config;                       | engine may not use config
engine/x       | use crate::cellar::wine;                     | nobody knows the room cellar
engine/x       | use crate::*;                                | nobody knows the room *
cellar/wine    | use crate::rules;                            | nobody knows the room cellar
rules/x        | pub(in crate::engine) fn f() {}              | rules may not use engine
rules/x        | macro_rules! m { () => { $crate::ports::f } } | rules may not use ports
engine/x       | use octocrab::Octocrab;                      | octocrab is at home in adapters/github
rules/graphs   | use petgraph::{graph, algo::toposort};       | petgraph is at home & petgraph is at home
reporters/x    | #[derive(clap::Parser)] struct A;            | clap is at home
adapters/retry_more | use ::backoff::Backoff;                 | backoff is at home
engine/x       | fn f() { ::lru::LruCache::new() }            | lru is at home
engine/x       | extern crate reqwest;                        | reqwest is at home
rules/x        | pub async fn f() {}                          | rules know no async
rules/x        | use std::{fmt, fs::File};                    | rules may not name std::fs
rules/x        | use std::io as words;                        | rules may not name std::io
rules/x        | fn f() { std::process::abort() }             | rules may not name std::process
rules/x        | fn f(now: fn() -> Instant) { f(Instant::now) } | rules may not name Instant::now
rules/x        | fn f() { std::time::SystemTime :: now(); }   | rules may not name SystemTime::now
rules/x        | fn f() { chrono::Utc::now() }                | rules may not name Utc::now
rules/x        | use rand::Rng;                               | rules may not name rand
rules/x        | use tokio::time;                             | tokio is at home
";

#[test]
fn planted_breaches_are_found() {
    for row in PLANTED.trim().lines() {
        let [module, text, expect] = columns(row);
        let found = found_in(module, text);
        let expect: Vec<&str> = expect.split(" & ").collect();
        assert_eq!(found.len(), expect.len(), "{row}\n{found:?}");
        for (violation, part) in found.iter().zip(expect) {
            assert!(violation.problem.contains(part), "{row}\n{found:?}");
        }
    }
}

#[test]
fn a_breach_names_its_place() {
    let text = "//! \"\n/* \n */ const A: &str = \"\n\";\n\nuse crate::\n  ports;";
    let found = found_in("rules/budget", text);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "src/rules/budget.rs:6: rules may not use ports"
    );
}

/// Module, and a source in which nothing is wrong.
const INNOCENT: &str = r##"
rules/budget | use crate::rules::{ids::*, money::{self, Usd as U}}; use super::task;
rules/x      | // use crate::engine::x; async
rules/x      | /* std::fs /* nested */ tokio::x */ fn f() {}
rules/x      | const A: &str = "use crate::engine; \" async"; const B: &str = "\\";
rules/x      | const A: &str = r#"std::fs "quoted" "#; const B: &[u8] = br"async\"; fn f() {}
rules/x      | const C: char = '"'; const D: char = '\''; const E: u8 = b'"'; const F: char = 'a';
rules/x      | fn f<'async_>(x: &'async_ str) -> &'static str { x }
rules/x      | struct X { tokio: u8 } fn f(x: X) -> u8 { x.tokio }
rules/x      | use std::time::Duration; use std::{fmt, collections::HashMap};
rules/x      | mod tests { use super::*; use super::super::task::Task; }
rules/graph  | use petgraph::graph::DiGraph;
adapters/process_tree | use nix::sys::signal; use dashmap::DashMap;
adapters/github/reads | use octocrab::Octocrab; async fn f() { std::fs::read(x) }
commands/wire | use crate::{adapters, engine, reporters};
main         | use autoissue::commands::wire; use clap::Parser;
engine/x     | enum Kind { Http } fn f() { http(1); let http = Vec::<u8>::new(); }
engine/x     | fn f() -> impl Sized + use<'static> { 0..2 }
"##;

#[test]
fn innocent_sources_pass() {
    for row in INNOCENT.trim().lines() {
        let (module, text) = row.split_once('|').unwrap();
        assert_eq!(found_in(module.trim(), text), [], "{row}");
    }
}

fn columns(row: &str) -> [&str; 3] {
    let mut columns = row.splitn(3, '|').map(str::trim);
    [(); 3].map(|()| columns.next().unwrap())
}

fn found_in(module: &str, text: &str) -> Vec<Violation> {
    violations(&Source {
        module: module.to_owned(),
        text: text.to_owned(),
    })
}

// ---------------------------------------------------------------- reading

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let paths = rust_files(&root);
    let module = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("");
    let sources = paths.iter().map(|path| Source {
        module: module(path).to_str().unwrap().replace('\\', "/"),
        text: read(path),
    });
    sources.collect()
}

/// All Rust files below a directory, by path.
fn rust_files(root: &Path) -> Vec<PathBuf> {
    let mut open = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

// ---------------------------------------------------------------- judging

fn violations(source: &Source) -> Vec<Violation> {
    let tokens = tokens(&source.text);
    let mut found = Vec::new();
    let mut add = |line: usize, problem: String| {
        found.push(Violation {
            file: format!("src/{}.rs", source.module),
            line,
            problem,
        });
    };
    let room = source.module.split('/').next().unwrap();
    let Some((_, below)) = FLOORS.iter().find(|(name, _)| *name == room) else {
        add(1, unknown(room));
        return found;
    };
    for (line, path) in paths(&source.module, &tokens) {
        if path[0] == "crate" {
            judge_floor(room, below, &path, |problem| add(line, problem));
        } else {
            judge_home(&source.module, &path[0], |problem| add(line, problem));
        }
        let whole = format!("::{}::", path.join("::"));
        for impure in IMPURE.iter().filter(|_| room == "rules") {
            if names(&whole, impure) {
                add(line, format!("rules may not name {impure}"));
            }
        }
    }
    let is_async = |token: &&Token| token.text == "async" || token.text == "await";
    for token in tokens.iter().filter(is_async).filter(|_| room == "rules") {
        add(token.line, "rules know no async".to_owned());
    }
    found.sort();
    found
}

fn judge_floor(room: &str, below: &[&str], path: &[String], mut add: impl FnMut(String)) {
    let Some(target) = path.get(1) else {
        return;
    };
    if !FLOORS.iter().any(|(name, _)| name == target) {
        add(unknown(target));
    } else if !below.contains(&"*") && !below.contains(&target.as_str()) {
        add(format!("{room} may not use {target}"));
    }
}

fn unknown(room: &str) -> String {
    format!("nobody knows the room {room}: give it a line in FLOORS")
}

fn judge_home(module: &str, name: &str, mut add: impl FnMut(String)) {
    let Some((_, homes)) = HOMES.iter().find(|(own, _)| *own == name) else {
        return;
    };
    let lives_there = |home: &str| match home.strip_suffix('*') {
        Some(start) => module.starts_with(start),
        None => module == home || module.starts_with(&format!("{home}/")),
    };
    if !homes.iter().any(|home| lives_there(home)) {
        add(format!("{name} is at home in {}", homes.join(", ")));
    }
}

/// Does this path name it? Clocks are told by their type, however it was imported.
fn names(path: &str, impure: &str) -> bool {
    let whole = format!("::{impure}::");
    path.starts_with(&whole) || (impure.ends_with("::now") && path.contains(&whole))
}
