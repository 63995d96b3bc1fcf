use std::fmt;
use std::str::FromStr;

use zeroize::{Zeroize, Zeroizing};

use crate::digest::KeyDigest;
use crate::presented::PresentedText;
use crate::value::KeyValue;

// BLAKE3 asks for context strings that are hard-coded, globally unique and never reused. Changing one orphans every
// digest stored under it.
const PEPPERED_CONTEXT: &str = "qwetty-keys v1: digest of a key value, with a server pepper";
const PLAIN_CONTEXT: &str = "qwetty-keys v1: digest of a key value, without a pepper";

/// Turns key values into the digests under which they are stored: BLAKE3 keyed with a domain-separated key that
/// is derived from the server's [`Pepper`], or from nothing where none is configured.
///
/// A key value holds 256 random bits, so one fast hash protects it as well as a slow one would; the pepper keeps
/// someone who can write to the database, yet not read the configuration, from planting keys of their own.
///
/// To rotate the pepper, make the new one current and keep the old one as retired. What is issued is digested under
/// the current one; what is presented is looked up under the current one first, then under each retired one.
#[derive(Clone)]
pub struct Digester {
    current: HashKey,
    retired: Vec<HashKey>,
}

impl Digester {
    /// A digester for the current pepper; `None` is a server without one.
    pub fn new(current: Option<&Pepper>) -> Self {
        Self { current: hash_key(current), retired: Vec::new() }
    }

    /// Also knows values that were digested under `retired`; `None` stands for those from before there was a pepper.
    /// Retired peppers are tried in the order in which they were added.
    #[must_use]
    pub fn with_retired(mut self, retired: Option<&Pepper>) -> Self {
        self.retired.push(hash_key(retired));
        self
    }

    /// The digest to store for a fresh value, under the current pepper.
    pub fn digest_value(&self, value: &KeyValue) -> KeyDigest {
        keyed_digest(&self.current, value.expose().as_bytes())
    }

    /// The digest to look a presented key up by, under the current pepper.
    pub fn digest<'a>(&self, key: impl Into<PresentedText<'a>>) -> KeyDigest {
        keyed_digest(&self.current, key.into().as_bytes())
    }

    /// The digests that a presented key may be stored under if it was issued under a retired pepper. Each is computed
    /// as it is asked for.
    pub fn retired_digests<'a>(
        &'a self,
        key: impl Into<PresentedText<'a>>,
    ) -> impl Iterator<Item = KeyDigest> + 'a {
        let key = key.into();
        self.retired.iter().map(move |hash_key| keyed_digest(hash_key, key.as_bytes()))
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester(redacted)")
    }
}

/// A secret of 32 bytes that the server holds beside its database and mixes into every digest.
///
/// Its `Debug` is redacted and it is wiped on drop.
pub struct Pepper(Zeroizing<[u8; 32]>);

impl Pepper {
    /// The pepper of these bytes, which should come from a random source.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Parses 64 hexadecimal digits of either case, and nothing around them.
impl FromStr for Pepper {
    type Err = PepperError;

    fn from_str(text: &str) -> Result<Self, PepperError> {
        let mut pepper = Self::from_bytes([0; 32]);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != pepper.0.len() || !rest.is_empty() {
            return Err(PepperError::Length);
        }
        for (byte, [high, low]) in pepper.0.iter_mut().zip(pairs) {
            *byte = (hex_digit(*high)? << 4) | hex_digit(*low)?;
        }
        Ok(pepper)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(redacted)")
    }
}

/// Why a text is no [`Pepper`]. It says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PepperError {
    /// The text is not 64 bytes long.
    #[error("a pepper is exactly 64 hexadecimal digits (32 bytes), with nothing around them")]
    Length,
    /// A character is no hexadecimal digit.
    #[error("a pepper holds nothing but hexadecimal digits")]
    Digit,
}

type HashKey = Zeroizing<[u8; blake3::KEY_LEN]>;

