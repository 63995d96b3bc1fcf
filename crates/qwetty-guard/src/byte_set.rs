//! A set of bytes, for texts of which every byte is looked at.

/// Letters and digits of ASCII, and some more bytes.
pub(crate) struct ByteSet([bool; 256]);

impl ByteSet {
    /// The set of the letters, the digits and these.
    #[expect(clippy::indexing_slicing, reason = "what is out of bounds in a constant does not compile")]
    pub(crate) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut has = [false; 256];
        let mut byte = 0_u8;
        while byte.is_ascii() {
            has[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut index = 0;
        while index < others.len() {
            has[others[index] as usize] = true;
            index += 1;
        }
        Self(has)
    }

    /// Whether the byte is in it.
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_letters_digits_and_what_it_was_given() {
        static SET: ByteSet = ByteSet::alphanumeric_and(b"-\xff");
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || byte == b'-' || byte == 0xff;
            assert_eq!(SET.contains(byte), expected, "{byte}");
        }
    }
}
