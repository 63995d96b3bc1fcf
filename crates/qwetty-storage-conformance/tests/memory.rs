#![allow(missing_docs)]

use qwetty_storage::MemoryStore;
use qwetty_storage_conformance::conformance_suite;

async fn fresh() -> (MemoryStore, ()) {
    (MemoryStore::new(), ())
}

conformance_suite!(fresh);
