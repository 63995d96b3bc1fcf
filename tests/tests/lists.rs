//! `GET /api-keys` against a model: sort, order, status, search and pages of sixty keys.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::cmp::Ordering;
use std::collections::BTreeSet;

use qwetty_tests::{Client, NewKey, Organization, Server, eventually, from_now};
use serde_json::{Value, json};

const KEYS: &str = "/api/v1/api-keys";
const SORTS: [&str; 5] = ["createdAt", "name", "expiresAt", "lastUsedAt", "requestCount"];
const ORDERS: [&str; 2] = ["asc", "desc"];
const STATUSES: [&str; 5] = ["", "active", "expiring_soon", "expired", "revoked"];
const DAY: f64 = 86_400.0;

/// Names that differ in case only, collide, or hold what a query language would take for its own.
const NAMES: [&str; 12] = [
    "Alpha",
    "alpha",
    "ALPHA beta",
    "100% off",
    "1000 off",
    "under_score",
    "underXscore",
    r"back\slash",
    "Élan",
    "élan vital",
    "it's \"quoted\"",
    "*.*",
];
/// What is searched for, as it is and as it stands in a query.
const SEARCHES: [(&str, &str); 15] = [
    ("", ""),
    ("alpha", "alpha"),
    ("ALPHA B", "ALPHA+B"),
    ("%", "%25"),
    ("_", "_"),
    (r"\", "%5C"),
    ("0%", "0%25"),
    ("r_s", "r_s"),
    ("ÉLAN", "%C3%89LAN"),
    ("'", "%27"),
    ("\"", "%22"),
    ("*", "*"),
    ("note 1", "note%201"),
    ("line\nbreak", "line%0Abreak"),
    ("nowhere", "nowhere"),
];

/// What the list should be, computed from the keys themselves.
struct Model(Vec<Value>);

impl Model {
    fn list(&self, sort: &str, order: &str, status: &str, search: &str) -> Vec<&str> {
        let mut keys: Vec<&Value> = self
            .0
            .iter()
            .filter(|key| status.is_empty() || key["status"] == status)
            .filter(|key| ["name", "description", "start"].iter().any(|field| contains(&key[field], search)))
            .collect();
        keys.sort_by(|a, b| {
            let directed = |ordering: Ordering| if order == "asc" { ordering } else { ordering.reverse() };
            let ids = a["id"].as_str().cmp(&b["id"].as_str());
            match (value(a, sort), value(b, sort)) {
                (None, None) => directed(ids),
                // Nulls are last either way.
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(a), Some(b)) => directed(a.cmp(&b).then(ids)),
            }
        });
        keys.into_iter().map(|key| key["id"].as_str().unwrap()).collect()
    }
}

/// By what a key is sorted: text that sorts as it should.
fn value(key: &Value, sort: &str) -> Option<String> {
    match sort {
        "name" => Some(key["name"].as_str().unwrap().to_lowercase()),
        "requestCount" => Some(format!("{:020}", key["usage"]["requestCount"].as_u64().unwrap())),
        "lastUsedAt" => key["usage"]["lastUsedAt"].as_str().map(instant),
        sort => key[sort].as_str().map(instant),
    }
}

/// An instant with its fraction always written.
fn instant(text: &str) -> String {
    match text.split_once('.') {
        Some(_) => text.to_owned(),
        None => text.replace('Z', ".000000Z"),
    }
}

fn contains(field: &Value, search: &str) -> bool {
    field.as_str().is_some_and(|text| text.to_lowercase().contains(&search.to_lowercase()))
}

