use maud::{Markup, html};
use qwetty_authz::{ChannelScope, IpPolicy};
use qwetty_keys::Timestamp;
use qwetty_ratelimit::Tier;
use qwetty_storage::Channel;

use super::abilities::{Abilities, FormWords, quota};
use super::channels::KnownChannels;
use super::draft::{Draft, Expiry, PRESETS, Reach};
use super::judged::{DAY, Until};
use crate::pages::faults::Faults;
use crate::view::field::{Choice, Field, Kind, Picks, boxes};
use crate::view::time;
use crate::visit::Visit;

/// The fields of a key, for one that is to be made and for one that is to be changed. What the visitor's key lacks is not
/// offered.
pub(super) struct KeyForm<'a> {
    pub(super) visit: &'a Visit<'a>,
    pub(super) draft: &'a Draft,
    pub(super) faults: &'a Faults,
    pub(super) channels: &'a KnownChannels,
    pub(super) abilities: &'a Abilities,
    /// For a key that exists, when it ends so far; `Some(None)` for never.
    pub(super) kept: Option<Option<Timestamp>>,
    /// Whether somebody asked to see what the key will be able to do.
    pub(super) is_review: bool,
}

impl KeyForm<'_> {
    pub(super) fn fields(&self) -> Markup {
        html! {
            section.card { (self.names()) }
            section.card { (self.permissions()) }
            section.card { (self.reach()) }
            section.card { (self.whitelist()) }
            section.card { (self.expiry()) (self.tier()) }
            section.card.summary data-script[!self.is_told()] hidden[!self.is_told()] {
                h2 #summary tabindex="-1" autofocus[self.is_review] { "What this key will be able to do" }
                (self.abilities.live_list(&self.words()))
            }
        }
    }

    /// Without a script, the summary is of what was sent last, so it is shown only then.
    fn is_told(&self) -> bool {
        self.is_review || !self.faults.is_empty()
    }

    fn words(&self) -> FormWords {
        let visit = self.visit;
        let mine = visit.key.expires_at();
        let until = |at: Option<Timestamp>| at.map_or(Until::Never, Until::At);
        let comes_to = |expiry| match expiry {
            Expiry::Kept => self.kept.map(until),
            Expiry::Mine => Some(until(mine)),
            Expiry::Days(days) => Some(Until::At(visit.now.saturating_add(DAY * u32::from(days)))),
            Expiry::Never => Some(Until::Never),
            Expiry::Date => None,
        };
        let expiries = self.offered_expiries().map(|(expiry, _)| (expiry, comes_to(expiry))).collect();
        let tiers = [Tier::Standard, Tier::Admin].map(|tier| (tier, visit.engine.quotas().get(tier)));
        FormWords::new(visit.key.access().networks == IpPolicy::Any, expiries, tiers.into(), visit.now)
    }

    fn names(&self) -> Markup {
        let (name, description) = (self.faults.of("name"), self.faults.of("description"));
        let name = Field {
            hint: Some("What uses it, such as “CRM integration”. Up to 100 characters."),
            errors: &name,
            is_required: true,
            ..Field::new("name", "Name")
        };
        let description =
            Field { errors: &description, ..Field::new("description", "Description (optional)") };
        html! { (name.line(Kind::Text, &self.draft.name)) (description.lines(2, &self.draft.description)) }
    }

    fn permissions(&self) -> Markup {
        let errors = self.faults.of("permissions");
        let field = Field {
            hint: Some("Choose what the program needs and nothing more."),
            errors: &errors,
            ..Field::new("permissions", "Permissions")
        };
        let offered: Vec<Offer> = self.offered_permissions().collect();
        let of = |is_administration: bool| -> Vec<Choice<'_>> {
            offered
                .iter()
                .filter(|offer| offer.is_administration == is_administration)
                .map(Offer::choice)
                .collect()
        };
        let (service, administration) = (of(false), of(true));
        field.group(&html! {
            @if !service.is_empty() {
                div #service-permissions { (boxes("permissions", Picks::Any, &service)) }
                button.quiet.small type="button" data-select-all="service-permissions" data-script hidden {
                    "Select all or none"
                }
            }
            @if !administration.is_empty() {
                h2.boxes-head { "Administration of API keys" }
                (boxes("permissions", Picks::Any, &administration))
            }
        })
    }

    fn offered_permissions(&self) -> impl Iterator<Item = Offer> {
        let entries = self.visit.catalogue().entries().map(|entry| {
            let name = entry.permission().as_str();
            (name, entry.label(), entry.is_administration())
        });
        let is_known = |name: &str| self.visit.catalogue().contains(name);
        // What has left the catalogue since it was granted.
        let others = self.draft.permissions.iter().map(String::as_str).filter(move |name| !is_known(name));
        entries.chain(others.map(|name| (name, name, false))).filter_map(
            |(name, label, is_administration)| {
                let is_chosen = self.draft.permissions.iter().any(|chosen| chosen == name);
                let is_held = self.visit.may(name);
                (is_held || is_chosen).then(|| Offer {
                    name: name.to_owned(),
                    label: label.to_owned(),
                    hint: if is_held {
                        name.to_owned()
                    } else {
                        format!("{name}: your own key does not hold it")
                    },
                    is_administration,
                    is_chosen,
                })
            },
        )
    }

    fn reach(&self) -> Markup {
        let errors = self.faults.of("channels");
        let field = Field {
            hint: Some("The channels that the key may be used on."),
            errors: &errors,
            ..Field::new("channels", "Channels")
        };
        let mine = &self.visit.key.access().channels;
        let is_free = *mine == ChannelScope::All;
        let offered: Vec<Offer> = self.offered_channels(mine).collect();
        let channels: Vec<Choice<'_>> = offered.iter().map(Offer::choice).collect();
        let every = Choice {
            value: Reach::Every.as_str(),
            label: "Every channel",
            hint: Some("Those that are added later, too."),
            is_chosen: self.draft.reach == Some(Reach::Every),
        };
        let ticked = Choice {
            value: Reach::Ticked.as_str(),
            label: "Only these channels",
            hint: channels.is_empty().then_some("There is none yet."),
            is_chosen: self.draft.reach == Some(Reach::Ticked),
        };
        // For a key that has every channel so far, whoever may not grant that must see what is chosen.
        let reaches = if is_free || every.is_chosen { vec![every, ticked] } else { vec![ticked] };
        field.group(&html! {
            (boxes("reach", Picks::One, &reaches))
            div.nested data-belongs-to="reach" data-value=(Reach::Ticked.as_str()) {
                (boxes("channels", Picks::Any, &channels))
                @if self.channels.unlisted > 0 {
                    p.hint { "The organization has " (self.channels.unlisted) " more; grant those through the API." }
                }
            }
        })
    }

    fn offered_channels<'a>(&'a self, mine: &'a ChannelScope) -> impl Iterator<Item = Offer> + 'a {
        let chosen = &self.draft.channels;
        let mut listed: Vec<Offer> = self
            .channels
            .listed()
            .filter(|channel| {
                mine.allows(channel.id.as_str()) || chosen.iter().any(|id| id == channel.id.as_str())
            })
            .map(|channel| offer_of(channel, mine, chosen))
            .collect();
        // A key stays scoped to a channel that was deleted.
        let gone = chosen.iter().filter(|id| self.channels.find(id).is_none());
        listed.extend(gone.map(|id| Offer {
            name: id.clone(),
            label: id.clone(),
            hint: "not in the list of channels; it may be deleted".to_owned(),
            is_administration: false,
            is_chosen: true,
        }));
        listed.into_iter()
    }

    fn whitelist(&self) -> Markup {
        let errors = self.faults.of("whitelist");
        let mut hint = "One address or network a line, such as 203.0.113.7 or 2001:db8::/32. \
                        Left empty, the key may be used from every address."
            .to_owned();
        if let IpPolicy::Only(networks) = &self.visit.key.access().networks {
            let mine: Vec<String> = networks.iter().map(ToString::to_string).collect();
            hint =
                format!("One address or network a line, within those of your own key: {}.", mine.join(", "));
        }
        let field = Field { hint: Some(&hint), errors: &errors, ..Field::new("whitelist", "IP whitelist") };
        html! {
            (field.lines(4, &self.draft.whitelist))
            @if let Some(address) = self.visit.address {
                p.hint.beside {
                    span { "Your address is " code { (address) } "." }
                    button.quiet.small type="button" data-append=(address) data-to="whitelist" data-script hidden {
                        "Use my address"
                    }
                }
            }
        }
    }

    fn expiry(&self) -> Markup {
        let errors = self.faults.of("expiry");
        let field = Field { errors: &errors, ..Field::new("expiry", "Expiration") };
        let is_dated = self.draft.expiry == Some(Expiry::Date) || !self.draft.date.is_empty();
        let is_of_date = is_dated && !errors.is_empty();
        let offered: Vec<(String, String)> =
            self.offered_expiries().map(|(expiry, label)| (expiry.value(), label)).collect();
        let chosen = self.draft.expiry.map(Expiry::value);
        let choices: Vec<Choice<'_>> = offered
            .iter()
            .map(|(value, label)| Choice {
                value,
                label,
                hint: (*value == Expiry::Never.value()).then_some(NEVER),
                is_chosen: chosen.as_ref() == Some(value),
            })
            .collect();
        field.group(&html! {
            (boxes("expiry", Picks::One, &choices))
            div.nested data-belongs-to="expiry" data-value=(Expiry::Date.value()) {
                (Field {
                    hint: Some("The key works on the whole of this day, in UTC."),
                    faulty_with: is_of_date.then_some("expiry"),
                    ..Field::new("date", "Day")
                }.line(Kind::Date, &self.draft.date))
            }
        })
    }

    fn offered_expiries(&self) -> impl Iterator<Item = (Expiry, String)> {
        let now = self.visit.now;
        let mine = self.visit.key.expires_at();
        let kept = self.kept.map(|at| {
            let label =
                at.map_or("As it is: never".to_owned(), |at| format!("As it is: {}", time::exact(at)));
            (Expiry::Kept, label)
        });
        let presets = PRESETS.into_iter().filter_map(move |days| {
            let at = now.saturating_add(DAY * u32::from(days));
            let length = if days == 365 { "a year".to_owned() } else { format!("{days} days") };
            let label = format!("In {length}, on {}", time::day(at));
            mine.is_none_or(|mine| at <= mine).then_some((Expiry::Days(days), label))
        });
        let as_mine = mine.map(|at| (Expiry::Mine, format!("With your own key: {}", time::exact(at))));
        let date = (Expiry::Date, "At the end of a day".to_owned());
        let never = mine.is_none().then(|| (Expiry::Never, "Never".to_owned()));
        kept.into_iter().chain(presets).chain(as_mine).chain(never).chain([date])
    }

    fn tier(&self) -> Markup {
        let mine = self.visit.key.tier();
        let chosen = self.draft.tier.unwrap_or_default();
        let offered: Vec<(Tier, String)> = [(Tier::Standard, "Standard"), (Tier::Admin, "Admin")]
            .into_iter()
            .filter(|(tier, _)| *tier <= mine || *tier == chosen)
            .map(|(tier, name)| (tier, format!("{name}: {}", quota(self.visit.engine.quotas().get(tier)))))
            .collect();
        let choices: Vec<Choice<'_>> = offered
            .iter()
            .map(|(tier, label)| Choice {
                value: tier.as_str(),
                label,
                hint: None,
                is_chosen: *tier == chosen,
            })
            .collect();
        let errors = self.faults.of("tier");
        html! {
            @if choices.len() > 1 || !errors.is_empty() {
                (Field { errors: &errors, ..Field::new("tier", "Tier") }.select(&choices))
            }
        }
    }
}

const NEVER: &str =
    "A key that never expires works until somebody revokes it: if it leaks, for whoever finds it, too.";

/// One box that can be ticked.
struct Offer {
    name: String,
    label: String,
    hint: String,
    is_administration: bool,
    is_chosen: bool,
}

impl Offer {
    fn choice(&self) -> Choice<'_> {
        Choice { value: &self.name, label: &self.label, hint: Some(&self.hint), is_chosen: self.is_chosen }
    }
}

fn offer_of(channel: &Channel, mine: &ChannelScope, chosen: &[String]) -> Offer {
    let id = channel.id.to_string();
    let hint =
        if mine.allows(&id) { id.clone() } else { format!("{id}: your own key may not be used on it") };
    Offer {
        label: channel.name.to_string(),
        hint,
        is_administration: false,
        is_chosen: chosen.contains(&id),
        name: id,
    }
}
