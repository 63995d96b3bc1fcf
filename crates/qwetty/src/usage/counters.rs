use std::sync::{OnceLock, PoisonError};
use std::time::Duration;

use qwetty_keys::{Generation, Timestamp};
use qwetty_storage::{Hour, HourlyCounts, Outcome, OutcomeCounts};

use crate::sync::{AtomicI64, AtomicU64, Mutex, MutexGuard, Ordering};

/// What was counted for one key since its counters were last drained.
///
/// Each counter knows the hour that it counts for. So it does not matter how late counters are drained, or by which
/// clock; calls of another hour than a counter's, rare ones around the full hour, are put aside until then.
///
/// What most keys never count, or not between two drainings, is kept apart: there are as many counters in memory as keys.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct UsageCounters {
    rest: OnceLock<Box<Rest>>,
    /// The last of those that `admitted` no longer holds. Stays when the counters are drained: it only ever grows, and a store
    /// keeps the latest.
    last_used: LatestTime,
    admitted: AdmittedCounter,
}

/// What does not go into the counter of admissions.
#[derive(Debug)]
struct Rest {
    /// By the number of the outcome, less one.
    denied: [Counter; Outcome::ALL.len() - 1],
    /// What a counter had no room for.
    aside: Mutex<Vec<HourlyCounts>>,
    previous_value_last_used: LatestTime,
}

impl UsageCounters {
    pub(crate) const fn new() -> Self {
        Self {
            admitted: AdmittedCounter(AtomicU64::new(0)),
            last_used: LatestTime::never(),
            rest: OnceLock::new(),
        }
    }

    /// Counts one decision.
    pub(crate) fn count(&self, outcome: Outcome, generation: Generation, at: Timestamp) {
        if outcome != Outcome::Admitted {
            return self.rest().count_denied(outcome, Hour::of(at));
        }
        if !self.admitted.count(at) {
            let mut aside = self.rest().aside();
            self.put_aside(&mut aside, self.admitted.take());
            self.put_aside(&mut aside, Some((1, at)));
        }
        if generation == Generation::Previous {
            self.rest().previous_value_last_used.advance(at);
        }
    }

    /// Takes everything out.
    pub(crate) fn drain(&self) -> Pending {
        let Some(rest) = self.rest.get() else {
            let mut hours = Vec::new();
            self.put_aside(&mut hours, self.admitted.take());
            return Pending { hours, last_used_at: self.last_used.get(), previous_value_last_used_at: None };
        };
        let mut aside = rest.aside();
        self.put_aside(&mut aside, self.admitted.take());
        let hours = std::mem::take(&mut *aside);
        rest.pending(hours, self.last_used.get(), Counter::take)
    }

    /// Looks at everything and leaves it in.
    pub(crate) fn peek(&self) -> Pending {
        loop {
            let rest = self.rest.get();
            // Locked, for whoever moves counts aside does so in two steps.
            let aside = rest.map(|rest| rest.aside());
            let admitted = self.admitted.get();
            if rest.is_none() && self.rest.get().is_some() {
                // Something may have been put aside in between.
                continue;
            }
            let mut hours = aside.as_deref().cloned().unwrap_or_default();
            add_admitted(&mut hours, admitted);
            let last_used_at = self.last_used.get().max(admitted.map(|(_, last)| last));
            return match rest {
                Some(rest) => rest.pending(hours, last_used_at, Counter::get),
                None => Pending { hours, last_used_at, previous_value_last_used_at: None },
            };
        }
    }

    /// Puts what came out of the counter of admissions to other counts.
    fn put_aside(&self, hours: &mut Vec<HourlyCounts>, admitted: Option<(u64, Timestamp)>) {
        if let Some((_, last)) = admitted {
            self.last_used.advance(last);
        }
        add_admitted(hours, admitted);
    }

    fn rest(&self) -> &Rest {
        self.rest.get_or_init(|| Box::new(Rest::new()))
    }
}

