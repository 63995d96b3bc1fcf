use std::time::Duration;

use qwetty_keys::{KeyId, Status, Timestamp};
use qwetty_storage::{KeyQuery, KeySort, Listing, Order, StoredKey};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::columns::{blob, count};
use crate::directory;
use crate::fault::Fault;
use crate::key_row::{select_stored, stored};

/// How long before its expiry a key is expiring soon: the rule of [`Status`], in SQL's words below.
const EXPIRING_SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// A page of an organization's keys.
///
/// SQLite puts nulls first in one direction and last in the other, and they are to be last in both. So a list by a column
/// that may be null is read as two, one after the other, each in the order of the same index.
pub(crate) fn list(connection: &Connection, query: &KeyQuery) -> Result<Listing<StoredKey>, Fault> {
    let mut listing = Listing { items: Vec::new(), total: 0 };
    let Some(organization) = directory::number(connection, query.organization)? else {
        return Ok(listing);
    };
    let mut filter = Filter::of(query, organization);
    filter.judge_later(connection, query)?;
    let mut offset = query.page.offset;
    let mut limit = query.page.limit;
    for &part in parts(query.sort) {
        let count = filter.count(connection, query.sort, part)?;
        listing.total += count;
        if offset < count {
            let items = filter.page(connection, query, part, offset, limit)?;
            limit = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
            listing.items.extend(items);
        }
        offset = offset.saturating_sub(count);
    }
    Ok(listing)
}

/// A stretch of a sort's index.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    /// All that is not null: no integer is smaller. (With `IS NOT NULL` SQLite would step through the nulls.)
    Values,
    Nulls,
}

fn parts(sort: KeySort) -> &'static [Part] {
    match sort {
        KeySort::CreatedAt | KeySort::Name | KeySort::RequestCount => &[Part::Whole],
        KeySort::ExpiresAt | KeySort::LastUsedAt => &[Part::Values, Part::Nulls],
    }
}

/// The column that a sort goes by.
fn column(sort: KeySort) -> &'static str {
    match sort {
        KeySort::CreatedAt => "created_at",
        KeySort::Name => "folded_name",
        KeySort::ExpiresAt => "expires_at",
        KeySort::LastUsedAt => "last_used_at",
        KeySort::RequestCount => "request_count",
    }
}

/// The index that is in the order of a sort.
fn index(sort: KeySort) -> &'static str {
    match sort {
        KeySort::CreatedAt => "keys_by_created_at",
        KeySort::Name => "keys_by_name",
        KeySort::ExpiresAt => "keys_by_expires_at",
        KeySort::LastUsedAt => "keys_by_last_used_at",
        KeySort::RequestCount => "keys_by_request_count",
    }
}

/// The index by which the keys of a sort's parts are counted. That of the creation has all that a status follows from, so that no
/// row is read for it; what tells the parts of the last use is in that sort's own alone.
fn counted_by(sort: KeySort) -> &'static str {
    match sort {
        KeySort::CreatedAt | KeySort::Name | KeySort::ExpiresAt | KeySort::RequestCount => {
            index(KeySort::CreatedAt)
        }
        KeySort::LastUsedAt => index(KeySort::LastUsedAt),
    }
}

/// Which keys a query is about, in SQL.
struct Filter {
    conditions: String,
    parameters: Vec<(&'static str, Value)>,
}

impl Filter {
    fn of(query: &KeyQuery, organization: i64) -> Self {
        let mut conditions = "organization = :organization".to_owned();
        let mut parameters = vec![(":organization", organization.into())];
        if let Some(status) = query.status {
            let is_of_status = is_of_status(status);
            conditions.push_str(&if query.judged_later.is_empty() {
                format!(" AND {is_of_status}")
            } else {
                format!(
                    " AND CASE WHEN id IN (SELECT unhex(value) FROM json_each(:judged_later))
                        THEN id IN (SELECT unhex(value) FROM json_each(:of_status)) ELSE {is_of_status} END"
                )
            });
            parameters.extend(instants(status, query.now));
        }
        if let Some(search) = &query.search {
            conditions.push_str(
                " AND (instr(folded_name, :search) OR instr(fold(description), :search)
                    OR instr(fold(start), :search))",
            );
            parameters.push((":search", search.folded().to_owned().into()));
        }
        Self { conditions, parameters }
    }

    /// Tells which keys are judged by an instant of their own, and which of them then have the status asked for.
    fn judge_later(&mut self, connection: &Connection, query: &KeyQuery) -> Result<(), Fault> {
        let Some(status) = query.status.filter(|_| !query.judged_later.is_empty()) else { return Ok(()) };
        let sql = format!("SELECT 1 FROM keys WHERE id = :id AND {}", is_of_status(status));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut of_status = Vec::new();
        for (&id, &at) in &query.judged_later {
            let mut parameters = instants(status, at);
            parameters.push((":id", blob(id.as_u128()).to_vec().into()));
            if statement.exists(&*parameters)? {
                of_status.push(id);
            }
        }
        let judged_later = json_of(query.judged_later.keys().copied());
        self.parameters.push((":judged_later", judged_later.into()));
        self.parameters.push((":of_status", json_of(of_status).into()));
        Ok(())
    }

    fn count(&self, connection: &Connection, sort: KeySort, part: Part) -> Result<u64, Fault> {
        let sql = format!("SELECT count(*) FROM {}", self.source(counted_by(sort), sort, part));
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_and_then(&*self.parameters, count)?.sum()
    }

