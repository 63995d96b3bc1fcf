use maud::{Markup, html};
use qwetty::{KeyList, KeyView};
use qwetty_authz::administration::API_KEYS_MANAGE;
use qwetty_authz::{Catalogue, ChannelScope, PermissionGrant};
use qwetty_keys::{OrganizationId, Status};
use qwetty_storage::{KeySort, Listing, Order, Page, Search};

use super::abilities::labels;
use super::filter::Filter;
use crate::notice::Tone;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{HOME, NEW_KEY};
use crate::view::empty::empty;
use crate::view::icon::Icon;
use crate::view::pagination::{grouped, pagination};
use crate::view::{banner, button, status, time};
use crate::visit::Visit;

/// How many of a key's permissions or channels its row names.
const NAMED: usize = 2;

/// `GET /settings/api-keys`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let filter = Filter::read(&mut visit.query)?;
    visit.query.finish()?;
    let list = KeyList {
        organization: Some(visit.organization),
        search: filter.search.as_deref().and_then(Search::new),
        status: filter.status,
        sort: filter.sort,
        order: filter.order,
        page: filter.paging.page_of_store(),
    };
    let keys = visit.manager.list(&visit.caller, list).await?;
    let expiring = visit.manager.list(&visit.caller, expiring_soon(visit.organization)).await?;
    let content = html! {
        div.heading {
            h1 { "API keys" }
            @if visit.may(API_KEYS_MANAGE) { (button::link(NEW_KEY, Icon::Plus, "Create key")) }
        }
        p.lead { "Give each program that acts for your organization a key of its own." }
        (expiry_banner(&expiring, visit))
        @if keys.total == 0 && !filter.is_narrow() {
            (no_keys(visit))
        } @else {
            (filter.form())
            @if keys.total == 0 { (nothing_matches(&filter)) } @else { (table(visit, &filter, &keys)) }
        }
    };
    Ok(visit.page("API keys", &content))
}

/// The keys that expire within seven days, the first of them first.
fn expiring_soon(organization: OrganizationId) -> KeyList {
    KeyList {
        organization: Some(organization),
        search: None,
        status: Some(Status::ExpiringSoon),
        sort: KeySort::ExpiresAt,
        order: Order::Ascending,
        page: Page { offset: 0, limit: 3 },
    }
}

fn expiry_banner(expiring: &Listing<KeyView>, visit: &Visit<'_>) -> Markup {
    let named = u64::try_from(expiring.items.len()).unwrap_or(u64::MAX);
    html! {
        @if expiring.total > 0 {
            (banner::banner(Tone::Warning, &html! {
                p {
                    strong {
                        @if expiring.total == 1 { "1 key expires" }
                        @else { (grouped(expiring.total)) " keys expire" }
                        " within 7 days."
                    }
                    " Programs that still use them will be refused."
                }
                ul {
                    @for key in &expiring.items {
                        li { (link(key)) " " @if let Some(at) = key.record.lifecycle.expires_at() {
                            span.faint { (time::relative(at, visit.now)) }
                        } }
                    }
                }
                @if expiring.total > named {
                    p { a href={ (HOME) "?status=" (Status::ExpiringSoon) "&sort=expiresAt&order=asc" } {
                        "Show all " (grouped(expiring.total))
                    } }
                }
            }))
        }
    }
}

fn no_keys(visit: &Visit<'_>) -> Markup {
    empty(
        "No keys yet",
        &html! {
            @if visit.may(API_KEYS_MANAGE) {
                p { "Create the first one, hand it to a program, and see here what the program does with it." }
                p { (button::link(NEW_KEY, Icon::Plus, "Create the first key")) }
            } @else {
                p { "Somebody whose key holds " code { (API_KEYS_MANAGE) } " can create one." }
            }
            p { "A program sends its key with every request:" }
            pre tabindex="0" { code { (curl(&visit.base)) } }
        },
    )
}

