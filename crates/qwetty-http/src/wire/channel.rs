use qwetty_keys::{OrganizationId, Timestamp};
use serde::Serialize;

use super::Text;

/// One of an organization's channels.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChannelObject<'a> {
    /// Its id within the organization.
    pub(crate) id: &'a str,
    /// The organization that it belongs to.
    pub(crate) organization_id: Text<OrganizationId>,
    /// What people call it.
    pub(crate) name: &'a str,
    /// What it speaks.
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    /// When it was first saved.
    pub(crate) created_at: Text<Timestamp>,
    /// When it last changed.
    pub(crate) updated_at: Text<Timestamp>,
}
