//! A key value: the first line of the input is the prefix of the service, the rest what a client presents.

use qwetty_keys::{KeyPrefix, KeyValue, PresentedKey, PresentedText};
use rand_core::{TryCryptoRng, TryRng};

pub(crate) const WORDS: &[&str] = &[
    "qwt_\n",
    "acme_live_\n",
    "qwt_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf28xKiO",
    "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1",
    "00000000000000000000000000000000000000000001c0Dto",
    "zzzzzz",
    "-",
    "\u{fc}",
];

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn run(data: &[u8]) {
    let (first, rest) = split(data);
    let prefix = first.parse::<KeyPrefix>();
    assert_eq!(prefix.is_ok(), is_prefix(&first));
    let prefix = prefix.unwrap_or_default();
    judge(prefix, &rest);

    // The same with the right prefix and checksum, which no mutation hits upon.
    let value: String = rest.chars().take(43).collect();
    let signed = format!("{prefix}{value}");
    judge(prefix, &format!("{signed}{}", checksum(&signed)));

    let mut secret = [0; 32];
    for (byte, from) in secret.iter_mut().zip(rest.bytes()) {
        *byte = from;
    }
    let made = KeyValue::generate(prefix, &mut Given(secret)).unwrap();
    assert_eq!(decoded(&made.expose()[prefix.as_str().len()..][..43]), Some(secret));
    judge(prefix, made.expose());
    assert!(PresentedKey::parse(prefix, made.expose()).is_ok());
}

/// Both readers say what the rule says, and what they take is spelt in one way.
fn judge(prefix: KeyPrefix, text: &str) {
    let expected = body(prefix, text);
    assert_eq!(PresentedKey::parse(prefix, text).err(), PresentedText::parse(prefix, text).err());
    let presented = PresentedKey::parse(prefix, text);
    assert_eq!(presented.is_ok(), expected.is_some(), "{text:?}");
    if let (Ok(presented), Some(secret)) = (presented, expected) {
        assert_eq!(KeyValue::generate(prefix, &mut Given(secret)).unwrap().expose(), text);
        assert!(text.starts_with(presented.start().as_str()));
        assert_eq!(format!("{presented:?}"), "PresentedKey(redacted)");
    }
}

/// The 32 bytes that a key value stands for, worked out digit by digit.
fn body(prefix: KeyPrefix, text: &str) -> Option<[u8; 32]> {
    let body = text.strip_prefix(prefix.as_str())?;
    if body.len() != 49 || !body.bytes().all(|byte| DIGITS.contains(&byte)) {
        return None;
    }
    let (value, sum) = body.split_at(43);
    (checksum(&format!("{prefix}{value}")) == sum).then(|| decoded(value)).flatten()
}

fn checksum(signed: &str) -> String {
    let mut rest = crc32fast::hash(signed.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}

/// 43 digits of base62 as a number of 256 bits, `None` beyond.
fn decoded(value: &str) -> Option<[u8; 32]> {
    let mut number = [0u8; 32];
    for digit in value.bytes() {
        let mut carry = DIGITS.iter().position(|known| *known == digit)?;
        for byte in number.iter_mut().rev() {
            let sum = usize::from(*byte) * 62 + carry;
            *byte = (sum % 256) as u8;
            carry = sum / 256;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

fn is_prefix(text: &str) -> bool {
    let bytes = text.as_bytes();
    (2..=16).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1] == b'_'
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn split(data: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(data);
    let (first, rest) = text.split_once('\n').unwrap_or(("qwt_", &text));
    (first.to_owned(), rest.to_owned())
}

/// A source that gives these bytes.
struct Given([u8; 32]);

impl TryRng for Given {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for (byte, given) in bytes.iter_mut().zip(self.0) {
            *byte = given;
        }
        Ok(())
    }
}

impl TryCryptoRng for Given {}