impl Rest {
    fn new() -> Self {
        Self {
            denied: Default::default(),
            aside: Mutex::default(),
            previous_value_last_used: LatestTime::never(),
        }
    }

    fn count_denied(&self, outcome: Outcome, hour: Hour) {
        let counter = usize::from(outcome.number()).checked_sub(1).and_then(|place| self.denied.get(place));
        if !counter.is_some_and(|counter| counter.count(hour)) {
            add(&mut self.aside(), outcome, hour, 1);
        }
    }

    fn pending(
        &self,
        mut hours: Vec<HourlyCounts>,
        last_used_at: Option<Timestamp>,
        read: impl Fn(&Counter) -> (Hour, u64),
    ) -> Pending {
        for (outcome, counter) in Outcome::ALL.into_iter().skip(1).zip(&self.denied) {
            let (hour, count) = read(counter);
            add(&mut hours, outcome, hour, count);
        }
        let previous_value_last_used_at = self.previous_value_last_used.get();
        Pending { hours, last_used_at, previous_value_last_used_at }
    }

    fn aside(&self) -> MutexGuard<'_, Vec<HourlyCounts>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds admitted calls, all of one hour, of which the last one was at this time.
fn add_admitted(hours: &mut Vec<HourlyCounts>, admitted: Option<(u64, Timestamp)>) {
    if let Some((count, last)) = admitted {
        add(hours, Outcome::Admitted, Hour::of(last), count);
    }
}

fn add(hours: &mut Vec<HourlyCounts>, outcome: Outcome, hour: Hour, count: u64) {
    if count > 0 {
        let mut counts = OutcomeCounts::default();
        counts.add(outcome, count);
        add_hour(hours, hour, &counts);
    }
}

/// How many calls were admitted in one hour, and when the last of them was, in one word, so that an admission takes one
/// write: from the top, 20 bits of the hour's number, 32 of the microseconds into it, 12 of the count.
#[derive(Debug)]
struct AdmittedCounter(AtomicU64);

impl AdmittedCounter {
    const COUNT_BITS: u32 = 12;
    const TIME_BITS: u32 = 32;
    const MOST: u64 = (1 << Self::COUNT_BITS) - 1;

    /// Counts one; false if it holds calls of another hour, or no more go in.
    fn count(&self, at: Timestamp) -> bool {
        let Some(place) = Self::place(at) else { return false };
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| match word & Self::MOST {
                0 => Some(place | 1),
                Self::MOST => None,
                // The later of two times of one hour is the greater number.
                count if Self::hour(word) == Self::hour(place) => {
                    Some((word - count).max(place) | (count + 1))
                }
                _ => None,
            })
            .is_ok()
    }

    /// The count, and the time of the last call; `None` if there was none.
    fn take(&self) -> Option<(u64, Timestamp)> {
        Self::unpack(self.0.swap(0, Ordering::SeqCst))
    }

    fn get(&self) -> Option<(u64, Timestamp)> {
        Self::unpack(self.0.load(Ordering::SeqCst))
    }

    /// Where a time stands in the word; `None` before 1970 and after 2089.
    fn place(at: Timestamp) -> Option<u64> {
        let hour = Hour::of(at);
        let number = u64::try_from(hour.number()).ok()?;
        let into_it = u64::try_from(at.unix_micros().checked_sub(hour.start().unix_micros())?).ok()?;
        (number >> (u64::BITS - Self::TIME_BITS - Self::COUNT_BITS) == 0)
            .then_some(((number << Self::TIME_BITS) | into_it) << Self::COUNT_BITS)
    }

    const fn hour(word: u64) -> u64 {
        word >> (Self::TIME_BITS + Self::COUNT_BITS)
    }

    fn unpack(word: u64) -> Option<(u64, Timestamp)> {
        let into_it = (word >> Self::COUNT_BITS) & u64::from(u32::MAX);
        let hour = Hour::from_number(i64::try_from(Self::hour(word)).ok()?);
        let last = hour.start().saturating_add(Duration::from_micros(into_it));
        (word & Self::MOST > 0).then_some((word & Self::MOST, last))
    }
}

