use std::fmt;
use std::hash::{Hash, Hasher};

use subtle::ConstantTimeEq;

/// The digest under which a key value is stored and looked up, made by a [`Digester`](crate::Digester).
///
/// 32 bytes. Whoever holds it cannot find the value, yet it names a key, so its `Debug` is redacted too. Equality
/// takes constant time.
#[derive(Clone, Copy, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of these bytes, as a store read them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn words(&self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(self.0.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        words
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        // By words, all of them into one: a comparison byte by byte takes half as long as the hash itself.
        let differing = self.words().iter().zip(other.words()).fold(0, |bits, (a, b)| bits | (a ^ b));
        differing.ct_eq(&0).into()
    }
}

impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    #[test]
    fn equality_looks_at_every_bit() {
        let digest = KeyDigest::from_bytes([0x5a; 32]);
        assert_eq!(digest, KeyDigest::from_bytes(*digest.as_bytes()));
        for bit in 0..256 {
            let mut bytes = *digest.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(digest, KeyDigest::from_bytes(bytes), "bit {bit}");
        }
    }

    #[test]
    fn different_digests_hash_differently_and_print_alike() {
        let hashed = |number: u8| {
            let mut hasher = DefaultHasher::new();
            KeyDigest::from_bytes([number; 32]).hash(&mut hasher);
            hasher.finish()
        };
        assert_ne!(hashed(1), hashed(2));
        assert_eq!(hashed(1), hashed(1));
        assert_eq!(format!("{:?}", KeyDigest::from_bytes([1; 32])), "KeyDigest(redacted)");
    }
}
