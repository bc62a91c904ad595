//! What `doctor` looks at, one small function each.

use crate::adapters::machine::Machine;
use crate::adapters::sandbox::shape::Isolation;
use crate::commands::account;
use crate::commands::agents::keys_of;
use crate::commands::checkout::{Checkout, git_version};
use crate::commands::checks::known::{Known, known};
use crate::commands::containment::{INSTALL, isolation};
use crate::commands::doctor::{Finding, State};
use crate::commands::identity::Identity;
use crate::commands::place::{Place, variable};
use crate::commands::probe::{Probe, is_program, probe};
use crate::commands::project::{Home, Project, detect};
use crate::config::claims::ClaimsKind;
use crate::config::loaded::{Loaded, Overrides};
use crate::config::shape::Config;
use crate::error::Error;
use crate::ports::Resources as _;
use crate::reporters::words::size;
use crate::rules::printable::printable;
use crate::rules::room::Room;
use crate::rules::schedule::slots::for_memory;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};
use serde_json::Value;
use std::path::Path;

/// `merge-tree --write-tree` and other things that are relied upon.
const OLDEST_GIT: (u32, u32) = (2, 40);
/// Mirror, worktrees and logs of a usual repository.
const ENOUGH_DISK: u64 = 1 << 30;
/// Pipes, databases and sockets of our own, and of one attempt.
const FILES: (u64, u64) = (64, 32);

/// All that was looked at.
pub(crate) struct Examined {
    /// For a person.
    pub(crate) findings: Vec<Finding>,
    /// What GitHub says of the account, for programs.
    pub(crate) github: Option<Value>,
}

/// Everything, in the order in which it is mended best.
pub(crate) async fn all(place: &Place) -> Examined {
    let (config_finding, loaded) = configuration(place);
    let mut findings = vec![git(), config_finding];
    let config = loaded
        .as_ref()
        .map(|loaded| loaded.config.clone())
        .unwrap_or_default();
    let who = loaded.as_ref().map(Identity::of);
    let checkout = loaded.as_ref().map(|loaded| place.checkout(loaded));
    let mut project = None;
    match checkout {
        Some(Ok(checkout)) => {
            findings.push(repository(&checkout));
            match detect(&config, &checkout, &|| {
                who.as_ref().is_some_and(Identity::is_known)
            }) {
                Ok(detected) => {
                    findings.push(forge_found(&config, &detected));
                    project = Some(detected);
                }
                Err(problem) => findings.push(Finding::bad("forge", &Error::from(problem))),
            }
        }
        Some(Err(error)) => findings.push(Finding::bad("repository", &error)),
        None => {}
    }
    findings.push(account::token(&config, who.as_ref()));
    let mut github = None;
    if let (Some(project), Some(who)) = (&project, &who) {
        let found = account::online(&config, project, who).await;
        findings.extend(found.findings);
        github = found.told;
    }
    findings.push(agent(&config).await);
    findings.extend(model_key(&config, &variable));
    findings.push(checks(&config, project.as_ref()));
    findings.extend(
        project
            .as_ref()
            .and_then(|project| claims(&config, project)),
    );
    findings.push(budget(&config));
    findings.push(state_directory(place));
    let left = Machine::new(Vec::new()).memory().await;
    findings.push(memory(&config, left));
    findings.push(open_files(&config));
    findings.push(sandbox(&config));
    Examined { findings, github }
}

fn git() -> Finding {
    match git_version() {
        Ok((version, text)) if version >= OLDEST_GIT => Finding::new("git", State::Good, text),
        Ok((_, text)) => Finding::new("git", State::Bad, format!("{text} is too old"))
            .mended_by("install git 2.40 or newer"),
        Err(problem) => Finding::bad("git", &Error::from(problem)),
    }
}

