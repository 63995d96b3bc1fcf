use maud::{Markup, html};
use qwetty::{EventList, KeyView, ManageError};
use qwetty_authz::administration::AUDIT_READ;
use qwetty_keys::{KeyId, Status, Timestamp};
use qwetty_storage::{AuditEvent, Listing, Page};

use super::abilities::Abilities;
use super::channels::KnownChannels;
use super::offers::Offers;
use super::usage::Usage;
use super::{find, path};
use crate::notice::Tone;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{AUDIT_LOG, HOME};
use crate::view::pagination::grouped;
use crate::view::{banner, event, status, time};
use crate::visit::Visit;

/// How much of a key's history its page tells.
const EVENTS: u32 = 10;

/// `GET /settings/api-keys/{id}`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let key = find(visit).await?;
    let channels = KnownChannels::of(visit, key.record.organization).await?;
    let usage = Usage::of(visit, &key).await?;
    let offers = Offers::of(visit, &key);
    let content = html! {
        p { a href=(HOME) { "API keys" } }
        div.heading.near {
            h1 { bdi { (key.record.name) } }
            (status::badge(key.status))
        }
        p.lead { code { (key.record.lifecycle.current().start) "…" }
            @if key.record.id == visit.key.id() { " · the key that you are signed in with" }
        }
        (actions(&key, &offers))
        (standing_banner(visit, &key))
        (overlap_banner(visit, &key))
        div.columns {
            div.stack {
                section.card aria-labelledby="abilities" {
                    h2 #abilities { "What it is able to do" }
                    (Abilities::of(&key, visit.catalogue(), &channels, visit.now).list())
                }
                (usage.quota())
            }
            (details(visit, &key).await?)
        }
        (usage.section())
        (history(visit, &key).await?)
    };
    Ok(visit.page(key.record.name.as_str(), &content))
}

/// What may be done, each on a page of its own.
fn actions(key: &KeyView, offers: &Offers) -> Markup {
    let offered = [
        (&offers.edit, "edit", "Edit", "button quiet"),
        (&offers.regenerate, "regenerate", "Regenerate", "button quiet"),
        (&offers.reactivate, "reactivate", "Reactivate", "button quiet"),
        (&offers.revoke, "revoke", "Revoke", "button danger"),
        (&offers.delete, "delete", "Delete", "button danger"),
    ];
    html! {
        @if offered.iter().any(|(offer, ..)| offer.is_ok()) {
            ul.actions aria-label="What can be done" {
                @for (offer, step, label, class) in offered {
                    @if offer.is_ok() { li { a class=(class) href={ (path(key.record.id)) "/" (step) } { (label) } } }
                }
            }
        }
    }
}

fn standing_banner(visit: &Visit<'_>, key: &KeyView) -> Markup {
    let expires_at = key.record.lifecycle.expires_at();
    html! {
        @match (key.status, key.record.lifecycle.revocation(), expires_at) {
            (Status::Revoked, Some(revocation), _) => (banner::banner(Tone::Bad, &html! {
                p { strong { "Revoked" } " " (time::relative(revocation.at, visit.now)) ". Every call with it is refused." }
                @if let Some(reason) = &revocation.reason { p.prose { "Reason: " bdi { (reason) } } }
                @if expires_at.is_some_and(|at| at <= key.at) {
                    p { "It has expired since, too: set a later expiration before you reactivate it." }
                }
            })),
            (Status::Expired, _, Some(at)) => (banner::banner(Tone::Bad, &html! {
                p {
                    strong { "Expired" } " " (time::relative(at, visit.now))
                    ". Every call with it is refused; a later expiration makes it usable again."
                }
            })),
            (Status::ExpiringSoon, _, Some(at)) => (banner::banner(Tone::Warning, &html! {
                p { strong { "Expires" } " " (time::relative(at, visit.now)) ", on " (time::exact(at)) "." }
            })),
            _ => {},
        }
    }
}

