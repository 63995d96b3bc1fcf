//! Pages about keys.

mod abilities;
mod channels;
pub(crate) mod create;
pub(crate) mod delete;
mod draft;
pub(crate) mod edit;
mod excesses;
mod faults;
mod filter;
mod form;
mod judged;
pub(crate) mod list;
mod offers;
mod once;
pub(crate) mod reactivate;
pub(crate) mod regenerate;
pub(crate) mod revoke;
pub(crate) mod show;
mod usage;
mod value;

use qwetty::{KeyView, Wanted};
use qwetty_authz::{ChannelScope, PermissionSet};
use qwetty_keys::KeyId;

use self::judged::Until;
use crate::refusal::Refusal;
use crate::route::HOME;
use crate::visit::Visit;

/// The page of a key.
fn path(id: KeyId) -> String {
    format!("{HOME}/{id}")
}

/// The key in the path, if it is one of the organization that is shown. An id that is none is like one that no key has.
async fn find(visit: &Visit<'_>) -> Result<KeyView, Refusal> {
    let id = visit.id.as_deref().and_then(|id| id.parse().ok()).ok_or_else(Refusal::not_found)?;
    let key = visit.manager.get(&visit.caller, id).await?;
    if key.record.organization == visit.organization { Ok(key) } else { Err(Refusal::not_found()) }
}

/// What is to be asked of the engine, since only it knows what there is.
fn wanted(
    permissions: Option<&PermissionSet>,
    channels: Option<&ChannelScope>,
    until: Option<Until>,
) -> Wanted {
    let channels = match channels {
        Some(ChannelScope::Only(channels)) => channels.iter().cloned().enumerate().collect(),
        Some(ChannelScope::All) | None => Vec::new(),
    };
    let expires_at = match until {
        Some(Until::At(at)) => Some(at),
        Some(Until::Kept | Until::Never) | None => None,
    };
    let permissions = permissions.map(|set| set.iter().cloned().enumerate().collect()).unwrap_or_default();
    Wanted { permissions, channels, expires_at }
}
