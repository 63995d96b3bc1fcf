use qwetty_keys::KeyDigest;

use super::Ticket;
use super::slots::Slots;
use crate::sync::places;

/// How many digests are remembered.
const SLOTS: usize = places(1 << 16);

/// Digests that the store did not know, each as of a look-up's ticket: so that a client with a dead value, who asks again and
/// again, costs a look-up once. A digest is absent only as long as the ticket is current, so it can hide no key.
#[derive(Debug)]
pub(super) struct AbsentDigests(Slots<Absent>);

#[derive(Debug)]
struct Absent {
    digest: KeyDigest,
    generation: u64,
}

impl AbsentDigests {
    pub(super) fn new() -> Self {
        Self(Slots::new(SLOTS))
    }

    /// The store was read after the ticket was taken, and did not know the digest.
    pub(super) fn note(&self, digest: &KeyDigest, ticket: Ticket) {
        *self.0.of(digest) = Some(Absent { digest: *digest, generation: ticket.generation });
    }

    /// Whether that was noted, and with a ticket like this one.
    pub(super) fn has(&self, digest: &KeyDigest, ticket: Ticket) -> bool {
        let slot = self.0.of(digest);
        slot.as_ref().is_some_and(|absent| absent.generation == ticket.generation && absent.digest == *digest)
    }
}
