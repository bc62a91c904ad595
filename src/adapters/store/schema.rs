//! The tables. Each format is one step from the one before.

use rusqlite_migration::{M, Migrations};

/// The format that this program writes.
pub(super) const KNOWN: u32 = 10;

/// One step for each format; a released step is never changed.
const STEPS: &[M<'static>] = &[
    M::up(FIRST),
    M::up(COMPLEXITY),
    M::up(PULLS),
    M::up(LESSONS),
    M::up(LANDED),
    M::up(AUDIT),
    M::up(AGENTS),
    M::up(SERVED),
    M::up(MEASURES),
    M::up(FINDINGS),
];

/// How hard a task was judged to be, where it was evaluated.
const COMPLEXITY: &str = "ALTER TABLE tasks ADD COLUMN complexity TEXT";

/// What became of pulls, and what was done about them. A follow-up's payload is JSON.
const PULLS: &str = "
    CREATE TABLE follow_ups (
        session INTEGER NOT NULL REFERENCES sessions (key),
        issue INTEGER NOT NULL,
        pull INTEGER NOT NULL,
        payload TEXT NOT NULL,
        PRIMARY KEY (session, issue)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX follow_ups_by_pull ON follow_ups (pull);
    CREATE TABLE pulls (
        project TEXT NOT NULL,
        number INTEGER NOT NULL,
        issue INTEGER NOT NULL,
        fate TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (project, number)
    ) STRICT, WITHOUT ROWID;
    ";

/// As what pulls were offered, and as what they were merged.
const LANDED: &str = "
    ALTER TABLE pulls ADD COLUMN head TEXT;
    ALTER TABLE pulls ADD COLUMN merged_as TEXT;
    ";

/// All agents of a session, as a JSON array of their kinds, and whose each attempt was.
const AGENTS: &str = "
    ALTER TABLE sessions ADD COLUMN agents TEXT;
    ALTER TABLE ledger ADD COLUMN agent TEXT;
    UPDATE ledger SET agent = (SELECT agent FROM sessions WHERE key = session);
    ";

/// What `serve` was told, what it began, and which projects it was given besides those of its configuration.
const SERVED: &str = "
    CREATE TABLE arrivals (
        id INTEGER PRIMARY KEY,
        delivery TEXT NOT NULL UNIQUE,
        meaning TEXT NOT NULL UNIQUE,
        repo TEXT NOT NULL,
        facts TEXT NOT NULL,
        received INTEGER NOT NULL,
        taken INTEGER
    ) STRICT;
    CREATE INDEX arrivals_waiting ON arrivals (id) WHERE taken IS NULL;
    -- What is begun is written down first: after a kill it is begun again, and goes on where it was.
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        wanted TEXT NOT NULL,
        begun INTEGER NOT NULL,
        ended INTEGER,
        exit INTEGER,
        words TEXT
    ) STRICT;
    CREATE INDEX runs_unfinished ON runs (id) WHERE ended IS NULL;
    -- As what an issue was last begun: it is begun again once it says something else.
    CREATE TABLE begun (
        project TEXT NOT NULL,
        issue INTEGER NOT NULL,
        meaning TEXT NOT NULL,
        run INTEGER NOT NULL REFERENCES runs (id),
        PRIMARY KEY (project, issue)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE projects (
        name TEXT PRIMARY KEY,
        settings TEXT NOT NULL,
        created INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- What a person switched on or off counts before what the configuration says.
    CREATE TABLE automation (
        project TEXT PRIMARY KEY,
        is_on INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    ";

/// What figures are made of besides the sums of `tasks`; outlives the events. What stands in events that are still there is
/// taken over; of older sessions a task ended with its last bill, as far as anybody can tell.
const MEASURES: &str = "
    CREATE TABLE measures (
        session INTEGER NOT NULL REFERENCES sessions (key),
        issue INTEGER NOT NULL,
        kind TEXT,
        ended INTEGER,
        reason TEXT,
        helped INTEGER NOT NULL DEFAULT 0,
        checked INTEGER NOT NULL DEFAULT 0,
        passed INTEGER NOT NULL DEFAULT 0,
        pushed TEXT,
        url TEXT,
        PRIMARY KEY (session, issue)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX measures_by_end ON measures (ended);
    INSERT INTO measures (session, issue, ended)
        SELECT tasks.session, tasks.issue, coalesce(max(settled), sessions.ended, sessions.started)
        FROM tasks JOIN sessions ON key = tasks.session
        LEFT JOIN ledger ON ledger.session = tasks.session AND ledger.issue = tasks.issue
        WHERE ending IS NOT NULL GROUP BY tasks.session, tasks.issue;
    INSERT OR IGNORE INTO measures (session, issue) SELECT session, issue FROM tasks;
    UPDATE measures SET ended = found.at, reason = found.reason
        FROM (SELECT session, issue, at, json_extract(payload, '$.reason') AS reason, max(seq) FROM events
              WHERE kind IN ('task_ended', 'rework_given_up') GROUP BY session, issue) AS found
        WHERE found.session = measures.session AND found.issue = measures.issue AND ended IS NOT NULL;
    UPDATE measures SET helped = found.count
        FROM (SELECT session, coalesce(issue, json_extract(payload, '$.command.issue')) AS issue, count(*) AS count
              FROM events
              WHERE kind = 'consent' AND json_extract(payload, '$.consent.consent') IN ('given', 'answered')
                 OR kind = 'command_taken' AND json_extract(payload, '$.command.command') = 'retry'
              GROUP BY 1, 2) AS found
        WHERE found.session = measures.session AND found.issue = measures.issue;
    UPDATE measures SET checked = found.checked, passed = found.passed
        FROM (SELECT session, issue, count(*) AS checked,
                count(*) FILTER (WHERE payload NOT LIKE '%\"verdict\":\"failed\"%'
                    AND payload NOT LIKE '%\"verdict\":\"timed_out\"%'
                    AND payload NOT LIKE '%\"verdict\":\"unable\"%') AS passed
              FROM events
              WHERE kind = 'fact' AND payload LIKE '%\"fact\":\"checked\"%\"verdict\":%' GROUP BY session, issue) AS found
        WHERE found.session = measures.session AND found.issue = measures.issue;
    UPDATE measures SET pushed = found.pushed
        FROM (SELECT session, issue, json_extract(payload, '$.fact.effect.commit') AS pushed, max(seq) FROM events
              WHERE kind = 'fact' AND payload LIKE '%\"fact\":\"did\"%\"effect\":\"push\"%' GROUP BY session, issue) AS found
        WHERE found.session = measures.session AND found.issue = measures.issue;
    UPDATE measures SET url = found.url
        FROM (SELECT session, issue, json_extract(payload, '$.fact.pull.url') AS url, max(seq) FROM events
              WHERE kind = 'fact' AND payload LIKE '%\"fact\":\"did\"%\"pull\":{%' GROUP BY session, issue) AS found
        WHERE found.session = measures.session AND found.issue = measures.issue;
    UPDATE measures SET kind = found.kind
        FROM (SELECT session, json_extract(value, '$.issue.number') AS issue,
                json_extract(value, '$.evaluation.kind') AS kind
              FROM events, json_each(payload, '$.tasks') WHERE events.kind = 'tasks_read') AS found
        WHERE found.session = measures.session AND found.issue = measures.issue;
    ";

/// What other sources than the forge found, and how far their listings were read. A finding waits for its issue, has it,
/// is back after it was gone, or is gone.
const FINDINGS: &str = "
    CREATE TABLE findings (
        project TEXT NOT NULL,
        feed TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'opened', 'back', 'gone')),
        episode INTEGER NOT NULL DEFAULT 1,
        level INTEGER NOT NULL,
        facts TEXT NOT NULL,
        count INTEGER,
        found INTEGER NOT NULL,
        seen INTEGER NOT NULL,
        -- Written before an issue is opened, so that after a kill it is looked for.
        intended INTEGER,
        opened INTEGER,
        issue INTEGER,
        PRIMARY KEY (project, feed, fingerprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE feeds (
        project TEXT NOT NULL,
        feed TEXT NOT NULL,
        cursor TEXT,
        -- When the listing that is read began, and the whole one before it.
        began INTEGER,
        before INTEGER,
        PRIMARY KEY (project, feed)
    ) STRICT, WITHOUT ROWID;
    ";

/// What was learned, by its first words, and who taught it.
const LESSONS: &str = "
    CREATE TABLE lessons (
        id INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        origin TEXT NOT NULL,
        domain TEXT NOT NULL,
        text TEXT NOT NULL,
        source TEXT NOT NULL,
        paths TEXT NOT NULL,
        created INTEGER NOT NULL,
        dropped INTEGER NOT NULL DEFAULT 0,
        UNIQUE (project, origin, domain)
    ) STRICT;
    CREATE TABLE taught (
        lesson INTEGER NOT NULL REFERENCES lessons (id),
        session INTEGER NOT NULL REFERENCES sessions (key),
        issue INTEGER NOT NULL,
        PRIMARY KEY (lesson, session, issue)
    ) STRICT, WITHOUT ROWID;
    ";

/// Who did what outlives the events, and nothing of it is ever changed.
const AUDIT: &str = "
    ALTER TABLE control ADD COLUMN sender TEXT;
    CREATE TABLE audit (
        session INTEGER NOT NULL REFERENCES sessions (key),
        seq INTEGER NOT NULL,
        entry TEXT NOT NULL,
        PRIMARY KEY (session, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE fates (
        project TEXT NOT NULL,
        number INTEGER NOT NULL,
        issue INTEGER NOT NULL,
        fate TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO fates SELECT project, number, issue, fate, at FROM pulls
        WHERE fate <> 'open' ORDER BY at;
    CREATE TRIGGER pulls_end AFTER INSERT ON pulls WHEN NEW.fate <> 'open' BEGIN
        INSERT INTO fates VALUES (NEW.project, NEW.number, NEW.issue, NEW.fate, NEW.at);
    END;
    CREATE TRIGGER pulls_turn AFTER UPDATE OF fate ON pulls WHEN NEW.fate <> OLD.fate BEGIN
        INSERT INTO fates VALUES (NEW.project, NEW.number, NEW.issue, NEW.fate, NEW.at);
    END;

    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events BEGIN
        SELECT RAISE(ABORT, 'an event is never changed');
    END;
    -- `INSERT OR REPLACE` would change one without the triggers of updates and deletes.
    CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE session = NEW.session AND seq = NEW.seq) BEGIN
        SELECT RAISE(ABORT, 'an event is never changed');
    END;
    CREATE TRIGGER events_go_with_their_session BEFORE DELETE ON events
        WHEN NOT EXISTS (SELECT 1 FROM sessions WHERE key = OLD.session AND pruned = 1)
          OR NOT EXISTS (SELECT 1 FROM audit WHERE session = OLD.session) BEGIN
        SELECT RAISE(ABORT, 'an event goes with its session, once its deeds are kept');
    END;
    CREATE TRIGGER deeds_are_never_changed BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'a deed is never changed');
    END;
    CREATE TRIGGER deeds_are_never_replaced BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE session = NEW.session AND seq = NEW.seq) BEGIN
        SELECT RAISE(ABORT, 'a deed is never changed');
    END;
    CREATE TRIGGER deeds_stay BEFORE DELETE ON audit BEGIN
        SELECT RAISE(ABORT, 'a deed stays');
    END;
    CREATE TRIGGER fates_are_never_changed BEFORE UPDATE ON fates BEGIN
        SELECT RAISE(ABORT, 'a deed is never changed');
    END;
    CREATE TRIGGER fates_stay BEFORE DELETE ON fates BEGIN
        SELECT RAISE(ABORT, 'a deed stays');
    END;
    ";

const FIRST: &str = "
    -- `status`: 'new' until its first event.
    CREATE TABLE sessions (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        project TEXT NOT NULL,
        selection TEXT NOT NULL,
        label TEXT,
        agent TEXT,
        status TEXT NOT NULL DEFAULT 'new'
            CHECK (status IN ('new', 'running', 'interrupted', 'finished')),
        daily_ceiling INTEGER,
        started INTEGER NOT NULL,
        ended INTEGER,
        pruned INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX sessions_by_selection ON sessions (project, selection, status);

    CREATE TABLE events (
        session INTEGER NOT NULL REFERENCES sessions (key),
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        version INTEGER NOT NULL,
        kind TEXT NOT NULL,
        issue INTEGER,
        payload TEXT NOT NULL,
        PRIMARY KEY (session, seq)
    ) STRICT, WITHOUT ROWID;

    -- What the events say of each task, for figures over many sessions; outlives them.
    CREATE TABLE tasks (
        session INTEGER NOT NULL REFERENCES sessions (key),
        issue INTEGER NOT NULL,
        title TEXT NOT NULL,
        domain TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        ending TEXT,
        pull INTEGER,
        files INTEGER NOT NULL DEFAULT 0,
        added INTEGER NOT NULL DEFAULT 0,
        removed INTEGER NOT NULL DEFAULT 0,
        -- The footprint, and the paths that the commit changed, as JSON.
        foreseen TEXT,
        touched TEXT,
        PRIMARY KEY (session, issue)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tasks_by_issue ON tasks (issue);

    -- One row for each grant, in micro-dollars; unsettled it counts in full.
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (key),
        issue INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        day INTEGER NOT NULL,
        granted INTEGER NOT NULL,
        admitted INTEGER NOT NULL,
        spent INTEGER,
        settled INTEGER,
        model TEXT,
        assumed INTEGER NOT NULL DEFAULT 0,
        input INTEGER NOT NULL DEFAULT 0,
        cached_input INTEGER NOT NULL DEFAULT 0,
        cache_write INTEGER NOT NULL DEFAULT 0,
        output INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX ledger_by_attempt ON ledger (session, issue, attempt);

    -- The ledger's sums: spent, and granted where it is not settled.
    CREATE TABLE spending (
        day INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (key),
        amount INTEGER NOT NULL,
        PRIMARY KEY (day, session)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE claims (
        project TEXT NOT NULL,
        issue INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (key),
        PRIMARY KEY (project, issue)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX claims_by_session ON claims (session);

    CREATE TABLE control (
        id INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        session INTEGER REFERENCES sessions (key),
        command TEXT NOT NULL,
        created INTEGER NOT NULL,
        taken INTEGER
    ) STRICT;
    CREATE INDEX control_waiting ON control (project) WHERE taken IS NULL;

    CREATE TABLE breakers (
        provider TEXT PRIMARY KEY,
        state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE progress (
        session INTEGER NOT NULL REFERENCES sessions (key),
        issue INTEGER NOT NULL,
        payload TEXT NOT NULL,
        PRIMARY KEY (session, issue)
    ) STRICT, WITHOUT ROWID;
    ";

/// From whatever stands there to the newest format.
pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn every_step_of_the_format_is_valid_and_numbered() {
        MIGRATIONS.validate().unwrap();
        let mut db = Connection::open_in_memory().unwrap();
        MIGRATIONS.to_latest(&mut db).unwrap();
        let format: u32 = db
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(format, KNOWN);
    }
}
