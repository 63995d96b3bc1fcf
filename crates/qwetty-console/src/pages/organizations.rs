//! Pages about organizations, for operators.

mod list;
mod new;
mod one;

pub(crate) use list::{show, switch};
pub(crate) use new::{create, form as new};
pub(crate) use one::{delete, rename, show as one};

use qwetty_keys::OrganizationId;

use crate::refusal::Refusal;
use crate::route::ORGANIZATIONS;
use crate::visit::Visit;

/// The organization in the path. An id that is none is like one that nobody has.
fn id(visit: &Visit<'_>) -> Result<OrganizationId, Refusal> {
    visit.id.as_deref().and_then(|id| id.parse().ok()).ok_or_else(Refusal::not_found)
}

fn path(id: OrganizationId) -> String {
    format!("{ORGANIZATIONS}/{id}")
}
