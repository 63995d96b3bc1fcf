use async_channel::Receiver;
use qwetty_keys::KeyDigest;

/// One committed change of a key, as told to everyone who caches keys of a shared store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// Every digest under which the key was or is found; whatever is cached for one of them is out of date.
    pub digests: Vec<KeyDigest>,
}

/// Changes in the order in which they were committed. When the feed ends, changes may have been missed:
/// forget everything that is cached and ask the store for a new feed.
pub type ChangeFeed = Receiver<KeyChange>;
