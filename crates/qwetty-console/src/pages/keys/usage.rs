use maud::{Markup, html};
use qwetty::{HourRange, KeyView, Standing, UsageReport};
use qwetty_guard::ErrorCode;
use qwetty_keys::Timestamp;
use qwetty_storage::{HourlyCounts, Outcome};

use super::abilities::quota;
use crate::refusal::Refusal;
use crate::view::chart::{Bar, Chart};
use crate::view::pagination::grouped;
use crate::view::time;
use crate::visit::Visit;

const HOURS_OF_A_DAY: i64 = 24;
/// The running day included.
const DAYS: i64 = 30;

/// What a key was used for, and what it has left.
pub(super) struct Usage<'a> {
    visit: &'a Visit<'a>,
    key: &'a KeyView,
    report: UsageReport,
    standing: Standing,
}

impl<'a> Usage<'a> {
    pub(super) async fn of(visit: &'a Visit<'a>, key: &'a KeyView) -> Result<Self, Refusal> {
        let range = last_days(visit.now)?;
        let report = visit.manager.usage(&visit.caller, key.record.id, range).await?;
        let standing = visit.manager.standing(&visit.caller, key.record.id).await?;
        Ok(Self { visit, key, report, standing })
    }

    pub(super) fn quota(&self) -> Markup {
        let level = self.standing.level;
        let used = level.limit.saturating_sub(level.remaining);
        html! {
            section.card aria-labelledby="quota" {
                h2 #quota { "Quota now" }
                p { strong { (grouped(level.remaining.into())) } " of " (quota(self.standing.quota)) " left" }
                svg.meter aria-hidden="true" focusable="false" viewBox={ "0 0 " (level.limit) " 1" }
                    preserveAspectRatio="none" {
                    rect x="0" y="0" width=(used) height="1" {}
                }
                p.faint {
                    @if used == 0 { "Nothing is counted against it." }
                    @else { (grouped(used.into())) " used. The next one comes back " (time::relative(self.grows_at(), self.visit.now)) "." }
                }
            }
        }
    }

    /// The whole second at which more is left, as the `Reset` of the rate-limit headers.
    fn grows_at(&self) -> Timestamp {
        let exact = self.standing.at.saturating_add(self.standing.level.grows_in);
        let micros = exact.unix_micros();
        Timestamp::from_unix_micros(micros.saturating_add(1_000_000 - 1).div_euclid(1_000_000) * 1_000_000)
    }

    pub(super) fn section(&self) -> Markup {
        let usage = &self.key.usage;
        let (hours, days) = (self.hours(), self.days());
        html! {
            section.card aria-labelledby="usage" {
                h2 #usage { "Usage" }
                dl.facts {
                    div { dt { "Requests" } dd.number { (grouped(usage.request_count)) } }
                    div { dt { "Denied" } dd.number { (grouped(usage.denied_count)) } }
                    div { dt { "Last used" } dd { (time::relative_or(usage.last_used_at, self.visit.now, "never")) } }
                }
                div.charts {
                    (Chart { id: "hours", title: "Last 24 hours", unit: "Hour (UTC)", bars: &hours }.figure())
                    (Chart { id: "days", title: "Last 30 days", unit: "Day (UTC)", bars: &days }.figure())
                }
                (self.denials())
            }
        }
    }

    fn denials(&self) -> Markup {
        let denials: Vec<(Outcome, u64)> =
            self.report.totals.iter().filter(|(outcome, _)| *outcome != Outcome::Admitted).collect();
        html! {
            @if !denials.is_empty() {
                h3 #denials { "Why calls were denied, in these 30 days" }
                table.plain aria-labelledby="denials" {
                    thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Calls" } } }
                    tbody {
                        @for (outcome, count) in denials {
                            tr {
                                th scope="row" { (reason(outcome)) " " code.faint { (outcome) } }
                                td.number { (grouped(count)) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn hours(&self) -> Vec<Bar> {
        let points = &self.report.points;
        let from = points.len().saturating_sub(usize::try_from(HOURS_OF_A_DAY).unwrap_or(0));
        points.iter().skip(from).map(|point| bar(time::hour(point.hour.start()), [point])).collect()
    }

    fn days(&self) -> Vec<Bar> {
        let same_day = |one: &HourlyCounts, other: &HourlyCounts| day(one) == day(other);
        let days = self.report.points.chunk_by(same_day);
        days.filter_map(|hours| Some(bar(time::day(hours.first()?.hour.start()), hours))).collect()
    }
}

fn bar<'a>(label: String, hours: impl IntoIterator<Item = &'a HourlyCounts>) -> Bar {
    hours.into_iter().fold(Bar { label, admitted: 0, denied: 0 }, |bar, hour| Bar {
        admitted: bar.admitted.saturating_add(hour.counts.admitted()),
        denied: bar.denied.saturating_add(hour.counts.denied()),
        ..bar
    })
}

/// Days since the Unix epoch.
fn day(hour: &HourlyCounts) -> i64 {
    hour.hour.number().div_euclid(HOURS_OF_A_DAY)
}

/// The whole days, in UTC, up to the running one; never less than the last 24 hours.
fn last_days(now: Timestamp) -> Result<HourRange, Refusal> {
    const DAY_MICROS: i64 = HOURS_OF_A_DAY * 3_600_000_000;
    let today = now.unix_micros().div_euclid(DAY_MICROS);
    let first = Timestamp::from_unix_micros((today - (DAYS - 1)) * DAY_MICROS);
    let unable = |_| Refusal::new(ErrorCode::Unavailable, "The server's clock is out of the calendar.");
    HourRange::new(Some(first), None, now).map_err(unable)
}

const fn reason(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Admitted => "Admitted",
        Outcome::Revoked => "The key was revoked",
        Outcome::Expired => "The key was expired",
        Outcome::IpNotAllowed => "The address was not in the IP whitelist",
        Outcome::InsufficientPermissions => "A permission was lacking",
        Outcome::ChannelNotAllowed => "The channel was not the key's",
        Outcome::RateLimited => "The quota was used up",
    }
}
