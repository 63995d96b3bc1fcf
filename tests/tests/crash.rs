//! `kill -9` at random moments: what was answered as done is there, and nothing is half done. Contract section 6.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a promise has a time, and figures are told"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use qwetty_tests::{Answer, Call, Client, Launch, NewKey, in_time};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How many rounds there are: some, unless told.
const ROUNDS: &str = "QWETTY_CRASH_ROUNDS";
const SOME_ROUNDS: u64 = 15;
/// Within which a start is over, whatever the crash left.
const START: Duration = Duration::from_secs(5);
const CONNECTIONS: u64 = 4;
const VERIFIERS: u64 = 2;
const KEYS: &str = "/api/v1/api-keys";
const PERMISSIONS: [&str; 5] =
    ["chats:read", "messages:send", "contacts:manage", "templates:read", "templates:send"];

#[tokio::test]
async fn what_was_answered_survives_and_nothing_is_half_done() {
    let quotas = ["--tier-standard", "1000000/3600", "--tier-admin", "1000000/3600"];
    // Often enough that some counts are stored before a crash.
    let launch = Launch::serve().with(quotas).env("QWETTY_FLUSH_INTERVAL_MS", "20");
    let mut server = launch.start().await;
    let mut random = ChaCha8Rng::seed_from_u64(0x51_E77);
    let mut all: Vec<Model> = Vec::new();
    let used = server.root().create(json!({"name": "Used"})).await;
    // How often it was admitted at most, and how often by the last count that was seen.
    let (mut admitted, mut counted) = (0, 0);
    let mut longest = Duration::ZERO;
    let rounds = std::env::var(ROUNDS).map_or(SOME_ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let answered = Arc::new(AtomicUsize::new(0));
        let mut working = JoinSet::new();
        for number in 0..CONNECTIONS {
            let worker = Worker {
                client: server.root(),
                random: ChaCha8Rng::seed_from_u64(round * CONNECTIONS + number),
                name: format!("Round {round} worker {number} key"),
                models: Vec::new(),
                answered: Arc::clone(&answered),
            };
            working.spawn(worker.work());
        }
        let mut verifying = JoinSet::new();
        for _ in 0..VERIFIERS {
            verifying.spawn(verify(server.root(), used.value.clone()));
        }
        let until = random.random_range(0..60);
        in_time("answers before the crash", async {
            while answered.load(Ordering::SeqCst) < until {
                tokio::task::yield_now().await;
            }
        })
        .await;
        for _ in 0..random.random_range(0..2_000) {
            tokio::task::yield_now().await;
        }
        let killed = Instant::now();
        server = server.crash().await;
        longest = longest.max(killed.elapsed());
        assert!(
            killed.elapsed() < START,
            "round {round}: {:?} from the crash to the next start",
            killed.elapsed()
        );
        is_sound(&server.database());
        let mut root = server.root();
        admitted += in_time("the end of the decisions", verifying.join_all()).await.into_iter().sum::<u64>();
        let count = root.key(&used.id).await["usage"]["requestCount"].as_u64().unwrap();
        assert!((counted..=admitted).contains(&count), "{count} of {admitted}, and {counted} before");
        counted = count;
        for (models, pending) in in_time("the end of the workers", working.join_all()).await {
            all.extend(settle(&mut root, models, pending).await);
        }
    }
    assert!(all.len() as u64 > rounds, "the rounds did something");
    eprintln!("{rounds} crashes, {} keys, a start within {longest:?}", all.len());
    assert!(counted > 0, "decisions were counted");
    let mut root = server.root();
    for model in all {
        assert_eq!(look(&mut root, &model).await, model.expected(), "a later crash undid an earlier change");
    }
}

/// Has a value judged until the connection breaks. Gives how often it was admitted, the last time included, of which nobody knows.
async fn verify(mut client: Client, value: String) -> u64 {
    let call = Call::new(Method::POST, "/api/v1/verify").json(&json!({"key": value}));
    let mut admitted = 1;
    while let Ok(answer) = client.try_send(call.clone()).await {
        assert_eq!(answer.expect(200).data()["code"], "valid");
        admitted += 1;
    }
    admitted
}

