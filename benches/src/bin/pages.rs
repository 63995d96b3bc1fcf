//! How long a page of a list takes in a database of many keys, beside one of few in which an organization has as many.
//!
//! `pages MANY.db FEW.db`, two files of `make_database`. Some of their keys are given usage. Each kind of page is asked for in
//! turn, of the one and of the other, in organizations that take turns; what is printed are medians, as docs/benchmarks.md has
//! them.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up says so by panicking"
)]

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use qwetty::{Caller, Engine, EventList, HourRange, KeyList, KeyManager, Origin};
use qwetty_keys::{KeyId, OrganizationId, Status};
use qwetty_storage::{
    DirectoryQuery, Hour, HourlyCounts, KeySort, Order, Outcome, OutcomeCounts, Page, UsageBatch, UsageRow,
    UsageStore,
};
use qwetty_storage_sqlite::{Options, SqliteStore};

/// Of how many organizations pages are asked for.
const ORGANIZATIONS: u32 = 20;
const ROUNDS: usize = 40;
/// Of so many hours a key has usage.
const HOURS: i64 = 24;
/// The longest page there is.
const LIMIT: u32 = 100;
const FIRST: Page = Page { offset: 0, limit: 10 };

/// One database, and what is asked of it.
struct Database {
    store: Arc<SqliteStore>,
    engine: Engine,
    organizations: Vec<(OrganizationId, Vec<KeyId>)>,
}

/// A kind of page.
enum Kind {
    Keys(KeyList),
    Usage,
    EventsOfKey,
    Events(Page),
    Organizations,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [many, few] = files.as_slice() else { return Err("usage: pages MANY.db FEW.db".into()) };
    let databases = [Database::open(many.as_ref()).await?, Database::open(few.as_ref()).await?];
    let kinds = kinds();
    let mut times = vec![[const { Vec::new() }; 2]; kinds.len()];
    for round in 0..ROUNDS {
        for (kind, times) in kinds.iter().zip(&mut times) {
            for (database, times) in databases.iter().zip(times) {
                times.push(database.time(&kind.1, round).await?);
            }
        }
    }
    let mut out = stdout().lock();
    writeln!(out, "| page | many | few | ratio |\n|---|--:|--:|--:|")?;
    for ((name, _), times) in kinds.iter().zip(times) {
        let [many, few] = times.map(median);
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        writeln!(out, "| {name} | {} µs | {} µs | {ratio:.1} |", many.as_micros(), few.as_micros())?;
    }
    for database in databases {
        database.engine.shutdown().await?;
        database.store.close().await;
    }
    Ok(())
}

fn kinds() -> Vec<(String, Kind)> {
    let keys = |name: &str, list: KeyList| (name.to_owned(), Kind::Keys(list));
    let deep = Page { offset: 900, ..FIRST };
    let list = || KeyList {
        organization: None,
        search: None,
        status: None,
        sort: KeySort::CreatedAt,
        order: Order::Descending,
        page: FIRST,
    };
    let mut kinds = Vec::new();
    for sort in KeySort::ALL {
        kinds.push(keys(&format!("keys by {sort}, first page"), KeyList { sort, ..list() }));
        kinds.push(keys(&format!("keys by {sort}, page 91"), KeyList { sort, page: deep, ..list() }));
    }
    let whole = Page { limit: LIMIT, ..FIRST };
    kinds.extend([
        keys("keys, a page of 100", KeyList { page: whole, ..list() }),
        keys("keys that are active", KeyList { status: Some(Status::Active), ..list() }),
        keys("keys that are revoked: none", KeyList { status: Some(Status::Revoked), ..list() }),
        keys("keys, a search that finds all", KeyList { search: search("crm"), ..list() }),
        keys(
            "keys, a search that finds all, page 91",
            KeyList { search: search("crm"), page: deep, ..list() },
        ),
        keys("keys, a search that finds none", KeyList { search: search("nobody"), ..list() }),
        ("usage of a key, 24 hours".to_owned(), Kind::Usage),
        ("audit events, first page".to_owned(), Kind::Events(FIRST)),
        ("audit events, page 91".to_owned(), Kind::Events(deep)),
        ("audit events of a key".to_owned(), Kind::EventsOfKey),
        ("organizations, first page".to_owned(), Kind::Organizations),
    ]);
    kinds
}

