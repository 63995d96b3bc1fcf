//! The headers of an answer: a set that is made once, and its values, written one after another into one allocation.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use smallvec::SmallVec;

use crate::request_id::RequestId;

/// The headers of a kind of answers, to be filled in for each. To copy the set costs a fraction of what it costs to look each
/// header's place up.
#[derive(Debug)]
pub struct HeaderForm {
    headers: HeaderMap,
    /// How many of them are to be filled in: those that come first.
    blanks: usize,
}

/// The values of an answer's headers. Each decision has many of them, so they share what holds their text.
#[derive(Debug)]
pub struct HeaderTexts {
    text: Vec<u8>,
    /// Where each value ends; the next one begins there.
    ends: SmallVec<[usize; 12]>,
}

/// An answer's headers could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HeaderTextError {
    /// A text has bytes that no header may have.
    #[error(transparent)]
    Invalid(#[from] InvalidHeaderValue),
    /// There is not one text for each header.
    #[error("{texts} texts are no values for {headers} headers; write one for each")]
    Count {
        /// How many headers are to be filled in.
        headers: usize,
        /// How many texts there are.
        texts: usize,
    },
}

impl HeaderForm {
    /// Headers that are to be filled in, each name once.
    pub fn new(names: impl IntoIterator<Item = HeaderName>) -> Self {
        let headers: HeaderMap = names.into_iter().map(|name| (name, HeaderValue::from_static(""))).collect();
        Self { blanks: headers.len(), headers }
    }

    /// And one more, that has the same value in every answer.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The headers with the id of the request, which must be the only one to be filled in.
    pub fn stamped(&self, id: &RequestId) -> HeaderMap {
        let mut headers = self.headers.clone();
        id.stamp(&mut headers);
        headers
    }

    /// The headers with these values, in the order of the names.
    ///
    /// # Errors
    ///
    /// [`HeaderTextError`], if a text is no value of a header, or there is not one for each.
    pub fn filled(&self, texts: HeaderTexts) -> Result<HeaderMap, HeaderTextError> {
        if texts.ends.len() != self.blanks {
            return Err(HeaderTextError::Count { headers: self.blanks, texts: texts.ends.len() });
        }
        let mut headers = self.headers.clone();
        // A map from which nothing was taken keeps the order in which it was filled.
        for (header, value) in headers.values_mut().zip(texts.values()) {
            *header = value?;
        }
        Ok(headers)
    }
}

impl Default for HeaderTexts {
    /// No values, and room for those of most answers.
    fn default() -> Self {
        Self { text: Vec::with_capacity(320), ends: SmallVec::new() }
    }
}

impl HeaderTexts {
    /// Adds the value that `write` appends to the text.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    /// The values, in the order in which they were added; an error for a text with bytes that no header may have.
    pub(crate) fn values(self) -> impl Iterator<Item = Result<HeaderValue, InvalidHeaderValue>> {
        let text = Bytes::from(self.text);
        let mut start = 0;
        self.ends.into_iter().map(move |end| {
            let value = text.slice(start..end);
            start = end;
            HeaderValue::from_maybe_shared(value)
        })
    }
}

/// Appends a number as decimal digits.
pub fn push_decimal(text: &mut Vec<u8>, number: impl itoa::Integer) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ALLOW, ETAG, SERVER, VARY};

    #[test]
    fn each_header_has_its_own_text() {
        let mut texts = HeaderTexts::default();
        texts.add(|text| text.extend_from_slice(b"one"));
        texts.add(|_| {});
        texts.add(|text| push_decimal(text, -1_020));
        let form = HeaderForm::new([ETAG, VARY, SERVER]).with(ALLOW, HeaderValue::from_static("GET"));
        assert_eq!(
            form.filled(texts).unwrap(),
            HeaderMap::from_iter([
                (ALLOW, HeaderValue::from_static("GET")),
                (ETAG, HeaderValue::from_static("one")),
                (VARY, HeaderValue::from_static("")),
                (SERVER, HeaderValue::from(-1_020)),
            ])
        );
    }

    #[test]
    fn a_form_that_grew_while_it_was_made_keeps_the_order_of_its_names() {
        let names: Vec<HeaderName> =
            (0..100).map(|number| format!("x-{number}").parse().unwrap()).rev().collect();
        let mut texts = HeaderTexts::default();
        for name in &names {
            texts.add(|text| text.extend_from_slice(name.as_str().as_bytes()));
        }
        let headers = HeaderForm::new(names).filled(texts).unwrap();
        assert_eq!(headers.len(), 100);
        assert!(headers.iter().all(|(name, value)| name.as_str() == value));
    }

    #[test]
    fn what_no_header_may_have_is_refused() {
        let mut texts = HeaderTexts::default();
        texts.add(|text| text.extend_from_slice(b"a\r\nb: c"));
        assert!(matches!(HeaderForm::new([ETAG]).filled(texts), Err(HeaderTextError::Invalid(_))));
    }

    #[test]
    fn no_header_stays_empty_and_no_text_is_left_over() {
        for names in [vec![], vec![ETAG, VARY]] {
            let mut texts = HeaderTexts::default();
            texts.add(|text| text.push(b'a'));
            let filled = HeaderForm::new(names).filled(texts);
            assert!(matches!(filled, Err(HeaderTextError::Count { texts: 1, .. })));
        }
    }
}
