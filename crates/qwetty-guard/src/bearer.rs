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
    /// The header stands twice or is not text.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// The credential of `Authorization: Bearer <credential>`, borrowed so that no copy of it outlives the request.
///
/// The scheme's case does not matter; one or more spaces follow it. The credential is not judged here.
///
/// # Errors
/// [`BearerError::Missing`] if there is none; [`BearerError::Header`] if the header stands twice or is not text.
pub fn bearer(headers: &HeaderMap) -> Result<&str, BearerError> {
    let value = header::single(headers, &AUTHORIZATION)?.ok_or(BearerError::Missing)?;
    let (scheme, rest) = value.split_once(' ').ok_or(BearerError::Missing)?;
    let credential = rest.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || credential.is_empty() {
        return Err(BearerError::Missing);
    }
    Ok(credential)
}

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
    fn bytes_that_are_no_text_are_refused() {
        for value in [&b"Bearer \xff"[..], "Bearer é".as_bytes(), b"Bearer a\x80"] {
            let error = bearer(&headers(&[value])).unwrap_err();
            assert_eq!(error, BearerError::Header(HeaderError::NotText(AUTHORIZATION)));
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
