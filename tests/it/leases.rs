//! An issue is worked on by one session among all machines: leases on a remote that they share, and the whole binary.

use crate::fake_github::{FakeGitHub, FakeOptions};
use crate::repos::{Scene, git, habits, try_git, write_script};
use crate::rig::{Ran, Rig, aloud, config_for};
use crate::stage::AGENT;
use autoissue::adapters::git::leases::{GitLeases, Holder};
use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::Place;
use autoissue::ports::{Leases, RepositoryError};
use autoissue::rules::ids::{IssueNumber, SessionId, Timestamp};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

const MINUTE: i64 = 60_000;

/// A machine: a mirror of its own of the scene's remote, and a clock of its own.
struct Machine {
    repository: GitRepository,
    clock: Arc<AtomicI64>,
    name: &'static str,
}

impl Machine {
    async fn new(scene: &Scene, name: &'static str, clock: i64) -> Self {
        let place = Place {
            mirror: scene.root.join(name).join("mirror.git"),
            slots: scene.root.join(name).join("slots"),
        };
        let opened = open(place, scene.source(&scene.origin), habits()).await;
        Self {
            repository: opened.unwrap(),
            clock: Arc::new(AtomicI64::new(clock)),
            name,
        }
    }

    /// A session on it, as a process that has just begun.
    fn session(&self, session: &str) -> GitLeases {
        let clock = Arc::clone(&self.clock);
        self.repository.leases(Holder {
            session: SessionId::new(session),
            host: self.name.to_owned(),
            ttl: Duration::from_secs(15 * 60),
            clock: Arc::new(move || Timestamp(clock.load(Ordering::SeqCst))),
            is_over: Arc::new(|session| session.as_str() == OVER),
        })
    }

    fn wait(&self, minutes: i64) {
        self.clock.fetch_add(minutes * MINUTE, Ordering::SeqCst);
    }
}

fn issues(numbers: impl IntoIterator<Item = u64>) -> Vec<IssueNumber> {
    numbers.into_iter().map(IssueNumber).collect()
}

/// Why each of these cannot be had.
async fn refused(leases: &GitLeases, numbers: &[u64]) -> Vec<(u64, String)> {
    let taken = leases.take(&issues(numbers.iter().copied())).await.unwrap();
    let elsewhere = taken.elsewhere.into_iter();
    let mut refused: Vec<_> = elsewhere.map(|held| (held.issue.0, held.reason)).collect();
    refused.sort();
    refused
}

fn on_remote(scene: &Scene) -> Vec<String> {
    let format = "--format=%(refname:lstrip=3)";
    let listing = git(&scene.origin, &["for-each-ref", format, "refs/autoissue"]);
    listing.lines().map(str::to_owned).collect()
}

/// A session that every machine here knows to be over.
const OVER: &str = "01Z";

#[tokio::test]
async fn what_a_session_left_that_is_known_to_be_over_is_taken_at_once() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let ant = Machine::new(&scene, "ant", NOON).await;
    assert_eq!(refused(&ant.session(OVER), &[1]).await, []);
    assert_eq!(refused(&ant.session("01B"), &[1]).await, []);
    assert_eq!(refused(&ant.session("01C"), &[1]).await.len(), 1);
}

/// Both machines' clocks begin here.
const NOON: i64 = 1_800_000_000_000;

#[tokio::test]
async fn what_one_machine_has_another_cannot_take_until_it_is_given_up() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let (ant, bee) = (
        Machine::new(&scene, "ant", NOON).await,
        Machine::new(&scene, "bee", NOON).await,
    );
    let (one, two) = (ant.session("01A"), bee.session("01B"));
    let taken = one.take(&issues([1, 2, 3])).await.unwrap();
    assert_eq!((taken.fresh.len(), taken.elsewhere.len()), (3, 0));
    let words = "session 01A on ant works on it, and holds it until 2027-01-15 08:15 UTC";
    assert_eq!(refused(&two, &[2, 4]).await, [(2, words.to_owned())]);
    assert_eq!(on_remote(&scene), ["1", "2", "3", "4"]);
    one.release(&issues([2, 4])).await.unwrap();
    assert_eq!(on_remote(&scene), ["1", "3", "4"], "4 was never its own");
    assert_eq!(refused(&two, &[2]).await, []);
    assert!(two.is_certain(IssueNumber(2)) && !one.is_certain(IssueNumber(2)));
}

