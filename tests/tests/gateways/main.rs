//! The golden table `golden/gateways.txt`: one list of requests, and what becomes of each, whoever decides in front of the API.
//!
//! Every subject gets a server and keys of its own, made in the same way, and the same recording API behind it. Beside the
//! words of the table these hold for every request: what is refused never reaches the API; what is allowed reaches it as it was
//! sent, once, without the key value and with the true identity of the caller; each is charged once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod case;
mod cases;
mod embedded;
mod forward;
mod headers;
mod key;
mod outage;
mod port;
mod question;
mod request;
mod shipped;
mod smuggling;
mod stand_in;

mod subject;
mod table;
mod traefik;
mod upgrade;
mod world;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};
use qwetty_tests::{Client, Server, Upstream};

use case::Case;
use cases::cases;
use embedded::Embedded;
use key::Key;
use port::free_port;
use question::Form;
use shipped::{SHIPPED, Shipped};
use subject::{Charged, Subject};
use table::{Results, chosen};
use world::World;

const LAYER: &str = "the tower layer";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_decides_decides_as_the_table_says() {
    let asked = [
        ("/authorize by X-Forwarded-Uri", Form::Forwarded),
        ("/authorize by X-Original-URI", Form::Original),
        ("/authorize/envoy", Form::PathPrefix),
    ];
    let mut running: Vec<LocalBoxFuture<'_, Results>> = Vec::new();
    running.extend(
        asked
            .into_iter()
            .filter(|(name, _)| chosen(name))
            .map(|(name, form)| by_question(name, form).boxed_local()),
    );
    if chosen(LAYER) {
        running.push(by_layer(LAYER).boxed_local());
    }
    for shipped in SHIPPED.iter().filter(|shipped| chosen(shipped.name)) {
        if let Some(program) = shipped.program() {
            running.push(by_gateway(shipped, program).boxed_local());
        }
    }
    table::compare(&join_all(running).await);
}

/// What the smallest gateway does.
async fn by_question(name: &'static str, form: Form) -> Results {
    let (world, upstream) = (World::new(free_port()).await, Upstream::start().await);
    let address = question::start(form, world.server.address(), upstream.address()).await;
    results(name, Subject::new(address, world.keys, upstream), world.server).await
}

/// What a gateway does with the configuration that is shipped for it.
async fn by_gateway(shipped: &Shipped, program: PathBuf) -> Results {
    let (world, upstream) = (World::new(free_port()).await, Upstream::start().await);
    let gateway = shipped.start(&program, world.server.address(), upstream.address()).await;
    let subject = Subject::new(gateway.address, world.keys, upstream);
    let upgrades = held(upgrade::upgrades(&subject)).await;
    let mut results = results(shipped.name, subject, world.server).await;
    results.add_all(upgrade::GROUP, upgrades);
    if gateway.written().windows(4).any(|bytes| bytes == b"qwt_") {
        results.faults.push("a key value is in what the gateway has written".to_owned());
    }
    if !results.faults.is_empty() {
        eprintln!("{}:\n{}", shipped.name, gateway.log());
    }
    results
}

/// What the tower layer does, whose engine takes over the database of a server that has ended.
async fn by_layer(name: &'static str) -> Results {
    let (world, upstream) = (World::new(free_port()).await, Upstream::start().await);
    let launch = world.server.launch().clone();
    world.server.stop().await;
    let embedded = Embedded::start(&launch.database(), upstream.address()).await;
    let subject = Subject::new(embedded.address, world.keys, upstream);
    let mut results = Results::of(name);
    decide_all(&subject, &mut results, cases().into_iter().filter(|case| !case.behind_a_gateway)).await;
    results.charges(held(assert_charged_once(&subject, async |id| embedded.counted(id).await)).await);
    results.end(&subject);
    results
}

/// What a gateway does: every case, and then without the server.
async fn results(name: &'static str, subject: Subject, server: Server) -> Results {
    let mut results = Results::of(name);
    decide_all(&subject, &mut results, cases().into_iter()).await;
    let mut root = server.root();
    results.charges(held(assert_charged_once(&subject, async |id| counted_by(&mut root, id).await)).await);
    results.add_all(outage::GROUP, held(outage::outages(&subject, server)).await);
    results.end(&subject);
    results
}

async fn decide_all(subject: &Subject, results: &mut Results, cases: impl Iterator<Item = Case>) {
    for case in cases {
        let outcome = held(subject.outcome(&case)).await;
        results.add(case.group, &case.name, outcome);
    }
    for attack in smuggling::names() {
        let outcome = held(subject.smuggle(attack)).await;
        results.add("smuggling", attack, outcome);
    }
}

/// What a future gives, or the assertion in it that failed: one fault is not to hide another.
async fn held<T>(future: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or(panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

/// What clients saw is what was counted: nothing was asked twice, and nothing was answered from a cache.
async fn assert_charged_once(subject: &Subject, mut counted: impl AsyncFnMut(&str) -> Charged) {
    for (key, seen) in subject.charged() {
        // Nobody counts any more for one that is gone, and nobody knows what the attacks come to.
        if !matches!(key, Key::Deleted | Key::Attacker) {
            assert_eq!(counted(subject.keys.id(key)).await, seen, "counted of {key:?}, and seen");
        }
    }
}

/// What a server has counted of a key.
async fn counted_by(root: &mut Client, id: &str) -> Charged {
    let usage = root.key(id).await["usage"].take();
    let count = |member: &str| usage[member].as_u64().unwrap();
    Charged { requests: count("requestCount"), denials: count("deniedCount") }
}
