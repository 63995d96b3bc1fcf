use std::fmt::Display;

use http::StatusCode;
use maud::Markup;
use qwetty::{Excess, FieldFault, ManageError};
use qwetty_authz::Axis;

use crate::refusal::{Refusal, sentence};
use crate::view::banner;

/// What is wrong with what was typed, by the field that it was typed into.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(&'static str, String)>);

impl Faults {
    /// `message` goes on from the field's name: `must not be empty`.
    pub(super) fn add(&mut self, field: &'static str, message: impl Display) {
        self.0.push((field, message.to_string()));
    }

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
        self.0.dedup();
    }

    /// The engine refused what the form asks for; the status of the form that is shown again. What has to do with no field
    /// goes on up.
    pub(super) fn add_refusal(&mut self, error: ManageError) -> Result<StatusCode, Refusal> {
        match error {
            ManageError::ExceedsCaller(excess) => {
                self.add(field_of(excess), excess);
                Ok(StatusCode::FORBIDDEN)
            }
            ManageError::Invalid(faults) => {
                self.add_all(faults);
                Ok(StatusCode::UNPROCESSABLE_ENTITY)
            }
            error => Err(error.into()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of one field, as sentences.
    pub(super) fn of(&self, field: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| *known == field).map(|(_, message)| sentence(message)).collect()
    }

    /// All of them, for the head of the form.
    pub(super) fn banner(&self) -> Markup {
        let told = |(field, message): &(&'static str, String)| {
            ((*field).to_owned(), sentence(&format!("{}: {message}", label(field))))
        };
        banner::faults(&self.0.iter().map(told).collect::<Vec<_>>())
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

/// What a field is called on the page.
pub(super) const fn label(field: &str) -> &'static str {
    match field.as_bytes() {
        b"name" => "Name",
        b"description" => "Description",
        b"permissions" => "Permissions",
        b"channels" => "Channels",
        b"whitelist" => "IP whitelist",
        b"expiry" => "Expiration",
        b"tier" => "Tier",
        b"reason" => "Reason",
        b"confirmation" => "Name of the key",
        _ => "Form",
    }
}
