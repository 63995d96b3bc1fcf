use qwetty_authz::{Access, Grants};
use qwetty_keys::Timestamp;
use qwetty_ratelimit::Tier;
use qwetty_storage::KeyRecord;

/// What a key holds, on every axis of the law that nobody grants what they lack.
pub(crate) fn grants_of(record: &KeyRecord) -> Grants {
    grants(&record.access, record.tier, record.lifecycle.expires_at())
}

/// The same of a key of which no more is at hand.
pub(crate) fn grants(access: &Access, tier: Tier, expires_at: Option<Timestamp>) -> Grants {
    Grants {
        access: access.clone(),
        tier_rank: tier.rank(),
        expires_at: expires_at.map(Timestamp::to_offset_date_time),
    }
}
