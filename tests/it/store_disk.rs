//! The store on disks and files that are not as it wishes.

use crate::store_sample::{PROJECT, append, begin, selection};
use autoissue::adapters::store::error::StoreError;
use autoissue::adapters::store::journal::SqliteJournal;
use autoissue::adapters::store::open::Store;
use autoissue::ports::{Journal, JournalError};
use autoissue::rules::event::Event;
use autoissue::rules::ids::SessionId;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const EVENTS: usize = 200;

fn database(state: &Path) -> PathBuf {
    state.join("autoissue.db")
}

/// A state directory with a session of `EVENTS` events, closed.
async fn filled() -> TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    fill(&store).await;
    state
}

async fn fill(store: &Store) {
    let journal = begin(store, "a", None).await;
    let events = vec![Event::StopRequested; EVENTS - 1];
    append(&journal, 2, events).await.unwrap();
}

fn read_all(state: &Path) -> Result<usize, StoreError> {
    let store = Store::open(state)?;
    Ok(store.events(&SessionId::new("a"))?.len())
}

fn bytes(state: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(state)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name.starts_with("autoissue.db") && !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

fn refused_as_newer(state: &Path) {
    let before = bytes(state);
    for open in [Store::open, Store::open_read_only] {
        let Err(refusal) = open(state) else {
            panic!("a newer one was opened");
        };
        assert!(
            matches!(refusal, StoreError::Newer { found: 99, .. }),
            "{refusal}"
        );
    }
    assert!(bytes(state) == before, "it was touched");
}

#[tokio::test]
async fn a_newer_database_is_refused_and_not_a_byte_of_it_changes() {
    let state = filled().await;
    let db = Connection::open(database(state.path())).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    refused_as_newer(state.path());
    // The control: the comparison sees what opening does to a database of this version.
    let other = filled().await;
    let before = bytes(other.path());
    let store = Store::open(other.path()).unwrap();
    drop(begin(&store, "b", None).await);
    drop(store);
    assert!(bytes(other.path()) != before);
}

#[tokio::test]
async fn a_newer_database_whose_format_stands_in_its_log_is_left_with_its_log() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    fill(&store).await;
    let db = Connection::open(database(state.path())).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    let killed = tempfile::tempdir().unwrap();
    for (name, content) in bytes(state.path()) {
        fs::write(killed.path().join(name), content).unwrap();
    }
    assert!(bytes(killed.path()).contains_key("autoissue.db-wal"));
    refused_as_newer(killed.path());
}

#[tokio::test]
async fn a_database_that_was_cut_off_is_named_with_what_helps() {
    let whole = filled().await;
    assert_eq!(read_all(whole.path()).unwrap(), EVENTS);
    let size = fs::metadata(database(whole.path())).unwrap().len();
    for kept in [0, 50, size / 2, size - 1] {
        let state = filled().await;
        let file = fs::File::options()
            .write(true)
            .open(database(state.path()))
            .unwrap();
        file.set_len(kept).unwrap();
        let error = read_all(state.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged { .. }),
            "{kept}: {error}"
        );
        assert!(error.hint().unwrap().contains("backup"), "{kept}");
        assert_eq!(fs::metadata(database(state.path())).unwrap().len(), kept);
    }
    let state = filled().await;
    fs::remove_file(database(state.path())).unwrap();
    assert!(matches!(
        read_all(state.path()),
        Err(StoreError::Damaged { .. })
    ));
    fs::write(database(state.path()), "not a database, ".repeat(100)).unwrap();
    assert!(matches!(
        read_all(state.path()),
        Err(StoreError::Damaged { .. })
    ));
}