#[tokio::test]
async fn a_lease_that_is_renewed_stays_and_one_that_is_not_is_taken_over_in_time() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    // Two hours apart, the holder's ahead: by its own time its lease would be held for hours.
    let (ant, bee) = (
        Machine::new(&scene, "ant", NOON + 120 * MINUTE).await,
        Machine::new(&scene, "bee", NOON).await,
    );
    let (one, two) = (ant.session("01A"), bee.session("01B"));
    assert_eq!(refused(&one, &[1]).await, []);
    for _ in 0..4 {
        assert_eq!(refused(&two, &[1]).await.len(), 1, "it is renewed");
        ant.wait(5);
        bee.wait(5);
        assert_eq!(one.renew().await.unwrap(), []);
    }
    assert_eq!(refused(&two, &[1]).await.len(), 1);
    bee.wait(16);
    assert_eq!(refused(&two, &[1]).await.len(), 1, "a tenth is added");
    bee.wait(1);
    // The one that looked is gone; what it saw is noted.
    let three = bee.session("01C");
    let taken = three.take(&issues([1])).await.unwrap();
    assert_eq!((taken.fresh.len(), taken.elsewhere.len()), (1, 0));

    // Whoever lost it learns that, and never takes it back by itself.
    ant.wait(600);
    assert!(!one.is_certain(IssueNumber(1)));
    let lost = one.renew().await.unwrap();
    assert!(lost[0].reason.contains("session 01C on bee"), "{lost:?}");
    assert!(!one.is_certain(IssueNumber(1)));
    three.release(&issues([1])).await.unwrap();
    assert_eq!(one.renew().await.unwrap(), [], "nothing is held any more");
}

#[tokio::test]
async fn one_that_was_lost_and_given_up_again_meanwhile_is_not_taken_for_held() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let (ant, bee) = (
        Machine::new(&scene, "ant", NOON).await,
        Machine::new(&scene, "bee", NOON).await,
    );
    let (one, two) = (ant.session("01A"), bee.session("01B"));
    assert_eq!(refused(&one, &[1]).await, []);
    bee.wait(76);
    assert_eq!(refused(&two, &[1]).await, [], "an hour after its own time");
    two.release(&issues([1])).await.unwrap();
    let reason = "the lease was given up by somebody else".to_owned();
    assert_eq!(refused(&one, &[1]).await, [(1, reason)]);
}

#[tokio::test]
async fn a_session_that_goes_on_in_a_new_process_takes_its_own_up_again() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let ant = Machine::new(&scene, "ant", NOON).await;
    assert_eq!(refused(&ant.session("01A"), &[1, 2]).await, []);
    ant.wait(6);
    let again = ant.session("01A");
    let taken = again.take(&issues([1, 2, 3])).await.unwrap();
    assert_eq!((taken.fresh, taken.elsewhere.len()), (issues([3]), 0));
    assert!(again.is_certain(IssueNumber(2)));
    ant.wait(11);
    assert!(!again.is_certain(IssueNumber(2)), "a third is left to act");
}

#[tokio::test]
async fn many_issues_are_one_push() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    write_script(
        &scene.origin,
        "hooks/pre-receive",
        "#!/bin/sh\ncat > /dev/null; echo push >> pushes\n",
    );
    let (ant, bee) = (
        Machine::new(&scene, "ant", NOON).await,
        Machine::new(&scene, "bee", NOON).await,
    );
    let pushes = || {
        let text = std::fs::read_to_string(scene.origin.join("pushes")).unwrap_or_default();
        text.lines().count()
    };
    let (one, two) = (ant.session("01A"), bee.session("01B"));
    one.take(&issues(1..=150)).await.unwrap();
    assert_eq!((pushes(), on_remote(&scene).len()), (1, 150));
    one.renew().await.unwrap();
    assert_eq!(pushes(), 2);
    let taken = two.take(&issues(100..=180)).await.unwrap();
    assert_eq!((taken.fresh.len(), taken.elsewhere.len()), (30, 51));
    one.release(&issues(1..=150)).await.unwrap();
    assert_eq!(on_remote(&scene).len(), 30);
    assert!(pushes() <= 4, "{}", pushes());
}

#[tokio::test]
async fn a_remote_that_keeps_no_leases_is_told_and_never_taken_for_one_that_does() {
    for refuse in ["hidden", "hook"] {
        let scene = Scene::new(&[("a.txt", "one\n")]);
        let ant = Machine::new(&scene, "ant", NOON).await;
        if refuse == "hidden" {
            git(
                &scene.origin,
                &["config", "receive.hideRefs", "refs/autoissue"],
            );
        } else {
            let hook = "#!/bin/sh\ncase $1 in refs/heads/*) exit 0;; esac\nexit 1\n";
            write_script(&scene.origin, "hooks/update", hook);
        }
        let error = ant.session("01A").take(&issues([1])).await.unwrap_err();
        let RepositoryError::Unusable { problem, hint } = &error else {
            panic!("{refuse}: {error:?}");
        };
        assert!(problem.contains("refs/autoissue/leases"), "{problem}");
        assert!(hint.contains("claims.kind"), "{hint}");
    }
}

