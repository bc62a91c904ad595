//! The ways to run it as a service, below `examples/deploy`: each is what the tool of its kind wants, and starts what it says.

use crate::daemon_rig::Daemon;
use crate::rig::{Ran, Rig, wait_for};
use crate::stage::{AGENT, Running, Stage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const MANIFESTS: [&str; 8] = [
    "compose.yaml",
    "compose.bubblewrap.yaml",
    "github-actions/autoissue.yml",
    "kubernetes/deployment.yaml",
    "kubernetes/kustomization.yaml",
    "kubernetes/namespace.yaml",
    "kubernetes/service.yaml",
    "kubernetes/volume.yaml",
];
/// Of what systemd would let the unit do, in tenths: more would be less of a wall than there is.
const MOST_EXPOSED: &str = "--threshold=45";

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn deploy(name: &str) -> PathBuf {
    top().join("examples/deploy").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap()
}

/// The program of a package that tests/run installs.
fn linter(name: &str) -> Command {
    let home = std::env::var("AUTOISSUE_TEST_LINTERS");
    Command::new(Path::new(&home.expect("tests/run says where the linters are")).join(name))
}

/// A program that tests/run sees to.
fn system(name: &str) -> Command {
    Command::new(name)
}

fn output(command: &mut Command) -> Output {
    let program = command.get_program().display().to_string();
    let ran = command.stdin(Stdio::null()).output();
    ran.unwrap_or_else(|error| panic!("{program} does not start ({error}); tests/run installs it"))
}

/// Is nothing wrong with what this looks at?
fn passes(command: &mut Command) -> Result<String, String> {
    let ran = output(command);
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    if ran.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

/// A copy of all that is there, in which mistakes can be planted.
struct Copied {
    root: tempfile::TempDir,
}

impl Copied {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let from = deploy("");
        passes(system("cp").arg("-a").arg(from.join(".")).arg(root.path())).unwrap();
        Self { root }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Puts something else where this stands.
    fn plant(&self, name: &str, from: &str, to: &str) {
        let before = fs::read_to_string(self.at(name)).unwrap();
        assert!(before.contains(from), "{name} has no {from}");
        fs::write(self.at(name), before.replace(from, to)).unwrap();
    }
}

/// As it is it passes; with the mistake something is found, and named so.
fn finds(lint: impl Fn(&Copied) -> Command, (name, from, to): (&str, &str, &str), said: &str) {
    let copied = Copied::new();
    passes(&mut lint(&copied)).unwrap_or_else(|said| panic!("{name}: {said}"));
    copied.plant(name, from, to);
    let found = passes(&mut lint(&copied)).expect_err("the control: a planted mistake");
    assert!(found.contains(said), "{found}");
}

#[test]
fn the_dockerfile_is_what_hadolint_wants() {
    let lint = |copied: &Copied| {
        let mut command = linter("hadolint");
        command.args(["--no-color", "--failure-threshold", "style"]);
        command.arg(copied.at("Dockerfile"));
        command
    };
    for (from, to, said) in [
        ("debian:13.6-slim", "debian:latest", "DL3007"),
        ("--no-install-recommends bubblewrap", "bubblewrap", "DL3015"),
        ("STOPSIGNAL SIGTERM", "MAINTAINER me", "DL4000"),
    ] {
        finds(lint, ("Dockerfile", from, to), said);
    }
}

#[test]
fn yaml_is_what_yamllint_wants() {
    let rules = "{extends: default, rules: {line-length: {max: 140}, document-start: disable, \
        truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}}}";
    let lint = |copied: &Copied| {
        let mut command = linter("yamllint");
        command.args(["--strict", "--format", "parsable", "-d", rules]);
        command
            .args(MANIFESTS)
            .arg("kubernetes/secret.example.yaml");
        command.current_dir(copied.root.path());
        command
    };
    let twice = (
        "compose.yaml",
        "read_only: true",
        "read_only: true\n    read_only: true",
    );
    finds(lint, twice, "key-duplicates");
}

#[test]
fn compose_files_workflows_and_configurations_fit_their_schemas() {
    let schema = top().join("autoissue.schema.json");
    let built_in = |name: &'static str, files: &'static [&'static str]| {
        move |copied: &Copied| {
            let mut command = linter("check-jsonschema");
            command.args(["--builtin-schema", name]).args(files);
            command.current_dir(copied.root.path());
            command
        }
    };
    finds(
        built_in("vendor.compose-spec", &MANIFESTS[..2]),
        ("compose.yaml", "    restart:", "    restarts:"),
        "'restarts' was unexpected",
    );
    finds(
        built_in("vendor.github-workflows", &MANIFESTS[2..3]),
        (
            "github-actions/autoissue.yml",
            "    runs-on:",
            "    runs_on:",
        ),
        "runs_on",
    );
    let configuration = |copied: &Copied| {
        let mut command = linter("check-jsonschema");
        command.arg("--schemafile").arg(&schema);
        command.args([
            "config/autoissue.config.json",
            "kubernetes/autoissue.config.json",
        ]);
        command.current_dir(copied.root.path());
        command
    };
    let wrong = (
        "config/autoissue.config.json",
        "\"autoStart\": true",
        "\"autoStart\": \"yes\"",
    );
    finds(configuration, wrong, "is not of type 'boolean'");
}

#[test]
fn manifests_are_what_kubernetes_takes() {
    // They are put together as `kubectl apply --kustomize` would.
    let built = |copied: &Copied| {
        let mut command = system("kubectl");
        command.arg("kustomize").arg(copied.at("kubernetes"));
        command
    };
    let missing = (
        "kubernetes/kustomization.yaml",
        "- service.yaml",
        "- services.yaml",
    );
    finds(built, missing, "services.yaml");
    let lint = |copied: &Copied| {
        let all = passes(&mut built(copied)).unwrap();
        fs::write(copied.at("all.yaml"), all).unwrap();
        let mut command = linter("kubernetes-validate");
        command.args(["--strict", "all.yaml", "kubernetes/secret.example.yaml"]);
        command.current_dir(copied.root.path());
        command
    };
    for (from, to, said) in [
        ("livenessProbe:", "lifenessProbe:", "lifenessProbe"),
        ("replicas: 1", "replicas: one", "'one' is not of type"),
    ] {
        finds(lint, ("kubernetes/deployment.yaml", from, to), said);
    }
}

#[test]
fn the_unit_is_what_systemd_reads_and_keeps_its_walls() {
    // systemd looks for the program as well.
    let with_program = |copied: &Copied| {
        let path = copied.at("autoissue.service");
        let unit = fs::read_to_string(&path).unwrap();
        let own = env!("CARGO_BIN_EXE_autoissue");
        fs::write(&path, unit.replace("/usr/local/bin/autoissue", own)).unwrap();
        path
    };
    let verified = |copied: &Copied| {
        let path = with_program(copied);
        let mut command = system("sh");
        // It tells of a key that it does not know, and is content.
        command.args(["-c", "said=$(systemd-analyze verify --man=no \"$0\" 2>&1) || exit 1; echo \"$said\"; test -z \"$said\""]);
        command.arg(path);
        command
    };
    let unknown = ("autoissue.service", "ExecReload=", "ExecReloads=");
    finds(verified, unknown, "'ExecReloads'");
    let exposed = |copied: &Copied| {
        let mut command = system("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager", MOST_EXPOSED]);
        command.arg(with_program(copied));
        command
    };
    let open = ("autoissue.service", "CapabilityBoundingSet=\n", "");
    finds(exposed, open, "CAP_SYS_ADMIN");
}

#[test]
fn the_workflow_is_what_zizmor_wants() {
    let lint = |copied: &Copied| {
        let mut command = linter("zizmor");
        command.args(["--offline", "--no-progress", "--color=never"]);
        command.arg(copied.at("github-actions/autoissue.yml"));
        command
    };
    for (from, to, said) in [
        (
            "--issue \"$ISSUE\"",
            "--issue ${{ github.event.issue.title }}",
            "template-injection",
        ),
        (
            "checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd",
            "checkout@v6",
            "unpinned-uses",
        ),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
    ] {
        finds(lint, ("github-actions/autoissue.yml", from, to), said);
    }
}

/// The script of each step of the workflow that has one, by the step's name.
fn steps(workflow: &Path) -> Vec<(String, String)> {
    let read = "import json, sys, yaml; print(json.dumps([[s['name'], s['run']] for s in \
        yaml.safe_load(open(sys.argv[1]))['jobs']['exec']['steps'] if 'run' in s]))";
    let said = passes(linter("python").args(["-c", read]).arg(workflow)).unwrap();
    serde_json::from_str(&said).unwrap()
}

#[test]
fn scripts_are_what_shellcheck_wants() {
    let lint = |copied: &Copied| {
        for (at, (_, script)) in steps(&copied.at("github-actions/autoissue.yml"))
            .iter()
            .enumerate()
        {
            fs::write(
                copied.at(&format!("step-{at}")),
                format!("#!/bin/bash\nset -e\n{script}"),
            )
            .unwrap();
        }
        let mut command = system("shellcheck");
        command.args([
            "start",
            "healthy",
            "try-image",
            "step-0",
            "step-1",
            "step-2",
        ]);
        command.current_dir(copied.root.path());
        command
    };
    for (name, from, to) in [
        ("start", "exec autoissue \"$@\"", "exec autoissue $@"),
        (
            "try-image",
            "rm -rf --one-file-system \"$place\"",
            "rm -rf --one-file-system $place",
        ),
        (
            "github-actions/autoissue.yml",
            "\"$archive/autoissue\"",
            "$archive/autoissue",
        ),
    ] {
        finds(lint, (name, from, to), "SC20");
    }
}

/// What stands behind this, up to the end of the line, wherever that is.
fn all_behind(name: &str, mark: &str) -> Vec<String> {
    let text = text(name);
    let found = text.lines().filter_map(|line| line.split_once(mark));
    let found: Vec<String> = found
        .map(|(_, rest)| rest.trim().trim_matches('"').to_owned())
        .collect();
    assert!(!found.is_empty(), "{name} has no {mark}");
    found
}

#[test]
fn versions_limits_and_secrets_of_all_of_them_agree() {
    let own = env!("CARGO_PKG_VERSION");
    let run = fs::read_to_string(top().join("tests/run")).unwrap();
    let claude = all_behind("Dockerfile", "CLAUDE_CODE=").remove(0);
    assert!(
        run.contains(&format!("@anthropic-ai/claude-code@{claude} ")),
        "{claude}"
    );
    for (name, mark, expect) in [
        (
            "github-actions/autoissue.yml",
            "CLAUDE_CODE: ",
            claude.as_str(),
        ),
        ("github-actions/autoissue.yml", " VERSION: ", own),
        ("compose.yaml", "image: autoissue:", own),
        ("kubernetes/kustomization.yaml", "newTag: ", own),
        // Longer than the daemon lets attempts end.
        (
            "config/autoissue.config.json",
            "\"drainSeconds\": ",
            "600 },",
        ),
        ("compose.yaml", "stop_grace_period: ", "11m"),
        ("autoissue.service", "TimeoutStopSec=", "11min"),
        (
            "kubernetes/deployment.yaml",
            "terminationGracePeriodSeconds: ",
            "660",
        ),
        ("compose.yaml", "AUTOISSUE_ISOLATION: ", "landlock"),
        ("compose.bubblewrap.yaml", "AUTOISSUE_ISOLATION: ", "bwrap"),
        (
            "github-actions/autoissue.yml",
            "AUTOISSUE_ISOLATION: ",
            "bwrap",
        ),
        ("autoissue.service", "AUTOISSUE_ISOLATION=", "bwrap"),
    ] {
        assert_eq!(all_behind(name, mark), [expect], "{name}: {mark}");
    }
    // Short of disk or without its forge it has to be reached all the more.
    let probed = all_behind("kubernetes/deployment.yaml", " path: ");
    assert_eq!(probed, ["/health"; 3]);
    assert_eq!(
        text("config/autoissue.config.json"),
        text("kubernetes/autoissue.config.json")
    );
    for name in [
        "GITHUB_TOKEN",
        "ANTHROPIC_API_KEY",
        "AUTOISSUE_DASHBOARD_PASSWORD",
        "GITHUB_WEBHOOK_SECRET",
    ] {
        assert_eq!(all_behind("secrets.env.example", &format!("{name}=")), [""]);
        assert_eq!(
            all_behind("kubernetes/secret.example.yaml", &format!("{name}: ")),
            ["placeholder"]
        );
    }
}

/// The words of the instruction of the Dockerfile that begins so.
fn list(instruction: &str) -> Vec<String> {
    let text = text("Dockerfile");
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with(instruction));
    let line = line.unwrap_or_else(|| panic!("there is no {instruction}"));
    serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap()
}

