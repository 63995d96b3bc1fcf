use async_trait::async_trait;
use qwetty_authz::ChannelId;
use qwetty_keys::OrganizationId;
use qwetty_storage::{
    AuditEvent, Channel, DirectoryQuery, DirectoryStore, Listing, Order, Organization, OrganizationRemoval,
    Revision, StoreError, Written,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params, params_from_iter};

use crate::SqliteStore;
use crate::columns::{Columns, blob, count};
use crate::doubt::Subject;
use crate::event_row::append;
use crate::fault::Fault;
use crate::key_row::revision;

#[async_trait]
impl DirectoryStore for SqliteStore {
    async fn insert_organization(
        &self,
        organization: &Organization,
        event: &AuditEvent,
    ) -> Result<(), StoreError> {
        let (organization, event) = (organization.clone(), event.clone());
        self.write(Subject::Record(organization.id.as_u128()), move |connection| {
            insert(connection, &organization)?;
            append(connection, &event)
        })
        .await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
        self.certain(id.as_u128()).await?;
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, created_at, updated_at, revision FROM organizations WHERE id = ?",
            )?;
            statement.query_and_then([blob(id.as_u128())], organization)?.next().transpose()
        })
        .await
    }

    async fn organizations(&self, query: &DirectoryQuery) -> Result<Listing<Organization>, StoreError> {
        let query = query.clone();
        self.read(move |connection| {
            let source = Source {
                columns: "id, name, created_at, updated_at, revision",
                table: "organizations INDEXED BY organizations_by_created_at",
                matches: "instr(fold(name), :search)",
                within: None,
            };
            source.list(connection, &query, organization)
        })
        .await
    }

    async fn replace_organization(
        &self,
        organization: &Organization,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let (organization, event) = (organization.clone(), event.clone());
        self.write(Subject::Record(organization.id.as_u128()), move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE organizations SET name = :name, created_at = :created_at, updated_at = :updated_at,
                    revision = :revision
                 WHERE id = :id AND revision = :expected",
            )?;
            let replaced = statement.execute(named_params! {
                ":id": blob(organization.id.as_u128()),
                ":name": organization.name.as_str(),
                ":created_at": organization.created_at.unix_micros(),
                ":updated_at": organization.updated_at.unix_micros(),
                ":revision": revision(organization.revision),
                ":expected": revision(expected),
            })?;
            written(connection, replaced, &event)
        })
        .await
    }

    async fn remove_organization(
        &self,
        id: OrganizationId,
        event: &AuditEvent,
    ) -> Result<OrganizationRemoval, StoreError> {
        let event = event.clone();
        self.write(Subject::Record(id.as_u128()), move |connection| {
            let Some(number) = number(connection, id)? else {
                return Ok(OrganizationRemoval::NotFound);
            };
            if connection.prepare_cached("SELECT 1 FROM keys WHERE organization = ?")?.exists([number])? {
                return Ok(OrganizationRemoval::HasKeys);
            }
            // Its channels go with it, by their reference.
            connection.prepare_cached("DELETE FROM organizations WHERE number = ?")?.execute([number])?;
            append(connection, &event)?;
            Ok(OrganizationRemoval::Done)
        })
        .await
    }

    async fn save_channel(
        &self,
        channel: &Channel,
        expected: Option<Revision>,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let (channel, event) = (channel.clone(), event.clone());
        self.write(Subject::Record(channel.organization.as_u128()), move |connection| {
            let Some(organization) = number(connection, channel.organization)? else {
                return Ok(Written::Stale);
            };
            let mut parameters: Vec<Value> = vec![
                organization.into(),
                channel.id.as_str().to_owned().into(),
                channel.name.as_str().to_owned().into(),
                channel.kind.as_str().to_owned().into(),
                channel.created_at.unix_micros().into(),
                channel.updated_at.unix_micros().into(),
                revision(channel.revision),
            ];
            let sql = match expected {
                None => {
                    "INSERT INTO channels (organization, id, name, kind, created_at, updated_at, revision)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING"
                }
                Some(expected) => {
                    parameters.push(revision(expected));
                    "UPDATE channels SET name = ?3, kind = ?4, created_at = ?5, updated_at = ?6, revision = ?7
                     WHERE organization = ?1 AND id = ?2 AND revision = ?8"
                }
            };
            let saved = connection.prepare_cached(sql)?.execute(params_from_iter(parameters))?;
            written(connection, saved, &event)
        })
        .await
    }

    async fn channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
    ) -> Result<Option<Channel>, StoreError> {
        self.certain(organization.as_u128()).await?;
        let id = id.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, kind, created_at, updated_at, revision FROM channels
                 WHERE organization = (SELECT number FROM organizations WHERE id = ?) AND id = ?",
            )?;
            let parameters = params![blob(organization.as_u128()), id.as_str()];
            statement.query_and_then(parameters, |row| channel(row, organization))?.next().transpose()
        })
        .await
    }

    async fn channels(
        &self,
        organization: OrganizationId,
        query: &DirectoryQuery,
    ) -> Result<Listing<Channel>, StoreError> {
        let query = query.clone();
        self.read(move |connection| {
            let Some(number) = number(connection, organization)? else {
                return Ok(Listing { items: Vec::new(), total: 0 });
            };
            let source = Source {
                columns: "id, name, kind, created_at, updated_at, revision",
                table: "channels INDEXED BY channels_by_created_at",
                matches: "(instr(fold(name), :search) OR instr(fold(id), :search))",
                within: Some(number),
            };
            source.list(connection, &query, |row| channel(row, organization))
        })
        .await
    }

    async fn remove_channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let (id, event) = (id.clone(), event.clone());
        self.write(Subject::Record(organization.as_u128()), move |connection| {
            let mut statement = connection.prepare_cached(
                "DELETE FROM channels
                 WHERE organization = (SELECT number FROM organizations WHERE id = ?) AND id = ? AND revision = ?",
            )?;
            let removed =
                statement.execute(params![blob(organization.as_u128()), id.as_str(), revision(expected)])?;
            written(connection, removed, &event)
        })
        .await
    }
}

