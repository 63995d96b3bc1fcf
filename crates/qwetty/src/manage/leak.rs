use std::sync::Arc;

use qwetty_keys::RevocationReason;

use super::change::Change;
use super::{Caller, KeyManager, ManageError, Origin};
use crate::verifier::Verifier;

impl KeyManager {
    /// Revokes the key of a value that is no secret any more, whoever says so: to know the value is to be able to misuse it,
    /// and revoking its key is the least that one can do with it. An older value counts as long as it is alive. It is
    /// audited as the revocation by nobody in particular, and is no usage of the key.
    ///
    /// Answers whether the value led to a key, also if there was nothing left to revoke. That is for those who may know.
    ///
    /// # Errors
    ///
    /// [`ManageError::Unavailable`]: whether the value still works is open.
    pub async fn revoke_leaked(
        &self,
        origin: Origin,
        value: &str,
        reason: Option<RevocationReason>,
    ) -> Result<bool, ManageError> {
        let verifier = Verifier::new(Arc::clone(&self.core), Arc::clone(&self._maintenance));
        let Some(key) = verifier.find(value).await? else {
            return Ok(false);
        };
        let change = Change::RevokeLeaked(*key.digest(), reason);
        match self.change(&Caller::owner(origin), key.id(), change).await {
            // Deleted since it was looked up, which is as good.
            Ok(_) | Err(ManageError::NotFound) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
