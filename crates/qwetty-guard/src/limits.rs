//! What is refused before a request is looked at: sizes, the host, and codings that are not undone.

use http::header::{AUTHORIZATION, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Uri, Version};

use crate::byte_set::ByteSet;
use crate::header::{HeaderError, Single};

/// Longest URI, in bytes.
const MAX_URI: usize = 8 * 1024;
/// Largest header section, in bytes as HTTP/1.1 writes it.
const MAX_HEADERS: usize = 16 * 1024;

/// Why a request is refused unseen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The URI is longer than 8,192 bytes.
    #[error("the URI is longer than {MAX_URI} bytes; shorten it")]
    UriTooLong,
    /// The header section is larger than 16,384 bytes as HTTP/1.1 writes them.
    #[error("the header section is larger than {MAX_HEADERS} bytes; send fewer or shorter headers")]
    HeadersTooLarge,
    /// HTTP/1.1 without `Host`.
    #[error("the header host is missing; HTTP/1.1 requires it")]
    NoHost,
    /// A `Host` that is no host with an optional port.
    #[error(
        "the header host has characters that no host has; send a name or an address, and its port if there is one"
    )]
    NotAHost,
    /// A `Transfer-Encoding` that is not `chunked` alone.
    #[error(
        "the transfer coding is not understood; send the body with a content-length, or chunked and nothing else"
    )]
    UnknownCoding,
    /// Two `Host` or `Authorization` headers, or a `Host` that is not text.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Checks what hyper lets through: sizes within the server's buffers, and the rules of RFC 9112 on `Host` (section 3.2) and
/// on codings of a body that a server does not understand (section 6.1), which hyper leaves as they are.
///
/// # Errors
/// The first [`LimitError`] in the order of its variants.
pub fn check_limits(request: &Parts) -> Result<(), LimitError> {
    if uri_length(&request.uri) > MAX_URI {
        return Err(LimitError::UriTooLong);
    }
    let (mut host, mut authorization, mut coding) = (Single::Absent, Single::Absent, Single::Absent);
    let mut length = 0;
    for (name, value) in &request.headers {
        let name = name.as_str();
        length += name.len() + value.len() + ": \r\n".len();
        match name {
            "host" => host.add(value),
            "authorization" => authorization.add(value),
            "transfer-encoding" => coding.add(value),
            _ => {}
        }
    }
    if length > MAX_HEADERS {
        return Err(LimitError::HeadersTooLarge);
    }
    match host.value(&HOST)? {
        None if request.version == Version::HTTP_11 => return Err(LimitError::NoHost),
        Some(host) if !is_host(host.as_bytes()) => {
            host.to_str().map_err(|_| HeaderError::NotText(HOST))?;
            return Err(LimitError::NotAHost);
        }
        _ => {}
    }
    // Also where nobody reads it: whoever stands before this server could have taken another one.
    authorization.value(&AUTHORIZATION)?;
    match coding.value(&TRANSFER_ENCODING) {
        Ok(None) => Ok(()),
        Ok(Some(coding)) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        Ok(Some(_)) | Err(_) => Err(LimitError::UnknownCoding),
    }
}

/// Whether a text has only characters of `uri-host [ ":" port ]` (RFC 3986, section 3.2.2). Empty is a host, too.
fn is_host(text: &[u8]) -> bool {
    static CHARACTERS: ByteSet = ByteSet::alphanumeric_and(b"-._~%!$&'()*+,;=:[]");
    text.iter().all(|byte| CHARACTERS.contains(*byte))
}

