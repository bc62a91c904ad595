//! Agents in the sandbox that print without end: the memory of everything of ours stays small, whatever it is.

use crate::rig::Rig;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The most memory that a process of ours may ever have, in kB.
const MOST: u64 = 100 << 10;
const GIGABYTE: u64 = 1_000_000_000;

/// Prints a gigabyte, after it has said how much that is: what it prints goes through here, so it is counted.
fn printing(what: &str, to: &str) -> String {
    format!("{what} | head -c {GIGABYTE} | tee >(wc -c > size.txt) {to}")
}

fn measured(agent: &str, kind: &str) -> (Rig, u64) {
    let rig = Rig::new();
    let script = rig.script("agent", agent);
    rig.config(&json!({
        "agent": { "kind": kind, "command": [script], "yolo": true, "model": "sonnet" },
        "executor": { "maxRetries": 0 },
    }));
    rig.issue(1, "One", "do it");
    let mut command: Command =
        rig.autoissue(&["exec", "go", "--isolation", "bwrap", "--format", "json"]);
    let out = std::fs::File::create(rig.path("out")).unwrap();
    command
        .env("ANTHROPIC_API_KEY", "sk-ant-not-a-key-of-anybody-0")
        .stdout(out)
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let (code, peak) = wait_and_measure(&mut child);
    let said = std::fs::read_to_string(rig.path("out")).unwrap();
    assert_eq!(code, Some(0), "{said}");
    (rig, peak)
}

/// The exit code, and the most memory that the process and those of this program below it ever had, in kB.
fn wait_and_measure(child: &mut Child) -> (Option<i32>, u64) {
    let (began, mut peak) = (Instant::now(), 0);
    loop {
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.code(), peak);
        }
        assert!(
            began.elapsed() < Duration::from_secs(240),
            "it does not end"
        );
        peak = peak.max(own_peak(child.id()));
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn own_peak(pid: u32) -> u64 {
    let own = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    if own != Path::new(env!("CARGO_BIN_EXE_autoissue")) {
        return 0;
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let own = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let below = tasks.flatten().flat_map(|task| {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
        pids.collect::<Vec<u32>>()
    });
    below.map(own_peak).chain(own).max().unwrap_or(0)
}

/// What is printed so, and by what; returns the most memory, in kB, and how long it took.
fn a_gigabyte(name: &str, what: &str, to: &str) -> String {
    let prints = printing(what, to);
    let agent = format!(
        "#!/bin/bash\ncat > /dev/null\n{prints}\nwait\necho\necho '{{\"cost_usd\": 0.2}}'\n"
    );
    let began = Instant::now();
    let (rig, peak) = measured(&agent, "command");
    let told = format!("a gigabyte, {name}: {peak} kB in {:?}", began.elapsed());
    assert!(peak < MOST && peak > 0, "{name}: {peak} kB");
    let size = rig.file("autoissue/1-one", "size.txt");
    assert_eq!(size.parse(), Ok(GIGABYTE), "{name}: it was all printed");
    told
}

/// A million lines.
const LINES: &str = "yes \"$(head -c 999 /dev/zero | tr '\\0' y)\"";
const ONE: &str = "tr '\\0' x < /dev/zero";

#[test]
fn a_gigabyte_on_a_million_lines_in_the_sandbox_takes_little_memory() {
    println!("{}", a_gigabyte("lines", LINES, ""));
}

#[test]
fn a_gigabyte_on_one_line_or_of_complaints_in_the_sandbox_takes_little_memory() {
    println!("{}", a_gigabyte("one line", ONE, ""));
    println!("{}", a_gigabyte("lines of complaints", LINES, ">&2"));
    println!("{}", a_gigabyte("one line of complaint", ONE, ">&2"));
}

/// Prints what it is told as one of Claude's lines, three times, and then that it is done.
const VENDOR: &str = r#"#!/usr/bin/env python3
import os, sys
if "--version" in " ".join(sys.argv):
    print("2.1.100 (Claude Code)")
    sys.exit()
sys.stdin.read()
def say(line):
    left = line + b"\n"
    while left:
        left = left[os.write(1, left):]
for _ in range(3):
    say(LINE)
say(b'{"type":"result","subtype":"success","is_error":false,"num_turns":1,"total_cost_usd":0.1,"result":"done"}')
open("g.txt", "w").write("g")
"#;

#[test]
fn no_line_of_an_agent_takes_much_memory_once_it_is_read() {
    for (name, line) in [
        (
            "values",
            r#"b'{"type":"assistant","message":{"content":[' + b"0," * (8 << 20)"#,
        ),
        (
            "whole values",
            r#"b'{"type":"assistant","message":{"content":[' + b"0," * 4194000 + b"0]}}""#,
        ),
        (
            "objects",
            r#"b'{"type":"assistant","message":{"content":[' + b'{"":{}},' * (1 << 20) + b"0]}}""#,
        ),
        (
            "no text",
            r#"b'{"type":"assistant","message":"' + b"\xff" * (15 << 20) + b'"}'"#,
        ),
        (
            "a long text",
            r#"b'{"type":"assistant","message":{"content":[{"type":"text","text":"' + b"x" * 8388000 + b'"}]}}'"#,
        ),
        (
            "a long result",
            r#"b'{"type":"result","subtype":"success","is_error":false,"total_cost_usd":0.1,"result":"' + b"x" * 8388000 + b'"}'"#,
        ),
        (
            "escapes",
            r#"b'{"type":"assistant","message":{"content":[{"type":"text","text":"' + b"\\n" * 4194000 + b'"}]}}'"#,
        ),
    ] {
        let (_rig, peak) = measured(&VENDOR.replace("LINE", line), "claude");
        println!("{name}: {peak} kB");
        assert!(peak < MOST && peak > 0, "{name}: {peak} kB");
    }
    // The control: read as it comes, the same line takes more than that by far.
    let text = format!("[{}0]", "0,".repeat(4 << 20));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let values = value.as_array().unwrap().len() * size_of::<serde_json::Value>();
    assert!(values as u64 > MOST << 10, "{values}");
}
