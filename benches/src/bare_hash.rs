use qwetty_keys::KeyValue;

/// What every other line is measured against: keyed BLAKE3 of a key value, and nothing around it.
///
/// No verifier that keeps digests instead of values can do with less.
#[derive(Debug)]
pub struct BareHash {
    key: [u8; blake3::KEY_LEN],
}

impl BareHash {
    /// A hash keyed with these bytes.
    pub const fn new(key: [u8; blake3::KEY_LEN]) -> Self {
        Self { key }
    }

    /// The hash of the 53 bytes of a key value.
    pub fn of(&self, value: &KeyValue) -> blake3::Hash {
        self.of_text(value.expose())
    }

    /// The same of the text of one.
    pub fn of_text(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.key, text.as_bytes())
    }
}
