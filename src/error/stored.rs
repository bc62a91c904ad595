//! What a person is told of an error of the store.

use crate::adapters::store::error::StoreError;
use crate::error::{Error, Kind};

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Held { .. }
            | StoreError::SelectionHeld { .. }
            | StoreError::ServingHeld { .. }
            | StoreError::Busy { .. } => Kind::Busy,
            StoreError::DailyCeiling { .. } => Kind::Budget,
            StoreError::ReadOnly { .. } | StoreError::Full { .. } | StoreError::Io { .. } => {
                Kind::Files
            }
            StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Absent { .. }
            | StoreError::Unknown { .. }
            | StoreError::Damaged { .. }
            | StoreError::Broken { .. }
            | StoreError::Gap { .. }
            | StoreError::Event { .. }
            | StoreError::NewerEvent { .. }
            | StoreError::Sql { .. } => Kind::Journal,
        };
        let hint = error.hint();
        Self::from_source(kind, &error).hints(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Color;
    use crate::rules::ids::SessionId;

    #[test]
    fn a_session_that_is_held_ends_with_its_own_exit_code() {
        let error = Error::from(StoreError::Held {
            session: SessionId::new("01K"),
            holder: "process 12".into(),
        });
        assert_eq!(error.exit().code(), 6);
        assert_eq!(
            error.text(Color::Off),
            "error: could not take session 01K: process 12 works on it\n\
             hint: watch it with `autoissue status 01K`, or end that process first\n"
        );
    }
}