/// The arguments of this line, wherever it listens and whatever it is configured by.
fn flags(line: &str, rig: &Rig, listen: &str) -> Vec<String> {
    let config = rig
        .checkout()
        .join("autoissue.config.json")
        .display()
        .to_string();
    let words = line
        .split(['[', ']', ',', ' ', '"'])
        .filter(|word| !word.is_empty());
    words
        .map(|word| match word {
            "/etc/autoissue/autoissue.config.json" => config.clone(),
            "127.0.0.1:3030" | "0.0.0.0:3030" => listen.to_owned(),
            word => word.to_owned(),
        })
        .collect()
}

fn is_healthy(port: &str) -> bool {
    let program = list("HEALTHCHECK ").remove(0);
    let program = deploy(program.strip_prefix("/usr/local/bin/").unwrap());
    output(Command::new(program).arg(port)).status.success()
}

fn port(daemon: &Daemon) -> String {
    daemon.url.rsplit_once(':').unwrap().1.to_owned()
}

#[tokio::test]
async fn as_the_unit_starts_it_it_tells_systemd_and_is_healthy() {
    let rig = crate::daemon_rig::rig(&json!({}));
    let socket = rig.path("notify");
    let told = UnixDatagram::bind(&socket).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let hear = || {
        let mut room = [0; 256];
        let length = told.recv(&mut room).expect("systemd is told");
        String::from_utf8_lossy(&room[..length]).into_owned()
    };
    let line = all_behind("autoissue.service", "ExecStart=/usr/local/bin/autoissue").remove(0);
    let args = flags(&line, &rig, "127.0.0.1:0");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = rig.autoissue(&args);
    command.env("NOTIFY_SOCKET", &socket);
    let daemon = Daemon::of(&rig, command);
    assert_eq!(hear().trim(), "READY=1");
    let port = port(&daemon);
    assert!(
        is_healthy(&port) && !is_healthy("1"),
        "and the control: nobody listens on port 1"
    );
    let second = rig.run(&args);
    assert_eq!(second.code, Some(6), "{second:?}");
    assert_eq!(
        all_behind("autoissue.service", "RestartPreventExitStatus="),
        ["2 6"]
    );
    let pid = Pid::from_raw(daemon.running.pid().cast_signed());
    // As ExecReload does: it goes on.
    kill(pid, Signal::SIGHUP).unwrap();
    wait_for(|| daemon.running.said().contains("configuration"));
    assert!(is_healthy(&port));
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(hear().trim(), "STOPPING=1");
    let ran = daemon.running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!is_healthy(&port));
}

