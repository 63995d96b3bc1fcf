use http::StatusCode;
use qwetty_guard::{ErrorCode, Problem};
use serde::Serialize;

use super::respond;
use crate::api::{Admitted, Answered, Api};

#[derive(Serialize)]
struct State {
    status: &'static str,
}

/// `GET /healthz`: the process answers.
pub(crate) fn live(admitted: Admitted<'_>) -> Result<Answered, Problem> {
    admitted.query.finish()?;
    Ok(respond::object(StatusCode::OK, State { status: "ok" })?.into())
}

/// `GET /readyz`: the store answers, too, and takes changes.
pub(crate) async fn ready(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    admitted.query.finish()?;
    match api.engine.ready().await {
        Ok(_) => Ok(respond::object(StatusCode::OK, State { status: "ready" })?.into()),
        Err(error) => {
            tracing::error!(%error, "not ready: the store does not answer");
            Err(Problem::new(ErrorCode::Unavailable))
        }
    }
}
