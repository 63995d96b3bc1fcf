use http::StatusCode;
use qwetty::{Excess, FieldFault, ManageError};
use qwetty_authz::Axis;

use crate::pages::faults::Faults;
use crate::refusal::Refusal;

/// What the engine finds wrong with a key.
impl Faults {
    /// What only the engine can see, in the words of a form.
    pub(super) fn add_all(&mut self, faults: Vec<FieldFault>) {
        for fault in faults {
            match fault.field.split('[').next() {
                Some("permissions") => self.add("permissions", "one of them does not exist; choose again"),
                Some("channelScopes") => {
                    self.add("channels", "one of them does not exist any more; choose again");
                }
                Some("expiresAt") => self.add("expiry", "the date must lie in the future"),
                _ => self.add("name", fault.message),
            }
        }
    }

    /// The engine refused what the form asks for; the status of the form that is shown again. What has to do with no field
    /// goes on up. What was told of an excess already, with all that it exceeds, is not told again.
    pub(super) fn add_refusal(&mut self, error: ManageError) -> Result<StatusCode, Refusal> {
        match error {
            ManageError::ExceedsCaller(excess) => {
                let field = field_of(excess);
                if self.of(field).is_empty() {
                    self.add(field, in_words(excess));
                }
                Ok(StatusCode::FORBIDDEN)
            }
            ManageError::Invalid(faults) => {
                self.add_all(faults);
                Ok(StatusCode::UNPROCESSABLE_ENTITY)
            }
            error => Err(error.into()),
        }
    }
}

fn in_words(excess: Excess) -> String {
    match excess {
        Excess::Axis(_) => "your own key may not grant this".to_owned(),
        Excess::OwnKey | Excess::OperatorKey => excess.to_string(),
    }
}

const fn field_of(excess: Excess) -> &'static str {
    match excess {
        Excess::Axis(Axis::Permissions) => "permissions",
        Excess::Axis(Axis::Channels) => "channels",
        Excess::Axis(Axis::Networks) => "whitelist",
        Excess::Axis(Axis::Tier) => "tier",
        Excess::Axis(Axis::Expiry) => "expiry",
        Excess::OwnKey | Excess::OperatorKey => "name",
    }
}
