//! `stop --all`, in a machine of its own: a process namespace, so that nobody else's agents are ended.

use crate::rig::Rig;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// Two sessions with an agent each that does not end, ended from a third terminal.
const SCRIPT: &str = r#"
"$AUTOISSUE" exec go --format json > "$PLACE/first" & first=$!
(cd "$PLACE/other" && exec "$AUTOISSUE" exec go --format json) > "$PLACE/second" & second=$!
tries=0
until [ -e "$PLACE/runs-1" ] && [ -e "$PLACE/runs-2" ]; do
    tries=$((tries + 1)); [ $tries -lt 600 ] || exit 9
    sleep 0.05
done
"$AUTOISSUE" stop --all --format json
wait $first; echo "exit $?"
wait $second; echo "exit $?"
grep -l sleep /proc/[0-9]*/comm | wc -l
"$AUTOISSUE" stop --all
"#;

/// What the script says, played where it sees its own processes alone.
fn played(rig: &Rig) -> String {
    let base = rig.autoissue(&[]);
    let program = base.get_program().to_owned();
    let mut machine = Command::new("timeout");
    machine
        .args([
            "100",
            "bwrap",
            "--unshare-pid",
            "--dev-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--",
            "sh",
            "-c",
            SCRIPT,
        ])
        .env_clear()
        .envs(
            base.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("AUTOISSUE", program)
        .env("PLACE", rig.path(""))
        .current_dir(rig.checkout())
        .stdin(Stdio::null());
    let output = machine.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_agent_of_the_machine_is_ended_and_its_session_can_be_resumed() {
    let rig = Rig::local("", &json!({}));
    let agent = rig.script(
        "agent",
        "#!/bin/sh\ncat > /dev/null\necho kept > file.txt\ntouch \"$RUNS\"\nexec sleep 600\n",
    );
    rig.issue(1, "Work", "`file.txt`");
    Command::new("cp")
        .args(["-r", rig.checkout().to_str().unwrap()])
        .arg(rig.path("other"))
        .status()
        .unwrap();
    for (directory, number) in [("checkout", 1), ("other", 2)] {
        let runs = rig.path(&format!("runs-{number}"));
        let config =
            json!({ "agent": { "kind": "command", "command": [agent], "env": { "RUNS": runs } } });
        rig.write(
            &format!("{directory}/autoissue.config.json"),
            &config.to_string(),
        );
    }
    let said = played(&rig);
    let lines: Vec<&str> = said.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(
        (&first["programs"], &first["sessions"]),
        (&json!(2), &json!(2)),
        "{said}"
    );
    let rest = ["exit 5", "exit 5", "0", "No agent runs on this machine."];
    assert_eq!(lines[1..], rest, "{said}");
    // What the agents made is there, and goes on.
    rig.script("agent", "#!/bin/sh\ncat > /dev/null\ntest -e file.txt\n");
    let ran = rig.run(&["resume", "--format", "json"]);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(rig.file("autoissue/1-work", "file.txt"), "kept");
}
