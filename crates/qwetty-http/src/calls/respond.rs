use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use qwetty_guard::{ErrorCode, Problem};
use qwetty_storage::Listing;
use serde::Serialize;

use crate::query::Paging;
use crate::wire::{Data, List, Meta};

/// What the header `Content-Type` says.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The bytes of nearly every answer with one object, so that its text is written without growing.
pub(super) const ONE_OBJECT: usize = 1024;

/// One object.
pub(super) fn object(status: StatusCode, object: impl Serialize) -> Result<Response<Full<Bytes>>, Problem> {
    bare(status, &Data { data: object })
}

/// An object that was made, and where it is.
pub(super) fn created(location: &str, made: impl Serialize) -> Result<Response<Full<Bytes>>, Problem> {
    let mut response = object(StatusCode::CREATED, made)?;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// A page of a list.
pub(super) fn page<T: Serialize>(
    listing: Listing<T>,
    paging: Paging,
) -> Result<Response<Full<Bytes>>, Problem> {
    let meta = Meta::new(paging, listing.total);
    bare(StatusCode::OK, &List { data: listing.items, meta })
}

/// Nothing: 204.
pub(super) fn nothing() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// JSON as it is, without an envelope.
pub(super) fn bare(status: StatusCode, body: &impl Serialize) -> Result<Response<Full<Bytes>>, Problem> {
    let mut text = Vec::with_capacity(ONE_OBJECT);
    match serde_json::to_writer(&mut text, body) {
        Ok(()) => Ok(json(status, text)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Err(Problem::new(ErrorCode::Unavailable))
        }
    }
}

/// JSON that is written already.
pub(super) fn json(status: StatusCode, text: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
