//! The JSON that goes out, member for member as the contract has it, apart from the engine's own types.
//!
//! None of these types has `Debug`: one of them carries a key value.

mod channel;
mod envelope;
mod event;
mod key;
mod organization;
mod permission;
pub(crate) mod schema;
mod text;
mod usage;
mod verify;

pub(crate) use channel::ChannelObject;
pub(crate) use envelope::{Data, List, Meta};
pub(crate) use event::{ActorObject, ChangeObject, EventObject};
pub(crate) use key::{KeyObject, QuotaObject, UsageObject};
pub(crate) use organization::OrganizationObject;
pub(crate) use permission::PermissionObject;
use text::{AddressText, EventIdText, NetworkText, TimeText};
pub(crate) use text::{KeyIdText, OrganizationIdText, Text};
pub(crate) use usage::{CountsObject, PointObject, UsageReportObject};
pub(crate) use verify::{LevelObject, VerifyGrants, VerifyObject, VerifySubject};
