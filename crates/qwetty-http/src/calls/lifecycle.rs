use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use qwetty::Caller;
use qwetty_guard::Problem;
use qwetty_keys::{KeyId, Overlap};

use super::keys::{issued_object, one};
use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Fields, Place, text, whole_number};
use crate::json::Json;

/// `POST /api-keys/{id}/regenerate`
pub(crate) async fn regenerate<B: Body<Data = Bytes>>(
    api: &Api,
    admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let (caller, id, mut fields) = begin(api, admitted, body).await?;
    let overlap = fields.nullable("overlapSeconds", overlap).value().unwrap_or(Overlap::NONE);
    let overlap = fields.finish(|| Some(overlap))?;
    let issued = api.manager.regenerate(&caller, id, overlap).await?;
    Ok(respond::object(StatusCode::OK, issued_object(&issued))?.into())
}

/// `POST /api-keys/{id}/revoke`
pub(crate) async fn revoke<B: Body<Data = Bytes>>(
    api: &Api,
    admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let (caller, id, mut fields) = begin(api, admitted, body).await?;
    let reason = fields.nullable("reason", text).value();
    let reason = fields.finish(|| Some(reason))?;
    one(&api.manager.revoke(&caller, id, reason).await?)
}

/// `POST /api-keys/{id}/reactivate`
pub(crate) async fn reactivate<B: Body<Data = Bytes>>(
    api: &Api,
    admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let (caller, id, fields) = begin(api, admitted, body).await?;
    fields.finish(|| Some(()))?;
    one(&api.manager.reactivate(&caller, id).await?)
}

/// What the three have in common: who calls, which key, and the fields of a body that may be absent.
async fn begin<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<(Caller, KeyId, Fields), Problem> {
    let id: KeyId = admitted.id()?;
    let json = admitted.read_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    admitted.query.finish()?;
    Ok((caller, id, Fields::new(json)))
}

fn overlap(json: Json, place: &mut Place<'_>) -> Option<Overlap> {
    let seconds = whole_number(0..=Overlap::MAX_SECONDS.into())(json, place)?;
    Overlap::from_seconds(seconds).map_err(|error| place.fault(error)).ok()
}
