//! The rate-limit headers of a response that decided a key against its quota.

use http::header::{HeaderMap, HeaderName, InvalidHeaderValue};
use qwetty::Standing;
use qwetty_keys::Timestamp;
use qwetty_ratelimit::{Level, Quota, Tier};

use crate::header_writer::{HeaderWriter, push_decimal};

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// What a key's quota looked like at one instant, in the terms of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    tier: Tier,
    quota: Quota,
    remaining: u32,
    reset: i64,
    wait: u64,
}

impl RateLimit {
    /// A key's standing after a decision.
    pub fn of(standing: &Standing) -> Self {
        Self::new(standing.tier, standing.quota, &standing.level, standing.at)
    }

    /// The level of a quota at `now`, the wall-clock time of the decision that gave it.
    fn new(tier: Tier, quota: Quota, level: &Level, now: Timestamp) -> Self {
        let reset = first_second_after(now, level);
        let until_reset = u64::try_from(reset.saturating_sub(now.unix_seconds())).unwrap_or(0);
        // A whole window is always long enough, and nobody should be told to wait for longer.
        let wait = until_reset.min(quota.window_seconds().into());
        Self { tier, quota, remaining: level.remaining, reset, wait }
    }

    /// `Reset`: the first whole Unix second at which more units are free than now; now, if nothing is counted.
    pub fn reset(&self) -> i64 {
        self.reset
    }

    /// The quota's limit.
    pub fn limit(&self) -> u32 {
        self.quota.limit()
    }

    /// How many units are free.
    pub fn remaining(&self) -> u32 {
        self.remaining
    }

    /// `Retry-After`: whole seconds from now until [`reset`](Self::reset), 1 at least. Rounded up, so that whoever
    /// waits as long comes back no earlier.
    pub fn retry_after(&self) -> u64 {
        self.wait.max(1)
    }

    /// Sets `X-RateLimit-Limit`, `-Remaining`, `-Reset` and the pair `RateLimit-Policy`, `RateLimit`
    /// (draft-ietf-httpapi-ratelimit-headers-11), whose policy is named after the tier.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        // A tier's name and digits are always header values.
        let _ = self.write(&mut HeaderWriter::new(headers));
    }

    /// The same beside other headers of the answer.
    ///
    /// # Errors
    ///
    /// [`InvalidHeaderValue`] never comes: a tier's name and digits are always header values.
    pub fn write(&self, headers: &mut HeaderWriter<'_>) -> Result<(), InvalidHeaderValue> {
        let (limit, window): (u64, u64) = (self.quota.limit().into(), self.quota.window_seconds().into());
        let remaining: u64 = self.remaining.into();
        headers.set(X_RATELIMIT_LIMIT, |text| push_decimal(text, limit))?;
        headers.set(X_RATELIMIT_REMAINING, |text| push_decimal(text, remaining))?;
        headers.set(X_RATELIMIT_RESET, |text| push_decimal(text, self.reset))?;
        headers
            .set(RATELIMIT_POLICY, |text| push_item(text, self.tier, [(b";q=", limit), (b";w=", window)]))?;
        headers.set(RATELIMIT, |text| push_item(text, self.tier, [(b";r=", remaining), (b";t=", self.wait)]))
    }
}

/// Rounded up: at a whole second before it nothing has grown yet.
fn first_second_after(now: Timestamp, level: &Level) -> i64 {
    if level.grows_in.is_zero() {
        return now.unix_seconds();
    }
    let wait = i128::try_from(level.grows_in.as_nanos()).unwrap_or(i128::MAX / 2);
    let instant = i128::from(now.unix_micros()) * 1_000 + wait;
    let whole = instant.div_euclid(NANOS_PER_SECOND);
    let reset = if instant.rem_euclid(NANOS_PER_SECOND) == 0 { whole } else { whole + 1 };
    i64::try_from(reset).unwrap_or(i64::MAX)
}

