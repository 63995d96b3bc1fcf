use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Quota;

/// A class of keys that share a quota. The order is the rank: whoever may hand out a tier may hand out those below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Tier {
    /// What a key gets unless told otherwise.
    #[default]
    Standard,
    /// For administration: a larger quota.
    Admin,
}

impl Tier {
    /// The tier's name on the wire and in the store: `standard` or `admin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Admin => "admin",
        }
    }

    /// The tier's place in the order, 0 being the lowest.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Standard => 0,
            Self::Admin => 1,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Self, UnknownTier> {
        match text {
            "standard" => Ok(Self::Standard),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownTier),
        }
    }
}

/// The text names no tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown tier: use standard or admin")]
pub struct UnknownTier;

/// The quota of each tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierQuotas {
    /// The quota of [`Tier::Standard`].
    pub standard: Quota,
    /// The quota of [`Tier::Admin`].
    pub admin: Quota,
}

impl TierQuotas {
    /// The quota of `tier`.
    #[must_use]
    pub const fn get(&self, tier: Tier) -> Quota {
        match tier {
            Tier::Standard => self.standard,
            Tier::Admin => self.admin,
        }
    }
}

impl Default for TierQuotas {
    /// 1,000 units an hour for standard keys, 5,000 for admin keys.
    fn default() -> Self {
        const { Self { standard: Quota::known_good(1000, 3600), admin: Quota::known_good(5000, 3600) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_match_exactly() {
        for tier in [Tier::Standard, Tier::Admin] {
            assert_eq!(tier.to_string().parse(), Ok(tier));
        }
        assert_eq!("Admin".parse::<Tier>(), Err(UnknownTier));
        assert_eq!("".parse::<Tier>(), Err(UnknownTier));
    }

    #[test]
    fn order_and_rank_agree() {
        assert!(Tier::Admin > Tier::Standard);
        assert!(Tier::Admin.rank() > Tier::Standard.rank());
        assert_eq!(Tier::default(), Tier::Standard);
    }

    #[test]
    fn the_default_quotas_are_within_their_ranges() {
        let quotas = TierQuotas::default();
        assert_eq!(Quota::new(1000, 3600), Ok(quotas.get(Tier::Standard)));
        assert_eq!(Quota::new(5000, 3600), Ok(quotas.get(Tier::Admin)));
    }
}
