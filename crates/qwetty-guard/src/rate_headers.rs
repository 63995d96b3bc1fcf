//! The rate-limit headers of a response that decided a key against its quota.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use qwetty::Standing;
use qwetty_keys::Timestamp;
use qwetty_ratelimit::{Level, Quota, Tier};

use crate::header_writer::{HeaderWriter, push_decimal};

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

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
        let Self { tier, quota, remaining, reset, wait } = *self;
        let QuotaValues { limit, policy, .. } = QuotaValues::of(tier, quota)?;
        headers.put(X_RATELIMIT_LIMIT, limit);
        headers.set(X_RATELIMIT_REMAINING, |text| push_decimal(text, remaining))?;
        headers.set(X_RATELIMIT_RESET, |text| push_decimal(text, reset))?;
        headers.put(RATELIMIT_POLICY, policy);
        headers.set(RATELIMIT, |text| push_item(text, tier, [(b";r=", remaining.into()), (b";t=", wait)]))
    }
}

/// The values that are the same in every answer on a key of one quota.
#[derive(Clone)]
struct QuotaValues {
    quota: Quota,
    limit: HeaderValue,
    policy: HeaderValue,
}

impl QuotaValues {
    /// A tier's first quota in a program is nearly always its only one. The texts of that one stay for as long as the program, so
    /// that nobody counts who holds them.
    fn of(tier: Tier, quota: Quota) -> Result<Self, InvalidHeaderValue> {
        static FIRST: [OnceLock<Option<QuotaValues>>; 2] = [const { OnceLock::new() }; 2];
        let [standard, admin] = &FIRST;
        let first = match tier {
            Tier::Standard => standard,
            Tier::Admin => admin,
        };
        match first.get_or_init(|| Self::new(tier, quota, |text| Bytes::from_static(text.leak())).ok()) {
            Some(first) if first.quota == quota => Ok(first.clone()),
            _ => Self::new(tier, quota, Bytes::from),
        }
    }

    fn new(tier: Tier, quota: Quota, bytes: impl Fn(Vec<u8>) -> Bytes) -> Result<Self, InvalidHeaderValue> {
        let (mut limit, mut policy) = (Vec::new(), Vec::new());
        push_decimal(&mut limit, quota.limit());
        let window = quota.window_seconds().into();
        push_item(&mut policy, tier, [(b";q=", quota.limit().into()), (b";w=", window)]);
        let limit = HeaderValue::from_maybe_shared(bytes(limit))?;
        Ok(Self { quota, limit, policy: HeaderValue::from_maybe_shared(bytes(policy))? })
    }
}

/// Rounded up: at a whole second before it nothing has grown yet.
fn first_second_after(now: Timestamp, level: &Level) -> i64 {
    if level.grows_in.is_zero() {
        return now.unix_seconds();
    }
    let beyond = u64::try_from(now.unix_micros().rem_euclid(MICROS_PER_SECOND)).unwrap_or_default() * 1_000
        + u64::from(level.grows_in.subsec_nanos());
    let seconds = level.grows_in.as_secs().saturating_add(beyond.div_ceil(NANOS_PER_SECOND));
    now.unix_seconds().saturating_add_unsigned(seconds)
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
    fn each_quota_of_a_tier_is_told_as_it_is() {
        let level = Level { limit: 7, remaining: 7, grows_in: Duration::ZERO };
        for units in [7, 1_000, 8, 7] {
            let quota = Quota::new(units, 60).unwrap();
            let mut headers = HeaderMap::new();
            RateLimit::new(Tier::Standard, quota, &level, Timestamp::from_unix_micros(0)).stamp(&mut headers);
            assert_eq!(headers[X_RATELIMIT_LIMIT], units.to_string());
            assert_eq!(headers[RATELIMIT_POLICY], format!("\"standard\";q={units};w=60"));
        }
    }

    #[test]
    fn extreme_instants_do_not_overflow() {
        assert_eq!(at(i64::MAX, 0, Duration::MAX).reset(), i64::MAX);
        assert!(at(i64::MIN, 0, Duration::from_secs(1)).reset() < 0);
    }
}
