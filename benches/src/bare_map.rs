use std::sync::Arc;

use dashmap::DashMap;
use qwetty_keys::KeyValue;

use crate::bare_hash::BareHash;

/// The least that a look-up could cost: a map of as many values as there are keys, by the hash of each.
///
/// It is filled in the order in which the keys came into the engine's memory: what is asked for next does not lie next to it.
pub fn bare_map(hash: &BareHash, keys: &[KeyValue]) -> DashMap<[u8; 32], Arc<[u8; 256]>> {
    keys.iter().map(|key| (*hash.of(key).as_bytes(), Arc::new([0; 256]))).collect()
}
