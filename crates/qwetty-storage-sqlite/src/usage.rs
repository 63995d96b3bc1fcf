use async_trait::async_trait;
use qwetty_keys::{KeyId, Timestamp};
use qwetty_storage::{
    Hour, HourlyCounts, Outcome, OutcomeCounts, SavedWindow, StoreError, UsageBatch, UsageRow, UsageStore,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::columns::{Columns, blob};
use crate::doubt::Subject;
use crate::fault::Fault;

/// For how long the last batch of a writer that has gone silent is remembered: 30 days in microseconds.
const WRITER_KEPT: i64 = 30 * 24 * 3600 * 1_000_000;

/// Over how many keys hours are forgotten in one go, so that other changes do not wait long behind it.
const FORGOTTEN_AT_ONCE: i64 = 500;

#[async_trait]
impl UsageStore for SqliteStore {
    async fn record_usage(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let batch = batch.clone();
        self.write(Subject::None, move |connection| {
            if is_new(connection, &batch)? {
                let mut adding = Adding::to(connection)?;
                batch.rows.iter().try_for_each(|row| adding.add(row))?;
            }
            Ok(())
        })
        .await
    }

    async fn usage(&self, key: KeyId, from: Hour, to: Hour) -> Result<Vec<HourlyCounts>, StoreError> {
        self.read(move |connection| hours(connection, key, from, to)).await
    }

    async fn oldest_usage(&self) -> Result<Option<Hour>, StoreError> {
        self.read(oldest).await
    }

    async fn forget_usage(&self, before: Hour) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        let mut next = Some(i64::MIN);
        while let Some(first) = next {
            let some;
            (some, next) =
                self.write(Subject::None, move |connection| forget_some(connection, before, first)).await?;
            forgotten += some;
        }
        Ok(forgotten)
    }
}

/// Writes down that a batch is applied; false if it was before.
fn is_new(connection: &Connection, batch: &UsageBatch) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO usage_writers (writer, sequence, at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET sequence = excluded.sequence, at = excluded.at WHERE sequence < excluded.sequence",
    )?;
    let at = batch.at.unix_micros();
    let new = statement.execute(params![blob(batch.writer), stored(batch.sequence), at])? > 0;
    let mut statement = connection.prepare_cached("DELETE FROM usage_writers WHERE at < ?")?;
    statement.execute([at.saturating_sub(WRITER_KEPT)])?;
    Ok(new)
}

/// Adds rows to what is stored.
///
/// Each statement writes at most one row and nothing follows from it, no trigger and no `RETURNING`: SQLite would else keep each
/// page as it was before the statement, which took more than half of the time. Hence no upsert, either: what is not there
/// to be updated is inserted, once an hour.
struct Adding<'c> {
    number: CachedStatement<'c>,
    totals: CachedStatement<'c>,
    hour: CachedStatement<'c>,
    new_hour: CachedStatement<'c>,
    window: CachedStatement<'c>,
    new_window: CachedStatement<'c>,
}

impl<'c> Adding<'c> {
    fn to(connection: &'c Connection) -> Result<Self, Fault> {
        Ok(Self {
            number: connection.prepare_cached("SELECT number FROM keys WHERE id = ?")?,
            // `max` of two is null if either is.
            totals: connection.prepare_cached(
                "UPDATE keys SET request_count = request_count + ?2, denied_count = denied_count + ?3,
                    last_used_at = max(ifnull(last_used_at, ?4), ifnull(?4, last_used_at)),
                    previous_value_last_used_at =
                        max(ifnull(previous_value_last_used_at, ?5), ifnull(?5, previous_value_last_used_at))
                 WHERE number = ?1",
            )?,
            hour: connection.prepare_cached(
                "UPDATE usage_hours SET count = count + ?4 WHERE key = ?1 AND hour = ?2 AND outcome = ?3",
            )?,
            new_hour: connection.prepare_cached(
                "INSERT INTO usage_hours (key, hour, outcome, count) VALUES (?1, ?2, ?3, ?4)",
            )?,
            window: connection
                .prepare_cached("UPDATE windows SET saved_at = ?2, snapshot = ?3 WHERE key = ?1")?,
            new_window: connection
                .prepare_cached("INSERT INTO windows (key, saved_at, snapshot) VALUES (?1, ?2, ?3)")?,
        })
    }

