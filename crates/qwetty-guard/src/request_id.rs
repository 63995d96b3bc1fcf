//! The id of a request: in every response, in the log and in audit events, so that one finds the others.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Crockford's base32, lower case, as in the ids of keys.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX: &[u8; 4] = b"req_";
const LENGTH: usize = 30;

/// `req_` and 26 characters. Always the server's own: a client's is never taken, since it could forge the trail.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; LENGTH]);

/// Where request ids come from: unique within a run by construction, across runs by the seed.
///
/// A counter and not a random source, because an id is needed also where that source fails. The counter is
/// scrambled, so that an id does not tell strangers how many requests there were.
#[derive(Debug)]
pub struct RequestIds {
    run: u64,
    counter: AtomicU64,
}

/// Counts that one thread has taken and not used yet, so that threads which answer at once do not write to one counter each
/// time.
#[derive(Clone, Copy)]
struct Taken {
    run: u64,
    next: u64,
    left: u64,
}

/// How many counts a thread takes at once.
const AT_ONCE: u64 = 256;

thread_local! {
    static TAKEN: Cell<Taken> = const { Cell::new(Taken { run: 0, next: 0, left: 0 }) };
}

impl RequestIds {
    /// A source for one run of a server; `seed` is 128 random bits.
    pub fn new(seed: u128) -> Self {
        let [high, low] = halves(seed);
        Self { run: high, counter: AtomicU64::new(low) }
    }

    /// An id that this source never gave before.
    pub fn next(&self) -> RequestId {
        RequestId::from_bits(u128::from(self.run) << 64 | u128::from(scramble(self.count())))
    }

    /// A count that nobody else has in this run.
    fn count(&self) -> u64 {
        let mut taken = TAKEN.get();
        if taken.run != self.run || taken.left == 0 {
            let next = self.counter.fetch_add(AT_ONCE, Ordering::Relaxed);
            taken = Taken { run: self.run, next, left: AT_ONCE };
        }
        let Taken { run, next, left } = taken;
        TAKEN.set(Taken { run, next: next.wrapping_add(1), left: left - 1 });
        next
    }
}

impl RequestId {
    /// The header in which an answer tells its id: `X-Request-Id`.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    fn from_bits(bits: u128) -> Self {
        let mut text = [0; LENGTH];
        let (prefix, digits) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        // Twelve digits at a time: 60 bits are one word of the machine.
        let (high, others) = digits.split_at_mut(2);
        let (middle, low) = others.split_at_mut(12);
        for (digits, bits) in [(high, bits >> 120), (middle, bits >> 60), (low, bits)] {
            let mut rest = bits as u64;
            for digit in digits.iter_mut().rev() {
                *digit = ALPHABET.get((rest & 31) as usize).copied().unwrap_or(b'0');
                rest >>= 5;
            }
        }
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Sets `X-Request-Id`.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_bytes(&self.0) {
            headers.insert(Self::HEADER, value);
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

/// The finalizer of SplitMix64: a bijection, so different counts stay different.
fn scramble(count: u64) -> u64 {
    let mut bits = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_id_is_a_prefix_and_26_characters() {
        for seed in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef << 64] {
            let id = RequestIds::new(seed).next();
            let digits = id.as_str().strip_prefix("req_").unwrap();
            assert_eq!(digits.len(), 26);
            assert!(digits.bytes().all(|byte| ALPHABET.contains(&byte)), "{digits}");
        }
        assert_eq!(RequestId::from_bits(0).as_str(), "req_00000000000000000000000000");
        assert_eq!(RequestId::from_bits(u128::MAX).to_string(), "req_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(RequestId::from_bits(33).as_str(), "req_00000000000000000000000011");
    }

    #[test]
    fn ids_differ_within_a_run_and_between_runs() {
        let (one, other) = (RequestIds::new(7 << 64), RequestIds::new(8 << 64));
        let ids: HashSet<RequestId> = (0..1_000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(ids.len(), 2_000);
    }

    #[test]
    fn threads_give_ids_of_their_own() {
        let ids = RequestIds::new(9 << 64);
        let some = || (0..2 * AT_ONCE).map(|_| ids.next()).collect::<Vec<_>>();
        let all: HashSet<RequestId> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(some)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.len() as u64, 4 * 2 * AT_ONCE);
    }

    #[test]
    fn the_counter_passes_its_end() {
        let ids = RequestIds::new(u128::from(u64::MAX));
        let some: HashSet<RequestId> = (0..3 * AT_ONCE).map(|_| ids.next()).collect();
        assert_eq!(some.len() as u64, 3 * AT_ONCE);
    }

    #[test]
    fn a_response_is_stamped_over_whatever_stood_there() {
        let mut headers = HeaderMap::new();
        headers.insert(RequestId::HEADER, HeaderValue::from_static("forged"));
        let id = RequestIds::new(5).next();
        id.stamp(&mut headers);
        assert_eq!(headers.get_all(RequestId::HEADER).iter().count(), 1);
        assert_eq!(headers.get(RequestId::HEADER).unwrap(), id.as_str());
    }
}
