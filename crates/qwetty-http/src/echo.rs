//! What of a client's own words an error may repeat.

/// Longest name that an error repeats, in bytes. Every key value is longer than this, whatever its prefix.
const MAX_ECHOED: usize = 40;

/// Whether a name that a client made up (an unknown field, an unknown query parameter) may stand in an error.
///
/// Only short identifiers may: a key value that was pasted into the wrong place must not come back in an answer
/// that somebody logs, and neither may anything that a terminal or a page would interpret.
pub(crate) fn may_echo(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_ECHOED
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_repeated() {
        for name in ["nmae", "ip_whitelist", "x-y", "a.b", "N1", &"a".repeat(40)] {
            assert!(may_echo(name), "{name}");
        }
    }

    #[test]
    fn key_values_and_markup_are_not() {
        let shortest_key_value = format!("a_{}", "0".repeat(49));
        for name in ["", " ", "<b>", "a\nb", "é", "\u{202e}", &"a".repeat(41), &shortest_key_value] {
            assert!(!may_echo(name), "{name:?}");
        }
    }
}
