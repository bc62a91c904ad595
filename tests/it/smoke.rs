//! Smoke checks: a server of the work starts, answers and stops; each slot has ports of its own.

use crate::rig::{Ran, Rig};
use serde_json::json;
use std::net::TcpStream;
use std::time::Instant;

/// A server on `PORT` that answers with this status, after a preamble of its own.
fn server(preamble: &str, status: u16) -> String {
    format!(
        "import http.server, os, signal, sys, time\n{preamble}\n\
         class Page(http.server.BaseHTTPRequestHandler):\n\
         \x20   def do_GET(self):\n\
         \x20       self.send_response({status}); self.end_headers(); self.wfile.write(b'hello')\n\
         \x20   def log_message(self, *words): pass\n\
         print('up on', os.environ['PORT'], flush=True)\n\
         http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Page).serve_forever()\n"
    )
}

/// A project whose agent writes this server, and whose smoke check starts it.
fn project(server: &str, first: u16) -> Rig {
    let seconds = if server.contains("send_response(500)") {
        1
    } else {
        30
    };
    let place = Rig::new();
    std::fs::write(place.path("server"), server).unwrap();
    let agent = format!(
        "#!/bin/sh\ncat >> {}\ncp {} server.py\n",
        place.path("told").display(),
        place.path("server").display()
    );
    let agent = place.script("agent", &agent);
    // What fails on the base as well is not the agent's.
    place.write("checkout/server.py", &self::server("# the first one", 200));
    place.git(&["add", "server.py"]);
    place.git(&["commit", "-qm", "a server"]);
    place.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxRetries": 0 },
        "scheduling": { "certificate": false },
        "worktree": { "ports": { "first": first, "each": 3 } },
        "checks": [{
            "name": "serves",
            "run": ["python3", "server.py"],
            "answers": { "url": "http://127.0.0.1:{port}/health", "seconds": seconds },
        }],
    }));
    place.issue(1, "Serve", "A page at `server.py`.");
    place
}

/// The first round's report on the check.
fn report(ran: &Ran) -> serde_json::Value {
    let mut events = ran.events().into_iter();
    let checked = events.find(|event| event["event"] == "checked");
    checked.expect("something was checked")["checks"][0].clone()
}

#[test]
fn a_server_that_starts_answers_and_stops_has_passed() {
    let rig = project(&server("", 404), 21_700);
    let ran = rig.go();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    let report = report(&ran);
    assert_eq!(report["kind"], "smoke");
    assert_eq!(report["verdict"], "passed");
    assert!(
        TcpStream::connect(("127.0.0.1", 21_700)).is_err(),
        "it was stopped"
    );
    let shown = rig.run(&["status", "--issue", "1"]);
    assert!(shown.stdout.contains("serves passed ("), "{shown:?}");
}

#[test]
fn what_does_not_start_or_answer_has_failed_and_is_told_how() {
    let check = |preamble: &str, status: u16, first: u16, expect: &str| {
        let rig = project(&server(preamble, status), first);
        let ran = rig.go();
        assert_eq!(ran.count("failed"), 1, "{ran:?}");
        assert_eq!(report(&ran)["verdict"], "failed");
        let told = std::fs::read_to_string(rig.path("told")).unwrap();
        assert!(told.contains(expect), "{told}");
    };
    check(
        "sys.exit(0)",
        200,
        21_710,
        "it ended with 0 before it answered at http://127.0.0.1:21710/health",
    );
    check(
        "raise RuntimeError('no database')",
        200,
        21_720,
        "RuntimeError: no database",
    );
    check("time.sleep(0)", 500, 21_730, "it answers 500");
}

#[test]
fn a_server_without_a_probe_would_run_until_its_limit() {
    // The control: the same server as a plain check never ends, and only a limit ends it.
    let rig = project(&server("", 200), 21_760);
    let path = rig.path("checkout/autoissue.config.json");
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let check = config["checks"][0].as_object_mut().unwrap();
    check.remove("answers");
    check["run"] = json!(["env", "PORT=21760", "timeout", "2", "python3", "server.py"]);
    rig.config(&config);
    let began = Instant::now();
    let ran = rig.go();
    assert!(began.elapsed().as_secs() >= 2);
    assert_ne!(report(&ran)["verdict"], "passed");
}

#[test]
fn each_slot_has_ports_of_its_own_in_setup_agent_and_checks() {
    let place = Rig::new();
    let told = place.path("told").display().to_string();
    let tell = format!(
        "echo $AUTOISSUE_ISSUE $AUTOISSUE_PORT-$AUTOISSUE_PORT_LAST >> {told}; \
         n=0; while [ $(cut -d' ' -f1 {told} | sort -u | wc -l) -lt 2 ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done"
    );
    let agent = place.script(
        "agent",
        &format!("#!/bin/sh\ncat > /dev/null\n{tell}\necho x > file-$AUTOISSUE_ISSUE.txt\n"),
    );
    place.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxParallel": 2 },
        "scheduling": { "certificate": false },
        "worktree": { "ports": { "first": 21_800, "each": 5 }, "setup": ["sh", "-c", tell] },
        "checks": [{ "name": "all", "run": ["sh", "-c", tell] }],
    }));
    place.issue(1, "One", "In `file-1.txt`.");
    place.issue(2, "Two", "In `file-2.txt`.");
    let ran = place.go();
    assert_eq!(ran.count("completed"), 2, "{ran:?}");
    let told = std::fs::read_to_string(place.path("told")).unwrap();
    let of = |issue: &str| -> Vec<&str> {
        let mut ports: Vec<&str> = told
            .lines()
            .filter_map(|line| line.strip_prefix(issue))
            .collect();
        ports.dedup();
        ports
    };
    let mut both = [of("1 "), of("2 ")].concat();
    both.sort_unstable();
    assert_eq!(both, ["21800-21804", "21805-21809"], "{told}");
}
