use std::collections::BTreeMap;

use qwetty_keys::{EventId, KeyId, OrganizationId};
use qwetty_storage::{Actor, AuditEvent, Change, Changes};
use rusqlite::{Connection, Row, named_params};
use serde_json::Value;

use crate::columns::{Columns, blob};
use crate::fault::Fault;

/// What [`event`] reads.
pub(crate) const EVENT_COLUMNS: &str =
    "id, at, action, actor_key, actor_name, organization, key, channel, address, request_id, changes";

/// Writes an event, in the transaction of what it tells of.
pub(crate) fn append(connection: &Connection, event: &AuditEvent) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (id, at, action, actor_key, actor_name, organization, key, channel, address, request_id,
            changes)
         VALUES (:id, :at, :action, :actor_key, :actor_name, :organization, :key, :channel, :address, :request_id,
            :changes)",
    )?;
    statement.execute(named_params! {
        ":id": blob(event.id.as_u128()),
        ":at": event.at.unix_micros(),
        ":action": event.action.as_str(),
        ":actor_key": event.actor.as_ref().map(|actor| blob(actor.key.as_u128())),
        ":actor_name": event.actor.as_ref().map(|actor| actor.name.as_str()),
        ":organization": blob(event.organization.as_u128()),
        ":key": event.key.map(|key| blob(key.as_u128())),
        ":channel": event.channel.as_ref().map(|channel| channel.as_str()),
        ":address": event.address.map(|address| address.to_string()),
        ":request_id": event.request_id,
        ":changes": changes_text(&event.changes),
    })?;
    Ok(())
}

/// Reads a row of [`EVENT_COLUMNS`].
pub(crate) fn event(row: &Row<'_>) -> Result<AuditEvent, Fault> {
    let mut columns = Columns::of(row, "audit event");
    Ok(AuditEvent {
        id: EventId::from_u128(columns.id()?),
        at: columns.instant()?,
        action: columns.parse()?,
        actor: match (columns.id_optional()?, columns.parse_optional()?) {
            (Some(key), Some(name)) => Some(Actor { key: KeyId::from_u128(key), name }),
            (None, None) => None,
            _ => return Err(columns.damaged("is there by half")),
        },
        organization: OrganizationId::from_u128(columns.id()?),
        key: columns.id_optional()?.map(KeyId::from_u128),
        channel: columns.parse_optional()?,
        address: columns.parse_optional()?,
        request_id: columns.get()?,
        changes: columns.meaning(changes)?,
    })
}

fn changes_text(changes: &Changes) -> String {
    let pairs = changes
        .iter()
        .map(|(field, change)| (field.clone(), Value::Array(vec![change.from.clone(), change.to.clone()])));
    Value::Object(pairs.collect()).to_string()
}

fn changes(text: &str) -> Option<Changes> {
    let pairs: BTreeMap<String, [Value; 2]> = serde_json::from_str(text).ok()?;
    Some(pairs.into_iter().map(|(field, [from, to])| (field, Change { from, to })).collect())
}