/// While two values work: which, until when, and whether somebody still uses the older one.
fn overlap_banner(visit: &Visit<'_>, key: &KeyView) -> Markup {
    let lifecycle = &key.record.lifecycle;
    html! {
        @if let Some(previous) = lifecycle.previous(key.at) {
            (banner::banner(Tone::Warning, &html! {
                p data-when-over="The overlap has ended: reload the page." {
                    strong { "Two values work" } " for another " (time::countdown(previous.ends_at, visit.now)) "."
                }
                ul {
                    li {
                        "The new one, " code { (lifecycle.current().start) "…" }
                        @if let Some(at) = lifecycle.regenerated_at() { ", made " (time::relative(at, visit.now)) }
                    }
                    li {
                        "The old one, " code { (previous.value.start) "…" } ", until " (time::exact(previous.ends_at)) ": "
                        @match key.previous_value_last_used_at() {
                            Some(at) => {
                                strong { "still in use" } ", last " (time::relative(at, visit.now))
                                ". Bring the new value to whoever sends it."
                            },
                            None => "nobody has used it since",
                        }
                    }
                }
            }))
        }
    }
}

async fn details(visit: &Visit<'_>, key: &KeyView) -> Result<Markup, Refusal> {
    let record = &key.record;
    let created_by = created_by(visit, record.created_by).await?;
    let regenerated_at = record.lifecycle.regenerated_at();
    Ok(html! {
        section.card aria-labelledby="details" {
            h2 #details { "Details" }
            @if let Some(description) = &record.description { p.prose { bdi { (description) } } }
            dl.facts {
                div { dt { "Id" } dd { code.id { (record.id) } } }
                div { dt { "Created" } dd { (time::relative(record.created_at, visit.now)) } }
                div { dt { "Created by" } dd { (created_by) } }
                div { dt { "Changed" } dd { (time::relative(record.updated_at, visit.now)) } }
                @if let Some(at) = regenerated_at {
                    div { dt { "Regenerated" } dd { (time::relative(at, visit.now)) } }
                }
                div { dt { "Expires" } dd { (expiration(record.lifecycle.expires_at(), visit.now)) } }
                div { dt { "Tier" } dd { (record.tier) } }
            }
        }
    })
}

fn expiration(at: Option<Timestamp>, now: Timestamp) -> Markup {
    time::relative_or(at, now, "never")
}

/// The key that made it: by its name, as far as the visitor may know of that one.
async fn created_by(visit: &Visit<'_>, id: Option<KeyId>) -> Result<Markup, Refusal> {
    let Some(id) = id else { return Ok(html! { "the owner of the server" }) };
    match visit.manager.get(&visit.caller, id).await {
        Ok(maker) if maker.record.organization == visit.organization => {
            Ok(html! { a href=(path(id)) { bdi { (maker.record.name) } } })
        }
        // Its page is there for those who see the organization that it is of.
        Ok(maker) => Ok(html! { bdi { (maker.record.name) } }),
        Err(ManageError::NotFound) => Ok(html! { code.id { (id) } }),
        Err(error) => Err(error.into()),
    }
}

async fn history(visit: &Visit<'_>, key: &KeyView) -> Result<Markup, Refusal> {
    let events = if visit.may(AUDIT_READ) { Some(last_events(visit, key).await?) } else { None };
    Ok(html! {
        section.card aria-labelledby="history" {
            h2 #history { "History" }
            @match &events {
                Some(events) => (timeline(visit, key, events)),
                None => p.faint { "Your key does not hold " code { (AUDIT_READ) } ", which reading the audit log needs." },
            }
        }
    })
}

async fn last_events(visit: &Visit<'_>, key: &KeyView) -> Result<Listing<AuditEvent>, Refusal> {
    let list = EventList {
        organization: Some(key.record.organization),
        key: Some(key.record.id),
        action: None,
        page: Page { offset: 0, limit: EVENTS },
    };
    Ok(visit.manager.events(&visit.caller, list).await?)
}

fn timeline(visit: &Visit<'_>, key: &KeyView, events: &Listing<AuditEvent>) -> Markup {
    let told = u64::try_from(events.items.len()).unwrap_or(u64::MAX);
    html! {
        ol.timeline {
            @for happened in &events.items {
                li {
                    p {
                        strong { (event::label(happened.action)) } " by " (event::actor(happened))
                        @if let Some(address) = happened.address { " from " code { (address) } }
                        ", " (time::relative(happened.at, visit.now))
                    }
                    (event::details(happened))
                }
            }
        }
        @if events.total > told {
            p { a href={ (AUDIT_LOG) "?keyId=" (key.record.id) } { "All " (grouped(events.total)) " events" } }
        }
    }
}
