use qwetty_authz::Grants;
use qwetty_keys::Timestamp;
use qwetty_storage::KeyRecord;

/// What a key holds, on every axis of the law that nobody grants what they lack.
pub(crate) fn grants_of(record: &KeyRecord) -> Grants {
    Grants {
        access: record.access.clone(),
        tier_rank: record.tier.rank(),
        expires_at: record.lifecycle.expires_at().map(Timestamp::to_offset_date_time),
    }
}
