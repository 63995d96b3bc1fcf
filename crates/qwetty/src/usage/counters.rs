use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use qwetty_keys::{Generation, Timestamp};
use qwetty_storage::{Hour, HourlyCounts, Outcome, OutcomeCounts};

/// What was counted for one key since its counters were last drained.
///
/// Each counter knows the hour that it counts for. So it does not matter how late counters are drained, or by which
/// clock; calls of another hour than a counter's, rare ones around the full hour, are put aside until then.
#[derive(Debug)]
pub(crate) struct UsageCounters {
    counters: [Counter; Outcome::ALL.len()],
    aside: Mutex<Vec<HourlyCounts>>,
    last_used: LatestTime,
    previous_value_last_used: LatestTime,
}

impl UsageCounters {
    pub(crate) fn new() -> Self {
        Self {
            counters: Default::default(),
            aside: Mutex::default(),
            last_used: LatestTime::never(),
            previous_value_last_used: LatestTime::never(),
        }
    }

    /// Counts one decision.
    pub(crate) fn count(&self, outcome: Outcome, generation: Generation, at: Timestamp) {
        let hour = Hour::of(at);
        let counter = self.counters.get(usize::from(outcome.number()));
        if !counter.is_some_and(|counter| counter.count(hour)) {
            let mut counts = OutcomeCounts::default();
            counts.add(outcome, 1);
            add_hour(&mut self.aside(), hour, &counts);
        }
        if outcome == Outcome::Admitted {
            self.last_used.advance(at);
            if generation == Generation::Previous {
                self.previous_value_last_used.advance(at);
            }
        }
    }

    /// Takes everything out.
    pub(crate) fn drain(&self) -> Pending {
        let aside = std::mem::take(&mut *self.aside());
        self.read(aside, Counter::take)
    }

    /// Looks at everything and leaves it in.
    pub(crate) fn peek(&self) -> Pending {
        let aside = self.aside().clone();
        self.read(aside, Counter::get)
    }

    /// The times of last use stay: they only ever grow, and a store keeps the latest.
    fn read(&self, mut hours: Vec<HourlyCounts>, read: impl Fn(&Counter) -> (Hour, u64)) -> Pending {
        for (outcome, counter) in Outcome::ALL.into_iter().zip(&self.counters) {
            let (hour, count) = read(counter);
            if count > 0 {
                let mut counts = OutcomeCounts::default();
                counts.add(outcome, count);
                add_hour(&mut hours, hour, &counts);
            }
        }
        Pending {
            hours,
            last_used_at: self.last_used.get(),
            previous_value_last_used_at: self.previous_value_last_used.get(),
        }
    }

    fn aside(&self) -> MutexGuard<'_, Vec<HourlyCounts>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
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
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| match Self::unpack(word) {
                (_, 0) => Some(place(hour) | 1),
                (held, count) if held == hour && count < u64::from(u32::MAX) => Some(word + 1),
                _ => None,
            })
            .is_ok()
    }

    fn take(&self) -> (Hour, u64) {
        Self::unpack(self.0.swap(0, Ordering::AcqRel))
    }

    fn get(&self) -> (Hour, u64) {
        Self::unpack(self.0.load(Ordering::Acquire))
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
        counters.count(Outcome::Admitted, Generation::Current, at(TEN));
        counters.counters[0].0.fetch_or(0xffff_ffff, Ordering::AcqRel);
        counters.count(Outcome::Admitted, Generation::Current, at(TEN));
        assert_eq!(hours(&counters.drain()), [(10, 1 << 32, 0)]);
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
