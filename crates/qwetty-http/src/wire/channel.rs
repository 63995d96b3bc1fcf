use serde::Serialize;
use utoipa::ToSchema;

use super::{OrganizationIdText, TimeText, schema};

/// One of an organization's channels.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Channel)]
pub(crate) struct ChannelObject<'a> {
    /// Its id within the organization.
    pub(crate) id: &'a str,
    /// The organization that it belongs to.
    pub(crate) organization_id: OrganizationIdText,
    /// What people call it.
    pub(crate) name: &'a str,
    /// What it speaks.
    #[serde(rename = "type")]
    #[schema(schema_with = schema::channel_kind)]
    pub(crate) kind: &'a str,
    /// When it was first saved.
    pub(crate) created_at: TimeText,
    /// When it last changed.
    pub(crate) updated_at: TimeText,
}
