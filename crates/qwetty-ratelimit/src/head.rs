use crate::geometry::Position;

/// The head of a ring: when the last admission was and where it fell.
///
/// In memory it is one word, from the highest bit: tick 32, group 6, sealed 1, exact 1, span 6, count 18. The count stands
/// lowest, so that an admission into the same tick and group is an addition of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// When the last admission was recorded.
    pub(crate) tick: u32,
    /// Whether some clock had come to that tick, and not only to less than a tick before it.
    pub(crate) exact: bool,
    /// The group that it fell into.
    pub(crate) group: u32,
    /// How many groups just before `group` were last admitted to at `tick` too, their slots perhaps not yet saying so.
    pub(crate) span: u32,
    /// Units taken of `group`. Additions that raced for the last unit can carry it beyond the group's size.
    pub(crate) count: u32,
    /// Whether the window is retired: nothing will be admitted to it any more.
    pub(crate) sealed: bool,
}

const GROUP_SHIFT: u32 = 26;
const SEALED: u64 = 1 << 25;
const EXACT: u64 = 1 << 24;
const SPAN_SHIFT: u32 = 18;
const SPAN_MASK: u64 = (1 << 6) - 1;
const COUNT_MASK: u64 = (1 << 18) - 1;

/// A sealed head has no span but its count here, above the bits that late additions still reach: they were decided upon
/// before the seal and are taken back by whoever made them, so they must not show. (64 threads at that point at once would
/// carry one unit too many into the count, which withholds a unit and admits none.)
const SEALED_COUNT_SHIFT: u32 = 6;

impl Head {
    /// The word of a ring that nobody has begun. It reads as sealed, so that a take asks for no more than whether a ring is
    /// sealed; no other sealed head is exact at tick zero.
    pub(crate) const NOT_BEGUN: u64 = SEALED | EXACT;

    /// The head of a ring to which nothing was ever admitted. Its tick is a window before the origin, so that the ring is idle.
    pub(crate) const EMPTY: Self = Self::at(0, Position { group: 0, count: 0 });

    /// The head of a ring in which nothing is left to be written.
    pub(crate) const fn at(tick: u32, Position { group, count }: Position) -> Self {
        Self { tick, exact: false, group, span: 0, count, sealed: false }
    }

    /// The last whole tick that some clock had come to.
    pub(crate) const fn time(self) -> u32 {
        if self.exact { self.tick } else { self.tick.saturating_sub(1) }
    }

    pub(crate) const fn pack(self) -> u64 {
        let exact = if self.exact { EXACT } else { 0 };
        let place = (self.tick as u64) << 32 | (self.group as u64) << GROUP_SHIFT | exact;
        if self.sealed {
            place | SEALED | (self.count as u64) << SEALED_COUNT_SHIFT
        } else {
            place | (self.span as u64) << SPAN_SHIFT | self.count as u64
        }
    }

    pub(crate) const fn unpack(word: u64) -> Self {
        let sealed = word & SEALED != 0;
        let (span, count) = if sealed {
            (0, word >> SEALED_COUNT_SHIFT & COUNT_MASK)
        } else {
            (word >> SPAN_SHIFT & SPAN_MASK, word & COUNT_MASK)
        };
        Self {
            tick: (word >> 32) as u32,
            exact: word & EXACT != 0,
            group: (word >> GROUP_SHIFT & SPAN_MASK) as u32,
            span: span as u32,
            count: count as u32,
            sealed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;
    use crate::geometry::Geometry;
    use proptest::prelude::*;

    #[test]
    fn a_ring_that_is_not_begun_looks_sealed_and_like_no_other() {
        let sealed = Head { sealed: true, ..Head::EMPTY };
        assert!(Head::unpack(Head::NOT_BEGUN).sealed);
        assert_ne!(sealed.pack(), Head::NOT_BEGUN);
    }

    #[test]
    fn the_largest_group_fits_the_count_with_room_for_racing_additions() {
        let largest = Geometry::of(Quota::MAX_LIMIT, crate::sync::SLOTS as u32).size(0);
        assert!(u64::from(largest) + 50_000 <= COUNT_MASK);
    }

    proptest! {
        #[test]
        fn words_round_trip(tick: u32, exact: bool, group in 0_u32..55, span in 0_u32..55, count in 0_u32..1 << 18) {
            let head = Head { tick, exact, group, span, count, sealed: false };
            prop_assert_eq!(Head::unpack(head.pack()), head);
        }

        #[test]
        fn an_addition_counts_one_more(tick: u32, exact: bool, group in 0_u32..55, span in 0_u32..55, count in 0_u32..181_819) {
            let head = Head { tick, exact, group, span, count, sealed: false };
            prop_assert_eq!(Head::unpack(head.pack() + 1), Head { count: count + 1, ..head });
        }

        #[test]
        fn additions_to_a_sealed_head_do_not_show(tick: u32, exact: bool, group in 0_u32..55, count in 0_u32..=181_819, late in 0_u64..64) {
            let head = Head { tick, exact, group, span: 0, count, sealed: true };
            prop_assert_eq!(Head::unpack(head.pack() + late), head);
        }
    }
}
