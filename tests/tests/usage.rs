//! What a key was used for: `GET /api-keys/{id}/usage`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use qwetty_tests::{Client, Launch, NewKey, Server, assert_time, eventually, from_now, unix_seconds};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A server that writes counts so rarely that no test sees it do so.
fn unflushed() -> Launch {
    Launch::serve().env("QWETTY_FLUSH_INTERVAL_MS", "60000")
}

/// A whole hour, so many hours after the running one.
fn hour(offset: i64) -> String {
    text((unix_seconds() / HOUR + offset) * HOUR)
}

fn text(unix_seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap().format(&Rfc3339).unwrap()
}

fn seconds(value: &Value) -> i64 {
    assert_time(value);
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap().unix_timestamp()
}

/// The report on a range that has room on both sides, so that the turn of an hour changes nothing.
async fn around(client: &mut Client, key: &NewKey) -> Value {
    let path = key.path(&format!("/usage?from={}&to={}", hour(-3), hour(3)));
    let report = client.get(&path).await.expect(200).data();
    assert_report(&report);
    report
}

/// A report holds together: whole hours without a gap, which add up to the totals, as do the denials.
fn assert_report(report: &Value) {
    let mut members: Vec<&String> = report.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["deniedByCode", "from", "keyId", "points", "to", "totals"]);
    let (from, to) = (seconds(&report["from"]), seconds(&report["to"]));
    let points = report["points"].as_array().unwrap();
    let hours: Vec<i64> = points.iter().map(|point| seconds(&point["at"])).collect();
    let expected: Vec<i64> = (0..(to - from) / HOUR).map(|index| from + index * HOUR).collect();
    assert_eq!((from % HOUR, to % HOUR, hours), (0, 0, expected));
    for count in ["requestCount", "deniedCount"] {
        let sum: u64 = points.iter().map(|point| point[count].as_u64().unwrap()).sum();
        assert_eq!(report["totals"][count], sum, "{count}");
    }
    let denials: u64 =
        report["deniedByCode"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(report["totals"]["deniedCount"], denials);
}

#[tokio::test]
async fn a_new_key_has_a_day_of_zeros() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let before = unix_seconds() / HOUR;
    let report = root.get(&key.path("/usage")).await.expect(200).data();
    let after = unix_seconds() / HOUR;
    assert_report(&report);
    assert_eq!(report["keyId"], json!(key.id));
    assert_eq!(report["totals"], json!({"requestCount": 0, "deniedCount": 0}));
    assert_eq!(report["deniedByCode"], json!({}));
    assert_eq!(report["points"].as_array().unwrap().len(), 24);
    let running = seconds(&report["points"][23]["at"]) / HOUR;
    assert!((before..=after).contains(&running), "the last of them is the running hour");
}

#[tokio::test]
async fn each_denial_is_told_by_its_code_at_once_and_after_a_restart() {
    let server = unflushed().with(["--tier-standard", "3/3600"]).start().await;
    let mut root = server.root();
    root.put("/api/v1/channels/wa", json!({"name": "A", "type": "whatsapp"})).await.expect(200);

    let fields = json!({"channelScopes": ["wa"], "ipWhitelist": ["10.0.0.0/8"]});
    let key = root.create(fields).await;
    let ip = "10.1.2.3";
    for (ask, code, times) in [
        (json!({"ip": ip, "channel": "wa", "cost": 2}), "valid", 1),
        (json!({}), "ip_not_allowed", 2),
        (json!({"ip": ip, "permissions": ["messages:send"]}), "insufficient_permissions", 3),
        (json!({"ip": ip, "channel": "ig"}), "channel_not_allowed", 4),
        (json!({"ip": ip}), "valid", 1),
        (json!({"ip": ip}), "rate_limited", 5),
    ] {
        for _ in 0..times {
            assert_eq!(root.verify(&key.value, ask.clone()).await["code"], code);
        }
    }
    root.act(&key.path("/revoke")).await.expect(200);
    for _ in 0..6 {
        assert_eq!(root.code(&key.value).await, "revoked");
    }
    root.act(&key.path("/reactivate")).await.expect(200);
    root.patch(&key.path(""), json!({"expiresAt": from_now(0.5)})).await.expect(200);
    eventually("expired", async || (root.key(&key.id).await["status"] == "expired").then_some(())).await;
    for _ in 0..7 {
        assert_eq!(root.code(&key.value).await, "expired");
    }

    let report = around(&mut root, &key).await;
    assert_eq!(report["totals"], json!({"requestCount": 2, "deniedCount": 27}), "a cost is no count");
    let by_code = json!({
        "ip_not_allowed": 2, "insufficient_permissions": 3, "channel_not_allowed": 4, "rate_limited": 5,
        "revoked": 6, "expired": 7,
    });
    assert_eq!(report["deniedByCode"], by_code);
    let usage = root.key(&key.id).await["usage"].clone();
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(2), &json!(27)));

    let server = server.restart().await;
    assert_eq!(around(&mut server.root(), &key).await, report);
    assert_eq!(server.root().key(&key.id).await["usage"], usage);
}

#[tokio::test]
async fn a_caller_s_own_calls_count_whatever_their_answer() {
    let server = unflushed().start().await;
    let mut root = server.root();
    let key = root.create(json!({"permissions": ["api_keys:read", "api_keys:verify"]})).await;
    let mut caller = server.client(&key.value);
    caller.get("/api/v1/api-keys").await.expect(200);
    caller.get("/api/v1/api-keys?page=0").await.expect(400);
    caller.get("/api/v1/api-keys/key_1").await.expect(404);
    caller.get("/api/v1/audit-events").await.problem(403, "insufficient_permissions");
    // Neither the caller of verify nor a path that is no call is counted.
    assert_eq!(caller.code("qwt_1").await, "not_found");
    caller.get("/api/v1/nothing").await.expect(404);
    let report = around(&mut root, &key).await;
    assert_eq!(report["totals"], json!({"requestCount": 3, "deniedCount": 1}));
    assert_eq!(report["deniedByCode"], json!({"insufficient_permissions": 1}));

    // A report on the caller itself tells of the call that asks for it.
    let report = caller.get(&key.path("/usage")).await.expect(200).data();
    assert_eq!(report["totals"]["requestCount"], 4);
}

