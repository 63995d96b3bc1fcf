//! A service that keeps its API keys in an SQLite file: make a key, judge calls by it, revoke it.
//!
//! `cargo run -p qwetty --example embed_sqlite [FILE]`
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::sync::Arc;

use qwetty::{Caller, Charge, Engine, NewKey, Origin, Verdict, VerifyRequest};
use qwetty_authz::{Ask, ChannelScope, IpPolicy, PermissionSet};
use qwetty_ratelimit::Tier;
use qwetty_storage_sqlite::{Options, SqliteStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let file = std::env::args_os().nth(1).map_or_else(|| scratch.path().join("qwetty.db"), Into::into);
    let store = Arc::new(SqliteStore::open(file, Options::default())?);
    let engine = Engine::builder(store).start()?;
    let (verifier, manager) = (engine.verifier(), engine.manager());

    // A new file gets an organization and a root key, whose value is shown once, ever. Yours to keep.
    let Some(root) = manager.set_up().await? else {
        println!("this file is set up already; try a new one");
        return Ok(());
    };
    manager.root_announced().await?;

    // The service answers for whoever clicked "Create API key", so it acts as the owner.
    let owner = Caller::owner(Origin::default());
    let organization = manager.get(&owner, root.id).await?.record.organization;
    let permissions = ["chats:read".parse()?, "messages:send".parse()?];
    let new = NewKey {
        organization: Some(organization),
        name: "CRM Integration".parse()?,
        description: None,
        permissions: PermissionSet::from_permissions(permissions).ok_or("a key needs a permission")?,
        channels: ChannelScope::All,
        networks: IpPolicy::Any,
        expires_at: None,
        tier: Tier::Standard,
    };
    let issued = manager.create(&owner, new).await?;
    println!("{} for {}", issued.key.record.lifecycle.current().start, issued.key.record.name);

    // On each call: what the client sent, and what the call needs.
    for permission in ["chats:read", "contacts:manage"] {
        let ask = Ask { address: None, permissions: &[permission], channel: None };
        let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
        match verifier.verify(issued.value.expose(), &request).await? {
            Verdict::Allow(key) => {
                let left = key.standing().map_or(0, |standing| standing.level.remaining);
                println!("{permission}: go on, {left} calls are left this hour");
            }
            Verdict::Deny(denial) => println!("{permission}: {}", denial.code),
        }
    }

    // From the moment this returns, no call gets through.
    manager.revoke(&owner, issued.key.record.id, Some("the laptop was stolen".parse()?)).await?;
    let ask = Ask { address: None, permissions: &["chats:read"], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
    if let Verdict::Deny(denial) = verifier.verify(issued.value.expose(), &request).await? {
        println!("after the revocation: {}", denial.code);
    }

    // Usage and quota windows are exact in the file after this.
    engine.shutdown().await?;
    Ok(())
}
