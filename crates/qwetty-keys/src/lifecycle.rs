use std::time::Duration;

use crate::digest::KeyDigest;
use crate::issued::{Generation, IssuedValue, PreviousValue};
use crate::overlap::Overlap;
use crate::state::{Revocation, State};
use crate::status::Status;
use crate::text::RevocationReason;
use crate::timestamp::Timestamp;

/// How long before its expiry a key is said to be expiring soon.
const EXPIRING_SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The life of one key: its values, its expiry, and whether it is revoked.
///
/// A transition consumes the lifecycle and gives the next one, or says why there is none. `now` is always an
/// argument; expiry is derived from it and needs no transition.
///
/// | | active, expiring soon | revoked | expired |
/// |---|---|---|---|
/// | [`revoke`](Self::revoke) | revoked | unchanged | revoked |
/// | [`reactivate`](Self::reactivate) | unchanged | active; error if its expiry has passed | error |
/// | [`regenerate`](Self::regenerate) | new value | error | error |
/// | [`reschedule`](Self::reschedule) | new expiry | new expiry, stays revoked | new expiry, usable again |
///
/// A previous value lives only beside a usable current one and never past the key's expiry. Once dead, for whatever
/// reason, no transition brings it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// In a box, as is the previous value: few keys have one, and a service has many keys in memory.
    revocation: Option<Box<Revocation>>,
    expires_at: Option<Timestamp>,
    current: IssuedValue,
    previous: Option<Box<PreviousValue>>,
    regenerated_at: Option<Timestamp>,
}

/// Everything in a [`Lifecycle`], for a store to keep and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleParts {
    /// Live or revoked.
    pub state: State,
    /// The first instant at which the key no longer works; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// The value issued last.
    pub current: IssuedValue,
    /// The value before it, if it was given an overlap, which may be over by now.
    pub previous: Option<PreviousValue>,
    /// When the current value replaced another; `None` for the first value.
    pub regenerated_at: Option<Timestamp>,
}

/// The outcome of a transition that may find nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The key is now this: write it.
    Changed(Lifecycle),
    /// The key was already there: nothing to write, and nothing happened.
    Unchanged(Lifecycle),
}

/// Why a transition is not in the table. The key stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// The key is revoked.
    #[error("the key is revoked: reactivate it first")]
    Revoked,
    /// The key's expiry has passed.
    #[error("the key has expired: give it a later expiry first")]
    Expired,
    /// The wanted expiry is not later than now.
    #[error("the expiry must be later than now")]
    ExpiryNotInFuture,
}

impl Lifecycle {
    /// A live key with its first value. The expiry is taken as it is: a key may be born expired.
    pub fn issue(value: IssuedValue, expires_at: Option<Timestamp>) -> Self {
        Self { revocation: None, expires_at, current: value, previous: None, regenerated_at: None }
    }

    /// The lifecycle that a store read back.
    ///
    /// A previous value that no transition could have left is cut down to what one could: to nothing on a revoked
    /// key, to the key's expiry on another.
    pub fn from_parts(parts: LifecycleParts) -> Self {
        let LifecycleParts { state, expires_at, current, previous, regenerated_at } = parts;
        let (revocation, previous) = match state {
            State::Live => (None, previous.map(|previous| Box::new(ending_by(previous, expires_at)))),
            State::Revoked(revocation) => (Some(Box::new(revocation)), None),
        };
        Self { revocation, expires_at, current, previous, regenerated_at }
    }

    /// What a store keeps.
    pub fn into_parts(self) -> LifecycleParts {
        let Self { revocation, expires_at, current, previous, regenerated_at } = self;
        LifecycleParts {
            state: revocation.map_or(State::Live, |revocation| State::Revoked(*revocation)),
            expires_at,
            current,
            previous: previous.map(|previous| *previous),
            regenerated_at,
        }
    }

    /// The status at `now`. A key is expired from the very instant of its expiry, and expiring soon from seven
    /// days before it.
    pub fn status(&self, now: Timestamp) -> Status {
        if self.revocation().is_some() {
            return Status::Revoked;
        }
        match self.expires_at {
            Some(expires_at) if now >= expires_at => Status::Expired,
            Some(expires_at) if expires_at.saturating_duration_since(now) <= EXPIRING_SOON => {
                Status::ExpiringSoon
            }
            _ => Status::Active,
        }
    }

