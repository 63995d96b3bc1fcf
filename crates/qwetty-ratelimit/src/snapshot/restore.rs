use std::time::Duration;

use super::{Entry, WindowSnapshot};
use crate::form::Form;
use crate::geometry::Position;
use crate::head::Head;
use crate::ring::Ring;
use crate::sync::SLOTS;
use crate::ticks::Ticks;
use crate::window::Window;
use crate::{Moment, Quota};

impl WindowSnapshot {
    /// The window that goes on from here under `quota`, `elapsed` later; none if nothing is live any more.
    pub(crate) fn window(&self, quota: Quota, elapsed: Duration, now: Moment) -> Option<Window> {
        let ticks = self.form.ticks(self.quota);
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let passed = elapsed.saturating_sub(self.ahead).saturating_add(self.phase.into());
        let (whole, phase) = (passed / ticks.nanos(), passed % ticks.nanos());

        // The last whole tick is the new origin: some clock had come to it, so that earlier readings may count as this one.
        let still_ahead = self.ahead.saturating_sub(elapsed);
        let origin = Moment::from_nanos(now.as_nanos().saturating_add(still_ahead).saturating_sub(phase));
        let next_tick = u64::from(ticks.window()) + 1;
        // The tick in a window of that origin; none if it is dead.
        let tick = |age: u32| {
            let age = whole.saturating_add(self.head_age.into()).saturating_add(age.into());
            u32::try_from(next_tick.saturating_sub(age)).ok().filter(|&tick| tick > 0)
        };
        let head = tick(0)?;
        let older: Vec<u32> = self.older.iter().map_while(|&age| tick(age)).collect();
        let surplus: Vec<Entry> = self
            .surplus
            .iter()
            .map_while(|entry| Some(Entry { tick: tick(entry.tick)?, ..*entry }))
            .collect();

        if quota == self.quota && self.form == Form::CURRENT {
            Some(self.continued(origin, head, &older, surplus))
        } else {
            replayed(quota, origin, self.history(head, &older, surplus), ticks)
        }
    }

    /// The same groups at the same places, so that what a group hides is not hidden twice.
    fn continued(&self, origin: Moment, head: u32, older: &[u32], surplus: Vec<Entry>) -> Window {
        let geometry = self.quota.geometry();
        let group = u32::from(self.group);
        let mut slots = [0; SLOTS];
        for (step, &tick) in (1..).zip(older) {
            if let Some(slot) = slots.get_mut(geometry.before(group, step) as usize) {
                *slot = tick;
            }
        }
        let head = Head::at(head, Position { group, count: self.count });
        Window::new(Ring::new(self.quota, origin, head, slots), surplus)
    }

    /// All live units, newest first.
    fn history(&self, head: u32, older: &[u32], surplus: Vec<Entry>) -> Vec<Entry> {
        let geometry = self.form.geometry(self.quota);
        let mut history = vec![Entry { units: self.count, tick: head }];
        history.extend((1..).zip(older).map(|(step, &tick)| {
            let units = geometry.size(geometry.before(u32::from(self.group), step));
            Entry { units, tick }
        }));
        history.extend(surplus);
        history
    }
}

/// A window of any shape with a history in ticks of `old` since a window before the origin, newest first. None if all of
/// it is older than the new window.
///
/// If more is live than the limit, the ring holds the newest: it has room again exactly when fewer than the limit are
/// live. The surplus is only kept in mind for another change.
fn replayed(quota: Quota, origin: Moment, history: Vec<Entry>, old: Ticks) -> Option<Window> {
    let ticks = quota.ticks();
    let mut ring = Vec::new();
    let mut surplus = Vec::new();
    let mut left = quota.limit();
    for Entry { units, tick } in history {
        let Some(tick) = ticks.convert(old, tick) else { break };
        let kept = units.min(left);
        left -= kept;
        if kept > 0 {
            ring.push(Entry { units: kept, tick });
        }
        if units > kept {
            surplus.push(Entry { units: units - kept, tick });
        }
    }

    let geometry = quota.geometry();
    let mut slots = [0; SLOTS];
    let mut end = Position { group: 0, count: 0 };
    for Entry { units, tick } in ring.iter().rev() {
        let first = geometry.advance(end, 1).group;
        end = geometry.advance(end, *units);
        for slot in slots.iter_mut().take(end.group as usize + 1).skip(first as usize) {
            *slot = *tick;
        }
    }
    let head = Head::at(ring.first()?.tick, end);
    Some(Window::new(Ring::new(quota, origin, head, slots), thinned(surplus)))
}

/// A surplus of at most [`WindowSnapshot::MAX_SURPLUS`] entries: neighbours are joined as of the later time, so that
/// nothing is forgotten too early.
fn thinned(mut surplus: Vec<Entry>) -> Vec<Entry> {
    let joined = |pair: &[Entry]| {
        let units = pair.iter().map(|entry| entry.units).sum();
        pair.first().map(|&Entry { tick, .. }| Entry { units, tick })
    };
    while surplus.len() > WindowSnapshot::MAX_SURPLUS {
        surplus = surplus.chunks(2).filter_map(joined).collect();
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surplus_is_thinned_when_it_is_too_long_and_loses_no_unit() {
        let surplus = |entries: u32| (0..entries).map(|age| Entry { units: 2, tick: 1000 - age }).collect();
        assert_eq!(thinned(surplus(60)), surplus(60));
        let thin = thinned(surplus(61));
        assert_eq!(thin.len(), 31);
        assert_eq!((thin[0], thin[30]), (Entry { units: 4, tick: 1000 }, Entry { units: 2, tick: 940 }));
    }
}
