use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{KeyIdText, TimeText};

/// What a key was used for in a range of hours.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsageReport)]
pub(crate) struct UsageReportObject {
    /// The key.
    pub(crate) key_id: KeyIdText,
    /// The first instant of the range.
    pub(crate) from: TimeText,
    /// The first instant after it.
    pub(crate) to: TimeText,
    /// All hours together.
    pub(crate) totals: CountsObject,
    /// Denials by their code; codes without one are left out.
    pub(crate) denied_by_code: BTreeMap<&'static str, u64>,
    /// Every hour of the range.
    pub(crate) points: Vec<PointObject>,
}

/// Admitted and refused calls.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Counts)]
pub(crate) struct CountsObject {
    /// Admitted calls.
    pub(crate) request_count: u64,
    /// Calls refused by checks 2 to 7.
    pub(crate) denied_count: u64,
}

/// One hour.
#[derive(Serialize, ToSchema)]
#[schema(as = UsagePoint)]
pub(crate) struct PointObject {
    /// Its first instant.
    pub(crate) at: TimeText,
    /// Its counts.
    #[serde(flatten)]
    pub(crate) counts: CountsObject,
}
