use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use qwetty_keys::{Generation, Timestamp};
use qwetty_storage::{Hour, HourlyCounts, Outcome, OutcomeCounts};

/// What was counted for one key since its counters were last drained.
///
/// There are two banks of counters, for even and for odd hours. Counters are drained far more often than once an hour, so
/// what a bank holds is of the last hour with its parity.
#[derive(Debug)]
pub(crate) struct UsageCounters {
    banks: [Bank; 2],
    last_used: LatestTime,
    previous_value_last_used: LatestTime,
}

type Bank = [AtomicU32; Outcome::ALL.len()];

impl UsageCounters {
    pub(crate) fn new() -> Self {
        Self {
            banks: Default::default(),
            last_used: LatestTime::never(),
            previous_value_last_used: LatestTime::never(),
        }
    }

    /// Counts one decision.
    pub(crate) fn count(&self, outcome: Outcome, generation: Generation, at: Timestamp) {
        if let Some(counter) = self.bank(Hour::of(at)).get(usize::from(outcome.number())) {
            counter.fetch_add(1, Ordering::AcqRel);
        }
        if outcome == Outcome::Admitted {
            self.last_used.advance(at);
            if generation == Generation::Previous {
                self.previous_value_last_used.advance(at);
            }
        }
    }

    /// Takes everything out.
    pub(crate) fn drain(&self, now: Timestamp) -> Pending {
        self.read(now, |counter| counter.swap(0, Ordering::AcqRel))
    }

    /// Looks at everything and leaves it in.
    pub(crate) fn peek(&self, now: Timestamp) -> Pending {
        self.read(now, |counter| counter.load(Ordering::Acquire))
    }

    /// The times of last use stay: they only ever grow, and a store keeps the latest.
    fn read(&self, now: Timestamp, take: impl Fn(&AtomicU32) -> u32) -> Pending {
        let this_hour = Hour::of(now);
        let mut pending = Pending {
            hours: Vec::new(),
            last_used_at: self.last_used.get(),
            previous_value_last_used_at: self.previous_value_last_used.get(),
        };
        for hour in [this_hour.plus(-1), this_hour] {
            let mut counts = OutcomeCounts::default();
            for (outcome, counter) in Outcome::ALL.into_iter().zip(self.bank(hour)) {
                counts.add(outcome, u64::from(take(counter)));
            }
            if !counts.is_empty() {
                pending.hours.push(HourlyCounts { hour, counts });
            }
        }
        pending
    }

    fn bank(&self, hour: Hour) -> &Bank {
        let [even, odd] = &self.banks;
        if hour.number().rem_euclid(2) == 0 { even } else { odd }
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
            match self.hours.iter_mut().find(|held| held.hour == hour) {
                Some(held) => held.counts.add_all(&counts),
                None => self.hours.push(HourlyCounts { hour, counts }),
            }
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

    #[test]
    fn a_count_belongs_to_the_hour_of_its_decision_even_if_drained_in_the_next() {
        let counters = UsageCounters::new();
        counters.count(Outcome::Admitted, Generation::Current, at(TEN - 1));
        counters.count(Outcome::Expired, Generation::Current, at(TEN));
        let pending = counters.drain(at(TEN + 5));
        let hours: Vec<_> =
            pending.hours.iter().map(|hour| (hour.hour.number(), hour.counts.admitted())).collect();
        assert_eq!(hours, [(9, 1), (10, 0)]);
        assert!(counters.drain(at(TEN + 5)).hours.is_empty());
    }

    #[test]
    fn a_peek_leaves_everything_in() {
        let counters = UsageCounters::new();
        counters.count(Outcome::Admitted, Generation::Current, at(TEN));
        assert_eq!(counters.peek(at(TEN)), counters.drain(at(TEN)));
    }

    #[test]
    fn only_an_admission_is_a_use_and_only_an_older_values_a_previous_use() {
        let counters = UsageCounters::new();
        counters.count(Outcome::RateLimited, Generation::Previous, at(TEN));
        assert_eq!(counters.peek(at(TEN)).last_used_at, None);
        counters.count(Outcome::Admitted, Generation::Current, at(TEN + 1));
        counters.count(Outcome::Admitted, Generation::Previous, at(TEN + 3));
        counters.count(Outcome::Admitted, Generation::Current, at(TEN + 2));
        let pending = counters.peek(at(TEN + 9));
        assert_eq!(pending.last_used_at, Some(at(TEN + 3)));
        assert_eq!(pending.previous_value_last_used_at, Some(at(TEN + 3)));
    }

    #[test]
    fn merging_adds_within_an_hour_and_keeps_hours_apart() {
        let counters = UsageCounters::new();
        counters.count(Outcome::Admitted, Generation::Current, at(TEN));
        let mut first = counters.drain(at(TEN));
        counters.count(Outcome::Admitted, Generation::Current, at(TEN + 1));
        counters.count(Outcome::Revoked, Generation::Current, at(TEN + 3_600_000_000));
        first.merge(counters.drain(at(TEN + 3_600_000_000)));
        let total: u64 = first.hours.iter().map(|hour| hour.counts.admitted()).sum();
        assert_eq!((first.hours.len(), total), (2, 2));
    }
}
