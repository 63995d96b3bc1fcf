use serde::Serialize;
use utoipa::ToSchema;

use super::{OrganizationIdText, TimeText};

/// Who owns keys and channels.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub(crate) struct OrganizationObject<'a> {
    /// Its id.
    pub(crate) id: OrganizationIdText,
    /// What people call it.
    pub(crate) name: &'a str,
    /// When it was made.
    pub(crate) created_at: TimeText,
    /// When its name last changed.
    pub(crate) updated_at: TimeText,
}
