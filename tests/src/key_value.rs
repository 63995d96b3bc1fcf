const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Asserts that `value` has the form of the contract's section 1, its checksum included.
pub fn assert_key_value(value: &str) {
    let digits = value.strip_prefix("qwt_").expect("the prefix");
    assert_eq!(digits.len(), 49, "the length");
    assert!(digits.bytes().all(|digit| digit.is_ascii_alphanumeric()), "the alphabet");
    let (before, checksum) = value.split_at(47);
    assert_eq!(base62(crc32fast::hash(before.as_bytes())), checksum, "the checksum");
}

fn base62(mut number: u32) -> String {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number % 62).unwrap()];
        number /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_crc_of_zip_in_six_digits_of_base62() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(0), "000000");
        assert_eq!(base62(61), "00000z");
        assert_eq!(base62(62), "000010");
        assert_eq!(base62(u32::MAX), "4gfFC3");
    }

    #[test]
    #[should_panic(expected = "the checksum")]
    fn a_wrong_checksum_is_noticed() {
        assert_key_value(&format!("qwt_{}", "0".repeat(49)));
    }
}
