use std::sync::atomic::AtomicU8;
use std::time::Duration;

use crate::admission::{Picture, Room};
use crate::geometry::{Geometry, Position};
use crate::head::Head;
use crate::snapshot::{Entry, WindowSnapshot};
use crate::sync::{AtomicU32, AtomicU64, Ordering, SLOTS};
use crate::ticks::{Reading, Ticks};
use crate::{Level, Moment, Outcome, Quota};

/// The units admitted under one quota, from one origin on.
///
/// # How it stays right
///
/// Every admission is one atomic step on `head`, which decides alone who gets a unit. The slots follow it:
///
/// - A slot only ever grows, and only to ticks at which its group was indeed admitted to. Writing it too early, twice,
///   or by a thread that slept for a lap, changes nothing.
/// - Before the head leaves a group, that group's slot is written, and before it changes its tick, those of its span are.
///   So they are complete for whoever sees the next head, for the step that publishes it releases and reading it acquires.
///   While the head stays in a group it tells that group's time itself.
/// - A reader may find a slot newer than the head that it read, and then takes too much for live. So it looks at the head
///   again, and begins anew if it moved. Slots are released and acquired for this alone: who saw the newer slot must not
///   then be shown the older head.
///
/// A sealed window is read-only. Whoever meets one builds its successor.
pub(crate) struct Window {
    quota: Quota,
    geometry: Geometry,
    ticks: Ticks,
    state: State,
    /// The group that was the oldest live one when somebody last looked: only where to look first, so any value is right,
    /// and loom need not see it.
    oldest: AtomicU8,
    /// What was live under a larger limit and has no place in this ring, newest first: older than all in the ring, it
    /// decides nothing here, but it counts again once the limit is raised.
    surplus: Box<[Entry]>,
}

/// What counts; the rest of a window is derived from its quota.
#[repr(C)]
struct State {
    origin: Moment,
    head: AtomicU64,
    slots: [AtomicU32; SLOTS],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<State>() == 256);

impl Window {
    /// A window with nothing counted.
    pub(crate) fn fresh(quota: Quota, now: Moment) -> Self {
        let tick = Ticks::of(quota).window();
        Self::new(quota, now, Head::at(tick, Position { group: 0, count: 0 }), [0; SLOTS], Vec::new())
    }

    pub(crate) fn new(
        quota: Quota,
        origin: Moment,
        head: Head,
        slots: [u32; SLOTS],
        surplus: Vec<Entry>,
    ) -> Self {
        let state = State { origin, head: AtomicU64::new(head.pack()), slots: slots.map(AtomicU32::new) };
        Self {
            quota,
            geometry: Geometry::of(quota),
            ticks: Ticks::of(quota),
            state,
            oldest: AtomicU8::new(0),
            surplus: surplus.into(),
        }
    }

    /// The window that continues `self` under `quota`, once nobody takes from it any more.
    pub(crate) fn successor(&self, quota: Quota, now: Moment) -> Self {
        self.snapshot(now)
            .and_then(|snapshot| snapshot.window(quota, Duration::ZERO, now))
            .unwrap_or_else(|| Self::fresh(quota, now.max(self.state.origin)))
    }

    /// Takes `cost` units, 1 to the limit. None if this window can no longer answer: it is retired, it is too far from
    /// its origin, or its quota is another.
    // Inlined, with what it calls: to hand outcomes on through memory costs a third of a take.
    #[inline(always)]
    pub(crate) fn take(&self, quota: Quota, cost: u32, now: Moment) -> Option<Outcome> {
        let reading = self.reading_for(quota, now)?;
        let admitted = loop {
            let word = self.state.head.load(Ordering::Acquire);
            let head = Head::unpack(word);
            if head.sealed {
                return None;
            }
            if cost == 1
                && reading.ceil <= u64::from(head.tick)
                && head.count < self.geometry.size(head.group)
            {
                let head = Head::unpack(self.state.head.fetch_add(1, Ordering::AcqRel));
                if head.sealed {
                    return None;
                }
                // Else it raced for the last unit and lost: the count says full as it did before.
                if head.count < self.geometry.size(head.group) {
                    break Head { count: head.count + 1, ..head };
                }
                continue;
            }
            if let Some(next) = self.picture(head).admit(cost, reading) {
                self.record(head, next);
                if self.exchange(word, next.pack()) {
                    break next;
                }
            } else {
                let level = self.level(head, reading, now);
                if self.state.head.load(Ordering::Acquire) == word {
                    return Some(Outcome::Refused(level));
                }
            }
        };
        Some(Outcome::Admitted(self.level(admitted, reading, now)))
    }

