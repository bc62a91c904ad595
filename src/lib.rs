//! autoissue turns a backlog of issues into verified pull requests.
//!
//! The house, floor by floor; imports point down. See `ARCHITECTURE.md`.

/// Floor 1: facts and decisions. No I/O, no async, no clock.
pub mod rules {
    pub mod breaker;
    pub mod budget;
    pub mod classify;
    pub mod conflict;
    pub mod event;
    pub mod footprint;
    pub mod graph;
    pub mod ids;
    pub mod issue;
    pub mod money;
    pub mod names;
    pub mod offer;
    pub mod prices;
    pub mod prompt;
    pub mod redact;
    pub mod retry;
    pub mod settings;
    pub mod summary;
    pub mod task;
    /// The heart: who runs next.
    pub mod schedule {
        pub mod admit;
        pub mod finish;
        pub mod locks;
        pub mod order;
        pub mod session;
        pub mod step;
        pub mod table;
        pub mod why;
    }
}

/// Floor 2: what the engine may ask of the world.
pub mod ports;

/// Floor 3: runs a session through the ports.
pub mod engine {
    pub mod attempt;
    pub mod clock;
    pub mod publish;
    pub mod recover;
    pub mod session;
    pub mod verify;
}

/// Floor 3: one outside thing each.
pub mod adapters {
    pub mod local_forge;
    pub mod process;
    pub mod retry;
    /// Coding agents.
    pub mod agents {
        pub mod claude;
        pub mod command;
    }
    /// Git, by its command line.
    pub mod git {
        mod capture;
        pub mod clean;
        mod copy;
        mod create;
        mod difference;
        mod fetch;
        mod flight;
        mod layout;
        mod lock;
        mod merge;
        mod mirror;
        mod objects;
        mod private;
        mod push;
        mod refs;
        mod remote;
        pub mod repository;
        mod run;
        mod seal;
        mod slot;
        pub mod source;
        mod sweep;
        mod trash;
        mod user;
        mod worktrees;
    }
    /// GitHub, by octocrab.
    pub mod github {
        pub mod auth;
        pub mod governor;
        pub mod reads;
        pub mod wire;
        pub mod writes;
    }
    /// SQLite.
    pub mod store {
        pub mod control;
        pub mod history;
        pub mod journal;
        pub mod ledger;
    }
}

/// Floor 3: events in, words out.
pub mod reporters {
    pub mod json;
    pub mod log;
    pub mod notify;
    pub mod plain;
    pub mod terminal;
}

/// Floor 4: the front.
pub mod cli;
pub mod config;
pub mod error;
/// One small file per command, and the wiring.
pub mod commands {
    pub mod wire;
}
