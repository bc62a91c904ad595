//! Floor 3: one outside thing each.

pub mod daemon_api;
mod flock;
pub mod http;
pub mod machine;
pub mod retry;
pub mod systemd;
/// Programs that we run: how they start, what they may see, and that nothing of them is left.
pub mod process {
    mod answers;
    mod attendance;
    mod ceilings;
    pub mod commands;
    pub mod environment;
    pub mod errand;
    pub mod identity;
    pub mod leftover;
    pub mod lines;
    pub mod marked;
    pub mod order;
    pub mod run;
    pub mod spec;
    pub mod supervisor;
    pub mod transcript;
    pub mod tree;
    pub mod words;
    pub use supervisor::supervise;
}
/// What keeps programs apart from this machine.
pub mod sandbox {
    pub mod bridge;
    pub mod bwrap;
    pub mod confine;
    pub mod door;
    pub mod enter;
    pub mod find;
    pub mod proxy;
    pub mod request;
    pub mod seatbelt;
    #[cfg(target_os = "linux")]
    pub mod seccomp;
    pub mod shape;
    pub mod system;
    pub mod toolchains;
}
/// Coding agents.
pub mod agents {
    pub mod claude;
    pub mod claude_bill;
    pub mod claude_command;
    pub mod claude_end;
    pub mod claude_stream;
    pub mod codex;
    pub mod codex_command;
    pub mod codex_end;
    pub mod codex_stream;
    pub mod command;
    pub mod gemini;
    pub mod gemini_command;
    pub mod gemini_end;
    pub mod gemini_stream;
    pub mod limit;
    pub mod native;
    mod notes;
    pub mod opencode;
    pub mod opencode_command;
    pub mod opencode_end;
    pub mod opencode_stream;
    mod provider;
    mod reached;
    mod recording;
    pub mod run_record;
    pub mod subscribed;
    mod teller;
    pub mod token_bill;
    mod values;
}
/// Git, by its command line.
pub mod git {
    mod ancestry;
    pub mod archive;
    mod brought;
    mod capture;
    mod changes;
    pub mod clean;
    mod cone;
    mod copy;
    mod create;
    mod detail;
    mod difference;
    mod exposed;
    mod fetch;
    mod flight;
    mod homes;
    mod house;
    mod index;
    pub mod inspect;
    mod join;
    mod layout;
    mod lease_refs;
    pub mod leases;
    mod lfs;
    mod lfs_client;
    mod lfs_draft;
    mod listing;
    mod live;
    mod lock;
    mod look;
    mod meetings;
    mod merge;
    mod mirror;
    mod nearby;
    mod nofollow;
    mod objects;
    mod overlay;
    mod private;
    mod push;
    mod refs;
    mod remote;
    pub mod repository;
    mod revert;
    mod run;
    mod seal;
    mod slot;
    pub mod source;
    mod sparse;
    mod submodules;
    pub mod surroundings;
    mod sweep;
    mod tidy;
    mod tokens;
    mod trash;
    mod trial;
    mod update;
    mod user;
    mod worktrees;
}
/// GitHub, by octocrab.
pub mod github {
    pub mod address;
    pub mod app;
    mod assignees;
    pub mod auth;
    pub mod cache;
    pub mod client;
    mod comments;
    mod details;
    mod escapes;
    pub mod forge;
    pub mod governor;
    mod histories;
    pub mod limits;
    mod listed;
    mod listing;
    mod pressure;
    mod provenance;
    mod pull_checks;
    mod pull_queue;
    mod pull_reviews;
    mod pull_threads;
    mod pull_wire;
    mod pulls;
    pub mod queue;
    pub mod reads;
    mod redirect;
    pub mod reply;
    pub mod ties;
    mod today;
    pub mod tokens;
    pub mod told;
    mod transport;
    pub mod verdict;
    pub mod window;
    pub mod wire;
    pub mod writes;
}
/// What a repository's files and its past say, in an index of their own.
pub mod knowledge {
    mod ask;
    mod background;
    mod index;
    pub mod library;
    mod past;
    pub mod replay;
    mod schema;
}
/// Issues and pulls as Markdown files that people can edit.
pub mod local_forge {
    pub mod comments;
    pub mod files;
    pub mod folder;
    pub mod forge;
    pub mod front_matter;
    pub mod issue;
    pub mod pull;
    pub mod scalar;
}
/// Other sources of work than the forge.
pub mod sources {
    pub mod alertmanager;
    pub mod document;
    pub mod jira;
    pub mod sentry;
}
/// SQLite.
pub mod store {
    pub mod analytics;
    pub mod arrivals;
    pub mod audit;
    pub mod claims;
    pub mod control;
    pub mod crash;
    mod database;
    pub mod error;
    pub mod figures;
    mod files;
    pub mod findings;
    pub mod history;
    pub mod journal;
    pub mod ledger;
    pub mod lessons;
    pub mod locks;
    mod measures;
    pub mod open;
    mod presence;
    mod progress;
    mod pulls;
    pub mod records;
    pub mod retention;
    pub mod runs;
    mod schema;
    pub mod sessions;
    mod turn;
    pub mod worked;
    mod writer;
}
/// Tokens at rest.
pub mod vault {
    pub(in crate::adapters) mod asked;
    mod file;
    pub mod keep;
    pub mod keyring;
}
