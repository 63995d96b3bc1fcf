//! Makes a database with many keys, through the engine, as the server would have made it: each key with its audit event.
//!
//! Key `n` belongs to organization `n` modulo their number. On standard output, a value each line: of one key that may ask
//! `POST /verify` about every other of its organization, the first; then of the first keys.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up says so by panicking"
)]

use std::error::Error;
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use futures_util::future::join_all;
use qwetty::{Caller, Engine, IssuedKey, KeyManager, NewKey, Origin};
use qwetty_authz::{ChannelScope, IpPolicy, PermissionSet};
use qwetty_keys::OrganizationId;
use qwetty_ratelimit::Tier;
use qwetty_storage_sqlite::{Options, SqliteStore};

/// Keys that are made at once: as many as share a commit of the store, twice.
const AT_ONCE: usize = 512;

/// Makes a database with many keys.
#[derive(Parser)]
struct Arguments {
    /// How many keys.
    #[arg(long, default_value_t = 1_000)]
    keys: usize,
    /// How many organizations share them.
    #[arg(long, default_value_t = 1)]
    organizations: usize,
    /// How many of the keys' values to print.
    #[arg(long, default_value_t = 1_000)]
    values: usize,
    /// The file to make.
    file: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if arguments.file.exists() {
        return Err(format!("{} exists; remove it or name another file", arguments.file.display()).into());
    }
    let store = Arc::new(SqliteStore::open(&arguments.file, Options::default())?);
    let engine = Engine::builder(Arc::clone(&store) as _).start()?;
    let manager = engine.manager();
    // The server announces the root key when it starts.
    manager.set_up().await?;

    let owner = Caller::owner(Origin::default());
    let mut organizations = Vec::new();
    for number in 0..arguments.organizations.max(1) {
        let name = format!("Organization {number}").parse()?;
        organizations.push(manager.create_organization(&owner, name).await?.id);
    }
    let mut out = BufWriter::new(stdout().lock());
    let asking = make(&manager, &owner, "Gateway", "api_keys:verify", organizations[0]).await;
    writeln!(out, "{}", asking.value.expose())?;
    let mut made = 0;
    while made < arguments.keys {
        let numbers = made..arguments.keys.min(made + AT_ONCE);
        made = numbers.end;
        let keys = numbers.map(|number| {
            let organization = organizations[number % organizations.len()];
            let (manager, owner) = (&manager, &owner);
            async move {
                make(manager, owner, &format!("CRM Integration {number}"), "chats:read", organization).await
            }
        });
        for (number, key) in (made - keys.len()..).zip(join_all(keys).await) {
            if number < arguments.values {
                writeln!(out, "{}", key.value.expose())?;
            }
        }
    }
    engine.shutdown().await?;
    store.close().await;
    Ok(out.flush()?)
}

/// A key of the standard tier with one permission and without a description.
async fn make(
    manager: &KeyManager,
    owner: &Caller,
    name: &str,
    permission: &str,
    organization: OrganizationId,
) -> IssuedKey {
    let new = NewKey {
        organization: Some(organization),
        name: name.parse().unwrap(),
        description: None,
        permissions: PermissionSet::from_permissions([permission.parse().unwrap()]).unwrap(),
        channels: ChannelScope::All,
        networks: IpPolicy::Any,
        expires_at: None,
        tier: Tier::Standard,
    };
    manager.create(owner, new).await.unwrap()
}
