//! autoissue turns a backlog of issues into verified pull requests.
//!
//! The house, floor by floor; imports point down. See `ARCHITECTURE.md`.

/// Floor 1: facts and decisions. No I/O, no async, no clock.
pub mod rules {
    mod bills;
    pub mod breaker;
    pub mod budget;
    pub mod certificate;
    pub mod classify;
    pub mod conflict;
    pub mod description;
    pub mod event;
    pub mod exit;
    pub mod fact;
    pub mod fold;
    pub mod graph;
    pub mod ids;
    pub mod input;
    pub mod issue;
    pub mod keywords;
    pub mod layout;
    pub mod markdown;
    pub mod money;
    pub mod names;
    pub mod neutral;
    pub mod offer;
    pub mod own;
    pub mod past;
    pub mod paths;
    pub mod prices;
    pub mod printable;
    pub mod redact;
    pub mod references;
    pub mod retry;
    pub mod rework;
    pub mod room;
    #[cfg(test)]
    pub(crate) mod script;
    pub mod secret_forms;
    pub mod secret_patterns;
    pub mod settings;
    pub mod stack;
    pub mod summary;
    pub mod tags;
    pub mod tally;
    pub mod task;
    pub mod trust;
    mod whole;
    /// Which checks the files of a repository speak for.
    pub mod checks {
        pub mod detect;
        mod dotnet;
        mod elixir;
        mod finds;
        pub mod folder;
        mod go;
        mod java;
        pub mod near;
        mod node;
        mod php;
        mod placeholder;
        mod python;
        mod ruby;
        mod runners;
        mod rust;
        pub mod shape;
        mod toml;
    }

    /// A directive taken apart into items, and what becomes of them.
    pub mod plan {
        pub mod check;
        pub mod draft;
        pub mod outlook;
        pub mod overlap;
        pub mod progress;
        pub mod read;
        pub mod shape;
        pub mod sums;
        pub mod words;
    }
    /// Who should work on an issue, and why?
    pub mod evaluate {
        pub mod advice;
        pub mod background;
        pub mod clarity;
        pub mod complexity;
        pub mod confidence;
        mod default_rules;
        mod defaults;
        pub mod evaluation;
        pub mod graded;
        pub mod judge;
        pub mod likeness;
        pub mod pattern;
        pub mod phrase;
        pub mod reading;
        pub mod resolves;
        pub mod risk;
        pub mod routing;
        pub mod ruling;
        pub mod score;
        pub mod signs;
        pub mod similar;
        pub mod weights;
    }
    /// Words for agents.
    pub mod prompt {
        pub mod again;
        pub mod cut;
        pub mod fence;
        pub mod first;
        pub mod others;
        pub mod snippet;
        pub mod surroundings;
        mod told;
        pub mod try_out;
    }
    /// Which files will a task likely touch, and what says so?
    pub mod footprint {
        pub mod area;
        pub mod fit;
        pub mod glob;
        pub mod listed;
        pub mod measure;
        pub mod model;
        pub mod named;
        pub mod names;
        pub mod past;
        pub mod path_words;
        pub mod pile;
        pub mod read;
        pub mod record;
        pub mod score;
        mod shape;
        pub mod trace;
        pub mod tree;
        pub mod words;
        pub use named::named_in_text;
        pub use shape::{Evidence, Footprint, LikelyFile, Reason, friction};
    }
    /// The heart: who runs next.
    pub mod schedule {
        pub mod admit;
        mod apply;
        mod approve;
        mod base;
        pub mod bound;
        mod claims;
        pub mod close;
        pub mod finish;
        pub mod forecast;
        pub mod live;
        pub mod locks;
        mod needs;
        mod offered;
        pub mod order;
        mod places;
        pub mod predict;
        pub mod record;
        mod rest;
        pub mod rework;
        pub mod session;
        pub mod simulate;
        pub mod slots;
        pub mod step;
        pub mod table;
        pub mod why;
    }
}

/// Floor 2: what the engine may ask of the world. Adapters answer; the engine knows nothing else of them.
pub mod ports {
    mod agent;
    mod commands;
    mod forge;
    mod journal;
    mod knowledge;
    mod repository;
    mod resources;
    mod session;
    mod tracker;

    pub use self::{
        agent::*, commands::*, forge::*, journal::*, knowledge::*, repository::*, resources::*,
        session::*, tracker::*,
    };
}

/// Floor 3: runs a session through the ports.
pub mod engine {
    pub mod attempt;
    mod beside;
    mod certify;
    pub mod clock;
    mod halt;
    pub mod intake;
    pub mod laying_out;
    pub mod link;
    mod matrix;
    mod merges;
    pub mod orders;
    pub mod planning;
    pub mod publish;
    pub mod recover;
    mod resources;
    pub mod rounds;
    pub mod session;
    pub mod turn;
    pub mod verify;
    pub mod words;
}

