use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use qwetty::{IssuedKey, KeyList, KeyManager, KeyPatch, KeyView, NewKey, Wanted};
use qwetty_authz::{
    ChannelId, ChannelScope, Channels, IpPolicy, Network, Networks, Permission, PermissionSet,
};
use qwetty_guard::Problem;
use qwetty_keys::{KeyId, OrganizationId, Status, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::{KeySort, Listing, Search};

use super::respond;
use super::view::key_object;
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Field, Fields, Place, list as items, text};
use crate::json::Json;
use crate::query::Query;
use crate::wire::KeyObject;

/// `POST /api-keys`
pub(crate) async fn create<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let json = admitted.require_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let organization = fields.nullable("organizationId", text).value();
    let whose = api.manager.organization_for(&caller, organization).await?;
    let name = fields.required("name", text);
    let description = fields.nullable("description", text).value();
    let permissions = fields.required("permissions", items(entry));
    let restrictions = Restrictions::read(&mut fields);
    let expires_at = fields.nullable("expiresAt", text).value();
    let tier = fields.nullable("tier", text).value().unwrap_or_default();
    let permissions = judge(&api.manager, whose, &mut fields, permissions, &restrictions, expires_at).await?;
    let Restrictions { channels, networks, .. } = restrictions;
    let new = fields.finish(|| {
        Some(NewKey {
            organization,
            name: name?,
            description,
            permissions: permissions?,
            channels: channels.value().unwrap_or(ChannelScope::All),
            networks: networks.value().unwrap_or(IpPolicy::Any),
            expires_at,
            tier,
        })
    })?;
    let issued = api.manager.create(&caller, new).await?;
    let location = format!("/api/v1/api-keys/{}", issued.key.record.id);
    Ok(respond::created(&location, issued_object(&issued))?.into())
}

/// `GET /api-keys`
pub(crate) async fn list(api: &Api, mut admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let query = &mut admitted.query;
    let paging = query.paging()?;
    let list = KeyList {
        organization: organization_in(query)?,
        search: query.text("search").as_deref().and_then(Search::new),
        status: query.choice("status", &named(STATUSES, Status::as_str))?,
        sort: query.choice("sort", &named(KeySort::ALL, KeySort::as_str))?.unwrap_or_default(),
        order: query.order()?,
        page: paging.page_of_store(),
    };
    admitted.query.finish()?;
    let Listing { items, total } = api.manager.list(&caller, list).await?;
    let objects = items.iter().map(|view| key_object(view, None)).collect();
    Ok(respond::page(Listing { items: objects, total }, paging)?.into())
}

/// `GET /api-keys/{id}`
pub(crate) async fn get(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let id: KeyId = admitted.id()?;
    admitted.query.finish()?;
    one(&api.manager.get(&caller, id).await?)
}

/// `GET /me`
pub(crate) async fn me(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, key) = admitted.caller()?;
    let id = key.id();
    admitted.query.finish()?;
    one(&api.manager.get(&caller, id).await?)
}

/// `PATCH /api-keys/{id}`
pub(crate) async fn update<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let id: KeyId = admitted.id()?;
    let json = admitted.require_json(api, body).await?;
    let (caller, _) = admitted.caller()?;
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let whose = api.manager.organization_of(&caller, id).await?;
    let name = fields.optional("name", text);
    let description = fields.nullable("description", text);
    let permissions = fields.optional("permissions", items(entry));
    let restrictions = Restrictions::read(&mut fields);
    let expires_at = fields.nullable("expiresAt", text);
    let tier = fields.optional("tier", text::<Tier>);
    let wanted_expiry = match &expires_at {
        Field::Value(at) => Some(*at),
        Field::Absent | Field::Null => None,
    };
    let permissions =
        judge(&api.manager, whose, &mut fields, permissions, &restrictions, wanted_expiry).await?;
    let Restrictions { channels, networks, .. } = restrictions;
    let patch = fields.finish(|| {
        Some(KeyPatch {
            name,
            description: description.change(),
            permissions,
            channels: channels.change().map(|set| set.unwrap_or(ChannelScope::All)),
            networks: networks.change().map(|set| set.unwrap_or(IpPolicy::Any)),
            expires_at: expires_at.change(),
            tier,
        })
    })?;
    one(&api.manager.update(&caller, id, patch).await?)
}

