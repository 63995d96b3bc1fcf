//! So many takes and nothing else, for an instruction counter: `takes keyed spread 200000`.
//!
//! `cell` or `keyed`; `spread` (a client that keeps to its quota, every take at another time) or `bursts` (hundreds of takes at one
//! time, then an hour's pause). The counts of two runs, subtracted, have no start of the program in them.

use std::hint::black_box;
use std::process::ExitCode;

use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Outcome, Quota};

const KEY: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [limiter, pattern, takes] = arguments.as_slice() else { return ExitCode::from(2) };
    let (Ok(takes), Ok(quota)) = (takes.parse(), Quota::new(1_000, 3_600)) else { return ExitCode::from(2) };
    let moment = match pattern.as_str() {
        "spread" => |take: u64| Moment::from_nanos(take * 4_000_000_000),
        "bursts" => |take: u64| Moment::from_nanos(take / 500 * 3_601_000_000_000),
        _ => return ExitCode::from(2),
    };
    let admitted = match limiter.as_str() {
        "cell" => {
            let cell = LimiterCell::new();
            (0..takes).filter(|&take| admits(cell.take(black_box(quota), 1, moment(take)))).count()
        }
        "keyed" => {
            let keyed = KeyedLimiter::new();
            (0..takes)
                .filter(|&take| admits(keyed.take(black_box(&KEY), black_box(quota), 1, moment(take))))
                .count()
        }
        _ => return ExitCode::from(2),
    };
    ExitCode::from(u8::from(u64::try_from(admitted) != Ok(takes)))
}

fn admits(outcome: Outcome) -> bool {
    matches!(black_box(outcome), Outcome::Admitted(_))
}
