use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use qwetty_keys::{KeyId, Overlap};

use super::keys::{issued_object, one};
use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Fields, Place, text, whole_number};
use crate::json::Json;
use crate::problem::Problem;

/// `POST /api-keys/{id}/regenerate`
pub(crate) async fn regenerate<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let id: KeyId = admitted.id()?;
    let json = admitted.read_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(json);
    admitted.query.finish()?;
    let overlap = fields.nullable("overlapSeconds", overlap).value().unwrap_or(Overlap::NONE);
    let overlap = fields.finish(|| Some(overlap))?;
    let issued = api.manager.regenerate(&caller, id, overlap).await?;
    Ok(respond::object(StatusCode::OK, issued_object(&issued))?.into())
}

/// `POST /api-keys/{id}/revoke`
pub(crate) async fn revoke<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let id: KeyId = admitted.id()?;
    let json = admitted.read_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(json);
    admitted.query.finish()?;
    let reason = fields.nullable("reason", text).value();
    let reason = fields.finish(|| Some(reason))?;
    one(&api.manager.revoke(&caller, id, reason).await?)
}

/// `POST /api-keys/{id}/reactivate`
pub(crate) async fn reactivate<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let id: KeyId = admitted.id()?;
    let json = admitted.read_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let fields = Fields::new(json);
    admitted.query.finish()?;
    fields.finish(|| Some(()))?;
    one(&api.manager.reactivate(&caller, id).await?)
}

/// The bound of [`Overlap`], so that a number far above it is told the same.
pub(crate) const MOST_OVERLAP_SECONDS: u64 = 604_800;

fn overlap(json: Json, place: &mut Place<'_>) -> Option<Overlap> {
    let seconds = whole_number(0..=MOST_OVERLAP_SECONDS)(json, place)?;
    Overlap::from_seconds(seconds).map_err(|error| place.fault(error)).ok()
}