/// Floor 3: one outside thing each.
pub mod adapters {
    mod flock;
    pub mod machine;
    pub mod retry;
    /// Programs that we run: how they start, what they may see, and that nothing of them is left.
    pub mod process {
        mod attendance;
        pub mod commands;
        pub mod environment;
        pub mod identity;
        pub mod leftover;
        pub mod lines;
        pub mod order;
        pub mod run;
        pub mod spec;
        pub mod supervisor;
        pub mod transcript;
        pub mod tree;
        pub mod words;
        pub use supervisor::supervise;
    }
    /// Coding agents.
    pub mod agents {
        pub mod claude;
        pub mod claude_bill;
        pub mod claude_command;
        pub mod claude_end;
        pub mod claude_stream;
        pub mod command;
        mod run_record;
        mod teller;
    }
    /// Git, by its command line.
    pub mod git {
        mod ancestry;
        pub mod archive;
        mod capture;
        mod changes;
        pub mod clean;
        mod copy;
        mod create;
        mod difference;
        mod fetch;
        mod flight;
        mod index;
        mod join;
        mod layout;
        mod live;
        mod lock;
        mod look;
        mod meetings;
        mod merge;
        mod mirror;
        mod nearby;
        mod nofollow;
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
        pub mod surroundings;
        mod sweep;
        mod tokens;
        mod trash;
        mod trial;
        mod user;
        mod worktrees;
    }
    /// GitHub, by octocrab.
    pub mod github {
        pub mod address;
        pub mod auth;
        pub mod cache;
        pub mod client;
        pub mod forge;
        pub mod governor;
        mod histories;
        pub mod limits;
        mod provenance;
        pub mod reads;
        pub mod reply;
        pub mod ties;
        pub mod told;
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
    /// SQLite.
    pub mod store {
        pub mod claims;
        pub mod control;
        pub mod crash;
        mod database;
        pub mod error;
        pub mod figures;
        mod files;
        pub mod history;
        pub mod journal;
        pub mod ledger;
        pub mod locks;
        pub mod open;
        mod presence;
        mod progress;
        pub mod records;
        pub mod retention;
        mod schema;
        pub mod sessions;
        mod turn;
        mod writer;
    }
}

/// Floor 3: events in, words out.
pub mod reporters {
    pub mod bars;
    pub mod console;
    pub mod end;
    pub mod evaluation;
    mod fact_lines;
    pub mod json;
    pub mod line;
    pub mod lines;
    mod live;
    pub mod log;
    pub mod next;
    pub mod notify;
    pub mod out;
    pub mod outlook;
    pub mod paint;
    pub mod plain;
    mod plan_lines;
    pub mod planning;
    pub mod shape;
    pub mod simulation;
    mod slots;
    pub mod standing;
    pub mod status;
    pub mod table;
    pub mod terminal;
    pub mod time;
    mod together;
    pub mod why;
    pub mod words;
}

/// Floor 4: the front.
pub mod error {
    pub mod causes;
    pub mod shape;
    pub mod stored;
    pub use shape::{Color, Error, Kind, printable};
}
/// What may be typed.
pub mod cli {
    pub mod args;
    pub mod foresee;
    pub mod help;
    pub mod look;
    pub mod parse;
    pub mod plan;
    pub mod run;
    pub mod setup;
    pub mod steer;
    pub mod values;
}
/// What the user wishes, from file, environment and flags.
pub mod config {
    pub mod explain;
    pub mod git;
    pub mod json;
    pub mod layers;
    pub mod load;
    pub mod loaded;
    pub mod names;
    pub mod problem;
    pub mod schema;
    pub mod secrets;
    pub mod sense;
    pub mod settings;
    pub mod shape;
    pub mod spelling;
    pub mod telling;
    pub mod values;
    pub mod variables;
    pub mod words;
    pub mod work;
}
/// One small file per command, and the wiring.
pub mod commands {
    pub mod answer;
    pub mod approve;
    pub mod breaker;
    pub mod checkout;
    pub mod clean;
    pub mod completions;
    pub mod config;
    pub mod conversation;
    pub mod dispatch;
    pub mod doctor;
    pub mod dry_run;
    pub mod evaluate;
    pub mod examine;
    pub mod exec;
    pub mod history;
    pub mod init;
    pub mod metrics;
    pub mod nothing;
    pub mod output;
    pub mod place;
    pub mod plan;
    pub mod plan_ask;
    pub mod plan_course;
    pub mod plan_map;
    pub mod plan_run;
    pub mod plan_view;
    pub mod preflight;
    pub mod probe;
    pub mod project;
    pub mod prompt;
    pub mod resume;
    pub mod retry;
    pub mod seen;
    pub mod session;
    pub mod signals;
    pub mod simulate;
    pub mod status;
    pub mod store;
    pub mod taken;
    pub mod watch;
    pub mod why;
    pub mod wire;
    /// The checks of a session, and `checks detect`.
    pub mod checks {
        pub mod known;
        pub mod show;
        pub mod source;
    }

    /// `footprint`: which files issues will touch, and how well that is foreseen.
    pub mod footprint {
        pub mod backtest;
        pub mod known;
        pub mod report;
        pub mod show;
    }
    /// The project, the agent and the check of `demo`.
    pub mod demo {
        pub mod agent;
        pub mod check;
        pub mod command;
        pub mod material;
        pub mod project;
        pub mod script;
    }
}
