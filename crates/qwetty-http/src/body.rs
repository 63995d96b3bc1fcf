//! Reading the body of a request: bounded in size and in time, JSON and nothing else.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hyper::body::Body;
use qwetty_guard::{HeaderError, single};

use crate::json::{Json, MalformedJson};

/// Largest body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Why a body was not taken. No message repeats any of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// More than [`MAX_BODY`], announced or met.
    #[error("the body is larger than {MAX_BODY} bytes; send less")]
    TooLarge,
    /// The connection ended, or broke HTTP, before the body did.
    #[error("the body broke off; send the whole of it")]
    BrokenOff,
    /// The deadline passed before the body ended.
    #[error("the body did not arrive in time; send it without pauses")]
    TooLate,
    /// There is none where the call needs one.
    #[error("the body is missing; send a JSON {0}")]
    Missing(&'static str),
    /// It is not called JSON.
    #[error("the body is not called JSON; send it as Content-Type: application/json, uncompressed")]
    NotJsonType,
    /// A header that describes it stands twice or is not text.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It is called JSON and is none.
    #[error(transparent)]
    Malformed(#[from] MalformedJson),
}

/// What a body came to.
#[derive(Debug)]
pub(crate) struct Received<T> {
    /// The JSON.
    pub(crate) json: T,
    /// Whether it was not there at once, so that time has passed since the head of the request was judged.
    pub(crate) was_waited_for: bool,
}

/// The JSON body of a request, `None` if it is empty.
///
/// An announced excess (`Content-Length`) is refused without reading, another as soon as it is met. `deadline` ends
/// the wait: the caller makes it of its own timer.
///
/// # Errors
/// [`BodyError`], of which [`BodyError::Missing`] is not one here; the media type matters only if there is a body.
pub(crate) async fn read_json<B>(
    headers: &HeaderMap,
    body: B,
    deadline: impl Future<Output = ()>,
) -> Result<Received<Option<Json>>, BodyError>
where
    B: Body<Data = Bytes>,
{
    let (bytes, was_waited_for) = read(headers, body, deadline).await?;
    if bytes.is_empty() {
        return Ok(Received { json: None, was_waited_for });
    }
    must_be_called_json(headers)?;
    Ok(Received { json: Some(Json::parse(&bytes)?), was_waited_for })
}

/// The bytes of a body that must be there and is called JSON, before anybody reads them as such. `kind` is what the JSON
/// is to be, for the client that sends none.
///
/// # Errors
/// [`BodyError`], of which [`BodyError::Malformed`] is not one here.
pub(crate) async fn require_raw_json<B>(
    headers: &HeaderMap,
    body: B,
    kind: &'static str,
    deadline: impl Future<Output = ()>,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
{
    let (bytes, _) = read(headers, body, deadline).await?;
    if bytes.is_empty() {
        return Err(BodyError::Missing(kind));
    }
    must_be_called_json(headers)?;
    Ok(bytes)
}

/// Whether the headers call the body JSON, sent as it is.
///
/// # Errors
/// [`BodyError::NotJsonType`] and [`BodyError::Header`].
pub(crate) fn must_be_called_json(headers: &HeaderMap) -> Result<(), BodyError> {
    if !is_json(single(headers, &CONTENT_TYPE)?) || !is_plain(single(headers, &CONTENT_ENCODING)?) {
        return Err(BodyError::NotJsonType);
    }
    Ok(())
}

/// The JSON body of a request that must have one.
///
/// # Errors
/// [`BodyError`].
pub(crate) async fn require_json<B>(
    headers: &HeaderMap,
    body: B,
    deadline: impl Future<Output = ()>,
) -> Result<Received<Json>, BodyError>
where
    B: Body<Data = Bytes>,
{
    let Received { json, was_waited_for } = read_json(headers, body, deadline).await?;
    Ok(Received { json: json.ok_or(BodyError::Missing("object"))?, was_waited_for })
}

/// The bytes, and whether they were waited for.
async fn read<B>(
    headers: &HeaderMap,
    body: B,
    deadline: impl Future<Output = ()>,
) -> Result<(Bytes, bool), BodyError>
where
    B: Body<Data = Bytes>,
{
    if announced(headers)?.is_some_and(|length| length > MAX_BODY) {
        return Err(BodyError::TooLarge);
    }
    let mut body = pin!(body);
    let mut deadline = pin!(deadline);
    let mut was_waited_for = false;
    let mut bytes = Bytes::new();
    while !body.is_end_stream() {
        // What has arrived counts, even at the deadline.
        let next = poll_fn(|context| match body.as_mut().poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            Poll::Pending => {
                was_waited_for = true;
                deadline.as_mut().poll(context).map(|()| Err(BodyError::TooLate))
            }
        });
        let Some(frame) = next.await? else { break };
        let frame = frame.map_err(|_| BodyError::BrokenOff)?;
        // Trailers say nothing that a call reads.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
        bytes = if bytes.is_empty() { data } else { joined(bytes, &data) };
    }
    Ok((bytes, was_waited_for))
}

/// Most bodies come in one piece, and are not copied.
fn joined(bytes: Bytes, more: &[u8]) -> Bytes {
    let mut bytes = BytesMut::from(bytes);
    bytes.extend_from_slice(more);
    bytes.freeze()
}

/// The length that `Content-Length` announces. hyper has refused one that is no number; a number too large for
/// this machine is an excess all the same.
fn announced(headers: &HeaderMap) -> Result<Option<usize>, HeaderError> {
    Ok(single(headers, &CONTENT_LENGTH)?.map(|length| length.parse().unwrap_or(usize::MAX)))
}

/// Whether a body is sent as it is. No compression is understood (RFC 9110, section 8.4).
fn is_plain(encoding: Option<&str>) -> bool {
    encoding.is_none_or(|encoding| encoding.trim().eq_ignore_ascii_case("identity"))
}

/// Whether a media type is JSON in UTF-8, whatever its other parameters (RFC 9110, section 8.3).
fn is_json(media_type: Option<&str>) -> bool {
    let mut parts = media_type.unwrap_or_default().split(';');
    let essence = parts.next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http_body_util::{Empty, Full};
    use hyper::body::Frame;
    use std::collections::VecDeque;
    use std::future::{pending, ready};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// A body of prepared chunks; at the end of them it ends, breaks off or stays silent.
    struct Chunks {
        chunks: VecDeque<Bytes>,
        end: End,
    }

    enum End {
        Clean,
        /// Clean, but not at once.
        Late,
        Broken,
        Silent,
        MustNotBeRead,
    }

    impl Body for Chunks {
        type Data = Bytes;
        type Error = ();

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
            match (self.chunks.pop_front(), &self.end) {
                (Some(chunk), _) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
                (None, End::Clean) => Poll::Ready(None),
                (None, End::Late) => {
                    self.end = End::Clean;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                (None, End::Broken) => Poll::Ready(Some(Err(()))),
                (None, End::Silent) => Poll::Pending,
                (None, End::MustNotBeRead) => panic!("the body was read"),
            }
        }
    }

    fn chunks(chunks: &[&str], end: End) -> Chunks {
        Chunks { chunks: chunks.iter().map(|chunk| Bytes::copy_from_slice(chunk.as_bytes())).collect(), end }
    }

    fn json_type() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_read_whole() {
        let body = chunks(&["{\"a\"", ":", "1}"], End::Clean);
        let json = require_json(&json_type(), body, pending()).await.unwrap().json;
        assert!(json == Json::Object(vec![("a".into(), Json::Number(1.into()))]));
    }

    #[tokio::test]
    async fn an_empty_body_is_none_or_missing_and_needs_no_media_type() {
        let headers = HeaderMap::new();
        assert!(read_json(&headers, Empty::new(), pending()).await.unwrap().json.is_none());
        let error = require_json(&headers, Empty::new(), pending()).await.unwrap_err();
        assert!(matches!(error, BodyError::Missing("object")));
        let nothing = read_json(&headers, chunks(&["", ""], End::Clean), pending()).await.unwrap();
        assert!(nothing.json.is_none());
    }

    #[tokio::test]
    async fn an_announced_excess_is_refused_unread() {
        for length in ["65537", "99999999999999999999999"] {
            let mut headers = json_type();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static(length));
            let error = read_json(&headers, chunks(&[], End::MustNotBeRead), pending()).await.unwrap_err();
            assert!(matches!(error, BodyError::TooLarge));
        }
    }

    #[tokio::test]
    async fn an_excess_is_refused_where_it_is_met() {
        let half = " ".repeat(32 * 1024);
        let exact = chunks(&[&half, &half[2..], "{}"], End::Clean);
        assert!(read_json(&json_type(), exact, pending()).await.is_ok());
        let excess = chunks(&[&half, &half, "x"], End::MustNotBeRead);
        let error = read_json(&json_type(), excess, pending()).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused_even_if_it_was_json_so_far() {
        let error = read_json(&json_type(), chunks(&["{}"], End::Broken), pending()).await.unwrap_err();
        assert!(matches!(error, BodyError::BrokenOff));
    }

    #[tokio::test]
    async fn a_silent_body_ends_at_the_deadline() {
        let error = read_json(&json_type(), chunks(&["{"], End::Silent), ready(())).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLate));
        // What is there already is taken.
        assert!(read_json(&json_type(), chunks(&["{}"], End::Clean), ready(())).await.is_ok());
    }

    #[tokio::test]
    async fn it_is_known_whether_a_body_was_waited_for() {
        for (end, was_waited_for) in [(End::Clean, false), (End::Late, true)] {
            let received = read_json(&json_type(), chunks(&["{", "}"], end), pending()).await.unwrap();
            assert_eq!(received.was_waited_for, was_waited_for);
        }
    }

    #[tokio::test]
    async fn the_media_type_is_json_in_utf_8() {
        for (media_type, accepted) in [
            ("application/json", true),
            ("Application/JSON", true),
            ("application/json;charset=utf-8", true),
            ("application/json ; Charset=\"UTF-8\"", true),
            ("application/json; version=1", true),
            ("application/json; charset=utf-16", false),
            ("application/json; charset=latin1", false),
            ("application/jsonx", false),
            ("application/merge-patch+json", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
            let result = read_json(&headers, Full::from("{}"), pending()).await;
            assert_eq!(result.is_ok(), accepted, "{media_type}");
            assert!(accepted || matches!(result, Err(BodyError::NotJsonType)), "{media_type}");
        }
        let result = read_json(&HeaderMap::new(), Full::from("{}"), pending()).await;
        assert!(matches!(result, Err(BodyError::NotJsonType)));
    }

    #[tokio::test]
    async fn two_media_types_and_one_that_is_no_text_are_malformed() {
        let mut twice = json_type();
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut bytes = HeaderMap::new();
        bytes.insert(CONTENT_TYPE, HeaderValue::from_bytes(b"application/json\xff").unwrap());
        for headers in [twice, bytes] {
            let error = read_json(&headers, Full::from("{}"), pending()).await.unwrap_err();
            assert!(matches!(error, BodyError::Header(_)));
        }
    }

    #[tokio::test]
    async fn json_that_does_not_parse_is_malformed() {
        let error = read_json(&json_type(), Full::from("{} {}"), pending()).await.unwrap_err();
        assert!(matches!(error, BodyError::Malformed(_)));
    }
}
