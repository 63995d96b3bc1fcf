//! What answers look like, written by the types that write the real ones.

use std::collections::BTreeMap;

use qwetty_authz::Network;
use qwetty_keys::{EventId, KeyId, OrganizationId, Timestamp};
use serde_json::{Value, json};

use crate::wire::{
    ActorObject, ChangeObject, ChannelObject, CountsObject, EventObject, KeyObject, LevelObject,
    OrganizationObject, PermissionObject, PointObject, QuotaObject, Text, UsageObject, UsageReportObject,
    VerifyGrants, VerifyObject, VerifySubject,
};

/// A request id.
pub(super) const REQUEST: &str = "req_4a7qhk2m5w8x9yb3d6f1g0n2pr";

const CHATS_READ: &str = "chats:read";
const MESSAGES_SEND: &str = "messages:send";
const CHANNEL: &str = "wa-sales";
const NAME: &str = "CRM Integration";

/// A key value of the right form, whose checksum is wrong: nobody's, anywhere.
pub(super) const VALUE: &str = "qwt_4fJkExampleExampleExampleExampleExampleExample000";

/// A key's id.
pub(super) fn key_id() -> KeyId {
    KeyId::from_u128(0x019a_7e3f_2dd7_7a3d_8e2b_5c1f_90ab_4d18)
}

/// A key; with its value, as it is issued.
pub(super) fn key(value: Option<&str>) -> Value {
    let networks: Vec<Network> = "203.0.113.0/24".parse().into_iter().collect();
    json!(KeyObject {
        id: Text(key_id()),
        organization_id: Text(organization_id()),
        name: NAME,
        description: None,
        start: "qwt_4fJk",
        key: value,
        status: "active",
        permissions: vec![CHATS_READ, MESSAGES_SEND],
        channel_scopes: Some(vec![CHANNEL]),
        ip_whitelist: Some(networks.iter().map(Text).collect()),
        tier: "standard",
        rate_limit: QuotaObject { limit: 1000, window_seconds: 3600 },
        expires_at: None,
        created_at: Text(noon()),
        updated_at: Text(noon()),
        created_by: Some(Text(caller_id())),
        revoked_at: None,
        revocation_reason: None,
        regenerated_at: None,
        previous_value_expires_at: None,
        previous_value_last_used_at: None,
        usage: UsageObject { request_count: 0, denied_count: 0, last_used_at: None },
    })
}

/// A verdict that admits.
pub(super) fn verdict() -> Value {
    let subject =
        VerifySubject { key_id: Text(key_id()), organization_id: Text(organization_id()), name: NAME };
    let grants = VerifyGrants {
        permissions: vec![CHATS_READ, MESSAGES_SEND],
        channel_scopes: Some(vec![CHANNEL]),
        tier: "standard",
        expires_at: None,
        rate_limit: LevelObject { limit: 1000, remaining: 999, reset: noon().unix_seconds() + 3600 },
    };
    let mut text = Vec::new();
    VerifyObject::allowed(subject, grants).write(&mut text);
    // What is written is JSON.
    serde_json::from_slice(&text).unwrap_or_default()
}

/// What a key was used for.
pub(super) fn usage() -> Value {
    let counts = || CountsObject { request_count: 240, denied_count: 3 };
    json!(UsageReportObject {
        key_id: Text(key_id()),
        from: Text(noon()),
        to: Text(Timestamp::from_unix_micros(noon().unix_micros() + 3_600_000_000)),
        totals: counts(),
        denied_by_code: BTreeMap::from([("ip_not_allowed", 3)]),
        points: vec![PointObject { at: Text(noon()), counts: counts() }],
    })
}

/// An entry of the catalogue.
pub(super) fn permission() -> Value {
    json!(PermissionObject { name: CHATS_READ, label: "Read chats and messages", administration: false })
}

/// A channel.
pub(super) fn channel() -> Value {
    json!(ChannelObject {
        id: CHANNEL,
        organization_id: Text(organization_id()),
        name: "Sales",
        kind: "whatsapp",
        created_at: Text(noon()),
        updated_at: Text(noon()),
    })
}

/// An organization.
pub(super) fn organization() -> Value {
    json!(OrganizationObject {
        id: Text(organization_id()),
        name: "Acme",
        created_at: Text(noon()),
        updated_at: Text(noon()),
    })
}

/// An audit event.
pub(super) fn event() -> Value {
    let (from, to) = (json!("CRM"), json!(NAME));
    json!(EventObject {
        id: Text(EventId::from_u128(0x019a_7e3f_2dd7_7b51_9c4d_2e8f_60a1_73b5)),
        at: Text(noon()),
        action: "key.updated",
        actor: Some(ActorObject { key_id: Text(caller_id()), name: "Back office" }),
        organization_id: Text(organization_id()),
        key_id: Some(Text(key_id())),
        channel_id: None,
        address: "198.51.100.7".parse().ok().map(Text),
        request_id: Some(REQUEST),
        changes: BTreeMap::from([("name", ChangeObject { from: &from, to: &to })]),
    })
}

fn caller_id() -> KeyId {
    KeyId::from_u128(0x019a_7e3e_11c4_7d02_b6f7_3a9d_41e8_5c60)
}

pub(super) fn organization_id() -> OrganizationId {
    OrganizationId::from_u128(0x019a_7e3d_0a2b_7c90_a1d5_4f6b_8237_e9c4)
}

/// 2026-01-01T12:00:00Z
fn noon() -> Timestamp {
    Timestamp::from_unix_micros(1_767_268_800_000_000)
}
