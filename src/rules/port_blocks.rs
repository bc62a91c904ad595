//! A block of ports for each slot, so that servers of several agents on one machine do not meet.

use std::ops::RangeInclusive;

/// How ports are shared out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortBlocks {
    /// The first port of the first slot.
    pub first: u16,
    /// Ports of each slot; 0 for none.
    pub each: u16,
}

impl PortBlocks {
    /// The ports of a slot; `None` where ports are not shared out. Slots beyond the last block that there is room for
    /// begin again with the first one.
    #[must_use]
    pub fn of(&self, slot: u32) -> Option<RangeInclusive<u16>> {
        let each = u32::from(self.each);
        let room = u32::from(u16::MAX) - u32::from(self.first) + 1;
        let blocks = room.checked_div(each).filter(|blocks| *blocks > 0)?;
        let first = u32::from(self.first) + slot % blocks * each;
        let port = |number: u32| u16::try_from(number).ok();
        Some(port(first)?..=port(first + each - 1)?)
    }

    /// What programs are told of a slot's ports.
    #[must_use]
    pub fn variables(&self, slot: u32) -> Vec<(String, String)> {
        let Some(ports) = self.of(slot) else {
            return Vec::new();
        };
        let (first, last) = (ports.start(), ports.end());
        vec![
            (FIRST.to_owned(), first.to_string()),
            ("AUTOISSUE_PORT_LAST".to_owned(), last.to_string()),
        ]
    }
}

/// The variable that holds the first port of a slot.
pub const FIRST: &str = "AUTOISSUE_PORT";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_share_no_port_as_long_as_there_is_room() {
        let blocks = PortBlocks {
            first: 20_000,
            each: 10,
        };
        assert_eq!(blocks.of(0), Some(20_000..=20_009));
        assert_eq!(blocks.of(3), Some(20_030..=20_039));
        let mut seen: Vec<u16> = (0..64)
            .filter_map(|slot| blocks.of(slot))
            .flatten()
            .collect();
        seen.dedup();
        assert_eq!(seen.len(), 640);
        assert!(seen.is_sorted());
    }

    #[test]
    fn the_end_of_the_ports_is_kept() {
        let blocks = |first, each| PortBlocks { first, each };
        assert_eq!(blocks(65_526, 10).of(0), Some(65_526..=65_535));
        assert_eq!(blocks(65_526, 10).of(7), Some(65_526..=65_535));
        assert_eq!(blocks(65_527, 10).of(0), None);
        assert_eq!(blocks(20_000, 0).of(0), None);
        assert_eq!(blocks(0, 0).variables(1), []);
    }

    #[test]
    fn programs_are_told_the_first_and_the_last() {
        let told = PortBlocks {
            first: 3000,
            each: 5,
        }
        .variables(1);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            told,
            [
                pair("AUTOISSUE_PORT", "3005"),
                pair("AUTOISSUE_PORT_LAST", "3009")
            ]
        );
    }
}