/// As SQLite sees it, from beside the server.
fn is_sound(database: &Path) {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

/// A key as the answers so far tell that it is.
#[derive(Debug, Clone)]
struct Model {
    id: String,
    name: String,
    permissions: Value,
    /// Every value that it had and that an answer told, the newest last.
    values: Vec<String>,
    /// Whether the last of them is the current one: a value in an answer that was lost is nobody's.
    is_current_known: bool,
    is_revoked: bool,
    is_deleted: bool,
    /// One for each change.
    events: u64,
}

/// A key as the server shows it.
#[derive(Debug, PartialEq)]
struct Sight {
    /// Name, permissions and status; `None` for a key that is gone.
    object: Option<(String, Value, String)>,
    codes: Vec<&'static str>,
    events: u64,
}

/// A change of a key, or a new key.
#[derive(Debug, Clone)]
enum Change {
    Create { name: String, permissions: Value },
    Update { name: String, permissions: Value },
    Regenerate,
    Revoke,
    Reactivate,
    Delete,
}

/// A change that was sent and not answered, with the position of its key.
type Pending = Option<(usize, Change)>;

struct Worker {
    client: Client,
    random: ChaCha8Rng,
    name: String,
    models: Vec<Model>,
    answered: Arc<AtomicUsize>,
}

impl Worker {
    /// Changes keys until the connection breaks.
    async fn work(mut self) -> (Vec<Model>, Pending) {
        loop {
            let (at, change) = self.choose();
            let id = self.models.get(at).map(|model| model.id.clone());
            let Ok(answer) = self.client.try_send(change.call(id.as_deref())).await else {
                return (self.models, Some((at, change)));
            };
            match &change {
                Change::Create { .. } => self.models.push(Model::created(&NewKey::from(answer.expect(201)))),
                change => self.models[at].apply(change, Some(&answer)),
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn choose(&mut self) -> (usize, Change) {
        let living: Vec<usize> = (0..self.models.len()).filter(|at| !self.models[*at].is_deleted).collect();
        let count = self.models.len();
        let name = format!("{} {} {}", self.name, count, self.random.random_range(0..1_000_000));
        let first = self.random.random_range(0..PERMISSIONS.len());
        let permissions = json!(PERMISSIONS[first..]);
        if living.is_empty() || self.random.random_range(0..4) == 0 {
            return (count, Change::Create { name, permissions });
        }
        let at = living[self.random.random_range(0..living.len())];
        let change = match (self.random.random_range(0..5), self.models[at].is_revoked) {
            (0, _) => Change::Delete,
            (1, _) => Change::Update { name, permissions },
            (_, true) => Change::Reactivate,
            (2, false) => Change::Revoke,
            (_, false) => Change::Regenerate,
        };
        (at, change)
    }
}

impl Change {
    fn call(&self, id: Option<&str>) -> Call {
        let path = |call: &str| format!("{KEYS}/{}{call}", id.unwrap());
        match self {
            Self::Create { name, permissions } => {
                Call::new(Method::POST, KEYS).json(&json!({"name": name, "permissions": permissions}))
            }
            Self::Update { name, permissions } => {
                Call::new(Method::PATCH, &path("")).json(&json!({"name": name, "permissions": permissions}))
            }
            Self::Regenerate => Call::new(Method::POST, &path("/regenerate")),
            Self::Revoke => Call::new(Method::POST, &path("/revoke")),
            Self::Reactivate => Call::new(Method::POST, &path("/reactivate")),
            Self::Delete => Call::new(Method::DELETE, &path("")),
        }
    }
}

impl Model {
    fn created(key: &NewKey) -> Self {
        Self { values: vec![key.value.clone()], is_current_known: true, ..Self::found(&key.object) }
    }

    /// A key whose creation was not answered.
    fn found(object: &Value) -> Self {
        Self {
            id: object["id"].as_str().unwrap().to_owned(),
            name: object["name"].as_str().unwrap().to_owned(),
            permissions: object["permissions"].clone(),
            values: Vec::new(),
            is_current_known: false,
            is_revoked: false,
            is_deleted: false,
            events: 1,
        }
    }

    /// The key after the change, whose answer may be lost.
    fn apply(&mut self, change: &Change, answer: Option<&Answer>) {
        self.events += 1;
        match change {
            Change::Create { .. } => unreachable!("a key is created once"),
            Change::Update { name, permissions } => {
                self.name.clone_from(name);
                self.permissions.clone_from(permissions);
            }
            Change::Regenerate => {
                self.is_current_known = answer.is_some();
                self.values.extend(answer.map(|answer| NewKey::from(answer.clone().expect(200)).value));
            }
            Change::Revoke => self.is_revoked = true,
            Change::Reactivate => self.is_revoked = false,
            Change::Delete => self.is_deleted = true,
        }
        let status = if matches!(change, Change::Delete) { 204 } else { 200 };
        assert!(answer.is_none_or(|answer| answer.status == status), "{change:?}: {answer:?}");
    }

    fn expected(&self) -> Sight {
        let current = match (self.is_deleted, self.is_revoked) {
            (true, _) => "not_found",
            (false, true) => "revoked",
            (false, false) => "valid",
        };
        let status = if self.is_revoked { "revoked" } else { "active" };
        let mut codes = vec!["not_found"; self.values.len()];
        if let (true, Some(last)) = (self.is_current_known, codes.last_mut()) {
            *last = current;
        }
        let object = (self.name.clone(), self.permissions.clone(), status.to_owned());
        Sight { object: (!self.is_deleted).then_some(object), codes, events: self.events }
    }
}

/// Holds the models against the server after a crash. A change that was not answered is done or not done.
async fn settle(root: &mut Client, mut models: Vec<Model>, pending: Pending) -> Vec<Model> {
    let mut changed = None;
    match pending {
        Some((_, Change::Create { name, permissions })) => {
            let query = name.replace(' ', "+");
            let found = root.get(&format!("{KEYS}?search={query}")).await.expect(200).data();
            if let [object] = &found.as_array().unwrap()[..] {
                let model = Model::found(object);
                assert_eq!(model.permissions, permissions, "a key is whole or not there");
                models.push(model);
            } else {
                assert_eq!(found, json!([]));
            }
        }
        Some((at, change)) => {
            let mut after = models[at].clone();
            after.apply(&change, None);
            changed = Some((at, after, change));
        }
        None => {}
    }
    for (at, model) in models.iter_mut().enumerate() {
        let seen = look(root, model).await;
        if seen == model.expected() {
            continue;
        }
        match &changed {
            Some((pending, after, change)) if *pending == at => {
                assert_eq!(seen, after.expected(), "half done or lost: {change:?} of {model:?}");
                model.clone_from(after);
            }
            _ => assert_eq!(seen, model.expected(), "lost: {model:?}"),
        }
    }
    models
}

async fn look(root: &mut Client, model: &Model) -> Sight {
    let answer = root.get(&format!("{KEYS}/{}", model.id)).await;
    let object = (answer.status != 404).then(|| {
        let object = answer.expect(200).data();
        let text = |member: &str| object[member].as_str().unwrap().to_owned();
        (text("name"), object["permissions"].clone(), text("status"))
    });
    let mut codes = Vec::new();
    for value in &model.values {
        let code = root.code(value).await;
        codes.push(["valid", "revoked", "not_found"].into_iter().find(|known| *known == code).unwrap());
    }
    let path = format!("/api/v1/audit-events?keyId={}&limit=1", model.id);
    let events = root.get(&path).await.expect(200).json()["meta"]["total"].as_u64().unwrap();
    Sight { object, codes, events }
}
