//! The values of an answer's headers, written one after another into one allocation.

use std::ops::Range;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use smallvec::SmallVec;

/// Headers to be set on an answer. Each decision has many of them, so they share what holds their text.
#[derive(Debug)]
pub struct HeaderTexts {
    text: Vec<u8>,
    headers: SmallVec<[(HeaderName, Range<usize>); 12]>,
}

impl Default for HeaderTexts {
    /// No headers, and room for those of most answers.
    fn default() -> Self {
        Self { text: Vec::with_capacity(256), headers: SmallVec::new() }
    }
}

impl HeaderTexts {
    /// Adds a header whose value is what `write` appends to the text.
    pub fn add(&mut self, name: HeaderName, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        write(&mut self.text);
        self.headers.push((name, start..self.text.len()));
    }

    /// Sets the headers, each in place of what stood under its name.
    ///
    /// # Errors
    ///
    /// The text of a header has bytes that no header may have; those before it are set.
    pub fn set(self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        let text = Bytes::from(self.text);
        for (name, range) in self.headers {
            headers.insert(name, HeaderValue::from_maybe_shared(text.slice(range))?);
        }
        Ok(())
    }
}

/// Appends a number as decimal digits.
pub(crate) fn push_decimal(text: &mut Vec<u8>, number: u64) {
    let first = text.len();
    let mut rest = number;
    loop {
        text.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = text.get_mut(first..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ETAG, SERVER, VARY};

    #[test]
    fn each_header_has_its_own_text() {
        let mut texts = HeaderTexts::default();
        texts.add(ETAG, |text| text.extend_from_slice(b"one"));
        texts.add(VARY, |_| {});
        texts.add(SERVER, |text| push_decimal(text, 1_020));
        let mut headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("before"))]);
        texts.set(&mut headers).unwrap();
        assert_eq!(headers.get_all(ETAG).iter().count(), 1);
        assert_eq!(
            (&headers[ETAG], &headers[VARY], &headers[SERVER]),
            (&"one".parse().unwrap(), &HeaderValue::from_static(""), &HeaderValue::from(1_020))
        );
    }

    #[test]
    fn what_no_header_may_have_is_refused() {
        let mut texts = HeaderTexts::default();
        texts.add(ETAG, |text| text.extend_from_slice(b"a\r\nb: c"));
        let mut headers = HeaderMap::new();
        assert!(texts.set(&mut headers).is_err());
        assert!(headers.is_empty());
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 99, 1_000, u64::MAX] {
            let mut text = Vec::new();
            push_decimal(&mut text, number);
            assert_eq!(String::from_utf8(text).unwrap(), number.to_string());
        }
    }
}
