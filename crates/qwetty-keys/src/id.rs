use std::fmt;
use std::str::FromStr;

use rand_core::TryCryptoRng;
use uuid::Builder;

use crate::timestamp::Timestamp;

/// Crockford's base32, lower-case: no `i`, `l`, `o` or `u`. In ASCII order, so ids sort as their text does.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The letters and the underscore before the digits.
const PREFIX_LENGTH: usize = 4;
/// Digits of 128 bits; the first one holds three bits, the others five.
const TEXT_DIGITS: usize = 26;
/// The last millisecond that the 48 bits of a UUIDv7 hold, in the year 10889.
const MAX_MILLIS: i64 = (1 << 48) - 1;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        ///
        #[doc = concat!("Written as `", $prefix, "` and 26 digits of lower-case Crockford base32.")]
        /// Ids sort by the time at which they were made, to the microsecond, and so does their text.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// Makes an id of the layout of a UUIDv7 (RFC 9562): the time `now`, then 62 random bits.
            ///
            /// # Errors
            ///
            /// The error of `rng`, if it cannot give the bits.
            pub fn generate<R: TryCryptoRng + ?Sized>(now: Timestamp, rng: &mut R) -> Result<Self, R::Error> {
                time_ordered(now, rng).map(Self)
            }

            /// The id of this number, as a store read it.
            pub const fn from_u128(number: u128) -> Self {
                Self(number)
            }

            /// The id as a number, for a store to keep.
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }

        impl $name {
            /// The text form: ASCII.
            pub fn text(self) -> [u8; PREFIX_LENGTH + TEXT_DIGITS] {
                text($prefix, self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // ASCII: the fallback is never taken.
                f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        /// Reads the one canonical spelling: another case, or a number above 128 bits, is an error.
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix).and_then(read_digits).map(Self).ok_or(IdError { prefix: $prefix })
            }
        }
    };
}

id!(
    /// The id of a key.
    KeyId, "key_"
);
id!(
    /// The id of an organization.
    OrganizationId, "org_"
);
id!(
    /// The id of an audit event.
    EventId, "evt_"
);

/// The text is no id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id is `{prefix}` followed by 26 digits of lower-case Crockford base32")]
pub struct IdError {
    prefix: &'static str,
}

fn time_ordered<R: TryCryptoRng + ?Sized>(now: Timestamp, rng: &mut R) -> Result<u128, R::Error> {
    let micros = now.unix_micros();
    let millis = micros.div_euclid(1000).clamp(0, MAX_MILLIS);
    // RFC 9562, section 6.2, method 3: what is left of the millisecond, scaled to the 12 bits of rand_a.
    let fraction = (micros.rem_euclid(1000) * 4096 / 1000) as u16;

    let mut tail = [0; 10];
    let (rand_a, rand_b) = tail.split_at_mut(2);
    rand_a.copy_from_slice(&fraction.to_be_bytes());
    rng.try_fill_bytes(rand_b)?;
    Ok(Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &tail).into_uuid().as_u128())
}

fn text(prefix: &str, number: u128) -> [u8; PREFIX_LENGTH + TEXT_DIGITS] {
    let mut text = [b'0'; PREFIX_LENGTH + TEXT_DIGITS];
    let (start, digits) = text.split_at_mut(PREFIX_LENGTH);
    start.iter_mut().zip(prefix.bytes()).for_each(|(place, byte)| *place = byte);
    // Twelve digits at a time: 60 bits are one word of the machine.
    let (high, others) = digits.split_at_mut(TEXT_DIGITS - 24);
    let (middle, low) = others.split_at_mut(12);
    for (digits, bits) in [(high, number >> 120), (middle, number >> 60), (low, number)] {
        let mut rest = bits as u64;
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS.get((rest & 31) as usize).copied().unwrap_or_default();
            rest >>= 5;
        }
    }
    text
}

fn read_digits(text: &str) -> Option<u128> {
    if text.len() != TEXT_DIGITS {
        return None;
    }
    text.bytes().try_fold(0u128, |number, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        Some(number.checked_mul(32)? | digit as u128)
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha12Rng;

    use super::*;

    #[test]
    fn spells_known_numbers() {
        for (number, digits) in [
            (0, "00000000000000000000000000"),
            (31, "0000000000000000000000000z"),
            (u128::MAX, "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            // The UUIDv7 of RFC 9562, appendix A.6.
            (0x017F_22E2_79B0_7CC3_98C4_DC0C_0C07_398F, "01fwhe4ydgfk1shh6w1g60eecf"),
        ] {
            let id = KeyId::from_u128(number);
            assert_eq!(id.to_string(), format!("key_{digits}"));
            assert_eq!(format!("{id:?}"), format!("key_{digits}"));
            assert_eq!(format!("key_{digits}").parse(), Ok(id));
            assert_eq!(id.as_u128(), number);
        }
    }

    #[test]
    fn each_kind_has_its_prefix() {
        assert_eq!(OrganizationId::from_u128(0).to_string(), format!("org_{}", "0".repeat(26)));
        assert_eq!(EventId::from_u128(0).to_string(), format!("evt_{}", "0".repeat(26)));
        let error = OrganizationId::from_u128(0).to_string().parse::<KeyId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the id is `key_` followed by 26 digits of lower-case Crockford base32"
        );
    }

    #[test]
    fn reads_the_canonical_spelling_alone() {
        for digits in [
            "",
            "0",
            "0000000000000000000000000",
            "000000000000000000000000000",
            "80000000000000000000000000",
            "0000000000000000000000000Z",
            "0000000000000000000000000i",
            "0000000000000000000000000l",
            "0000000000000000000000000o",
            "0000000000000000000000000u",
            "0000000000000-000000000000",
            "000000000000000000000000é",
            " 0000000000000000000000000",
        ] {
            assert!(format!("key_{digits}").parse::<KeyId>().is_err(), "{digits:?}");
        }
        assert!("0".repeat(26).parse::<KeyId>().is_err());
        assert!(format!("KEY_{}", "0".repeat(26)).parse::<KeyId>().is_err());
    }

    #[test]
    fn is_a_version_7_uuid_of_its_millisecond() {
        let now = Timestamp::from_unix_micros(1_645_557_742_000_999);
        let id = EventId::generate(now, &mut ChaCha12Rng::seed_from_u64(1)).unwrap();
        let uuid = uuid::Uuid::from_u128(id.as_u128());
        assert_eq!(uuid.get_version(), Some(uuid::Version::SortRand));
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.as_u128() >> 80, 0x017F_22E2_79B0);
        assert_eq!((id.as_u128() >> 64) & 0xfff, 999 * 4096 / 1000);
    }

    #[test]
    fn sorts_by_the_microsecond() {
        let mut rng = ChaCha12Rng::seed_from_u64(2);
        let mut made = |micros: i64| {
            KeyId::generate(Timestamp::from_unix_micros(1_900_000_000_000_000 + micros), &mut rng).unwrap()
        };
        let ids: Vec<KeyId> = (0..3000).map(&mut made).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.is_sorted_by_key(KeyId::to_string));
        assert_ne!(made(0), made(0));
    }

    #[test]
    fn a_clock_out_of_range_still_gives_ids() {
        let mut rng = ChaCha12Rng::seed_from_u64(3);
        for (micros, millis) in [(i64::MIN, 0), (-1, 0), (i64::MAX, MAX_MILLIS as u128)] {
            let id = KeyId::generate(Timestamp::from_unix_micros(micros), &mut rng).unwrap();
            assert_eq!(id.as_u128() >> 80, millis, "{micros}");
        }
    }
}
