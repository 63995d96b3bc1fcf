use serde::Serialize;
use utoipa::ToSchema;

use super::schema;
use crate::faults::Faults;

/// What went wrong: RFC 9457. Programs match on `code`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(crate) struct ProblemObject<'a> {
    /// Where the code is explained, relative to this server.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// A few words for people, the same for every occurrence of the code.
    pub(crate) title: &'a str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What is wrong here, for people.
    pub(crate) detail: &'a str,
    /// The code; it never changes.
    pub(crate) code: &'a str,
    /// The request, as in `X-Request-Id`.
    pub(crate) request_id: &'a str,
    /// Every fault of the body.
    #[serde(skip_serializing_if = "Faults::is_empty")]
    #[schema(schema_with = schema::faults, required = false)]
    pub(crate) errors: &'a Faults,
}
