use std::fmt;
use std::str::FromStr;

use crate::ascii::InlineAscii;

/// What every key value of one service begins with, such as `qwt_`.
///
/// It lets people and secret scanners recognise a leaked key. 2 to 16 bytes: lower-case ASCII letters, digits and
/// `_`, beginning with a letter and ending with `_`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPrefix(InlineAscii<{ KeyPrefix::MAX_LEN }>);

impl KeyPrefix {
    /// Qwetty's own prefix, `qwt_`.
    pub const QWETTY: Self = Self(InlineAscii::from_padded(*b"qwt_\0\0\0\0\0\0\0\0\0\0\0\0", 4));

    pub(crate) const MAX_LEN: usize = 16;

    /// The prefix as text, its final `_` included.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, PrefixError> {
        let (Some(first), Some(b'_')) = (text.first(), text.last()) else { return Err(PrefixError) };
        let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
        if !first.is_ascii_lowercase() || !text.iter().all(allowed) {
            return Err(PrefixError);
        }
        InlineAscii::new(text).map(Self).ok_or(PrefixError)
    }
}

/// [`KeyPrefix::QWETTY`].
impl Default for KeyPrefix {
    fn default() -> Self {
        Self::QWETTY
    }
}

impl FromStr for KeyPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The text is no [`KeyPrefix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key prefix is 2 to 16 lower-case ASCII letters, digits and underscores, \
     begins with a letter and ends with an underscore"
)]
pub struct PrefixError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_rule_allows() {
        for text in ["qwt_", "a_", "a__", "acme_live2_", "sixteen_bytes_x_"] {
            assert_eq!(text.parse::<KeyPrefix>().unwrap().as_str(), text);
        }
        assert_eq!("qwt_".parse(), Ok(KeyPrefix::QWETTY));
        assert_eq!(KeyPrefix::default().to_string(), "qwt_");
        assert_eq!(format!("{:?}", KeyPrefix::QWETTY), "\"qwt_\"");
    }

    #[test]
    fn refuses_everything_else() {
        for text in
            ["", "_", "a", "__", "qwt", "Qwt_", "2wt_", "_qwt_", "q-t_", "q t_", "é_", "seventeen_bytes__"]
        {
            assert_eq!(text.parse::<KeyPrefix>(), Err(PrefixError), "{text:?}");
        }
    }
}
