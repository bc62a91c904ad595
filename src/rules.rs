//! Floor 1: facts and decisions. No I/O, no async, no clock.

pub mod access;
pub mod address_range;
pub mod approvals;
pub mod assigning;
pub mod audit;
mod bills;
pub mod breaker;
mod bridged;
pub mod budget;
pub mod certificate;
pub mod classify;
pub mod click;
pub mod conflict;
pub mod declined;
pub mod delivery;
pub mod due;
pub mod errand;
pub mod event;
pub mod excerpt;
pub mod exit;
pub mod fact;
pub mod feature;
pub mod filter;
pub mod finding;
pub mod finding_ci;
pub mod finding_text;
pub mod fold;
pub mod graph;
pub mod host;
pub mod ids;
pub mod input;
pub mod interrupted;
pub mod issue;
pub mod keywords;
pub mod layout;
pub mod lease;
pub mod leftover;
pub mod lesson;
pub mod lfs;
pub mod markdown;
pub mod models;
pub mod money;
pub mod names;
pub mod neutral;
pub mod own;
pub mod parts;
pub mod password;
pub mod past;
pub mod paths;
pub mod port_blocks;
pub mod prices;
pub mod printable;
pub mod quota;
pub mod redact;
pub mod references;
pub mod retry;
pub mod rework;
pub mod room;
#[cfg(test)]
pub(crate) mod script;
pub mod secret_forms;
pub mod secret_patterns;
pub mod sender;
pub mod settings;
pub mod shares;
pub mod signature;
pub mod source;
pub mod stack;
pub mod standing;
pub mod submodule;
pub mod summary;
pub mod tags;
pub mod tally;
pub mod task;
pub mod template;
pub mod trust;
mod whole;
/// How well it goes: rates over time and by group.
pub mod analytics {
    pub mod rates;
    pub mod rows;
    #[cfg(test)]
    pub(crate) mod sample;
    pub mod windows;
}
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
    pub mod proof;
    mod python;
    mod ruby;
    mod runners;
    mod rust;
    pub mod shape;
    mod toml;
}

/// What people who do not watch are told.
pub mod notice {
    pub mod pile;
    pub mod planned;
    pub mod quiet;
    pub mod shape;
    pub mod teller;
    pub mod templates;
    pub mod text;
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
/// What may not be offered without a person?
pub mod gate {
    pub mod change;
    pub mod guarded;
    pub mod judge;
    pub mod meeting;
    pub mod secrets;
    pub mod sources;
    pub mod spelled;
}
/// The words in which work is offered.
pub mod offer {
    pub mod comment;
    pub mod described;
    pub mod filled;
    pub mod house;
    pub mod message;
    pub mod offering;
    pub mod pull;
    pub mod request;
    pub mod reviewers;
    pub mod sections;
    pub mod size;
    pub mod templates;
    pub mod title;
    pub mod try_out;
}
/// Open pulls: what is said of them, and what follows from it.
pub mod follow {
    pub mod log;
    pub mod next;
    pub mod shape;
    pub mod wait;
    pub mod words;
}
/// Words for agents.
pub mod prompt {
    pub mod again;
    pub mod cut;
    pub mod fence;
    pub mod first;
    pub mod others;
    pub mod question;
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
    pub use shape::{Evidence, Footprint, LikelyFile, Reason, friction, is_lock_file};
}
/// The heart: who runs next.
pub mod schedule {
    pub mod admit;
    mod apply;
    mod approve;
    mod base;
    pub mod bound;
    pub mod chain;
    mod claims;
    pub mod close;
    pub mod finish;
    pub mod forecast;
    mod handover;
    pub mod live;
    pub mod locks;
    mod needs;
    mod offered;
    pub mod order;
    mod places;
    pub mod predict;
    pub mod pressure;
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
