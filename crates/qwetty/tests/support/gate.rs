use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use qwetty_storage::StoreError;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use tokio::sync::oneshot;

/// Points in the calls of a store at which a test may hold or fail them.
#[derive(Default)]
pub struct Gates {
    /// How often a key was looked up.
    pub finds: AtomicUsize,
    /// A key was read by its digest, and the answer is not given yet.
    pub found: Gate,
    /// A key is about to be inserted, replaced or removed.
    pub before_write: Gate,
    /// It was, and the answer is not given yet.
    pub after_write: Gate,
    /// A batch of usage is about to be applied.
    pub before_usage: Gate,
    /// It was, and the answer is not given yet.
    pub after_usage: Gate,
    wandering: Mutex<Option<ChaCha8Rng>>,
}

impl Gates {
    pub fn finds(&self) -> usize {
        self.finds.load(Ordering::SeqCst)
    }

    /// From here on, before and after each look-up and write a few others go first, how many the seed says.
    pub fn wander(&self, seed: u64) {
        *self.wandering.lock().unwrap() = Some(ChaCha8Rng::seed_from_u64(seed));
    }

    pub(super) async fn let_others_go_first(&self) {
        let others = self.wandering.lock().unwrap().as_mut().map_or(0, |rng| rng.next_u32() % 4);
        for _ in 0..others {
            tokio::task::yield_now().await;
        }
    }
}

/// One such point. It is open until told otherwise, and again after each call that it held or failed.
#[derive(Default)]
pub struct Gate {
    next: Mutex<Option<Plan>>,
}

enum Plan {
    Hold { reached: oneshot::Sender<()>, released: oneshot::Receiver<()> },
    Fail,
}

impl Gate {
    /// Holds the next call that comes here.
    pub fn hold(&self) -> Held {
        let ((reached, is_reached), (release, released)) = (oneshot::channel(), oneshot::channel());
        *self.next.lock().unwrap() = Some(Plan::Hold { reached, released });
        Held { reached: Some(is_reached), release }
    }

    /// Fails the next call that comes here.
    pub fn fail(&self) {
        *self.next.lock().unwrap() = Some(Plan::Fail);
    }

    pub(super) async fn pass(&self) -> Result<(), StoreError> {
        let plan = self.next.lock().unwrap().take();
        match plan {
            None => Ok(()),
            Some(Plan::Fail) => Err(StoreError::unavailable("the test says so")),
            Some(Plan::Hold { reached, released }) => {
                reached.send(()).ok();
                released.await.ok();
                Ok(())
            }
        }
    }
}

/// A call that is held, or will be. Dropping it lets the call go.
pub struct Held {
    reached: Option<oneshot::Receiver<()>>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is there.
    pub async fn reached(&mut self) {
        if let Some(reached) = self.reached.take() {
            reached.await.expect("the gate is still to be reached");
        }
    }

    /// Lets the call go on.
    pub fn release(self) {
        self.release.send(()).ok();
    }
}
