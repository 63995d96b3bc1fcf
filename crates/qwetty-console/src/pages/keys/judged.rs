use std::time::Duration;

use qwetty_authz::{
    ChannelId, ChannelScope, Channels, IpPolicy, Network, Networks, Permission, PermissionSet,
};
use qwetty_keys::{Description, Name, Timestamp};

use super::draft::{Draft, Expiry, Reach};
use crate::pages::faults::Faults;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Most lines of a whitelist whose faults are named one by one.
const MOST_FAULTS: usize = 20;

/// What was typed, read by the rules for each field; `None` where it breaks one.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) name: Option<Name>,
    pub(super) description: Option<Option<Description>>,
    pub(super) permissions: Option<PermissionSet>,
    pub(super) channels: Option<ChannelScope>,
    pub(super) networks: Option<IpPolicy>,
    pub(super) until: Option<Until>,
}

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// When it does so far.
    Kept,
    Never,
    At(Timestamp),
}

impl Judged {
    /// `mine` is when the visitor's key ends.
    pub(super) fn of(draft: &Draft, now: Timestamp, mine: Option<Timestamp>, faults: &mut Faults) -> Self {
        Self {
            name: draft.name.parse().map_err(|error| faults.add("name", error)).ok(),
            description: description(draft, faults),
            permissions: permissions(draft, faults),
            channels: channels(draft, faults),
            networks: networks(draft, faults),
            until: until(draft, now, mine, faults),
        }
    }
}

/// Nothing but white space is no description.
fn description(draft: &Draft, faults: &mut Faults) -> Option<Option<Description>> {
    if draft.description.trim().is_empty() {
        return Some(None);
    }
    draft.description.parse().map(Some).map_err(|error| faults.add("description", error)).ok()
}

fn permissions(draft: &Draft, faults: &mut Faults) -> Option<PermissionSet> {
    let read: Result<Vec<Permission>, _> = draft.permissions.iter().map(|name| name.parse()).collect();
    let Ok(read) = read else {
        faults.add("permissions", "one of them does not exist; choose again");
        return None;
    };
    let set = PermissionSet::from_permissions(read);
    if set.is_none() {
        faults.add("permissions", "choose at least one");
    }
    set
}

/// A choice that can be read in two ways is not made for the visitor: one of the two is everything.
fn channels(draft: &Draft, faults: &mut Faults) -> Option<ChannelScope> {
    match (draft.reach, draft.channels.is_empty()) {
        (Some(Reach::Every), true) => return Some(ChannelScope::All),
        (Some(Reach::Every), false) => {
            faults.add("channels", "channels are ticked: choose “Only these channels”, or untick them");
            return None;
        }
        (None, true) => {
            faults.add("channels", "choose every channel or some");
            return None;
        }
        (Some(Reach::Ticked), true) => {
            faults.add("channels", "tick at least one");
            return None;
        }
        (Some(Reach::Ticked) | None, false) => {}
    }
    let read: Result<Vec<ChannelId>, _> = draft.channels.iter().map(|id| id.parse()).collect();
    let Ok(read) = read else {
        faults.add("channels", "one of them does not exist; choose again");
        return None;
    };
    let scope = Channels::try_from(read).map(ChannelScope::Only);
    scope.map_err(|_| faults.add("channels", "tick 100 at most, or choose every channel")).ok()
}

/// One address or network a line; every faulty line is told by its number.
fn networks(draft: &Draft, faults: &mut Faults) -> Option<IpPolicy> {
    let lines = draft.whitelist.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let (mut networks, mut faulty) = (Vec::new(), 0_usize);
    for (index, line) in lines {
        match line.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(error) => {
                faulty += 1;
                if faulty <= MOST_FAULTS {
                    faults.add("whitelist", format_args!("line {}: {error}", index + 1));
                }
            }
        }
    }
    if faulty > MOST_FAULTS {
        faults.add("whitelist", format_args!("{} more lines are faulty", faulty - MOST_FAULTS));
    }
    if faulty > 0 {
        return None;
    }
    if networks.is_empty() {
        return Some(IpPolicy::Any);
    }
    let only = Networks::try_from(networks).map(IpPolicy::Only);
    only.map_err(|_| faults.add("whitelist", "name 100 networks at most, or none for every address")).ok()
}

