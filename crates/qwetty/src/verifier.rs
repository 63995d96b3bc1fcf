use std::sync::Arc;

use qwetty_authz::{Ask, Refusal};
use qwetty_keys::{KeyDigest, OrganizationId, PresentedText, Timestamp};
use qwetty_ratelimit::{Level, Outcome as Taken};
use qwetty_storage::{Outcome, StoreError};
use thiserror::Error;

use crate::cache::{CachedKey, Unusable};
use crate::clock::Now;
use crate::engine::Core;
use crate::maintenance::Maintenance;
use crate::sync::Held;
use crate::verdict::{Denial, DenialCode, KeyIdentity, Standing, Verdict, VerifiedKey};

/// The decision. Cheap to clone; all clones and the engine's [`KeyManager`](crate::KeyManager)s share one memory.
#[derive(Clone)]
pub struct Verifier {
    core: Arc<Core>,
    /// Whoever can decide needs it: without it, no usage is flushed and no change by others is heard of.
    _maintenance: Arc<Maintenance>,
}

/// What is asked of a presented key.
#[derive(Debug, Clone, Copy)]
pub struct VerifyRequest<'a> {
    /// Only a key of this organization is known; `None` knows every organization's.
    pub organization: Option<OrganizationId>,
    /// The client address, the permissions and the channel that the call needs.
    pub ask: Ask<'a>,
    /// Whether it is charged.
    pub charge: Charge,
}

/// Whether a decision counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// It takes this many units of the key's quota and counts as its usage.
    Units(u32),
    /// Checks 1 to 6 alone; nothing is taken or counted.
    Nothing,
}

/// No decision was made; the caller admits nothing.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The store could not tell whether it knows the key.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// The cost is not within 1 and the limit of the key's quota. Nothing was taken or counted.
    #[error("the cost must be from 1 to {limit}, the limit of this key")]
    CostOutOfRange {
        /// The limit of the key's quota.
        limit: u32,
    },
}

impl Verifier {
    pub(crate) fn new(core: Arc<Core>, maintenance: Arc<Maintenance>) -> Self {
        Self { core, _maintenance: maintenance }
    }

    /// Judges what a client presented, check by check; the first that fails decides. It neither writes nor waits if the
    /// key is in memory.
    ///
    /// # Errors
    ///
    /// If no decision can be made; that admits nothing.
    pub async fn verify(&self, presented: &str, request: &VerifyRequest<'_>) -> Result<Verdict, VerifyError> {
        match self.verify_in_memory(presented, request) {
            Some(decided) => decided,
            // In a box: what this future holds would else be handed around with every decision that needs none of it.
            None => Box::pin(self.verify_by_store(presented, request)).await,
        }
    }

    /// The same decision without waiting, for whoever is not to wait. `None` if it takes the store to decide: nothing is
    /// decided or counted then, and [`verify`](Self::verify) decides.
    ///
    /// # Errors
    ///
    /// If no decision can be made; that admits nothing.
    #[inline]
    pub fn verify_in_memory(
        &self,
        presented: &str,
        request: &VerifyRequest<'_>,
    ) -> Option<Result<Verdict, VerifyError>> {
        let Ok(value) = PresentedText::parse(self.core.prefix, presented) else {
            return Some(Ok(not_found()));
        };
        self.decide_in_memory(value, request)
    }

    /// Apart from the parsing before it, so that what is malformed is refused without making room for all this.
    #[inline(never)]
    fn decide_in_memory(
        &self,
        value: PresentedText<'_>,
        request: &VerifyRequest<'_>,
    ) -> Option<Result<Verdict, VerifyError>> {
        let Core { cache, digester, .. } = &*self.core;
        let digest = digester.digest(value);
        if let Some(key) = cache.get(&digest) {
            return Some(self.judge(key, request));
        }
        // Under retired peppers, too: a key under one of them must not cost a look-up each time.
        let mut is_absent = cache.is_absent(&digest);
        for digest in digester.retired_digests(value) {
            if let Some(key) = cache.get(&digest) {
                return Some(self.judge(key, request));
            }
            is_absent &= cache.is_absent(&digest);
        }
        is_absent.then(|| Ok(not_found()))
    }

    async fn verify_by_store(
        &self,
        presented: &str,
        request: &VerifyRequest<'_>,
    ) -> Result<Verdict, VerifyError> {
        match self.find(presented).await? {
            Some(key) => self.judge(key, request),
            None => Ok(not_found()),
        }
    }

