//! `Authorization`: each line of the input is one header line of a request.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use qwetty_guard::{BearerError, bearer};
use qwetty_keys::{KeyPrefix, PresentedKey};

pub(crate) const WORDS: &[&str] = &[
    "Bearer ",
    "bearer",
    "Basic ",
    " ",
    "\t",
    "\n",
    ",",
    "qwt_",
    "qwt_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf28xKiO",
];

pub(crate) fn run(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(8) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(AUTHORIZATION, value);
        }
    }
    let found = bearer(&headers);
    assert_eq!(found.as_ref().ok().copied(), expected(&headers));
    match found {
        Ok(credential) => {
            if PresentedKey::parse(KeyPrefix::QWETTY, credential).is_ok() {
                assert!(
                    credential.len() == 53
                        && credential.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
                );
            }
        }
        // What is wrong is told without what was sent.
        Err(error) => {
            let told = error.to_string();
            assert!(
                told == BearerError::Missing.to_string()
                    || told == BearerError::NotText.to_string()
                    || told.starts_with("the header authorization "),
                "{told}"
            );
        }
    }
}

/// RFC 6750 in the plainest words: one header, `Bearer` in any case, spaces, and the rest.
fn expected(headers: &HeaderMap) -> Option<&str> {
    let lines: Vec<&HeaderValue> = headers.get_all(AUTHORIZATION).iter().collect();
    let [line] = lines[..] else { return None };
    let bytes = line.as_bytes();
    if !bytes.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e)) {
        return None;
    }
    let text = std::str::from_utf8(bytes).unwrap();
    let scheme = text.get(..6)?;
    let rest = text.get(6..)?;
    let credential = rest.trim_start_matches(' ');
    let spaces = rest.len() - credential.len();
    (scheme.to_lowercase() == "bearer" && spaces > 0 && !credential.is_empty()).then_some(credential)
}
