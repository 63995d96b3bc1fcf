//! The arithmetic of a window: what one state of it admits, and which head follows. No atomics here.

use crate::geometry::{Geometry, Position};
use crate::head::Head;
use crate::ticks::Reading;

/// A window at one instant. `slot` gives the tick of a group's last admission, for the groups that are neither the
/// head's nor in its span.
#[derive(Clone, Copy)]
pub(crate) struct Picture<S> {
    pub(crate) geometry: Geometry,
    pub(crate) head: Head,
    pub(crate) now: Reading,
    /// The last whole tick that is known to have passed: a stale or backward reading counts as the head's.
    pub(crate) time: u64,
    /// What was recorded up to this tick is a window old. Something may be newer than `now`, and then has no age.
    old_until: u64,
    pub(crate) slot: S,
}

/// What a picture has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) units: u32,
    /// The tick whose being a window old will make room for more; none if nothing is counted.
    pub(crate) held_since: Option<u32>,
    /// The oldest group that is live, or about to be.
    pub(crate) oldest: u32,
}

impl<S: Fn(u32) -> u32 + Copy> Picture<S> {
    /// `now` is on a scale on which a window has `window` ticks.
    #[inline(always)]
    pub(crate) fn new(geometry: Geometry, window: u32, head: Head, now: Reading, slot: S) -> Self {
        let time = now.floor.max(head.time().into());
        Self { geometry, head, now, time, old_until: time - u64::from(window), slot }
    }

    /// The window with the head that an admission made. No time has passed, whatever other threads have learnt of it.
    #[inline(always)]
    pub(crate) fn with(self, next: Head) -> Self {
        Self { head: next, ..self }
    }

