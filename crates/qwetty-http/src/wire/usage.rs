use std::collections::BTreeMap;

use qwetty_keys::{KeyId, Timestamp};
use serde::Serialize;

use super::Text;

/// What a key was used for in a range of hours.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageReportObject {
    /// The key.
    pub(crate) key_id: Text<KeyId>,
    /// The first instant of the range.
    pub(crate) from: Text<Timestamp>,
    /// The first instant after it.
    pub(crate) to: Text<Timestamp>,
    /// All hours together.
    pub(crate) totals: CountsObject,
    /// Denials by their code; codes without one are left out.
    pub(crate) denied_by_code: BTreeMap<&'static str, u64>,
    /// Every hour of the range.
    pub(crate) points: Vec<PointObject>,
}

/// Admitted and refused calls.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountsObject {
    /// Admitted calls.
    pub(crate) request_count: u64,
    /// Calls refused by checks 2 to 7.
    pub(crate) denied_count: u64,
}

/// One hour.
#[derive(Serialize)]
pub(crate) struct PointObject {
    /// Its first instant.
    pub(crate) at: Text<Timestamp>,
    /// Its counts.
    #[serde(flatten)]
    pub(crate) counts: CountsObject,
}
