//! The law that nobody grants what they lack.

use std::fmt;

use time::OffsetDateTime;

use crate::Access;

/// Everything that a key can hand on to another key, one axis each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Its permissions, channels and networks.
    pub access: Access,
    /// The rank of its tier. A larger rank may do more; which tier has which is the caller's to say.
    pub tier_rank: u8,
    /// When it expires, `None` for never.
    pub expires_at: Option<OffsetDateTime>,
}

impl Grants {
    /// Whether a holder of these grants may hand out the other ones. An absent restriction is covered by an
    /// absent one only.
    ///
    /// It is a partial order. If these cover the other ones, then these allow whatever the other ones allow
    /// of the catalogue.
    ///
    /// # Errors
    ///
    /// The first axis, in the order of [`Axis`], on which the other grants go further.
    pub fn covers(&self, other: &Self) -> Result<(), Axis> {
        let checks = [
            (Axis::Permissions, self.access.permissions.covers(&other.access.permissions)),
            (Axis::Channels, self.access.channels.covers(&other.access.channels)),
            (Axis::Networks, self.access.networks.covers(&other.access.networks)),
            (Axis::Tier, self.tier_rank >= other.tier_rank),
            (Axis::Expiry, outlives(self.expires_at, other.expires_at)),
        ];
        match checks.into_iter().find(|(_, covered)| !covered) {
            Some((axis, _)) => Err(axis),
            None => Ok(()),
        }
    }
}

/// What one set of grants can lack of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// A permission is not held.
    Permissions,
    /// A channel is not in the scope.
    Channels,
    /// An address is not in the networks.
    Networks,
    /// The tier is lower.
    Tier,
    /// The expiry is earlier.
    Expiry,
}

impl Axis {
    /// The field of a key that has this axis, by its name in JSON.
    pub fn field(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Channels => "channelScopes",
            Self::Networks => "ipWhitelist",
            Self::Tier => "tier",
            Self::Expiry => "expiresAt",
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())
    }
}

fn outlives(mine: Option<OffsetDateTime>, theirs: Option<OffsetDateTime>) -> bool {
    match (mine, theirs) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(mine), Some(theirs)) => theirs <= mine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelScope, Channels, IpPolicy, Network, Networks, PermissionGrant, PermissionSet};
    use time::Duration;

    const NOON: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn root() -> Grants {
        let access = Access {
            permissions: PermissionGrant::All,
            channels: ChannelScope::All,
            networks: IpPolicy::Any,
        };
        Grants { access, tier_rank: 1, expires_at: None }
    }

    fn restricted() -> Grants {
        let permissions = ["chats:read", "messages:send"].map(|name| name.parse().unwrap());
        let networks: Vec<Network> = vec!["192.0.2.0/24".parse().unwrap()];
        let access = Access {
            permissions: PermissionGrant::Only(PermissionSet::from_permissions(permissions).unwrap()),
            channels: ChannelScope::Only(Channels::try_from(vec!["wa-main".parse().unwrap()]).unwrap()),
            networks: IpPolicy::Only(Networks::try_from(networks).unwrap()),
        };
        Grants { access, tier_rank: 0, expires_at: Some(NOON) }
    }

    #[test]
    fn the_root_covers_everything() {
        assert_eq!(root().covers(&restricted()), Ok(()));
        assert_eq!(root().covers(&root()), Ok(()));
    }

    #[test]
    fn an_absent_restriction_on_any_one_axis_is_not_covered() {
        let (root, mine) = (root(), restricted());
        assert_eq!(mine.covers(&mine), Ok(()));
        type Widen = fn(&mut Grants, Grants);
        let widen: [(Axis, Widen); 5] = [
            (Axis::Permissions, |grants, root| grants.access.permissions = root.access.permissions),
            (Axis::Channels, |grants, root| grants.access.channels = root.access.channels),
            (Axis::Networks, |grants, root| grants.access.networks = root.access.networks),
            (Axis::Tier, |grants, root| grants.tier_rank = root.tier_rank),
            (Axis::Expiry, |grants, root| grants.expires_at = root.expires_at),
        ];
        let mut widened_so_far = mine.clone();
        for (axis, widen) in widen.into_iter().rev() {
            let mut widened = mine.clone();
            widen(&mut widened, root.clone());
            assert_eq!(mine.covers(&widened), Err(axis));
            widen(&mut widened_so_far, root.clone());
            assert_eq!(mine.covers(&widened_so_far), Err(axis), "the first lacking axis is the one named");
        }
    }

    #[test]
    fn an_expiry_is_covered_up_to_the_same_instant() {
        let mine = restricted();
        let with_expiry = |expires_at| Grants { expires_at: Some(expires_at), ..restricted() };
        assert_eq!(mine.covers(&with_expiry(NOON)), Ok(()));
        assert_eq!(mine.covers(&with_expiry(NOON - Duration::NANOSECOND)), Ok(()));
        assert_eq!(mine.covers(&with_expiry(NOON + Duration::NANOSECOND)), Err(Axis::Expiry));
        let elsewhere = NOON.to_offset(time::UtcOffset::from_hms(5, 30, 0).unwrap());
        assert_eq!(mine.covers(&with_expiry(elsewhere)), Ok(()));
    }

    #[test]
    fn an_axis_is_named_by_the_field_of_the_key() {
        let axes = [Axis::Permissions, Axis::Channels, Axis::Networks, Axis::Tier, Axis::Expiry];
        assert_eq!(
            axes.map(|axis| axis.to_string()),
            ["permissions", "channelScopes", "ipWhitelist", "tier", "expiresAt"]
        );
    }
}
