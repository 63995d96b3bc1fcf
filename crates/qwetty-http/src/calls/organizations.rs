use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use qwetty_guard::Problem;
use qwetty_keys::{Name, OrganizationId};
use qwetty_storage::{DirectoryQuery, Listing, Organization, Search};

use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Fields, text};
use crate::wire::{OrganizationObject, Text};

/// `POST /organizations`
pub(crate) async fn create<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let json = admitted.require_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let name: Option<Name> = fields.required("name", text);
    let name = fields.finish(|| name)?;
    let organization = api.manager.create_organization(&caller, name).await?;
    let location = format!("/api/v1/organizations/{}", organization.id);
    Ok(respond::created(&location, object(&organization))?.into())
}

/// `GET /organizations`
pub(crate) async fn list(api: &Api, mut admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let query = &mut admitted.query;
    let paging = query.paging()?;
    let directory = DirectoryQuery {
        search: query.text("search").as_deref().and_then(Search::new),
        order: query.order()?,
        page: paging.page_of_store(),
    };
    admitted.query.finish()?;
    let Listing { items, total } = api.manager.organizations(&caller, &directory).await?;
    let objects = items.iter().map(object).collect();
    Ok(respond::page(Listing { items: objects, total }, paging)?.into())
}

/// `GET /organizations/{id}`
pub(crate) async fn get(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let id: OrganizationId = admitted.id()?;
    admitted.query.finish()?;
    one(&api.manager.organization(&caller, id).await?)
}

/// `PATCH /organizations/{id}`
pub(crate) async fn update<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let id: OrganizationId = admitted.id()?;
    let json = admitted.require_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let name: Option<Name> = fields.optional("name", text);
    let name = fields.finish(|| Some(name))?;
    match name {
        Some(name) => one(&api.manager.rename_organization(&caller, id, name).await?),
        None => one(&api.manager.organization(&caller, id).await?),
    }
}

/// `DELETE /organizations/{id}`
pub(crate) async fn delete(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let id: OrganizationId = admitted.id()?;
    admitted.query.finish()?;
    api.manager.delete_organization(&caller, id).await?;
    Ok(respond::nothing().into())
}

fn one(organization: &Organization) -> Result<Answered, Problem> {
    Ok(respond::object(StatusCode::OK, object(organization))?.into())
}

fn object(organization: &Organization) -> OrganizationObject<'_> {
    OrganizationObject {
        id: Text(organization.id),
        name: organization.name.as_str(),
        created_at: Text(organization.created_at),
        updated_at: Text(organization.updated_at),
    }
}
