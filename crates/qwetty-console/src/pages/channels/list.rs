use maud::{Markup, html};
use qwetty_authz::administration::CHANNELS_MANAGE;
use qwetty_storage::{Channel, Listing};

use super::{address, kind_label, may_change};
use crate::pages::directory::Directory;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{CHANNELS, EDIT_CHANNEL, NEW_CHANNEL, REMOVE_CHANNEL};
use crate::view::empty::empty;
use crate::view::icon::Icon;
use crate::view::pagination::pagination;
use crate::view::{button, time};
use crate::visit::Visit;

/// `GET /settings/channels`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let directory = Directory::read(&mut visit.query)?;
    let query = directory.query();
    let channels = visit.manager.channels(&visit.caller, Some(visit.organization), &query).await?;
    let content = html! {
        div.heading {
            h1 { "Channels" }
            @if visit.may(CHANNELS_MANAGE) { (button::link(NEW_CHANNEL, Icon::Plus, "Add channel")) }
        }
        p.lead { "A key can be limited to some of these channels." }
        @if channels.total == 0 && directory.search.is_none() {
            (no_channels(visit))
        } @else {
            (directory.form(CHANNELS, "Channels"))
            @if channels.total == 0 {
                (Directory::nothing_matches(CHANNELS, "No channel has this in its name or id."))
            } @else {
                (table(visit, &directory, &channels))
            }
        }
    };
    Ok(visit.page("Channels", &content))
}

fn no_channels(visit: &Visit<'_>) -> Markup {
    empty(
        "No channels yet",
        &html! {
            @if visit.may(CHANNELS_MANAGE) {
                p { "Add the channels that your organization speaks over, and then limit keys to them." }
                p { (button::link(NEW_CHANNEL, Icon::Plus, "Add the first channel")) }
            } @else {
                p { "Somebody whose key holds " code { (CHANNELS_MANAGE) } " can add one." }
            }
        },
    )
}

fn table(visit: &Visit<'_>, directory: &Directory, channels: &Listing<Channel>) -> Markup {
    let has_actions = channels.items.iter().any(|channel| may_change(visit, channel.id.as_str()));
    html! {
        @if !channels.items.is_empty() {
            table.cards role="table" {
                caption.visually-hidden { "Channels" }
                thead role="rowgroup" {
                    tr role="row" {
                        @for label in ["Name", "Id", "Type", "Created"] {
                            th role="columnheader" scope="col" { (label) }
                        }
                        @if has_actions { th role="columnheader" scope="col" { "Actions" } }
                    }
                }
                tbody role="rowgroup" {
                    @for channel in &channels.items { (row(visit, channel, has_actions)) }
                }
            }
        }
        (pagination(directory.paging, channels.items.len(), channels.total, |page| {
            directory.address_of_page(CHANNELS, page)
        }))
    }
}

fn row(visit: &Visit<'_>, channel: &Channel, has_actions: bool) -> Markup {
    let hidden_name = html! { span.visually-hidden { " " (channel.name) } };
    html! {
        tr role="row" {
            th.key role="rowheader" scope="row" { bdi.key-name { (channel.name) } }
            td role="cell" data-label="Id" { code.id { (channel.id) } }
            td role="cell" data-label="Type" { (kind_label(channel.kind)) }
            td role="cell" data-label="Created" { (time::relative(channel.created_at, visit.now)) }
            @if has_actions {
                td role="cell" data-label="Actions" {
                    @if may_change(visit, channel.id.as_str()) {
                        span.links {
                            a href=(address(EDIT_CHANNEL, &channel.id)) { "Edit" (hidden_name) }
                            a href=(address(REMOVE_CHANNEL, &channel.id)) { "Remove" (hidden_name) }
                        }
                    } @else {
                        span.faint { "not with your key" }
                    }
                }
            }
        }
    }
}
