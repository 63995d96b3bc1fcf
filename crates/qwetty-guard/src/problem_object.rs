use serde::Serialize;

use crate::faults::Faults;

/// What went wrong: RFC 9457. Programs match on `code`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", schema(as = Problem))]
pub struct ProblemObject<'a> {
    /// Where the code is explained, relative to this server.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words for people, the same for every occurrence of the code.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, for people.
    pub detail: &'a str,
    /// The code; it never changes.
    pub code: &'a str,
    /// The request, as in `X-Request-Id`.
    pub request_id: &'a str,
    /// Every fault of the body: the path of a field, and what is wrong with it. With 422 alone.
    #[serde(skip_serializing_if = "Faults::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Vec<String>>, required = false))]
    pub errors: &'a Faults,
}