#[tokio::test]
async fn a_crash_forgets_what_was_not_written_and_invents_nothing() {
    let server = unflushed().start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for _ in 0..5 {
        assert_eq!(root.code(&key.value).await, "valid");
    }
    let server = server.restart().await;
    for _ in 0..5 {
        assert_eq!(server.root().code(&key.value).await, "valid");
    }
    let server = server.crash().await;
    assert_eq!(around(&mut server.root(), &key).await["totals"]["requestCount"], 5);
}

#[tokio::test]
async fn counts_stay_through_regenerate_and_update() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(root.code(&key.value).await, "valid");
    let renewed = NewKey::from(root.act(&key.path("/regenerate")).await.expect(200));
    assert_eq!(root.code(&renewed.value).await, "valid");
    root.patch(&key.path(""), json!({"tier": "admin"})).await.expect(200);
    assert_eq!(root.code(&renewed.value).await, "valid");
    assert_eq!(root.code(&key.value).await, "not_found", "the old value is nobody's, and counts for nobody");
    assert_eq!(around(&mut root, &key).await["totals"], json!({"requestCount": 3, "deniedCount": 0}));
}

#[tokio::test]
async fn a_range_is_rounded_out_to_whole_hours_and_counts_what_lies_in_it() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(root.code(&key.value).await, "valid");
    let noon = unix_seconds() / DAY * DAY - DAY / 2;
    let (from, to) = (text(noon + 1), text(noon + 5 * HOUR - 1));
    for (query, from, to) in [
        (format!("from={from}&to={to}"), noon, noon + 5 * HOUR),
        (format!("to={}", text(noon)), noon - DAY, noon),
        (format!("from={0}%2B02:00&to={0}Z", from.trim_end_matches('Z')), noon - 2 * HOUR, noon + HOUR),
        ("from=2020-02-29T00:00:00Z&to=2020-02-29T01:00:00Z".to_owned(), 1_582_934_400, 1_582_938_000),
    ] {
        let report = root.get(&key.path(&format!("/usage?{query}"))).await.expect(200).data();
        assert_report(&report);
        assert_eq!((seconds(&report["from"]), seconds(&report["to"])), (from, to), "{query}");
        assert_eq!(report["totals"]["requestCount"], 0, "nothing was counted then");
    }
    let since = root.get(&key.path(&format!("/usage?from={}", hour(-30)))).await.expect(200).data();
    assert_report(&since);
    assert_eq!(since["totals"]["requestCount"], 1);
    let ahead = root.get(&key.path(&format!("/usage?from={}", hour(30)))).await.expect(200).data();
    assert_report(&ahead);
    assert_eq!(ahead["totals"]["requestCount"], 0);
}

#[tokio::test]
async fn a_range_is_90_days_at_most() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(root.code(&key.value).await, "valid");
    let (from, to) = (hour(2 - 90 * 24), hour(2));
    let report = root.get(&key.path(&format!("/usage?from={from}&to={to}"))).await.expect(200).data();
    assert_report(&report);
    assert_eq!(report["points"].as_array().unwrap().len(), 2_160);
    assert_eq!(report["totals"]["requestCount"], 1);
    let past = hour(1 - 90 * 24);
    for query in [
        format!("from={past}&to={to}"),
        format!("from={}", hour(-91 * 24)),
        "from=0000-01-01T00:00:00Z".to_owned(),
        "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z".to_owned(),
    ] {
        root.get(&key.path(&format!("/usage?{query}"))).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn a_range_that_is_none_is_refused() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let (now, next) = (hour(0), hour(1));
    for query in [
        format!("from={next}&to={now}"),
        format!("from={now}&to={now}"),
        format!("from={now}&from={now}"),
        "from=yesterday".to_owned(),
        "from=".to_owned(),
        "from=1700000000".to_owned(),
        "from=2026-01-01".to_owned(),
        "from=2026-01-01T00:00:00".to_owned(),
        "from=2026-02-30T00:00:00Z".to_owned(),
        "to=2026-01-01T24:00:00Z".to_owned(),
        "from=2026-01-01T00:00:00+00:00".to_owned(),
        "hours=24".to_owned(),
        "page=1".to_owned(),
        format!("From={now}"),
    ] {
        root.get(&key.path(&format!("/usage?{query}"))).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn a_range_ends_with_the_calendar() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for query in ["to=9999-12-31T23:00:00Z", "from=0000-01-01T00:00:00Z&to=0000-01-02T00:00:00Z"] {
        assert_report(&root.get(&key.path(&format!("/usage?{query}"))).await.expect(200).data());
    }
    for query in ["to=9999-12-31T23:00:01Z", "from=9999-12-31T23:00:00Z", "to=0000-01-01T00:00:00Z"] {
        root.get(&key.path(&format!("/usage?{query}"))).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn a_key_that_is_gone_or_never_was_has_no_usage() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    root.delete(&key.path("")).await.expect(204);
    for id in [&*key.id, "key_01k9z3b6yqf8r9n2m4t5v6w7x8", "1", "org_01k9z3b6yqf8r9n2m4t5v6w7x8"] {
        root.get(&format!("/api/v1/api-keys/{id}/usage")).await.problem(404, "not_found");
    }
}
