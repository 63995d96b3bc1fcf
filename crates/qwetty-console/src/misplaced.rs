//! Key values where none belongs: in an address, or in a field to search by. No page repeats one.

/// Longest word of letters and digits that is let be. Ids are shorter, and a key value has one that is longer.
const LONGEST_WORD: usize = 32;
/// How much of such a word may be shown: with what stands before it, the part by which people recognise a key.
const SHOWN: usize = 4;

/// Where what may be a key value is no longer to be shown, in bytes; `None` if there is nothing that may be one.
pub(crate) fn end_of_start(text: &[u8]) -> Option<usize> {
    let mut words = text.split(|byte| !byte.is_ascii_alphanumeric());
    let mut at = 0;
    let long = words.find(|word| {
        let is_long = word.len() > LONGEST_WORD;
        at += if is_long { 0 } else { word.len() + 1 };
        is_long
    });
    long.map(|_| at + SHOWN)
}

/// The text, which ends with the start of what may be a key value if there is such: by that, its key is found.
pub(crate) fn shortened(mut text: String) -> String {
    if let Some(end) = end_of_start(text.as_bytes()) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_value_is_cut_down_to_its_start_and_nothing_else_is() {
        let digits = "0AbZ".repeat(13);
        for (text, shown) in [
            (format!("qwt_{digits}"), "qwt_0AbZ"),
            (format!(" two words: live_key_{digits}\nmore"), " two words: live_key_0AbZ"),
            (digits[..33].to_owned(), "0AbZ"),
            (digits[..32].to_owned(), &digits[..32]),
            ("key_01k9z3b6yqf8r9n2m4t5v6w7x8".to_owned(), "key_01k9z3b6yqf8r9n2m4t5v6w7x8"),
            ("é".repeat(100), &"é".repeat(100)),
            (String::new(), ""),
        ] {
            assert_eq!(shortened(text.clone()), shown, "{text}");
        }
    }
}
