use std::collections::{BTreeMap, HashMap};

use async_channel::Sender;
use qwetty_authz::ChannelId;
use qwetty_keys::{KeyDigest, KeyId, OrganizationId};

use crate::{
    AuditEvent, Channel, Hour, KeyChange, KeyRecord, Organization, OutcomeCounts, Page, SavedWindow, Setup,
    UsageTotals,
};

/// All that a [`MemoryStore`](super::MemoryStore) holds.
#[derive(Debug)]
pub(super) struct State {
    pub(super) setup: Setup,
    pub(super) keys: BTreeMap<KeyId, Entry>,
    pub(super) digests: HashMap<KeyDigest, KeyId>,
    pub(super) organizations: BTreeMap<OrganizationId, Organization>,
    pub(super) channels: BTreeMap<(OrganizationId, ChannelId), Channel>,
    pub(super) events: Vec<AuditEvent>,
    pub(super) writers: HashMap<u128, u64>,
    pub(super) feeds: Vec<Sender<KeyChange>>,
}

/// A key with all that goes when it goes.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: KeyRecord,
    pub(super) usage: UsageTotals,
    pub(super) hours: BTreeMap<Hour, OutcomeCounts>,
    pub(super) window: Option<SavedWindow>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            setup: Setup::Empty,
            keys: BTreeMap::new(),
            digests: HashMap::new(),
            organizations: BTreeMap::new(),
            channels: BTreeMap::new(),
            events: Vec::new(),
            writers: HashMap::new(),
            feeds: Vec::new(),
        }
    }
}

impl State {
    /// Stores a new key.
    pub(super) fn put_key(&mut self, record: KeyRecord) {
        for digest in record.lifecycle.digests() {
            self.digests.insert(*digest, record.id);
        }
        self.tell(&record, None);
        let entry = Entry { usage: UsageTotals::default(), hours: BTreeMap::new(), window: None, record };
        self.keys.insert(entry.record.id, entry);
    }

    /// Tells every feed of digests that lead elsewhere now. A feed whose owner does not keep up is ended: it
    /// would miss changes.
    pub(super) fn tell(&mut self, record: &KeyRecord, before: Option<&KeyRecord>) {
        if self.feeds.is_empty() {
            return;
        }
        let mut digests: Vec<KeyDigest> = record.lifecycle.digests().copied().collect();
        digests.extend(before.iter().flat_map(|before| before.lifecycle.digests()).copied());
        let change = KeyChange { digests };
        self.feeds.retain(|feed| {
            let kept = feed.try_send(change.clone()).is_ok();
            if !kept {
                feed.close();
            }
            kept
        });
    }
}

/// The part of `items` that a page asks for.
pub(super) fn page_of<T>(items: impl Iterator<Item = T>, page: Page) -> Vec<T> {
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    items.skip(offset).take(usize::try_from(page.limit).unwrap_or(usize::MAX)).collect()
}