    fn add(&mut self, row: &UsageRow) -> Result<(), Fault> {
        let number = self.number.query_row([blob(row.key.as_u128())], |row| row.get(0)).optional()?;
        let Some(key): Option<i64> = number else {
            return Ok(());
        };
        let mut sum = OutcomeCounts::default();
        for HourlyCounts { hour, counts } in &row.hours {
            sum.add_all(counts);
            for (outcome, count) in counts.iter() {
                let parameters = params![key, hour.number(), outcome.number(), stored(count)];
                if self.hour.execute(parameters)? == 0 {
                    self.new_hour.execute(parameters)?;
                }
            }
        }
        self.totals.execute(params![
            key,
            stored(sum.admitted()),
            stored(sum.denied()),
            row.last_used_at.map(Timestamp::unix_micros),
            row.previous_value_last_used_at.map(Timestamp::unix_micros),
        ])?;
        if let Some(SavedWindow { saved_at, snapshot }) = &row.window {
            let parameters = params![key, saved_at.unix_micros(), snapshot.to_bytes()];
            if self.window.execute(parameters)? == 0 {
                self.new_window.execute(parameters)?;
            }
        }
        Ok(())
    }
}

fn hours(connection: &Connection, key: KeyId, from: Hour, to: Hour) -> Result<Vec<HourlyCounts>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT hour, outcome, count FROM usage_hours
         WHERE key = (SELECT number FROM keys WHERE id = ?) AND hour >= ? AND hour < ? ORDER BY hour, outcome",
    )?;
    let mut rows = statement.query(params![blob(key.as_u128()), from.number(), to.number()])?;
    let mut hours: Vec<HourlyCounts> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row, "usage count");
        let hour = Hour::from_number(columns.get()?);
        let outcome =
            columns.get().map(Outcome::from_number)?.ok_or_else(|| columns.damaged("has no meaning"))?;
        let count = columns.count()?;
        match hours.last_mut() {
            Some(last) if last.hour == hour => last.counts.add(outcome, count),
            _ => {
                let mut counts = OutcomeCounts::default();
                counts.add(outcome, count);
                hours.push(HourlyCounts { hour, counts });
            }
        }
    }
    Ok(hours)
}

/// A step into the table for each key, and not a look at every row.
fn oldest(connection: &Connection) -> Result<Option<Hour>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT min((SELECT min(hour) FROM usage_hours WHERE usage_hours.key = keys.number)) FROM keys",
    )?;
    let oldest: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(oldest.map(Hour::from_number))
}

/// Forgets hours of some keys, from the one numbered `first` on: how many counts, and where to go on.
fn forget_some(connection: &Connection, before: Hour, first: i64) -> Result<(u64, Option<i64>), Fault> {
    let mut statement = connection
        .prepare_cached("SELECT number FROM keys WHERE number >= ? ORDER BY number LIMIT 1 OFFSET ?")?;
    let next: Option<i64> = statement.query_row([first, FORGOTTEN_AT_ONCE], |row| row.get(0)).optional()?;
    let mut statement = connection.prepare_cached(
        "DELETE FROM usage_hours WHERE key >= ? AND key < ifnull(?, ~(1 << 63)) AND hour < ?",
    )?;
    let forgotten = statement.execute(params![first, next, before.number()])?;
    Ok((u64::try_from(forgotten).unwrap_or(u64::MAX), next))
}

/// A count as it is stored. No count gets near the largest.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
