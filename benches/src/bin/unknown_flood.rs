//! What well-formed values that nobody has cost those who have one: how long decisions on valid keys take without and beside a flood
//! of unknown ones, over an SQLite file, and what the flood takes of memory. Prints the table of `docs/benchmarks.md`.
//!
//! A decision is timed from when it was due: one that waits for its turn behind the flood is as late as its client sees it.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench runs in real time, tells what it found, and says so by panicking if it cannot be set up"
)]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use clap::Parser;
use qwetty::{Caller, Charge, Engine, NewKey, Origin, Verdict, Verifier, VerifyRequest};
use qwetty_authz::{Ask, ChannelScope, IpPolicy, PermissionSet};
use qwetty_benches::{Records, busy};
use qwetty_ratelimit::{Tier, TierQuotas};
use qwetty_storage_sqlite::{Options, SqliteStore};
use rustix::time::ClockId;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

const KEYS: usize = 1_000;
/// Unknown values that are asked for at a time, as many as there may be connections: what comes while so many wait is not sent.
const MOST_WAITING: usize = 1_000;
/// Enough for every round.
const QUOTA: &str = "1000000/60";
const REQUEST: VerifyRequest<'static> = VerifyRequest {
    organization: None,
    ask: Ask { address: None, permissions: &["messages:send"], channel: None },
    charge: Charge::Units(1),
};

/// Decides on valid keys without and beside a flood of unknown values.
#[derive(Parser)]
struct Arguments {
    /// Decisions on valid keys a second.
    #[arg(long, default_value_t = 2_000)]
    valid: u64,
    /// Unknown values a second.
    #[arg(long, default_value_t = 20_000)]
    unknown: u64,
    /// How long each round is, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many rounds of each, in turn.
    #[arg(long, default_value_t = 3)]
    rounds: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir_in(".")?;
    let runtime = Runtime::new()?;
    let store = Arc::new(SqliteStore::open(dir.path().join("flood.db"), Options::default())?);
    let quotas = TierQuotas { standard: QUOTA.parse()?, admin: QUOTA.parse()? };
    let engine = {
        let _inside = runtime.enter();
        Engine::builder(store).quotas(quotas).start()?
    };
    let values: Arc<[String]> = runtime.block_on(make_keys(&engine))?.into();
    let (runtime, verifier, time) =
        (runtime.handle(), engine.verifier(), Duration::from_secs(arguments.seconds));
    // Nobody waits for the store to answer for these any more.
    decide(runtime, &verifier, &values, KEYS as u64, Duration::from_secs(1));

    println!(
        "| round | | 50th percentile | 99th percentile | unknown values a second | processors busy | of that with asking | resident |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    for round in 1..=arguments.rounds {
        for (name, unknown) in [("alone", 0), ("flood", arguments.unknown)] {
            let over = AtomicBool::new(false);
            let busy_before = busy(ClockId::ProcessCPUTime);
            let (mut took, refused, busy_asking) = scope(|scope| {
                let flood = scope.spawn(|| {
                    let refused =
                        if unknown == 0 { 0 } else { flood(runtime, &verifier, unknown, &over, round) };
                    (refused, busy(ClockId::ThreadCPUTime))
                });
                let asking_before = busy(ClockId::ThreadCPUTime);
                let took = decide(runtime, &verifier, &values, arguments.valid, time);
                over.store(true, Ordering::Relaxed);
                let asking = busy(ClockId::ThreadCPUTime) - asking_before;
                let (refused, flooding) = flood.join().unwrap();
                (took, refused, asking + flooding)
            });
            let processors = |busy: Duration| busy.as_secs_f64() / time.as_secs_f64();
            took.sort_unstable();
            let percentile = |percent: usize| took[(took.len() - 1) * percent / 100];
            println!(
                "| {round} | {name} | {:.1?} | {:.1?} | {} | {:.2} | {:.2} | {} MB |",
                percentile(50),
                percentile(99),
                refused / arguments.seconds,
                processors(busy(ClockId::ProcessCPUTime) - busy_before),
                processors(busy_asking),
                resident_kilobytes()? / 1024,
            );
        }
    }
    Ok(runtime.block_on(engine.shutdown())?)
}

async fn make_keys(engine: &Engine) -> Result<Vec<String>, Box<dyn Error>> {
    let manager = engine.manager();
    manager.set_up().await?;
    let owner = Caller::owner(Origin::default());
    let organization = manager.create_organization(&owner, "Benchmarks".parse()?).await?.id;
    let mut values = Vec::new();
    for _ in 0..KEYS {
        let draft = NewKey {
            organization: Some(organization),
            name: "CRM Integration".parse()?,
            description: None,
            permissions: PermissionSet::from_permissions(["messages:send".parse()?]).ok_or("none")?,
            channels: ChannelScope::All,
            networks: IpPolicy::Any,
            expires_at: None,
            tier: Tier::Standard,
        };
        values.push(manager.create(&owner, draft).await?.value.expose().to_owned());
    }
    Ok(values)
}

/// Asks for valid keys at this rate, each request on a task of its own as a server does, and says how long each took.
fn decide(
    runtime: &Handle,
    verifier: &Verifier,
    values: &Arc<[String]>,
    rate: u64,
    time: Duration,
) -> Vec<Duration> {
    let asked: Vec<_> = dues(rate)
        .take_while(|(passed, _)| *passed < time)
        .enumerate()
        .map(|(number, (_, due))| {
            let (verifier, values) = (verifier.clone(), Arc::clone(values));
            runtime.spawn(async move {
                let verdict = verifier.verify(&values[number % values.len()], &REQUEST).await;
                assert!(matches!(verdict, Ok(Verdict::Allow(_))));
                due.elapsed()
            })
        })
        .collect();
    asked.into_iter().map(|one| runtime.block_on(one).unwrap()).collect()
}

/// Asks for values that nobody has at this rate until it is over, and says how many were refused by then. It ends when all are.
fn flood(runtime: &Handle, verifier: &Verifier, rate: u64, over: &AtomicBool, seed: u64) -> u64 {
    let mut records = Records::seeded(1_000 + seed);
    let refused = Arc::new(AtomicU64::new(0));
    let waiting = Arc::new(Semaphore::new(MOST_WAITING));
    for _ in dues(rate).take_while(|_| !over.load(Ordering::Relaxed)) {
        let Ok(place) = Arc::clone(&waiting).try_acquire_owned() else { continue };
        let (verifier, refused, value) = (verifier.clone(), Arc::clone(&refused), records.value());
        runtime.spawn(async move {
            let verdict = verifier.verify(value.expose(), &REQUEST).await;
            assert!(matches!(verdict, Ok(Verdict::Deny(_))));
            refused.fetch_add(1, Ordering::Relaxed);
            drop(place);
        });
    }
    let by_then = refused.load(Ordering::Relaxed);
    let all = u32::try_from(MOST_WAITING).unwrap();
    drop(runtime.block_on(waiting.acquire_many(all)).unwrap());
    by_then
}

/// The times at which something is due that is due so often a second, each at that time: how much has passed, and what it is then.
fn dues(rate: u64) -> impl Iterator<Item = (Duration, Instant)> {
    let start = Instant::now();
    (0..).map(move |number: u64| {
        let passed = Duration::from_nanos(number * 1_000_000_000 / rate);
        sleep((start + passed).saturating_duration_since(Instant::now()));
        (passed, start + passed)
    })
}

/// What the process has in memory, as Linux tells it.
fn resident_kilobytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}
