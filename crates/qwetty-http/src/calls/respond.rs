use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use qwetty_guard::{ErrorCode, Problem};
use qwetty_storage::Listing;
use serde::Serialize;

use crate::query::Paging;
use crate::wire::{Data, List, Meta};

/// The bytes of nearly every answer with one object, so that its text is written without growing.
const ONE_OBJECT: usize = 1024;

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
    let mut failure = None;
    let response = written(status, |text| failure = serde_json::to_writer(text, body).err());
    match failure {
        None => Ok(response),
        Some(error) => {
            tracing::error!(%error, "an answer could not be written");
            Err(Problem::new(ErrorCode::Unavailable))
        }
    }
}

/// The JSON that `write` appends.
pub(super) fn written(status: StatusCode, write: impl FnOnce(&mut Vec<u8>)) -> Response<Full<Bytes>> {
    let mut text = Vec::with_capacity(ONE_OBJECT);
    write(&mut text);
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
