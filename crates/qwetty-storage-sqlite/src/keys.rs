use async_trait::async_trait;
use qwetty_keys::{KeyDigest, KeyId};
use qwetty_storage::{
    AuditEvent, FoundKey, Insertion, KeyQuery, KeyRecord, KeyStore, Listing, Revision, StoreError, StoredKey,
    Written,
};
use rusqlite::{Connection, params};

use crate::columns::blob;
use crate::doubt::Subject;
use crate::event_row::append;
use crate::fault::Fault;
use crate::key_row::{self, parameters, revision, select_found, select_stored};
use crate::{SqliteStore, key_list};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn find(&self, digest: &KeyDigest) -> Result<Option<FoundKey>, StoreError> {
        let digest = *digest;
        self.read(move |connection| find(connection, &digest)).await
    }

    async fn get(&self, id: KeyId) -> Result<Option<StoredKey>, StoreError> {
        self.certain(id.as_u128()).await?;
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(select_stored!("keys WHERE id = ?"))?;
            statement.query_and_then([blob(id.as_u128())], key_row::stored)?.next().transpose()
        })
        .await
    }

    async fn list(&self, query: &KeyQuery) -> Result<Listing<StoredKey>, StoreError> {
        let query = query.clone();
        self.read(move |connection| key_list::list(connection, &query)).await
    }

    async fn insert(&self, record: &KeyRecord, event: &AuditEvent) -> Result<Insertion, StoreError> {
        let (record, event) = (record.clone(), event.clone());
        self.write(Subject::Record(record.id.as_u128()), move |connection| {
            if !insert(connection, &record)? {
                return Ok(Insertion::UnknownOrganization);
            }
            append(connection, &event)?;
            Ok(Insertion::Done)
        })
        .await
    }

    async fn replace(
        &self,
        record: &KeyRecord,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let (record, event) = (record.clone(), event.clone());
        self.write(Subject::Record(record.id.as_u128()), move |connection| {
            if !replace(connection, &record, expected)? {
                return Ok(Written::Stale);
            }
            append(connection, &event)?;
            Ok(Written::Done)
        })
        .await
    }

    async fn remove(&self, id: KeyId, expected: Revision, event: &AuditEvent) -> Result<Written, StoreError> {
        let event = event.clone();
        self.write(Subject::Record(id.as_u128()), move |connection| {
            // Its usage and its window go with it, by their references.
            let mut statement =
                connection.prepare_cached("DELETE FROM keys WHERE id = ? AND revision = ?")?;
            if statement.execute(params![blob(id.as_u128()), revision(expected)])? == 0 {
                return Ok(Written::Stale);
            }
            append(connection, &event)?;
            Ok(Written::Done)
        })
        .await
    }
}

// The part of a digest that is indexed is repeated so that the index is used.
const BY_CURRENT: &str = select_found!("WHERE substr(digest, 1, 8) = substr(?1, 1, 8) AND digest = ?1");
const BY_PREVIOUS: &str =
    select_found!("WHERE substr(previous_digest, 1, 8) = substr(?1, 1, 8) AND previous_digest = ?1");

fn find(connection: &Connection, digest: &KeyDigest) -> Result<Option<FoundKey>, Fault> {
    for sql in [BY_CURRENT, BY_PREVIOUS] {
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_and_then([digest.as_bytes()], key_row::found)?.next().transpose()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Stores a new key; false if there is no such organization.
pub(crate) fn insert(connection: &Connection, record: &KeyRecord) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO keys (organization, id, name, folded_name, description, permissions, channels, networks, tier,
            digest, start, previous_digest, previous_start, previous_ends_at, revoked_at, revocation_reason,
            expires_at, regenerated_at, created_at, updated_at, created_by, revision, checksum)
         SELECT number, :id, :name, :folded_name, :description, :permissions, :channels, :networks, :tier,
            :digest, :start, :previous_digest, :previous_start, :previous_ends_at, :revoked_at, :revocation_reason,
            :expires_at, :regenerated_at, :created_at, :updated_at, :created_by, :revision, :checksum
         FROM organizations WHERE id = :organization",
    )?;
    Ok(statement.execute(&*parameters(record))? > 0)
}

fn replace(connection: &Connection, record: &KeyRecord, expected: Revision) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE keys SET name = :name, folded_name = :folded_name, description = :description,
            permissions = :permissions, channels = :channels, networks = :networks, tier = :tier,
            digest = :digest, start = :start, previous_digest = :previous_digest, previous_start = :previous_start,
            previous_ends_at = :previous_ends_at, revoked_at = :revoked_at, revocation_reason = :revocation_reason,
            expires_at = :expires_at, regenerated_at = :regenerated_at, created_at = :created_at,
            updated_at = :updated_at, created_by = :created_by, revision = :revision, checksum = :checksum
         WHERE id = :id AND revision = :expected
            AND organization = (SELECT number FROM organizations WHERE id = :organization)",
    )?;
    let mut parameters = parameters(record);
    parameters.push((":expected", revision(expected)));
    Ok(statement.execute(&*parameters)? > 0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::StatementStatus;

    use super::*;
    use crate::connection::open_writer;
    use crate::migrations::{MIGRATIONS, migrate};

    #[test]
    fn a_key_is_found_by_the_index_of_its_digest() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, MIGRATIONS, Path::new("test")).unwrap();
        for (sql, index) in [(BY_CURRENT, "keys_by_digest"), (BY_PREVIOUS, "keys_by_previous_digest")] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let lines = statement.query_map([[0; 32]], |row| row.get::<_, String>("detail")).unwrap();
            let plan = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
            assert!(plan.contains(&format!("SEARCH keys USING INDEX {index}")), "{plan}");
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }

    #[test]
    fn a_look_up_is_planned_once_and_not_for_each_digest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open_writer(file.path()).unwrap();
        migrate(&connection, MIGRATIONS, file.path()).unwrap();
        for byte in 0..3 {
            assert!(find(&connection, &KeyDigest::from_bytes([byte; 32])).unwrap().is_none());
        }
        for sql in [BY_CURRENT, BY_PREVIOUS] {
            let statement = connection.prepare_cached(sql).unwrap();
            let times = |status| statement.get_status(status);
            assert_eq!((times(StatementStatus::Run), times(StatementStatus::RePrepare)), (3, 0));
        }
    }
}
