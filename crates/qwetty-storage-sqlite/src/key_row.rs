use qwetty_authz::Access;
use qwetty_keys::{
    IssuedValue, KeyDigest, KeyId, Lifecycle, LifecycleParts, OrganizationId, PreviousValue, Revocation,
    RevocationReason, State, Timestamp,
};
use qwetty_ratelimit::WindowSnapshot;
use qwetty_storage::{FoundKey, KeyRecord, Revision, SavedWindow, StoredKey, UsageTotals, fold};
use rusqlite::Row;
use rusqlite::types::Value;

use crate::access_text;
use crate::columns::{Columns, blob};
use crate::fault::Fault;

/// What [`record`] reads, of the table `keys`.
macro_rules! record_columns {
    () => {
        "keys.id, (SELECT id FROM organizations WHERE number = keys.organization), keys.name, keys.description, \
         keys.permissions, keys.channels, keys.networks, keys.tier, \
         keys.digest, keys.start, keys.previous_digest, keys.previous_start, keys.previous_ends_at, \
         keys.revoked_at, keys.revocation_reason, keys.expires_at, keys.regenerated_at, \
         keys.created_at, keys.updated_at, keys.created_by, keys.revision, keys.checksum"
    };
}

/// Begins a statement whose rows [`found`] reads.
macro_rules! select_found {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            $crate::key_row::record_columns!(),
            ", windows.saved_at, windows.snapshot FROM keys LEFT JOIN windows ON windows.key = keys.number ",
            $rest
        )
    };
}

/// Begins a statement whose rows [`stored`] reads.
macro_rules! select_stored {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            $crate::key_row::record_columns!(),
            ", keys.request_count, keys.denied_count, keys.last_used_at, keys.previous_value_last_used_at FROM ",
            $rest
        )
    };
}

pub(crate) use {record_columns, select_found, select_stored};

/// Reads a row of `select_found!`.
pub(crate) fn found(row: &Row<'_>) -> Result<FoundKey, Fault> {
    let mut columns = Columns::of(row, "key");
    let record = record(&mut columns)?;
    let saved_at = columns.instant_optional()?;
    let bytes: Option<Vec<u8>> = columns.get()?;
    let window = match (saved_at, bytes) {
        (Some(saved_at), Some(bytes)) => {
            let snapshot =
                WindowSnapshot::from_bytes(&bytes).map_err(|error| Fault::damaged("window", error))?;
            Some(SavedWindow { saved_at, snapshot })
        }
        (None, None) => None,
        _ => return Err(columns.damaged("is there by half")),
    };
    Ok(FoundKey { record, window })
}

/// Reads a row of `select_stored!`.
pub(crate) fn stored(row: &Row<'_>) -> Result<StoredKey, Fault> {
    let mut columns = Columns::of(row, "key");
    let record = record(&mut columns)?;
    let usage = UsageTotals {
        request_count: columns.count()?,
        denied_count: columns.count()?,
        last_used_at: columns.instant_optional()?,
        previous_value_last_used_at: columns.instant_optional()?,
    };
    Ok(StoredKey { record, usage })
}

fn record(columns: &mut Columns<'_>) -> Result<KeyRecord, Fault> {
    let record = KeyRecord {
        id: KeyId::from_u128(columns.id()?),
        organization: OrganizationId::from_u128(columns.id()?),
        name: columns.parse()?,
        description: columns.parse_optional()?,
        access: access(columns)?,
        tier: columns.parse()?,
        lifecycle: lifecycle(columns)?,
        created_at: columns.instant()?,
        updated_at: columns.instant()?,
        created_by: columns.id_optional()?.map(KeyId::from_u128),
        revision: columns.revision()?,
    };
    let written: Option<u32> = columns.get()?;
    if written.is_some_and(|written| written != checksum(&columns_of(&record))) {
        return Err(columns.damaged("is not that of the other columns"));
    }
    Ok(record)
}

fn access(columns: &mut Columns<'_>) -> Result<Access, Fault> {
    Ok(Access {
        permissions: columns.meaning(access_text::to_permissions)?,
        channels: columns.meaning(access_text::to_channels)?,
        networks: columns.meaning(access_text::to_networks)?,
    })
}

