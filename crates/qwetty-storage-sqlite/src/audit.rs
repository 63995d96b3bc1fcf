use async_trait::async_trait;
use qwetty_keys::Timestamp;
use qwetty_storage::{AuditEvent, AuditStore, EventQuery, Listing, StoreError};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::SqliteStore;
use crate::columns::{blob, count};
use crate::doubt::Subject;
use crate::event_row::{EVENT_COLUMNS, append, event};
use crate::fault::Fault;

/// How many events are forgotten in one go, so that other changes do not wait long behind it.
const FORGOTTEN_AT_ONCE: u32 = 2000;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append_event(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let event = event.clone();
        self.write(Subject::None, move |connection| append(connection, &event)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Listing<AuditEvent>, StoreError> {
        let query = query.clone();
        self.read(move |connection| list(connection, &query)).await
    }

    async fn oldest_event(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT min(at) FROM events")?;
            let oldest: Option<i64> = statement.query_row([], |row| row.get(0))?;
            Ok(oldest.map(Timestamp::from_unix_micros))
        })
        .await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let some = self.write(Subject::None, move |connection| forget_some(connection, before)).await?;
            forgotten += u64::from(some);
            if some < FORGOTTEN_AT_ONCE {
                return Ok(forgotten);
            }
        }
    }
}

fn list(connection: &Connection, query: &EventQuery) -> Result<Listing<AuditEvent>, Fault> {
    let mut condition = "organization = :organization".to_owned();
    let mut parameters: Vec<(&str, Value)> =
        vec![(":organization", blob(query.organization.as_u128()).to_vec().into())];
    if let Some(key) = query.key {
        condition.push_str(" AND key = :key");
        parameters.push((":key", blob(key.as_u128()).to_vec().into()));
    }
    if let Some(action) = query.action {
        condition.push_str(" AND action = :action");
        parameters.push((":action", action.as_str().to_owned().into()));
    }
    let index = if query.key.is_some() { "events_by_key" } else { "events_by_organization" };

    let mut statement = connection
        .prepare_cached(&format!("SELECT count(*) FROM events INDEXED BY {index} WHERE {condition}"))?;
    let total = statement.query_and_then(&*parameters, count)?.sum::<Result<_, _>>()?;

    parameters.push((":limit", query.page.limit.into()));
    parameters.push((":offset", i64::try_from(query.page.offset).unwrap_or(i64::MAX).into()));
    // The page is found in the index; the rows of those passed over, which lie all over the file, are not read.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {EVENT_COLUMNS} FROM events WHERE (at, id) IN (
            SELECT at, id FROM events INDEXED BY {index} WHERE {condition}
            ORDER BY at DESC, id DESC LIMIT :limit OFFSET :offset
         ) ORDER BY at DESC, id DESC"
    ))?;
    let items = statement.query_and_then(&*parameters, event)?.collect::<Result<_, _>>()?;
    Ok(Listing { items, total })
}

/// Forgets the oldest of the events before this instant.
fn forget_some(connection: &Connection, before: Timestamp) -> Result<u32, Fault> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM events WHERE (at, id) IN (SELECT at, id FROM events WHERE at < ? ORDER BY at, id LIMIT ?)",
    )?;
    let forgotten = statement.execute((before.unix_micros(), FORGOTTEN_AT_ONCE))?;
    Ok(u32::try_from(forgotten).unwrap_or(FORGOTTEN_AT_ONCE))
}