/// Sixty keys of every status, some used, some alike in what they are sorted by.
async fn sixty(admin: &mut Client) -> Model {
    let mut keys: Vec<NewKey> = Vec::new();
    let (shared, week) = (from_now(30.0 * DAY), from_now(6.0 * DAY));
    for number in 0..60_usize {
        let name = NAMES[number % NAMES.len()];
        let description = match number % 4 {
            0 => Value::Null,
            1 => json!(format!("Note {number}")),
            2 => json!("a line\nbreak_100%"),
            _ => json!(r"C:\keys ÜBER"),
        };
        let expires_at = match number % 5 {
            0 => Value::Null,
            1 => json!(shared),
            2 => json!(week),
            3 => json!(from_now(1.0)),
            _ => json!(from_now((40 + number % 7) as f64 * DAY)),
        };
        let fields = json!({"name": name, "description": description, "expiresAt": expires_at});
        let key = admin.create(fields).await;
        for _ in 0..number % 4 {
            admin.code(&key.value).await;
        }
        keys.push(key);
    }
    for key in keys.iter().step_by(7) {
        admin.act(&key.path("/revoke")).await.expect(200);
    }
    // Whatever is to expire in this test has.
    let last = &keys[58];
    eventually("expired", async || (admin.key(&last.id).await["status"] == "expired").then_some(())).await;
    let mut model = Vec::new();
    for key in &keys {
        model.push(admin.key(&key.id).await);
    }
    Model(model)
}

async fn page(client: &mut Client, query: &str) -> (Vec<String>, Value) {
    let list = client.get(&format!("{KEYS}?{query}")).await.expect(200).json();
    let ids = list["data"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned());
    (ids.collect(), list["meta"].clone())
}

/// The organization of the sixty keys has no other: the caller is of another one, and an operator.
async fn scene() -> (Server, Client, Model, String) {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let model = sixty(&mut acme.admin).await;
    let mut root = server.root();
    root.delete(&acme.key.path("")).await.expect(204);
    let query = format!("organizationId={}", acme.id);
    (server, root, model, query)
}

#[tokio::test]
async fn every_sort_order_status_and_search_is_as_the_model_has_it() {
    let (_server, mut root, model, organization) = scene().await;
    for status in STATUSES {
        assert!(
            model.list("name", "asc", status, "").len() > 5,
            "the model has keys of the status {status:?}"
        );
    }
    let mut found = BTreeSet::new();
    for sort in SORTS {
        for order in ORDERS {
            for status in STATUSES {
                for (search, encoded) in SEARCHES {
                    let mut query =
                        format!("{organization}&limit=100&sort={sort}&order={order}&search={encoded}");
                    if !status.is_empty() {
                        query.push_str(&format!("&status={status}"));
                    }
                    let expected = model.list(sort, order, status, search);
                    let (ids, meta) = page(&mut root, &query).await;
                    assert_eq!(ids, expected, "{query}");
                    let pages = u64::from(!expected.is_empty());
                    let total = expected.len();
                    assert_eq!(
                        meta,
                        json!({"page": 1, "limit": 100, "total": total, "totalPages": pages}),
                        "{query}"
                    );
                    found.insert((search, !expected.is_empty()));
                }
            }
        }
    }
    for (search, _) in SEARCHES {
        assert!(
            found.contains(&(search, search != "nowhere")),
            "{search:?} finds something, or is meant not to"
        );
    }
}

#[tokio::test]
async fn pages_put_together_are_the_list() {
    let (_server, mut root, model, organization) = scene().await;
    for sort in SORTS {
        for order in ORDERS {
            for (limit, status, search) in
                [(7, "", ""), (10, "", ""), (4, "active", ""), (3, "", "alpha"), (60, "", "")]
            {
                let mut query =
                    format!("{organization}&sort={sort}&order={order}&search={search}&limit={limit}");
                if !status.is_empty() {
                    query.push_str(&format!("&status={status}"));
                }
                let expected = model.list(sort, order, status, search);
                let pages = expected.len().div_ceil(limit);
                let mut all = Vec::new();
                for number in 1..=pages {
                    let (ids, meta) = page(&mut root, &format!("{query}&page={number}")).await;
                    let told =
                        json!({"page": number, "limit": limit, "total": expected.len(), "totalPages": pages});
                    assert_eq!(meta, told, "{query}");
                    assert!(ids.len() == limit || number == pages);
                    all.extend(ids);
                }
                assert_eq!(all, expected, "{query}");
                let (past, meta) = page(&mut root, &format!("{query}&page={}", pages + 1)).await;
                assert_eq!((past.len(), &meta["total"]), (0, &json!(expected.len())), "{query}");
            }
        }
    }
    let (far, meta) = page(&mut root, &format!("{organization}&page=9007199254740991&limit=100")).await;
    assert_eq!((far.len(), &meta["total"]), (0, &json!(60)));
}

