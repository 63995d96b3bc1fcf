use std::sync::atomic::AtomicU8;
use std::time::Duration;

use crate::admission::{Picture, Room};
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
/// A ring begins in three steps, each of which writes one word for good: quota, origin, head. Whoever comes second goes on
/// from what the first has written, so nobody waits; and whoever has read a head that is begun finds the other two written.
///
/// A sealed ring is read-only. Whoever meets one looks for its successor, or builds it.
// In this order a take of a ring at the start of a cache line touches that line and those of one or two neighbouring slots.
#[repr(C)]
pub(crate) struct Ring {
    head: AtomicU64,
    /// The quota's identity; zero until it is known.
    quota: AtomicU64,
    /// Nanoseconds of the origin, and one more; zero until it is known.
    origin: AtomicU64,
    /// The group that was the oldest live one when somebody last looked: only where to look first, so any value is right,
    /// and loom need not see it.
    oldest: AtomicU8,
    slots: [AtomicU32; SLOTS],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Ring>() == 248);

impl Ring {
    /// A ring whose quota and origin the first take decides.
    pub(crate) fn not_begun() -> Self {
        Self::of_words(0, 0, Head::NOT_BEGUN, [0; SLOTS])
    }

    /// A ring that was never used and never will be.
    pub(crate) fn sealed() -> Self {
        Self::of_words(0, 0, Head { sealed: true, ..Head::EMPTY }.pack(), [0; SLOTS])
    }

    /// A ring with nothing counted.
    pub(crate) fn empty(quota: Quota, now: Moment) -> Self {
        Self::new(quota, now, Head::EMPTY, [0; SLOTS])
    }

    pub(crate) fn new(quota: Quota, origin: Moment, head: Head, slots: [u32; SLOTS]) -> Self {
        Self::of_words(quota.identity(), origin_word(origin), head.pack(), slots)
    }

    fn of_words(quota: u64, origin: u64, head: u64, slots: [u32; SLOTS]) -> Self {
        Self {
            quota: AtomicU64::new(quota),
            origin: AtomicU64::new(origin),
            head: AtomicU64::new(head),
            oldest: AtomicU8::new(0),
            slots: slots.map(AtomicU32::new),
        }
    }

    /// See [`LimiterCell::approach`](crate::LimiterCell::approach).
    pub(crate) fn approach(&self) {
        // A load whose value nobody waits for.
        self.oldest.load(Ordering::Relaxed);
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.head.load(Ordering::Acquire) != Head::NOT_BEGUN
    }

