//! The lifecycle: who may do what to which key, in one transaction with its audit event.

mod audit;
mod caller;
mod change;
mod channels;
mod commit;
mod draft;
mod error;
mod keys;
mod law;
mod organizations;
mod setup;
mod view;

use std::sync::Arc;

pub use self::caller::{Caller, Origin};
pub use self::draft::{KeyList, KeyPatch, NewKey, Wanted};
pub use self::error::{Excess, FieldFault, ManageError};
pub use self::setup::RootKey;
pub use self::view::{IssuedKey, KeyView};
use crate::engine::Core;

/// Makes, changes, revokes and deletes keys, and keeps organizations and channels, for callers that may. Cheap to clone.
///
/// Every change is on disk, with its audit event, before the method returns, and every decision that starts after that
/// goes by it. A change goes on to its end even if the future that asked for it is dropped.
#[derive(Clone)]
pub struct KeyManager {
    core: Arc<Core>,
}

impl KeyManager {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}
