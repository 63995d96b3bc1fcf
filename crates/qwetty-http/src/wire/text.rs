use std::fmt::Display;

use serde::ser::{Serialize, Serializer};

/// A value that goes out as its text form: an id, a time (RFC 3339 in UTC), a network.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qwetty_keys::Timestamp;

    #[test]
    fn a_value_goes_out_as_it_displays() {
        let time = Text(Timestamp::from_unix_micros(1_500_000));
        assert_eq!(serde_json::to_string(&time).unwrap(), r#""1970-01-01T00:00:01.500000Z""#);
        assert_eq!(serde_json::to_string(&Text("a\"b")).unwrap(), r#""a\"b""#);
    }
}
