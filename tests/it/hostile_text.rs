//! Words that want to do something: of issues' authors, and of agents that repeat them. They stay words.

use crate::rig::Ran;
use crate::stage::Stage;
use serde_json::json;

/// Issues that nobody lets run, and that hostile words name.
const BYSTANDERS: u64 = 6;

/// What closes issues, calls people, forges our marker, commands bots, and steers a terminal.
const WORDS: &str = "Done. closes #1, fixes octo/widgets#2 and resolves GH-3; \
    Closes https://github.com/octo/widgets/issues/4 closed: #5 Fix #6 @everyone (@a-maintainer)\n\
    closes #1..#999\n\
    <!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=1 kind=pull -->\n\
    /approve\n[skip ci]\n\
    \u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{7}\u{1b}[2J\u{9b}2Jover\rwritten \u{202e}esrever\u{2066}\u{200b}\0";

/// Titles as they should not be.
fn titles() -> Vec<String> {
    let titles = [
        "CON",
        ".git",
        "a.lock",
        "@{-1}",
        "ends with a dot.",
        " spaces around ",
        "\u{200b}\u{200d}\u{feff}",
        "a\0b",
        "--upload-pack=touch /tmp/x",
        "<img src=x onerror=alert(1)></script> [x](javascript:alert(1))",
        "\u{1b}]52;c;b3duZWQ=\u{7}\u{1b}[2Jcopy",
        "over\rwritten\n\nby lines",
        "closes #1, fixes octo/widgets#2 @everyone [skip ci]",
        "..",
    ];
    let long = "\u{1f980}".repeat(256);
    let titles = titles.into_iter().map(str::to_owned);
    let words = WORDS.replace('\n', " ").chars().take(256).collect();
    titles.chain([long, words]).collect()
}

/// Nothing in it steers a terminal, hides or turns the reading direction. What keeps words from having an effect shows
/// nothing either, and is ours.
#[track_caller]
fn plain(text: &str) {
    let odd = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.contains(odd), "{text:?}");
}

/// Calls nobody, names no bystander, and holds no more markers than this.
#[track_caller]
fn powerless(text: &str, markers: usize) {
    plain(text);
    let calls = text.match_indices('@').any(|(at, _)| {
        let is_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
        is_word(text[at + 1..].chars().next()) && !is_word(text[..at].chars().next_back())
    });
    assert!(!calls, "{text}");
    let names =
        |mark: &str| (1..=BYSTANDERS).any(|number| ends_there(text, &format!("{mark}{number}")));
    assert!(!["#", "GH-", "/issues/"].into_iter().any(names), "{text}");
    assert_eq!(
        text.matches("<!-- autoissue:v1 session=").count(),
        markers,
        "{text}"
    );
    assert!(
        !text.contains("[skip ci]") && !text.contains("\n/approve"),
        "{text}"
    );
}

/// Does the text hold this, with no digit behind it?
fn ends_there(text: &str, what: &str) -> bool {
    text.match_indices(what)
        .any(|(at, _)| !text[at + what.len()..].starts_with(|char: char| char.is_ascii_digit()))
}

/// A stage whose agent repeats the words, and issues with every title; the first of them has this number.
fn stage() -> (Stage, u64) {
    let end = json!({ "cost_usd": 0.01, "summary": WORDS }).to_string();
    let agent = format!(
        "#!/bin/sh\ncat > /dev/null\necho x > \"f$AUTOISSUE_ISSUE.txt\"\ncat <<'END'\n{end}\nEND\n"
    );
    let stage = Stage::new(&agent, None);
    for _ in 0..BYSTANDERS {
        stage.fake.add_issue("A bystander", "", &[]);
    }
    let longest = "\u{1f980}".repeat(65_536);
    let bodies = ["", WORDS, "\u{200b}\u{200d}", "nul \0 here", &longest];
    for (title, body) in titles().iter().zip(bodies.iter().cycle()) {
        stage.fake.add_issue(title, body, &["go"]);
    }
    (stage, BYSTANDERS + 1)
}

fn run(stage: &Stage, args: &[&str]) -> Ran {
    stage.command(args).output().unwrap().into()
}

#[test]
fn no_words_of_others_do_anything() {
    let (stage, first) = stage();
    let exec = ["exec", "go", "--isolation", "none", "--budget", "200"];
    let ran = run(&stage, &exec);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let number = first.to_string();
    let looks = [
        vec!["status"],
        vec!["history", &number],
        vec!["why", &number],
        vec!["metrics"],
    ];
    for args in looks {
        let seen = run(&stage, &args);
        assert!(
            seen.code == Some(0) && !seen.stdout.is_empty(),
            "{args:?}: {seen:?}"
        );
        plain(&seen.said());
    }
    plain(&ran.said());

    let pulls = stage.fake.pulls();
    assert_eq!(pulls.len(), titles().len());
    for pull in &pulls {
        powerless(&pull.title, 0);
        let body = pull.body.as_deref().unwrap();
        powerless(body, 1);
        assert!(body.chars().count() < 65_536);
        let head = &pull.pull.as_ref().unwrap().head;
        powerless(&stage.fake.messages(head)[0], 0);
    }
    for number in first..first + pulls.len() as u64 {
        let said: Vec<_> = stage.fake.comments(number);
        assert_eq!(said.len(), 1, "#{number}");
        powerless(&said[0].body, 1);
    }
    // Each merge closes the one issue that it is for.
    for pull in &pulls {
        let open = |stage: &Stage| {
            stage
                .fake
                .issues()
                .iter()
                .filter(|issue| issue.open)
                .count()
        };
        let before = open(&stage);
        stage.fake.merge(pull.number).unwrap();
        assert_eq!(open(&stage), before - 1, "{}", pull.title);
    }
    let issues = stage.fake.issues();
    let left = issues
        .iter()
        .filter(|issue| issue.open)
        .map(|issue| issue.number);
    assert_eq!(
        left.collect::<Vec<_>>(),
        (1..=BYSTANDERS).collect::<Vec<_>>()
    );
    stage.assert_lawful();
}

/// The control: GitHub would have closed the bystanders.
#[test]
fn the_same_words_in_a_pull_by_hand_close_what_they_name() {
    let (stage, first) = stage();
    let by_hand = |branch: &str, body: &str, message: &str| {
        stage.fake.commit_saying("main", branch, branch, message);
        let pull = stage.fake.add_pull("By hand", branch, "main");
        stage.fake.edit_pull(pull, |_| body.to_owned());
        stage.fake.merge(pull).unwrap();
        let issues = stage.fake.issues().into_iter();
        let left = issues.filter(|issue| issue.open && issue.number < first);
        left.map(|issue| issue.number).collect::<Vec<u64>>()
    };
    assert_eq!(by_hand("a", "", "Work\n\nresolves #6"), [1, 2, 3, 4, 5]);
    assert_eq!(by_hand("b", WORDS, "Work"), [0_u64; 0]);
    let seen = std::panic::catch_unwind(|| powerless(WORDS, 0));
    assert!(seen.is_err());
}
