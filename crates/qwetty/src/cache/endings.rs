use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use qwetty_keys::{KeyId, Timestamp};

use crate::sync::{AtomicI64, Mutex, MutexGuard, Ordering, RandomState};

/// How many keys are remembered one by one: some megabytes.
const MOST: usize = 1 << 17;

/// The ends that answers of this run told of, so that the clock cannot be set back behind them: the expiry of a key, or the end
/// of an older value. Live states have theirs, too, where decisions find it.
///
/// Beyond [`MOST`] keys, the earlier half of the ends becomes one time for all keys. That errs on the side of refusing, and only after
/// the clock was set back: then a key that ran out before that time is over too, though nobody was told.
#[derive(Debug)]
pub(super) struct Endings {
    /// None that was told of is later: only a clock that is behind it was set back.
    latest: AtomicI64,
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    ends: HashMap<KeyId, Timestamp, RandomState>,
    of_all: Timestamp,
}

impl Endings {
    pub(super) fn new() -> Self {
        let told = Told { ends: HashMap::default(), of_all: NEVER_YET };
        Self { latest: AtomicI64::new(NEVER_YET.unix_micros()), told: Mutex::new(told) }
    }

    /// A time before which the key is not to be judged.
    pub(super) fn of(&self, id: KeyId) -> Timestamp {
        let told = self.told();
        told.ends.get(&id).copied().unwrap_or(NEVER_YET).max(told.of_all)
    }

    /// To be called before an end is told.
    pub(super) fn note(&self, id: KeyId, end: Timestamp) {
        self.told().note(id, end, MOST);
        self.latest.fetch_max(end.unix_micros(), Ordering::SeqCst);
    }

    /// The time by which keys are judged, and the keys that are judged by a later one.
    pub(super) fn later_than(&self, wall: Timestamp) -> (Timestamp, BTreeMap<KeyId, Timestamp>) {
        if wall.unix_micros() >= self.latest.load(Ordering::SeqCst) {
            return (wall, BTreeMap::new());
        }
        let told = self.told();
        let at = wall.max(told.of_all);
        (at, told.ends.iter().filter(|&(_, &end)| end > at).map(|(&id, &end)| (id, end)).collect())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Earlier than any time there is.
pub(super) const NEVER_YET: Timestamp = Timestamp::from_unix_micros(i64::MIN);

impl Told {
    fn note(&mut self, id: KeyId, end: Timestamp, most: usize) {
        if end <= self.of_all {
            return;
        }
        let known = self.ends.entry(id).or_insert(end);
        *known = end.max(*known);
        if self.ends.len() > most {
            let mut ends: Vec<Timestamp> = self.ends.values().copied().collect();
            let (_, &mut middle, _) = ends.select_nth_unstable(most / 2);
            self.of_all = middle;
            self.ends.retain(|_, end| *end > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_judged_no_earlier_than_it_ended() {
        let mut told = Told { ends: HashMap::default(), of_all: NEVER_YET };
        let at = Timestamp::from_unix_micros;
        for number in 0..1000 {
            told.note(KeyId::from_u128(number % 500), at(i64::try_from(number).unwrap()), 100);
            assert!(told.ends.len() <= 100);
        }
        for number in 0..500_u128 {
            let end = at(i64::try_from(number).unwrap() + 500);
            let kept = told.ends.get(&KeyId::from_u128(number)).copied();
            assert!(kept == Some(end) || kept.is_none() && told.of_all >= end, "{number}");
        }
        assert!(told.of_all < at(950), "the latest are kept one by one");
    }

    #[test]
    fn the_earlier_half_of_too_many_becomes_one_time() {
        let mut told = Told { ends: HashMap::default(), of_all: NEVER_YET };
        let at = Timestamp::from_unix_micros;
        for number in 0..100 {
            told.note(KeyId::from_u128(number), at(i64::try_from(number).unwrap()), 100);
        }
        assert_eq!((told.ends.len(), told.of_all), (100, NEVER_YET), "there is room for so many");
        told.note(KeyId::from_u128(100), at(100), 100);
        assert_eq!((told.ends.len(), told.of_all), (50, at(50)));
    }

    #[test]
    fn keys_that_end_together_take_no_more_room() {
        let mut told = Told { ends: HashMap::default(), of_all: NEVER_YET };
        let end = Timestamp::from_unix_micros(7);
        for number in 0..1000 {
            told.note(KeyId::from_u128(number), end, 100);
            assert!(told.ends.len() <= 100);
        }
        assert_eq!(told.of_all, end);
    }
}
