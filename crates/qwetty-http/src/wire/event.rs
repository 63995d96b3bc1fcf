use std::collections::BTreeMap;
use std::net::IpAddr;

use qwetty_keys::{EventId, KeyId, OrganizationId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::Text;

/// One line of the audit log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventObject<'a> {
    /// Its id.
    pub(crate) id: Text<EventId>,
    /// When it happened.
    pub(crate) at: Text<Timestamp>,
    /// What happened.
    pub(crate) action: &'a str,
    /// Who did it; null for whoever owns the machine.
    pub(crate) actor: Option<ActorObject<'a>>,
    /// In whose log it stands.
    pub(crate) organization_id: Text<OrganizationId>,
    /// The key that it is about.
    pub(crate) key_id: Option<Text<KeyId>>,
    /// The channel that it is about.
    pub(crate) channel_id: Option<&'a str>,
    /// The address that the caller came from.
    pub(crate) address: Option<Text<IpAddr>>,
    /// The request that did it.
    pub(crate) request_id: Option<&'a str>,
    /// Old and new values by field.
    pub(crate) changes: BTreeMap<&'a str, ChangeObject<'a>>,
}

/// A caller's key, with the name that it had.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActorObject<'a> {
    /// The key.
    pub(crate) key_id: Text<KeyId>,
    /// Its name at the time.
    pub(crate) name: &'a str,
}

/// What a field was and what it became.
#[derive(Serialize)]
pub(crate) struct ChangeObject<'a> {
    /// What it was; null if there was none.
    pub(crate) from: &'a Value,
    /// What it became; null if there is none.
    pub(crate) to: &'a Value,
}