    fn page(
        &self,
        connection: &Connection,
        query: &KeyQuery,
        part: Part,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<StoredKey>, Fault> {
        let mut statement = connection.prepare_cached(&self.page_sql(query.sort, query.order, part))?;
        statement.query_and_then(&*self.page_parameters(offset, limit), stored)?.collect()
    }

    fn page_sql(&self, sort: KeySort, order: Order, part: Part) -> String {
        let column = column(sort);
        let direction = match order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        format!(
            "{} {} ORDER BY {column} {direction}, id {direction} LIMIT :limit OFFSET :offset",
            select_stored!(""),
            self.source(index(sort), sort, part)
        )
    }

    fn page_parameters(&self, offset: u64, limit: u32) -> Vec<(&'static str, Value)> {
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let mut parameters = self.parameters.clone();
        parameters.extend([(":limit", limit.into()), (":offset", offset.into())]);
        parameters
    }

    /// The rows of a part of a sort, by way of an index.
    fn source(&self, index: &str, sort: KeySort, part: Part) -> String {
        let column = column(sort);
        let stretch = match part {
            Part::Whole => String::new(),
            Part::Values => format!(" AND {column} >= {}", i64::MIN),
            Part::Nulls => format!(" AND {column} IS NULL"),
        };
        format!("keys INDEXED BY {index} WHERE {}{stretch}", self.conditions)
    }
}

/// What makes a key's status this one at `:now`, seven days before `:soon`.
fn is_of_status(status: Status) -> &'static str {
    match status {
        Status::Revoked => "revoked_at IS NOT NULL",
        Status::Expired => "revoked_at IS NULL AND expires_at <= :now",
        Status::ExpiringSoon => "revoked_at IS NULL AND expires_at > :now AND expires_at <= :soon",
        Status::Active => {
            "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now AND expires_at > :soon)"
        }
    }
}

/// The instants that [`is_of_status`] names.
fn instants(status: Status, now: Timestamp) -> Vec<(&'static str, Value)> {
    let mut instants = Vec::new();
    if status != Status::Revoked {
        instants.push((":now", now.unix_micros().into()));
    }
    if matches!(status, Status::ExpiringSoon | Status::Active) {
        instants.push((":soon", now.saturating_add(EXPIRING_SOON).unix_micros().into()));
    }
    instants
}

/// Ids as a JSON list, which SQLite takes for a table.
fn json_of(ids: impl IntoIterator<Item = KeyId>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| format!("\"{:032x}\"", id.as_u128())).collect();
    format!("[{}]", ids.join(","))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use qwetty_keys::OrganizationId;
    use qwetty_storage::{Page, Search, fold};
    use rusqlite::functions::FunctionFlags;

    use super::*;
    use crate::migrations::{MIGRATIONS, migrate};

    #[test]
    fn every_list_goes_by_the_index_of_its_sort_and_sorts_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, MIGRATIONS, Path::new("test")).unwrap();
        let folding = |context: &rusqlite::functions::Context<'_>| Ok(fold(&context.get::<String>(0)?));
        connection.create_scalar_function("fold", 1, FunctionFlags::SQLITE_DETERMINISTIC, folding).unwrap();
        for query in queries() {
            let filter = Filter::of(&query, 1);
            for &part in parts(query.sort) {
                let sql = filter.page_sql(query.sort, query.order, part);
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let parameters = filter.page_parameters(0, 1);
                let lines = statement.query_map(&*parameters, |row| row.get::<_, String>("detail")).unwrap();
                let plan = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
                let index = index(query.sort);
                assert!(plan.contains(&format!("USING INDEX {index} (organization=?")), "{sql}\n{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
            }
        }
    }

    #[test]
    fn keys_of_a_status_are_counted_without_their_rows() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, MIGRATIONS, Path::new("test")).unwrap();
        for query in queries().into_iter().filter(|query| query.search.is_none()) {
            if query.sort == KeySort::LastUsedAt && query.status.is_some() {
                continue;
            }
            let filter = Filter::of(&query, 1);
            for &part in parts(query.sort) {
                let source = filter.source(counted_by(query.sort), query.sort, part);
                let mut statement =
                    connection.prepare(&format!("EXPLAIN QUERY PLAN SELECT count(*) FROM {source}")).unwrap();
                let plan: String = statement.query_row(&*filter.parameters, |row| row.get("detail")).unwrap();
                assert!(plan.contains("USING COVERING INDEX"), "{source}\n{plan}");
            }
        }
    }

    /// Every form that a list can have.
    fn queries() -> Vec<KeyQuery> {
        let statuses = [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked];
        let mut queries = Vec::new();
        for sort in KeySort::ALL {
            for order in [Order::Ascending, Order::Descending] {
                for status in statuses.map(Some).into_iter().chain([None]) {
                    for search in [None, Search::new("x")] {
                        let organization = OrganizationId::from_u128(1);
                        let (now, page) = (Timestamp::from_unix_micros(0), Page { offset: 0, limit: 1 });
                        let judged_later = BTreeMap::new();
                        queries.push(KeyQuery {
                            organization,
                            search,
                            status,
                            now,
                            judged_later,
                            sort,
                            order,
                            page,
                        });
                    }
                }
            }
        }
        queries
    }
}
