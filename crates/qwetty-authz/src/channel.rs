//! The channels that a key is scoped to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::distinct::distinct;

/// The channels that a key may act on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChannelScope {
    /// Every channel of the organization, now and later.
    All,
    /// Exactly these.
    Only(Channels),
}

impl ChannelScope {
    /// Whether the key may act on this channel.
    pub fn allows(&self, channel: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(channels) => channels.contains(channel),
        }
    }

    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(mine), Self::Only(theirs)) => {
                theirs.iter().all(|channel| mine.contains(channel.as_str()))
            }
        }
    }
}

/// 1 to 100 channels, each once, in the order in which they were given. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Channels(Arc<[ChannelId]>);

impl Channels {
    const MOST: usize = 100;

    /// Whether this channel is among them.
    pub fn contains(&self, channel: &str) -> bool {
        self.0.iter().any(|id| id.as_str() == channel)
    }

    /// Every channel, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ChannelId> {
        self.0.iter()
    }
}

impl TryFrom<Vec<ChannelId>> for Channels {
    type Error = ChannelsError;

    /// Collapses duplicates before it counts.
    fn try_from(channels: Vec<ChannelId>) -> Result<Self, ChannelsError> {
        if channels.is_empty() {
            return Err(ChannelsError::Empty);
        }
        distinct(channels, Self::MOST).map(|kept| Self(kept.into())).ok_or(ChannelsError::TooMany)
    }
}

/// Why a list of channels is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelsError {
    /// The list is empty.
    #[error("the list of channels is empty: name at least one, or give null for every channel")]
    Empty,
    /// The list has more than 100 different channels.
    #[error("the list has more than 100 channels: name 100 at most, or give null for every channel")]
    TooMany,
}

/// The id of a channel: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. It matches exactly. A clone shares
/// the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(Arc<str>);

impl ChannelId {
    const LONGEST: usize = 64;

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelId {
    type Err = ChannelIdError;

    fn from_str(id: &str) -> Result<Self, ChannelIdError> {
        if id.is_empty() {
            return Err(ChannelIdError::Empty);
        }
        if let Some(found) = id.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'))
        {
            return Err(ChannelIdError::Character { found });
        }
        if id.len() > Self::LONGEST {
            return Err(ChannelIdError::TooLong { length: id.len() });
        }
        Ok(Self(id.into()))
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not the id of a channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelIdError {
    /// The text is empty.
    #[error("the channel id is empty: write 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen")]
    Empty,
    /// The text has a character that no id has.
    #[error("the channel id has the character {found:?}: use A-Z, a-z, 0-9, dot, underscore and hyphen")]
    Character {
        /// The first such character.
        found: char,
    },
    /// The text is longer than 64 characters.
    #[error("the channel id has {length} characters: shorten it to 64 at most")]
    TooLong {
        /// The length of the text, in characters (all ASCII).
        length: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(ids: &[&str]) -> Channels {
        Channels::try_from(ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<ChannelId>>()).unwrap()
    }

    #[test]
    fn accepts_the_whole_alphabet_of_ids() {
        for id in ["a", "Z", "0", "wa-main_2.eu", "..", &"x".repeat(64)] {
            assert_eq!(id.parse::<ChannelId>().unwrap().to_string(), id);
        }
    }

    #[test]
    fn names_what_is_wrong_with_an_id() {
        let character = |found| ChannelIdError::Character { found };
        for (id, error) in [
            ("", ChannelIdError::Empty),
            (&*"x".repeat(65), ChannelIdError::TooLong { length: 65 }),
            ("a b", character(' ')),
            ("a/b", character('/')),
            ("a,b", character(',')),
            ("*", character('*')),
            ("kanäle", character('ä')),
            ("a\0", character('\0')),
        ] {
            assert_eq!(id.parse::<ChannelId>(), Err(error), "{id:?}");
        }
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(Channels::try_from(vec![]), Err(ChannelsError::Empty));
    }

    #[test]
    fn keeps_the_order_of_the_input_and_collapses_duplicates() {
        let ids: Vec<String> = channels(&["b", "a", "b", "c"]).iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["b", "a", "c"]);
    }

    #[test]
    fn takes_100_after_collapsing_and_refuses_one_more() {
        let ids =
            |count: usize| (0..count).map(|n| format!("c{n}").parse().unwrap()).collect::<Vec<ChannelId>>();
        let doubled = [ids(100), ids(100)].concat();
        assert_eq!(Channels::try_from(doubled).unwrap().iter().count(), 100);
        assert_eq!(Channels::try_from(ids(101)), Err(ChannelsError::TooMany));
    }

    #[test]
    fn a_scope_matches_ids_exactly() {
        let scope = ChannelScope::Only(channels(&["wa-main", "web"]));
        assert!(scope.allows("wa-main"));
        assert!(scope.allows("web"));
        for id in ["", "wa", "wa-main2", "WEB", "web ", "*"] {
            assert!(!scope.allows(id), "{id:?}");
            assert!(ChannelScope::All.allows(id), "{id:?}");
        }
    }

    #[test]
    fn a_scope_covers_its_subsets_and_a_list_never_covers_all() {
        let only = |ids: &[&str]| ChannelScope::Only(channels(ids));
        assert!(ChannelScope::All.covers(&ChannelScope::All));
        assert!(ChannelScope::All.covers(&only(&["a"])));
        assert!(!only(&["a"]).covers(&ChannelScope::All));
        assert!(only(&["a", "b"]).covers(&only(&["b", "a"])));
        assert!(only(&["a", "b"]).covers(&only(&["b"])));
        assert!(!only(&["b"]).covers(&only(&["a", "b"])));
    }
}
