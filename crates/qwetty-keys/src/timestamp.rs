use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// 0000-01-01T00:00:00Z, the first instant that RFC 3339 can write.
const MIN_RFC3339_MICROS: i64 = -62_167_219_200 * MICROS_PER_SECOND;
/// 9999-12-31T23:59:59.999999Z, the last one.
const MAX_RFC3339_MICROS: i64 = 253_402_300_800 * MICROS_PER_SECOND - 1;

/// An instant in UTC, in microseconds since the Unix epoch (leap seconds not counted).
///
/// Displayed as RFC 3339 ending in `Z`, with six digits of fraction or none; an instant outside the years 0000 to
/// 9999 shows as the nearest one inside. Parsed from RFC 3339 with any offset; see [`FromStr`](Self::from_str).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant so many microseconds after (or, if negative, before) the Unix epoch.
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// The instant `duration` later, or the last one there is; what is below a microsecond is dropped.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(whole_micros(duration)))
    }

    /// The instant `duration` earlier, or the first one there is; what is below a microsecond is dropped.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(whole_micros(duration)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        if self <= earlier { Duration::ZERO } else { Duration::from_micros(self.0.abs_diff(earlier.0)) }
    }

    /// The same instant for the `time` crate; one outside the years 0000 to 9999 becomes the nearest one inside.
    pub fn to_offset_date_time(self) -> OffsetDateTime {
        let micros = self.0.clamp(MIN_RFC3339_MICROS, MAX_RFC3339_MICROS);
        OffsetDateTime::UNIX_EPOCH.saturating_add(time::Duration::microseconds(micros))
    }
}

/// The microsecond in which the given instant lies.
impl From<OffsetDateTime> for Timestamp {
    fn from(instant: OffsetDateTime) -> Self {
        let micros = instant.unix_timestamp_nanos().div_euclid(1000);
        // `time` holds far more years than this only with its `large-dates` feature.
        Self(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
    }
}

/// Parses RFC 3339 with an offset (`Z`, `+01:00` …), in either case; what is below a microsecond is dropped.
///
/// The instant must lie in the years 0000 to 9999 in UTC. A leap second is read as the last microsecond before it.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        // `time` takes any byte between date and time; the grammar of RFC 3339, section 5.6, a `T` alone.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(TimestampError::Malformed);
        }
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError::Malformed)?;
        let timestamp = Self::from(parsed);
        if (MIN_RFC3339_MICROS..=MAX_RFC3339_MICROS).contains(&timestamp.0) {
            Ok(timestamp)
        } else {
            Err(TimestampError::OutOfRange)
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = self.to_offset_date_time();
        let (year, month, day) = instant.to_calendar_date();
        let (hour, minute, second, micro) = instant.to_hms_micro();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", u8::from(month))?;
        if micro != 0 {
            write!(f, ".{micro:06}")?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The text is not RFC 3339 with an offset, or names a date or time of day that does not exist.
    #[error("a time is RFC 3339 with an offset, such as `2030-01-31T09:00:00Z`")]
    Malformed,
    /// The instant lies outside the years 0000 to 9999.
    #[error("a time must lie in the years 0000 to 9999 in UTC")]
    OutOfRange,
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<i64, TimestampError> {
        text.parse::<Timestamp>().map(Timestamp::unix_micros)
    }

    #[test]
    fn displays_rfc_3339_in_utc() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_893_456_000_500_000, "2030-01-01T00:00:00.500000Z"),
            (MIN_RFC3339_MICROS, "0000-01-01T00:00:00Z"),
            (MAX_RFC3339_MICROS, "9999-12-31T23:59:59.999999Z"),
        ] {
            let timestamp = Timestamp::from_unix_micros(micros);
            assert_eq!(timestamp.to_string(), text);
            assert_eq!(format!("{timestamp:?}"), text);
            assert_eq!(text.parse(), Ok(timestamp));
        }
    }

    #[test]
    fn displays_the_nearest_writable_instant() {
        assert_eq!(Timestamp::from_unix_micros(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_unix_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn parses_any_offset_and_either_case() {
        assert_eq!(parsed("1970-01-01T01:00:00+01:00"), Ok(0));
        assert_eq!(parsed("1969-12-31t14:30:00.5-09:30"), Ok(500_000));
        assert_eq!(parsed("1970-01-01T00:00:00z"), Ok(0));
        assert_eq!(parsed("1970-01-01T00:00:00-00:00"), Ok(0));
    }

    #[test]
    fn drops_what_is_below_a_microsecond() {
        assert_eq!(parsed("1970-01-01T00:00:00.0000019Z"), Ok(1));
        assert_eq!(parsed("1969-12-31T23:59:59.9999999Z"), Ok(-1));
        assert_eq!(parsed("1970-01-01T00:00:00.123456789123456789Z"), Ok(123_456));
        assert_eq!(parsed("2016-12-31T23:59:60Z"), Ok(1_483_228_799_999_999));
    }

    #[test]
    fn refuses_what_is_not_rfc_3339() {
        for text in [
            "",
            "2030",
            "2030-01-01",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00Z",
            "2030-01-01 00:00:00Z",
            "2030-01-01X00:00:00Z",
            "2030-02-30T00:00:00Z",
            "2030-13-01T00:00:00Z",
            "2030-01-01T24:00:00Z",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00+0100",
            "2030-01-01T00:00:00+01:60",
            "2030-01-01T00:00:00+24:00",
            " 2030-01-01T00:00:00Z",
            "2030-01-01T00:00:00Z ",
            "+2030-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "1893456000",
            "2030-01-01T00:00:00ZZ",
            "2030-01-01T12:00:60Z",
            "2030-01-01é00:00:00Z",
        ] {
            assert_eq!(parsed(text), Err(TimestampError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn the_year_counts_in_utc() {
        assert_eq!(parsed("9999-12-31T23:59:59.9999999Z"), Ok(MAX_RFC3339_MICROS));
        assert_eq!(parsed("9999-12-31T23:00:00-01:00"), Err(TimestampError::OutOfRange));
        assert_eq!(parsed("0000-01-01T00:00:00+00:01"), Err(TimestampError::OutOfRange));
        assert_eq!(parsed("9999-12-31T22:59:59-01:00"), Ok(MAX_RFC3339_MICROS - 999_999));
    }

    #[test]
    fn arithmetic_saturates() {
        let (first, last) = (Timestamp::from_unix_micros(i64::MIN), Timestamp::from_unix_micros(i64::MAX));
        assert_eq!(last.saturating_add(Duration::from_micros(1)), last);
        assert_eq!(first.saturating_add(Duration::MAX), last);
        assert_eq!(first.saturating_sub(Duration::from_micros(1)), first);
        assert_eq!(last.saturating_sub(Duration::MAX), first);
        assert_eq!(last.saturating_duration_since(first), Duration::from_micros(u64::MAX));
        assert_eq!(first.saturating_duration_since(last), Duration::ZERO);
        assert_eq!(first.saturating_add(Duration::from_nanos(1999)).unix_micros(), i64::MIN + 1);
    }

    #[test]
    fn seconds_round_down() {
        for (micros, seconds) in
            [(0, 0), (999_999, 0), (1_000_000, 1), (-1, -1), (-1_000_000, -1), (-1_000_001, -2)]
        {
            assert_eq!(Timestamp::from_unix_micros(micros).unix_seconds(), seconds, "{micros}");
        }
    }
}
