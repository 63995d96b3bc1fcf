/// How a limit is cut into the groups of a ring: all of one size but the last, which takes the remainder, so that the
/// sizes add up to exactly the limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    limit: u32,
    size: u32,
    groups: u32,
    /// The size of the last group.
    remainder: u32,
}

/// A group, and how many units of it are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) group: u32,
    pub(crate) count: u32,
}

impl Geometry {
    /// `limit` (1 or more) in at most so many groups.
    pub(crate) const fn of(limit: u32, slots: u32) -> Self {
        let size = limit.div_ceil(slots);
        let groups = limit.div_ceil(size);
        Self { limit, size, groups, remainder: limit - (groups - 1) * size }
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) const fn groups(&self) -> u32 {
        self.groups
    }

    /// Units that `group` takes.
    pub(crate) const fn size(&self, group: u32) -> u32 {
        if group + 1 == self.groups { self.remainder } else { self.size }
    }

    /// Units from the start of group `first` to `end`, around the ring: a lap if `end` is where the group before ends.
    pub(crate) fn taken(&self, first: u32, end: Position) -> u32 {
        let between = if first > end.group {
            self.limit - (first - end.group) * self.size
        } else {
            (end.group - first) * self.size
        };
        between + end.count.min(self.size(end.group))
    }

    /// The group `steps` after `group`, around the ring; `steps` is at most the number of groups.
    pub(crate) const fn after(&self, group: u32, steps: u32) -> u32 {
        let sum = group + steps;
        if sum >= self.groups { sum - self.groups } else { sum }
    }

    /// The group `steps` before `group`, around the ring; `steps` is at most the number of groups.
    pub(crate) const fn before(&self, group: u32, steps: u32) -> u32 {
        self.after(group, self.groups - steps)
    }

    /// Steps forward from one group to another.
    pub(crate) const fn distance(&self, from: u32, to: u32) -> u32 {
        if to >= from { to - from } else { to + self.groups - from }
    }

    /// Where the last of `units` (1 to the limit) falls that are taken from `from` on. A group that becomes full stays
    /// the position; the next unit moves on.
    pub(crate) const fn advance(&self, from: Position, units: u32) -> Position {
        // Most end in the next group at the latest, and a division takes long.
        let rest = self.size(from.group) - from.count;
        if units <= rest {
            return Position { group: from.group, count: from.count + units };
        }
        let next = self.after(from.group, 1);
        if units - rest <= self.size(next) {
            return Position { group: next, count: units - rest };
        }
        let last_unit = from.group * self.size + from.count + units - 1;
        let last_unit = if last_unit >= self.limit { last_unit - self.limit } else { last_unit };
        Position { group: last_unit / self.size, count: last_unit % self.size + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::SLOTS;

    fn geometry(limit: u32) -> Geometry {
        Geometry::of(limit, SLOTS as u32)
    }

    #[test]
    fn sizes_add_up_to_the_limit_and_fit_the_slots() {
        for limit in (1..=2000).chain([5000, 999_999, 10_000_000]) {
            let ring = geometry(limit);
            assert!(ring.groups() as usize <= SLOTS, "{limit}");
            assert_eq!((0..ring.groups()).map(|group| ring.size(group)).sum::<u32>(), limit);
            assert!((0..ring.groups()).all(|group| ring.size(group) > 0), "{limit}");
        }
    }

    #[test]
    fn less_than_two_percent_hides_in_one_group_and_nothing_up_to_a_unit_a_slot() {
        for limit in (1..=2000).chain([5000, 999_999, 10_000_000]) {
            let hidden = geometry(limit).size(0) - 1;
            assert!(u64::from(hidden) * 100 < 2 * u64::from(limit), "{limit}");
            assert!(limit > 55 || hidden == 0, "{limit}");
        }
    }

    #[test]
    fn what_is_taken_is_the_sum_of_its_groups() {
        for limit in [1, 7, 61, 121, 1000] {
            let ring = geometry(limit);
            for group in 0..ring.groups() {
                for steps in 0..ring.groups() {
                    let before: u32 = (1..=steps).map(|step| ring.size(ring.before(group, step))).sum();
                    let taken = |count| ring.taken(ring.before(group, steps), Position { group, count });
                    assert_eq!(taken(1), before + 1, "{limit}: {steps} before {group}");
                    assert_eq!(
                        taken(ring.size(group) + 1),
                        before + ring.size(group),
                        "a count beyond the size"
                    );
                }
            }
        }
    }

    #[test]
    fn advancing_by_many_is_advancing_one_by_one() {
        for limit in [1, 7, 61, 121, 1000] {
            let ring = geometry(limit);
            let start = Position { group: ring.groups() / 2, count: 0 };
            let mut step = start;
            for units in 1..=limit {
                step = ring.advance(step, 1);
                assert_eq!(ring.advance(start, units), step, "{limit}: {units}");
                assert!(step.count <= ring.size(step.group));
            }
        }
    }

    #[test]
    fn before_and_distance_undo_after() {
        let ring = geometry(7);
        for group in 0..7 {
            for steps in 0..7 {
                assert_eq!(ring.before(ring.after(group, steps), steps), group);
                assert_eq!(ring.distance(group, ring.after(group, steps)), steps);
            }
        }
    }
}
