mod restore;

use thiserror::Error;

use crate::admission::Picture;
use crate::form::Form;
use crate::head::Head;
use crate::{Moment, Quota, QuotaError};

/// What a cell had counted at one moment, kept as ages so that it means the same to a clock with another origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSnapshot {
    form: Form,
    quota: Quota,
    /// Nanoseconds by which the window's time is ahead of the reading that the snapshot was asked for with, because a thread
    /// with a later reading took first. The ages count from the window's time.
    ahead: u64,
    /// Nanoseconds from the last whole tick to the window's time.
    phase: u32,
    /// The head's group, and the units taken of it.
    group: u8,
    count: u32,
    /// Ticks from the head to the tick that follows the last whole one: 0 for a take between the two.
    head_age: u32,
    /// Ticks from the last admission of the groups before the head's to the head, backward around the ring as far as they
    /// are live. All of them are full.
    older: Vec<u32>,
    /// What is older still and not in the ring, newest first, in ticks before the head.
    surplus: Vec<Entry>,
}

/// Units of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) units: u32,
    /// A tick, or the ticks since.
    pub(crate) tick: u32,
}

impl WindowSnapshot {
    /// A surplus longer than this is thinned out.
    pub(crate) const MAX_SURPLUS: usize = 60;

    /// A compact form for storage, whose first byte is its version: 31 bytes, 4 for each live group but one of the up to
    /// 55, and, for a window after a change to a smaller limit, 8 for each of up to 60 entries about the time before.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.form.version()];
        bytes.extend(self.quota.limit().to_le_bytes());
        bytes.extend(self.quota.window_seconds().to_le_bytes());
        // More than a window is no delay between threads, and would only keep what is to be forgotten by then.
        bytes.extend(self.ahead.min(window_nanos(self.quota)).to_le_bytes());
        bytes.extend(self.phase.to_le_bytes());
        bytes.push(self.group);
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.head_age.to_le_bytes());
        bytes.push(self.older.len() as u8); // below SLOTS
        bytes.extend(self.older.iter().flat_map(|age| age.to_le_bytes()));
        for entry in &self.surplus {
            bytes.extend(entry.units.to_le_bytes());
            bytes.extend(entry.tick.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`WindowSnapshot::to_bytes`] wrote. Whatever is accepted is a state that a cell can have.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Version`] for a form of another version, [`SnapshotError::Damaged`] for anything else that no cell
    /// has written.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, SnapshotError> {
        let [version] = split(&mut bytes)?;
        let form = Form::of_version(version).ok_or(SnapshotError::Version(version))?;
        let limit = split_u32(&mut bytes)?;
        let quota = Quota::new(limit, split_u32(&mut bytes)?)?;
        let ahead = u64::from_le_bytes(split(&mut bytes)?);
        let phase = split_u32(&mut bytes)?;
        let [group] = split(&mut bytes)?;
        let count = split_u32(&mut bytes)?;
        let head_age = split_u32(&mut bytes)?;
        let [groups] = split(&mut bytes)?;
        let older = (0..groups).map(|_| split_u32(&mut bytes)).collect::<Result<_, _>>()?;
        let mut surplus = Vec::new();
        while !bytes.is_empty() {
            let units = split_u32(&mut bytes)?;
            surplus.push(Entry { units, tick: split_u32(&mut bytes)? });
        }
        let snapshot = Self { form, quota, ahead, phase, group, count, head_age, older, surplus };
        if snapshot.is_possible() { Ok(snapshot) } else { Err(SnapshotError::Damaged) }
    }

    /// What of `picture`, and of the surplus behind it (newest first), is live; none if nothing is.
    pub(crate) fn of<S: Fn(u32) -> u32 + Copy>(
        quota: Quota,
        picture: &Picture<S>,
        surplus: &[Entry],
        origin: Moment,
        now: Moment,
    ) -> Option<Self> {
        if picture.is_idle() {
            return None;
        }
        let (ticks, reading, last_tick) = (quota.ticks(), picture.now, picture.time);
        let phase = if last_tick == reading.floor { reading.phase } else { 0 };
        let time = ticks.moment(origin, last_tick).as_nanos().saturating_add(phase.into());
        let geometry = picture.geometry;
        let Head { tick, group, span, count, .. } = picture.head;
        let slot = |step| if step <= span { tick } else { (picture.slot)(geometry.before(group, step)) };
        let is_live = |tick| !picture.is_old(tick);
        let age = |past: u32| tick.saturating_sub(past);
        Some(Self {
            form: Form::CURRENT,
            quota,
            ahead: time.saturating_sub(now.as_nanos()),
            phase,
            group: group as u8, // below SLOTS
            count: count.min(geometry.size(group)),
            head_age: (last_tick + 1 - u64::from(tick)) as u32, // a window at most, as it is live
            older: (1..geometry.groups()).map(slot).take_while(|&tick| is_live(tick)).map(age).collect(),
            surplus: surplus
                .iter()
                .take_while(|entry| is_live(entry.tick))
                .map(|&Entry { units, tick }| Entry { units, tick: age(tick) })
                .collect(),
        })
    }

    /// Whether a cell could have written this, which is all that restoring relies on.
    fn is_possible(&self) -> bool {
        let (geometry, ticks) = (self.form.geometry(self.quota), self.form.ticks(self.quota));
        let group = u32::from(self.group);
        let ages = || self.older.iter().copied().chain(self.surplus.iter().map(|entry| entry.tick));
        let oldest = self.head_age.checked_add(ages().last().unwrap_or(0));
        self.ahead <= window_nanos(self.quota)
            && u64::from(self.phase) < ticks.nanos()
            && group < geometry.groups()
            && (1..=geometry.size(group)).contains(&self.count)
            && oldest.is_some_and(|oldest| oldest <= ticks.window())
            && self.older.len() < geometry.groups() as usize
            && self.surplus.len() <= Self::MAX_SURPLUS
            && self.surplus.iter().all(|entry| (1..=Quota::MAX_LIMIT).contains(&entry.units))
            && ages().is_sorted()
    }
}

fn window_nanos(quota: Quota) -> u64 {
    u64::from(quota.window_seconds()) * 1_000_000_000
}

fn split<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], SnapshotError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(SnapshotError::Damaged)?;
    *bytes = rest;
    Ok(*first)
}

fn split_u32(bytes: &mut &[u8]) -> Result<u32, SnapshotError> {
    split(bytes).map(u32::from_le_bytes)
}

/// Why bytes are no snapshot. The caller may go on with a fresh cell, which forgets what was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// The form has another version, of a newer release perhaps.
    #[error(
        "snapshot of version {0}, which this release does not read: run the release that wrote it, or drop it"
    )]
    Version(u8),
    /// Cut short, too long, or values that no cell can have.
    #[error("damaged snapshot: no limiter wrote these bytes; drop it to count from zero")]
    Damaged,
}

impl From<QuotaError> for SnapshotError {
    fn from(_: QuotaError) -> Self {
        Self::Damaged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimiterCell;

    fn snapshot() -> WindowSnapshot {
        let quota = Quota::new(1000, 60).unwrap();
        let cell = LimiterCell::new();
        for second in 0..30 {
            let _ = cell.take(quota, 20, Moment::from_nanos(second * 1_000_000_000));
        }
        cell.snapshot(Moment::from_nanos(30_000_000_000)).unwrap()
    }

    #[test]
    fn bytes_round_trip_and_stay_small() {
        let mut snapshot = snapshot();
        assert_eq!(snapshot.to_bytes().len(), 31 + 4 * 31); // 600 units are 32 groups of 19
        assert_eq!(WindowSnapshot::from_bytes(&snapshot.to_bytes()), Ok(snapshot.clone()));
        let oldest = *snapshot.older.last().unwrap();
        snapshot.surplus = vec![Entry { units: 3, tick: oldest }, Entry { units: 5, tick: oldest + 1 }];
        assert_eq!(WindowSnapshot::from_bytes(&snapshot.to_bytes()), Ok(snapshot));
    }

    #[test]
    fn every_cut_and_every_addition_is_damage() {
        let mut bytes = snapshot().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(WindowSnapshot::from_bytes(&bytes[..length]), Err(SnapshotError::Damaged), "{length}");
        }
        bytes.push(0);
        assert_eq!(WindowSnapshot::from_bytes(&bytes), Err(SnapshotError::Damaged));
    }

    #[test]
    fn nothing_is_ahead_by_more_than_a_window() {
        let ahead = |nanos: u64| {
            let mut bytes = WindowSnapshot { ahead: nanos, ..snapshot() }.to_bytes();
            let written = WindowSnapshot::from_bytes(&bytes).unwrap().ahead;
            bytes[9..17].copy_from_slice(&nanos.to_le_bytes());
            (written, WindowSnapshot::from_bytes(&bytes).is_ok())
        };
        assert_eq!(ahead(60_000_000_000), (60_000_000_000, true));
        assert_eq!(ahead(60_000_000_001), (60_000_000_000, false));
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let mut bytes = snapshot().to_bytes();
        bytes[0] = 3;
        assert_eq!(WindowSnapshot::from_bytes(&bytes), Err(SnapshotError::Version(3)));
    }

    #[test]
    fn states_that_no_cell_can_have_are_damage() {
        let refused = |change: fn(&mut WindowSnapshot)| {
            let mut snapshot = snapshot();
            change(&mut snapshot);
            WindowSnapshot::from_bytes(&snapshot.to_bytes()) == Err(SnapshotError::Damaged)
        };
        assert!(!refused(|_| ()));
        assert!(refused(|snapshot| snapshot.phase = 1_000_000_000));
        assert!(refused(|snapshot| snapshot.phase = snapshot.quota.ticks().nanos() as u32));
        assert!(!refused(|snapshot| snapshot.phase = snapshot.quota.ticks().nanos() as u32 - 1));
        assert!(refused(|snapshot| snapshot.group = 53));
        assert!(refused(|snapshot| snapshot.count = 20));
        assert!(refused(|snapshot| snapshot.count = 0));
        assert!(refused(|snapshot| snapshot.head_age = 1 << 28));
        assert!(refused(|snapshot| snapshot.head_age = u32::MAX));
        assert!(refused(|snapshot| snapshot.older.reverse()));
        assert!(refused(|snapshot| snapshot.older.resize(40, u32::MAX)));
        assert!(!refused(|snapshot| snapshot.older.resize(52, snapshot.older[30])));
        assert!(refused(|snapshot| snapshot.older.resize(53, snapshot.older[30])));
        assert!(refused(|snapshot| snapshot.surplus = vec![Entry { units: 1, tick: 0 }]));
        assert!(refused(|snapshot| snapshot.surplus = vec![Entry { units: 0, tick: snapshot.older[30] }]));
        assert!(
            refused(|snapshot| snapshot.surplus = vec![Entry { units: 1, tick: snapshot.older[30] }; 61])
        );
    }
}
