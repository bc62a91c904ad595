//! What is left out of a prompt that would be too long: the least useful first.

/// Bytes that count as one token. No model's own count is asked for, so this is an estimate: of English and code a token
/// is about that long.
pub const TOKEN_BYTES: usize = 4;

/// Something that an agent is told besides the issue. What comes first here is the most useful, and is cut last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Comments on the issue.
    Comments,
    /// Files that it will likely touch.
    Files,
    /// What earlier work had to learn.
    Lessons,
    /// What other tasks do.
    Others,
    /// The repository's own instructions.
    Guides,
    /// Code around names of the issue.
    Snippets,
    /// Tests of the likely files.
    Tests,
    /// What configures them.
    Configs,
    /// Commits that touched them.
    Commits,
}

impl Part {
    /// Every part, the most useful first.
    pub(super) const ALL: [Self; 9] = [
        Self::Comments,
        Self::Files,
        Self::Lessons,
        Self::Others,
        Self::Guides,
        Self::Snippets,
        Self::Tests,
        Self::Configs,
        Self::Commits,
    ];

    /// What templates call it.
    #[must_use]
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Files => "files",
            Self::Lessons => "lessons",
            Self::Others => "others",
            Self::Guides => "guides",
            Self::Snippets => "snippets",
            Self::Tests => "tests",
            Self::Configs => "configs",
            Self::Commits => "commits",
        }
    }

    /// What so many of it are called.
    #[must_use]
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Files => "likely files",
            Self::Lessons => "lessons",
            Self::Others => "other tasks",
            Self::Guides => "files with instructions",
            Self::Snippets => "pieces of code",
            Self::Tests => "tests",
            Self::Configs => "files of configuration",
            Self::Commits => "earlier commits",
        }
    }
}

/// How many items of each part, in the order of [`Part::ALL`].
pub(super) type Counts = [usize; Part::ALL.len()];

/// How many items of each part fit into so many bytes, where `sizes` tells those of each, the most useful first. A part is
/// cut from its end, and nothing less useful is told in place of what is cut.
#[must_use]
pub(super) fn fit(sizes: &[Vec<usize>; Part::ALL.len()], room: usize) -> Counts {
    let mut left = Some(room);
    let mut counts = Counts::default();
    for (count, sizes) in counts.iter_mut().zip(sizes) {
        for size in sizes {
            left = left.and_then(|left| left.checked_sub(*size));
            if left.is_none() {
                break;
            }
            *count += 1;
        }
    }
    counts
}

/// What is missing, in words: `3 of 8 pieces of code`.
#[must_use]
pub(super) fn missing(all: &Counts, kept: &Counts) -> Vec<String> {
    let parts = Part::ALL.iter().zip(all.iter().zip(kept));
    let cut = parts.filter(|(_, (all, kept))| kept < all);
    cut.map(|(part, (all, kept))| format!("{} of {all} {}", all - kept, part.words()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_least_useful_is_cut_first() {
        let mut sizes: [Vec<usize>; 9] = Default::default();
        sizes[Part::Files as usize] = vec![10, 10];
        sizes[Part::Snippets as usize] = vec![50, 50];
        sizes[Part::Commits as usize] = vec![5];
        let kept = |room| {
            let counts = fit(&sizes, room);
            [Part::Files, Part::Snippets, Part::Commits].map(|part| counts[part as usize])
        };
        assert_eq!(kept(125), [2, 2, 1]);
        assert_eq!(kept(124), [2, 2, 0]);
        assert_eq!(kept(119), [2, 1, 0]);
        assert_eq!(kept(19), [1, 0, 0]);
        let all = fit(&sizes, 1000);
        assert_eq!(
            missing(&all, &fit(&sizes, 75)),
            ["1 of 2 pieces of code", "1 of 1 earlier commits"]
        );
        assert!(missing(&all, &all).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_kept_fits(sizes in proptest::collection::vec(proptest::collection::vec(1usize..99, 0..6), Part::ALL.len()), room in 0usize..900) {
            let sizes: [Vec<usize>; 9] = sizes.try_into().unwrap();
            let counts = fit(&sizes, room);
            let kept = sizes.iter().zip(counts).flat_map(|(sizes, count)| &sizes[..count]);
            prop_assert!(kept.sum::<usize>() <= room);
        }
    }
}
