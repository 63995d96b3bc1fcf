use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use zeroize::Zeroize;

use crate::base62::{self, BODY_DIGITS, VALUE_DIGITS};
use crate::malformed::MalformedKey;
use crate::prefix::KeyPrefix;
use crate::start::KeyStart;

const MAX_LEN: usize = KeyPrefix::MAX_LEN + BODY_DIGITS;

/// A key value that a client sent: well-formed, and not yet known to be anybody's.
///
/// It is a secret as [`KeyValue`](crate::KeyValue) is: no clone, no display, redacted `Debug`, wiped on drop. It stands
/// on the stack, since one is made for every request.
pub struct PresentedKey {
    text: [u8; MAX_LEN],
    /// Never zero, which lets a `Result` do without a tag: parsing is a quarter faster for it.
    len: NonZeroU8,
    prefix_len: u8,
}

impl PresentedKey {
    /// Checks length, prefix, alphabet, checksum and overflow, in that order: everything that can be known of a key
    /// value without a hash or a look-up.
    ///
    /// # Errors
    ///
    /// The first of these checks that fails.
    pub fn parse(prefix: KeyPrefix, text: &str) -> Result<Self, MalformedKey> {
        let presented = PresentedText::parse(prefix, text)?;
        Self::hold(presented.as_bytes(), prefix).ok_or(MalformedKey::Length)
    }

    /// The part that may be kept and shown.
    pub fn start(&self) -> KeyStart {
        KeyStart::of(self.as_bytes(), usize::from(self.prefix_len))
    }

    fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len.get())).unwrap_or_default()
    }

    fn hold(bytes: &[u8], prefix: KeyPrefix) -> Option<Self> {
        let len = u8::try_from(bytes.len()).ok().and_then(NonZeroU8::new)?;
        let prefix_len = u8::try_from(prefix.len()).ok()?;
        let mut key = Self { text: [0; MAX_LEN], len, prefix_len };
        key.text.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(key)
    }
}

/// A [`PresentedKey`] that is left where it came in: for who asks at once and keeps nothing. There is no copy of it to
/// be wiped.
#[derive(Clone, Copy)]
pub struct PresentedText<'a>(&'a [u8]);

impl<'a> PresentedText<'a> {
    /// The checks of [`PresentedKey::parse`].
    ///
    /// # Errors
    ///
    /// The first of these checks that fails.
    pub fn parse(prefix: KeyPrefix, text: &'a str) -> Result<Self, MalformedKey> {
        let bytes = text.as_bytes();
        if bytes.len() != prefix.len() + BODY_DIGITS {
            return Err(MalformedKey::Length);
        }
        let (front, body) = bytes.split_last_chunk::<BODY_DIGITS>().ok_or(MalformedKey::Length)?;
        // Byte by byte: for so few, a call to compare them takes longer than to compare them.
        if !front.iter().zip(prefix.as_bytes()).fold(true, |same, (a, b)| same & (a == b)) {
            return Err(MalformedKey::Prefix);
        }
        if !base62::is_base62(body) {
            return Err(MalformedKey::Alphabet);
        }
        let (signed, checksum) = bytes.split_last_chunk().ok_or(MalformedKey::Length)?;
        if !base62::is_checksum(checksum, signed) {
            return Err(MalformedKey::Checksum);
        }
        let value: &[u8; VALUE_DIGITS] = body.first_chunk().ok_or(MalformedKey::Length)?;
        if base62::overflows(value) {
            return Err(MalformedKey::Overflow);
        }
        Ok(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> From<&'a PresentedKey> for PresentedText<'a> {
    fn from(key: &'a PresentedKey) -> Self {
        Self(key.as_bytes())
    }
}

impl fmt::Debug for PresentedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedText(redacted)")
    }
}

/// Parses a key value with the prefix [`KeyPrefix::QWETTY`].
impl FromStr for PresentedKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        Self::parse(KeyPrefix::QWETTY, text)
    }
}

impl Drop for PresentedKey {
    fn drop(&mut self) {
        // As a slice: an array would be wiped byte by byte, which takes longer than parsing it.
        self.text.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTING: &str = "qwt_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf28xKiO";

    fn fault(text: &str) -> Option<MalformedKey> {
        text.parse::<PresentedKey>().err()
    }

    #[test]
    fn accepts_known_values() {
        for text in [
            COUNTING,
            "qwt_00000000000000000000000000000000000000000001c0Dto",
            "qwt_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp14SbCiO",
        ] {
            let key: PresentedKey = text.parse().unwrap();
            assert_eq!(key.as_bytes(), text.as_bytes());
            assert_eq!(key.start().as_str(), &text[..8]);
        }
    }

    #[test]
    fn names_the_first_fault() {
        assert_eq!(fault(""), Some(MalformedKey::Length));
        assert_eq!(fault(&COUNTING[..52]), Some(MalformedKey::Length));
        assert_eq!(fault(&format!("{COUNTING}0")), Some(MalformedKey::Length));
        assert_eq!(fault(&format!(" {COUNTING}")), Some(MalformedKey::Length));
        assert_eq!(fault(&COUNTING.replace("qwt_", "qwt-")), Some(MalformedKey::Prefix));
        assert_eq!(fault(&COUNTING.replace("qwt_", "QWT_")), Some(MalformedKey::Prefix));
        assert_eq!(fault(&COUNTING.replace("qwt_", "QWt_")), Some(MalformedKey::Prefix));
        assert_eq!(fault(&COUNTING.replace("qwt_", "abc-")), Some(MalformedKey::Prefix));
        assert_eq!(fault(&COUNTING.replace("qwt_0", "qwt_-")), Some(MalformedKey::Alphabet));
        assert_eq!(fault(&COUNTING.replace("qwt_00", "qwt_é")), Some(MalformedKey::Alphabet));
        assert_eq!(fault(&COUNTING.replace("iO", "iP")), Some(MalformedKey::Checksum));
        // 2^256, with its right checksum.
        let too_great = "qwt_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp21x19Os";
        assert_eq!(fault(too_great), Some(MalformedKey::Overflow));
    }

    #[test]
    fn is_read_only_under_its_own_prefix() {
        let acme: KeyPrefix = "acm_".parse().unwrap();
        assert_eq!(PresentedKey::parse(acme, COUNTING).err(), Some(MalformedKey::Prefix));
        // The checksum covers the prefix, so another prefix cannot be pasted before the digits.
        let pasted = COUNTING.replace("qwt_", "acm_");
        assert_eq!(PresentedKey::parse(acme, &pasted).err(), Some(MalformedKey::Checksum));
    }

    #[test]
    fn it_prints_as_nothing_but_its_kind() {
        let key: PresentedKey = COUNTING.parse().unwrap();
        let text = PresentedText::from(&key);
        assert_eq!(format!("{key:?} {text:?}"), "PresentedKey(redacted) PresentedText(redacted)");
    }
}