#[tokio::test]
async fn a_database_is_checked_when_its_last_process_did_not_end_well() {
    let state = filled().await;
    let path = database(state.path());
    let mut content = fs::read(&path).unwrap();
    // Somewhere in the pages of events, whose inner pages point nowhere now.
    let from = content.len() - 3 * 4096;
    content[from..].fill(0xaa);
    fs::write(&path, &content).unwrap();
    assert!(
        Store::open(state.path()).is_ok(),
        "the control: nobody looks after a good end"
    );
    fs::write(state.path().join("autoissue.db-wal"), "torn").unwrap();
    let Err(error) = Store::open(state.path()) else {
        panic!("nobody looked");
    };
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn what_is_stored_is_for_its_user_alone() {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("state");
    let store = Store::open(&state).unwrap();
    let _journal = begin(&store, "a", None).await;
    let mut paths = vec![state];
    while let Some(path) = paths.pop() {
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
}

#[test]
fn an_empty_place_holds_nothing_to_read() {
    let state = tempfile::tempdir().unwrap();
    assert!(matches!(
        Store::open_read_only(state.path()),
        Err(StoreError::Absent { .. })
    ));
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
}

const ROLE: &str = "STORE_DISK_ROLE";
const STATE: &str = "STORE_DISK_STATE";

/// This test in a process of its own.
fn actor(role: &str, state: &Path) -> Vec<(&'static str, String)> {
    vec![(ROLE, role.into()), (STATE, state.to_str().unwrap().into())]
}

fn arguments() -> [&'static str; 3] {
    [
        "--exact",
        "store_disk::a_process_plays_its_role",
        "--nocapture",
    ]
}

#[tokio::test]
async fn a_process_plays_its_role() {
    let own = tempfile::tempdir().unwrap();
    let state = std::env::var(STATE).map_or(own.path().into(), PathBuf::from);
    match std::env::var(ROLE).as_deref() {
        Ok("look") => look(&state),
        Ok("overfill") => overfill(&state).await,
        Ok("overfill without reserve") => overfill_without_reserve(&state).await,
        Ok(other) => panic!("no such role: {other}"),
        Err(_) => assert!(matches!(
            Store::open_read_only(&state),
            Err(StoreError::Absent { .. })
        )),
    }
}

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Runs as somebody who may not write to a directory of mode 0555.
fn look_as_a_reader(state: &Path) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments()).envs(actor("look", state));
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    output(&mut command)
}

fn look(state: &Path) {
    let Err(refusal) = Store::open(state) else {
        panic!("it may be written");
    };
    assert!(matches!(refusal, StoreError::ReadOnly { .. }), "{refusal}");
    assert!(refusal.hint().unwrap().contains("--state-dir"));
    let store = Store::open_read_only(state).unwrap();
    let id = SessionId::new("a");
    assert_eq!(store.events(&id).unwrap().len(), EVENTS);
    assert!(matches!(
        store.begin(SessionId::new("b"), PROJECT, &selection("ready")),
        Err(StoreError::ReadOnly { .. })
    ));
}

fn set_modes(state: &Path, directory: u32, file: u32) {
    fs::set_permissions(state, Permissions::from_mode(directory)).unwrap();
    for name in bytes(state).keys() {
        fs::set_permissions(state.join(name), Permissions::from_mode(file)).unwrap();
    }
    let index = state.join("autoissue.db-shm");
    if index.exists() {
        fs::set_permissions(index, Permissions::from_mode(file)).unwrap();
    }
}

#[tokio::test]
async fn a_read_only_directory_can_be_looked_at_and_says_why_it_cannot_be_written() {
    let state = filled().await;
    set_modes(state.path(), 0o555, 0o444);
    let looked = look_as_a_reader(state.path());
    assert!(looked.status.success(), "{looked:?}");
    // And while another process writes there.
    set_modes(state.path(), 0o755, 0o644);
    let store = Store::open(state.path()).unwrap();
    let journal = store.journal(&SessionId::new("a")).unwrap();
    let now = journal.events().await.unwrap().len();
    assert_eq!(now, EVENTS);
    store
        .send(
            PROJECT,
            None,
            &autoissue::rules::event::Command::ResetBreaker,
        )
        .unwrap();
    set_modes(state.path(), 0o555, 0o444);
    let looked = look_as_a_reader(state.path());
    set_modes(state.path(), 0o755, 0o644);
    assert!(looked.status.success(), "{looked:?}");
}