/// The image's entry point, in a directory that is as empty as the image's, for the fake GitHub.
fn entry_point(stage: &Stage, args: &[String]) -> Command {
    symlink(
        env!("CARGO_BIN_EXE_autoissue"),
        stage.rig.path("bin/autoissue"),
    )
    .unwrap();
    fs::create_dir(stage.rig.path("projects")).unwrap();
    let path = format!(
        "{}:{}",
        stage.rig.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let start = list("ENTRYPOINT ").remove(2);
    let mut command = Command::new(deploy(start.strip_prefix("/usr/local/bin/").unwrap()));
    command.env_clear();
    for (name, value) in stage.command(&[]).get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .args(args)
        .env("PATH", path)
        .env("PROJECT_URL", "https://github.com/octo/widgets.git")
        .current_dir(stage.rig.path("projects"));
    command
}

#[tokio::test]
async fn the_image_needs_no_checkout_but_the_name_of_a_repository_and_credentials_for_its_dashboard()
 {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({
        "project": { "label": "autoissue", "autoStart": true },
        "serve": { "pollSeconds": 5, "maxMemoryPercent": 100, "minFreeDiskMb": 0 },
    }));
    stage.issue(1, &["autoissue"]);
    // Compose and Kubernetes add only where the configuration is.
    let line = all_behind("compose.yaml", "command: ").remove(0);
    assert_eq!(
        all_behind("kubernetes/deployment.yaml", "args: "),
        std::slice::from_ref(&line)
    );
    let args = flags(&line, &stage.rig, "0.0.0.0:0");
    assert_eq!(
        args[2..4],
        list("CMD ")[..2].to_vec()[..],
        "as the image does"
    );
    let refused: Ran = entry_point(&stage, &args).output().unwrap().into();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("it asks for no credentials"),
        "{refused:?}"
    );
    fs::remove_file(stage.rig.path("bin/autoissue")).unwrap();
    fs::remove_dir_all(stage.rig.path("projects")).unwrap();
    let mut command = entry_point(&stage, &args);
    command.env("AUTOISSUE_DASHBOARD_PASSWORD", "a-password-of-ours");
    let daemon = Daemon::of(&stage.rig, command);
    wait_for(|| stage.heads().len() == 1);
    assert!(is_healthy(&port(&daemon)));
    daemon.end();
}

