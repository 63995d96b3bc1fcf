//! The console's cookies: one for a session, one for whoever is not signed in.

use http::HeaderValue;
use http::header::{COOKIE, HeaderMap};

use crate::token::{Bound, Token};

/// A cookie's name. The prefix makes a browser refuse it from anywhere but TLS (RFC 6265bis, section 4.1.3.1); its
/// stricter sibling `__Host-` would send the cookie with every path of the host.
const fn name(bound: Bound, is_secure: bool) -> &'static str {
    match (bound, is_secure) {
        (Bound::Session, true) => "__Secure-qwetty-session",
        (Bound::Session, false) => "qwetty-session",
        (Bound::Visit, true) => "__Secure-qwetty-visit",
        (Bound::Visit, false) => "qwetty-visit",
    }
}

/// The token in a cookie of this kind. Two of one name are none: one of them may be a neighbouring host's.
pub(crate) fn read(headers: &HeaderMap, bound: Bound, is_secure: bool) -> Option<Token> {
    let name = name(bound, is_secure);
    let pairs = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut values = pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(known, _)| known.trim() == name)
        .map(|(_, value)| value.trim());
    let value = values.next()?;
    if values.next().is_some() { None } else { Token::parse(value) }
}

/// `Set-Cookie` for this token, until the browser closes.
pub(crate) fn keep(token: &Token, bound: Bound, is_secure: bool) -> Option<HeaderValue> {
    set(&token.to_string(), "", bound, is_secure)
}

/// `Set-Cookie` that takes the cookie away.
pub(crate) fn remove(bound: Bound, is_secure: bool) -> Option<HeaderValue> {
    set("", "; Max-Age=0", bound, is_secure)
}

fn set(value: &str, life: &str, bound: Bound, is_secure: bool) -> Option<HeaderValue> {
    let secure = if is_secure { "; Secure" } else { "" };
    let name = name(bound, is_secure);
    HeaderValue::try_from(format!("{name}={value}; Path=/settings; HttpOnly; SameSite=Strict{secure}{life}"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn found(lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        read(&headers, Bound::Session, false).is_some()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert!(found(&[&format!("a=b; qwetty-session={TOKEN}; c=d")]));
        assert!(found(&["a=b", &format!("qwetty-session={TOKEN}")]));
    }

    #[test]
    fn what_is_malformed_doubled_or_of_another_kind_is_none() {
        assert!(!found(&[]));
        assert!(!found(&["qwetty-session="]));
        assert!(!found(&["qwetty-session=abc"]));
        assert!(!found(&[&format!("qwetty-visit={TOKEN}")]));
        assert!(!found(&[&format!("__Secure-qwetty-session={TOKEN}")]));
        assert!(!found(&[&format!("qwetty-session={TOKEN}; qwetty-session={TOKEN}")]));
    }

    #[test]
    fn a_cookie_is_for_the_console_alone() {
        let token = Token::parse(TOKEN).unwrap();
        assert_eq!(
            keep(&token, Bound::Session, true).unwrap(),
            format!("__Secure-qwetty-session={TOKEN}; Path=/settings; HttpOnly; SameSite=Strict; Secure")
                .as_str()
        );
        assert_eq!(
            remove(Bound::Session, false).unwrap(),
            "qwetty-session=; Path=/settings; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