/// Stores a new organization.
pub(crate) fn insert(connection: &Connection, organization: &Organization) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO organizations (id, name, created_at, updated_at, revision) VALUES (?, ?, ?, ?, ?)",
    )?;
    statement.execute(params![
        blob(organization.id.as_u128()),
        organization.name.as_str(),
        organization.created_at.unix_micros(),
        organization.updated_at.unix_micros(),
        revision(organization.revision),
    ])?;
    Ok(())
}

/// The number that stands for an organization.
pub(crate) fn number(connection: &Connection, id: OrganizationId) -> Result<Option<i64>, Fault> {
    let mut statement = connection.prepare_cached("SELECT number FROM organizations WHERE id = ?")?;
    Ok(statement.query_row([blob(id.as_u128())], |row| row.get(0)).optional()?)
}

/// Writes the event of a change of one row, if there was one.
fn written(connection: &Connection, rows: usize, event: &AuditEvent) -> Result<Written, Fault> {
    if rows == 0 {
        return Ok(Written::Stale);
    }
    append(connection, event)?;
    Ok(Written::Done)
}

fn organization(row: &Row<'_>) -> Result<Organization, Fault> {
    let mut columns = Columns::of(row, "organization");
    Ok(Organization {
        id: OrganizationId::from_u128(columns.id()?),
        name: columns.parse()?,
        created_at: columns.instant()?,
        updated_at: columns.instant()?,
        revision: columns.revision()?,
    })
}

fn channel(row: &Row<'_>, organization: OrganizationId) -> Result<Channel, Fault> {
    let mut columns = Columns::of(row, "channel");
    Ok(Channel {
        organization,
        id: columns.parse()?,
        name: columns.parse()?,
        kind: columns.parse()?,
        created_at: columns.instant()?,
        updated_at: columns.instant()?,
        revision: columns.revision()?,
    })
}

/// Where a list by time of creation comes from.
struct Source {
    columns: &'static str,
    table: &'static str,
    /// What is true of a row that a search finds.
    matches: &'static str,
    /// The number of the organization whose rows are listed.
    within: Option<i64>,
}

impl Source {
    fn list<T>(
        &self,
        connection: &Connection,
        query: &DirectoryQuery,
        read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Listing<T>, Fault> {
        let Self { columns, table, matches, .. } = self;
        let mut conditions = vec!["true"];
        let mut parameters: Vec<(&str, Value)> = Vec::new();
        if let Some(number) = self.within {
            conditions.push("organization = :organization");
            parameters.push((":organization", number.into()));
        }
        if let Some(search) = &query.search {
            conditions.push(matches);
            parameters.push((":search", search.folded().to_owned().into()));
        }
        let conditions = conditions.join(" AND ");

        let mut statement =
            connection.prepare_cached(&format!("SELECT count(*) FROM {table} WHERE {conditions}"))?;
        let total = statement.query_and_then(&*parameters, count)?.sum::<Result<_, _>>()?;

        parameters.push((":limit", query.page.limit.into()));
        parameters.push((":offset", i64::try_from(query.page.offset).unwrap_or(i64::MAX).into()));
        let direction = match query.order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {columns} FROM {table} WHERE {conditions}
             ORDER BY created_at {direction}, id {direction} LIMIT :limit OFFSET :offset"
        ))?;
        let items = statement.query_and_then(&*parameters, read)?.collect::<Result<_, _>>()?;
        Ok(Listing { items, total })
    }
}