#[tokio::test]
async fn what_others_write_there_is_no_lease_and_breaks_nothing() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    for name in ["1", "x", "2/y"] {
        let name = format!("refs/autoissue/leases/{name}");
        git(&scene.origin, &["update-ref", &name, "main"]);
    }
    let ant = Machine::new(&scene, "ant", NOON).await;
    let leases = ant.session("01A");
    let words = "something that is no lease of a known kind holds it".to_owned();
    assert_eq!(refused(&leases, &[1, 3]).await, [(1, words)]);
    ant.wait(80);
    assert_eq!(refused(&leases, &[1]).await, []);
    let heads = try_git(&scene.origin, &["for-each-ref", "refs/heads"]);
    assert_eq!(String::from_utf8_lossy(&heads.stdout).lines().count(), 1);
}

/// Two machines before one GitHub: their own checkouts and state directories, one agent that notes where it ran.
struct Two {
    fake: FakeGitHub,
    rigs: [Rig; 2],
}

/// How the machines reach the repository that they share.
#[derive(Clone, Copy, Debug)]
enum Remote {
    Path,
    Http,
}

/// Where the lease of issue 1 is.
const LEASE: &str = "refs/autoissue/leases/1";

impl Two {
    fn new(claims: &str, remote: Remote) -> Self {
        let two = Self {
            fake: FakeGitHub::start(&FakeOptions::default()),
            rigs: [Rig::new(), Rig::new()],
        };
        two.fake.expect_writers(two.rigs.len());
        let url = match remote {
            Remote::Path => two.fake.git_path(),
            Remote::Http => two.fake.git_url(),
        };
        let place = two.rigs[0].path("").display().to_string();
        let agent = AGENT.replace("PLACE", place.trim_end_matches('/'));
        two.rigs[0].script("agent", &agent);
        for rig in &two.rigs {
            two.configure(rig, claims, &url);
        }
        two
    }

    fn configure(&self, rig: &Rig, claims: &str, url: &str) {
        let agent = self.rigs[0].path("bin/agent");
        let mut config = config_for(&self.fake.api_url(), url, &agent, None);
        config["claims"] = json!({ "kind": claims });
        config["detectChecks"] = json!(false);
        rig.config(&config);
    }

