//! The body of a post: a form, bounded in size and in time.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use qwetty_guard::ErrorCode;

use crate::fields::Fields;
use crate::refusal::Refusal;

/// Largest form, in bytes.
const MOST: usize = 64 * 1024;
/// How long a form may take to arrive.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reads a form. An announced excess is refused unread.
///
/// # Errors
///
/// A [`Refusal`] that tells nothing of what was sent.
pub(crate) async fn read<B>(headers: &HeaderMap, body: B) -> Result<Fields, Refusal>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    if announced(headers)?.is_some_and(|length| length > MOST) {
        return Err(Refusal::new(ErrorCode::PayloadTooLarge, "The form is larger than 64 KiB."));
    }
    if !is_form(headers)? {
        return Err(Refusal::new(
            ErrorCode::UnsupportedMediaType,
            "This page takes a form, sent as application/x-www-form-urlencoded.",
        ));
    }
    let collected = tokio::time::timeout(DEADLINE, Limited::new(body, MOST).collect()).await;
    let body = match collected {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(Refusal::new(ErrorCode::PayloadTooLarge, "The form is larger than 64 KiB."));
        }
        Ok(Err(_)) | Err(_) => {
            return Err(Refusal::new(ErrorCode::MalformedRequest, "The form did not arrive. Send it again."));
        }
    };
    Ok(Fields::parse(&body)?)
}

/// The length that the request announces; one too large for this machine is an excess all the same.
fn announced(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    Ok(qwetty_guard::single(headers, &CONTENT_LENGTH)?.map(|length| length.parse().unwrap_or(usize::MAX)))
}

fn is_form(headers: &HeaderMap) -> Result<bool, Refusal> {
    let media_type = qwetty_guard::single(headers, &CONTENT_TYPE)?.unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is_plain = qwetty_guard::single(headers, &CONTENT_ENCODING)?
        .is_none_or(|encoding| encoding.trim().eq_ignore_ascii_case("identity"));
    Ok(is_plain && essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}
