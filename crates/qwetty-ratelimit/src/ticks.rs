use crate::Moment;

/// Readings this far from the origin, 292 years, count as this far: later than any tick that can be recorded.
const LONGEST_SPAN: u64 = i64::MAX as u64;

/// The time scale of a quota: whole ticks since one window before an origin, so that the origin itself is at tick
/// [`Ticks::window`] and a slot that holds zero is a window ago from the start.
///
/// A tick is the shortest divisor of a second of which a window has at most a given number, or a second if none is short
/// enough. A whole number of seconds is therefore a whole number of ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    divisor: Divisor,
    window: u32,
}

/// A moment on the scale of ticks, between two whole ones unless it is exact.
///
/// What happens is recorded at `ceil` and what has passed is judged at `floor`: where `floor - ceil` is a window, the
/// time between the two moments is at least a window, to the nanosecond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) floor: u64,
    pub(crate) ceil: u64,
    /// Nanoseconds since `floor`.
    pub(crate) phase: u32,
}

impl Ticks {
    /// The scale on which `window_seconds` (1 to 366 days) are at most `2^bits` ticks, or as many as they are seconds.
    pub(crate) const fn of(window_seconds: u32, bits: u32) -> Self {
        let window_nanos = window_seconds as u64 * 1_000_000_000;
        let divisor = Divisor::at_least(window_nanos.div_ceil(1 << bits));
        // 2^28 at most, or a leap year's seconds.
        Self { divisor, window: (window_nanos / divisor.nanos as u64) as u32 }
    }

    /// Ticks in a window.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// Nanoseconds in a tick.
    pub(crate) const fn nanos(&self) -> u64 {
        self.divisor.nanos as u64
    }

    /// `now` on the scale whose origin is `origin`. A moment before the origin counts as the origin, which someone has
    /// already seen pass.
    #[inline(always)]
    pub(crate) fn read(&self, origin: Moment, now: Moment) -> Reading {
        let span = now.as_nanos().saturating_sub(origin.as_nanos()).min(LONGEST_SPAN);
        let whole = self.divisor.divide(span);
        let floor = u64::from(self.window) + whole;
        let phase = (span - whole * self.nanos()) as u32; // a tick is a second at most
        Reading { floor, ceil: floor + u64::from(phase > 0), phase }
    }

    /// Whether ticks as late as this reading can still be recorded against its origin.
    pub(crate) const fn in_range(reading: Reading) -> bool {
        // Ticks fit 32 bits and never wrap.
        reading.floor < u32::MAX as u64
    }

    /// The tick of this scale that is no earlier than `tick` of another with the same origin; none if it is a window or
    /// more before the origin.
    pub(crate) fn convert(&self, other: Self, tick: u32) -> Option<u32> {
        let before_origin = (i64::from(other.window) - i64::from(tick)) * other.nanos() as i64;
        let since_base = i64::from(self.window) * self.nanos() as i64 - before_origin;
        u32::try_from(u64::try_from(since_base).ok()?.div_ceil(self.nanos())).ok().filter(|&tick| tick > 0)
    }

    /// The moment of a whole tick, counted from a window before `origin`; no earlier than the origin.
    pub(crate) fn moment(&self, origin: Moment, tick: u64) -> Moment {
        let since_origin = tick.saturating_sub(self.window.into()).saturating_mul(self.nanos());
        Moment::from_nanos(origin.as_nanos().saturating_add(since_origin))
    }

    /// The moment at which what was recorded at `tick` is a window old: the first whose `floor` is a window beyond it.
    #[inline(always)]
    pub(crate) fn expiry(&self, origin: Moment, tick: u32) -> Moment {
        // Ticks count from a window before the origin, so from the origin it is as many.
        Moment::from_nanos(origin.as_nanos().saturating_add(u64::from(tick) * self.nanos()))
    }
}

