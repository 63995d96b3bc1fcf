use async_trait::async_trait;
use qwetty_keys::KeyId;

use super::MemoryStore;
use super::state::Entry;
use crate::{Hour, HourlyCounts, StoreError, UsageBatch, UsageRow, UsageStore};

#[async_trait]
impl UsageStore for MemoryStore {
    async fn record_usage(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let mut state = self.state();
        let applied = state.writers.entry(batch.writer).or_insert(0);
        if batch.sequence <= *applied {
            return Ok(());
        }
        *applied = batch.sequence;
        for row in &batch.rows {
            if let Some(entry) = state.keys.get_mut(&row.key) {
                entry.add(row);
            }
        }
        Ok(())
    }

    async fn usage(&self, key: KeyId, from: Hour, to: Hour) -> Result<Vec<HourlyCounts>, StoreError> {
        let state = self.state();
        let hours = state.keys.get(&key).into_iter().flat_map(|entry| &entry.hours);
        Ok(hours
            .filter(|(hour, _)| (from..to).contains(hour))
            .map(|(hour, counts)| HourlyCounts { hour: *hour, counts: *counts })
            .collect())
    }

    async fn oldest_usage(&self) -> Result<Option<Hour>, StoreError> {
        let state = self.state();
        let oldest = state.keys.values().filter_map(|entry| entry.hours.keys().min()).min();
        Ok(oldest.copied())
    }

    async fn forget_usage(&self, before: Hour) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        for entry in self.state().keys.values_mut() {
            entry.hours.retain(|hour, counts| {
                let kept = *hour >= before;
                if !kept {
                    forgotten += counts.iter().count();
                }
                kept
            });
        }
        Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
    }
}

impl Entry {
    fn add(&mut self, row: &UsageRow) {
        for HourlyCounts { hour, counts } in &row.hours {
            self.usage.request_count = self.usage.request_count.saturating_add(counts.admitted());
            self.usage.denied_count = self.usage.denied_count.saturating_add(counts.denied());
            self.hours.entry(*hour).or_default().add_all(counts);
        }
        self.usage.last_used_at = self.usage.last_used_at.max(row.last_used_at);
        self.usage.previous_value_last_used_at =
            self.usage.previous_value_last_used_at.max(row.previous_value_last_used_at);
        if row.window.is_some() {
            self.window.clone_from(&row.window);
        }
    }
}
