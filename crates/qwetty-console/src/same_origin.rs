//! Whether a form was sent from one of the console's own pages.

use http::HeaderName;
use http::header::{HeaderMap, ORIGIN};

pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser says that the request comes from elsewhere: by `Sec-Fetch-Site`, or, where that is `none` or missing
/// (an older browser, or plain HTTP), by an `Origin` that is not this scheme and host. A neighbouring host of the same
/// site is elsewhere, too.
///
/// A request without either header comes from no browser's page; a form's token is what it needs then.
pub(crate) fn is_foreign(headers: &HeaderMap, host: Option<&str>, is_secure: bool) -> bool {
    let sites: Vec<_> = headers.get_all(SEC_FETCH_SITE).iter().collect();
    if sites.iter().any(|site| *site != "same-origin" && *site != "none") {
        return true;
    }
    // `none` is what the person did, a reload, say; whose form it was is in the origin then.
    if sites.first().is_some_and(|site| *site == "same-origin") {
        return false;
    }
    let scheme = if is_secure { "https://" } else { "http://" };
    headers.get_all(ORIGIN).iter().any(|origin| {
        let authority = origin.to_str().unwrap_or_default().strip_prefix(scheme);
        match (authority, host) {
            (Some(authority), Some(host)) => !authority.eq_ignore_ascii_case(host),
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn foreign(pairs: &[(&'static str, &'static str)]) -> bool {
        is_foreign(&headers(pairs), Some("keys.example:8080"), false)
    }

    #[test]
    fn the_browsers_word_on_the_site_decides() {
        for (site, expected) in
            [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true), ("", true)]
        {
            assert_eq!(foreign(&[("sec-fetch-site", site)]), expected, "{site}");
        }
        assert!(!foreign(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(foreign(&[("sec-fetch-site", "same-site"), ("origin", "http://keys.example:8080")]));
    }

    #[test]
    fn without_it_or_with_none_the_origin_does() {
        for (origin, expected) in [
            ("http://keys.example:8080", false),
            ("https://keys.example:8080", true),
            ("http://KEYS.example:8080", false),
            ("http://keys.example", true),
            ("http://evil.example", true),
            ("http://keys.example:8080.evil.example", true),
            ("null", true),
            ("", true),
            ("ftp://keys.example:8080", true),
        ] {
            assert_eq!(foreign(&[("origin", origin)]), expected, "{origin}");
            assert_eq!(foreign(&[("sec-fetch-site", "none"), ("origin", origin)]), expected, "{origin}");
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_connection() {
        for (origin, is_secure) in [("http://keys.example", false), ("https://keys.example", true)] {
            let headers = headers(&[("origin", origin)]);
            assert!(!is_foreign(&headers, Some("keys.example"), is_secure), "{origin}");
            assert!(is_foreign(&headers, Some("keys.example"), !is_secure), "{origin}");
        }
    }

    #[test]
    fn a_program_sends_neither() {
        assert!(!foreign(&[]));
    }
}
