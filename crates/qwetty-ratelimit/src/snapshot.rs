use std::iter;
use std::time::Duration;

use thiserror::Error;

use crate::admission::Picture;
use crate::geometry::{Geometry, Position};
use crate::head::Head;
use crate::sync::SLOTS;
use crate::ticks::{Reading, Ticks};
use crate::window::Window;
use crate::{Moment, Quota, QuotaError};

/// What a cell had counted at one moment, kept as ages so that it means the same to a clock with another origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSnapshot {
    quota: Quota,
    /// Nanoseconds from the last whole tick to the moment of the snapshot.
    phase: u32,
    /// The head's position.
    group: u8,
    count: u32,
    /// Ticks from the head to the tick that follows the snapshot's last whole one: 0 for a take between the two. Negative
    /// if a thread with a later reading took first.
    head_age: i64,
    /// Ticks from the last admission of the groups before the head's to the head, backward around the ring as far as they
    /// are live. All of them are full.
    older: Vec<u32>,
}

const VERSION: u8 = 1;

/// No head is further than this ahead of any reading of its window.
const MAX_LEAD_WINDOWS: i64 = 14;

impl WindowSnapshot {
    /// A compact form for storage: 26 bytes, and 4 for each of the up to 59 further live groups. Its first byte is the
    /// version of the form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.quota.limit().to_le_bytes());
        bytes.extend(self.quota.window_seconds().to_le_bytes());
        bytes.extend(self.phase.to_le_bytes());
        bytes.push(self.group);
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.head_age.to_le_bytes());
        bytes.extend(self.older.iter().flat_map(|age| age.to_le_bytes()));
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
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let limit = u32::from_le_bytes(split(&mut bytes)?);
        let quota = Quota::new(limit, u32::from_le_bytes(split(&mut bytes)?))?;
        let phase = u32::from_le_bytes(split(&mut bytes)?);
        let [group] = split(&mut bytes)?;
        let count = u32::from_le_bytes(split(&mut bytes)?);
        let head_age = i64::from_le_bytes(split(&mut bytes)?);
        let (older, []) = bytes.as_chunks() else { return Err(SnapshotError::Damaged) };
        let older = older.iter().map(|&age| u32::from_le_bytes(age)).collect();
        let snapshot = Self { quota, phase, group, count, head_age, older };
        if snapshot.is_possible() { Ok(snapshot) } else { Err(SnapshotError::Damaged) }
    }

    /// The live part of `picture`; none if all of it is a window old.
    pub(crate) fn of<S: Fn(u32) -> u32>(
        quota: Quota,
        origin: Moment,
        picture: &Picture<S>,
        reading: Reading,
        now: Moment,
    ) -> Option<Self> {
        let Head { tick, group, span, count, .. } = picture.head;
        if picture.is_idle(reading) {
            return None;
        }
        let geometry = picture.geometry;
        let older = (1..geometry.groups())
            .map(|step| if step <= span { tick } else { (picture.slot)(geometry.before(group, step)) })
            .take_while(|&slot| !picture.is_old(slot, reading))
            .map(|slot| tick.saturating_sub(slot))
            .collect();
        let phase = now.as_nanos().saturating_sub(origin.as_nanos()) % Ticks::of(quota).nanos();
        Some(Self {
            quota,
            phase: phase as u32, // below 10^9
            group: group as u8,  // below SLOTS
            count: count.min(geometry.size(group)),
            head_age: reading.floor as i64 + 1 - i64::from(tick), // a reading is below 2^60
            older,
        })
    }

    /// The window that goes on from here under `quota`, `elapsed` later; none if nothing is live any more.
    pub(crate) fn window(&self, quota: Quota, elapsed: Duration, now: Moment) -> Option<Window> {
        let ticks = Ticks::of(self.quota);
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let passed = elapsed.saturating_add(u64::from(self.phase));
        let head_age = self.head_age.saturating_add_unsigned(passed / ticks.nanos());
        // The origin of the new window is a moment that was a whole tick in the old one: the last before `now`, or the last
        // before the head if that is later. Some clock had come to it, so that earlier readings may count as this one.
        let lead = head_age.min(0).unsigned_abs() * ticks.nanos();
        let origin = now.as_nanos().saturating_add(lead).saturating_sub(passed % ticks.nanos());
        let origin = Moment::from_nanos(origin);
        let head_age = head_age.max(0) as u64;
        let live: Vec<u64> = iter::once(0)
            .chain(self.older.iter().copied())
            .map(|age| head_age.saturating_add(u64::from(age)))
            .take_while(|&age| age <= u64::from(ticks.window()))
            .collect();
        if quota == self.quota { self.continued(origin, &live) } else { self.replayed(quota, origin, &live) }
    }

    /// The same groups at the same places, so that what a group hides is not hidden twice.
    fn continued(&self, origin: Moment, live: &[u64]) -> Option<Window> {
        let geometry = Geometry::of(self.quota);
        let next_tick = u64::from(Ticks::of(self.quota).window()) + 1;
        let (&head_age, older) = live.split_first()?;
        let mut slots = [0; SLOTS];
        for (step, age) in (1..).zip(older) {
            let group = geometry.before(u32::from(self.group), step);
            if let Some(slot) = slots.get_mut(group as usize) {
                *slot = (next_tick - age) as u32;
            }
        }
        let position = Position { group: u32::from(self.group), count: self.count };
        Some(Window::new(self.quota, origin, head_at((next_tick - head_age) as u32, position), slots))
    }

    /// The units of the live groups, each at its group's time, in a ring of another shape from its first group on. If
    /// there are more than the new limit, the newest count: room comes back as soon as fewer than the limit are live.
    fn replayed(&self, quota: Quota, origin: Moment, live: &[u64]) -> Option<Window> {
        let old = Geometry::of(self.quota);
        let (old_ticks, ticks) = (Ticks::of(self.quota), Ticks::of(quota));
        let window_nanos = i128::from(ticks.window()) * i128::from(ticks.nanos());
        let mut entries = Vec::with_capacity(live.len());
        for (step, &age) in (0..).zip(live) {
            let since_base = window_nanos - (i128::from(age) - 1) * i128::from(old_ticks.nanos());
            if since_base <= 0 {
                break;
            }
            let group = old.before(u32::from(self.group), step);
            let units = if step == 0 { self.count } else { old.size(group) };
            let tick = (since_base as u128).div_ceil(u128::from(ticks.nanos()));
            entries.push((units, u32::try_from(tick).unwrap_or(u32::MAX)));
        }

        let geometry = Geometry::of(quota);
        let mut surplus = entries.iter().map(|&(units, _)| units).sum::<u32>().saturating_sub(quota.limit());
        let mut slots = [0; SLOTS];
        let mut head = None;
        let mut end = Position { group: 0, count: 0 };
        for (units, tick) in entries.into_iter().rev() {
            let dropped = surplus.min(units);
            surplus -= dropped;
            let units = units - dropped;
            if units == 0 {
                continue;
            }
            let first = geometry.advance(end, 1).group;
            end = geometry.advance(end, units);
            for slot in slots.iter_mut().take(end.group as usize + 1).skip(first as usize) {
                *slot = tick;
            }
            head = Some(head_at(tick, end));
        }
        Some(Window::new(quota, origin, head?, slots))
    }

    /// Whether a cell could have written this, which is all that [`WindowSnapshot::window`] relies on.
    fn is_possible(&self) -> bool {
        let (geometry, ticks) = (Geometry::of(self.quota), Ticks::of(self.quota));
        let window = i64::from(ticks.window());
        let group = u32::from(self.group);
        u64::from(self.phase) < ticks.nanos()
            && group < geometry.groups()
            && (1..=geometry.size(group)).contains(&self.count)
            && (-MAX_LEAD_WINDOWS * window..=window).contains(&self.head_age)
            && self.older.len() < geometry.groups() as usize
            && self.older.is_sorted()
            && self.older.last().is_none_or(|&oldest| self.head_age.max(0) + i64::from(oldest) <= window)
    }
}

fn head_at(tick: u32, Position { group, count }: Position) -> Head {
    Head { tick, group, span: 0, count, sealed: false }
}

fn split<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], SnapshotError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(SnapshotError::Damaged)?;
    *bytes = rest;
    Ok(*first)
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
