use qwetty_keys::{OrganizationId, Timestamp};
use serde::Serialize;

use super::Text;

/// Who owns keys and channels.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationObject<'a> {
    /// Its id.
    pub(crate) id: Text<OrganizationId>,
    /// What people call it.
    pub(crate) name: &'a str,
    /// When it was made.
    pub(crate) created_at: Text<Timestamp>,
    /// When its name last changed.
    pub(crate) updated_at: Text<Timestamp>,
}
