//! The lifecycle: who may do what to which key, in one transaction with its audit event.

mod audit;
mod caller;
mod change;
mod channels;
mod commit;
mod draft;
mod error;
mod events;
mod keys;
mod law;
mod leak;
mod organizations;
mod report;
mod setup;
mod view;

use std::sync::Arc;

pub use self::caller::{Caller, Origin};
pub use self::draft::{KeyList, KeyPatch, NewKey, Wanted};
pub use self::error::{Excess, FieldFault, ManageError};
pub use self::events::EventList;
pub use self::report::{HourRange, RangeError, UsageReport};
pub use self::setup::RootKey;
pub use self::view::{IssuedKey, KeyView};
use crate::engine::Core;
use crate::maintenance::Maintenance;

/// Makes, changes, revokes and deletes keys, and keeps organizations and channels, for callers that may. Cheap to clone.
///
/// Every change is on disk, with its audit event, before the method returns, and every decision that starts after that
/// goes by it. A change goes on to its end even if the future that asked for it is dropped.
#[derive(Clone)]
pub struct KeyManager {
    core: Arc<Core>,
    /// As long as somebody can manage keys, others may decide by them.
    _maintenance: Arc<Maintenance>,
}

impl KeyManager {
    pub(crate) fn new(core: Arc<Core>, maintenance: Arc<Maintenance>) -> Self {
        Self { core, _maintenance: maintenance }
    }
}