/// A divisor of 10^9 that is 4 or more, and what to multiply by instead of dividing by it.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    multiplier: u64,
    nanos: u32,
    shift: u8,
}

impl Divisor {
    /// The smallest that is at least `least`, or else 10^9. With the bits that a scale has, `least` is above 2.
    const fn at_least(least: u64) -> Self {
        // For each power of two the fewest fives: as the one grows, the others can only become fewer.
        let (mut smallest, mut twos, mut fives) = (1_000_000_000, 1, 1_953_125);
        while twos <= 512 {
            while fives > 1 && twos * (fives / 5) >= least {
                fives /= 5;
            }
            let divisor = twos * fives;
            if divisor >= least && divisor < smallest {
                smallest = divisor;
            }
            twos *= 2;
        }
        Self::of(smallest as u32) // 10^9 at most
    }

    /// Division by an invariant (Granlund and Montgomery 1994): exact for every dividend below 2^63. The divisor is 4 at least, so
    /// the shift is more than the low half of the product.
    const fn of(nanos: u32) -> Self {
        let bits = u32::BITS - (nanos - 1).leading_zeros();
        let multiplier = (1_u128 << (63 + bits)).div_ceil(nanos as u128) as u64; // below 2^64, as nanos is above 2^(bits - 1)
        Self { multiplier, nanos, shift: (bits - 1) as u8 }
    }