fn configuration(place: &Place) -> (Finding, Option<Loaded>) {
    match place.load(&Overrides::default()) {
        Ok(loaded) => {
            let finding = match &loaded.file {
                Some(file) => Finding::new("config", State::Good, file.display().to_string()),
                None => Finding::new("config", State::Note, "no file; the defaults hold")
                    .mended_by("`autoissue init` writes one for this repository"),
            };
            (finding, Some(loaded))
        }
        Err(error) => (Finding::bad("config", &error), None),
    }
}

fn repository(checkout: &Checkout) -> Finding {
    let top = checkout.top.display();
    let detail = match &checkout.branch {
        Some(branch) => format!("{top}, on {branch}"),
        None => format!("{top}, on no branch"),
    };
    Finding::new("repository", State::Good, detail)
}

fn forge_found(config: &Config, project: &Project) -> Finding {
    let (name, base, why) = (project.name(), &project.base_branch, &project.why);
    match &project.home {
        Home::Github { .. } => {
            let detail = format!("GitHub: {name}, pulls for {base} ({why})");
            Finding::new("forge", State::Good, detail)
        }
        Home::Local { .. } => {
            let issues = project.top.join(&config.forge.issues_dir);
            let detail = format!("local: {name}, pulls for {base} ({why})");
            if issues.is_dir() {
                Finding::new("forge", State::Good, detail)
            } else {
                Finding::new("forge", State::Note, detail)
                    .mended_by("`autoissue init` makes a directory for local issues")
            }
        }
    }
}

/// What keeps two machines from working on one issue.
fn claims(config: &Config, project: &Project) -> Option<Finding> {
    if matches!(project.home, Home::Local { .. }) {
        return None;
    }
    let minutes = config.claims.ttl_minutes.get();
    Some(match config.claims.kind {
        ClaimsKind::Remote => Finding::new(
            "claims",
            State::Good,
            format!(
                "an issue has one session among all machines: leases of {minutes} minutes on the remote"
            ),
        ),
        ClaimsKind::Machine => Finding::new(
            "claims",
            State::Note,
            "an issue has one session on this machine; others may take it as well",
        )
        .mended_by("set claims.kind to remote where several machines work on these issues"),
    })
}

async fn agent(config: &Config) -> Finding {
    let kind = config.agent.kind;
    let program = match &config.agent.command {
        Some(argv) => argv.words().first().map_or("", String::as_str),
        None => kind.name(),
    };
    let bad = |detail: String| Finding::new("agent", State::Bad, detail);
    let missing = || bad(format!("there is no program `{program}`"));
    let Some(package) = kind.package() else {
        return if is_program(program, Path::new(".")) {
            Finding::new("agent", State::Good, program.to_owned())
        } else {
            missing().mended_by("correct agent.command in the configuration")
        };
    };
    let problem = match probe(program, &["--version"]).await {
        Probe::Said(version) => {
            return Finding::new("agent", State::Good, shown(program, &version));
        }
        Probe::Missing => missing(),
        Probe::Failed(how) => bad(format!("`{program} --version` failed: {how}")),
        Probe::Hung => bad(format!("`{program} --version` did not end within 5 s")),
    };
    problem.mended_by(format!("install it: npm install -g {package}"))
}