    /// The first instant at which the key no longer works; `None` is never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The latest of those ends that have passed at `now`: of the key, whether it is revoked or not, and of the value before its
    /// current one.
    pub fn ended_at(&self, now: Timestamp) -> Option<Timestamp> {
        let previous = self.previous.as_ref().map(|previous| previous.ends_at);
        [self.expires_at, previous].into_iter().flatten().filter(|end| *end <= now).max()
    }

    /// When and why the key was revoked, if it is.
    pub fn revocation(&self) -> Option<&Revocation> {
        self.revocation.as_deref()
    }

    /// The value issued last.
    pub fn current(&self) -> &IssuedValue {
        &self.current
    }

    /// The value before it, while it still works.
    pub fn previous(&self, now: Timestamp) -> Option<&PreviousValue> {
        // It ends by the key's expiry, and a revocation drops it: both need no look here.
        self.previous.as_deref().filter(|previous| now < previous.ends_at)
    }

    /// When the current value replaced another; `None` for the first value.
    pub fn regenerated_at(&self) -> Option<Timestamp> {
        self.regenerated_at
    }

    /// Every digest that the key is still found by, the previous one included even if its overlap is over: what a
    /// cache must forget when the key changes.
    pub fn digests(&self) -> impl Iterator<Item = &KeyDigest> {
        let previous = self.previous.as_ref().map(|previous| &previous.value.digest);
        std::iter::once(&self.current.digest).chain(previous)
    }

    /// Which of the key's values has this digest; `None` if it is not, or no longer, a value of this key.
    ///
    /// It does not judge the key: the current value of a revoked or expired key is still its current value.
    pub fn which(&self, digest: &KeyDigest, now: Timestamp) -> Option<Generation> {
        if self.current().digest == *digest {
            return Some(Generation::Current);
        }
        self.previous(now).filter(|previous| previous.value.digest == *digest).map(|_| Generation::Previous)
    }

    /// Revokes the key and ends its overlap. A key that is revoked keeps its first date and reason.
    pub fn revoke(mut self, now: Timestamp, reason: Option<RevocationReason>) -> Transition {
        if self.revocation().is_some() {
            return Transition::Unchanged(self);
        }
        self.revocation = Some(Box::new(Revocation { at: now, reason }));
        self.previous = None;
        Transition::Changed(self)
    }

    /// Takes a revocation back. The value from before a regeneration stays dead.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Expired`] if the key's expiry has passed, revoked or not.
    pub fn reactivate(mut self, now: Timestamp) -> Result<Transition, LifecycleError> {
        if self.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Err(LifecycleError::Expired);
        }
        if self.revocation().is_none() {
            return Ok(Transition::Unchanged(self));
        }
        self.revocation = None;
        Ok(Transition::Changed(self))
    }

    /// Gives the key another value. The old one works on for the overlap, though never past the key's expiry; one
    /// from an earlier overlap ends now.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Revoked`] or [`LifecycleError::Expired`] if the key is not usable.
    pub fn regenerate(
        mut self,
        now: Timestamp,
        value: IssuedValue,
        overlap: Overlap,
    ) -> Result<Self, LifecycleError> {
        match self.status(now) {
            Status::Active | Status::ExpiringSoon => {}
            Status::Revoked => return Err(LifecycleError::Revoked),
            Status::Expired => return Err(LifecycleError::Expired),
        }
        let old = std::mem::replace(&mut self.current, value);
        let previous = PreviousValue { value: old, ends_at: now.saturating_add(overlap.duration()) };
        self.previous = (overlap != Overlap::NONE).then(|| Box::new(ending_by(previous, self.expires_at)));
        self.regenerated_at = Some(now);
        Ok(self)
    }

    /// Sets another expiry, or none, whatever the state: it makes an expired key usable again, and leaves a revoked
    /// one revoked. A shorter expiry shortens a running overlap too; a longer one does not lengthen it.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::ExpiryNotInFuture`] if the expiry is not later than `now`.
    pub fn reschedule(
        mut self,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<Self, LifecycleError> {
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(LifecycleError::ExpiryNotInFuture);
        }
        self.previous = self.previous.map(|previous| Box::new(ending_by(*previous, expires_at)));
        self.expires_at = expires_at;
        Ok(self)
    }
}

