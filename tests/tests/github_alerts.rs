//! GitHub's secret scanning tells of key values that it found; what it signed is revoked, and nothing else is looked at.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use http::Method;
use qwetty_tests::{Call, Github, Launch, Server, eventually};
use serde_json::{Value, json};

const GITHUB: &str = "/api/v1/leaked-keys/github";

async fn server(keys: &str) -> Server {
    let launch = Launch::serve();
    std::fs::write(launch.directory().join("github.json"), keys).unwrap();
    launch.env("QWETTY_GITHUB_PUBLIC_KEYS", "github.json").start().await
}

fn alert(token: &str, url: &str) -> Value {
    json!({"token": token, "type": "qwetty_api_key", "url": url, "source": "commit"})
}

#[tokio::test]
async fn what_github_found_is_revoked_and_it_is_told_of_each_whether_it_was_a_key() {
    let (old, new) = (Github::new("old"), Github::new("new"));
    let server = server(&Github::public_keys([&old, &new])).await;
    let mut root = server.root();
    let (found, also, other) =
        (root.create(json!({})).await, root.create(json!({})).await, root.create(json!({})).await);
    let url = "https://github.com/octocat/Hello-World/blob/12345600/foo/bar.txt";
    let body = json!([alert(&found.value, url), alert("qwt_nobody", ""), alert(&found.value, "")]);
    let mut anyone = server.anyone();
    let answer = anyone.send(new.message(GITHUB, &body.to_string())).await.expect(200);
    let feedback = answer.json();
    let labels: Vec<&str> =
        feedback.as_array().unwrap().iter().map(|entry| entry["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["true_positive", "false_positive", "true_positive"]);
    assert_eq!(feedback[0]["token_type"], "qwetty_api_key");
    // The SHA-256 of "qwt_nobody", in base64.
    assert_eq!(feedback[1]["token_hash"], sha256("qwt_nobody"));
    assert_eq!(feedback[0]["token_hash"], sha256(&found.value));
    assert!(!answer.text().contains(&found.value[4..47]));
    assert_eq!(root.code(&found.value).await, "revoked");
    let key = root.key(&found.id).await;
    let reasons =
        [format!("found by GitHub secret scanning: {url}"), "found by GitHub secret scanning".into()];
    assert!(reasons.iter().any(|reason| key["revocationReason"] == **reason), "{key}");
    let events =
        root.get(&format!("/api/v1/audit-events?action=key.revoked&keyId={}", found.id)).await.data();
    assert_eq!((events.as_array().unwrap().len(), &events[0]["actor"]), (1, &Value::Null));
    assert_eq!(events[0]["requestId"].as_str(), answer.header("x-request-id"));

    // Each of the keys is good, and an order of members is as good as another.
    let body = format!(r#" [{{"type":"t","url":"","token":"{}","more":[1]}}] "#, also.value);
    anyone.send(old.message(GITHUB, &body)).await.expect(200);
    assert_eq!(root.code(&also.value).await, "revoked");
    assert_eq!(root.code(&other.value).await, "valid");
    assert_eq!(anyone.send(old.message(GITHUB, "[]")).await.expect(200).json(), json!([]));
}

fn sha256(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

#[tokio::test]
async fn what_is_not_signed_by_a_known_key_changes_nothing() {
    let (github, stranger, namesake) = (Github::new("key"), Github::new("other"), Github::new("key"));
    let server = server(&Github::public_keys([&github])).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let body = json!([alert(&key.value, "")]).to_string();
    let post = |body: &str| Call::new(Method::POST, GITHUB).body("application/json", body.to_owned());
    let signed = |github: &Github, text: &str| github.sign(post(&body), text.as_bytes());
    let spaced = format!("{body} ");
    for forged in [
        post(&body),
        post(&body).header("github-public-key-identifier", "key"),
        post(&body).header("github-public-key-signature", &github.signature(body.as_bytes())),
        signed(&stranger, &body),
        signed(&namesake, &body),
        signed(&github, &spaced),
        signed(&github, ""),
        github.sign(post("[]"), body.as_bytes()),
        github.sign(post("no JSON"), body.as_bytes()),
        post(&body)
            .header("github-public-key-identifier", "key")
            .header("github-public-key-signature", "AA=="),
    ] {
        let answer = server.anyone().send(forged).await.problem(403, "invalid_signature");
        assert!(!answer.text().contains(&key.value[4..47]));
    }
    // Two of a header are ambiguous; nothing that is no message is looked at for its signature.
    let twice = github.sign(signed(&github, &body), body.as_bytes());
    server.anyone().send(twice).await.problem(400, "malformed_request");
    server.anyone().act(GITHUB).await.problem(400, "malformed_request");
    let text = Call::new(Method::POST, GITHUB).body("text/plain", body.clone());
    server.anyone().send(github.sign(text, body.as_bytes())).await.problem(415, "unsupported_media_type");
    let large = " ".repeat(65_537);
    server.anyone().send(github.message(GITHUB, &large)).await.problem(413, "payload_too_large");
    // What GitHub signed and is no message of this kind is told, and nothing of it done.
    let half = json!([alert(&key.value, ""), {"token": "x"}]).to_string();
    server.anyone().send(github.message(GITHUB, &half)).await.problem(422, "validation_failed");
    server.anyone().send(github.message(GITHUB, "[")).await.problem(400, "malformed_request");
    assert_eq!(root.code(&key.value).await, "valid");
    server.anyone().send(github.message(GITHUB, &body)).await.expect(200);
    assert_eq!(root.code(&key.value).await, "revoked");
}

#[tokio::test]
async fn what_github_signed_and_is_refused_is_an_error_in_the_log() {
    let github = Github::new("key");
    let server = server(&Github::public_keys([&github])).await;
    let key = server.root().create(json!({})).await;
    let errors = || {
        let log = server.launch().log();
        assert!(!log.contains(&key.value[4..47]));
        log.lines().filter(|line| line.contains(" ERROR ") && line.contains("not revoked")).count()
    };
    let half = json!([alert(&key.value, ""), {"token": "x"}]).to_string();
    let large = format!("{}{}", json!([alert(&key.value, "")]), " ".repeat(65_536));
    let text = Call::new(Method::POST, GITHUB).body("text/plain", half.clone());
    let asking = github.message(&format!("{GITHUB}?{}", key.value), &half);
    for (index, (call, status, code)) in [
        (github.message(GITHUB, &half), 422, "validation_failed"),
        (github.message(GITHUB, "{}"), 422, "validation_failed"),
        (github.message(GITHUB, "["), 400, "malformed_request"),
        (github.message(GITHUB, &large), 413, "payload_too_large"),
        (github.sign(text.clone(), half.as_bytes()), 415, "unsupported_media_type"),
        (asking, 400, "malformed_request"),
    ]
    .into_iter()
    .enumerate()
    {
        server.anyone().send(call).await.problem(status, code);
        eventually("an error in the log", async || (errors() == index + 1).then_some(())).await;
        assert!(server.launch().log().contains(code));
    }
    let empty = server.anyone().send(github.message(GITHUB, "")).await.problem(400, "malformed_request");
    let detail = empty.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("array") && !detail.contains("object"), "{detail}");

    // Whoever does not claim to be GitHub fills no log, and whoever does, not for ever.
    let before = errors();
    server.anyone().send(text.clone()).await.problem(415, "unsupported_media_type");
    server
        .anyone()
        .send(Call::new(Method::POST, GITHUB).json(&json!([])))
        .await
        .problem(403, "invalid_signature");
    assert_eq!(errors(), before);
    let mut stranger = server.anyone().calling_from("127.0.0.9");
    for _ in 0..70 {
        stranger.send(github.sign(text.clone(), b"")).await.problem(415, "unsupported_media_type");
    }
    eventually("what there is room for", async || (errors() == before + 60).then_some(())).await;
}

#[tokio::test]
async fn white_space_around_a_token_is_passed_over_and_its_hash_is_that_of_what_was_sent() {
    let github = Github::new("key");
    let server = server(&Github::public_keys([&github])).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let token = format!(" {}\r\n", key.value);
    let body = json!([alert(&token, "")]).to_string();
    let feedback = server.anyone().send(github.message(GITHUB, &body)).await.expect(200).json();
    assert_eq!(feedback[0]["label"], "true_positive");
    assert_eq!(feedback[0]["token_hash"], sha256(&token));
    assert_eq!(root.code(&key.value).await, "revoked");
}

#[tokio::test]
async fn a_key_of_github_that_is_of_another_kind_is_warned_of_and_the_others_are_used() {
    let github = Github::new("key");
    let mut keys: Value = serde_json::from_str(&Github::public_keys([&github])).unwrap();
    keys["public_keys"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"key_identifier": "of-tomorrow", "key": "x"}));
    let server = server(&keys.to_string()).await;
    server.anyone().send(github.message(GITHUB, "[]")).await.expect(200);
    let log = server.launch().log();
    assert!(log.lines().any(|line| line.contains(" WARN ") && line.contains("of-tomorrow")), "{log}");
}

#[tokio::test]
async fn forgeries_take_from_the_budget_of_reports_and_github_does_not() {
    let github = Github::new("key");
    let server = server(&Github::public_keys([&github])).await;
    let mut anyone = server.anyone();
    for _ in 0..60 {
        let forged = Call::new(Method::POST, GITHUB).json(&json!([]));
        anyone.send(forged).await.problem(403, "invalid_signature");
    }
    let forged = Call::new(Method::POST, GITHUB).json(&json!([]));
    let refused = anyone.send(forged).await.problem(429, "rate_limited");
    assert!(refused.number("retry-after") >= 1);
    for _ in 0..70 {
        anyone.send(github.message(GITHUB, "[]")).await.expect(200);
    }
}

#[tokio::test]
async fn without_githubs_keys_there_is_nothing_there() {
    let server = Server::start().await;
    let github = Github::new("key");
    server.anyone().send(github.message(GITHUB, "[]")).await.problem(404, "not_found");
    server.anyone().get(GITHUB).await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn keys_that_are_none_keep_the_server_from_starting() {
    for keys in
        ["", "{}", r#"{"public_keys": []}"#, r#"{"public_keys": [{"key_identifier": "a", "key": "b"}]}"#]
    {
        let launch = Launch::serve();
        std::fs::write(launch.directory().join("github.json"), keys).unwrap();
        let ended = launch.env("QWETTY_GITHUB_PUBLIC_KEYS", "github.json").run().await;
        assert_eq!(ended.code, Some(2), "{}", ended.log);
        assert!(ended.log.contains("QWETTY_GITHUB_PUBLIC_KEYS"), "{}", ended.log);
    }
    let ended = Launch::serve().env("QWETTY_GITHUB_PUBLIC_KEYS", "nowhere.json").run().await;
    assert_eq!(ended.code, Some(2), "{}", ended.log);
}