/// Mounts a small disk here, which ends with this process's mounts.
fn mount(state: &Path) {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m", "none"])
        .arg(state)
        .status()
        .unwrap();
    assert!(mounted.success());
}

/// Fills the disk with a file, which is returned.
fn fill_up(state: &Path) -> fs::File {
    let mut ballast = fs::File::options()
        .create(true)
        .append(true)
        .open(state.join("ballast"))
        .unwrap();
    while ballast.write_all(&[1; 4096]).is_ok() {}
    ballast
}

/// Appends until the disk is full; says how many events are stored, and how it was refused.
async fn append_until_full(journal: &SqliteJournal) -> (u64, JournalError) {
    for stored in 1..100_000 {
        if let Err(refusal) = append(journal, stored + 1, vec![Event::StopRequested]).await {
            return (stored, refusal);
        }
    }
    panic!("the disk is never full");
}

async fn overfill_without_reserve(state: &Path) {
    mount(state);
    let store = Store::open(state).unwrap();
    let journal = begin(&store, "a", None).await;
    fs::remove_file(state.join("reserve")).unwrap();
    let _ballast = fill_up(state);
    let (stored, _) = append_until_full(&journal).await;
    let stop = append(&journal, stored + 1, vec![Event::SessionInterrupted]).await;
    assert!(stop.is_err(), "there was room");
}

async fn overfill(state: &Path) {
    mount(state);
    let store = Store::open(state).unwrap();
    let journal = begin(&store, "a", None).await;
    fill_up(state);
    let (stored, refusal) = append_until_full(&journal).await;
    let JournalError::Write { detail } = &refusal else {
        panic!("{refusal}");
    };
    assert!(detail.contains("the disk is full"), "{detail}");
    assert!(!state.join("reserve").exists(), "the reserve is given back");
    append(&journal, stored + 1, vec![Event::SessionInterrupted])
        .await
        .unwrap();
    drop((journal, store));

    let ballast = fill_up(state);
    refused_as_full(Store::open(state).map(drop));
    let id = SessionId::new("a");
    let stored_then = Store::open_read_only(state).unwrap().events(&id).unwrap();
    assert_eq!(stored_then.len() as u64, stored + 1);

    // Room enough to open it, and none for the reserve.
    let size = ballast.metadata().unwrap().len();
    ballast.set_len(size - (4 << 20)).unwrap();
    let store = Store::open(state).unwrap();
    refused_as_full(store.journal(&id).map(drop));
    ballast.set_len(0).unwrap();
    store.journal(&id).unwrap();
}

fn refused_as_full(answer: Result<(), StoreError>) {
    let refusal = answer.unwrap_err();
    assert!(matches!(refusal, StoreError::Full { .. }), "{refusal}");
    assert!(refusal.hint().unwrap().contains("free some space"));
}

#[test]
fn a_full_disk_stops_a_session_in_good_order() {
    let alone = ["--mount", "--map-root-user", "--"];
    let may = Command::new("unshare").args(alone).arg("true").output();
    if !may.is_ok_and(|output| output.status.success()) {
        // The same with a bound on the database's pages is a test of `store::writer`, and runs everywhere.
        return;
    }
    for role in ["overfill", "overfill without reserve"] {
        let state = tempfile::tempdir().unwrap();
        let played = output(
            Command::new("unshare")
                .args(alone)
                .arg(std::env::current_exe().unwrap())
                .args(arguments())
                .envs(actor(role, state.path())),
        );
        let said = String::from_utf8_lossy(&played.stdout);
        assert!(said.contains("1 passed"), "{role}: {played:?}");
    }
}
