//! Forms that are acted upon once, however often a browser sends them: a reload must not make a second key.

use std::collections::VecDeque;

use maud::{Markup, html};

use crate::fields::{Fields, FieldsError};
use crate::token::{Token, TokenDigest};

/// The hidden field.
const FIELD: &str = "once";
/// How many sent forms a session remembers.
const MOST: usize = 128;

/// What tells one showing of a form from every other.
#[derive(Debug)]
pub(crate) struct Once(Token);

/// The forms that a session has sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(VecDeque<TokenDigest>);

impl Once {
    /// For a form that is about to be shown.
    pub(crate) const fn new(token: Token) -> Self {
        Self(token)
    }

    /// That of a form that was sent.
    pub(crate) fn read(form: &mut Fields) -> Result<Self, FieldsError> {
        form.choice(FIELD, Token::parse)?.map(Self).ok_or(FieldsError::Value(FIELD))
    }

    /// The hidden field.
    pub(crate) fn field(&self) -> Markup {
        html! { input type="hidden" name=(FIELD) value=(self.0); }
    }
}

impl Sent {
    /// Whether this form comes for the first time. It does not the next time.
    pub(crate) fn is_first(&mut self, once: &Once) -> bool {
        let digest = once.0.digest();
        if self.0.contains(&digest) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(digest);
        true
    }

    /// What the form asked for was refused, so it may come again.
    pub(crate) fn give_back(&mut self, once: &Once) {
        let digest = once.0.digest();
        self.0.retain(|known| *known != digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(number: u8) -> Once {
        Once(Token::parse(&format!("{number:064x}")).unwrap())
    }

    #[test]
    fn a_form_is_the_first_of_its_kind_once() {
        let mut sent = Sent::default();
        assert!(sent.is_first(&once(1)) && sent.is_first(&once(2)));
        assert!(!sent.is_first(&once(1)) && !sent.is_first(&once(2)));
        sent.give_back(&once(1));
        assert!(sent.is_first(&once(1)) && !sent.is_first(&once(2)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sent = Sent::default();
        for number in 0..=u8::MAX {
            assert!(sent.is_first(&once(number)));
        }
        assert_eq!(sent.0.len(), MOST);
        assert!(!sent.is_first(&once(u8::MAX)));
    }

    #[test]
    fn a_form_without_it_is_refused() {
        for text in ["", "once=", "once=1"] {
            assert!(Once::read(&mut Fields::parse(text.as_bytes()).unwrap()).is_err(), "{text}");
        }
    }
}
