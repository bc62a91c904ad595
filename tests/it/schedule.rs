//! The scheduler as a whole, against random sessions: money, conflicts, the breaker, endings and the fold.

use crate::tasks::{Dice, instance, settings, task};
use autoissue::rules::breaker::Breaker;
use autoissue::rules::classify::Domain;
use autoissue::rules::conflict::may_run_together;
use autoissue::rules::event::{Command, Event, Fact, Input, Recorded};
use autoissue::rules::ids::{AttemptNumber, CommitId, IssueNumber, SessionId, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::{Charge, Usd};
use autoissue::rules::schedule::forecast::{as_expected, forecast};
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::schedule::table::{Entry, State};
use autoissue::rules::settings::{Policy, Settings};
use autoissue::rules::task::{Attempted, Ending, ErrorClass, Failure, Outcome, Stage, Start, Task};
use proptest::prelude::*;
