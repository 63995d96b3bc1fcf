//! How many instructions the hot path takes, as callgrind counts them: the same on a busy machine as on a quiet one.
//!
//! `benches/instructions.sh` runs it and compares the counts with those in `benches/instructions.txt`. Each count is of [`TURNS`]
//! calls, of which the first came before.

#![allow(missing_docs, reason = "what the macros make is nobody's to call")]
#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use gungraun::prelude::*;
use qwetty::{Charge, Verdict};
use qwetty_authz::Ask;
use qwetty_benches::{FastClock, KeysInMemory, Records};
use qwetty_keys::KeyId;
use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Outcome, Quota};

const TURNS: usize = 100;
/// An hour has more units than there are turns.
const QUOTA: (u32, u32) = (1_000, 3_600);
/// The address is in the last of the key's four networks, so that all four are looked at.
const ASK: Ask<'static> = Ask {
    address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
    permissions: &["messages:send"],
    channel: Some(Records::CHANNEL),
};

/// Keys in memory, and what clients present, in turn.
struct Presented {
    keys: KeysInMemory,
    texts: Vec<String>,
    is_allowed: bool,
}

impl Presented {
    fn new(text: impl Fn(&str) -> String, is_allowed: bool) -> Self {
        // Time stands still: what a window costs depends on how much of it has passed.
        let keys = KeysInMemory::start(TURNS, FastClock::new(0), &mut Records::seeded(1), |_| {});
        let texts = keys.values().iter().map(|value| text(value.expose())).collect();
        let this = Self { keys, texts, is_allowed };
        this.judge_all();
        this
    }

    fn judge_all(&self) {
        for text in &self.texts {
            let verdict = self.keys.verify_text(black_box(text), black_box(ASK), Charge::Units(1));
            assert_eq!(matches!(verdict, Verdict::Allow(_)), self.is_allowed);
        }
    }
}

fn good() -> Presented {
    Presented::new(str::to_owned, true)
}

fn malformed() -> Presented {
    let with_bad_checksum = |text: &str| {
        let (rest, last) = text.split_at(text.len() - 1);
        format!("{rest}{}", if last == "0" { '1' } else { '0' })
    };
    Presented::new(with_bad_checksum, false)
}

#[library_benchmark]
#[bench::allowed(setup = good)]
#[bench::malformed(setup = malformed)]
fn verify(presented: Presented) -> Presented {
    presented.judge_all();
    presented
}

fn quota() -> Quota {
    Quota::new(QUOTA.0, QUOTA.1).expect("a quota within its ranges")
}

/// The takes of turns that are a second from each other.
fn take_all(from: u64, take: impl Fn(Quota, Moment) -> Outcome) {
    // Made once and handed out in copies, as every owner of a quota does.
    let quota = quota();
    for turn in from..from + TURNS as u64 {
        let outcome = take(black_box(quota), black_box(Moment::from_nanos(turn * 1_000_000_000)));
        assert!(matches!(outcome, Outcome::Admitted(_)));
    }
}

fn cell() -> LimiterCell {
    let cell = LimiterCell::new();
    take_all(0, |quota, now| cell.take(quota, 1, now));
    cell
}

fn keyed() -> KeyedLimiter<KeyId> {
    let keyed = KeyedLimiter::new();
    take_all(0, |quota, now| keyed.take(&KEY, quota, 1, now));
    keyed
}

const KEY: KeyId = KeyId::from_u128(1);

#[library_benchmark]
#[bench::take(setup = cell)]
fn limiter_cell(cell: LimiterCell) -> LimiterCell {
    take_all(TURNS as u64, |quota, now| cell.take(quota, 1, now));
    cell
}

#[library_benchmark]
#[bench::take(setup = keyed)]
fn keyed_limiter(keyed: KeyedLimiter<KeyId>) -> KeyedLimiter<KeyId> {
    take_all(TURNS as u64, |quota, now| keyed.take(&KEY, quota, 1, now));
    keyed
}

library_benchmark_group!(name = hot_path, benchmarks = [verify, limiter_cell, keyed_limiter]);
main!(library_benchmark_groups = hot_path);
