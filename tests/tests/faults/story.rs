use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use qwetty::{
    Caller, Charge, Engine, KeyManager, KeyPatch, NewKey, Origin, Verdict, VerifiedKey, Verifier,
    VerifyRequest,
};
use qwetty_authz::{Ask, ChannelScope, IpPolicy, PermissionSet};
use qwetty_keys::{KeyId, Overlap};
use qwetty_ratelimit::Tier;
use qwetty_storage_sqlite::{Options, SqliteStore};

/// What stands before every line of the story. The test runner may say something before that.
pub(crate) const SAID: &str = "story: ";
/// Its last line.
pub(crate) const END: &str = "the end";

/// What happens, with the number of the key that it happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Create(usize),
    Revoke(usize),
    Reactivate(usize),
    Regenerate(usize),
    Narrow(usize),
    Delete(usize),
    Flush,
}

pub(crate) const STEPS: [Step; 15] = [
    Step::Create(0),
    Step::Create(1),
    Step::Revoke(0),
    Step::Regenerate(1),
    Step::Flush,
    Step::Narrow(1),
    Step::Create(2),
    Step::Delete(2),
    Step::Reactivate(0),
    Step::Regenerate(0),
    Step::Flush,
    Step::Revoke(0),
    Step::Create(3),
    Step::Delete(1),
    Step::Flush,
];

/// What a key may do; narrowed, it loses the second.
const PERMISSIONS: [&str; 2] = ["chats:read", "messages:send"];

/// A decision on a value, of which everything is asked that a key may do at first.
pub(crate) async fn verify(verifier: &Verifier, value: &str, charge: Charge) -> Option<Verdict> {
    let ask = Ask { address: None, permissions: &PERMISSIONS, channel: None };
    verifier.verify(value, &VerifyRequest { organization: None, ask, charge }).await.ok()
}

pub(crate) fn code(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Allow(_)) => "valid",
        Some(Verdict::Deny(denial)) => denial.code.as_str(),
        None => "unavailable",
    }
}

/// Goes through the steps, whatever fails, and looks at every value that it knows after each. It says what comes of
/// everything, and ends early only where a server would.
pub(crate) async fn tell(path: &Path) {
    let options = Options { readers: NonZeroUsize::MIN, ..Options::default() };
    let store = match SqliteStore::open(path, options) {
        Ok(store) => Arc::new(store),
        Err(error) => return say(format_args!("to open {error} failed")),
    };
    let engine =
        Engine::builder(store.clone()).flush_interval(Duration::from_secs(24 * 3600)).start().unwrap();
    let (manager, verifier) = (engine.manager(), engine.verifier());
    let root = match manager.set_up().await {
        Ok(root) => root.expect("the database is new").value.expose().to_owned(),
        Err(error) => return say(format_args!("to set up {error} failed")),
    };
    say(format_args!("root {root}"));
    if manager.root_announced().await.is_err() {
        return say("announcing failed");
    }
    say("announced");
    let Some(Verdict::Allow(root)) = verify(&verifier, &root, Charge::Nothing).await else {
        return say("to find the root key failed");
    };
    let mut teller = Teller { manager, verifier, root, keys: Vec::new() };
    for (number, step) in STEPS.into_iter().enumerate() {
        say(format_args!("step {number} begins"));
        let done = match step {
            Step::Flush => engine.flush().await.ok().map(|()| "flushed".to_owned()),
            step => teller.change(step).await,
        };
        say(format_args!("step {number} {}", done.as_deref().unwrap_or("failed")));
        teller.look().await;
    }
    let ended = engine.shutdown().await;
    store.close().await;
    say(if ended.is_ok() { END } else { "the end failed" });
}

fn say(line: impl Display) {
    println!("{SAID}{line}");
}

struct Teller {
    manager: KeyManager,
    verifier: Verifier,
    root: VerifiedKey,
    /// By number, with every value that is known.
    keys: Vec<(usize, KeyId, Vec<String>)>,
}

impl Teller {
    /// Does a step. Gives the new value of the key, if there is one.
    async fn change(&mut self, step: Step) -> Option<String> {
        let caller = Caller::key(self.root.clone(), Origin::default());
        let manager = self.manager.clone();
        let id = |number| self.keys.iter().find(|key| key.0 == number).map(|key| key.1);
        let changed = "changed".to_owned();
        match step {
            Step::Create(number) => {
                let issued = manager.create(&caller, key(number)).await.ok()?;
                let value = issued.value.expose().to_owned();
                self.keys.push((number, issued.key.record.id, vec![value.clone()]));
                Some(value)
            }
            Step::Regenerate(number) => {
                let issued = manager.regenerate(&caller, id(number)?, Overlap::NONE).await.ok()?;
                let value = issued.value.expose().to_owned();
                self.keys.iter_mut().find(|key| key.0 == number)?.2.push(value.clone());
                Some(value)
            }
            Step::Revoke(number) => manager.revoke(&caller, id(number)?, None).await.ok().map(|_| changed),
            Step::Reactivate(number) => manager.reactivate(&caller, id(number)?).await.ok().map(|_| changed),
            Step::Narrow(number) => {
                let permissions = Some(permissions(&PERMISSIONS[..1]));
                let patch = KeyPatch { permissions, ..KeyPatch::default() };
                manager.update(&caller, id(number)?, patch).await.ok().map(|_| changed)
            }
            Step::Delete(number) => manager.delete(&caller, id(number)?).await.ok().map(|()| changed),
            Step::Flush => None,
        }
    }

    async fn look(&self) {
        for (number, _, values) in &self.keys {
            for (which, value) in values.iter().enumerate() {
                let code = code(verify(&self.verifier, value, Charge::Units(1)).await);
                say(format_args!("saw {number} {which} {code}"));
            }
        }
    }
}

fn key(number: usize) -> NewKey {
    NewKey {
        organization: None,
        name: format!("Key {number}").parse().unwrap(),
        description: None,
        permissions: permissions(&PERMISSIONS),
        channels: ChannelScope::All,
        networks: IpPolicy::Any,
        expires_at: None,
        tier: Tier::Standard,
    }
}

fn permissions(names: &[&str]) -> PermissionSet {
    PermissionSet::from_permissions(names.iter().map(|name| name.parse().unwrap())).unwrap()
}