fn until(draft: &Draft, now: Timestamp, mine: Option<Timestamp>, faults: &mut Faults) -> Option<Until> {
    if draft.expiry != Some(Expiry::Date) && !draft.date.is_empty() {
        faults.add("expiry", "a date is typed: choose “At the end of a day”, or clear it");
        return None;
    }
    match draft.expiry {
        Some(Expiry::Kept) => Some(Until::Kept),
        Some(Expiry::Never) => Some(Until::Never),
        Some(Expiry::Days(days)) => Some(Until::At(now.saturating_add(DAY * u32::from(days)))),
        Some(Expiry::Mine) => Some(mine.map_or(Until::Never, Until::At)),
        Some(Expiry::Date) => {
            let end = end_of_day(&draft.date);
            if end.is_none() && is_beyond_9999(&draft.date) {
                faults.add("expiry", "the year must be 9999 at most; choose an earlier day, or “Never”");
            } else if end.is_none() {
                faults.add("expiry", "the date is missing or does not exist; write it as 2031-12-31");
            }
            end.map(Until::At)
        }
        None => {
            faults.add("expiry", "choose one");
            None
        }
    }
}

/// The first instant after a day, in UTC: the key works on that whole day. After the last day of the year 9999 there is
/// nothing that RFC 3339 can write, so that one ends with its own last instant.
fn end_of_day(date: &str) -> Option<Timestamp> {
    let begin: Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
    Some(Timestamp::from(begin.saturating_add(DAY).to_offset_date_time()))
}

/// Browsers let people choose years of up to six digits.
fn is_beyond_9999(date: &str) -> bool {
    let year = date.split('-').next().unwrap_or_default();
    year.trim_start_matches('0').len() > 4 && year.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);

    fn draft() -> Draft {
        Draft {
            name: "CRM".to_owned(),
            permissions: vec!["chats:read".to_owned()],
            reach: Some(Reach::Every),
            expiry: Some(Expiry::Days(7)),
            ..Draft::default()
        }
    }

    fn judged(draft: &Draft) -> (Judged, Faults) {
        let mut faults = Faults::default();
        (Judged::of(draft, NOW, None, &mut faults), faults)
    }

    #[test]
    fn a_day_is_over_when_the_next_one_begins() {
        let end = |date: &str| end_of_day(date).map(|end| end.to_string());
        assert_eq!(end("2030-02-28").as_deref(), Some("2030-03-01T00:00:00Z"));
        assert_eq!(end("9999-12-30").as_deref(), Some("9999-12-31T00:00:00Z"));
        assert_eq!(end("9999-12-31").as_deref(), Some("9999-12-31T23:59:59.999999Z"));
        for date in ["", "2030-02-30", "30-02-28", "2030-02-28T", "2030-2-8", "10000-01-01"] {
            assert_eq!(end(date), None, "{date}");
        }
    }

    #[test]
    fn a_year_that_cannot_be_written_is_named_as_the_fault() {
        for (date, told) in
            [("10000-01-01", "The year"), ("275760-09-13", "The year"), ("0x", "The date"), ("", "The date")]
        {
            let typed = Draft { expiry: Some(Expiry::Date), date: date.to_owned(), ..draft() };
            let told_of = judged(&typed).1.of("expiry");
            assert!(told_of.iter().all(|fault| fault.starts_with(told)) && told_of.len() == 1, "{told_of:?}");
        }
    }

    #[test]
    fn a_choice_that_can_be_read_in_two_ways_is_not_made() {
        let (good, faults) = judged(&draft());
        assert!(faults.is_empty() && good.channels == Some(ChannelScope::All));
        let ticked = Draft { channels: vec!["a".to_owned()], ..draft() };
        assert!(judged(&ticked).0.channels.is_none());
        let none_ticked = Draft { reach: Some(Reach::Ticked), ..draft() };
        assert_eq!(judged(&none_ticked).1.of("channels"), ["Tick at least one."]);
        let dated = Draft { date: "2031-01-01".to_owned(), ..draft() };
        assert!(judged(&dated).0.until.is_none());
    }

    #[test]
    fn each_faulty_line_is_named() {
        let typed = Draft { whitelist: "10.0.0.1\n\n 10.0.0.9/8 \nfoo\n::1".to_owned(), ..draft() };
        let (judged, faults) = judged(&typed);
        assert!(judged.networks.is_none());
        let told = faults.of("whitelist");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("Line 3: ") && told[0].contains("10.0.0.0/8"), "{told:?}");
        assert!(told[1].starts_with("Line 4: "), "{told:?}");
    }

    #[test]
    fn a_flood_of_faulty_lines_is_told_shortly() {
        let (_, faults) = judged(&Draft { whitelist: "x\n".repeat(500), ..draft() });
        assert_eq!(faults.of("whitelist").len(), MOST_FAULTS + 1);
    }
}
