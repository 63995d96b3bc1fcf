//! The name of one permission.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One permission, by its exact name: 1 to 64 bytes, segments of `a-z`, `0-9` and `_` joined by `:`.
///
/// The segments are for people. Nothing here reads a hierarchy, a wildcard or a prefix into them. A clone
/// shares the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(Arc<str>);

impl Permission {
    const LONGEST: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For the names that this crate brings itself; a test parses each of them.
    pub(crate) fn known(name: &'static str) -> Self {
        debug_assert!(check(name).is_ok(), "{name} is no permission name");
        Self(name.into())
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(name: &str) -> Result<Self, PermissionError> {
        check(name)?;
        Ok(Self(name.into()))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sets of permissions are asked by plain name, without making a `Permission` of the question.
impl Borrow<str> for Permission {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is not the name of a permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// The text is empty.
    #[error("the permission is empty: write a name such as chats:read")]
    Empty,
    /// The text is longer than 64 bytes.
    #[error("the permission has {length} bytes: shorten it to 64 at most")]
    TooLong {
        /// The length of the text, in bytes.
        length: usize,
    },
    /// The text has a character that no name has.
    #[error("the permission has the character {found:?}: use a-z, 0-9 and _, with : between segments")]
    Character {
        /// The first such character.
        found: char,
    },
    /// The text begins or ends with a colon, or has two in a row.
    #[error("the permission has an empty segment: write a name before and after every colon")]
    EmptySegment,
}

fn check(name: &str) -> Result<(), PermissionError> {
    if name.is_empty() {
        return Err(PermissionError::Empty);
    }
    if name.len() > Permission::LONGEST {
        return Err(PermissionError::TooLong { length: name.len() });
    }
    if let Some(found) = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | ':')) {
        return Err(PermissionError::Character { found });
    }
    if name.split(':').any(str::is_empty) {
        return Err(PermissionError::EmptySegment);
    }
    Ok(())
}

/// The permissions that administer the keys themselves. They are in every [`Catalogue`](crate::Catalogue),
/// after the service's own.
pub mod administration {
    /// See keys and their usage.
    pub const API_KEYS_READ: &str = "api_keys:read";
    /// Create, change, regenerate, revoke, reactivate and delete keys.
    pub const API_KEYS_MANAGE: &str = "api_keys:manage";
    /// Have keys verified.
    pub const API_KEYS_VERIFY: &str = "api_keys:verify";
    /// Save and delete channels.
    pub const CHANNELS_MANAGE: &str = "channels:manage";
    /// Read the audit log.
    pub const AUDIT_READ: &str = "audit:read";
    /// Act in every organization. Whoever holds it is an operator.
    pub const ORGANIZATIONS_MANAGE: &str = "organizations:manage";

    /// All of them with their labels, in the order in which a catalogue lists them.
    pub(crate) const LABELLED: [(&str, &str); 6] = [
        (API_KEYS_READ, "Read API keys"),
        (API_KEYS_MANAGE, "Manage API keys"),
        (API_KEYS_VERIFY, "Verify API keys"),
        (CHANNELS_MANAGE, "Manage channels"),
        (AUDIT_READ, "Read the audit log"),
        (ORGANIZATIONS_MANAGE, "Manage organizations"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_segments_of_lower_case_letters_digits_and_underscores() {
        for name in ["a", "chats:read", "api_keys:manage", "0:_:9", "a:b:c:d", &"x".repeat(64)] {
            let permission: Permission = name.parse().unwrap();
            assert_eq!(permission.as_str(), name);
            assert_eq!(permission.to_string(), name);
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let character = |found| PermissionError::Character { found };
        for (name, error) in [
            ("", PermissionError::Empty),
            (&*"x".repeat(65), PermissionError::TooLong { length: 65 }),
            ("Chats:read", character('C')),
            ("chats:*", character('*')),
            ("chats.read", character('.')),
            ("chats-read", character('-')),
            (" chats:read", character(' ')),
            ("chats:read\n", character('\n')),
            ("chats:réad", character('é')),
            (":", PermissionError::EmptySegment),
            (":read", PermissionError::EmptySegment),
            ("chats:", PermissionError::EmptySegment),
            ("chats::read", PermissionError::EmptySegment),
        ] {
            assert_eq!(name.parse::<Permission>(), Err(error), "{name:?}");
        }
    }

    #[test]
    fn a_refused_control_character_is_escaped_in_the_message() {
        let error = "a\u{1b}[2J".parse::<Permission>().unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }
}
