//! A small map by text.

/// Values by text, for look-ups that nearly always end at one of few texts. It compares lengths before letters: that tells
/// most texts apart.
#[derive(Debug, Clone)]
pub(super) struct TextMap<T> {
    /// Shorter texts first, those of one length in their own order.
    entries: Vec<(Box<str>, T)>,
}

impl<T> TextMap<T> {
    /// The value of this text.
    pub(super) fn get(&self, text: &[u8]) -> Option<&T> {
        let place = self.place(text).ok()?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// Where the text stands, or where it would.
    fn place(&self, text: &[u8]) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(own, _)| own.len().cmp(&text.len()).then_with(|| own.as_bytes().cmp(text)))
    }
}

impl<T: Default> TextMap<T> {
    /// The value of this text, which is the default one if it had none.
    #[expect(
        clippy::indexing_slicing,
        reason = "the text was found at that place, or has just been put there"
    )]
    pub(super) fn or_default(&mut self, text: &str) -> &mut T {
        let place = self.place(text.as_bytes()).unwrap_or_else(|place| {
            self.entries.insert(place, (text.into(), T::default()));
            place
        });
        &mut self.entries[place].1
    }
}

impl<T> Default for TextMap<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(added in proptest::collection::vec(("[ab]{0,3}", 1usize..9), 0..20), asked in "[ab]{0,4}") {
            let (mut map, mut model) = (TextMap::<usize>::default(), BTreeMap::<String, usize>::new());
            for (text, more) in &added {
                *map.or_default(text) += more;
                *model.entry(text.clone()).or_default() += more;
            }
            for text in added.iter().map(|(text, _)| text).chain([&asked]) {
                prop_assert_eq!(map.get(text.as_bytes()), model.get(text), "{}", text);
            }
        }
    }
}
