use std::time::Duration;

use maud::{Markup, html};
use qwetty_keys::Timestamp;

/// An instant as people speak of it, with the exact one on hover; the script keeps it true as time goes on.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) data-relative { (words(at, now)) } }
}

/// The same, or a word for never.
pub(crate) fn relative_or(at: Option<Timestamp>, now: Timestamp, never: &str) -> Markup {
    html! {
        @match at {
            Some(at) => (relative(at, now)),
            None => span.faint { (never) },
        }
    }
}

/// `23 November 2026, 04:28:16 UTC`.
pub(crate) fn exact(at: Timestamp) -> String {
    let at = at.to_offset_date_time();
    let (hour, minute, second) = at.to_hms();
    format!("{} {} {:04}, {hour:02}:{minute:02}:{second:02} UTC", at.day(), at.month(), at.year())
}

/// `23 November 2026`.
pub(crate) fn day(at: Timestamp) -> String {
    let at = at.to_offset_date_time();
    format!("{} {} {:04}", at.day(), at.month(), at.year())
}

/// `23 November, 04:00`.
pub(crate) fn hour(at: Timestamp) -> String {
    let at = at.to_offset_date_time();
    format!("{} {}, {:02}:00", at.day(), at.month(), at.hour())
}

/// How long it is until an instant, which the script counts down. At the end it puts what the `data-when-over` of an element
/// around it says in the place of that element's text.
pub(crate) fn countdown(until: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(until) title=(exact(until)) data-countdown { (remaining(until, now)) } }
}

/// `2 days, 03:04:05`. The script writes the same.
fn remaining(until: Timestamp, now: Timestamp) -> String {
    let seconds = until.saturating_duration_since(now).as_secs();
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / 86_400 {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}

/// `3 minutes ago`, `in 5 days`. The script has the same steps.
pub(crate) fn words(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        let ahead = at.saturating_duration_since(now);
        if ahead < SOON { "in less than a minute".to_owned() } else { format!("in {}", nearly(ahead)) }
    } else {
        let ago = now.saturating_duration_since(at);
        if ago < SOON { "just now".to_owned() } else { format!("{} ago", span(ago)) }
    }
}

const SOON: Duration = Duration::from_secs(60);

const STEPS: [(u64, &str); 5] =
    [(365 * 86_400, "year"), (30 * 86_400, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute")];

/// A length of time in its largest whole unit.
pub(crate) fn span(length: Duration) -> String {
    in_steps(length.as_secs(), |_| 0)
}

/// The same, but for a twentieth of the unit that may be missing: a key that was made for 7 days expires in 7 days.
fn nearly(length: Duration) -> String {
    in_steps(length.as_secs(), |step| step / 20)
}

fn in_steps(seconds: u64, missing: impl Fn(u64) -> u64) -> String {
    let counts = STEPS.into_iter().map(|(step, unit)| ((seconds + missing(step)) / step, unit));
    let (count, unit) = counts.into_iter().find(|(count, _)| *count > 0).unwrap_or((seconds, "second"));
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);

    #[test]
    fn instants_are_told_in_their_largest_whole_unit() {
        for (seconds, ago, ahead) in [
            (59, "just now", "in less than a minute"),
            (60, "1 minute ago", "in 1 minute"),
            (3_599, "59 minutes ago", "in 1 hour"),
            (86_400 * 7 - 4_000, "6 days ago", "in 7 days"),
            (86_400 * 7 - 8_000, "6 days ago", "in 6 days"),
            (7_200, "2 hours ago", "in 2 hours"),
            (86_400 * 28, "28 days ago", "in 28 days"),
            (86_400 * 30, "1 month ago", "in 1 month"),
            (86_400 * 800, "2 years ago", "in 2 years"),
        ] {
            let length = Duration::from_secs(seconds);
            assert_eq!(words(NOW.saturating_sub(length), NOW), ago);
            assert_eq!(words(NOW.saturating_add(length), NOW), ahead);
        }
        assert_eq!(words(NOW, NOW), "just now");
    }

    #[test]
    fn what_remains_is_told_to_the_second() {
        for (seconds, told) in [
            (0, "00:00:00"),
            (3_599, "00:59:59"),
            (86_399, "23:59:59"),
            (86_400, "1 day, 00:00:00"),
            (604_799, "6 days, 23:59:59"),
        ] {
            assert_eq!(remaining(NOW.saturating_add(Duration::from_secs(seconds)), NOW), told);
        }
        assert_eq!(remaining(NOW, NOW.saturating_add(SOON)), "00:00:00");
    }

    #[test]
    fn the_exact_instant_is_in_utc() {
        assert_eq!(exact(NOW), "1 January 2030, 12:00:00 UTC");
    }
}