/// How often something happened in one hour: the hour in the upper 32 bits, the count in the lower.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    /// Counts one; false if it holds counts of another hour, or no more go in.
    fn count(&self, hour: Hour) -> bool {
        let place = |hour: Hour| (hour.number() as u64) << 32;
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| match Self::unpack(word) {
                (_, 0) => Some(place(hour) | 1),
                (held, count) if held == hour && count < u64::from(u32::MAX) => Some(word + 1),
                _ => None,
            })
            .is_ok()
    }

    fn take(&self) -> (Hour, u64) {
        Self::unpack(self.0.swap(0, Ordering::SeqCst))
    }

    fn get(&self) -> (Hour, u64) {
        Self::unpack(self.0.load(Ordering::SeqCst))
    }

    /// The sign comes back with the shift; hours fit 32 bits for 245,000 years around 1970.
    const fn unpack(word: u64) -> (Hour, u64) {
        (Hour::from_number((word as i64) >> 32), word & 0xffff_ffff)
    }
}

/// Adds counts to those of an hour.
fn add_hour(hours: &mut Vec<HourlyCounts>, hour: Hour, counts: &OutcomeCounts) {
    match hours.iter_mut().find(|held| held.hour == hour) {
        Some(held) => held.counts.add_all(counts),
        None => hours.push(HourlyCounts { hour, counts: *counts }),
    }
}

/// The latest of many times.
#[derive(Debug)]
struct LatestTime(AtomicI64);

impl LatestTime {
    const fn never() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }

    fn advance(&self, at: Timestamp) {
        // Mostly it is already later, by the same clock; a load is cheaper than a contended write.
        if self.0.load(Ordering::Relaxed) < at.unix_micros() {
            self.0.fetch_max(at.unix_micros(), Ordering::AcqRel);
        }
    }

    fn get(&self) -> Option<Timestamp> {
        let micros = self.0.load(Ordering::Acquire);
        (micros != i64::MIN).then_some(Timestamp::from_unix_micros(micros))
    }
}

/// Counts of one key that are not in the store yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    /// By hour; no hour twice.
    pub(crate) hours: Vec<HourlyCounts>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) previous_value_last_used_at: Option<Timestamp>,
}

