//! What must not be found: a value and its digest, in every way that they are likely to be written.

use std::collections::BTreeMap;

use qwetty_keys::{Digester, Pepper, PresentedKey};

/// Pieces of secrets. A piece is shorter than its secret, so that half of one is found, too.
#[derive(Default)]
pub(crate) struct Needles(BTreeMap<[u8; 2], Vec<Needle>>);

struct Needle {
    bytes: Vec<u8>,
    of: &'static str,
}

/// How a server makes digests.
#[derive(Clone, Copy)]
pub(crate) enum Digesting {
    Plain,
    /// With this pepper, in hexadecimal.
    Peppered(&'static str),
}

impl Needles {
    /// Asserts that none of them is in these bytes.
    pub(crate) fn assert_absent(&self, bytes: &[u8], place: &str) {
        if let Some(found) = self.find(bytes) {
            panic!("{place} holds {found}");
        }
    }

    /// What is in these bytes, if anything is.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        let at_each = (0..bytes.len().saturating_sub(1)).map(|at| &bytes[at..]);
        at_each.filter_map(|rest| Some((rest, self.0.get(&rest[..2])?))).find_map(|(rest, candidates)| {
            candidates.iter().find(|needle| rest.starts_with(&needle.bytes)).map(|needle| needle.of)
        })
    }

    /// What stands after the start of a value, which may be shown: as text, and as the number that it spells.
    pub(crate) fn add_value(&mut self, value: &str) {
        const OF: &str = "a key value";
        assert_eq!((value.len(), &value[..4]), (53, "qwt_"), "a value of the product's form");
        for piece in value.as_bytes()[8..].chunks_exact(15) {
            self.add(piece, OF);
            self.add(&piece.to_ascii_lowercase(), OF);
            self.add(&piece.to_ascii_uppercase(), OF);
        }
        // What stands before it shifts its bits.
        for before in ["", "Bearer ", "key="] {
            self.add_base64(format!("{before}{value}").as_bytes(), OF);
        }
        self.add_bytes(&number(&value[4..47]), "the number of a key value");
    }

    /// The digest under which a server keeps this value.
    pub(crate) fn add_digest(&mut self, digesting: Digesting, value: &str) {
        self.add_bytes(&digest(digesting, value), "a digest");
    }

    /// A pepper, in hexadecimal.
    pub(crate) fn add_pepper(&mut self, digits: &str) {
        let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
        self.add_bytes(&std::array::from_fn(byte), "a pepper");
    }

    fn add_bytes(&mut self, bytes: &[u8; 32], of: &'static str) {
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for (piece, digits) in bytes.chunks(8).zip(hexadecimal.as_bytes().chunks(16)) {
            self.add(piece, of);
            self.add(digits, of);
            self.add(&digits.to_ascii_uppercase(), of);
            // As `Debug` writes bytes.
            let listed: Vec<String> = piece.iter().map(u8::to_string).collect();
            self.add(listed.join(", ").as_bytes(), of);
            self.add(listed.join(",").as_bytes(), of);
            self.add(listed.join(",\n    ").as_bytes(), of);
        }
        self.add_base64(bytes, of);
    }

    fn add_base64(&mut self, bytes: &[u8], of: &'static str) {
        let text = base64(bytes);
        for piece in text.as_bytes().chunks_exact(16).skip(usize::from(bytes.len() > 32)) {
            self.add(piece, of);
            let safe = String::from_utf8(piece.to_vec()).unwrap().replace('+', "-").replace('/', "_");
            self.add(safe.as_bytes(), of);
        }
    }

    fn add(&mut self, bytes: &[u8], of: &'static str) {
        let first = [bytes[0], bytes[1]];
        self.0.entry(first).or_default().push(Needle { bytes: bytes.to_vec(), of });
    }
}

fn digest(digesting: Digesting, value: &str) -> [u8; 32] {
    let pepper: Option<Pepper> = match digesting {
        Digesting::Plain => None,
        Digesting::Peppered(digits) => Some(digits.parse().unwrap()),
    };
    let presented: PresentedKey = value.parse().unwrap();
    *Digester::new(pepper.as_ref()).digest(&presented).as_bytes()
}

/// The 32 bytes that 43 digits spell.
fn number(digits: &str) -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    for digit in digits.bytes() {
        let mut carry = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            _ => digit - b'a' + 36,
        }
        .into();
        for byte in bytes.iter_mut().rev() {
            let sum: u32 = u32::from(*byte) * 62 + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
    }
    bytes
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextets = |group: &[u8]| {
        let bits =
            group.iter().chain([&0; 2]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
    };
    bytes.chunks(3).flat_map(sextets).collect()
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    // The bytes 0, 1, … 31, as the tests of the crate that makes values have them.
    let value = "qwt_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf28xKiO";
    let counting: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    assert_eq!((number(&value[4..47]), &*base64(&counting[..5])), (counting, "AAECAwQA"));
    let digest = digest(Digesting::Plain, value);
    let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let mut needles = Needles::default();
    needles.add_value(value);
    needles.add_digest(Digesting::Plain, value);
    for (written, what) in [
        (value.as_bytes(), "a key value"),
        (&value.as_bytes()[12..], "a key value"),
        (&value.as_bytes()[..40], "a key value"),
        (value.to_lowercase().as_bytes(), "a key value"),
        (base64(format!("Bearer {value}").as_bytes()).as_bytes(), "a key value"),
        (&counting, "the number of a key value"),
        (&digest, "a digest"),
        (hexadecimal.as_bytes(), "a digest"),
        (format!("{digest:?}").as_bytes(), "a digest"),
        (format!("{digest:#?}").as_bytes(), "a digest"),
        (base64(&digest).as_bytes(), "a digest"),
    ] {
        assert_eq!(needles.find(&[b"before ", written, b" after"].concat()), Some(what));
    }
    assert_eq!(needles.find(b"qwt_003a may be shown"), None);
}
