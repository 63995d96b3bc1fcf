//! Reading one request header that may stand once.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// What is wrong with a header that may stand once. The message names the header and never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The header stands more than once, so that two readers could take different ones.
    #[error("the header {0} stands more than once; send it once")]
    Repeated(HeaderName),
    /// The header's value is not visible ASCII text.
    #[error("the header {0} has bytes that are no text; send visible ASCII characters")]
    NotText(HeaderName),
}

/// The value of the header `name`, `None` if it is absent.
///
/// # Errors
/// [`HeaderError`] if it stands twice or is not text.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, HeaderError> {
    let value = single_value(headers, name)?;
    value.map(|value| value.to_str().map_err(|_| HeaderError::NotText(name.clone()))).transpose()
}

/// The same, whatever bytes it has.
///
/// # Errors
/// [`HeaderError::Repeated`] if it stands twice.
pub fn single_value<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, HeaderError> {
    // Where each name stands once, nearly everywhere, none needs to be counted.
    if headers.len() != headers.keys_len() && headers.get_all(name).iter().nth(1).is_some() {
        return Err(HeaderError::Repeated(name.clone()));
    }
    Ok(headers.get(name))
}

/// What stands under the name of a header that may stand once, for whoever goes through all headers. To go through them once
/// costs less than to look up several names.
#[derive(Clone, Copy)]
pub enum Single<'a> {
    /// Nothing, so far.
    Absent,
    /// This value.
    Once(&'a HeaderValue),
    /// Several values.
    Repeated,
}

impl<'a> Single<'a> {
    /// Takes a value that stands under the name.
    pub fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }

    /// The value of the header `name`, `None` if it is absent.
    ///
    /// # Errors
    /// [`HeaderError::Repeated`] if it stands twice.
    pub fn value(self, name: &HeaderName) -> Result<Option<&'a HeaderValue>, HeaderError> {
        match self {
            Self::Absent => Ok(None),
            Self::Once(value) => Ok(Some(value)),
            Self::Repeated => Err(HeaderError::Repeated(name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HOST;

    #[test]
    fn absent_present_repeated() {
        let mut headers = HeaderMap::new();
        assert_eq!(single(&headers, &HOST), Ok(None));
        headers.append(HOST, HeaderValue::from_static("a"));
        assert_eq!(single(&headers, &HOST), Ok(Some("a")));
        headers.append(HOST, HeaderValue::from_static("a"));
        assert_eq!(single(&headers, &HOST), Err(HeaderError::Repeated(HOST)));
    }

    #[test]
    fn going_through_all_finds_what_looking_up_finds() {
        for values in [&[][..], &["a"], &["a", "a"], &["a", "b", "c"]] {
            let mut headers = HeaderMap::new();
            let mut found = Single::Absent;
            for value in values {
                headers.append(HOST, HeaderValue::from_static(value));
            }
            headers.values().for_each(|value| found.add(value));
            assert_eq!(found.value(&HOST), single_value(&headers, &HOST), "{values:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_without_being_repeated() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_bytes(b"secret\xff").unwrap());
        let error = single(&headers, &HOST).unwrap_err();
        assert_eq!(error, HeaderError::NotText(HOST));
        assert!(!error.to_string().contains("secret"));
    }
}
