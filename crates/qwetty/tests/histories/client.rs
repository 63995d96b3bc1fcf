use std::sync::Arc;

use qwetty::{Charge, KeyManager, KeyPatch, ManageError, Verifier, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_keys::{KeyId, Overlap};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::history::Recorder;
use crate::model::{Answer, Call};
use crate::support::{code, owner, permission_set};

const SENDING: Ask<'static> = Ask { address: None, permissions: &["messages:send"], channel: None };

/// One of those who call at the same time. Its calls are those that its seed says.
pub(crate) struct Client {
    pub(crate) verifier: Verifier,
    pub(crate) manager: KeyManager,
    pub(crate) key: KeyId,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) rng: ChaCha8Rng,
}

impl Client {
    pub(crate) async fn make_calls(mut self, number: usize) {
        for _ in 0..number {
            let call = self.choose();
            let begun = self.recorder.begin();
            let answer = self.make(&call).await;
            self.recorder.end(begun, call, answer);
            for _ in 0..self.rng.next_u32() % 3 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn choose(&mut self) -> Call {
        match self.rng.random_range(0..20) {
            0..9 => {
                let known: Vec<_> = (0..self.recorder.values().len()).collect();
                // Mostly the newest one, which is not refused whatever happens.
                let newest = known.len() - 1;
                let any = *known.choose(&mut self.rng).unwrap();
                Call::Verify { value: if self.rng.random_bool(0.6) { newest } else { any } }
            }
            9..12 => Call::Revoke,
            12..15 => Call::Reactivate,
            15..17 => Call::Regenerate { overlapping: self.rng.random_bool(0.5) },
            17 => Call::Narrow,
            18 => Call::Widen,
            // Not in every history, or little else would happen.
            _ => {
                if self.rng.random_bool(0.2) {
                    Call::Delete
                } else {
                    Call::Widen
                }
            }
        }
    }

    async fn make(&self, call: &Call) -> Answer {
        let (manager, owner, key) = (&self.manager, owner(), self.key);
        let update = |permissions: &[&str]| KeyPatch {
            permissions: Some(permission_set(permissions)),
            ..KeyPatch::default()
        };
        match call {
            Call::Verify { value } => {
                let value = self.recorder.values().swap_remove(*value);
                let request = VerifyRequest { organization: None, ask: SENDING, charge: Charge::Units(1) };
                Answer::Code(code(&self.verifier.verify(&value, &request).await.unwrap()))
            }
            Call::Revoke => done(manager.revoke(&owner, key, None).await),
            Call::Reactivate => done(manager.reactivate(&owner, key).await),
            Call::Delete => done(manager.delete(&owner, key).await),
            Call::Narrow => done(manager.update(&owner, key, update(&["chats:read"])).await),
            Call::Widen => done(manager.update(&owner, key, update(&["chats:read", "messages:send"])).await),
            Call::Regenerate { overlapping } => {
                let overlap = if *overlapping { Overlap::from_seconds(3600).unwrap() } else { Overlap::NONE };
                match manager.regenerate(&owner, key, overlap).await {
                    Ok(issued) => Answer::Value(self.recorder.issued(issued.value.expose())),
                    Err(error) => refused(&error),
                }
            }
        }
    }
}

fn done<T>(outcome: Result<T, ManageError>) -> Answer {
    outcome.map_or_else(|error| refused(&error), |_| Answer::Done)
}

fn refused(error: &ManageError) -> Answer {
    match error {
        ManageError::NotFound => Answer::NotFound,
        ManageError::KeyRevoked => Answer::KeyRevoked,
        other => panic!("{other:?}"),
    }
}