    const fn divide(self, dividend: u64) -> u64 {
        ((dividend as u128 * self.multiplier as u128) >> 64) as u64 >> self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;
    use proptest::prelude::*;

    fn ticks(seconds: u32) -> Ticks {
        Ticks::of(seconds, 22)
    }

    #[test]
    fn an_hour_has_ticks_of_a_millisecond() {
        assert_eq!(ticks(3600).nanos(), 1_000_000);
        assert_eq!(ticks(1).nanos(), 250);
        assert_eq!(ticks(Quota::MAX_WINDOW_SECONDS).nanos(), 1_000_000_000);
        let finer = |seconds| Ticks::of(seconds, 28).nanos();
        assert_eq!([1, 3600, Quota::MAX_WINDOW_SECONDS].map(finer), [4, 15_625, 125_000_000]);
    }

    #[test]
    fn a_tick_is_the_shortest_divisor_of_a_second_that_serves() {
        let divisors: Vec<u64> = (4..=1_000_000).filter(|nanos| 1_000_000_000 % nanos == 0).collect();
        for least in (3..20_000).chain((20_000..1_000_000).step_by(997)) {
            let nanos = divisors.iter().copied().find(|&nanos| nanos >= least).unwrap();
            assert_eq!(u64::from(Divisor::at_least(least).nanos), nanos, "{least}");
        }
    }

    #[test]
    fn division_by_every_divisor_is_exact() {
        let divisors = (0..=9).flat_map(|twos| (0..=9).map(move |fives| 5_u32.pow(fives) << twos));
        for nanos in divisors.filter(|&nanos| nanos >= 4) {
            for quotient in [0, 1, 2, 12_345, LONGEST_SPAN / u64::from(nanos) - 1] {
                let dividend = quotient * u64::from(nanos);
                let divide = |dividend| Divisor::of(nanos).divide(dividend);
                assert_eq!([0, 1, u64::from(nanos) - 1].map(|more| divide(dividend + more)), [quotient; 3]);
                assert_eq!(divide(dividend + u64::from(nanos)), quotient + 1);
            }
        }
    }

    #[test]
    fn a_second_is_whole_ticks_and_a_hundred_windows_of_them_fit_32_bits() {
        for seconds in (1..4000).chain((4000..=Quota::MAX_WINDOW_SECONDS).step_by(99_991)) {
            for bits in [22, 28] {
                let scale = Ticks::of(seconds, bits);
                assert_eq!(1_000_000_000 % scale.nanos(), 0);
                assert_eq!(u64::from(scale.window()) * scale.nanos(), u64::from(seconds) * 1_000_000_000);
                assert!(
                    scale.window() <= (1 << bits).max(seconds) && scale.window() > 1 << (bits - 2),
                    "{seconds}"
                );
            }
            assert!(100 * u64::from(ticks(seconds).window()) < u64::from(u32::MAX));
        }
    }

    #[test]
    fn the_last_reading_is_later_than_any_tick_that_can_be_recorded() {
        for seconds in [1, 60, 3600, Quota::MAX_WINDOW_SECONDS] {
            let reading = ticks(seconds).read(Moment::from_nanos(0), Moment::from_nanos(u64::MAX));
            assert!(!Ticks::in_range(reading), "{seconds}");
        }
    }

    #[test]
    fn the_last_tick_is_for_what_happens_before_it() {
        let reading = |floor| Reading { floor, ceil: floor + 1, phase: 1 };
        assert!(Ticks::in_range(reading(u64::from(u32::MAX) - 1)));
        assert!(!Ticks::in_range(reading(u32::MAX.into())));
    }

    #[test]
    fn what_is_a_whole_window_before_the_origin_is_not_converted() {
        let (old, new) = (ticks(60), ticks(30));
        let half = old.window() / 2;
        assert_eq!([half, half + 1].map(|tick| new.convert(old, tick)), [None, Some(2)]); // 15,625 ns are two of 8,000
    }

    #[test]
    fn a_moment_before_the_origin_is_the_origin() {
        let scale = ticks(60);
        let reading = scale.read(Moment::from_nanos(1000), Moment::from_nanos(0));
        assert_eq!((reading.floor, reading.ceil), (u64::from(scale.window()), u64::from(scale.window())));
    }

    proptest! {
        #[test]
        fn reading_is_exact_division(
            seconds in 1..=Quota::MAX_WINDOW_SECONDS,
            span in 0..=LONGEST_SPAN,
            near in 0_u64..3,
        ) {
            let scale = ticks(seconds);
            for span in [span, (span / scale.nanos() * scale.nanos()).saturating_sub(1) + near] {
                let span = span.min(LONGEST_SPAN);
                let reading = scale.read(Moment::from_nanos(7), Moment::from_nanos(7 + span));
                prop_assert_eq!(reading.floor, u64::from(scale.window()) + span / scale.nanos());
                prop_assert_eq!(reading.ceil, u64::from(scale.window()) + span.div_ceil(scale.nanos()));
            }
        }

        #[test]
        fn a_converted_tick_is_the_next_of_the_other_scale(from in 1_u32..100_000, to in 1_u32..100_000, part in 0_u32..1 << 21) {
            // Up to a tick after the origin, which is the most that is ever recorded.
            let (old, new) = (ticks(from), ticks(to));
            let at = old.window() + 1 - part.min(old.window());
            let since_origin = |scale: Ticks, tick: u32| (i128::from(tick) - i128::from(scale.window())) * i128::from(scale.nanos());
            let exact = since_origin(old, at);
            match new.convert(old, at) {
                Some(tick) => {
                    prop_assert!(since_origin(new, tick) >= exact);
                    prop_assert!(since_origin(new, tick - 1) < exact);
                }
                None => prop_assert!(exact <= -i128::from(to) * 1_000_000_000),
            }
        }

        #[test]
        fn expiry_is_the_first_moment_a_window_later(seconds in 1_u32..100_000, at in 0_u64..10_000_000_000) {
            let scale = ticks(seconds);
            let origin = Moment::from_nanos(12_345);
            let tick = u32::try_from(scale.read(origin, Moment::from_nanos(at)).ceil).unwrap();
            let expiry = scale.expiry(origin, tick);
            let age = |moment| scale.read(origin, moment).floor - u64::from(tick);
            prop_assert_eq!(age(expiry), u64::from(scale.window()));
            prop_assert!(age(Moment::from_nanos(expiry.as_nanos() - 1)) < u64::from(scale.window()));
        }
    }
}