fn lifecycle(columns: &mut Columns<'_>) -> Result<Lifecycle, Fault> {
    let current = IssuedValue { digest: columns.get().map(KeyDigest::from_bytes)?, start: columns.parse()? };
    let previous_digest: Option<[u8; 32]> = columns.get()?;
    let previous_start = columns.parse_optional()?;
    let previous = match (previous_digest, previous_start, columns.instant_optional()?) {
        (Some(digest), Some(start), Some(ends_at)) => Some(PreviousValue {
            value: IssuedValue { digest: KeyDigest::from_bytes(digest), start },
            ends_at,
        }),
        (None, None, None) => None,
        _ => return Err(columns.damaged("and the previous value's other columns are not all there")),
    };
    let revoked_at = columns.instant_optional()?;
    let reason: Option<RevocationReason> = columns.parse_optional()?;
    let state = match (revoked_at, reason) {
        (Some(at), reason) => State::Revoked(Revocation { at, reason }),
        (None, None) => State::Live,
        (None, Some(_)) => return Err(columns.damaged("is there, and the key is not revoked")),
    };
    let expires_at = columns.instant_optional()?;
    let regenerated_at = columns.instant_optional()?;
    Ok(Lifecycle::from_parts(LifecycleParts { state, expires_at, current, previous, regenerated_at }))
}

/// A record as the parameters of a statement, named as their columns are, but for `:organization`, which is its id.
pub(crate) fn parameters(record: &KeyRecord) -> Vec<(&'static str, Value)> {
    let mut parameters = columns_of(record);
    let checksum = checksum(&parameters);
    parameters.push((":checksum", checksum.into()));
    parameters.push((":folded_name", fold(record.name.as_str()).into()));
    parameters
}

/// A checksum of these columns. What it goes by is in every database: another order or form needs a migration.
fn checksum(columns: &[(&str, Value)]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for (_, value) in columns {
        let mut part = |kind: u8, bytes: &[u8]| {
            hasher.update(&[kind]);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        match value {
            Value::Null => part(0, &[]),
            Value::Integer(number) => part(1, &number.to_le_bytes()),
            Value::Real(number) => part(2, &number.to_le_bytes()),
            Value::Text(text) => part(3, text.as_bytes()),
            Value::Blob(bytes) => part(4, bytes),
        }
    }
    hasher.finalize()
}

/// Everything of a record, in its own columns.
fn columns_of(record: &KeyRecord) -> Vec<(&'static str, Value)> {
    let LifecycleParts { state, expires_at, current, previous, regenerated_at } =
        record.lifecycle.clone().into_parts();
    let (revoked_at, reason) = match state {
        State::Live => (None, None),
        State::Revoked(Revocation { at, reason }) => (Some(at), reason),
    };
    let instant = |instant: Option<Timestamp>| Value::from(instant.map(Timestamp::unix_micros));
    let digest = |value: &IssuedValue| value.digest.as_bytes().to_vec();
    let start = |value: &IssuedValue| value.start.as_str().to_owned();
    vec![
        (":id", blob(record.id.as_u128()).to_vec().into()),
        (":organization", blob(record.organization.as_u128()).to_vec().into()),
        (":name", record.name.as_str().to_owned().into()),
        (":description", record.description.as_ref().map(|text| text.as_str().to_owned()).into()),
        (":permissions", access_text::of_permissions(&record.access.permissions).into()),
        (":channels", access_text::of_channels(&record.access.channels).into()),
        (":networks", access_text::of_networks(&record.access.networks).into()),
        (":tier", record.tier.as_str().to_owned().into()),
        (":digest", digest(&current).into()),
        (":start", start(&current).into()),
        (":previous_digest", previous.as_ref().map(|previous| digest(&previous.value)).into()),
        (":previous_start", previous.as_ref().map(|previous| start(&previous.value)).into()),
        (":previous_ends_at", instant(previous.map(|previous| previous.ends_at))),
        (":revoked_at", instant(revoked_at)),
        (":revocation_reason", reason.map(|text| text.as_str().to_owned()).into()),
        (":expires_at", instant(expires_at)),
        (":regenerated_at", instant(regenerated_at)),
        (":created_at", instant(Some(record.created_at))),
        (":updated_at", instant(Some(record.updated_at))),
        (":created_by", record.created_by.map(|id| blob(id.as_u128()).to_vec()).into()),
        (":revision", revision(record.revision)),
    ]
}

/// A revision as it is stored. It counts from one, so it never gets near the largest.
pub(crate) fn revision(revision: Revision) -> Value {
    i64::try_from(revision.as_u64()).unwrap_or(i64::MAX).into()
}
