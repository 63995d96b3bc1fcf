//! The command line, the environment and the file, contract section 6.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use qwetty_tests::{Client, Launch, Server};
use serde_json::{Value, json};

/// The quotas of both tiers, as new keys tell them.
async fn quotas(server: &Server) -> [Value; 2] {
    let mut root = server.root();
    let standard = root.create(json!({})).await.object["rateLimit"].clone();
    let admin = root.create(json!({"tier": "admin"})).await.object["rateLimit"].clone();
    [standard, admin]
}

fn quota(limit: u32, seconds: u32) -> Value {
    json!({"limit": limit, "windowSeconds": seconds})
}

fn write(launch: &Launch, text: &str) {
    std::fs::write(launch.directory().join("qwetty.toml"), text).unwrap();
}

#[tokio::test]
async fn options_win_over_the_environment_and_the_environment_over_the_file() {
    let file = "tier_standard = \"11/61\"\ntier_admin = \"12/62\"\n";
    let launch = Launch::serve().with(["--config", "qwetty.toml"]);
    write(&launch, file);
    assert_eq!(quotas(&launch.start().await).await, [quota(11, 61), quota(12, 62)]);

    let launch = Launch::serve().with(["--config", "qwetty.toml"]).env("QWETTY_TIER_ADMIN", "22/72");
    write(&launch, file);
    assert_eq!(quotas(&launch.start().await).await, [quota(11, 61), quota(22, 72)]);

    let launch = Launch::serve()
        .with(["--config", "qwetty.toml", "--tier-admin", "32/82"])
        .env("QWETTY_TIER_ADMIN", "22/72")
        .env("QWETTY_TIER_STANDARD", "21/71");
    write(&launch, file);
    assert_eq!(quotas(&launch.start().await).await, [quota(21, 71), quota(32, 82)]);

    assert_eq!(quotas(&Server::start().await).await, [quota(1000, 3600), quota(5000, 3600)], "the defaults");
}

#[tokio::test]
async fn the_file_may_say_everything_and_no_subcommand_means_serve() {
    let launch = Launch::bare().with(["--config", "qwetty.toml"]);
    write(
        &launch,
        "listen = \"127.0.0.1:0\"\ndatabase = \"elsewhere.db\"\ntrusted_proxies = [\"127.0.0.0/8\", \"::1\"]\n\
         metrics_listen = \"127.0.0.1:0\"\n",
    );
    let server = launch.start().await;
    assert!(launch.directory().join("elsewhere.db").exists() && !launch.database().exists());
    assert_ne!(server.address().port(), 0);
    let key = server.root().create(json!({"ipWhitelist": ["203.0.113.7"]})).await;
    let call =
        qwetty_tests::Call::new(http::Method::GET, "/api/v1/me").header("x-forwarded-for", "203.0.113.7");
    server.client(&key.value).send(call).await.expect(200);
}

#[tokio::test]
async fn what_is_unknown_or_malformed_is_named_and_ends_with_code_2() {
    for (arguments, variables, file, named) in [
        (&["--listne", "127.0.0.1:0"][..], &[][..], "", "--listne"),
        (&["--listen", "somewhere"], &[], "", "--listen"),
        (&["--listen", "127.0.0.1:99999"], &[], "", "--listen"),
        (&["--trusted-proxy", "10.0.0.1/8"], &[], "", "--trusted-proxy"),
        (&["--trusted-proxy", "proxy.example"], &[], "", "--trusted-proxy"),
        (&["--metrics-listen", "9090:"], &[], "", "--metrics-listen"),
        (&["--tier-standard", "1000"], &[], "", "--tier-standard"),
        (&["--tier-standard", "0/3600"], &[], "", "--tier-standard"),
        (&["--tier-standard", "1000/0"], &[], "", "--tier-standard"),
        (&["--tier-admin=-5/3600"], &[], "", "--tier-admin"),
        (&["--tier-admin", "many/3600"], &[], "", "--tier-admin"),
        (&["--config", "absent.toml"], &[], "", "absent.toml"),
        (&["--database"], &[], "", "--database"),
        (&[], &[("QWETTY_LISTEN", "somewhere")], "", "QWETTY_LISTEN"),
        (&[], &[("QWETTY_TIER_ADMIN", "5000 an hour")], "", "QWETTY_TIER_ADMIN"),
        (&[], &[("QWETTY_TRUSTED_PROXY", "10.0.0.0/8,proxy")], "", "QWETTY_TRUSTED_PROXY"),
        (&["--config", "qwetty.toml"], &[], "listne = \"127.0.0.1:0\"", "listne"),
        (&["--config", "qwetty.toml"], &[], "listen = 8080", "listen"),
        (&["--config", "qwetty.toml"], &[], "\ntier_admin = \"lots\"", "qwetty.toml:2: setting tier_admin"),
        (&["--config", "qwetty.toml"], &[], "[server]\nlisten = \"127.0.0.1:0\"", "server"),
        (&["--config", "qwetty.toml"], &[], "listen = ", "qwetty.toml:1"),
        (
            &["--config", "qwetty.toml"],
            &[("QWETTY_TIER_ADMIN", "1/1")],
            "tier_admin = \"lots\"",
            "tier_admin",
        ),
    ] {
        let launch = variables
            .iter()
            .fold(Launch::serve(), |launch, (name, value)| launch.env(name, value))
            .with(arguments.iter().copied());
        write(&launch, file);
        let ended = launch.run().await;
        assert_eq!(ended.code, Some(2), "{arguments:?} {variables:?} {file:?}: {ended:?}");
        assert!(ended.log.contains(named), "{named} is missing: {}", ended.log);
        assert!(!launch.database().exists() && ended.printed.is_empty(), "{ended:?}");
    }
}

#[tokio::test]
async fn metrics_stand_on_a_listener_of_their_own() {
    let launch = Launch::serve().with(["--metrics-listen", "127.0.0.1:0"]);
    let server = launch.start().await;
    let key = server.root().create(json!({})).await;
    assert_eq!(server.root().code(&key.value).await, "valid");
    assert_eq!(server.root().code("qwt_unknown").await, "not_found");
    server.root().get("/metrics").await.problem(404, "not_found");
    let log = std::fs::read_to_string(launch.directory().join("log")).unwrap();
    let address = log
        .lines()
        .find(|line| line.contains("serving metrics"))
        .and_then(|line| line.split("address=").nth(1))
        .expect("the log names the address of the metrics");
    let mut scraper = Client::new(address.trim().parse().unwrap());
    let metrics = scraper.get("/metrics").await.expect(200);
    let text = metrics.text();
    for line in ["qwetty_decisions_total{code=\"not_found\"} 1", "# EOF"] {
        assert!(text.lines().any(|each| each == line), "{line} is missing in\n{text}");
    }
    scraper.get("/api/v1/me").await.expect(404);
}