#[test]
fn the_step_of_the_workflow_works_on_the_issue_that_was_labelled() {
    let stage = Stage::with_issues(2);
    symlink(
        env!("CARGO_BIN_EXE_autoissue"),
        stage.rig.path("bin/autoissue"),
    )
    .unwrap();
    let (name, script) = steps(&deploy("github-actions/autoissue.yml"))
        .pop()
        .unwrap();
    assert_eq!(name, "Work on issues");
    let script = stage
        .rig
        .script("step", &format!("#!/bin/bash\nset -e\n{script}"));
    let step = |issue: &str| {
        let path = format!(
            "{}:{}",
            stage.rig.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let mut command = Command::new(&script);
        command.env_clear().current_dir(stage.rig.checkout());
        for (name, value) in stage.command(&[]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .env("PATH", path)
            .env("LABEL", "go")
            .env("ISSUE", issue);
        Running::start(&stage.rig, command).end()
    };
    let ran = step("2");
    assert_eq!((ran.code, stage.runs()), (Some(0), vec![2]), "{ran:?}");
    let ran = step("");
    assert_eq!((ran.code, stage.runs()), (Some(0), vec![2, 1]), "{ran:?}");
}

/// Files that sources of this directory take in, and that are not there.
fn missing(directory: &Path) -> Vec<PathBuf> {
    let mut missing = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            missing.extend(self::missing(&path));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let taken = text.split("include_str!(\"").skip(1);
        let taken = taken.map(|rest| directory.join(rest.split_once('"').unwrap().0));
        missing.extend(taken.filter(|taken| !taken.exists()));
    }
    missing
}

#[test]
fn the_image_is_built_from_what_the_program_needs_and_nothing_else() {
    let listed = text("Dockerfile.dockerignore");
    let listed = listed.lines().filter_map(|line| line.strip_prefix('!'));
    let names: Vec<&str> = listed.collect();
    let context = |names: &[&str]| {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().display();
        let copy = format!("cp -a --parents {} {to}", names.join(" "));
        passes(system("sh").args(["-c", &copy]).current_dir(top())).unwrap();
        root
    };
    assert!(
        !missing(&context(&["src"]).path().join("src")).is_empty(),
        "the control"
    );
    let root = context(&names);
    assert_eq!(
        missing(&root.path().join("src")),
        [""; 0].map(PathBuf::from)
    );
    for needed in [
        "Cargo.lock",
        "askama.toml",
        "tests/it/main.rs",
        "benches/look.rs",
    ] {
        assert!(root.path().join(needed).exists(), "{needed}");
    }
    for never in [
        ".git",
        "target",
        "examples/deploy/secrets.env",
        "autoissue.config.json",
    ] {
        assert!(!root.path().join(never).exists(), "{never}");
    }
    let copied = all_behind("Dockerfile", "COPY --chmod=0755 ").remove(0);
    for copied in copied.split(' ').filter(|word| !word.starts_with('/')) {
        assert!(names.contains(&copied), "{copied} is not in the context");
    }
}

#[test]
fn the_steps_of_the_image_run_where_no_engine_is() {
    let attempt = |dockerfile: &Path| {
        let mut command = Command::new(deploy("try-image"));
        command.arg(env!("CARGO_BIN_EXE_autoissue"));
        passes(command.env("DOCKERFILE", dockerfile))
    };
    let said = attempt(&deploy("Dockerfile")).unwrap_or_else(|said| panic!("{said}"));
    for expect in [
        "ok    git ",
        "ok    agent        claude 2.1.328",
        "sandbox      Landlock",
        "sandbox      bubblewrap",
        "Agents and checks run in bubblewrap",
        "healthy by /usr/local/bin/healthy",
        "ended by SIGTERM, exit code 0",
        "all steps ran",
    ] {
        assert!(said.contains(expect), "{expect}: {said}");
    }
    assert_eq!(
        said.matches("11 of 12 tasks completed").count(),
        2,
        "{said}"
    );
    // The control: a step that cannot be run.
    let copied = Copied::new();
    copied.plant(
        "Dockerfile",
        "CLAUDE_CODE=2.1.328",
        "CLAUDE_CODE=0.0.0-none",
    );
    let said = attempt(&copied.at("Dockerfile")).unwrap_err();
    assert!(
        said.contains("0.0.0-none") && !said.contains("all steps ran"),
        "{said}"
    );
}
