use std::fs;
use std::path::Path;
use std::sync::Arc;

use qwetty::{Charge, Engine, Verdict, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_storage_sqlite::{Options, SqliteStore};
use qwetty_tests::{Client, Launch, NewKey, Server};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

/// How many bits are flipped, one at a time, in each file; some, unless told.
const FLIPS: &str = "QWETTY_FLIPS";

fn flips() -> usize {
    std::env::var(FLIPS).map_or(250, |flips| flips.parse().unwrap())
}

/// Something that must not be admitted: a value, and what is asked of it.
struct Refused {
    what: &'static str,
    value: String,
    address: &'static str,
    permission: &'static str,
    channel: &'static str,
}

/// A database of keys that are restricted in every way, and what they are refused. The file and its log are as a crash leaves
/// them; `is_closed` moves the log into the file.
async fn database(is_closed: bool) -> (Launch, String, Vec<Refused>) {
    let server = Server::start().await;
    let mut root = server.root();
    for channel in ["wa-1", "wa-3"] {
        let named = json!({"name": channel, "type": "whatsapp"});
        root.put(&format!("/api/v1/channels/{channel}"), named).await.expect(200);
    }
    let restricted = root
        .create(json!({"permissions": ["chats:read"], "channelScopes": ["wa-1"], "ipWhitelist": ["10.0.16.0/24"]}))
        .await;
    let revoked = root.create(json!({"ipWhitelist": ["10.0.0.0/8"]})).await;
    let expired = root.create_expired(json!({})).await;
    let (replaced, deleted) = (root.create(json!({})).await, root.create(json!({})).await);
    root.act(&replaced.path("/regenerate")).await.expect(200);
    root.delete(&deleted.path("")).await.expect(204);
    // Last, so that a log that lost its end would give it back.
    root.act(&revoked.path("/revoke")).await.expect(200);
    let (launch, root) = (server.launch().clone(), server.root_key().to_owned());
    if is_closed {
        server.stop().await;
    } else {
        server.kill().await;
    }
    let ask = |what, key: &NewKey, address, permission, channel| Refused {
        what,
        value: key.value.clone(),
        address,
        permission,
        channel,
    };
    let inside = "10.0.16.7";
    let refused = vec![
        ask("another network", &restricted, "10.0.17.7", "chats:read", "wa-1"),
        ask("another network far away", &restricted, "10.1.0.7", "chats:read", "wa-1"),
        ask("another permission", &restricted, inside, "messages:send", "wa-1"),
        ask("another channel", &restricted, inside, "chats:read", "wa-3"),
        ask("a revoked key", &revoked, inside, "chats:read", "wa-1"),
        ask("an expired key", &expired, inside, "chats:read", "wa-1"),
        ask("a replaced value", &replaced, inside, "chats:read", "wa-1"),
        ask("a deleted key", &deleted, inside, "chats:read", "wa-1"),
    ];
    (launch, root, refused)
}

/// What became of a damaged database.
#[derive(Debug, Default)]
struct Tally {
    not_opened: u32,
    answered: u32,
    unavailable: u32,
}

/// Opens the database as a server does: nothing that is refused is admitted, and there is no new root key.
async fn hold(path: &Path, refused: &[Refused], tally: &mut Tally, what: &str) {
    let Ok(store) = SqliteStore::open(path, Options::default()) else {
        tally.not_opened += 1;
        return;
    };
    let store = Arc::new(store);
    let engine = Engine::builder(store.clone()).start().unwrap();
    let set_up = engine.manager().set_up().await;
    assert!(!matches!(set_up, Ok(Some(_))), "{what}: another root key");
    for ask in refused {
        let request = VerifyRequest {
            organization: None,
            ask: Ask {
                address: Some(ask.address.parse().unwrap()),
                permissions: &[ask.permission],
                channel: Some(ask.channel),
            },
            charge: Charge::Nothing,
        };
        match engine.verifier().verify(&ask.value, &request).await {
            Ok(Verdict::Allow(_)) => panic!("{what}: {} was admitted", ask.what),
            Ok(Verdict::Deny(_)) => tally.answered += 1,
            Err(_) => tally.unavailable += 1,
        }
    }
    store.close().await;
}

/// The files of a database: itself, its log, and the lock file, in which the log's end is marked.
struct Files {
    database: Vec<u8>,
    log: Option<Vec<u8>>,
    lock: Vec<u8>,
}

impl Files {
    fn of(launch: &Launch) -> Self {
        let path = launch.database();
        let log = fs::read(path.with_extension("db-wal")).ok();
        let lock = fs::read(path.with_extension("db.lock")).unwrap();
        Self { database: fs::read(path).unwrap(), log, lock }
    }
}

fn put_back(launch: &Launch, files: &Files, file: &[u8], log: Option<&[u8]>) {
    let path = launch.database();
    fs::write(path.with_extension("db.lock"), &files.lock).unwrap();
    for suffix in ["db-wal", "db-shm"] {
        let _ = fs::remove_file(path.with_extension(suffix));
    }
    fs::write(&path, file).unwrap();
    if let Some(log) = log {
        fs::write(path.with_extension("db-wal"), log).unwrap();
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_file_admits_nothing() {
    let (launch, _, refused) = database(true).await;
    let files = Files::of(&launch);
    let whole = &files.database;
    let (mut random, mut tally) = (ChaCha8Rng::seed_from_u64(0xF11), Tally::default());
    for round in 0..flips() {
        // Most of a small file is empty pages' room: half of the flips go where something is written.
        let at = loop {
            let at = random.random_range(0..whole.len());
            if round % 2 == 0 || whole[at] != 0 {
                break at;
            }
        };
        let bit = random.random_range(0..8);
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << bit;
        put_back(&launch, &files, &damaged, None);
        hold(&launch.database(), &refused, &mut tally, &format!("byte {at} bit {bit}")).await;
    }
    eprintln!("the file: {tally:?}");
    assert!(tally.not_opened > 0 && tally.answered > 0, "{tally:?}");
}

#[tokio::test]
async fn a_flipped_bit_in_the_log_admits_nothing() {
    let (launch, _, refused) = database(false).await;
    let files = Files::of(&launch);
    let whole = files.log.as_ref().unwrap();
    let (mut random, mut tally) = (ChaCha8Rng::seed_from_u64(0xF12), Tally::default());
    for round in 0..flips() {
        let at = if round < 32 { round } else { random.random_range(0..whole.len()) };
        let bit = random.random_range(0..8);
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << bit;
        put_back(&launch, &files, &files.database, Some(&damaged));
        hold(&launch.database(), &refused, &mut tally, &format!("byte {at} bit {bit} of the log")).await;
    }
    eprintln!("the log: {tally:?}");
    assert!(tally.not_opened > 0, "{tally:?}");
    for _ in 0..flips() / 5 {
        let length = random.random_range(1..whole.len());
        put_back(&launch, &files, &files.database, Some(&whole[..length]));
        let mut tally = Tally::default();
        hold(&launch.database(), &refused, &mut tally, &format!("{length} bytes of the log")).await;
        assert_eq!(tally.not_opened, 1, "{length} bytes of the log");
    }
}

#[tokio::test]
async fn a_file_that_is_written_over_while_it_is_open_admits_nothing() {
    for length in [0, 100, 4096, 40_960] {
        let (launch, root, refused) = database(true).await;
        let server = launch.start().await;
        fs::OpenOptions::new().write(true).open(server.database()).unwrap().set_len(length).unwrap();
        admits_nothing(&mut server.client(&root), &refused).await;
        let new = json!({"name": "Lost", "permissions": ["chats:read"]});
        let answer = server.client(&root).post("/api/v1/api-keys", new).await;
        assert!(
            [401, 503].contains(&answer.status),
            "{length}: nothing is promised on such a file: {answer:?}"
        );
        server.anyone().get("/readyz").await.problem(503, "unavailable");
        let ended = server.kill().await;
        assert!(ended.log.contains("cut off while it was open"), "{length}: {ended:?}");
        let ended = launch.run().await;
        assert!(ended.code.is_some_and(|code| code != 0), "{length}: {ended:?}");
        assert!(ended.log.contains("qwetty.db") && ended.root_keys().is_empty(), "{length}: {ended:?}");
        assert!(
            ended.log.contains("damaged") && !ended.log.contains("name another file"),
            "{length}: {ended:?}"
        );
    }
}

async fn admits_nothing(root: &mut Client, refused: &[Refused]) {
    for ask in refused {
        let body = json!({
            "key": ask.value, "ip": ask.address, "permissions": [ask.permission], "channel": ask.channel,
        });
        let answer = root.post("/api/v1/verify", body).await;
        match answer.status {
            200 => assert_eq!(answer.data()["valid"], false, "{}", ask.what),
            // The caller's own key may be among what is lost.
            401 | 503 => {}
            _ => panic!("{}", answer.text()),
        }
    }
}
