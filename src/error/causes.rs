//! What a person is told of an error of the ports, and what helps against it.

use crate::error::{Error, Kind};
use crate::ports::{ForgeError, JournalError, KnowledgeError, RepositoryError};

impl From<ForgeError> for Error {
    fn from(error: ForgeError) -> Self {
        let (kind, hint) = match &error {
            ForgeError::Auth { .. } => (
                Kind::Auth,
                Some(
                    "run `gh auth login` or set GITHUB_TOKEN; `autoissue doctor` shows which token is found",
                ),
            ),
            ForgeError::App { hint, .. } => (Kind::Auth, Some(hint.as_str())),
            ForgeError::NotFound { .. } => (
                Kind::Forge,
                Some("check the name of the repository, and that the token may see it"),
            ),
            ForgeError::Refused { .. } => (Kind::Forge, None),
            ForgeError::Limited { .. } => (
                Kind::Forge,
                Some("wait until the limit is lifted, then `autoissue resume`"),
            ),
            ForgeError::Unknown { .. } => (
                Kind::Forge,
                Some(
                    "check the network, then `autoissue resume`: it looks before it does anything again",
                ),
            ),
            ForgeError::Io { .. } => (Kind::Files, None),
        };
        Self::from_source(kind, &error).hints(hint)
    }
}

impl From<RepositoryError> for Error {
    fn from(error: RepositoryError) -> Self {
        let (kind, hint) = match &error {
            RepositoryError::Git { .. } => (Kind::Repository, None),
            RepositoryError::Remote { auth: true, .. } => (
                Kind::Auth,
                Some("run `gh auth login` or set GITHUB_TOKEN".to_owned()),
            ),
            RepositoryError::Remote { auth: false, .. } => (
                Kind::Repository,
                Some("check the network and forge.gitUrl".to_owned()),
            ),
            RepositoryError::Foreign { branch, .. } => (
                Kind::Repository,
                Some(format!(
                    "delete or rename {branch} on the remote if it is not needed"
                )),
            ),
            RepositoryError::Unusable { hint, .. } | RepositoryError::Declined { hint, .. } => {
                (Kind::Repository, Some(hint.clone()))
            }
            RepositoryError::Busy { .. } => (
                Kind::Busy,
                Some("`autoissue status` shows what it does".to_owned()),
            ),
            RepositoryError::Io { .. } => (Kind::Files, None),
        };
        let action = match &error {
            RepositoryError::Unusable { .. } => "use the repository".to_owned(),
            RepositoryError::Busy { .. } => "take the repository's mirror".to_owned(),
            RepositoryError::Git { .. }
            | RepositoryError::Remote { .. }
            | RepositoryError::Foreign { .. }
            | RepositoryError::Declined { .. }
            | RepositoryError::Io { .. } => return Self::from_source(kind, &error).hints(hint),
        };
        Self::new(kind, action).cause(&error).hints(hint)
    }
}

impl From<KnowledgeError> for Error {
    fn from(error: KnowledgeError) -> Self {
        match error {
            KnowledgeError::Index { .. } => Self::from_source(Kind::Files, &error)
                .hints(["delete the directory `index` in the state directory: it is built anew"]),
            KnowledgeError::History(error) => error.into(),
        }
    }
}

impl From<JournalError> for Error {
    fn from(error: JournalError) -> Self {
        let (kind, action, hint) = match &error {
            JournalError::DailyCeiling { .. } => (
                Kind::Budget,
                Some("set the money aside"),
                "raise maxDailyBudgetUsd, or go on tomorrow (UTC) with `autoissue resume`",
            ),
            JournalError::Write { .. } => (
                Kind::Journal,
                None,
                "free space in the state directory, then `autoissue resume`; nothing recorded is lost",
            ),
            JournalError::Read { .. } => (
                Kind::Journal,
                None,
                "`--state-dir` names another state directory",
            ),
            JournalError::Newer { .. } => (
                Kind::Journal,
                Some("open the journal"),
                "install a newer autoissue; the journal was left as it is",
            ),
        };
        match action {
            Some(action) => Self::new(kind, action).because(&error),
            None => Self::from_source(kind, &error),
        }
        .hints([hint])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_follows_the_kind() {
        let check = |error: Error, kind, code| {
            assert_eq!((error.kind(), error.exit().code()), (kind, code));
        };
        check(
            RepositoryError::Busy {
                what: "the mirror".into(),
                holder: "7".into(),
            }
            .into(),
            Kind::Busy,
            6,
        );
        check(
            JournalError::DailyCeiling {
                elsewhere: crate::rules::money::Usd::ZERO,
            }
            .into(),
            Kind::Budget,
            4,
        );
        check(
            ForgeError::Auth {
                action: "list issues".into(),
                detail: "401".into(),
            }
            .into(),
            Kind::Auth,
            1,
        );
    }
}
