use maud::{Markup, html};
use qwetty::KeyView;
use qwetty_authz::{Catalogue, ChannelScope, IpPolicy, Permission, PermissionGrant};
use qwetty_keys::Timestamp;
use qwetty_ratelimit::{Quota, Tier};
use serde_json::Value;

use super::channels::KnownChannels;
use super::draft::{Expiry, Reach};
use super::judged::{Judged, Until};
use crate::view::pagination::grouped;
use crate::view::time;
use crate::visit::Visit;

/// What a key is able to do, in plain words.
#[derive(Debug, Default)]
pub(super) struct Abilities {
    may: Vec<String>,
    on: Vec<String>,
    from: Vec<String>,
    until: Vec<String>,
    at_most: Vec<String>,
}

impl Abilities {
    /// Those of a key as it is.
    pub(super) fn of(key: &KeyView, catalogue: &Catalogue, channels: &KnownChannels, now: Timestamp) -> Self {
        let access = &key.record.access;
        let may = match &access.permissions {
            PermissionGrant::All => vec!["Everything, now and later".to_owned()],
            PermissionGrant::Only(_) => labels(catalogue, &key.permissions),
        };
        let until = key.record.lifecycle.expires_at().map_or(Until::Never, Until::At);
        Self {
            may,
            on: on(&access.channels, channels),
            from: from(&access.networks, ANYWHERE),
            until: end(until, now),
            at_most: vec![quota(key.quota)],
        }
    }

    /// Those of a key as it would be; what breaks a rule is left out.
    pub(super) fn of_draft(
        judged: &Judged,
        as_it_is: Option<&KeyView>,
        at_most: Quota,
        visit: &Visit<'_>,
        channels: &KnownChannels,
    ) -> Self {
        let (catalogue, now) = (visit.catalogue(), visit.now);
        let anywhere = anywhere(visit.key.access().networks == IpPolicy::Any);
        let may =
            judged.permissions.clone().map(PermissionGrant::Only).map(|grant| catalogue.in_order(&grant));
        let kept = as_it_is.and_then(|key| key.record.lifecycle.expires_at()).map_or(Until::Never, Until::At);
        let until = judged.until.map(|until| if until == Until::Kept { kept } else { until });
        Self {
            may: may.map(|held| labels(catalogue, &held)).unwrap_or_default(),
            on: judged.channels.as_ref().map(|scope| on(scope, channels)).unwrap_or_default(),
            from: judged.networks.as_ref().map(|networks| from(networks, anywhere)).unwrap_or_default(),
            until: until.map(|until| end(until, now)).unwrap_or_default(),
            at_most: vec![quota(at_most)],
        }
    }

    /// As a list of terms.
    pub(super) fn list(&self) -> Markup {
        self.terms(None)
    }

    /// The same in a form: the script tells what the form around it says, while it is filled in, in these words.
    pub(super) fn live_list(&self, words: &FormWords) -> Markup {
        self.terms(Some(words))
    }

    fn terms(&self, words: Option<&FormWords>) -> Markup {
        let anywhere = words.map_or(ANYWHERE, |words| words.anywhere);
        let rows = [
            ("May", &self.may, "permissions", "Nothing yet: choose at least one permission"),
            ("On", &self.on, "reach channels", "Not chosen yet"),
            ("From", &self.from, "whitelist", anywhere),
            ("Expires", &self.until, "expiry date", "Not chosen yet"),
            ("At most", &self.at_most, "tier", ""),
        ];
        let is_live = words.is_some();
        let choices = words.map(|words| words.choices().to_string());
        html! {
            dl.terms data-words=[choices] {
                @for (term, told, fields, nothing) in rows {
                    dt { (term) }
                    dd data-tells=[is_live.then_some(fields)] data-nothing=[is_live.then_some(nothing)] {
                        ul.inline {
                            @if told.is_empty() { li { (if fields == "whitelist" { UNCLEAR } else { nothing }) } }
                            @for words in told { li { bdi { (words) } } }
                        }
                    }
                }
            }
        }
    }
}

