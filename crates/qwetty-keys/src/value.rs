use std::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::base62::{self, BODY_DIGITS};
use crate::prefix::KeyPrefix;
use crate::start::KeyStart;

/// A key value in plain text, fresh from [`generate`](Self::generate): the prefix, 32 random bytes as 43 base62
/// digits, and their checksum as 6.
///
/// It exists to be shown once, to whoever asked for the key. Hence it cannot be cloned, compared, displayed or
/// serialized, its `Debug` is redacted and its memory is wiped on drop.
///
/// ```compile_fail
/// fn needs_display<T: std::fmt::Display>() {}
/// needs_display::<qwetty_keys::KeyValue>();
/// ```
/// ```compile_fail
/// fn needs_clone<T: Clone>() {}
/// needs_clone::<qwetty_keys::KeyValue>();
/// ```
pub struct KeyValue {
    text: Zeroizing<String>,
    prefix_len: usize,
}

impl KeyValue {
    /// Makes a key value of 256 random bits from `rng`, which should be the operating system's source.
    ///
    /// # Errors
    ///
    /// The error of `rng`, if it cannot give 32 bytes.
    pub fn generate<R: TryCryptoRng + ?Sized>(prefix: KeyPrefix, rng: &mut R) -> Result<Self, R::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(secret.as_mut_slice())?;
        Ok(Self::from_secret(prefix, &secret))
    }

    /// The plain text: for the one response that hands it over, and nothing else.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The part that may be kept and shown.
    pub fn start(&self) -> KeyStart {
        KeyStart::of(self.text.as_bytes(), self.prefix_len)
    }

    fn from_secret(prefix: KeyPrefix, secret: &[u8; 32]) -> Self {
        // The whole capacity at once: growing would leave a copy behind that nobody wipes.
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + BODY_DIGITS));
        text.push_str(prefix.as_str());
        text.extend(base62::encode_value(secret).iter().map(|digit| char::from(*digit)));
        let checksum = base62::checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Self { text, prefix_len: prefix.len() }
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyValue(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_known_secrets() {
        let counting: [u8; 32] = std::array::from_fn(|i| i as u8);
        // Worked out with another program: Python's int.from_bytes and zlib.crc32.
        for (secret, text) in [
            ([0; 32], "qwt_00000000000000000000000000000000000000000001c0Dto"),
            (counting, "qwt_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf28xKiO"),
            ([0xff; 32], "qwt_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp14SbCiO"),
        ] {
            let value = KeyValue::from_secret(KeyPrefix::QWETTY, &secret);
            assert_eq!(value.expose(), text);
            assert_eq!(value.start().as_str(), &text[..8]);
            assert_eq!(format!("{value:?}"), "KeyValue(redacted)");
        }
    }

    #[test]
    fn its_text_is_allocated_once() {
        let value = KeyValue::from_secret("acme_live_".parse().unwrap(), &[7; 32]);
        assert_eq!(value.text.len(), 10 + 49);
        assert_eq!(value.text.capacity(), value.text.len());
    }
}
