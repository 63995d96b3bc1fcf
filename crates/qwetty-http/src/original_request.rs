//! The request that a gateway asks about.

use http::Method;
use http::header::{HeaderMap, HeaderName};
use http::request::Parts;
use qwetty_guard::{HeaderError, Single};

use crate::route::AUTHORIZE_ENVOY;

/// How traefik, Caddy and others tell it.
static FORWARDED: Pair = Pair {
    method: HeaderName::from_static("x-forwarded-method"),
    uri: HeaderName::from_static("x-forwarded-uri"),
};
/// How nginx and others tell it.
static ORIGINAL: Pair = Pair {
    method: HeaderName::from_static("x-original-method"),
    uri: HeaderName::from_static("x-original-uri"),
};

/// What a client wants of the API behind a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OriginalRequest<'a> {
    pub(crate) method: &'a str,
    /// Path and query as the client's request line had them, not decoded.
    pub(crate) target: &'a [u8],
}

/// Why it is not known what the client wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginalError {
    /// Neither pair of headers.
    #[error("the gateway tells no original request: set x-forwarded-method and x-forwarded-uri")]
    Missing,
    /// A header without the other one of its pair.
    #[error("the header {0} is missing beside {1}; set both")]
    Incomplete(HeaderName, HeaderName),
    /// A header that stands twice, or a method that is no text.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A method that is no token.
    #[error("the original method is no HTTP method")]
    Method,
    /// Two pairs that tell different things.
    #[error(
        "x-forwarded-method and x-forwarded-uri tell another request than x-original-method and x-original-uri"
    )]
    Disagreeing,
}

struct Pair {
    method: HeaderName,
    uri: HeaderName,
}

impl<'a> OriginalRequest<'a> {
    /// The request in a gateway's headers: one of the two pairs, or both if they are equal, each header once.
    ///
    /// # Errors
    /// [`OriginalError`] for anything else.
    pub(crate) fn in_headers(headers: &'a HeaderMap) -> Result<Self, OriginalError> {
        let (mut method, mut uri) = (Single::Absent, Single::Absent);
        let (mut original_method, mut original_uri) = (Single::Absent, Single::Absent);
        for (name, value) in headers {
            match name.as_str() {
                "x-forwarded-method" => method.add(value),
                "x-forwarded-uri" => uri.add(value),
                "x-original-method" => original_method.add(value),
                "x-original-uri" => original_uri.add(value),
                _ => {}
            }
        }
        match (FORWARDED.read(method, uri)?, ORIGINAL.read(original_method, original_uri)?) {
            (Some(one), Some(other)) if one != other => Err(OriginalError::Disagreeing),
            (Some(one), _) | (None, Some(one)) => Ok(one),
            (None, None) => Err(OriginalError::Missing),
        }
    }

    /// The request in Envoy's own request line, behind the path that it asks at.
    pub(crate) fn in_request_line(parts: &'a Parts) -> Self {
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let original = target.strip_prefix(AUTHORIZE_ENVOY).unwrap_or_default();
        Self { method: parts.method.as_str(), target: original.as_bytes() }
    }
}

impl Pair {
    fn read<'a>(
        &self,
        method: Single<'a>,
        uri: Single<'a>,
    ) -> Result<Option<OriginalRequest<'a>>, OriginalError> {
        let missing =
            |name: &HeaderName, beside: &HeaderName| OriginalError::Incomplete(name.clone(), beside.clone());
        match (method.value(&self.method)?, uri.value(&self.uri)?) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing(&self.method, &self.uri)),
            (Some(_), None) => Err(missing(&self.uri, &self.method)),
            (Some(method), Some(target)) => {
                Method::from_bytes(method.as_bytes()).map_err(|_| OriginalError::Method)?;
                let method = method.to_str().map_err(|_| OriginalError::Method)?;
                // Its bytes: a query may have some that are no text.
                Ok(Some(OriginalRequest { method, target: target.as_bytes() }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use http::header::HeaderValue;

    const METHOD: &str = "x-forwarded-method";
    const URI: &str = "x-forwarded-uri";
    const OTHER_METHOD: &str = "x-original-method";
    const OTHER_URI: &str = "x-original-uri";

    fn headers(fields: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn read(fields: &[(&'static str, &[u8])]) -> Result<(String, Vec<u8>), OriginalError> {
        let headers = headers(fields);
        OriginalRequest::in_headers(&headers).map(|found| (found.method.to_owned(), found.target.to_vec()))
    }

    #[test]
    fn either_pair_will_do_and_both_if_they_agree() {
        let wanted = Ok(("GET".to_owned(), b"/a?b=%2f\xff".to_vec()));
        let (method, uri): (&[u8], &[u8]) = (b"GET", b"/a?b=%2f\xff");
        assert_eq!(read(&[(METHOD, method), (URI, uri)]), wanted);
        assert_eq!(read(&[(OTHER_METHOD, method), (OTHER_URI, uri)]), wanted);
        assert_eq!(read(&[(METHOD, method), (URI, uri), (OTHER_METHOD, method), (OTHER_URI, uri)]), wanted);
        assert_eq!(read(&[(METHOD, b"BREW"), (URI, b"")]), Ok(("BREW".to_owned(), Vec::new())));
    }

    #[test]
    fn whatever_leaves_a_doubt_is_refused() {
        use OriginalError::*;
        let repeated = |name| Header(HeaderError::Repeated(HeaderName::from_static(name)));
        let incomplete =
            |name, beside| Incomplete(HeaderName::from_static(name), HeaderName::from_static(beside));
        let pair: [(&'static str, &[u8]); 2] = [(METHOD, b"GET"), (URI, b"/a")];
        let and = |more: &[(&'static str, &'static [u8])]| read(&[&pair[..], more].concat());
        assert_eq!(read(&[]), Err(Missing));
        assert_eq!(read(&[(METHOD, b"GET")]), Err(incomplete(URI, METHOD)));
        assert_eq!(read(&[(OTHER_URI, b"/a")]), Err(incomplete(OTHER_METHOD, OTHER_URI)));
        assert_eq!(and(&[(OTHER_URI, b"/a")]), Err(incomplete(OTHER_METHOD, OTHER_URI)));
        assert_eq!(and(&[(METHOD, b"GET")]), Err(repeated(METHOD)));
        assert_eq!(and(&[(URI, b"/a")]), Err(repeated(URI)));
        assert_eq!(and(&[(OTHER_METHOD, b"GET"), (OTHER_URI, b"/b")]), Err(Disagreeing));
        assert_eq!(and(&[(OTHER_METHOD, b"get"), (OTHER_URI, b"/a")]), Err(Disagreeing));
        for method in [&b""[..], b"GE T", b"GET,GET", b"GET/", b"\xff"] {
            assert_eq!(read(&[(METHOD, method), (URI, b"/a")]), Err(Method), "{method:?}");
        }
    }

    #[test]
    fn envoys_request_line_is_taken_as_it_is() {
        for target in ["", "/", "/a//b/../c?x=%zz", "?a=b"] {
            let request = Request::builder().method("BREW").uri(format!("{AUTHORIZE_ENVOY}{target}"));
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let found = OriginalRequest::in_request_line(&parts);
            assert_eq!((found.method, found.target), ("BREW", target.as_bytes()));
        }
    }
}