/// What the choices of a form come to, which the script cannot know of itself.
pub(super) struct FormWords {
    anywhere: &'static str,
    expiries: Vec<(Expiry, Option<Until>)>,
    tiers: Vec<(Tier, Quota)>,
    now: Timestamp,
}

impl FormWords {
    /// Of what a form offers. `is_anywhere_free` says whether the visitor may grant every address.
    pub(super) fn new(
        is_anywhere_free: bool,
        expiries: Vec<(Expiry, Option<Until>)>,
        tiers: Vec<(Tier, Quota)>,
        now: Timestamp,
    ) -> Self {
        Self { anywhere: anywhere(is_anywhere_free), expiries, tiers, now }
    }

    /// By the name of a field and the value of a choice in it: `expiry=90`. What says nothing itself has no words.
    fn choices(&self) -> Value {
        let reaches = [
            (format!("reach={}", Reach::Every.as_str()), EVERY_CHANNEL.to_owned()),
            (format!("reach={}", Reach::Ticked.as_str()), String::new()),
        ];
        let expiries = self.expiries.iter().map(|(expiry, until)| {
            let told = until.map(|until| end(until, self.now)).unwrap_or_default();
            (format!("expiry={}", expiry.value()), told.concat())
        });
        let tiers = self.tiers.iter().map(|(tier, of)| (format!("tier={tier}"), quota(*of)));
        let all = reaches.into_iter().chain(expiries).chain(tiers);
        all.map(|(choice, words)| (choice, Value::String(words))).collect()
    }
}

/// What a whitelist with faults comes to.
const UNCLEAR: &str = "Not clear yet";
const ANYWHERE: &str = "Every address";
const EVERY_CHANNEL: &str = "Every channel of the organization, now and later";

/// What an empty whitelist comes to.
const fn anywhere(is_free: bool) -> &'static str {
    if is_free { ANYWHERE } else { "Nowhere yet: name networks within those of your own key" }
}

/// What permissions are called; one that is in no catalogue any more is told by its name.
pub(super) fn labels(catalogue: &Catalogue, held: &[Permission]) -> Vec<String> {
    let label = |permission: &Permission| {
        let entry = catalogue.entries().find(|entry| entry.permission() == permission);
        entry.map_or(permission.as_str(), |entry| entry.label()).to_owned()
    };
    held.iter().map(label).collect()
}

fn on(scope: &ChannelScope, known: &KnownChannels) -> Vec<String> {
    match scope {
        ChannelScope::All => vec![EVERY_CHANNEL.to_owned()],
        ChannelScope::Only(channels) => channels.iter().map(|id| known.name(id)).collect(),
    }
}

fn from(networks: &IpPolicy, anywhere: &str) -> Vec<String> {
    match networks {
        IpPolicy::Any => vec![anywhere.to_owned()],
        IpPolicy::Only(networks) => networks.iter().map(ToString::to_string).collect(),
    }
}

fn end(until: Until, now: Timestamp) -> Vec<String> {
    match until {
        Until::At(at) => vec![format!("{}, {}", time::exact(at), time::words(at, now))],
        Until::Kept | Until::Never => vec!["Never: it works until somebody revokes it".to_owned()],
    }
}

/// `1,000 requests an hour`.
pub(super) fn quota(quota: Quota) -> String {
    let (limit, seconds) = (grouped(quota.limit().into()), quota.window_seconds());
    let window = match seconds {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("in {} days", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("in {} hours", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("in {} minutes", seconds / 60),
        _ => format!("in {seconds} seconds"),
    };
    format!("{limit} requests {window}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_by_the_unit_that_its_window_is_made_of() {
        for (text, words) in [
            ("1000/3600", "1,000 requests an hour"),
            ("5/60", "5 requests a minute"),
            ("10/90", "10 requests in 90 seconds"),
            ("7/7200", "7 requests in 2 hours"),
            ("9/172800", "9 requests in 2 days"),
        ] {
            assert_eq!(quota(text.parse().unwrap()), words);
        }
    }
}
