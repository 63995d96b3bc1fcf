//! What is wrong with a form.

use std::fmt::Display;

use maud::Markup;

use crate::refusal::sentence;
use crate::view::banner;

/// What is wrong with what was typed, by the field that it was typed into.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(&'static str, String)>);

impl Faults {
    /// `message` goes on from the field's name: `must not be empty`.
    pub(super) fn add(&mut self, field: &'static str, message: impl Display) {
        let fault = (field, message.to_string());
        if !self.0.contains(&fault) {
            self.0.push(fault);
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

/// What a field is called on the page.
pub(super) const fn label(field: &str) -> &'static str {
    match field.as_bytes() {
        b"id" => "Id",
        b"name" => "Name",
        b"description" => "Description",
        b"permissions" => "Permissions",
        b"channels" => "Channels",
        b"whitelist" => "IP whitelist",
        b"expiry" => "Expiration",
        b"tier" => "Tier",
        b"reason" => "Reason",
        b"confirmation" => "Name, to confirm",
        _ => "Form",
    }
}

/// Whether what was typed to confirm a deletion is the name of what is to be deleted. A page shows any white space as one
/// space, so nobody can be asked to type more.
pub(super) fn confirms(typed: &str, name: &str) -> bool {
    typed.split_whitespace().eq(name.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_confirmed_as_it_is_seen() {
        assert!(confirms("  Old shop ", "Old  shop"));
        assert!(
            !confirms("old shop", "Old shop")
                && !confirms("Oldshop", "Old shop")
                && !confirms("", "Old shop")
        );
    }

    #[test]
    fn the_same_is_told_once() {
        let mut faults = Faults::default();
        faults.add("name", "must not be empty");
        faults.add("name", "must not be empty");
        assert_eq!(faults.of("name"), ["Must not be empty."]);
        assert!(faults.of("id").is_empty() && !faults.is_empty());
    }
}
