use crate::{Moment, Quota};

/// Windows that one origin serves: ticks stay below 14 * 2^28, so that they fit 32 bits and never wrap.
const LIFETIME_WINDOWS: u64 = 14;

/// Readings this far from the origin, 18 years, count as this far.
const SPAN_BITS: u32 = 59;

/// The time scale of a quota: whole ticks since one window before an origin, so that the origin itself is at tick
/// [`Ticks::window`] and a slot that holds zero is a window ago from the start.
///
/// A tick is the shortest divisor of a second of which a window has at most 2^28: 15.625 µs for an hour. A whole number
/// of seconds is therefore a whole number of ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    nanos: u64,
    window: u32,
    multiplier: u64,
    shift: u32,
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
    pub(crate) fn of(quota: Quota) -> Self {
        let window_nanos = u64::from(quota.window_seconds()) * 1_000_000_000;
        let nanos = shortest_tick(window_nanos.div_ceil(1 << 28));
        // Division by an invariant (Granlund and Montgomery 1994): exact for every dividend below 2^63. A tick is 4 ns at least,
        // so the shift is more than the low half of the product.
        let bits = u64::BITS - (nanos - 1).leading_zeros();
        let multiplier = (1_u128 << (63 + bits)).div_ceil(u128::from(nanos));
        Self {
            nanos,
            window: u32::try_from(window_nanos / nanos).unwrap_or(u32::MAX),
            multiplier: u64::try_from(multiplier).unwrap_or(u64::MAX),
            shift: bits - 1,
        }
    }

    /// Ticks in a window.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// Nanoseconds in a tick.
    pub(crate) const fn nanos(&self) -> u64 {
        self.nanos
    }

    /// `now` on the scale whose origin is `origin`. A moment before the origin counts as the origin, which someone has
    /// already seen pass.
    pub(crate) fn read(&self, origin: Moment, now: Moment) -> Reading {
        let span = now.as_nanos().saturating_sub(origin.as_nanos()).min((1 << SPAN_BITS) - 1);
        let whole = ((u128::from(span) * u128::from(self.multiplier)) >> 64) as u64 >> self.shift;
        let floor = u64::from(self.window) + whole;
        let phase = (span - whole * self.nanos) as u32; // a tick is below 10^9
        Reading { floor, ceil: floor + u64::from(phase > 0), phase }
    }

    /// Whether ticks as late as this reading can still be recorded against its origin.
    pub(crate) fn in_range(&self, reading: Reading) -> bool {
        reading.floor < LIFETIME_WINDOWS * u64::from(self.window)
    }

    /// The tick of this scale that is no earlier than `tick` of another with the same origin; none if it is a window or
    /// more before the origin.
    pub(crate) fn convert(&self, other: Self, tick: u32) -> Option<u32> {
        let before_origin = (i64::from(other.window) - i64::from(tick)) * other.nanos as i64;
        let since_base = i64::from(self.window) * self.nanos as i64 - before_origin;
        u32::try_from(u64::try_from(since_base).ok()?.div_ceil(self.nanos)).ok().filter(|&tick| tick > 0)
    }

    /// The moment of a whole tick, counted from a window before `origin`; no earlier than the origin.
    pub(crate) fn moment(&self, origin: Moment, tick: u64) -> Moment {
        let since_origin = tick.saturating_sub(self.window.into()).saturating_mul(self.nanos);
        Moment::from_nanos(origin.as_nanos().saturating_add(since_origin))
    }

    /// The moment at which what was recorded at `tick` is a window old: the first whose `floor` is a window beyond it.
    pub(crate) fn expiry(&self, origin: Moment, tick: u32) -> Moment {
        // Ticks count from a window before the origin, so from the origin it is as many.
        Moment::from_nanos(origin.as_nanos().saturating_add(u64::from(tick) * self.nanos))
    }
}

/// The smallest divisor of 10^9 that is at least `least`.
fn shortest_tick(least: u64) -> u64 {
    let powers_of_two = (0..=9).map(|power| 2_u64.pow(power));
    let divisors = powers_of_two.flat_map(|two| (0..=9).map(move |power| two * 5_u64.pow(power)));
    divisors.filter(|&divisor| divisor >= least).min().unwrap_or(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ticks(seconds: u32) -> Ticks {
        Ticks::of(Quota::new(1, seconds).unwrap())
    }

    #[test]
    fn an_hour_has_ticks_of_fifteen_microseconds() {
        assert_eq!(ticks(3600).nanos(), 15_625);
        assert_eq!(ticks(1).nanos(), 4);
        assert_eq!(ticks(Quota::MAX_WINDOW_SECONDS).nanos(), 125_000_000);
    }

    #[test]
    fn a_second_is_whole_ticks_and_a_lifetime_of_them_fits_32_bits() {
        for seconds in (1..4000).chain((4000..=Quota::MAX_WINDOW_SECONDS).step_by(99_991)) {
            let scale = ticks(seconds);
            assert_eq!(1_000_000_000 % scale.nanos(), 0);
            assert_eq!(u64::from(scale.window()) * scale.nanos(), u64::from(seconds) * 1_000_000_000);
            assert!(scale.window() <= 1 << 28 && scale.window() > 1 << 26, "{seconds}");
            assert!(LIFETIME_WINDOWS * u64::from(scale.window()) < u64::from(u32::MAX));
            assert!(u128::from(scale.window()) * 15 * u128::from(scale.nanos()) < 1 << SPAN_BITS);
        }
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
            span in 0_u64..1 << SPAN_BITS,
            near in 0_u64..3,
        ) {
            let scale = ticks(seconds);
            for span in [span, (span / scale.nanos() * scale.nanos()).saturating_sub(1) + near] {
                let span = span.min((1 << SPAN_BITS) - 1);
                let reading = scale.read(Moment::from_nanos(7), Moment::from_nanos(7 + span));
                prop_assert_eq!(reading.floor, u64::from(scale.window()) + span / scale.nanos());
                prop_assert_eq!(reading.ceil, u64::from(scale.window()) + span.div_ceil(scale.nanos()));
            }
        }

        #[test]
        fn a_converted_tick_is_the_next_of_the_other_scale(from in 1_u32..100_000, to in 1_u32..100_000, part in 0_u32..1 << 27) {
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
