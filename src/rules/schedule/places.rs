//! A set of places in the table, smallest first. Every change is a few instructions and never an allocation of its own.

/// The set: a bit for each place, and a bit for each of the words that hold these.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    words: Vec<u64>,
    used: Vec<u64>,
    count: usize,
    /// No word before this one holds any.
    low: usize,
}

impl Places {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        let (word, bit) = split(place);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    pub(super) fn insert(&mut self, place: usize) {
        let (word, bit) = split(place);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
            self.used.resize(split(word).0 + 1, 0);
        }
        self.count += usize::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
        self.low = self.low.min(word);
        let (word, bit) = split(word);
        self.used[word] |= bit;
    }

    pub(super) fn remove(&mut self, place: usize) {
        if !self.contains(place) {
            return;
        }
        let (word, bit) = split(place);
        self.words[word] &= !bit;
        self.count -= 1;
        if self.words[word] == 0 {
            let (above, bit) = split(word);
            self.used[above] &= !bit;
            if word == self.low {
                self.low = self
                    .at_or_after((word + 1) * WIDTH)
                    .map_or(usize::MAX, |next| split(next).0);
            }
        }
    }

    pub(super) fn first(&self) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        self.at_or_after(self.low * WIDTH)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.first(), |place| self.at_or_after(place + 1))
    }

    fn at_or_after(&self, place: usize) -> Option<usize> {
        let (word, _) = split(place);
        let rest = self.words.get(word)? & (u64::MAX << (place % WIDTH));
        if rest != 0 {
            return Some(lowest(word, rest));
        }
        let (from, _) = split(word + 1);
        let mut rest = self.used.get(from)? & (u64::MAX << ((word + 1) % WIDTH));
        for (at, next) in (from..).zip(self.used[from..].iter().skip(1).chain(&[0])) {
            if rest != 0 {
                let word = lowest(at, rest);
                return Some(lowest(word, self.words[word]));
            }
            rest = *next;
        }
        None
    }
}

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

impl FromIterator<usize> for Places {
    fn from_iter<T: IntoIterator<Item = usize>>(places: T) -> Self {
        let mut set = Self::default();
        places.into_iter().for_each(|place| set.insert(place));
        set
    }
}

const WIDTH: usize = u64::BITS as usize;

/// In which word, and which of its bits.
fn split(place: usize) -> (usize, u64) {
    (place / WIDTH, 1 << (place % WIDTH))
}

fn lowest(word: usize, bits: u64) -> usize {
    word * WIDTH + bits.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_an_ordered_set(changes in prop::collection::vec((any::<bool>(), 0_usize..20_000), 0..200)) {
            let (mut places, mut set) = (Places::default(), BTreeSet::new());
            for (add, place) in changes {
                if add {
                    places.insert(place);
                    set.insert(place);
                } else {
                    places.remove(place);
                    set.remove(&place);
                }
                prop_assert_eq!(places.first(), set.first().copied());
                prop_assert_eq!(places.contains(place), set.contains(&place));
                prop_assert_eq!(places.is_empty(), set.is_empty());
            }
            prop_assert!(places.iter().eq(set.iter().copied()));
            prop_assert_eq!(places, set.into_iter().collect());
        }
    }
}
