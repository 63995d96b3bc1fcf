//! Short ASCII text held inline, so that the types of the decision path are `Copy` and need no heap.

/// Up to `N` bytes of ASCII, unused bytes zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InlineAscii<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> InlineAscii<N> {
    /// The text, or `None` if it is longer than `N` bytes or not ASCII.
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        let len = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        text.is_ascii().then_some(Self { bytes, len })
    }

    /// For constants: `bytes` is ASCII text of `len` bytes followed by zeros.
    pub(crate) const fn from_padded(bytes: [u8; N], len: u8) -> Self {
        Self { bytes, len }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        // ASCII by construction, so the empty fallback is never taken.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_fits_and_refuses_the_rest() {
        assert_eq!(InlineAscii::<4>::new(b"").unwrap().as_str(), "");
        assert_eq!(InlineAscii::<4>::new(b"abcd").unwrap().as_str(), "abcd");
        assert!(InlineAscii::<4>::new(b"abcde").is_none());
        assert!(InlineAscii::<4>::new("é".as_bytes()).is_none());
        assert!(InlineAscii::<4>::new(&[b'a'; 260]).is_none());
    }
}