/// Where the agent's credentials come from; nothing for a program that nobody knows.
fn model_key(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Option<Finding> {
    let kind = config.agent.kind;
    let names = keys_of(kind);
    let is_set = |name: &&&str| env(name).is_some_and(|value| !value.trim().is_empty());
    let from = |found: Vec<&str>, place: &str| {
        (!found.is_empty()).then(|| format!("{} from {place}", found.join(", ")))
    };
    let own = config.agent.env.keys().map(String::as_str);
    let own: Vec<&str> = own.filter(|name| names.contains(name)).collect();
    let rest = names.iter().filter(is_set).copied();
    let rest: Vec<&str> = rest.filter(|name| !own.contains(name)).collect();
    let told = [
        from(own, "agent.env of the configuration"),
        from(rest, "the environment"),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    let detail = match (names.is_empty(), told.is_empty()) {
        (true, _) => return None,
        (false, true) => format!("none is set: {}'s own login counts", kind.name()),
        (false, false) => told.join("; "),
    };
    Some(Finding::new("model key", State::Good, detail))
}

/// `codex codex-cli 0.169.0` says it twice.
fn shown(program: &str, version: &str) -> String {
    let version = version.strip_prefix("codex-cli ").unwrap_or(version);
    format!("{program} {version}")
}

fn checks(config: &Config, project: Option<&Project>) -> Finding {
    let found = project.filter(|_| config.checks.is_empty());
    let found = found.map(|project| known(config, project));
    if let Some(finding) = found.and_then(|found| detected(&found)) {
        return finding;
    }
    let missing: Vec<&str> = config
        .checks
        .iter()
        .filter_map(|check| check.run.words().first())
        // One with a path is part of the repository, or made by its setup.
        .filter(|program| !program.contains('/') && !is_program(program, Path::new(".")))
        .map(String::as_str)
        .collect();
    if config.checks.is_empty() {
        Finding::new(
            "checks",
            State::Warning,
            "none; pulls will not have been tested",
        )
        .mended_by("name your tests under `checks`; `autoissue init` guesses them")
    } else if missing.is_empty() {
        let names: Vec<&str> = config
            .checks
            .iter()
            .map(|check| check.name.as_str())
            .collect();
        Finding::new("checks", State::Good, names.join(", "))
    } else {
        let detail = format!("there is no program `{}`", missing.join("`, `"));
        Finding::new("checks", State::Warning, detail)
            .mended_by("install it, unless the setup of the worktree brings it")
    }
}

/// What is used where nothing is configured; nothing where the repository speaks for nothing.
fn detected(found: &Known) -> Option<Finding> {
    let names: Vec<&str> = found.checks.iter().map(|check| &*check.name).collect();
    let detail = match names.as_slice() {
        [] if found.notes.is_empty() => return None,
        [] => "those that the base branch speaks for cannot run here".to_owned(),
        names => printable(&format!(
            "as the base branch speaks for: {}",
            names.join(", ")
        )),
    };
    let finding = |state| Some(Finding::new("checks", state, detail));
    if names.is_empty() {
        let mend = "`autoissue checks detect` shows what is missing";
        return finding(State::Warning).map(|finding| finding.mended_by(mend));
    }
    finding(State::Good)
}

fn budget(config: &Config) -> Finding {
    let session = config.max_total_budget_usd.usd();
    let attempt = config.agent.max_budget_usd.usd();
    let spent = format!("at most {session} a session, {attempt} an attempt");
    match config.max_daily_budget_usd {
        Some(day) => Finding::new(
            "budget",
            State::Good,
            format!("{spent}, {} a day", day.usd()),
        ),
        None => Finding::new(
            "budget",
            State::Note,
            format!("{spent}; no limit for a day"),
        )
        .mended_by("set maxDailyBudgetUsd before you run it from cron"),
    }
}

fn state_directory(place: &Place) -> Finding {
    let directory = match place.state_dir() {
        Ok(directory) => directory,
        Err(error) => return Finding::bad("state", &error),
    };
    let existing = directory.ancestors().find(|path| path.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    let shown = directory.display();
    if !existing.is_dir() || access(existing, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        return Finding::new("state", State::Bad, format!("{shown} cannot be written"))
            .mended_by("name another directory with --state-dir");
    }
    match statvfs(existing) {
        Ok(disk) => {
            let free = wide(disk.blocks_available()).saturating_mul(wide(disk.fragment_size()));
            disk_found(&shown.to_string(), free)
        }
        Err(cause) => Finding::new("state", State::Warning, format!("{shown}: {cause}")),
    }
}

/// These counts have another width on other systems.
fn wide(count: impl Into<u64>) -> u64 {
    count.into()
}

fn disk_found(directory: &str, free: u64) -> Finding {
    if free < ENOUGH_DISK {
        let detail = format!("{directory}, {} MB free", free >> 20);
        Finding::new("state", State::Warning, detail)
            .mended_by("free some space, or name another directory with --state-dir")
    } else {
        let detail = format!("{directory}, {} GB free", free >> 30);
        Finding::new("state", State::Good, detail)
    }
}

/// How many attempts it is for at this moment; no defect of the place, and other programs may give it back.
fn memory(config: &Config, left: Option<Room>) -> Finding {
    let Some(room) = left else {
        let detail = "nobody can tell here how much is left; attempts are not fewer for it";
        return Finding::new("memory", State::Note, detail);
    };
    let (free, total) = (size(room.free), size(room.total));
    let most = config.executor.max_parallel.get();
    let fit = config.scheduling.reserve();
    let fit = fit.map_or(most, |reserve| for_memory(room, &reserve).clamp(1, most));
    let detail = format!("{free} of {total} left: for {fit} of {most} attempts at a time");
    if fit == most {
        return Finding::new("memory", State::Good, detail);
    }
    Finding::new("memory", State::Note, detail).mended_by(
        "close other programs, or lower scheduling.memoryPerAttemptMb if your attempts need less",
    )
}

fn open_files(config: &Config) -> Finding {
    let wanted = FILES.0 + FILES.1 * u64::from(config.executor.max_parallel.get());
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft >= wanted => {
            Finding::new("open files", State::Good, format!("up to {soft}"))
        }
        Ok((soft, _)) => {
            let detail = format!("only up to {soft}, and {wanted} may be needed");
            Finding::new("open files", State::Warning, detail).mended_by(format!(
                "`ulimit -n {wanted}`, or lower executor.maxParallel"
            ))
        }
        Err(cause) => Finding::new("open files", State::Warning, cause.to_string()),
    }
}

fn sandbox(config: &Config) -> Finding {
    let own_program = std::env::current_exe().unwrap_or_default();
    match isolation(config.sandbox.isolation, &own_program) {
        Err(error) => Finding::bad("sandbox", &error),
        Ok(None) => Finding::new("sandbox", State::Warning, "none: agents can do what you can do")
            .mended_by("leave `sandbox.isolation` at `auto`"),
        Ok(Some(Isolation::Bubblewrap {
            keeps_namespaces, ..
        })) => {
            let further = if keeps_namespaces {
                "no user namespaces within"
            } else {
                "user namespaces within are allowed, this bubblewrap or kernel cannot forbid them"
            };
            let detail = format!("bubblewrap: files, processes and network of their own; {further}");
            Finding::new("sandbox", State::Good, detail)
        }
        Ok(Some(Isolation::Seatbelt)) => Finding::new(
            "sandbox",
            State::Good,
            "sandbox-exec: files, signals and ports by list",
        ),
        Ok(Some(Isolation::Landlock)) => Finding::new(
            "sandbox",
            State::Warning,
            "Landlock and seccomp: files, signals and ports by list; that other files and processes are there can be seen, and a port on the list is open to any host",
        )
        .mended_by(INSTALL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_by_the_attempts_that_it_is_for() {
        let check = |keys: serde_json::Value, mib: u64, expect: &str| {
            let config: Config = serde_json::from_value(keys).unwrap();
            let (free, total) = (mib << 20, 4 << 30);
            let found = memory(&config, Some(Room { free, total }));
            assert_eq!(found.detail, expect);
            assert_eq!(found.mend.is_some(), found.state == State::Note);
        };
        let eight = serde_json::json!({ "executor": { "maxParallel": 8 } });
        let told = "3.3 GiB of 4.0 GiB left: for 4 of 8 attempts at a time";
        check(eight.clone(), 3_450, told);
        let told = "100 MiB of 4.0 GiB left: for 1 of 8 attempts at a time";
        check(eight, 100, told);
        let three = serde_json::json!({});
        let told = "3.3 GiB of 4.0 GiB left: for 3 of 3 attempts at a time";
        check(three, 3_450, told);
        let off = serde_json::json!({ "scheduling": { "adaptive": false } });
        let told = "100 MiB of 4.0 GiB left: for 3 of 3 attempts at a time";
        check(off, 100, told);
        assert_eq!(memory(&Config::default(), None).state, State::Note);
    }
}
