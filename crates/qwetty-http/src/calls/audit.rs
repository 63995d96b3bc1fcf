use qwetty::EventList;
use qwetty_authz::ChannelId;
use qwetty_guard::Problem;
use qwetty_keys::KeyId;
use qwetty_storage::{Action, AuditEvent, Listing};

use super::keys::{named, organization_in};
use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::wire::{ActorObject, ChangeObject, EventObject, Text};

/// `GET /audit-events`
pub(crate) async fn list(api: &Api, mut admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let query = &mut admitted.query;
    let paging = query.paging()?;
    let list = EventList {
        organization: organization_in(query)?,
        key: query.parsed::<KeyId>("keyId", "the id of a key")?,
        action: query.choice("action", &named(Action::ALL, Action::as_str))?,
        page: paging.page_of_store(),
    };
    admitted.query.finish()?;
    let Listing { items, total } = api.manager.events(&caller, list).await?;
    let objects = items.iter().map(object).collect();
    Ok(respond::page(Listing { items: objects, total }, paging)?.into())
}

fn object(event: &AuditEvent) -> EventObject<'_> {
    EventObject {
        id: Text(event.id),
        at: Text(event.at),
        action: event.action.as_str(),
        actor: event
            .actor
            .as_ref()
            .map(|actor| ActorObject { key_id: Text(actor.key), name: actor.name.as_str() }),
        organization_id: Text(event.organization),
        key_id: event.key.map(Text),
        channel_id: event.channel.as_ref().map(ChannelId::as_str),
        address: event.address.map(Text),
        request_id: event.request_id.as_deref(),
        changes: event
            .changes
            .iter()
            .map(|(field, change)| (field.as_str(), ChangeObject { from: &change.from, to: &change.to }))
            .collect(),
    }
}