/// The previous value, ending at the key's expiry if that comes first.
fn ending_by(previous: PreviousValue, expires_at: Option<Timestamp>) -> PreviousValue {
    let ends_at = expires_at.map_or(previous.ends_at, |expires_at| previous.ends_at.min(expires_at));
    PreviousValue { ends_at, ..previous }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    const NOW: Timestamp = at(0);

    const fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(1_900_000_000_000_000 + micros)
    }

    fn value(number: u8) -> IssuedValue {
        let start = "qwt_4fJk".parse().unwrap();
        IssuedValue { digest: KeyDigest::from_bytes([number; 32]), start }
    }

    fn seconds(seconds: u64) -> Overlap {
        Overlap::from_seconds(seconds).unwrap()
    }

    fn expiring(micros: i64) -> Lifecycle {
        Lifecycle::issue(value(1), Some(at(micros)))
    }

    fn changed(transition: Transition) -> Lifecycle {
        match transition {
            Transition::Changed(lifecycle) => lifecycle,
            Transition::Unchanged(lifecycle) => panic!("unchanged: {lifecycle:?}"),
        }
    }

    fn revoked(lifecycle: Lifecycle) -> Lifecycle {
        changed(lifecycle.revoke(at(-1), None))
    }

    #[test]
    fn the_transition_table() {
        use Status::{Active, Expired, ExpiringSoon, Revoked};
        use Wanted::{Error, New, Same};

        #[derive(Clone, Copy, Debug, PartialEq)]
        enum Wanted {
            New(Status),
            Same,
            Error(LifecycleError),
        }
        let (gone, revoked_error, past) =
            (LifecycleError::Expired, LifecycleError::Revoked, LifecycleError::ExpiryNotInFuture);
        let forever = Lifecycle::issue(value(1), None);

        #[rustfmt::skip]
        let table = [
            // from, its status; revoke, reactivate, regenerate; reschedule to never, to a moment later, to now
            (forever.clone(), Active, [New(Revoked), Same, New(Active), New(Active), New(ExpiringSoon), Error(past)]),
            (expiring(DAY), ExpiringSoon, [New(Revoked), Same, New(ExpiringSoon), New(Active), New(ExpiringSoon), Error(past)]),
            (expiring(0), Expired, [New(Revoked), Error(gone), Error(gone), New(Active), New(ExpiringSoon), Error(past)]),
            (revoked(forever), Revoked, [Same, New(Active), Error(revoked_error), New(Revoked), New(Revoked), Error(past)]),
            (revoked(expiring(DAY)), Revoked, [Same, New(ExpiringSoon), Error(revoked_error), New(Revoked), New(Revoked), Error(past)]),
            (revoked(expiring(0)), Revoked, [Same, Error(gone), Error(revoked_error), New(Revoked), New(Revoked), Error(past)]),
        ];
        for (from, status, wanted) in table {
            assert_eq!(from.status(NOW), status, "{from:?}");
            let fresh = || from.clone();
            let seen = [
                Ok(fresh().revoke(NOW, None)),
                fresh().reactivate(NOW),
                fresh().regenerate(NOW, value(2), Overlap::NONE).map(Transition::Changed),
                fresh().reschedule(NOW, None).map(Transition::Changed),
                fresh().reschedule(NOW, Some(at(1))).map(Transition::Changed),
                fresh().reschedule(NOW, Some(NOW)).map(Transition::Changed),
            ];
            let seen = seen.map(|outcome| match outcome {
                Ok(Transition::Changed(next)) => New(next.status(NOW)),
                Ok(Transition::Unchanged(next)) => {
                    assert_eq!(next, from);
                    Same
                }
                Err(error) => Error(error),
            });
            assert_eq!(seen, wanted, "{from:?}");
        }
    }

    #[test]
    fn status_changes_on_the_microsecond() {
        let key = expiring(7 * DAY);
        assert_eq!(key.expires_at(), Some(at(7 * DAY)));
        assert_eq!(key.status(at(-1)), Status::Active);
        assert_eq!(key.status(at(0)), Status::ExpiringSoon);
        assert_eq!(key.status(at(7 * DAY - 1)), Status::ExpiringSoon);
        assert_eq!(key.status(at(7 * DAY)), Status::Expired);
        assert_eq!(
            Lifecycle::issue(value(1), None).status(Timestamp::from_unix_micros(i64::MAX)),
            Status::Active
        );
    }

    #[test]
    fn an_end_is_told_from_its_instant_on() {
        let key = expiring(DAY).regenerate(NOW, value(2), seconds(60)).unwrap();
        let (overlap, expiry) = (at(60_000_000), at(DAY));
        for (now, ended) in
            [(-1, None), (60_000_000, Some(overlap)), (DAY - 1, Some(overlap)), (DAY, Some(expiry))]
        {
            let now = at(now);
            assert_eq!(key.ended_at(now), ended, "{now}");
            let revoked = changed(key.clone().revoke(now, None));
            assert_eq!(revoked.ended_at(now), ended.filter(|end| *end == expiry), "{now}");
        }
        assert_eq!(Lifecycle::issue(value(1), None).ended_at(Timestamp::from_unix_micros(i64::MAX)), None);
    }

    #[test]
    fn a_revocation_keeps_its_first_date_and_reason() {
        let reason: RevocationReason = "leaked".parse().unwrap();
        let key = changed(expiring(DAY).revoke(at(1), Some(reason.clone())));
        assert_eq!(key.revocation(), Some(&Revocation { at: at(1), reason: Some(reason) }));
        assert_eq!(key.clone().revoke(at(2), None), Transition::Unchanged(key.clone()));
        assert_eq!(changed(key.reactivate(at(3)).unwrap()), expiring(DAY));
    }

    #[test]
    fn without_an_overlap_the_old_value_dies_at_once() {
        let key = expiring(DAY).regenerate(NOW, value(2), Overlap::NONE).unwrap();
        assert_eq!(key.which(&value(1).digest, NOW), None);
        assert_eq!(key.which(&value(2).digest, NOW), Some(Generation::Current));
        assert_eq!(key.regenerated_at(), Some(NOW));
        assert_eq!(key.previous(NOW), None);
        assert_eq!(key.digests().collect::<Vec<_>>(), [&value(2).digest]);
    }

    #[test]
    fn an_overlap_ends_on_the_microsecond() {
        let key = expiring(DAY).regenerate(NOW, value(2), seconds(60)).unwrap();
        let end = at(60_000_000);
        assert_eq!(key.previous(NOW), Some(&PreviousValue { value: value(1), ends_at: end }));
        assert_eq!(key.which(&value(1).digest, at(59_999_999)), Some(Generation::Previous));
        assert_eq!(key.which(&value(1).digest, end), None);
        assert_eq!(key.previous(end), None);
        assert_eq!(key.digests().collect::<Vec<_>>(), [&value(2).digest, &value(1).digest]);
    }

    #[test]
    fn an_overlap_never_passes_the_expiry() {
        let key = expiring(30_000_000).regenerate(NOW, value(2), seconds(60)).unwrap();
        assert_eq!(key.previous(NOW).unwrap().ends_at, at(30_000_000));

        let shortened = key.clone().reschedule(NOW, Some(at(10))).unwrap();
        assert_eq!(shortened.previous(NOW).unwrap().ends_at, at(10));
        let lengthened = shortened.reschedule(at(9), Some(at(DAY))).unwrap();
        assert_eq!(lengthened.previous(at(9)).unwrap().ends_at, at(10));

        let revived = key.reschedule(at(30_000_000), None).unwrap();
        assert_eq!(revived.which(&value(1).digest, at(30_000_000)), None);
        assert_eq!(revived.which(&value(2).digest, at(30_000_000)), Some(Generation::Current));
    }

    #[test]
    fn another_regeneration_or_a_revocation_ends_the_overlap() {
        let key = expiring(DAY).regenerate(NOW, value(2), seconds(60)).unwrap();
        let again = key.clone().regenerate(at(1), value(3), seconds(60)).unwrap();
        assert_eq!(again.which(&value(1).digest, at(1)), None);
        assert_eq!(again.which(&value(2).digest, at(1)), Some(Generation::Previous));

        let back = changed(changed(key.revoke(at(1), None)).reactivate(at(1)).unwrap());
        assert_eq!(back.which(&value(1).digest, at(1)), None);
        assert_eq!(back.which(&value(2).digest, at(1)), Some(Generation::Current));
    }

    #[test]
    fn a_dead_key_still_knows_its_current_value() {
        assert_eq!(expiring(0).which(&value(1).digest, NOW), Some(Generation::Current));
        assert_eq!(revoked(expiring(DAY)).which(&value(1).digest, NOW), Some(Generation::Current));
    }

    #[test]
    fn parts_that_no_transition_leaves_are_cut_down() {
        let previous = Some(PreviousValue { value: value(1), ends_at: at(DAY) });
        let parts = LifecycleParts { previous, ..expiring(10).into_parts() };
        let live = Lifecycle::from_parts(parts.clone());
        assert_eq!(live.previous(NOW).unwrap().ends_at, at(10));

        let revocation = Revocation { at: NOW, reason: None };
        let dead = Lifecycle::from_parts(LifecycleParts { state: State::Revoked(revocation), ..parts });
        assert_eq!(dead.previous(NOW), None);
        assert_eq!(Lifecycle::from_parts(dead.clone().into_parts()), dead);
    }
}
