//! Setting the headers of an answer, each to a text that is written for it.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};

/// Writes the values of headers. Each value has an allocation of its own: a decision's answer has many, and they would all count
/// up and down who holds an allocation that they share.
pub struct HeaderWriter<'a> {
    headers: &'a mut HeaderMap,
    /// Where each value is written first, for its length is not known before.
    text: Vec<u8>,
}

/// Room for nearly every value.
const LENGTH: usize = 128;

impl<'a> HeaderWriter<'a> {
    /// One that sets headers there.
    pub fn new(headers: &'a mut HeaderMap) -> Self {
        Self { headers, text: Vec::with_capacity(LENGTH) }
    }

    /// Sets a header to what `write` appends to the empty text.
    ///
    /// # Errors
    ///
    /// [`InvalidHeaderValue`], if that has bytes which no header may have. The header stays as it is then.
    pub fn set(
        &mut self,
        name: HeaderName,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), InvalidHeaderValue> {
        self.text.clear();
        write(&mut self.text);
        self.put(name, HeaderValue::from_bytes(&self.text)?);
        Ok(())
    }

    /// Sets a header to a value that is there already.
    pub fn put(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }
}

/// Nothing of the headers: some may be a request's.
impl fmt::Debug for HeaderWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderWriter").finish_non_exhaustive()
    }
}

/// Appends a number as decimal digits.
pub fn push_decimal(text: &mut Vec<u8>, number: impl itoa::Integer) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{AGE, ALLOW, ETAG, SERVER, VARY};

    #[test]
    fn each_header_has_its_own_text_and_others_stay() {
        let mut headers = HeaderMap::from_iter([
            (ALLOW, HeaderValue::from_static("GET")),
            (ETAG, HeaderValue::from_static("before")),
        ]);
        let mut writer = HeaderWriter::new(&mut headers);
        writer.set(ETAG, |text| text.extend_from_slice(b"one")).unwrap();
        writer.set(VARY, |_| {}).unwrap();
        writer.put(AGE, HeaderValue::from_static("7"));
        writer.set(SERVER, |text| push_decimal(text, -1_020)).unwrap();
        assert_eq!(
            headers,
            HeaderMap::from_iter([
                (ALLOW, HeaderValue::from_static("GET")),
                (ETAG, HeaderValue::from_static("one")),
                (VARY, HeaderValue::from_static("")),
                (AGE, HeaderValue::from_static("7")),
                (SERVER, HeaderValue::from(-1_020)),
            ])
        );
    }

    #[test]
    fn what_no_header_may_have_is_refused_and_changes_nothing() {
        let mut headers = HeaderMap::new();
        let mut writer = HeaderWriter::new(&mut headers);
        assert!(writer.set(ETAG, |text| text.extend_from_slice(b"a\r\nb: c")).is_err());
        writer.set(VARY, |text| text.extend_from_slice(b"*")).unwrap();
        assert_eq!(headers, HeaderMap::from_iter([(VARY, HeaderValue::from_static("*"))]));
    }
}
