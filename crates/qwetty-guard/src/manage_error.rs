//! What the management of keys refuses, as an answer.

use qwetty::{FieldFault, ManageError};

use crate::error_code::ErrorCode;
use crate::faults::Faults;
use crate::problem::Problem;

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound => Self::new(ErrorCode::NotFound),
            ManageError::InsufficientPermissions { permission } => {
                Self::insufficient_permissions(&[permission])
            }
            ManageError::ChannelNotAllowed => Self::new(ErrorCode::ChannelNotAllowed),
            ManageError::ExceedsCaller(excess) => Self::exceeds_caller(&excess),
            ManageError::Invalid(faults) => Self::validation_failed(all(faults)),
            ManageError::KeyRevoked => Self::new(ErrorCode::KeyRevoked),
            ManageError::KeyExpired => Self::new(ErrorCode::KeyExpired),
            ManageError::Conflict(detail) => Self::conflict(detail),
            ManageError::Entropy(_) | ManageError::Unavailable(_) => {
                tracing::error!(%error, "a call could not be answered");
                Self::new(ErrorCode::Unavailable)
            }
        }
    }
}

fn all(found: Vec<FieldFault>) -> Faults {
    let mut faults = Faults::default();
    for FieldFault { field, message } in found {
        faults.add(field, message);
    }
    faults
}
