//! The base62 of a key value: 32 bytes as 43 digits, and the CRC-32 of what stands before it as 6.
//!
//! The digits `0-9A-Za-z` are in ASCII order, so numbers of the same width compare as their text does.

use zeroize::{Zeroize, Zeroizing};

/// Digits of 32 bytes: 62^42 < 2^256 < 62^43.
pub(crate) const VALUE_DIGITS: usize = 43;
/// Digits of a CRC-32: 62^5 < 2^32 < 62^6.
pub(crate) const CHECKSUM_DIGITS: usize = 6;
/// What follows the prefix in every key value.
pub(crate) const BODY_DIGITS: usize = VALUE_DIGITS + CHECKSUM_DIGITS;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 2^256 - 1, the greatest value that is not an overflow.
const MAX_VALUE: &[u8; VALUE_DIGITS] = b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

/// 62^10, the greatest power of 62 whose digits a `u64` division can take off at once.
const CHUNK: u128 = 62u128.pow(CHUNK_DIGITS as u32);
const CHUNK_DIGITS: usize = 10;

/// `value` as a big-endian number in base62, most significant digit first, padded with `0`.
pub(crate) fn encode_value(value: &[u8; 32]) -> Zeroizing<[u8; VALUE_DIGITS]> {
    let mut limbs = Zeroizing::new([0u64; 4]);
    for (limb, bytes) in limbs.iter_mut().zip(value.as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    let mut text = Zeroizing::new([b'0'; VALUE_DIGITS]);
    for digits in text.rchunks_mut(CHUNK_DIGITS) {
        let mut remainder = 0u128;
        for limb in limbs.iter_mut() {
            let dividend = (remainder << 64) | u128::from(*limb);
            *limb = (dividend / CHUNK) as u64; // below 2^64, since remainder < CHUNK
            remainder = dividend % CHUNK;
        }
        write_digits(remainder as u64, digits);
        remainder.zeroize();
    }
    text
}

/// The CRC-32 (ISO-HDLC) of `text` in base62, padded with `0`.
pub(crate) fn checksum(text: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    write_digits(u64::from(crc32fast::hash(text)), &mut digits);
    digits
}

/// Whether `digits`, which are base62, are the [`checksum`] of `text`.
pub(crate) fn is_checksum(digits: &[u8; CHECKSUM_DIGITS], text: &[u8]) -> bool {
    // As numbers: to read six digits takes less than to write them, and need not wait for the CRC. As many digits are
    // the same number only if they are the same.
    let number = digits.iter().fold(0, |number, digit| number * 62 + digit_value(*digit));
    number == u64::from(crc32fast::hash(text))
}

/// Whether every byte is a base62 digit.
pub(crate) fn is_base62<const N: usize>(text: &[u8; N]) -> bool {
    // A known length and no early exit: the loop then runs as a few vector comparisons.
    text.iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric())
}

/// Whether the digits stand for more than 2^256 - 1.
pub(crate) fn overflows(value: &[u8; VALUE_DIGITS]) -> bool {
    // The first digits decide alone for all but one value of ten million million.
    let first = |digits: &[u8; VALUE_DIGITS]| digits.first_chunk().map(|chunk| u64::from_be_bytes(*chunk));
    first(value) >= first(MAX_VALUE) && value > MAX_VALUE
}

/// What a base62 digit stands for.
const fn digit_value(digit: u8) -> u64 {
    let offset = match digit {
        ..=b'9' => b'0',
        b':'..=b'Z' => b'A' - 10,
        _ => b'a' - 36,
    };
    digit.wrapping_sub(offset) as u64
}

/// Fills `digits` with `number`, least significant digit last; digits that do not fit are dropped.
fn write_digits(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get((number % 62) as usize).copied().unwrap_or_default();
        number /= 62;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: &[u8; 32]) -> String {
        String::from_utf8(encode_value(value).to_vec()).unwrap()
    }

    #[test]
    fn encodes_known_values() {
        assert_eq!(encoded(&[0; 32]), "0".repeat(43));
        assert_eq!(encoded(&[0xff; 32]).as_bytes(), MAX_VALUE);
        let mut value = [0; 32];
        value[31] = 61;
        assert_eq!(encoded(&value), format!("{}z", "0".repeat(42)));
        value[31] = 62;
        assert_eq!(encoded(&value), format!("{}10", "0".repeat(41)));
        // Worked out with another program: int.from_bytes(bytes(range(32)), "big") in base62.
        let counting: [u8; 32] = std::array::from_fn(|i| i as u8);
        assert_eq!(encoded(&counting), "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf");
    }

    #[test]
    fn checksum_is_the_crc32_of_zip_and_png() {
        // The check value of CRC-32/ISO-HDLC for "123456789" is 0xcbf43926 = 3421780262.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(&checksum(b"123456789"), b"3jZRME");
        assert_eq!(&checksum(b""), b"000000");
        assert!(is_checksum(b"3jZRME", b"123456789"));
        // 2^32 more, and one less.
        assert!(!is_checksum(b"8QEgYI", b"123456789"));
        assert!(!is_checksum(b"3jZRMD", b"123456789"));
    }

    #[test]
    fn a_digit_stands_for_its_place() {
        for (place, digit) in (0..).zip(DIGITS) {
            assert_eq!(digit_value(*digit), place);
        }
    }

    #[test]
    fn the_overflow_begins_at_two_to_the_256() {
        assert!(!overflows(MAX_VALUE));
        let mut next = *MAX_VALUE;
        next[42] += 1; // its last digit is a '1': no carry
        assert!(overflows(&next));
        assert!(overflows(&[b'z'; VALUE_DIGITS]));
        assert!(!overflows(&[b'0'; VALUE_DIGITS]));
    }

    #[test]
    fn only_letters_and_digits_are_base62() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_base62(&[b'0', byte, b'z']), DIGITS.contains(&byte), "{byte:#x}");
        }
    }
}
