use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{AddressText, EventIdText, KeyIdText, OrganizationIdText, TimeText, schema};

/// One line of the audit log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEvent)]
pub(crate) struct EventObject<'a> {
    /// Its id.
    pub(crate) id: EventIdText,
    /// When it happened.
    pub(crate) at: TimeText,
    /// What happened.
    #[schema(schema_with = schema::action)]
    pub(crate) action: &'a str,
    /// Who did it; null for whoever owns the machine.
    #[schema(required)]
    pub(crate) actor: Option<ActorObject<'a>>,
    /// In whose log it stands.
    pub(crate) organization_id: OrganizationIdText,
    /// The key that it is about.
    #[schema(required)]
    pub(crate) key_id: Option<KeyIdText>,
    /// The channel that it is about.
    #[schema(required)]
    pub(crate) channel_id: Option<&'a str>,
    /// The address that the caller came from.
    #[schema(required)]
    pub(crate) address: Option<AddressText>,
    /// The request that did it.
    #[schema(required)]
    pub(crate) request_id: Option<&'a str>,
    /// Old and new values by field.
    pub(crate) changes: BTreeMap<&'a str, ChangeObject<'a>>,
}

/// A caller's key, with the name that it had.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub(crate) struct ActorObject<'a> {
    /// The key.
    pub(crate) key_id: KeyIdText,
    /// Its name at the time.
    pub(crate) name: &'a str,
}

/// What a field was and what it became.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeObject<'a> {
    /// What it was; null if there was none.
    pub(crate) from: &'a Value,
    /// What it became; null if there is none.
    pub(crate) to: &'a Value,
}
