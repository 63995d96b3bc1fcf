use qwetty_authz::Axis;
use qwetty_storage::StoreError;
use thiserror::Error;

use crate::entropy::EntropyError;

/// Why something was not done. Nothing changed, except after [`ManageError::Unavailable`], which leaves it open.
#[derive(Debug, Error)]
pub enum ManageError {
    /// It does not exist, or the caller may not know that it does.
    #[error("not found")]
    NotFound,
    /// The caller's key lacks a permission.
    #[error("this needs the permission {permission}")]
    InsufficientPermissions {
        /// Which one.
        permission: &'static str,
    },
    /// The caller's key is scoped to other channels.
    #[error("the caller's key may not be used for this channel")]
    ChannelNotAllowed,
    /// The caller tried to grant what it lacks; the attempt is in the audit log.
    #[error(transparent)]
    ExceedsCaller(#[from] Excess),
    /// The input breaks rules; every fault is named.
    #[error("the input breaks {} of the rules", .0.len())]
    Invalid(Vec<FieldFault>),
    /// The key is revoked, and this cannot be done to a revoked key.
    #[error("the key is revoked; reactivate it first")]
    KeyRevoked,
    /// The key is expired, and this cannot be done to an expired key.
    #[error("the key is expired; set a later expiration first")]
    KeyExpired,
    /// Something else stands in the way.
    #[error("{0}")]
    Conflict(&'static str),
    /// There are no random bytes to be had.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store could not tell, or could not do it.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

/// How a caller tried to exceed what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Excess {
    /// The key would hold more than the caller on this axis.
    #[error("the key would exceed the caller's own {words} ({axis})", words = in_words(*.0), axis = .0)]
    Axis(Axis),
    /// A caller changed its own key otherwise than by regenerating or revoking it.
    #[error("a key cannot change itself, apart from regenerating and revoking; use another key")]
    OwnKey,
    /// Only an operator takes an operator's key away.
    #[error("only a key that holds organizations:manage may change, revoke or delete one that does")]
    OperatorKey,
}

const fn in_words(axis: Axis) -> &'static str {
    match axis {
        Axis::Permissions => "permissions",
        Axis::Channels => "channels",
        Axis::Networks => "networks",
        Axis::Tier => "tier",
        Axis::Expiry => "expiry",
    }
}

impl Excess {
    /// What was exceeded: the field of the key, as on the wire, or `own_key`, or `operator_key`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axis(axis) => axis.field(),
            Self::OwnKey => "own_key",
            Self::OperatorKey => "operator_key",
        }
    }
}

/// One rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Which field, as on the wire: `channelScopes[1]`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}
