//! An issue's title as one line that does nothing on a forge.

use crate::rules::neutral::neutralise;
use crate::rules::printable::clip;
use crate::rules::task::Task;

/// The issue's title as one line that does nothing on a forge.
#[must_use]
pub fn title(task: &Task, max_chars: usize) -> String {
    let cut = |max| neutralise(&clip(&task.issue.title, max));
    let too_many = cut(max_chars).chars().count().saturating_sub(max_chars);
    let title = cut(max_chars - too_many);
    if title.is_empty() {
        format!("Issue {}", task.number().0)
    } else {
        title
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rules::classify::Domain;
    use crate::rules::conflict::tests::task;
    use crate::rules::ids::SessionId;

    pub(in crate::rules::offer) fn titled(title: &str) -> Task {
        let mut task = task(Domain::Backend, &[]);
        task.issue.title = title.to_owned();
        task
    }

    pub(in crate::rules::offer) fn session() -> SessionId {
        SessionId::new("01JD8Z6Q0G7Y4V3M2N1K5T9RXC")
    }

    #[test]
    fn a_title_that_shows_nothing_is_its_number() {
        assert_eq!(title(&titled(" \u{202e} "), 72), "Issue 12");
        assert_eq!(title(&titled("Fix"), 72), "Fix");
    }
}
