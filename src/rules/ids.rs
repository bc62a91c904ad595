//! Names for things, each a type of its own, so that no two can be mixed up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

// Shared, because events hand them on.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

number!(
    /// The number of an issue on its forge; also names the task of a session that works on it.
    IssueNumber(u64), "#"
);
number!(
    /// An agent's place in the chain: 0 is the configured one, the others take over from it in turn.
    AgentPlace(u8), ""
);
number!(
    /// The number of a pull request on its forge.
    PullNumber(u64), "#"
);
number!(
    /// The how-manieth attempt at a task, counted from 1.
    AttemptNumber(u32), ""
);
number!(
    /// A place where one attempt can run, counted from 0.
    SlotNumber(u32), ""
);
text!(
    /// A session; sortable by the time it started (a ULID).
    SessionId
);
text!(
    /// A commit, as full lower-case hexadecimal (40 digits, or 64 in a sha256 repository).
    CommitId
);
text!(
    /// A tree, as full lower-case hexadecimal.
    TreeId
);
text!(
    /// A branch that this product made; `rules::names` builds it and says what it may look like.
    BranchName
);
text!(
    /// An agent's conversation, as the agent names it.
    ConversationId
);

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment, `millis` later.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)),
        )
    }

    /// How many milliseconds have passed since `earlier`; 0 if it lies ahead.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The UTC day, counted from 1970-01-01.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

/// Something for each of many issues. Hashes their numbers by one multiplication (Knuth 1973, 6.4), because a forge
/// gives them out in order, and nobody gains by making them collide.
pub type ByIssue<T> = HashMap<IssueNumber, T, BuildHasherDefault<NumberHasher>>;

/// Hashes one number.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The table takes its bits from both ends, and only the upper ones are mixed.
        self.0 = (self.0 ^ number)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl AgentPlace {
    /// Is it the configured one? Stored events name no other place than its own.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc() {
        assert_eq!(Timestamp(86_399_999).day(), 0);
        assert_eq!(Timestamp(86_400_000).day(), 1);
        assert_eq!(Timestamp(-1).day(), -1);
    }

    #[test]
    fn numbers_show_the_way_people_write_them() {
        assert_eq!(IssueNumber(12).to_string(), "#12");
        assert_eq!(AttemptNumber(2).to_string(), "2");
    }
}
