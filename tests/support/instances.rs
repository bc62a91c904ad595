//! Random sessions with a bit of everything.

use crate::tasks::{Dice, task};
use autoissue::rules::classify::Domain;
use autoissue::rules::task::Task;

/// A random instance: some dependencies on earlier tasks, files from a pool, a few unknown footprints.
pub(crate) fn instance(count: u64, pool: u64, dice: &mut Dice) -> Vec<Task> {
    let domains = [
        Domain::Backend,
        Domain::Frontend,
        Domain::Database,
        Domain::Unknown,
    ];
    (1..=count)
        .map(|number| {
            let domain = domains[usize::try_from(dice.below(4)).unwrap_or(0)];
            let files: Vec<String> = (0..dice.below(4))
                .map(|_| format!("src/f{}.rs", dice.below(pool)))
                .collect();
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let mut needs = Vec::new();
            if number > 1 && dice.below(4) == 0 {
                needs.push(1 + dice.below(number - 1));
            }
            let mut task = task(number, domain, &files, &needs);
            task.estimate.minutes = 5 + u32::try_from(dice.below(30)).unwrap_or(0);
            task
        })
        .collect()
}