/// `DELETE /api-keys/{id}`
pub(crate) async fn delete(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    let (caller, _) = admitted.caller()?;
    let id: KeyId = admitted.id()?;
    admitted.query.finish()?;
    api.manager.delete(&caller, id).await?;
    Ok(respond::nothing().into())
}

pub(super) fn one(view: &KeyView) -> Result<Answered, Problem> {
    Ok(respond::object(StatusCode::OK, key_object(view, None))?.into())
}

/// The one kind of answer that holds a key value.
pub(super) fn issued_object(issued: &IssuedKey) -> KeyObject<'_> {
    key_object(&issued.key, Some(issued.value.expose()))
}

/// The fields that restrict a key, each an absent, open or closed one. Of the channels, also the readable ids as sent.
struct Restrictions {
    channels: Field<ChannelScope>,
    named: Vec<(usize, ChannelId)>,
    networks: Field<IpPolicy>,
}

impl Restrictions {
    fn read(fields: &mut Fields) -> Self {
        let mut named = Vec::new();
        let channels = fields.nullable("channelScopes", |json, place| {
            let ids = items(entry::<ChannelId>)(json, place)?;
            named = readable(&ids);
            let ids = ids.into_iter().collect::<Option<Vec<_>>>()?;
            Channels::try_from(ids).map(ChannelScope::Only).map_err(|error| place.fault(error)).ok()
        });
        let networks = fields.nullable("ipWhitelist", |json, place| {
            let networks = items(text::<Network>)(json, place)?;
            Networks::try_from(networks).map(IpPolicy::Only).map_err(|error| place.fault(error)).ok()
        });
        Self { channels, named, networks }
    }
}

/// Reads an entry of a list whose other entries are judged even if this one is faulty.
fn entry<T>(json: Json, place: &mut Place<'_>) -> Option<Option<T>>
where
    T: FromStr,
    T::Err: Display,
{
    Some(text(json, place))
}

/// The entries without a fault, each with its position.
fn readable<T: Clone>(entries: &[Option<T>]) -> Vec<(usize, T)> {
    entries.iter().enumerate().filter_map(|(index, entry)| Some((index, entry.clone()?))).collect()
}

/// Adds the faults that only the engine can see to those that are known, and makes a set of the permissions.
async fn judge(
    manager: &KeyManager,
    organization: OrganizationId,
    fields: &mut Fields,
    permissions: Option<Vec<Option<Permission>>>,
    restrictions: &Restrictions,
    expires_at: Option<Timestamp>,
) -> Result<Option<PermissionSet>, Problem> {
    let wanted = Wanted {
        permissions: permissions.as_deref().map(readable).unwrap_or_default(),
        channels: restrictions.named.clone(),
        expires_at,
    };
    let faults = manager.faults(organization, &wanted).await.map_err(qwetty::ManageError::from)?;
    for fault in faults {
        fields.fault(fault.field, fault.message);
    }
    let Some(permissions) = permissions else { return Ok(None) };
    if permissions.is_empty() {
        fields.fault("permissions", "must name at least one permission");
    }
    Ok(PermissionSet::from_permissions(permissions.into_iter().flatten()))
}

pub(crate) const STATUSES: [Status; 4] =
    [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked];

pub(super) fn named<T: Copy, const N: usize>(
    choices: [T; N],
    name: fn(T) -> &'static str,
) -> [(&'static str, T); N] {
    choices.map(|choice| (name(choice), choice))
}

pub(super) fn organization_in(query: &mut Query) -> Result<Option<OrganizationId>, Problem> {
    Ok(query.parsed("organizationId", "the id of an organization")?)
}
