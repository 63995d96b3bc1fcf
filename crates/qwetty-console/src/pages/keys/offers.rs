use qwetty::{Excess, KeyView, ManageError};
use qwetty_authz::administration::{API_KEYS_MANAGE, ORGANIZATIONS_MANAGE};
use qwetty_guard::ErrorCode;
use qwetty_keys::Status;

use crate::refusal::Refusal;
use crate::visit::Visit;

/// What the visitor may do with a key as it stands, or why not. It decides what is offered; what is done, the engine judges.
#[derive(Debug)]
pub(super) struct Offers {
    pub(super) edit: Result<(), Refusal>,
    pub(super) regenerate: Result<(), Refusal>,
    pub(super) revoke: Result<(), Refusal>,
    pub(super) reactivate: Result<(), Refusal>,
    pub(super) delete: Result<(), Refusal>,
}

impl Offers {
    pub(super) fn of(visit: &Visit<'_>, key: &KeyView) -> Self {
        let excess = visit.manager.excess(&visit.caller, &key.record);
        let covered = || excess.map_or(Ok(()), refused);
        let (own, other) = (by_rule(visit, key, true), by_rule(visit, key, false));
        Self {
            edit: other.clone(),
            regenerate: own.clone().and_then(|()| covered()).and_then(|()| regenerable(key)),
            revoke: own.and_then(|()| revocable(key)),
            reactivate: other.clone().and_then(|()| covered()).and_then(|()| reactivable(key)),
            delete: other,
        }
    }
}

/// Whether the visitor can undo it if the key is revoked now.
pub(super) fn is_revocation_undoable(visit: &Visit<'_>, key: &KeyView) -> bool {
    by_rule(visit, key, false).is_ok()
        && visit.manager.excess(&visit.caller, &key.record).is_none()
        && !is_over(key)
}

/// The rules that go by who the visitor is.
fn by_rule(visit: &Visit<'_>, key: &KeyView, may_be_own: bool) -> Result<(), Refusal> {
    if !visit.may(API_KEYS_MANAGE) {
        return Err(Refusal::lacks(API_KEYS_MANAGE));
    }
    if key.record.id == visit.key.id() && !may_be_own {
        return refused(Excess::OwnKey);
    }
    let is_operators = key.record.access.permissions.allows(visit.catalogue(), ORGANIZATIONS_MANAGE);
    if is_operators && !visit.may(ORGANIZATIONS_MANAGE) { refused(Excess::OperatorKey) } else { Ok(()) }
}

fn refused(excess: Excess) -> Result<(), Refusal> {
    Err(ManageError::ExceedsCaller(excess).into())
}

fn regenerable(key: &KeyView) -> Result<(), Refusal> {
    match key.status {
        Status::Active | Status::ExpiringSoon => Ok(()),
        Status::Revoked => Err(ManageError::KeyRevoked.into()),
        Status::Expired => Err(ManageError::KeyExpired.into()),
    }
}

fn revocable(key: &KeyView) -> Result<(), Refusal> {
    if key.status == Status::Revoked { Err(not_now("The key is already revoked.")) } else { Ok(()) }
}

fn reactivable(key: &KeyView) -> Result<(), Refusal> {
    match key.status {
        _ if is_over(key) => Err(ManageError::KeyExpired.into()),
        Status::Revoked => Ok(()),
        Status::Active | Status::ExpiringSoon | Status::Expired => Err(not_now("The key is not revoked.")),
    }
}

/// Revoked or not.
fn is_over(key: &KeyView) -> bool {
    key.record.lifecycle.expires_at().is_some_and(|at| at <= key.at)
}

fn not_now(detail: &'static str) -> Refusal {
    Refusal::new(ErrorCode::Conflict, detail)
}
