use std::collections::{BTreeMap, BTreeSet};

use qwetty_authz::{ChannelScope, IpPolicy, PermissionGrant};
use qwetty_keys::{EventId, KeyId, OrganizationId, Timestamp};
use qwetty_storage::{Action, AuditEvent, Change, Changes, KeyRecord};
use serde_json::{Value, json};

use super::{Caller, Excess, KeyManager, ManageError};

/// What an event is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) organization: OrganizationId,
    pub(super) key: Option<KeyId>,
    pub(super) channel: Option<&'a qwetty_authz::ChannelId>,
}

impl Subject<'_> {
    pub(super) fn key(record: &KeyRecord) -> Self {
        Self { organization: record.organization, key: Some(record.id), channel: None }
    }
}

impl KeyManager {
    pub(super) fn event(
        &self,
        caller: &Caller,
        action: Action,
        subject: Subject<'_>,
        changes: Changes,
    ) -> Result<AuditEvent, ManageError> {
        let at = self.wall();
        Ok(AuditEvent {
            id: EventId::generate(at, &mut self.core.entropy.draw())?,
            at,
            action,
            actor: caller.actor(),
            organization: subject.organization,
            key: subject.key,
            channel: subject.channel.cloned(),
            address: caller.origin.address,
            request_id: caller.origin.request_id.clone(),
            changes,
        })
    }

    /// The event of a key that came to be, changed, or went.
    pub(super) fn key_event(
        &self,
        caller: &Caller,
        action: Action,
        before: Option<&KeyRecord>,
        after: Option<&KeyRecord>,
    ) -> Result<AuditEvent, ManageError> {
        let subject = after.or(before).map(Subject::key).ok_or(ManageError::NotFound)?;
        let changes = difference(
            &before.map(|record| self.settings(record)).unwrap_or_default(),
            &after.map(|record| self.settings(record)).unwrap_or_default(),
        );
        self.event(caller, action, subject, changes)
    }

    /// Writes down that a caller tried to exceed what it holds, and hands the refusal on.
    pub(super) async fn refuse(
        &self,
        caller: &Caller,
        subject: Subject<'_>,
        attempt: Action,
        excess: Excess,
        mut changes: Changes,
    ) -> ManageError {
        let said = |what: &str| Change { from: Value::Null, to: Value::String(what.to_owned()) };
        changes.insert("attempted".to_owned(), said(attempt.as_str()));
        changes.insert("exceeded".to_owned(), said(excess.name()));
        let event = match self.event(caller, Action::KeyGrantRefused, subject, changes) {
            Ok(event) => event,
            Err(error) => return error,
        };
        match self.core.store.append_event(&event).await {
            Ok(()) => ManageError::ExceedsCaller(excess),
            Err(error) => ManageError::Unavailable(error),
        }
    }

    /// Everything of a key that an audit event tells, as it is written on the wire. Digests are not told.
    pub(super) fn settings(&self, record: &KeyRecord) -> BTreeMap<&'static str, Value> {
        let lifecycle = record.lifecycle.clone().into_parts();
        let revocation = record.lifecycle.revocation();
        let permissions = match &record.access.permissions {
            PermissionGrant::All => json!("all"),
            PermissionGrant::Only(_) => texts(self.core.catalogue.in_order(&record.access.permissions)),
        };
        BTreeMap::from([
            ("name", text(&record.name)),
            ("description", record.description.as_ref().map_or(Value::Null, text)),
            ("permissions", permissions),
            (
                "channelScopes",
                match &record.access.channels {
                    ChannelScope::All => Value::Null,
                    ChannelScope::Only(channels) => texts(channels.iter()),
                },
            ),
            (
                "ipWhitelist",
                match &record.access.networks {
                    IpPolicy::Any => Value::Null,
                    IpPolicy::Only(networks) => texts(networks.iter()),
                },
            ),
            ("tier", text(record.tier)),
            ("expiresAt", time(lifecycle.expires_at)),
            ("start", text(lifecycle.current.start)),
            ("regeneratedAt", time(lifecycle.regenerated_at)),
            ("previousValueExpiresAt", time(lifecycle.previous.map(|previous| previous.ends_at))),
            ("revokedAt", time(revocation.map(|revocation| revocation.at))),
            (
                "revocationReason",
                revocation.and_then(|revocation| revocation.reason.as_ref()).map_or(Value::Null, text),
            ),
        ])
    }
}

/// The fields whose value differs; one that is missing on a side is null there.
pub(super) fn difference(
    before: &BTreeMap<&'static str, Value>,
    after: &BTreeMap<&'static str, Value>,
) -> Changes {
    let value = |side: &BTreeMap<&'static str, Value>, field| side.get(field).cloned().unwrap_or(Value::Null);
    let fields: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    fields
        .into_iter()
        .map(|field| ((*field).to_owned(), Change { from: value(before, field), to: value(after, field) }))
        .filter(|(_, change)| change.from != change.to)
        .collect()
}

pub(super) fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn texts(values: impl IntoIterator<Item = impl ToString>) -> Value {
    values.into_iter().map(text).collect()
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, text)
}