#[tokio::test]
async fn what_is_left_out_is_the_newest_ten() {
    let (_server, mut root, model, organization) = scene().await;
    let (ids, meta) = page(&mut root, &organization).await;
    assert_eq!(ids, model.list("createdAt", "desc", "", "")[..10]);
    assert_eq!(meta, json!({"page": 1, "limit": 10, "total": 60, "totalPages": 6}));
    let (ids, _) = page(&mut root, &format!("{organization}&sort=name")).await;
    assert_eq!(ids, model.list("name", "desc", "", "")[..10]);
}

#[tokio::test]
async fn a_start_finds_its_key_whatever_its_case() {
    let (_server, mut root, model, organization) = scene().await;
    let start = model.0[20]["start"].as_str().unwrap();
    for search in [start.to_owned(), start.to_uppercase(), start[4..].to_owned()] {
        let (ids, _) = page(&mut root, &format!("{organization}&search={search}&sort=name&limit=100")).await;
        assert_eq!(ids, model.list("name", "desc", "", &search), "{search}");
        assert!(ids.iter().any(|id| model.0[20]["id"] == json!(id)));
    }
}

#[tokio::test]
async fn a_query_that_is_none_is_refused() {
    let server = Server::start().await;
    let mut root = server.root();
    for query in [
        "sort=id",
        "sort=",
        "sort=Name",
        "sort=name,createdAt",
        "order=up",
        "order=",
        "order=ASC",
        "status=valid",
        "status=",
        "status=Active",
        "page=0",
        "page=-1",
        "page=1.5",
        "page=%2B1",
        "page=",
        "page=9007199254740992",
        "limit=0",
        "limit=101",
        "limit=ten",
        "limit=1&limit=1",
        "search=a&search=a",
        "search=%",
        "search=%FF",
        "Sort=name",
        "offset=1",
        "name=x",
        "organizationId=",
        "organizationId=1",
        "organizationId=key_01k9z3b6yqf8r9n2m4t5v6w7x8",
        "search[]=a",
        "x",
    ] {
        root.get(&format!("{KEYS}?{query}")).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn lists_hold_while_keys_come_and_go() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let mut staying = BTreeSet::from([acme.key.id.clone()]);
    for number in 0..20 {
        staying.insert(acme.admin.create(json!({"name": format!("Stays {number}")})).await.id);
    }
    let mut other = server.client(&acme.key.value);
    let coming_and_going = tokio::spawn(async move {
        for round in 0..10 {
            let mut made = Vec::new();
            for number in 0..5 {
                made.push(other.create(json!({"name": format!("Goes {round} {number}")})).await);
            }
            for key in made {
                other.code(&key.value).await;
                other.patch(&key.path(""), json!({"name": "Stays, not"})).await.expect(200);
                other.delete(&key.path("")).await.expect(204);
            }
        }
    });
    let mut rounds = 0;
    while !coming_and_going.is_finished() || rounds < 2 {
        for sort in SORTS {
            for query in
                [format!("sort={sort}&limit=100"), format!("sort={sort}&limit=100&search=s&order=asc")]
            {
                let (ids, meta) = page(&mut acme.admin, &query).await;
                let distinct: BTreeSet<&String> = ids.iter().collect();
                assert_eq!((distinct.len(), &meta["total"]), (ids.len(), &json!(ids.len())), "{query}");
                let missing = staying.iter().filter(|id| !distinct.contains(id)).count();
                assert!(missing <= usize::from(query.contains("search")), "{query}: {missing} are missing");
            }
            let (ids, meta) = page(&mut acme.admin, &format!("sort={sort}&limit=10&page=2")).await;
            assert!(ids.len() == 10 && meta["total"].as_u64().unwrap() >= 21, "{sort}: {meta}");
        }
        rounds += 1;
    }
    coming_and_going.await.unwrap();
    let (ids, _) = page(&mut acme.admin, "limit=100").await;
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), staying);
}
