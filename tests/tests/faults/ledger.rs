use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use qwetty::{Caller, Charge, Engine, EventList, KeyList, Origin};
use qwetty_keys::KeyId;
use qwetty_storage::{Action, DirectoryQuery, DirectoryStore, KeySort, Order, Page};
use qwetty_storage_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

use crate::story::{STEPS, Step, code, verify};

const ALL: Page = Page { offset: 0, limit: 100 };

/// What a story comes to: how everything may stand, by what was answered. A change that was not answered is done or not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    what: String,
    root: Option<String>,
    is_announced: bool,
    keys: BTreeMap<usize, Key>,
}

#[derive(Debug, Default)]
struct Key {
    values: Vec<String>,
    /// Every way in which it may stand.
    possible: Vec<State>,
    /// How often it was admitted, and how often of that before the last flush that was answered.
    admitted: u64,
    flushed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct State {
    exists: bool,
    is_revoked: bool,
    is_narrowed: bool,
    /// Which of the values that are known is the current one, if one of them is.
    current: Option<usize>,
}

impl State {
    fn after(self, step: Step, new_value: Option<usize>) -> Self {
        match step {
            Step::Create(_) => Self { exists: true, current: new_value, ..Self::default() },
            Step::Revoke(_) => Self { is_revoked: true, ..self },
            Step::Reactivate(_) => Self { is_revoked: false, ..self },
            Step::Regenerate(_) => Self { current: new_value, ..self },
            Step::Narrow(_) => Self { is_narrowed: true, ..self },
            Step::Delete(_) => Self { exists: false, ..self },
            Step::Flush => self,
        }
    }

    fn code(self, value: usize) -> &'static str {
        match self {
            Self { exists: true, current: Some(current), is_revoked, is_narrowed } if current == value => {
                match (is_revoked, is_narrowed) {
                    (true, _) => "revoked",
                    (false, true) => "insufficient_permissions",
                    (false, false) => "valid",
                }
            }
            _ => "not_found",
        }
    }
}