fn search(text: &str) -> Option<qwetty_storage::Search> {
    qwetty_storage::Search::new(text)
}

impl Database {
    async fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let store = Arc::new(SqliteStore::open(path, Options::default())?);
        let engine = Engine::builder(Arc::clone(&store) as _).start()?;
        let mut database = Self { store, engine, organizations: Vec::new() };
        let organizations = database.organizations(ORGANIZATIONS + 1).await?;
        for organization in organizations {
            let keys = database.keys_of(organization).await?;
            // The first organization has the root key alone.
            if keys.len() > 1 {
                database.use_keys(&keys).await?;
                database.organizations.push((organization, keys));
            }
        }
        Ok(database)
    }

    async fn organizations(&self, limit: u32) -> Result<Vec<OrganizationId>, Box<dyn Error>> {
        let query = DirectoryQuery { search: None, order: Order::Ascending, page: Page { offset: 0, limit } };
        let listing = self.engine.manager().organizations(&owner(), &query).await?;
        Ok(listing.items.into_iter().map(|organization| organization.id).collect())
    }

    async fn keys_of(&self, organization: OrganizationId) -> Result<Vec<KeyId>, Box<dyn Error>> {
        let mut keys = Vec::new();
        loop {
            let page = Page { offset: keys.len().try_into()?, limit: LIMIT };
            let list = KeyList {
                organization: Some(organization),
                search: None,
                status: None,
                sort: KeySort::CreatedAt,
                order: Order::Ascending,
                page,
            };
            let listing = self.engine.manager().list(&owner(), list).await?;
            keys.extend(listing.items.iter().map(|view| view.record.id));
            if listing.items.is_empty() {
                return Ok(keys);
            }
        }
    }

    /// Writes down calls of each of the last hours, of some keys more than of others.
    async fn use_keys(&self, keys: &[KeyId]) -> Result<(), Box<dyn Error>> {
        let now = self.engine.now().wall;
        let rows = keys.iter().zip(1..).map(|(key, calls)| {
            let mut counts = OutcomeCounts::default();
            counts.add(Outcome::Admitted, calls);
            let hours = (0..HOURS).map(|ago| HourlyCounts { hour: Hour::of(now).plus(-ago), counts });
            UsageRow {
                key: *key,
                hours: hours.collect(),
                last_used_at: Some(now.saturating_sub(Duration::from_millis(calls))),
                previous_value_last_used_at: None,
                window: None,
            }
        });
        let writer = keys.first().map_or(1, |key| key.as_u128());
        let batch = UsageBatch { writer, sequence: 1, at: now, rows: rows.collect() };
        Ok(self.store.record_usage(&batch).await?)
    }

    #[expect(clippy::disallowed_methods, reason = "a bench runs in real time")]
    async fn time(&self, kind: &Kind, round: usize) -> Result<Duration, Box<dyn Error>> {
        let (organization, keys) = &self.organizations[round % self.organizations.len()];
        let manager = self.engine.manager();
        let began = Instant::now();
        kind.ask(&manager, &self.engine, *organization, keys[round * 7 % keys.len()]).await?;
        Ok(began.elapsed())
    }
}

impl Kind {
    async fn ask(
        &self,
        manager: &KeyManager,
        engine: &Engine,
        organization: OrganizationId,
        key: KeyId,
    ) -> Result<(), Box<dyn Error>> {
        let owner = owner();
        match self {
            Self::Keys(list) => {
                let list = KeyList { organization: Some(organization), ..list.clone() };
                manager.list(&owner, list).await?;
            }
            Self::Usage => {
                let range = HourRange::new(None, None, engine.now().wall)?;
                manager.usage(&owner, key, range).await?;
            }
            Self::EventsOfKey => {
                let list =
                    EventList { organization: Some(organization), key: Some(key), action: None, page: FIRST };
                manager.events(&owner, list).await?;
            }
            Self::Events(page) => {
                let list =
                    EventList { organization: Some(organization), key: None, action: None, page: *page };
                manager.events(&owner, list).await?;
            }
            Self::Organizations => {
                let query = DirectoryQuery { search: None, order: Order::Ascending, page: FIRST };
                manager.organizations(&owner, &query).await?;
            }
        }
        Ok(())
    }
}

fn owner() -> Caller {
    Caller::owner(Origin::default())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