fn hash_key(pepper: Option<&Pepper>) -> HashKey {
    let mut key = match pepper {
        Some(pepper) => blake3::derive_key(PEPPERED_CONTEXT, pepper.0.as_slice()),
        None => blake3::derive_key(PLAIN_CONTEXT, b""),
    };
    let held = Zeroizing::new(key);
    key.zeroize();
    held
}

fn keyed_digest(key: &HashKey, value: &[u8]) -> KeyDigest {
    KeyDigest::from_bytes(*blake3::keyed_hash(key, value).as_bytes())
}

fn hex_digit(byte: u8) -> Result<u8, PepperError> {
    let digit = char::from(byte).to_digit(16).ok_or(PepperError::Digit)?;
    u8::try_from(digit).map_err(|_| PepperError::Digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presented::PresentedKey;

    const VALUE: &str = "qwt_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf28xKiO";

    fn presented() -> PresentedKey {
        VALUE.parse().unwrap()
    }

    fn pepper(byte: u8) -> Pepper {
        Pepper::from_bytes([byte; 32])
    }

    #[test]
    fn digests_are_stable_across_releases() {
        // Worked out with another program: Python's blake3 package.
        let hex = |digest: KeyDigest| blake3::Hash::from_bytes(*digest.as_bytes()).to_hex().to_string();
        assert_eq!(
            hex(Digester::new(None).digest(&presented())),
            "fb42e0931c9e3860bc429e391f1789a3bf5e29331f827859214e1d3f4b92e3f1"
        );
        assert_eq!(
            hex(Digester::new(Some(&pepper(1))).digest(&presented())),
            "d6babdf84d8fe303f2ded21bdac34dfcd6439c1845706e26387233517bc53285"
        );
    }

    #[test]
    fn domains_are_separate() {
        let digests = [
            Digester::new(None).digest(&presented()),
            Digester::new(Some(&pepper(0))).digest(&presented()),
            Digester::new(Some(&pepper(1))).digest(&presented()),
            KeyDigest::from_bytes(*blake3::hash(VALUE.as_bytes()).as_bytes()),
            KeyDigest::from_bytes(*blake3::keyed_hash(&[1; 32], VALUE.as_bytes()).as_bytes()),
        ];
        for (i, a) in digests.iter().enumerate() {
            for b in &digests[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }

    #[test]
    fn a_rotation_still_knows_what_was_issued_before_it() {
        let without = Digester::new(None).digest(&presented());
        let first = Digester::new(Some(&pepper(1))).digest(&presented());
        let second = Digester::new(Some(&pepper(2))).digest(&presented());

        let rotated = Digester::new(Some(&pepper(2))).with_retired(Some(&pepper(1))).with_retired(None);
        assert_eq!(rotated.digest(&presented()), second);
        assert_eq!(rotated.retired_digests(&presented()).collect::<Vec<_>>(), [first, without]);
        assert_eq!(Digester::new(Some(&pepper(2))).retired_digests(&presented()).count(), 0);
    }

    #[test]
    fn a_pepper_is_64_hex_digits() {
        let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1E1F";
        let parsed: Pepper = digits.parse().unwrap();
        assert_eq!(*parsed.0, std::array::from_fn::<u8, 32, _>(|i| i as u8));

        assert_eq!("".parse::<Pepper>().err(), Some(PepperError::Length));
        assert_eq!(digits[1..].parse::<Pepper>().err(), Some(PepperError::Length));
        assert_eq!(format!("{digits}\n").parse::<Pepper>().err(), Some(PepperError::Length));
        assert_eq!(format!("{digits}00").parse::<Pepper>().err(), Some(PepperError::Length));
        assert_eq!(digits.replace('a', "g").parse::<Pepper>().err(), Some(PepperError::Digit));
        assert_eq!(digits.replace("0a", "+a").parse::<Pepper>().err(), Some(PepperError::Digit));
    }

    #[test]
    fn no_key_of_a_digest_is_printed() {
        let (pepper, digester) = (pepper(1), Digester::new(Some(&pepper(1))));
        assert_eq!(format!("{pepper:?} {digester:?}"), "Pepper(redacted) Digester(redacted)");
    }
}
