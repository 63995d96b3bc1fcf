use http::StatusCode;
use qwetty::{HourRange, UsageReport};
use qwetty_guard::Problem;
use qwetty_keys::KeyId;
use qwetty_storage::{Outcome, OutcomeCounts};

use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::wire::{CountsObject, PointObject, Text, UsageReportObject};

/// `GET /api-keys/{id}/usage`
pub(crate) async fn report(api: &Api, mut admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let id: KeyId = admitted.id()?;
    let (from, to) = (admitted.query.time("from")?, admitted.query.time("to")?);
    admitted.query.finish()?;
    let range = HourRange::new(from, to, api.engine.now().wall)
        .map_err(|error| Problem::malformed_request(&error))?;
    let report = api.manager.usage(&caller, id, range).await?;
    Ok(respond::object(StatusCode::OK, object(&report))?.into())
}

fn object(report: &UsageReport) -> UsageReportObject {
    let denied = report.totals.iter().filter(|(outcome, _)| *outcome != Outcome::Admitted);
    UsageReportObject {
        key_id: Text(report.key),
        from: Text(report.range.from()),
        to: Text(report.range.to()),
        totals: counts(&report.totals),
        denied_by_code: denied.map(|(outcome, count)| (outcome.code(), count)).collect(),
        points: report
            .points
            .iter()
            .map(|point| PointObject { at: Text(point.hour.start()), counts: counts(&point.counts) })
            .collect(),
    }
}

fn counts(counts: &OutcomeCounts) -> CountsObject {
    CountsObject { request_count: counts.admitted(), denied_count: counts.denied() }
}
