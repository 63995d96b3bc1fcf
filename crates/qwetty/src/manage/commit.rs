use std::future::Future;
use std::sync::Arc;

use qwetty_keys::KeyDigest;
use qwetty_storage::{KeyRecord, StoreError};

use super::KeyManager;
use crate::engine::Core;
use crate::sync::spawn;

impl KeyManager {
    /// Writes to the store and makes every decision that starts later go by it. Both happen in a task of their own: a caller
    /// who stops waiting after the write was sent must not keep the cache from hearing of it.
    pub(super) async fn commit<T: Send + 'static>(
        &self,
        digests: Vec<KeyDigest>,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let under_way = UnderWay::begin(Arc::clone(&self.core), digests);
        let task = spawn(async move {
            let outcome = write.await;
            drop(under_way);
            outcome
        });
        task.await.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
    }
}

/// A change that the cache knows of. It ends whatever the outcome was: an error leaves it open, and a panic too.
struct UnderWay {
    core: Arc<Core>,
    digests: Vec<KeyDigest>,
}

impl UnderWay {
    fn begin(core: Arc<Core>, digests: Vec<KeyDigest>) -> Self {
        core.cache.begin_change(&digests);
        Self { core, digests }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.core.cache.end_change(&self.digests);
    }
}

/// Every digest that leads to one of these records.
pub(super) fn digests_of<'a>(records: impl IntoIterator<Item = &'a KeyRecord>) -> Vec<KeyDigest> {
    records.into_iter().flat_map(|record| record.lifecycle.digests()).copied().collect()
}