/// A structured-field item, RFC 9651: a string with integer parameters. Written by hand since every response has two.
fn push_item(text: &mut Vec<u8>, tier: Tier, parameters: [(&[u8; 3], u64); 2]) {
    text.push(b'"');
    text.extend_from_slice(tier.as_str().as_bytes());
    text.push(b'"');
    for (key, value) in parameters {
        text.extend_from_slice(key);
        push_decimal(text, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: i64 = 1_000_000;

    fn at(now_micros: i64, remaining: u32, grows_in: Duration) -> RateLimit {
        let quota = Quota::new(1_000, 3_600).unwrap();
        let level = Level { limit: 1_000, remaining, grows_in };
        RateLimit::new(Tier::Standard, quota, &level, Timestamp::from_unix_micros(now_micros))
    }

    #[test]
    fn reset_is_the_first_whole_second_with_more() {
        for (now, grows_in, reset, retry_after) in [
            // From a whole second, to the very next one.
            (100 * SECOND, Duration::from_secs(34), 134, 34),
            (100 * SECOND, Duration::from_nanos(1), 101, 1),
            // A nanosecond more than whole seconds is a second more.
            (100 * SECOND, Duration::new(34, 1), 135, 35),
            // From within a second: the wait is rounded up, never down.
            (100 * SECOND + 1, Duration::from_secs(34), 135, 35),
            (100 * SECOND + 500_000, Duration::from_millis(500), 101, 1),
            (100 * SECOND + 500_000, Duration::from_millis(501), 102, 2),
            (100 * SECOND + 999_999, Duration::from_micros(1), 101, 1),
            // Before 1970 seconds are rounded up as well.
            (-SECOND - 500_000, Duration::from_millis(100), -1, 1),
        ] {
            let limit = at(now, 0, grows_in);
            assert_eq!((limit.reset(), limit.retry_after()), (reset, retry_after), "{now} {grows_in:?}");
        }
    }

    #[test]
    fn where_nothing_is_counted_reset_is_now() {
        let limit = at(100 * SECOND + 999_999, 1_000, Duration::ZERO);
        assert_eq!((limit.reset(), limit.retry_after()), (100, 1));
        let mut headers = HeaderMap::new();
        limit.stamp(&mut headers);
        assert_eq!(headers[RATELIMIT], "\"standard\";r=1000;t=0");
    }

    #[test]
    fn whoever_waits_for_retry_after_comes_back_at_reset_or_a_window_later() {
        for offset in [0, 1, 499_999, 999_999] {
            for wait in [1_i64, 999_999, 1_000_000, 1_000_001, 3_600_000_000] {
                let now = 1_700_000_000 * SECOND + offset;
                let limit = at(now, 0, Duration::from_micros(wait.unsigned_abs()));
                let waited = i64::try_from(limit.retry_after()).unwrap();
                let back = now + waited * SECOND;
                assert!(back >= limit.reset() * SECOND || waited == 3_600, "{offset} {wait}");
                assert!((1..=3_600).contains(&waited) && back >= now + wait, "{offset} {wait}");
            }
        }
    }

    #[test]
    fn the_headers_are_the_old_three_and_the_new_pair() {
        let mut headers = HeaderMap::new();
        let limit = at(100 * SECOND, 12, Duration::from_secs(34));
        assert_eq!((limit.limit(), limit.remaining(), limit.reset()), (1_000, 12, 134));
        limit.stamp(&mut headers);
        for (name, value) in [
            ("X-RateLimit-Limit", "1000"),
            ("X-RateLimit-Remaining", "12"),
            ("X-RateLimit-Reset", "134"),
            ("RateLimit-Policy", "\"standard\";q=1000;w=3600"),
            ("RateLimit", "\"standard\";r=12;t=34"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn the_policy_is_named_after_the_tier() {
        let level = Level { limit: 5_000, remaining: 4_999, grows_in: Duration::from_secs(1) };
        let quota = Quota::new(5_000, 60).unwrap();
        let mut headers = HeaderMap::new();
        RateLimit::new(Tier::Admin, quota, &level, Timestamp::from_unix_micros(0)).stamp(&mut headers);
        assert_eq!(headers[RATELIMIT_POLICY], "\"admin\";q=5000;w=60");
        assert_eq!(headers[RATELIMIT], "\"admin\";r=4999;t=1");
    }

    #[test]
    fn extreme_instants_do_not_overflow() {
        assert_eq!(at(i64::MAX, 0, Duration::MAX).reset(), i64::MAX);
        assert!(at(i64::MIN, 0, Duration::from_secs(1)).reset() < 0);
    }
}
