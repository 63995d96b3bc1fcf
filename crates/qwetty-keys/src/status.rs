use std::fmt;
use std::str::FromStr;

/// What a key is worth at an instant. It is derived from its [`Lifecycle`](crate::Lifecycle) and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Usable, for more than seven days or for ever.
    Active,
    /// Usable, for seven days at most.
    ExpiringSoon,
    /// Past its expiry, though not revoked.
    Expired,
    /// Revoked, whether or not it is past its expiry too.
    Revoked,
}

impl Status {
    /// Whether a key of this status may be used.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Active | Self::ExpiringSoon)
    }

    /// `active`, `expiring_soon`, `expired` or `revoked`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ExpiringSoon => "expiring_soon",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        [Self::Active, Self::ExpiringSoon, Self::Expired, Self::Revoked]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(StatusError)
    }
}

/// The text is no [`Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a status is `active`, `expiring_soon`, `expired` or `revoked`")]
pub struct StatusError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_its_own_words() {
        for (status, word, usable) in [
            (Status::Active, "active", true),
            (Status::ExpiringSoon, "expiring_soon", true),
            (Status::Expired, "expired", false),
            (Status::Revoked, "revoked", false),
        ] {
            assert_eq!(status.to_string(), word);
            assert_eq!(word.parse(), Ok(status));
            assert_eq!(status.is_usable(), usable);
        }
        for word in ["", "Active", "expiring-soon", "deleted", "active "] {
            assert_eq!(word.parse::<Status>(), Err(StatusError), "{word:?}");
        }
    }
}