impl Ledger {
    /// Reads what was said, and makes sure that no decision contradicts what was answered before it.
    pub(crate) fn of(told: &[String], what: &str) -> Self {
        let mut ledger = Self { what: what.to_owned(), ..Self::default() };
        let mut begun = None;
        for line in told {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["root", value] => ledger.root = Some(value.to_owned()),
                ["announced"] => ledger.is_announced = true,
                ["step", number, "begins"] => begun = Some(STEPS[number.parse::<usize>().unwrap()]),
                ["step", _, outcome] => ledger.step(begun.take().unwrap(), Some(outcome)),
                ["saw", number, which, code] => {
                    ledger.saw(number.parse().unwrap(), which.parse().unwrap(), code)
                }
                _ => {}
            }
        }
        if let Some(step) = begun {
            ledger.step(step, None);
        }
        ledger
    }

    /// A step that was answered with this, or with nothing.
    fn step(&mut self, step: Step, outcome: Option<&str>) {
        let number = match step {
            Step::Flush if outcome == Some("flushed") => {
                return self.keys.values_mut().for_each(|key| key.flushed = key.admitted);
            }
            Step::Flush => return,
            Step::Create(number)
            | Step::Revoke(number)
            | Step::Reactivate(number)
            | Step::Regenerate(number)
            | Step::Narrow(number)
            | Step::Delete(number) => number,
        };
        let key = self
            .keys
            .entry(number)
            .or_insert_with(|| Key { possible: vec![State::default()], ..Key::default() });
        let is_done = outcome.is_some_and(|outcome| outcome != "failed");
        let new_value = outcome.filter(|outcome| outcome.starts_with("qwt_")).map(|value| {
            key.values.push(value.to_owned());
            key.values.len() - 1
        });
        let after: Vec<State> = key.possible.iter().map(|state| state.after(step, new_value)).collect();
        if is_done {
            key.possible.clear();
        }
        for state in after {
            if !key.possible.contains(&state) {
                key.possible.push(state);
            }
        }
    }

    fn saw(&mut self, number: usize, which: usize, code: &str) {
        let key = self.keys.get_mut(&number).unwrap();
        let possible: Vec<_> = key.possible.iter().map(|state| state.code(which)).collect();
        let is_possible = code == "unavailable" || possible.contains(&code);
        assert!(is_possible, "{}: key {number} value {which} was {code}, not {possible:?}", self.what);
        key.admitted += u64::from(code == "valid");
    }

    /// Opens the database, now that nothing fails any more, and looks for everything.
    pub(crate) async fn hold_against(&self, path: &Path) {
        let what = &self.what;
        let was_there = path.exists();
        assert!(was_there || !self.is_announced, "{what}: the database is gone");
        let store =
            SqliteStore::open(path, Options::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
        if was_there {
            is_sound(path, what);
        }
        let store = Arc::new(store);
        let engine = Engine::builder(store.clone()).start().unwrap();
        let (manager, verifier) = (engine.manager(), engine.verifier());
        let root = match manager.set_up().await.unwrap() {
            Some(root) => {
                assert!(!self.is_announced, "{what}: a second root key");
                root.value.expose().to_owned()
            }
            None => self.root.clone().expect("a root key that nobody saw"),
        };
        let owner = Caller::owner(Origin::default());
        let query = DirectoryQuery { search: None, order: Order::Ascending, page: ALL };
        let organizations = store.organizations(&query).await.unwrap().items;
        assert_eq!(organizations.len(), 1, "{what}");
        let list = KeyList {
            organization: Some(organizations[0].id),
            search: None,
            status: None,
            sort: KeySort::CreatedAt,
            order: Order::Ascending,
            page: ALL,
        };
        let listed = manager.list(&owner, list).await.unwrap().items;
        assert_eq!(code(verify(&verifier, &root, Charge::Nothing).await), "valid", "{what}: the root key");
        let is_root = |name: &str| name == "Root key";
        assert_eq!(listed.iter().filter(|key| is_root(key.record.name.as_str())).count(), 1, "{what}");

        for (number, key) in &self.keys {
            for (which, value) in key.values.iter().enumerate() {
                let code = code(verify(&verifier, value, Charge::Nothing).await);
                let possible: Vec<_> = key.possible.iter().map(|state| state.code(which)).collect();
                assert!(
                    possible.contains(&code),
                    "{what}: key {number} value {which} is {code}, not {possible:?}"
                );
            }
            let name = format!("Key {number}");
            let found = listed.iter().find(|key| key.record.name.as_str() == name);
            if let Some(found) = found {
                let counted = found.usage.request_count;
                let range = key.flushed..=key.admitted;
                assert!(
                    range.contains(&counted),
                    "{what}: key {number} was counted {counted} times, not {range:?}"
                );
            }
        }
        // Every change has its event, and every event its change.
        let events =
            EventList { organization: Some(organizations[0].id), key: None, action: None, page: ALL };
        let mut logged: BTreeMap<KeyId, State> = BTreeMap::new();
        for event in manager.events(&owner, events).await.unwrap().items.into_iter().rev() {
            let step = match event.action {
                Action::KeyCreated => Step::Create(0),
                Action::KeyRevoked => Step::Revoke(0),
                Action::KeyReactivated => Step::Reactivate(0),
                Action::KeyUpdated => Step::Narrow(0),
                Action::KeyDeleted => Step::Delete(0),
                _ => continue,
            };
            let state = logged.entry(event.key.unwrap()).or_default();
            *state = state.after(step, None);
        }
        logged.retain(|_, state| state.exists);
        let found: BTreeMap<KeyId, State> = listed
            .iter()
            .map(|key| {
                let is_revoked = key.record.lifecycle.revocation().is_some();
                let is_narrowed = !is_root(key.record.name.as_str()) && key.permissions.len() == 1;
                (key.record.id, State { exists: true, is_revoked, is_narrowed, current: None })
            })
            .collect();
        assert_eq!(found, logged, "{what}: the log tells of other keys");
        engine.shutdown().await.unwrap();
        store.close().await;
    }
}

fn is_sound(path: &Path, what: &str) {
    let connection = Connection::open(path).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok", "{what}");
}
