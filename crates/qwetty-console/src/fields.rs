//! The fields of a form, or the parameters of a page: read strictly, so that nothing sent is ignored.

use percent_encoding::percent_decode;

/// What a form or a query string holds. Take what the page knows, then [`finish`](Fields::finish): what is left is refused.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

/// What is wrong with a form or a query string. A value is never repeated: it may be a key value in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldsError {
    /// Bytes that are not UTF-8.
    #[error("a field is not UTF-8")]
    Encoding,
    /// One field twice where one is expected.
    #[error("the field {0} was sent more than once")]
    Repeated(&'static str),
    /// A field that nothing took.
    #[error("a field was sent that this page does not know")]
    Unknown,
    /// A value that the field does not take.
    #[error("the field {0} has a value that it cannot have")]
    Value(&'static str),
}

impl Fields {
    /// Splits and decodes `application/x-www-form-urlencoded` (WHATWG URL, section 5), refusing what is not UTF-8.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, FieldsError> {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            Ok((name, decode(halves.next().unwrap_or_default())?))
        });
        decoded.collect::<Result<_, _>>().map(Self)
    }

    /// A field that is sent at most once.
    pub(crate) fn one(&mut self, name: &'static str) -> Result<Option<String>, FieldsError> {
        let mut values = self.all(name);
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(FieldsError::Repeated(name)) }
    }

    /// The same, where nothing typed is as good as nothing sent.
    pub(crate) fn filled(&mut self, name: &'static str) -> Result<Option<String>, FieldsError> {
        Ok(self.one(name)?.filter(|text| !text.is_empty()))
    }

    /// A field that is one of a few words; the empty one is none of them.
    pub(crate) fn choice<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FieldsError> {
        match self.filled(name)? {
            None => Ok(None),
            Some(text) => parse(&text).map(Some).ok_or(FieldsError::Value(name)),
        }
    }

    /// A field that may be sent any number of times, such as a group of check boxes.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(known, _)| known == name).map(|(_, value)| value).collect()
    }

    /// Ends the reading.
    pub(crate) fn finish(&self) -> Result<(), FieldsError> {
        if self.0.is_empty() { Ok(()) } else { Err(FieldsError::Unknown) }
    }
}

fn decode(text: &[u8]) -> Result<String, FieldsError> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8().map_err(|_| FieldsError::Encoding)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn each_field_is_taken_once() {
        let mut form = fields("name=a+b%20c&description=&permissions=x&permissions=y&");
        assert_eq!(form.one("name"), Ok(Some("a b c".to_owned())));
        assert_eq!(form.one("name"), Ok(None));
        assert_eq!(form.finish(), Err(FieldsError::Unknown));
        assert_eq!(form.filled("description"), Ok(None));
        assert_eq!(form.all("permissions"), ["x", "y"]);
        assert_eq!(form.finish(), Ok(()));
    }

    #[test]
    fn a_field_that_is_sent_twice_is_refused_even_if_both_agree() {
        assert_eq!(fields("a=1&%61=1").one("a"), Err(FieldsError::Repeated("a")));
    }

    #[test]
    fn what_is_no_utf8_or_no_choice_is_refused_without_being_repeated() {
        assert_eq!(Fields::parse(b"a=%ff").err(), Some(FieldsError::Encoding));
        let error = fields("page=secret").choice("page", |text| text.parse::<u64>().ok()).unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_a_browser_writes_is_read(values in proptest::collection::vec(any::<String>(), 0..4)) {
            let mut text = form_urlencoded::Serializer::new(String::new());
            for value in &values {
                text.append_pair("v", value);
            }
            let mut form = Fields::parse(text.finish().as_bytes()).unwrap();
            prop_assert_eq!(form.all("v"), values);
            prop_assert_eq!(form.finish(), Ok(()));
        }
    }
}