impl Pending {
    /// Adds later counts of the same key.
    pub(crate) fn merge(&mut self, later: Self) {
        for HourlyCounts { hour, counts } in later.hours {
            add_hour(&mut self.hours, hour, &counts);
        }
        self.last_used_at = self.last_used_at.max(later.last_used_at);
        self.previous_value_last_used_at =
            self.previous_value_last_used_at.max(later.previous_value_last_used_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: i64 = 10 * 3_600_000_000;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(micros)
    }

    fn hours(pending: &Pending) -> Vec<(i64, u64, u64)> {
        let mut hours: Vec<_> = pending
            .hours
            .iter()
            .map(|hour| (hour.hour.number(), hour.counts.admitted(), hour.counts.denied()))
            .collect();
        hours.sort_unstable();
        hours
    }

    #[test]
    fn a_count_belongs_to_the_hour_of_its_decision_however_late_it_is_drained() {
        let counters = UsageCounters::new();
        for (outcome, hour) in [
            (Outcome::Admitted, 10),
            (Outcome::Admitted, 12),
            (Outcome::Expired, 12),
            (Outcome::Admitted, 11),
            (Outcome::Admitted, 12),
            (Outcome::Admitted, 10),
            (Outcome::Revoked, -1),
        ] {
            counters.count(outcome, Generation::Current, at(hour * TEN / 10));
        }
        let expected = [(-1, 0, 1), (10, 2, 0), (11, 1, 0), (12, 2, 1)];
        assert_eq!(hours(&counters.peek()), expected);
        assert_eq!(hours(&counters.drain()), expected);
        assert_eq!(hours(&counters.drain()), []);
    }

    #[test]
    fn a_counter_that_is_full_puts_the_rest_aside() {
        let counters = UsageCounters::new();
        counters.count(Outcome::Revoked, Generation::Current, at(TEN));
        counters.rest().denied[0].0.fetch_or(0xffff_ffff, Ordering::SeqCst);
        counters.count(Outcome::Revoked, Generation::Current, at(TEN));
        for _ in 0..10_000 {
            counters.count(Outcome::Admitted, Generation::Current, at(TEN));
        }
        assert_eq!(hours(&counters.peek()), [(10, 10_000, 1 << 32)]);
        assert_eq!(hours(&counters.drain()), [(10, 10_000, 1 << 32)]);
        assert_eq!(hours(&counters.drain()), []);
    }

    #[test]
    fn admissions_of_one_hour_take_one_word() {
        let counters = UsageCounters::new();
        for micros in 0..1000 {
            counters.count(Outcome::Admitted, Generation::Current, at(TEN + micros));
        }
        assert!(counters.rest.get().is_none());
        assert_eq!(hours(&counters.peek()), [(10, 1000, 0)]);
    }

    #[test]
    fn refusals_of_one_hour_take_one_word_and_those_of_another_stay_apart() {
        let counters = UsageCounters::new();
        for micros in 0..100 {
            counters.count(Outcome::Revoked, Generation::Current, at(TEN + micros));
        }
        assert!(counters.rest().aside().is_empty());
        for _ in 0..2 {
            counters.count(Outcome::Revoked, Generation::Current, at(TEN + 3_600_000_000));
        }
        assert_eq!(hours(&counters.peek()), [(10, 0, 100), (11, 0, 2)]);
    }

    #[test]
    fn the_last_use_is_the_latest_in_whichever_order_and_year_and_stays() {
        const HOUR: i64 = 3_600_000_000;
        const YEAR: i64 = 8766 * HOUR;
        for start in [TEN, -TEN, 60 * YEAR, 150 * YEAR, 8000 * YEAR] {
            let counters = UsageCounters::new();
            for offset in [5, 3, HOUR - 1, 0, HOUR, 7] {
                counters.count(Outcome::Admitted, Generation::Current, at(start + offset));
            }
            let last = Some(at(start + HOUR));
            assert_eq!(counters.peek().last_used_at, last);
            let drained = counters.drain();
            assert_eq!(drained.last_used_at, last);
            assert_eq!(hours(&drained), [(start / HOUR, 5, 0), (start / HOUR + 1, 1, 0)]);
            counters.count(Outcome::Admitted, Generation::Current, at(start));
            assert_eq!(counters.drain().last_used_at, last);
        }
    }

    #[test]
    fn only_an_admission_is_a_use_and_only_an_older_values_a_previous_use() {
        let counters = UsageCounters::new();
        counters.count(Outcome::RateLimited, Generation::Previous, at(TEN));
        assert_eq!(counters.peek().last_used_at, None);
        counters.count(Outcome::Admitted, Generation::Current, at(TEN + 1));
        counters.count(Outcome::Admitted, Generation::Previous, at(TEN + 3));
        counters.count(Outcome::Admitted, Generation::Current, at(TEN + 2));
        let pending = counters.peek();
        assert_eq!(pending.last_used_at, Some(at(TEN + 3)));
        assert_eq!(pending.previous_value_last_used_at, Some(at(TEN + 3)));
    }

    #[test]
    fn merging_adds_within_an_hour_and_keeps_hours_apart() {
        let counters = UsageCounters::new();
        counters.count(Outcome::Admitted, Generation::Current, at(TEN));
        let mut first = counters.drain();
        counters.count(Outcome::Admitted, Generation::Current, at(TEN + 1));
        counters.count(Outcome::Revoked, Generation::Current, at(TEN + 3_600_000_000));
        first.merge(counters.drain());
        assert_eq!(hours(&first), [(10, 2, 0), (11, 0, 1)]);
    }
}