    fn start(&self, rig: &Rig, args: &[&str]) -> Child {
        let more = ["--isolation", "none", "--format", "json"];
        let mut command = rig.autoissue(&[args, &more].concat());
        command.env("GITHUB_TOKEN", self.fake.token());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn end(&self, rig: &Rig, args: &[&str]) -> Ran {
        self.start(rig, args).wait_with_output().unwrap().into()
    }

    fn gate(&self) -> PathBuf {
        self.rigs[0].path("gate")
    }

    fn close_gate(&self) {
        let made = Command::new("mkfifo").arg(self.gate()).status();
        assert!(made.unwrap().success());
    }

    /// Waits until an agent stands before the gate.
    fn at_gate(&self) {
        let text = std::fs::read_to_string(self.gate()).unwrap();
        assert_eq!(text.trim(), "1");
    }

    /// Both work on one label at once, to their ends.
    fn race(&self, label: &str) -> [Ran; 2] {
        let start = |rig| self.start(rig, &["exec", label]);
        let children = self.rigs.each_ref().map(start);
        children.map(|child| child.wait_with_output().unwrap().into())
    }

    /// For which issues the agent ran, on either machine.
    fn runs(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(self.rigs[0].path("runs")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }
}

/// What came of so many rounds.
struct Rounds {
    /// Issues that were worked on twice.
    double: usize,
    /// Issues that were worked on.
    each: usize,
    /// Rounds in which one process met the other's lease.
    met: usize,
}

fn rounds(two: &Two, count: u64) -> Rounds {
    let mut met = 0;
    for round in 1..=count {
        let label = format!("round-{round}");
        let body = format!("Write `file-{round}.txt`.");
        two.fake
            .add_issue(&format!("Thing {round}"), &body, &[&label]);
        for ran in two.race(&label) {
            assert!(ran.code.is_some_and(|code| code < 2), "{ran:?}");
            met += usize::from(ran.stdout.contains("holds it until"));
        }
    }
    let runs = two.runs();
    let each: BTreeSet<u64> = runs.iter().copied().collect();
    Rounds {
        double: runs.len() - each.len(),
        each: each.len(),
        met,
    }
}

#[test]
fn two_processes_on_one_label_never_take_the_same_issue() {
    let begun = Instant::now();
    let (mut all, mut met) = (0, 0);
    for (remote, count) in [(Remote::Path, 90), (Remote::Http, 10)] {
        let two = Two::new("remote", remote);
        let rounds = rounds(&two, count);
        assert_eq!(
            (rounds.double, rounds.each as u64),
            (0, count),
            "by {remote:?}"
        );
        met += rounds.met;
        assert_eq!(two.fake.violations(), [""; 0]);
        all += count;
    }
    assert!(met > 0, "they never met");
    aloud(&format!(
        "{all} rounds of two whole processes on one label, no issue taken twice; in {met} one met the other's lease; {:?}",
        begun.elapsed()
    ));
}

/// The control: where leases are off, both agents stand before the gate at once.
#[test]
fn without_leases_machines_take_the_same_issue() {
    let two = Two::new("machine", Remote::Path);
    two.fake
        .add_issue("Thing 1", "Write `file-1.txt`.", &["go"]);
    two.close_gate();
    let mut both = two.rigs.each_ref().map(|rig| {
        let running = two.start(rig, &["exec", "go"]);
        two.at_gate();
        running
    });
    assert_eq!(two.runs(), [1, 1]);
    for running in &mut both {
        running.kill().unwrap();
        running.wait().unwrap();
    }
}

#[test]
fn who_holds_an_issue_is_told_and_a_killed_session_takes_it_up_again() {
    let two = Two::new("remote", Remote::Http);
    let [ant, bee] = &two.rigs;
    two.fake
        .add_issue("Thing 1", "Write `file-1.txt`.", &["go"]);
    two.close_gate();
    let mut first = two.start(ant, &["exec", "go"]);
    let session = || {
        let text = git(
            Path::new(&two.fake.git_path()),
            &["log", "-1", "--format=%b", LEASE],
        );
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["session"].clone()
    };
    // Its agent runs.
    two.at_gate();
    let holder = session().as_str().unwrap().to_owned();
    let is_left = |ran: Ran| {
        assert_eq!((ran.code, ran.count("skipped")), (Some(0), 1), "{ran:?}");
        let reason = ran.task(1)["reason"].as_str().unwrap().to_owned();
        assert!(
            reason.starts_with(&format!("session {holder} on ")),
            "{reason}"
        );
        assert!(reason.contains("holds it until 20"), "{reason}");
    };
    is_left(two.end(bee, &["exec", "go"]));
    first.kill().unwrap();
    first.wait().unwrap();
    is_left(two.end(bee, &["exec", "go"]));
    std::fs::remove_file(two.gate()).unwrap();
    let resumed = two.end(ant, &["resume"]);
    assert_eq!(
        (resumed.code, resumed.count("completed")),
        (Some(0), 1),
        "{resumed:?}"
    );
    assert_eq!(two.runs(), [1, 1]);
    assert_eq!(two.fake.pulls().len(), 1);
    let left = try_git(
        Path::new(&two.fake.git_path()),
        &["rev-parse", "-q", "--verify", LEASE],
    );
    assert!(!left.status.success(), "it is given up at the end");
    let ran = two.end(bee, &["exec", "go"]);
    assert_eq!(ran.count("completed"), 0, "its pull is open: {ran:?}");
    assert_eq!(two.fake.violations(), [""; 0]);
}

#[test]
fn a_remote_that_keeps_no_leases_ends_the_run_before_anything_is_paid_unless_the_configuration_does_without()
 {
    let two = Two::new("remote", Remote::Http);
    let [ant, bee] = &two.rigs;
    git(
        Path::new(&two.fake.git_path()),
        &["config", "receive.hideRefs", "refs/autoissue"],
    );
    two.fake
        .add_issue("Thing 1", "Write `file-1.txt`.", &["go"]);
    for _ in 0..2 {
        let ran = two.end(bee, &["exec", "go"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = ran.said();
        assert!(
            said.contains("refs/autoissue/leases") && said.contains("claims.kind"),
            "{said}"
        );
    }
    assert_eq!(two.runs(), [0; 0]);
    two.configure(ant, "machine", &two.fake.git_url());
    let ran = two.end(ant, &["exec", "go"]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
}

#[test]
fn a_process_that_dies_around_its_first_event_keeps_no_issue_from_the_next() {
    for point in ["1:before", "1:after", "2:before"] {
        let two = Two::new("remote", Remote::Path);
        let [ant, bee] = &two.rigs;
        two.fake
            .add_issue("Thing 1", "Write `file-1.txt`.", &["go"]);
        let mut command = ant.autoissue(&["exec", "go", "--isolation", "none"]);
        command.env("GITHUB_TOKEN", two.fake.token());
        command.env("AUTOISSUE_CRASH_AT", point);
        let died = command.output().unwrap();
        assert_eq!(died.status.code(), None, "{point}: {died:?}");
        let elsewhere = two.end(bee, &["exec", "go"]);
        assert_eq!(
            elsewhere.count("skipped"),
            1,
            "it left its lease: {elsewhere:?}"
        );
        let again = two.end(ant, &["exec", "go"]);
        assert_eq!(again.count("completed"), 1, "{point}: {again:?}");
    }
}