    /// Begins the ring at `now` under `quota`, unless somebody has, or has got so far as to decide on either.
    pub(crate) fn begin(&self, quota: Quota, now: Moment) {
        for (word, value) in [
            (&self.quota, (0, quota.identity())),
            (&self.origin, (0, origin_word(now))),
            (&self.head, (Head::NOT_BEGUN, Head::EMPTY.pack())),
        ] {
            let _ = word.compare_exchange(value.0, value.1, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Takes `cost` units, 1 to the limit. None if this ring cannot answer: it is not begun or is sealed, it is too far from
    /// its origin, or its quota is another.
    // Inlined, with what it calls: to hand outcomes on through memory costs a third of a take.
    #[inline(always)]
    pub(crate) fn take(&self, quota: &Quota, cost: u32, now: Moment) -> Option<Outcome> {
        let mut word = self.head.load(Ordering::Acquire);
        // All that stands beside the head is read now: another thread's admission takes the line away.
        let view = self.view(quota, now)?;
        loop {
            let head = Head::unpack(word);
            if head.sealed {
                return None;
            }
            let picture = self.picture(quota, head, view.reading);
            let Some(next) = picture.admit(cost) else {
                let level = self.level(quota, &picture, view);
                let latest = self.head.load(Ordering::Acquire);
                if latest == word {
                    return Some(Outcome::Refused(level));
                }
                word = latest;
                continue;
            };
            self.record(quota, head, next);
            match self.step(quota, word, next) {
                Ok(admitted) => {
                    return Some(Outcome::Admitted(self.level(quota, &picture.with(admitted), view)));
                }
                Err(latest) => word = latest,
            }
        }
    }

    /// The atomic step from `word` to `next`. It gives the head that it made, or else the word that stands there by now.
    #[inline(always)]
    fn step(&self, quota: &Quota, word: u64, next: Head) -> Result<Head, u64> {
        if !is_addition(word, next.pack()) {
            return self
                .head
                .compare_exchange(word, next.pack(), Ordering::AcqRel, Ordering::Acquire)
                .map(|_| next);
        }
        // An addition comes through whatever the head is by now, and takes a unit of that if it has one left. Where it
        // raced for the last one and lost, the count says full as it did before.
        let found = Head::unpack(self.head.fetch_add(1, Ordering::AcqRel));
        if found.sealed || found.count >= quota.geometry().size(found.group) {
            return Err(self.head.load(Ordering::Acquire));
        }
        Ok(Head { count: found.count + 1, ..found })
    }

    /// What a take would find. None as for [`Ring::take`].
    pub(crate) fn peek(&self, quota: &Quota, now: Moment) -> Option<Level> {
        loop {
            let word = self.head.load(Ordering::Acquire);
            let head = Head::unpack(word);
            if head.sealed {
                return None;
            }
            let view = self.view(quota, now)?;
            let level = self.level(quota, &self.picture(quota, head, view.reading), view);
            if self.head.load(Ordering::Acquire) == word {
                return Some(level);
            }
        }
    }

    /// Whether everything counted is a window old at `now`.
    pub(crate) fn is_idle(&self, now: Moment) -> bool {
        let word = self.head.load(Ordering::Acquire);
        word == Head::NOT_BEGUN || {
            let quota = self.quota();
            self.picture(&quota, Head::unpack(word), quota.ticks().read(self.origin(), now)).is_idle()
        }
    }

    /// Seals the ring, which has begun: nothing is admitted to it from now on.
    pub(crate) fn retire(&self) {
        self.retire_if(|_, _| true);
    }

    /// Seals the ring if everything counted is a window old at `now`; false if it is not, or nobody has begun the ring.
    pub(crate) fn retire_if_idle(&self, now: Moment) -> bool {
        self.is_begun()
            && self.retire_if(|quota, head| {
                self.picture(quota, head, quota.ticks().read(self.origin(), now)).is_idle()
            })
    }

    fn retire_if(&self, is_due: impl Fn(&Quota, Head) -> bool) -> bool {
        loop {
            let word = self.head.load(Ordering::Acquire);
            let (quota, head) = (self.quota(), Head::unpack(word));
            if !is_due(&quota, head) {
                return false;
            }
            if head.sealed {
                return true;
            }
            let count = head.count.min(quota.geometry().size(head.group));
            let sealed = Head { span: 0, count, sealed: true, ..head };
            self.record(&quota, head, sealed);
            if self.exchange(word, sealed.pack()) {
                return true;
            }
        }
    }

    /// What of the ring, and of the surplus behind it, is live at `now`, if anything is.
    pub(crate) fn snapshot(&self, surplus: &[Entry], now: Moment) -> Option<WindowSnapshot> {
        loop {
            let word = self.head.load(Ordering::Acquire);
            if word == Head::NOT_BEGUN {
                return None;
            }
            let (quota, head) = (self.quota(), Head::unpack(word));
            let origin = self.origin();
            let picture = self.picture(&quota, head, quota.ticks().read(origin, now));
            let snapshot = WindowSnapshot::of(quota, &picture, surplus, origin, now);
            let after = Head::unpack(self.head.load(Ordering::Acquire));
            // More units of the same group at the same tick change no slot.
            if (after.tick, after.group) == (head.tick, head.group) {
                return snapshot;
            }
        }
    }

    // The next two are read after a head that is begun, and so were written before.

    fn quota(&self) -> Quota {
        Quota::of_identity(self.quota.load(Ordering::Relaxed))
    }

    pub(crate) fn origin(&self) -> Moment {
        Moment::from_nanos(self.origin.load(Ordering::Relaxed).saturating_sub(1))
    }

    /// None if the quota is another, or `now` too far from the origin.
    #[inline(always)]
    fn view(&self, quota: &Quota, now: Moment) -> Option<View> {
        if self.quota.load(Ordering::Relaxed) != quota.identity() {
            return None;
        }
        let (origin, guess) = (self.origin(), self.oldest.load(Ordering::Relaxed));
        let reading = quota.ticks().read(origin, now);
        Ticks::in_range(reading).then_some(View { now, origin, reading, guess })
    }

    #[inline(always)]
    fn picture(&self, quota: &Quota, head: Head, now: Reading) -> Picture<impl Fn(u32) -> u32 + Copy> {
        // A group that does not exist would be ever new.
        let slot =
            |group: u32| self.slots.get(group as usize).map_or(u32::MAX, |slot| slot.load(Ordering::Acquire));
        Picture::new(*quota.geometry(), quota.ticks().window(), head, now, slot)
    }

    /// Writes what `head` knows and `next` does not into the slots, before the one is replaced by the other.
    #[inline(always)]
    fn record(&self, quota: &Quota, head: Head, next: Head) {
        let first = u32::from(next.group == head.group);
        for step in first..=head.span {
            let group = quota.geometry().before(head.group, step);
            if let Some(slot) = self.slots.get(group as usize) {
                slot.fetch_max(head.tick, Ordering::Release);
            }
        }
    }

    fn exchange(&self, current: u64, next: u64) -> bool {
        self.head.compare_exchange(current, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    #[inline(always)]
    fn level(&self, quota: &Quota, picture: &Picture<impl Fn(u32) -> u32 + Copy>, view: View) -> Level {
        let Room { units, held_since, oldest } = picture.room(view.guess.into());
        let oldest = oldest as u8; // below SLOTS
        if oldest != view.guess {
            self.oldest.store(oldest, Ordering::Relaxed);
        }
        let grows_in = held_since.map_or(Duration::ZERO, |tick| {
            let expiry = quota.ticks().expiry(view.origin, tick).as_nanos();
            Duration::from_nanos(expiry.saturating_sub(view.now.as_nanos()))
        });
        Level { limit: quota.limit(), remaining: units, grows_in }
    }
}

/// What a look at a ring rests on, beside its head and slots.
#[derive(Clone, Copy)]
struct View {
    now: Moment,
    origin: Moment,
    reading: Reading,
    /// The group to look at first for the oldest.
    guess: u8,
}

fn is_addition(word: u64, next: u64) -> bool {
    next == word + 1
}

/// The last moment there is counts as the one before it: an origin may always be earlier.
fn origin_word(origin: Moment) -> u64 {
    origin.as_nanos().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_leaves_behind_where_the_next_one_begins() {
        let quota = Quota::new(1000, 3600).unwrap();
        let ring = Ring::empty(quota, Moment::from_nanos(0));
        let oldest_at = |seconds: u64| {
            let now = Moment::from_nanos(seconds * 1_000_000_000);
            assert!(matches!(ring.take(&quota, 19, now), Some(Outcome::Admitted(_))));
            ring.oldest.load(Ordering::Relaxed)
        };
        // Each take fills a group.
        assert_eq!([0, 1, 2, 3601, 3602].map(oldest_at), [1, 1, 1, 3, 4]);
    }
}
