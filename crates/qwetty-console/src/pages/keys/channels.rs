use qwetty_authz::ChannelId;
use qwetty_keys::OrganizationId;
use qwetty_storage::{Channel, DirectoryQuery, Order, Page};

use crate::refusal::Refusal;
use crate::visit::Visit;

/// Most channels that a form offers.
const MOST: u32 = 500;

/// An organization's channels, oldest first, for forms and for names.
#[derive(Debug)]
pub(super) struct KnownChannels {
    channels: Vec<Channel>,
    /// How many there are beside these.
    pub(super) unlisted: u64,
}

impl KnownChannels {
    pub(super) async fn of(visit: &Visit<'_>, organization: OrganizationId) -> Result<Self, Refusal> {
        let page = Page { offset: 0, limit: MOST };
        let query = DirectoryQuery { search: None, order: Order::Ascending, page };
        let listing = visit.manager.channels(&visit.caller, Some(organization), &query).await?;
        let listed = u64::try_from(listing.items.len()).unwrap_or(u64::MAX);
        Ok(Self { unlisted: listing.total.saturating_sub(listed), channels: listing.items })
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter()
    }

    /// What people call a channel; its id if it is not among these.
    pub(super) fn name(&self, id: &ChannelId) -> String {
        self.find(id.as_str()).map_or_else(|| id.to_string(), |channel| channel.name.to_string())
    }

    pub(super) fn find(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id.as_str() == id)
    }
}