    /// Whether everything ever admitted is a window old.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_old(self.head.tick)
    }

    /// Whether something recorded at `tick` is a window old.
    pub(crate) fn is_old(&self, tick: u32) -> bool {
        u64::from(tick) <= self.old_until
    }

    /// The head after an admission of `cost` (1 to the limit), or none if there is no room for it.
    #[inline(always)]
    pub(crate) fn admit(&self, cost: u32) -> Option<Head> {
        let Head { group, span, .. } = self.head;
        let size = self.geometry.size(group);
        if self.is_idle() {
            // On to the next group, however full this one is: the whole ring is free, and counted from a group's start.
            let start = Position { group: self.geometry.after(group, 1), count: 0 };
            let end = self.geometry.advance(start, cost);
            return Some(self.move_to(end, self.geometry.distance(start.group, end.group)));
        }
        let start = Position { group, count: self.head.count.min(size) };
        let rest = size - start.count;
        if cost <= rest {
            return Some(self.move_to(Position { group, count: start.count + cost }, 0));
        }
        if cost - rest > self.geometry.limit() - size {
            return None;
        }
        let end = self.geometry.advance(start, cost);
        let steps = self.geometry.distance(group, end.group);
        // The groups after the head's run from the oldest to the newest: if the last one wanted is old, all of them are.
        // The lap ends before the span, whose slots may not yet tell how new they are.
        if steps + span >= self.geometry.groups() || !self.is_old((self.slot)(end.group)) {
            return None;
        }
        Some(self.move_to(end, steps - u32::from(rest == 0)))
    }

    /// What is left, and what holds back the rest. `guess` is a group that may be the oldest live one, as it was when somebody
    /// last looked: a right guess saves a search.
    #[inline(always)]
    pub(crate) fn room(&self, guess: u32) -> Room {
        let Head { group, count, .. } = self.head;
        let limit = self.geometry.limit();
        if self.is_idle() {
            return Room { units: limit, held_since: None, oldest: group };
        }
        let (oldest, tick) = match self.held_since(guess) {
            Some(tick) => (guess, tick),
            None => self.oldest(),
        };
        let units = limit - self.geometry.taken(oldest, Position { group, count });
        Room { units, held_since: (units < limit).then_some(tick), oldest }
    }

    /// The tick of the last admission to `group`, if it is the oldest live one: those between the head's and it are old.
    #[inline(always)]
    fn held_since(&self, group: u32) -> Option<u32> {
        let behind = self.behind();
        let steps = match self.geometry.distance(self.head.group, group) {
            0 => self.geometry.groups(),
            steps => steps,
        };
        // The groups after the head's run from the oldest to the newest.
        if steps > 1 && (steps > behind + 1 || !self.is_old((self.slot)(self.geometry.before(group, 1)))) {
            return None;
        }
        if steps > behind {
            return Some(self.head.tick);
        }
        let tick = (self.slot)(group);
        (!self.is_old(tick)).then_some(tick)
    }

    /// The oldest live group, and the tick of its last admission.
    // By value, else the picture would have to be put together in memory for every take.
    #[cold]
    #[inline(never)]
    fn oldest(self) -> (u32, u32) {
        let last_admission = |steps| (self.slot)(self.geometry.after(self.head.group, steps));
        let (mut free, mut held) = (0, self.behind() + 1);
        while free + 1 < held {
            let middle = free.midpoint(held);
            if self.is_old(last_admission(middle)) { free = middle } else { held = middle }
        }
        let tick = if held <= self.behind() { last_admission(held) } else { self.head.tick };
        (self.geometry.after(self.head.group, held), tick)
    }

    /// How many groups after the head's are neither it nor in its span.
    fn behind(&self) -> u32 {
        self.geometry.groups() - 1 - self.head.span
    }

    fn move_to(&self, end: Position, span: u32) -> Head {
        let tick = u32::try_from(self.now.ceil).unwrap_or(u32::MAX).max(self.head.tick);
        let exact = self.time == u64::from(tick);
        Head { tick, exact, group: end.group, span, count: end.count, sealed: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u32 = 1000;

    fn at(tick: u64) -> Reading {
        Reading { floor: tick, ceil: tick, phase: 0 }
    }

    fn picture<'a>(
        limit: u32,
        head: Head,
        slots: &'a [u32],
        now: Reading,
    ) -> Picture<impl Fn(u32) -> u32 + Copy + 'a> {
        let geometry = Geometry::of(limit, crate::sync::SLOTS as u32);
        Picture::new(geometry, WINDOW, head, now, |group| slots[group as usize])
    }

    fn head(tick: u32, group: u32, span: u32, count: u32) -> Head {
        Head { tick, exact: true, group, span, count, sealed: false }
    }

    /// A prototype computed the age of a slot newer than the reading as unsigned, and took it for very old.
    #[test]
    fn a_slot_newer_than_the_reading_is_not_old() {
        let window = picture(2, head(1500, 0, 0, 1), &[0, 2900], at(1600));
        assert_eq!(window.admit(1), None);
        assert_eq!(window.room(0), Room { units: 0, held_since: Some(2900), oldest: 1 });
    }

    #[test]
    fn a_group_opens_exactly_when_its_last_admission_is_a_window_old() {
        let admit = |now| picture(2, head(1500, 0, 0, 1), &[0, 1200], at(now)).admit(1);
        assert_eq!(admit(2199), None);
        assert_eq!(admit(2200), Some(head(2200, 1, 0, 1)));
    }

    #[test]
    fn a_stale_reading_is_taken_for_the_heads_time() {
        let window = picture(3, head(2200, 1, 0, 1), &[1100, 0, 1150], at(1));
        assert_eq!(window.admit(1), Some(head(2200, 2, 0, 1)));
        assert_eq!(window.admit(2), Some(head(2200, 0, 1, 1)));
    }

    #[test]
    fn a_head_between_two_ticks_has_only_reached_the_former() {
        let between = Reading { floor: 2199, ceil: 2200, phase: 1 };
        let inexact = Head { exact: false, ..head(2200, 1, 0, 1) };
        for now in [between, at(1)] {
            assert_eq!(picture(2, inexact, &[1200, 0], now).admit(1), None);
            assert_eq!(picture(2, inexact, &[1199, 0], now).admit(1), Some(Head { group: 0, ..inexact }));
            assert_eq!(picture(2, head(2200, 1, 0, 1), &[1200, 0], now).admit(1), Some(head(2200, 0, 0, 1)));
        }
        assert_eq!(
            picture(2, head(1500, 1, 0, 1), &[1199, 0], between).admit(1),
            Some(Head { group: 0, ..inexact })
        );
    }

    #[test]
    fn an_idle_window_admits_the_whole_limit_wherever_the_ring_stands() {
        for group in 0..3 {
            let admit = |now| picture(3, head(1000, group, 0, 1), &[900; 3], at(now)).admit(3);
            assert_eq!(admit(1999), None);
            assert_eq!(admit(2000), Some(head(2000, group, 2, 1)));
        }
    }

    #[test]
    fn a_cost_over_several_groups_spans_those_it_fills() {
        // Groups of 3, the last of 1: 40 groups of 3 and one of 1.
        let window = picture(121, head(1500, 39, 0, 1), &[0; 60], at(1600));
        assert_eq!(window.admit(2), Some(head(1600, 39, 0, 3)));
        assert_eq!(window.admit(3), Some(head(1600, 40, 1, 1)));
        assert_eq!(window.admit(4), Some(head(1600, 0, 2, 1)));
        let full = picture(121, head(1500, 39, 0, 3), &[0; 60], at(1600));
        assert_eq!(full.admit(1), Some(head(1600, 40, 0, 1)));
        assert_eq!(full.admit(2), Some(head(1600, 0, 1, 1)));
    }

    #[test]
    fn groups_in_the_span_are_as_new_as_the_head_whatever_their_slots_say() {
        let window = picture(4, head(1500, 2, 2, 1), &[0; 4], at(1600));
        assert_eq!(window.admit(1), Some(head(1600, 3, 0, 1)));
        assert_eq!(window.admit(2), None);
        assert_eq!(window.room(0), Room { units: 1, held_since: Some(1500), oldest: 0 });
    }

    #[test]
    fn a_count_beyond_the_groups_size_is_full() {
        let window = picture(1000, head(1500, 0, 0, 23), &[1400; 60], at(1600));
        assert_eq!(window.admit(1), None);
        assert_eq!(window.room(0).units, 0);
    }

    #[test]
    fn room_is_what_admit_admits() {
        let slots: Vec<u32> =
            (0..60).map(|group| if group <= 20 { 1900 + group } else { 900 + group }).collect();
        for limit in [59, 60, 100, 121, 1000] {
            for now in 1920..3000 {
                let window = picture(limit, head(1921, 20, 0, 1), &slots, at(now));
                let room = window.room(20);
                for guess in 0..window.geometry.groups() {
                    assert_eq!(window.room(guess), room, "guess {guess} of {limit} at {now}");
                }
                let units = room.units;
                for cost in 1..=limit {
                    assert_eq!(window.admit(cost).is_some(), cost <= units, "{cost} of {limit} at {now}");
                }
            }
        }
    }

    /// A search of all groups looks at six of them.
    #[test]
    fn a_right_guess_saves_the_search() {
        let looks = std::cell::Cell::new(0);
        // The last lap is all old at the first of these moments, or still live to the group after the head's.
        for (lap, span) in [(900, 0), (900, 3), (950, 0)] {
            let slots: Vec<u32> =
                (0..60).map(|group| if group <= 20 { 1900 + group } else { lap + group }).collect();
            let slot = |group: u32| {
                looks.set(looks.get() + 1);
                slots[group as usize]
            };
            for now in 1921..2921 {
                let geometry = Geometry::of(1000, crate::sync::SLOTS as u32);
                let window = Picture::new(geometry, WINDOW, head(1921, 20, span, 1), at(now), slot);
                let room = window.room(20);
                looks.set(0);
                assert_eq!(window.room(room.oldest), room);
                assert!(looks.get() <= 3, "{} with a span of {span} at {now}", looks.get());
            }
        }
    }
}
