use qwetty_authz::Permission;
use qwetty_keys::{KeyValue, Status, Timestamp};
use qwetty_ratelimit::Quota;
use qwetty_storage::{KeyRecord, StoredKey, UsageTotals};

use super::KeyManager;
use crate::usage::{Pending, View};

/// A key as management shows it, at one instant.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// The key.
    pub record: KeyRecord,
    /// Its usage, what is not flushed yet included.
    pub usage: UsageTotals,
    /// Its status at `at`.
    pub status: Status,
    /// Its permissions in the order of the catalogue.
    pub permissions: Vec<Permission>,
    /// The quota that its tier gives.
    pub quota: Quota,
    /// The instant of the view.
    pub at: Timestamp,
}

impl KeyView {
    /// When the older value ends; `None` if there is none alive.
    pub fn previous_value_expires_at(&self) -> Option<Timestamp> {
        self.record.lifecycle.previous(self.at).map(|previous| previous.ends_at)
    }

    /// When the older value was last used since it became the older one; `None` also if there is none alive.
    pub fn previous_value_last_used_at(&self) -> Option<Timestamp> {
        self.record.lifecycle.previous(self.at)?;
        let since = self.record.lifecycle.regenerated_at()?;
        self.usage.previous_value_last_used_at.filter(|used| *used >= since)
    }
}

/// A key that was made or got a new value: the only place where the value is.
#[derive(Debug)]
pub struct IssuedKey {
    /// The key.
    pub key: KeyView,
    /// Its value, to be shown once.
    pub value: KeyValue,
}

impl KeyManager {
    /// How a key stands now. `usage` must be held since before the key was read.
    pub(super) fn view(&self, stored: StoredKey, usage: &View<'_>) -> KeyView {
        let at = self.core.cache.judged_at(stored.record.id, self.wall());
        self.view_at(stored, usage, at)
    }

    /// How a key stands at the time by which it is judged, of which a list has one of its own.
    pub(super) fn view_at(&self, stored: StoredKey, usage: &View<'_>, at: Timestamp) -> KeyView {
        let StoredKey { record, usage: totals } = stored;
        self.tell_end(&record, at);
        let state = self.core.cache.state(record.id);
        let pending = usage.pending(record.id, state.as_deref());
        KeyView {
            usage: sum(totals, &pending),
            status: record.lifecycle.status(at),
            permissions: self.core.catalogue.in_order(&record.access.permissions),
            quota: self.core.quotas.get(record.tier),
            at,
            record,
        }
    }

    /// The instant by which a key is judged. Whoever asks is about to tell what is over by then.
    pub(super) fn judged_at(&self, record: &KeyRecord) -> Timestamp {
        let at = self.core.cache.judged_at(record.id, self.wall());
        self.tell_end(record, at);
        at
    }

    /// What is told to be over stays over in this run, whatever the clock does.
    fn tell_end(&self, record: &KeyRecord, at: Timestamp) {
        if let Some(end) = record.lifecycle.ended_at(at) {
            self.core.cache.tell_end(record.id, end);
        }
    }
}

fn sum(stored: UsageTotals, pending: &Pending) -> UsageTotals {
    let admitted = pending.hours.iter().map(|hour| hour.counts.admitted()).sum::<u64>();
    let denied = pending.hours.iter().map(|hour| hour.counts.denied()).sum::<u64>();
    UsageTotals {
        request_count: stored.request_count.saturating_add(admitted),
        denied_count: stored.denied_count.saturating_add(denied),
        last_used_at: stored.last_used_at.max(pending.last_used_at),
        previous_value_last_used_at: stored
            .previous_value_last_used_at
            .max(pending.previous_value_last_used_at),
    }
}
