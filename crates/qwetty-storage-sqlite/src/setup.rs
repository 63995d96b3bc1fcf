use async_trait::async_trait;
use qwetty_keys::KeyId;
use qwetty_storage::{AuditEvent, KeyRecord, Organization, Setup, SetupStore, StoreError, Written};
use rusqlite::Connection;

use crate::columns::{Columns, blob};
use crate::doubt::Subject;
use crate::event_row::append;
use crate::fault::Fault;
use crate::{SqliteStore, directory, keys};

#[async_trait]
impl SetupStore for SqliteStore {
    async fn setup(&self) -> Result<Setup, StoreError> {
        self.present()?;
        self.writable().await?;
        self.read(setup).await
    }

    async fn found(
        &self,
        organization: &Organization,
        root: &KeyRecord,
        events: &[AuditEvent],
    ) -> Result<Written, StoreError> {
        let (organization, root, events) = (organization.clone(), root.clone(), events.to_vec());
        self.write(Subject::Record(root.id.as_u128()), move |connection| {
            if setup(connection)? != Setup::Empty {
                return Ok(Written::Stale);
            }
            directory::insert(connection, &organization)?;
            if !keys::insert(connection, &root)? {
                return Err(Fault::Failed("the root key belongs to another organization than the first"));
            }
            connection.execute("INSERT INTO setup VALUES (1, ?, 0)", [blob(root.id.as_u128())])?;
            events.iter().try_for_each(|event| append(connection, event))?;
            Ok(Written::Done)
        })
        .await
    }

    async fn root_announced(&self) -> Result<(), StoreError> {
        // Whoever loses the log, or copies the file without it, must not find a database whose root key is still to be told.
        self.write_to_file(|connection| {
            connection.execute("UPDATE setup SET announced = 1", [])?;
            Ok(())
        })
        .await
    }
}

fn setup(connection: &Connection) -> Result<Setup, Fault> {
    let mut statement = connection.prepare_cached("SELECT root_key, announced FROM setup")?;
    let state = statement.query_and_then([], |row| {
        let mut columns = Columns::of(row, "setup");
        let root = KeyId::from_u128(columns.id()?);
        Ok(if columns.get()? { Setup::Complete } else { Setup::RootUnannounced(root) })
    })?;
    state.last().unwrap_or(Ok(Setup::Empty))
}