fn uri_length(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + uri.path_and_query().map_or(0, |path| path.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};

    fn request(uri: &str, headers: &[(&'static str, &[u8])]) -> Parts {
        let mut request = Request::builder().uri(uri).body(()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        request.into_parts().0
    }

    #[test]
    fn a_uri_may_have_8_kib() {
        let path = |length: usize| format!("/{}", "a".repeat(length - 1));
        assert_eq!(check_limits(&request(&path(8_192), &[("host", b"h")])), Ok(()));
        assert_eq!(check_limits(&request(&path(8_193), &[("host", b"h")])), Err(LimitError::UriTooLong));
        let absolute = format!("http://h{}", path(8_184));
        assert_eq!(check_limits(&request(&absolute, &[("host", b"h")])), Ok(()));
        let query = format!("/?{}", "a".repeat(8_191));
        assert_eq!(check_limits(&request(&query, &[("host", b"h")])), Err(LimitError::UriTooLong));
    }

    #[test]
    fn headers_may_have_16_kib_together() {
        // "host: h\r\n" is 9 bytes, "a: \r\n" and "b: \r\n" are 5 each.
        let value = vec![b'x'; 8_000];
        let rest = vec![b'x'; 16_384 - 9 - 5 - 5 - 8_000];
        assert_eq!(check_limits(&request("/", &[("host", b"h"), ("a", &value), ("b", &rest)])), Ok(()));
        let rest = vec![b'x'; rest.len() + 1];
        let error = check_limits(&request("/", &[("host", b"h"), ("a", &value), ("b", &rest)]));
        assert_eq!(error, Err(LimitError::HeadersTooLarge));
    }

    #[test]
    fn http_1_1_names_one_host() {
        assert_eq!(check_limits(&request("/", &[])), Err(LimitError::NoHost));
        let repeated = HeaderError::Repeated(HOST);
        assert_eq!(check_limits(&request("/", &[("host", b"a"), ("host", b"a")])), Err(repeated.into()));
        assert_eq!(check_limits(&request("/", &[("host", b"\xff")])), Err(HeaderError::NotText(HOST).into()));
    }

    #[test]
    fn a_request_has_one_credential() {
        let authorized = |second: &[(&'static str, &[u8])]| {
            let first: [(&'static str, &[u8]); 2] = [("host", b"a"), ("authorization", b"\xff")];
            check_limits(&request("/", &[&first[..], second].concat()))
        };
        assert_eq!(authorized(&[]), Ok(()));
        assert_eq!(
            authorized(&[("authorization", b"\xff")]),
            Err(HeaderError::Repeated(AUTHORIZATION).into())
        );
    }

    #[test]
    fn a_host_is_a_host() {
        for host in ["", "a", "a.example:80", "[::1]:80", "192.0.2.1", "api_1", "xn--4ca.example"] {
            assert_eq!(check_limits(&request("/", &[("host", host.as_bytes())])), Ok(()), "{host}");
        }
        for host in ["a b", "a/b", "u@a", "a?b", "a#b", "a\\b", "<a>", "a\tb"] {
            let error = check_limits(&request("/", &[("host", host.as_bytes())]));
            assert_eq!(error, Err(LimitError::NotAHost), "{host}");
        }
    }

    #[test]
    fn a_body_has_no_coding_but_chunked() {
        let coded = |codings: &[&str]| {
            let codings = codings.iter().map(|coding| ("transfer-encoding", coding.as_bytes()));
            check_limits(&request("/", &[("host", &b"h"[..])].into_iter().chain(codings).collect::<Vec<_>>()))
        };
        assert_eq!(coded(&["chunked"]), Ok(()));
        assert_eq!(coded(&["Chunked"]), Ok(()));
        for codings in
            [&["gzip, chunked"][..], &["chunked", "chunked"], &["chunked, chunked"], &["identity"], &[""]]
        {
            assert_eq!(coded(codings), Err(LimitError::UnknownCoding), "{codings:?}");
        }
    }

    #[test]
    fn other_versions_may_name_none() {
        for version in [Version::HTTP_10, Version::HTTP_2] {
            let mut parts = request("/", &[]);
            parts.version = version;
            assert_eq!(check_limits(&parts), Ok(()));
        }
    }
}
