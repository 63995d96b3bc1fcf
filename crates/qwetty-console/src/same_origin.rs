//! Whether a form was sent from one of the console's own pages.

use http::HeaderName;
use http::header::{HeaderMap, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser says that the request comes from elsewhere: by `Sec-Fetch-Site`, or, where that is missing (an older
/// browser, or plain HTTP), by an `Origin` that is not `host`. A neighbouring host of the same site is elsewhere, too.
///
/// A request without either header comes from no browser's page; a form's token is what it needs then.
pub(crate) fn is_foreign(headers: &HeaderMap, host: Option<&str>) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        // `none` is what the person did: a reload, say.
        return sites.any(|site| site != "same-origin" && site != "none");
    }
    headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
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

    fn foreign(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_foreign(&headers, Some("keys.example:8080"))
    }

    #[test]
    fn the_browsers_word_on_the_site_decides() {
        for (site, expected) in
            [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true), ("", true)]
        {
            assert_eq!(foreign(&[("sec-fetch-site", site)]), expected, "{site}");
            let both = [("sec-fetch-site", site), ("origin", "null")];
            assert_eq!(foreign(&both), expected, "{site}");
        }
    }

    #[test]
    fn without_it_the_origin_does() {
        for (origin, expected) in [
            ("http://keys.example:8080", false),
            ("https://keys.example:8080", false),
            ("http://KEYS.example:8080", false),
            ("http://keys.example", true),
            ("http://evil.example", true),
            ("http://keys.example:8080.evil.example", true),
            ("null", true),
            ("", true),
            ("ftp://keys.example:8080", true),
        ] {
            assert_eq!(foreign(&[("origin", origin)]), expected, "{origin}");
        }
    }

    #[test]
    fn a_program_sends_neither() {
        assert!(!foreign(&[]));
    }
}