fn curl(base: &str) -> String {
    format!("curl {base}/api/v1/me \\\n  -H \"Authorization: Bearer $QWETTY_API_KEY\"")
}

fn nothing_matches(filter: &Filter) -> Markup {
    let told = match (&filter.search, filter.status) {
        (_, None) => "No key has this text in its name, description or start.".to_owned(),
        (None, Some(status)) => format!("No key has the status “{}”.", status::label(status)),
        (Some(_), Some(status)) => format!(
            "No key with the status “{}” has this text in its name, description or start.",
            status::label(status)
        ),
    };
    empty(
        "Nothing matches",
        &html! {
            p { (told) }
            p { a.button.quiet href=(HOME) { "Show all keys" } }
        },
    )
}

/// A table for wide windows, a card for each key in narrow ones. The roles stay in both: a browser takes a table that
/// is not laid out as one for none.
fn table(visit: &Visit<'_>, filter: &Filter, keys: &Listing<KeyView>) -> Markup {
    html! {
        @if !keys.items.is_empty() {
            table.cards role="table" {
                caption.visually-hidden { "API keys" }
                thead role="rowgroup" {
                    tr role="row" {
                        @for (sort, label) in [
                            (Some(KeySort::Name), "Name"),
                            (None, "Status"),
                            (None, "Permissions"),
                            (None, "Channels"),
                            (Some(KeySort::CreatedAt), "Created"),
                            (Some(KeySort::LastUsedAt), "Last used"),
                            (Some(KeySort::RequestCount), "Requests"),
                        ] {
                            (filter.column(sort, label))
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for key in &keys.items { (row(visit, key)) }
                }
            }
        }
        (pagination(filter.paging, keys.items.len(), keys.total, |page| filter.address_of_page(page)))
    }
}

fn row(visit: &Visit<'_>, key: &KeyView) -> Markup {
    let lifecycle = &key.record.lifecycle;
    html! {
        tr role="row" {
            th.key role="rowheader" scope="row" {
                (link(key))
                code.start { (lifecycle.current().start) "…" }
                @if key.record.id == visit.key.id() { span.faint { "the key you are signed in with" } }
            }
            td role="cell" data-label="Status" {
                (status::badge(key.status))
                @if let (Status::ExpiringSoon, Some(at)) = (key.status, lifecycle.expires_at()) {
                    span.faint.under { (time::relative(at, visit.now)) }
                }
            }
            td role="cell" data-label="Permissions" { (permissions(visit.catalogue(), key)) }
            td role="cell" data-label="Channels" { (channels(&key.record.access.channels)) }
            td role="cell" data-label="Created" { (time::relative(key.record.created_at, visit.now)) }
            td role="cell" data-label="Last used" {
                (time::relative_or(key.usage.last_used_at, visit.now, "never"))
            }
            td.number role="cell" data-label="Requests" { (grouped(key.usage.request_count)) }
        }
    }
}

fn link(key: &KeyView) -> Markup {
    html! { a.key-name href={ (HOME) "/" (key.record.id) } { bdi { (key.record.name) } } }
}

fn permissions(catalogue: &Catalogue, key: &KeyView) -> Markup {
    if key.record.access.permissions == PermissionGrant::All {
        return html! { "Everything" };
    }
    some_of(labels(catalogue, &key.permissions).iter().map(String::as_str))
}

fn channels(scope: &ChannelScope) -> Markup {
    match scope {
        ChannelScope::All => html! { "All" },
        ChannelScope::Only(channels) => some_of(channels.iter().map(qwetty_authz::ChannelId::as_str)),
    }
}

/// The first few, and how many there are beside them.
fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> Markup {
    let names: Vec<&str> = names.collect();
    let rest = names.len().saturating_sub(NAMED);
    html! {
        ul.inline {
            @for name in names.iter().take(NAMED) { li { bdi { (name) } } }
            @if rest > 0 { li.faint { "and " (rest) " more" } }
        }
    }
}
