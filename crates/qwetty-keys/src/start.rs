use std::fmt;
use std::str::FromStr;

use crate::ascii::InlineAscii;
use crate::base62;
use crate::prefix::KeyPrefix;

/// How many digits after the prefix a start shows.
const SHOWN_DIGITS: usize = 4;

/// The first characters of a key value, the prefix and four digits (`qwt_4fJk`): kept for people to recognise a key by.
///
/// It is no secret. The 24 bits or so that it shows leave more than 230 unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyStart(InlineAscii<{ KeyPrefix::MAX_LEN + SHOWN_DIGITS }>);

impl KeyStart {
    /// The start as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The start of a whole key value that begins with a prefix of `prefix_len` bytes.
    pub(crate) fn of(value: &[u8], prefix_len: usize) -> Self {
        let shown = value.get(..prefix_len + SHOWN_DIGITS).unwrap_or_default();
        // A value is longer than its start and ASCII, so the empty fallback is never taken.
        Self(InlineAscii::new(shown).unwrap_or(InlineAscii::from_padded([0; _], 0)))
    }
}

/// Reads back what a store kept of a key value, of whatever prefix.
impl FromStr for KeyStart {
    type Err = StartError;

    fn from_str(text: &str) -> Result<Self, StartError> {
        let (prefix, digits) = text.as_bytes().split_last_chunk::<SHOWN_DIGITS>().ok_or(StartError)?;
        KeyPrefix::parse(prefix).map_err(|_| StartError)?;
        if !base62::is_base62(digits) {
            return Err(StartError);
        }
        InlineAscii::new(text.as_bytes()).map(Self).ok_or(StartError)
    }
}

impl fmt::Display for KeyStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The text is no [`KeyStart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the start of a key value is its prefix and four base62 digits, such as `qwt_4fJk`")]
pub struct StartError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_shows() {
        for text in ["qwt_4fJk", "qwt_0000", "sixteen_bytes_x_zzzz"] {
            let start: KeyStart = text.parse().unwrap();
            assert_eq!(start.as_str(), text);
            assert_eq!((start.to_string(), format!("{start:?}")), (text.to_owned(), format!("{text:?}")));
        }
    }

    #[test]
    fn refuses_what_no_key_value_begins_with() {
        for text in ["", "qwt_", "qwt_4fJ", "qwt_4fJ-", "qwt4fJk", "QWT_4fJk", "4fJk", "qwt_4fJk0"] {
            assert_eq!(text.parse::<KeyStart>(), Err(StartError), "{text:?}");
        }
    }
}
