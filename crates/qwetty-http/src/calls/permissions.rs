use http::StatusCode;
use qwetty_guard::Problem;

use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::wire::PermissionObject;

/// `GET /permissions`
pub(crate) fn list(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    admitted.query.finish()?;
    let entries = api.engine.catalogue().entries().map(|entry| PermissionObject {
        name: entry.permission().as_str(),
        label: entry.label(),
        administration: entry.is_administration(),
    });
    Ok(respond::object(StatusCode::OK, entries.collect::<Vec<_>>())?.into())
}
