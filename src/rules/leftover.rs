//! What an issue's attempts left on this machine and on the remote: may it go?

use crate::rules::ids::{PullNumber, SessionId};

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// A worktree that a note of ours speaks of: its files are kept as a snapshot before it goes.
    Worktree,
    /// Files of which nobody knows what they are: nothing keeps them.
    Unknown,
    /// What its agents had for their home, their conversations in it.
    Home,
    /// A branch of ours on the remote.
    Branch,
}

/// How the issue stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    /// The session that a process works on it for at this moment.
    pub running: Option<SessionId>,
    /// A session that was interrupted with it.
    pub unfinished: Option<SessionId>,
    /// Its pull that is open, as far as was seen.
    pub open: Option<PullNumber>,
    /// Was a pull of its merged, or closed?
    pub settled: bool,
}

/// Is a person sure?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// Only what provably nobody needs goes.
    No,
    /// All goes that nobody works on (`--force`).
    Yes,
}

/// Why it stays; nothing where it goes.
#[must_use]
pub fn why_kept(left: Left, stand: &Stand, sure: Sure) -> Option<String> {
    if let Some(session) = &stand.running {
        return Some(format!("session {session} works on it"));
    }
    if sure == Sure::Yes {
        // People may be reading a pull: its branch is theirs to delete, by closing it.
        return stand
            .open
            .filter(|_| left == Left::Branch)
            .map(|pull| format!("pull {pull} is open; `autoissue revert` closes it"));
    }
    if left == Left::Unknown {
        return Some("nobody knows what it holds; look at it, then --force".to_owned());
    }
    if let Some(session) = &stand.unfinished {
        return Some(format!(
            "session {session} may go on with it: `autoissue resume {session}`, or --force"
        ));
    }
    match (left, stand.open, stand.settled) {
        (Left::Home | Left::Branch, Some(pull), _) => Some(format!(
            "pull {pull} is open, and may have to be gone on with"
        )),
        (Left::Branch, None, false) => Some("its work is on no pull yet; --force".to_owned()),
        (Left::Worktree | Left::Home | Left::Branch | Left::Unknown, ..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_needs_stays() {
        let id = || Some(SessionId::new("s"));
        let running = Stand {
            running: id(),
            ..Stand::default()
        };
        let unfinished = Stand {
            unfinished: id(),
            ..Stand::default()
        };
        let open = Stand {
            open: Some(PullNumber(7)),
            ..Stand::default()
        };
        let settled = Stand {
            settled: true,
            ..Stand::default()
        };
        let all = [Left::Worktree, Left::Unknown, Left::Home, Left::Branch];
        let stays = |stand: &Stand, sure| all.map(|left| why_kept(left, stand, sure).is_some());
        for sure in [Sure::No, Sure::Yes] {
            assert_eq!(
                stays(&running, sure),
                [true; 4],
                "what runs stays, also by force"
            );
        }
        assert_eq!(stays(&unfinished, Sure::No), [true; 4]);
        assert_eq!(stays(&unfinished, Sure::Yes), [false; 4]);
        assert_eq!(stays(&open, Sure::No), [false, true, true, true]);
        assert_eq!(stays(&open, Sure::Yes), [false, false, false, true]);
        assert_eq!(stays(&settled, Sure::No), [false, true, false, false]);
        // The control: work that nobody offered is known by that alone.
        assert_eq!(
            stays(&Stand::default(), Sure::No),
            [false, true, false, true]
        );
    }
}
