//! The credential of a request: RFC 6750, section 2.1.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::header::{self, HeaderError};

/// Why a request carries no credential that could be judged. It never holds any part of the header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// No `Authorization` header, another scheme, or nothing after the scheme.
    #[error("missing or invalid Authorization header")]
    Missing,
    /// A credential that is no text, and so nobody's.
    #[error("the credential in the Authorization header has bytes that are no text")]
    NotText,
    /// The header stands twice.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// The credential of `Authorization: Bearer <credential>`, borrowed so that no copy of it outlives the request.
///
/// The scheme's case does not matter; one or more spaces follow it. The credential is not judged here.
///
/// # Errors
/// [`BearerError::Missing`] if there is none; [`BearerError::NotText`] if it is no text; [`BearerError::Header`] if the header
/// stands twice.
pub fn bearer(headers: &HeaderMap) -> Result<&str, BearerError> {
    let value = header::single_value(headers, &AUTHORIZATION)?.ok_or(BearerError::Missing)?;
    let (scheme, rest) = value.as_bytes().split_at_checked(SCHEME.len()).ok_or(BearerError::Missing)?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    if !scheme.eq_ignore_ascii_case(SCHEME) || spaces == 0 || spaces == rest.len() {
        return Err(BearerError::Missing);
    }
    let text = value.to_str().map_err(|_| BearerError::NotText)?;
    // Only ASCII comes before it.
    text.get(SCHEME.len() + spaces..).ok_or(BearerError::NotText)
}

const SCHEME: &[u8] = b"bearer";

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_scheme_has_no_case_and_spaces_may_repeat() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc", "bEaReR abc"] {
            assert_eq!(bearer(&headers(&[value.as_bytes()])), Ok("abc"), "{value}");
        }
    }

    #[test]
    fn no_header_another_scheme_and_an_empty_credential_are_missing() {
        assert_eq!(bearer(&HeaderMap::new()), Err(BearerError::Missing));
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer    ",
            "Basic abc",
            "Bearerabc",
            "Bearer\tabc",
            " Bearer abc",
            "abc",
        ] {
            assert_eq!(bearer(&headers(&[value.as_bytes()])), Err(BearerError::Missing), "{value:?}");
        }
    }

    #[test]
    fn two_headers_are_refused_even_if_one_is_good_or_both_agree() {
        for second in [&b"Bearer abc"[..], b"Basic abc", b""] {
            let error = bearer(&headers(&[b"Bearer abc", second])).unwrap_err();
            assert_eq!(error, BearerError::Header(HeaderError::Repeated(AUTHORIZATION)));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_a_credential_that_is_nobodys() {
        for value in [&b"Bearer \xff"[..], "Bearer é".as_bytes(), b"bearer  a\x80"] {
            assert_eq!(bearer(&headers(&[value])), Err(BearerError::NotText));
        }
        for value in [&b"\xff"[..], b"\xff abc", "Bäärer abc".as_bytes(), b"Basic \xff"] {
            assert_eq!(bearer(&headers(&[value])), Err(BearerError::Missing));
        }
    }

    proptest! {
        #[test]
        fn any_header_is_judged_without_a_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let mut headers = HeaderMap::new();
                headers.insert(AUTHORIZATION, value.clone());
                if let Ok(credential) = bearer(&headers) {
                    prop_assert!(value.as_bytes().ends_with(credential.as_bytes()));
                    prop_assert!(!credential.is_empty() && !credential.starts_with(' '));
                }
            }
        }

        #[test]
        fn a_credential_comes_back_as_sent(credential in "[!-~][ -~]{0,60}", spaces in 1usize..5) {
            let value = format!("Bearer{}{credential}", " ".repeat(spaces));
            let headers = headers(&[value.as_bytes()]);
            prop_assert_eq!(bearer(&headers), Ok(credential.as_str()));
        }
    }
}