    /// The key that a value leads to, in whatever state it is; the value may be an older one that is over.
    pub(crate) async fn find(&self, presented: &str) -> Result<Option<Held<CachedKey>>, StoreError> {
        let Ok(value) = PresentedText::parse(self.core.prefix, presented) else {
            return Ok(None);
        };
        for digest in self.digests(value) {
            if let Some(key) = self.look_up(&digest).await? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Judges again a key that was judged before, as it is now, for whoever keeps no key values: a session, say. A value
    /// that was taken away since (its key deleted, or regenerated and the overlap over) is not found.
    ///
    /// # Errors
    ///
    /// If no decision can be made; that admits nothing.
    pub async fn verify_again(
        &self,
        key: &VerifiedKey,
        request: &VerifyRequest<'_>,
    ) -> Result<Verdict, VerifyError> {
        let digest = key.digest();
        let known = match self.core.cache.get(digest) {
            Some(known) => Some(known),
            None => self.look_up(digest).await?,
        };
        match known {
            Some(known) => self.judge(known, request),
            None => Ok(not_found()),
        }
    }

    /// Checks 1 to 7, in the order of the contract. The clock is read after the key was found, so that no limiter that took
    /// the place of another one is given an earlier time.
    fn judge(&self, key: Held<CachedKey>, request: &VerifyRequest<'_>) -> Result<Verdict, VerifyError> {
        let now = self.core.now();
        let at = key.state().judged_at(now.wall);
        if request.organization.is_some_and(|organization| organization != key.organization()) {
            return Ok(not_found());
        }
        let Some(generation) = key.generation(at) else {
            self.core.cache.tell_end_of(&key, key.previous_until());
            return Ok(not_found());
        };
        let decided = match self.access(&key, at, &request.ask) {
            Ok(()) => self.charge(&key, request.charge, now)?,
            Err(code) => Err((code, None)),
        };
        let outcome = match &decided {
            Ok(_) => Some(Outcome::Admitted),
            Err((code, _)) => code.counted_as(),
        };
        if let (Charge::Units(_), Some(outcome)) = (request.charge, outcome) {
            self.core.flusher.count(&key, outcome, generation, now.wall);
        }
        Ok(match decided {
            Ok(standing) => Verdict::Allow(VerifiedKey::new(key, generation, standing)),
            Err((code, standing)) => {
                Verdict::Deny(Denial { code, key: Some(KeyIdentity::of(key)), standing })
            }
        })
    }

    /// Checks 2 to 6.
    fn access(&self, key: &CachedKey, at: Timestamp, ask: &Ask<'_>) -> Result<(), DenialCode> {
        match key.unusable(at) {
            None => {}
            Some(Unusable::Revoked) => return Err(DenialCode::Revoked),
            Some(Unusable::Expired) => {
                self.core.cache.tell_end_of(key, key.expires_at().unwrap_or(at));
                return Err(DenialCode::Expired);
            }
        }
        key.access().decide(&self.core.catalogue, ask).map_err(|refusal| match refusal {
            Refusal::IpNotAllowed => DenialCode::IpNotAllowed,
            Refusal::InsufficientPermissions => DenialCode::InsufficientPermissions,
            Refusal::ChannelNotAllowed => DenialCode::ChannelNotAllowed,
        })
    }

    /// Check 7.
    fn charge(&self, key: &CachedKey, charge: Charge, now: Now) -> Result<Charged, VerifyError> {
        let Charge::Units(cost) = charge else {
            return Ok(Ok(None));
        };
        let tier = key.tier();
        let quota = self.core.quotas.get(tier);
        let standing = |level: Level| Some(Standing { tier, quota, level, at: now.wall });
        match key.state().limiter().take(quota, cost, now.moment) {
            Taken::Admitted(level) => Ok(Ok(standing(level))),
            Taken::Refused(level) => Ok(Err((DenialCode::RateLimited, standing(level)))),
            Taken::CostOutOfRange { limit } => Err(VerifyError::CostOutOfRange { limit }),
        }
    }

    /// The digests of a value under the current pepper and the retired ones, each worked out as it is asked for.
    fn digests<'a>(&'a self, value: PresentedText<'a>) -> impl Iterator<Item = KeyDigest> + 'a {
        let digester = &self.core.digester;
        std::iter::once_with(move || digester.digest(value)).chain(digester.retired_digests(value))
    }

    async fn look_up(&self, digest: &KeyDigest) -> Result<Option<Held<CachedKey>>, StoreError> {
        let Core { cache, look_ups, .. } = &*self.core;
        let first = look_ups.first(digest, cache.ticket(digest)).await?;
        // Whoever was before it in the line may have asked for the same.
        if let Some(known) = cache.known(digest) {
            return Ok(known);
        }
        let _turn = look_ups.turn().await?;
        let found = self.read(digest).await;
        if matches!(found, Err(StoreError::Unavailable(_))) {
            first.failed();
        }
        found
    }

    /// Reads the store, again if something changes meanwhile.
    async fn read(&self, digest: &KeyDigest) -> Result<Option<Held<CachedKey>>, StoreError> {
        let Core { cache, store, quotas, .. } = &*self.core;
        loop {
            let ticket = cache.ticket(digest);
            let kept = match store.find(digest).await? {
                Some(found) => {
                    let quota = quotas.get(found.record.tier);
                    cache
                        .keep(ticket, digest, found, quota, self.core.now())
                        .map(|key| Some(Held::from_inner(key)))
                }
                None => cache.keep_absent(ticket, digest).map(|()| None),
            };
            if let Ok(known) = kept {
                return Ok(known);
            }
            if let Some(known) = cache.known(digest) {
                return Ok(known);
            }
        }
    }
}

/// What check 7 came to: where it was made, the standing after it.
type Charged = Result<Option<Standing>, (DenialCode, Option<Standing>)>;

const fn not_found() -> Verdict {
    Verdict::Deny(Denial { code: DenialCode::NotFound, key: None, standing: None })
}
