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
mod key;
mod outage;
mod port;
mod question;
mod request;
mod shipped;
mod smuggling;
mod subject;
mod table;
mod world;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};
use qwetty_tests::{Server, Upstream, eventually};

use cases::cases;
use key::Key;
use port::free_port;
use question::Form;
use shipped::{SHIPPED, Shipped};
use subject::{Charged, Subject};
use table::Results;
use world::World;

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
    for shipped in SHIPPED.iter().filter(|shipped| chosen(shipped.name)) {
        if let Some(program) = shipped.program() {
            running.push(by_gateway(shipped, program).boxed_local());
        }
    }
    table::compare(&join_all(running).await);
}

/// Whether a subject is tried; `QWETTY_GATEWAY` is a part of the names of those that are.
fn chosen(name: &str) -> bool {
    std::env::var("QWETTY_GATEWAY").map_or(true, |part| name.contains(&part))
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
    let mut results = results(shipped.name, subject, world.server).await;
    if gateway.written().windows(4).any(|bytes| bytes == b"qwt_") {
        results.faults.push("a key value is in what the gateway has written".to_owned());
    }
    if !results.faults.is_empty() {
        eprintln!("{}:\n{}", shipped.name, gateway.log());
    }
    results
}

/// What became of every case.
async fn results(name: &'static str, subject: Subject, server: Server) -> Results {
    let mut results = Results { subject: name, rows: Vec::new(), manners: Vec::new(), faults: Vec::new() };
    for case in cases() {
        let outcome = held(subject.outcome(&case)).await;
        results.add(case.group, &case.name, outcome);
    }
    for attack in smuggling::names() {
        let outcome = held(subject.smuggle(attack)).await;
        results.add("smuggling", attack, outcome);
    }
    let charged = held(assert_charged_once(&subject, &server)).await;
    results.add("charges", "each decision", charged.map(|()| "charged once".to_owned()));
    match held(outage::outages(&subject, server)).await {
        Ok(rows) => rows.into_iter().for_each(|(row, outcome)| results.add(outage::GROUP, &row, Ok(outcome))),
        Err(fault) => results.faults.push(format!("{}: {fault}", outage::GROUP)),
    }
    for late in subject.upstream.taken() {
        results.faults.push(format!("the API got {:?} in the end", late.start));
    }
    results.manners = subject.manners();
    results
}

/// What a future gives, or the assertion in it that failed: one fault is not to hide another.
async fn held<T>(future: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or(panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

/// The server has counted what the clients saw: nothing was asked twice, and nothing was answered from a cache.
async fn assert_charged_once(subject: &Subject, server: &Server) {
    let mut root = server.root();
    for (key, expected) in subject.charged() {
        // Nobody counts for it any more.
        if key == Key::Deleted {
            continue;
        }
        let id = subject.keys.id(key);
        let counted = eventually("the count", async || {
            let usage = root.key(id).await["usage"].take();
            let count = |member: &str| usage[member].as_u64().unwrap();
            let charged = Charged { requests: count("requestCount"), denials: count("deniedCount") };
            (charged.requests >= expected.requests && charged.denials >= expected.denials).then_some(charged)
        })
        .await;
        assert_eq!(counted, expected, "requests and denials of {key:?}: counted, seen");
    }
}
