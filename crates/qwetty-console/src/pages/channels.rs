//! Pages about an organization's channels. A key scoped to channels changes those alone, and sees them all.

mod edit;
mod list;
mod remove;

pub(crate) use edit::{add, change, form as edit, new};
pub(crate) use list::show;
pub(crate) use remove::{ask as ask_to_remove, remove};

use qwetty_authz::administration::CHANNELS_MANAGE;
use qwetty_authz::{ChannelId, ChannelScope};
use qwetty_storage::{Channel, ChannelKind, DirectoryQuery, Order, Page, Search};

use crate::fields::{Fields, FieldsError};
use crate::refusal::Refusal;
use crate::visit::Visit;

const fn kind_label(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Whatsapp => "WhatsApp",
        ChannelKind::Instagram => "Instagram",
        ChannelKind::WebChat => "Web chat",
    }
}

/// Whether the engine would let the visitor change or remove this channel.
fn may_change(visit: &Visit<'_>, channel: &str) -> bool {
    visit.may(CHANNELS_MANAGE)
        && match &visit.key.access().channels {
            ChannelScope::All => true,
            ChannelScope::Only(channels) => {
                visit.key.organization() == visit.organization && channels.contains(channel)
            }
        }
}

/// Where something is done to a channel. Its id is a parameter: as a part of the path, `..` would lead elsewhere.
fn address(path: &str, channel: &ChannelId) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("channel", channel.as_str()).finish();
    format!("{path}?{query}")
}

/// The channel that a form or an address names. An id that is none is like one that no channel has.
async fn named(visit: &Visit<'_>, fields: &mut Fields) -> Result<Channel, Refusal> {
    let id = fields.one("channel")?.ok_or(FieldsError::Value("channel"))?;
    let id = id.parse().map_err(|_| Refusal::not_found())?;
    find(visit, &id).await?.ok_or_else(Refusal::not_found)
}

/// The channel with this id, among those that have it in their name or id.
async fn find(visit: &Visit<'_>, id: &ChannelId) -> Result<Option<Channel>, Refusal> {
    const STEP: u32 = 100;
    let mut offset = 0;
    loop {
        let page = Page { offset, limit: STEP };
        let query = DirectoryQuery { search: Search::new(id.as_str()), order: Order::Ascending, page };
        let found = visit.manager.channels(&visit.caller, Some(visit.organization), &query).await?;
        if let Some(channel) = found.items.into_iter().find(|channel| channel.id == *id) {
            return Ok(Some(channel));
        }
        offset += u64::from(STEP);
        if offset >= found.total {
            return Ok(None);
        }
    }
}
