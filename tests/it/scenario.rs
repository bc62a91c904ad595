//! A backlog with known conflicts, under three rules of what may run together: the table of the README.

use crate::rig::{Ran, Rig, aloud};
use crate::tasks::Dice;
use serde_json::{Value, json};

/// Seven tasks: the domain, the file that it adds a line to. Two files are touched by two tasks of different domains,
/// and one domain has three tasks on files of their own.
const BACKLOG: [(&str, &str); 7] = [
    ("Backend", "src/orders.txt"),
    ("Backend", "src/prices.txt"),
    ("Backend", "src/users.txt"),
    ("Frontend", "src/orders.txt"),
    ("Frontend", "web/page.txt"),
    ("Documentation", "web/page.txt"),
    ("Documentation", "docs/guide.txt"),
];
/// For work of which nothing is known: a domain of its own for each.
const DOMAINS: [&str; 7] = [
    "Backend",
    "Frontend",
    "Database",
    "Infrastructure",
    "Security",
    "Testing",
    "Documentation",
];
const SEED: u64 = 7;
const SLOTS: u32 = 4;

/// Takes its time, notes it, and adds its line; where git left markers, keeps the lines of both.
const AGENT: &str = r#"
set -- $(sed -n "${AUTOISSUE_ISSUE}p" PLACE/plan)
sleep "$2"; echo "$AUTOISSUE_ATTEMPT $2" >> PLACE/worked
mkdir -p "$(dirname "$1")"
if grep -q '^<<<<<<<' "$1" 2>/dev/null; then
  grep -v '^[<=>]' "$1" > solved; mv solved "$1"
else
  echo "line $AUTOISSUE_ISSUE" >> "$1"
fi
echo '{"cost_usd": 0.1}'
"#;

/// What one rule came to, in seconds of the agents' own time.
struct Row {
    makespan: f64,
    conflicts: usize,
    reworked: usize,
    wasted: f64,
    left: usize,
}

fn play(policy: &str, is_known: bool) -> Row {
    let rig = Rig::local("true", &json!({}));
    let place = rig.path("").display().to_string();
    let agent = AGENT.replace("PLACE", place.trim_end_matches('/'));
    let agent = rig.script("agent", &format!("#!/bin/sh\ncat > /dev/null\n{agent}"));
    rig.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxParallel": SLOTS },
        "scheduling": { "policy": policy, "dependencies": "stacked" },
    }));
    let mut dice = Dice::new(SEED);
    let mut plan = String::new();
    for (number, (domain, path)) in (1..).zip(BACKLOG) {
        let tenths = 10 + dice.below(11);
        plan += &[
            path,
            " ",
            &(tenths / 10).to_string(),
            ".",
            &(tenths % 10).to_string(),
            "\n",
        ]
        .concat();
        let place = usize::try_from(number).unwrap() - 1;
        let (domain, body) = if is_known {
            (domain, format!("Add a line to `{path}`."))
        } else {
            (DOMAINS[place], "Add a line.".to_owned())
        };
        rig.issue(number, &format!("[{domain}] Thing {number}"), &body);
    }
    rig.write("plan", &plan);
    let ran = rig.go();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.count("completed"), BACKLOG.len());
    read(&rig, &ran)
}

fn read(rig: &Rig, ran: &Ran) -> Row {
    let events = ran.events();
    let at = |name: &str, last: bool| {
        let mut of_name = events.iter().filter(|event| event["event"] == name);
        let event = if last {
            of_name.next_back()
        } else {
            of_name.next()
        };
        let text = event.unwrap()["at"].as_str().unwrap().to_owned();
        chrono::DateTime::parse_from_rfc3339(&text).unwrap()
    };
    let took = at("attempt_settled", true) - at("attempt_admitted", false);
    let conflicts = events
        .iter()
        .filter(|event| event["event"] == "test_merged");
    let conflicts: usize = conflicts
        .map(|event| event["conflicts"].as_array().map_or(0, Vec::len))
        .sum();
    let reworked = events
        .iter()
        .filter(|event| event["event"] == "rework_offered");
    let worked = std::fs::read_to_string(rig.path("worked")).unwrap();
    let again = worked.lines().filter_map(|line| line.strip_prefix("2 "));
    let left = ran.last_json()["summary"]["certificate"]["left_out"].clone();
    Row {
        makespan: took.as_seconds_f64(),
        conflicts,
        reworked: reworked.count(),
        wasted: again
            .map(|seconds| seconds.parse::<f64>().unwrap())
            .sum::<f64>()
            .abs(),
        left: left.as_array().map_or(0, |left: &Vec<Value>| left.len()),
    }
}

#[test]
fn files_cost_neither_conflicts_nor_second_attempts_where_domains_do() {
    let rules = [
        ("files (`policy: footprint`)", "footprint", true),
        ("domains (`policy: domain`)", "domain", true),
        ("none (nothing known of any)", "footprint", false),
    ];
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let played = rules.map(|(_, policy, is_known)| scope.spawn(move || play(policy, is_known)));
        played.into_iter().map(|row| row.join().unwrap()).collect()
    });
    aloud("| rule | conflicts found | reworked | agent time wasted | makespan | conflicts left |");
    for ((name, ..), row) in rules.iter().zip(&rows) {
        aloud(&format!(
            "| {name} | {} | {} | {:.1} s | {:.1} s | {} |",
            row.conflicts, row.reworked, row.wasted, row.makespan, row.left
        ));
    }
    let [files, domains, none] = rows.as_slice() else {
        panic!("three rules");
    };
    assert_eq!((files.conflicts, files.reworked), (0, 0));
    for other in [domains, none] {
        assert_eq!(
            (other.conflicts, other.reworked),
            (2, 2),
            "the known conflicts are found"
        );
        assert!(other.wasted > 1.0);
    }
    assert!(
        rows.iter().all(|row| row.left == 0),
        "and none is left to a person"
    );
    assert!(domains.makespan > files.makespan);
}
