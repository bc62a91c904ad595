//! The configuration, through the real binary: what is in effect, and every way to get it wrong.

use crate::sealed::Sealed;
use insta::assert_snapshot;
use std::fs;

const FILE: &str = "autoissue.config.json";

fn check(file: &str) -> String {
    let sealed = Sealed::repository();
    sealed.write(FILE, file);
    sealed.run(&["config", "check"])
}

#[test]
fn no_file_is_fine() {
    assert_snapshot!(Sealed::new().run(&["config", "check"]), @"
    exit code 0
    --- stdout
    ok: no file; the defaults hold
    ");
}

#[test]
fn a_file_that_was_asked_for_has_to_be_there() {
    assert_snapshot!(Sealed::new().run(&["config", "check", "-c", "other.json"]), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/other.json
      because No such file or directory (os error 2)
    hint: `autoissue init` writes one for this repository
    ");
}

#[test]
fn a_slip_in_a_key_is_answered_with_the_key() {
    assert_snapshot!(check(r#"{ "executor": { "maxParalel": 3 } }"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because executor.maxParalel: there is no such key
    hint: did you mean executor.maxParallel?
    ");
}

#[test]
fn a_key_in_the_wrong_place_is_answered_with_its_place() {
    assert_snapshot!(check(r#"{ "timeoutMinutes": 3 }"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because timeoutMinutes: there is no such key
    hint: did you mean executor.timeoutMinutes?
    ");
}

#[test]
fn bad_syntax_is_told_with_line_and_column() {
    assert_snapshot!(check("{\n  \"maxTotalBudgetUsd\": 5,\n}"), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because line 3, column 1: trailing comma
    hint: JSON has no comma after the last value
    ");
}

#[test]
fn a_truncated_file_is_told_as_such() {
    assert_snapshot!(check("{\n  \"executor\": {"), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because it ends in the middle, at line 2, column 15
    ");
}

#[test]
fn a_newer_file_is_refused_before_its_keys_are_judged() {
    assert_snapshot!(check(r#"{ "version": 2, "future": {} }"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because version: it has format 2, and this program knows up to 1
    hint: install a newer autoissue
    ");
}

#[test]
fn a_wrong_type_is_told_with_what_was_expected() {
    assert_snapshot!(check(r#"{ "executor": { "maxParallel": "three" } }"#), @r#"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because executor.maxParallel: invalid type: string "three", expected a whole number from 1 to 64
    "#);
}

#[test]
fn a_budget_of_nothing_is_refused() {
    assert_snapshot!(check(r#"{ "maxTotalBudgetUsd": 0 }"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because maxTotalBudgetUsd: 0 is not an amount above 0 and up to 1000000
    ");
}

#[test]
fn a_port_has_sixteen_bits() {
    assert_snapshot!(check(r#"{ "dashboard": { "port": 70000 } }"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because dashboard.port: 70000 is not from 1 to 65535
    ");
}

#[test]
fn a_check_is_not_run_by_a_shell() {
    assert_snapshot!(check(r#"{ "checks": [{ "name": "test", "run": "make && make test" }] }"#), @r#"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because checks[0].run: `&&` needs a shell, and none is started
    hint: start the shell yourself: ["sh", "-c", "make && make test"]
    "#);
}

#[test]
fn a_reference_to_nothing_names_key_and_variable() {
    assert_snapshot!(check(r#"{ "notify": { "webhook": "https://example.com/${HOOK}" } }"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because notify.webhook: the environment variable HOOK is not set
    hint: set HOOK, or write `$${HOOK}` if the text is meant as it is
    ");
}

#[test]
fn a_bad_variable_is_named() {
    let sealed = Sealed::new();
    let told = sealed.run_with(&[("AUTOISSUE_MAX_BUDGET", "NaN")], &["config", "check"]);
    assert_snapshot!(told, @r#"
    exit code 1
    --- stderr
    error: could not use the configuration
      because the environment variable AUTOISSUE_MAX_BUDGET sets maxTotalBudgetUsd: invalid type: string "NaN", expected an amount of dollars, as a number
    "#);
}

#[test]
fn an_error_is_an_event_for_a_program() {
    let sealed = Sealed::new();
    sealed.write(FILE, "{ \"agent\": { \"kind\": \"clade\" } }");
    assert_snapshot!(sealed.run(&["config", "check", "--format", "json"]), @r#"
    exit code 1
    --- stdout
    {"event":"error","kind":"config","exit":1,"message":"could not use $TOP/work/autoissue.config.json: agent.kind: unknown variant `clade`, expected one of `claude`, `codex`, `gemini`, `opencode`, `command`","hints":["did you mean `claude`?"]}
    "#);
}

#[test]
fn a_secret_in_a_tracked_file_is_refused_and_not_shown() {
    let sealed = Sealed::repository();
    sealed.write(
        FILE,
        r#"{ "agent": { "env": { "API_KEY": "canary-7391" } } }"#,
    );
    let untracked = sealed.run(&["config", "check"]);
    assert_eq!(
        untracked,
        format!("exit code 0\n--- stdout\nok: $TOP/work/{FILE}\n")
    );
    sealed.git(&["add", FILE]);
    let tracked = sealed.run(&["config", "check"]);
    assert!(!tracked.contains("canary"));
    assert_snapshot!(tracked, @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because git tracks it, and it carries a secret in agent.env.API_KEY
    hint: put the value into an environment variable and write `${NAME}` for agent.env.API_KEY
    ");
    sealed.write(
        FILE,
        r#"{ "agent": { "env": { "API_KEY": "${API_KEY}" } } }"#,
    );
    let variables = [("API_KEY", "canary-7391")];
    let referred = sealed.run_with(&variables, &["config", "show"]);
    assert!(
        referred.contains("agent.env.API_KEY = \"${API_KEY}\""),
        "{referred}"
    );
    assert!(!referred.contains("canary"));
}

/// The defaults before those of `routing`, which are long and stand last, and those.
fn shown_defaults() -> (String, String) {
    let shown = Sealed::new().run(&["config", "show"]);
    let (short, routing) = shown.split_once("routing.").unwrap();
    (short.to_owned(), routing.to_owned())
}

/// Shown by a test of their own.
fn stands_apart(line: &str) -> bool {
    [
        "scheduling.",
        "security.",
        "claims.",
        "filter.",
        "merge.",
        "watch.",
    ]
    .iter()
    .any(|part| line.starts_with(part))
}

fn is_offering(line: &str) -> bool {
    let sections = ["pull.", "commit."];
    sections.iter().any(|section| line.starts_with(section))
}

#[test]
fn the_defaults_of_offering_are_shown() {
    let shown = shown_defaults().0;
    let lines = shown.lines().filter(|line| is_offering(line));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    pull.title = null                                 # default
    pull.body = null                                  # default
    pull.useTemplate = true                           # default
    pull.labels = []                                  # default
    pull.copy = ["assignees","milestone"]             # default
    pull.reviewers = []                               # default
    pull.codeOwners = true                            # default
    pull.maxFiles = 50                                # default
    pull.maxLines = 2000                              # default
    commit.message = null                             # default
    "#);
}

#[test]
fn the_defaults_of_routing_are_shown() {
    let (_, routing) = shown_defaults();
    assert!(routing.starts_with("mode = \"advise\""), "{routing}");
    assert!(routing.contains("routing.complexity.weights.technicalDepth = 0.4"));
}

#[test]
fn the_defaults_of_trust_and_scheduling_are_shown() {
    let shown = shown_defaults().0;
    let lines = shown.lines().filter(|line| stands_apart(line));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    security.trust = "writers"                        # default
    security.allow = []                               # default
    security.scope = []                               # default
    scheduling.policy = "footprint"                   # default
    scheduling.dependencies = "merged"                # default
    scheduling.certificate = true                     # default
    scheduling.rework = true                          # default
    scheduling.lookSeconds = 60                       # default
    scheduling.adaptive = true                        # default
    scheduling.minFreeMemoryMb = 1024                 # default
    scheduling.memoryPerAttemptMb = 600               # default
    scheduling.minFreeDiskMb = 1024                   # default
    claims.kind = "remote"                            # default
    claims.ttlMinutes = 15                            # default
    filter.labels = []                                # default
    filter.excludeLabels = []                         # default
    filter.assignee = null                            # default
    filter.milestone = null                           # default
    filter.author = null                              # default
    merge.policy = "never"                            # default
    merge.method = "merge"                            # default
    merge.maxOpenPulls = null                         # default
    watch.seconds = 60                                # default
    watch.maxRounds = 5                               # default
    watch.updateMinutes = 60                          # default
    "#);
}

#[test]
fn the_defaults_of_the_dashboard_are_shown() {
    let shown = shown_defaults().0;
    let lines = shown.lines().filter(|line| line.starts_with("dashboard."));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    dashboard.enabled = false                         # default
    dashboard.port = 3030                             # default
    dashboard.hosts = []                              # default
    dashboard.auth.enabled = false                    # default
    dashboard.auth.type = "basic"                     # default
    dashboard.auth.username = null                    # default
    dashboard.auth.passwordHash = null                # default
    dashboard.auth.password = null                    # default
    dashboard.auth.token = null                       # default
    "#);
}

#[test]
fn the_defaults_of_worktrees_are_shown() {
    let (short, _) = shown_defaults();
    let sections = ["worktree.", "retention.", "sandbox."];
    let is_of = |line: &&str| sections.iter().any(|section| line.starts_with(section));
    let worktree = short.lines().filter(is_of);
    let shown = worktree.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r#"
    worktree.root = null                              # default
    worktree.setup = null                             # default
    worktree.copy = []                                # default
    worktree.sparse = []                              # default
    worktree.submodules = true                        # default
    worktree.lfs = "pointers"                         # default
    worktree.keepIgnored = false                      # default
    worktree.maxDiskMb = null                         # default
    worktree.ports.first = 20000                      # default
    worktree.ports.each = 10                          # default
    retention.days = 30                               # default
    retention.sessions = 20                           # default
    sandbox.isolation = "auto"                        # default
    sandbox.network = "proxy"                         # default
    sandbox.hosts = []                                # default
    sandbox.readable = []                             # default
    sandbox.writable = []                             # default
    sandbox.memoryMb = null                           # default
    sandbox.processes = 4096                          # default
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one listing")]
fn the_defaults_are_shown_as_such() {
    let shown = shown_defaults().0;
    let lines = shown.lines().filter(|line| {
        let apart = ["dashboard.", "worktree.", "retention.", "sandbox."];
        let is_apart = apart.iter().any(|part| line.starts_with(part));
        !stands_apart(line) && !is_offering(line) && !is_apart
    });
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    exit code 0
    --- stdout
    # no file
    version = 1                                       # default
    project.repo = null                               # default
    project.path = "."                                # default
    project.baseBranch = null                         # default
    project.label = "autoissue"                       # default
    project.autoSync = true                           # default
    project.autoStart = false                         # default
    forge.kind = "auto"                               # default
    forge.apiUrl = null                               # default
    forge.graphqlUrl = null                           # default
    forge.gitUrl = null                               # default
    forge.app = null                                  # default
    forge.issuesDir = ".autoissue/issues"             # default
    github.assign = "never"                           # default
    github.people = []                                # default
    executor.maxParallel = 3                          # default
    executor.timeoutMinutes = 30                      # default
    executor.createPr = true                          # default
    executor.prDraft = false                          # default
    executor.maxRetries = 2                           # default
    agent.kind = "claude"                             # default
    agent.command = null                              # default
    agent.env = {}                                    # default
    agent.model = null                                # default
    agent.models.simple = null                        # default
    agent.models.medium = null                        # default
    agent.models.complex = null                       # default
    agent.modelsByDomain = {}                         # default
    agent.modelsByLabel = {}                          # default
    agent.billing = "metered"                         # default
    agent.fallback = []                               # default
    agent.configDir = null                            # default
    agent.maxBudgetUsd = 5.0                          # default
    agent.yolo = false                                # default
    agent.maxTurns = null                             # default
    agent.maxTokens = 2000000                         # default
    agent.prices = {}                                 # default
    agent.idleMinutes = 10                            # default
    agent.maxPromptTokens = 16000                     # default
    maxTotalBudgetUsd = 50.0                          # default
    maxDailyBudgetUsd = null                          # default
    planner.enabled = true                            # default
    planner.model = null                              # default
    planner.maxBudgetUsd = 2.0                        # default
    checks = []                                       # default
    detectChecks = true                               # default
    verify.failingTest = "off"                        # default
    breaker.failures = 5                              # default
    breaker.cooldownSeconds = 60                      # default
    approvals.comment = true                          # default
    approvals.timeoutHours = null                     # default
    approvals.then = "expire"                         # default
    approvals.escalateTo = []                         # default
    prompt = null                                     # default
    labels.working = "autoissue:working"              # default
    labels.completed = "autoissue:completed"          # default
    labels.failed = "autoissue:failed"                # default
    labels.blocked = "autoissue:blocked"              # default
    labels.review = "autoissue:review"                # default
    labels.removeTrigger = false                      # default
    notify.webhook = null                             # default
    notify.webhookSecret = null                       # default
    notify.webhookEvents = ["needsPerson","summary"]  # default
    notify.slack = null                               # default
    notify.telegram = null                            # default
    notify.email = null                               # default
    notify.quietHours = null                          # default
    notify.digestMinutes = null                       # default
    notify.templates = {}                             # default
    notify.bell = false                               # default
    author = null                                     # default
    log.keepDays = 14                                 # default
    serve.pollSeconds = 60                            # default
    serve.maxSessions = 2                             # default
    serve.batch = 20                                  # default
    serve.drainSeconds = 600                          # default
    serve.maxMemoryPercent = 80                       # default
    serve.minFreeDiskMb = 1024                        # default
    serve.tls = null                                  # default
    serve.webhookSecret = null                        # default
    serve.allowFrom = []                              # default
    serve.trustedProxies = []                         # default
    serve.sources = []                                # default
    projects = []                                     # default
    classification.rules = []                         # default
    "#);
}

#[test]
fn what_is_in_effect_is_shown_with_its_origin() {
    let sealed = Sealed::repository();
    let text = r#"{
        "executor": { "maxParallel": 5 },
        "checks": [{ "name": "test", "run": "cargo test --all" }],
        "notify": { "webhook": "https://example.com/${HOOK}" }
    }"#;
    sealed.write(FILE, text);
    let variables = [("AUTOISSUE_MAX_BUDGET", "25.00"), ("HOOK", "canary-7391")];
    let shown = sealed.run_with(&variables, &["config", "show"]);
    assert!(!shown.contains("canary"));
    let said: Vec<&str> = shown
        .lines()
        .filter(|line| !line.ends_with("# default"))
        .collect();
    assert_snapshot!(said.join("\n"), @r#"
    exit code 0
    --- stdout
    # file: $TOP/work/autoissue.config.json
    executor.maxParallel = 5                          # file
    maxTotalBudgetUsd = 25.0                          # environment AUTOISSUE_MAX_BUDGET
    checks = [{"name":"test","run":["cargo","test","--all"],"timeoutMinutes":10}]  # file
    notify.webhook = "***"                            # file
    "#);
    let json = sealed.run_with(&variables, &["config", "show", "--format", "json"]);
    assert!(!json.contains("canary"));
    let (_, event) = json.split_once("stdout\n").unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["file"], "$TOP/work/autoissue.config.json");
    let budget = serde_json::json!({
        "key": "maxTotalBudgetUsd",
        "value": 25.0,
        "source": "environment AUTOISSUE_MAX_BUDGET",
    });
    assert!(
        event["values"].as_array().unwrap().contains(&budget),
        "{event}"
    );
}

#[test]
fn the_nearest_file_counts_up_to_the_top_of_the_repository() {
    let sealed = Sealed::repository();
    let deep = sealed.work().join("src/deep");
    fs::create_dir_all(&deep).unwrap();
    fs::write(sealed.path(FILE), "{ \"stranger\": true }").unwrap();
    let from_deep = || {
        let output = sealed
            .command(&["config", "check"])
            .current_dir(&deep)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(from_deep(), "ok: no file; the defaults hold\n");
    sealed.write(FILE, "{}");
    let own = sealed.work().join(FILE);
    assert_eq!(from_deep(), format!("ok: {}\n", own.display()));
}

#[test]
fn the_schema_printed_is_the_schema_committed() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/autoissue.schema.json");
    let printed = Sealed::new().run(&["config", "schema"]);
    let committed = fs::read_to_string(committed).unwrap();
    assert!(printed == format!("exit code 0\n--- stdout\n{committed}"));
}

#[test]
fn the_example_can_be_used_as_it_is() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/autoissue.config.example.json");
    let sealed = Sealed::repository();
    sealed.write(FILE, &fs::read_to_string(example).unwrap());
    sealed.git(&["add", FILE]);
    let variables = [
        ("ANTHROPIC_API_KEY", "x"),
        ("AUTOISSUE_WEBHOOK", "https://example.com/hook"),
        ("AUTOISSUE_WEBHOOK_SECRET", "x"),
        ("SLACK_WEBHOOK", "https://hooks.slack.com/services/T/B/x"),
        ("TELEGRAM_BOT_TOKEN", "1:x"),
        ("SMTP_PASSWORD", "x"),
        ("AUTOISSUE_DASHBOARD_PASSWORD", "x"),
        ("AUTOISSUE_DASHBOARD_TOKEN", "x"),
    ];
    let told = sealed.run_with(&variables, &["config", "check"]);
    assert!(told.starts_with("exit code 0\n"), "{told}");
}
