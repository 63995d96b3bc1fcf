use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use qwetty_authz::ChannelId;
use qwetty_guard::Problem;
use qwetty_storage::{Channel, ChannelKind, DirectoryQuery, Listing, Search};

use super::keys::organization_in;
use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Fields, text};
use crate::wire::{ChannelObject, Text};

/// `PUT /channels/{id}`
pub(crate) async fn save<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let organization = organization_in(&mut admitted.query)?;
    let json = admitted.require_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(Some(json));
    let id = admitted.id.take().unwrap_or_default().parse::<ChannelId>();
    admitted.query.finish()?;
    if let Err(error) = &id {
        fields.fault("id", error);
    }
    let name = fields.required("name", text);
    let kind = fields.required("type", text::<ChannelKind>);
    let (id, name, kind) = fields.finish(|| Some((id.ok()?, name?, kind?)))?;
    let channel = api.manager.save_channel(&caller, organization, &id, name, kind).await?;
    Ok(respond::object(StatusCode::OK, channel_object(&channel))?.into())
}

/// `GET /channels`
pub(crate) async fn list(api: &Api, mut admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let query = &mut admitted.query;
    let paging = query.paging()?;
    let organization = organization_in(query)?;
    let directory = DirectoryQuery {
        search: query.text("search").as_deref().and_then(Search::new),
        order: query.order()?,
        page: paging.page_of_store(),
    };
    admitted.query.finish()?;
    let Listing { items, total } = api.manager.channels(&caller, organization, &directory).await?;
    let objects = items.iter().map(channel_object).collect();
    Ok(respond::page(Listing { items: objects, total }, paging)?.into())
}

/// `DELETE /channels/{id}`
pub(crate) async fn delete(api: &Api, mut admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let organization = organization_in(&mut admitted.query)?;
    let id: ChannelId = admitted.id()?;
    admitted.query.finish()?;
    api.manager.delete_channel(&caller, organization, &id).await?;
    Ok(respond::nothing().into())
}

fn channel_object(channel: &Channel) -> ChannelObject<'_> {
    ChannelObject {
        id: channel.id.as_str(),
        organization_id: Text(channel.organization),
        name: channel.name.as_str(),
        kind: channel.kind.as_str(),
        created_at: Text(channel.created_at),
        updated_at: Text(channel.updated_at),
    }
}