    /// What a take would find. None as for [`Window::take`].
    pub(crate) fn peek(&self, quota: Quota, now: Moment) -> Option<Level> {
        let reading = self.reading_for(quota, now)?;
        loop {
            let word = self.state.head.load(Ordering::Acquire);
            let level = self.level(Head::unpack(word), reading, now);
            if self.state.head.load(Ordering::Acquire) == word {
                return Some(level);
            }
        }
    }

    /// Whether everything counted is a window old at `now`.
    pub(crate) fn is_idle(&self, now: Moment) -> bool {
        let head = Head::unpack(self.state.head.load(Ordering::Acquire));
        self.picture(head).is_idle(self.ticks.read(self.state.origin, now))
    }

    /// Seals the window: nothing is admitted to it from now on.
    pub(crate) fn retire(&self) {
        self.retire_if(|_| true);
    }

    /// Seals the window if everything counted is a window old at `now`; false if it is not.
    pub(crate) fn retire_if_idle(&self, now: Moment) -> bool {
        let reading = self.ticks.read(self.state.origin, now);
        self.retire_if(|head| self.picture(head).is_idle(reading))
    }

    /// Whether the window is sealed.
    pub(crate) fn is_retired(&self) -> bool {
        Head::unpack(self.state.head.load(Ordering::Acquire)).sealed
    }

    fn retire_if(&self, is_due: impl Fn(Head) -> bool) -> bool {
        loop {
            let word = self.state.head.load(Ordering::Acquire);
            let head = Head::unpack(word);
            if !is_due(head) {
                return false;
            }
            if head.sealed {
                return true;
            }
            let count = head.count.min(self.geometry.size(head.group));
            let sealed = Head { span: 0, count, sealed: true, ..head };
            self.record(head, sealed);
            if self.exchange(word, sealed.pack()) {
                return true;
            }
        }
    }

    /// What is live at `now`, if anything is.
    pub(crate) fn snapshot(&self, now: Moment) -> Option<WindowSnapshot> {
        loop {
            let head = Head::unpack(self.state.head.load(Ordering::Acquire));
            let snapshot =
                WindowSnapshot::of(self.quota, &self.picture(head), &self.surplus, self.state.origin, now);
            let after = Head::unpack(self.state.head.load(Ordering::Acquire));
            // More units of the same group at the same tick change no slot.
            if (after.tick, after.group) == (head.tick, head.group) {
                return snapshot;
            }
        }
    }

    fn reading_for(&self, quota: Quota, now: Moment) -> Option<Reading> {
        let reading = self.ticks.read(self.state.origin, now);
        (self.quota == quota && self.ticks.in_range(reading)).then_some(reading)
    }

    fn picture(&self, head: Head) -> Picture<impl Fn(u32) -> u32 + Copy> {
        // A group that does not exist would be ever new.
        let slot = |group: u32| {
            self.state.slots.get(group as usize).map_or(u32::MAX, |slot| slot.load(Ordering::Acquire))
        };
        Picture { geometry: self.geometry, window: self.ticks.window(), head, slot }
    }

    /// Writes what `head` knows and `next` does not into the slots, before the one is replaced by the other.
    #[inline(always)]
    fn record(&self, head: Head, next: Head) {
        let first = u32::from(next.group == head.group);
        for step in first..=head.span {
            let group = self.geometry.before(head.group, step);
            if let Some(slot) = self.state.slots.get(group as usize) {
                slot.fetch_max(head.tick, Ordering::Release);
            }
        }
    }

    fn exchange(&self, current: u64, next: u64) -> bool {
        self.state.head.compare_exchange(current, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    #[inline(always)]
    fn level(&self, head: Head, reading: Reading, now: Moment) -> Level {
        let guess = self.oldest.load(Ordering::Relaxed);
        let Room { units, held_since, oldest } = self.picture(head).room(reading, guess.into());
        let oldest = oldest as u8; // below SLOTS
        if oldest != guess {
            self.oldest.store(oldest, Ordering::Relaxed);
        }
        let grows_in = held_since.map_or(Duration::ZERO, |tick| {
            let expiry = self.ticks.expiry(self.state.origin, tick).as_nanos();
            Duration::from_nanos(expiry.saturating_sub(now.as_nanos()))
        });
        Level { limit: self.quota.limit(), remaining: units, grows_in }
    }
}
