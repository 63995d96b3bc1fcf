use std::sync::Arc;

use qwetty_keys::KeyDigest;
use qwetty_storage::StoreError;
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore, SemaphorePermit};

use crate::cache::Ticket;
use crate::sync::DashMap;

/// Look-ups at a time: more than a store has readers, so that none of them is idle.
const AT_A_TIME: usize = 32;

/// Who may read the store for a decision, and when.
///
/// Decisions on one digest stand in one line: the first reads the store, and those behind it find in memory what it learned. The
/// line is that of a ticket, too, so that nobody waits for a look-up from before a change, of which nothing can be learned.
///
/// And whoever reads takes a turn, of which there are few: strangers can have the store read for each value that they make up,
/// and must not fill its queue, in which management waits as well.
pub(crate) struct LookUps {
    /// As long as somebody stands in it.
    lines: DashMap<Asked, Line>,
    turns: Semaphore,
}

type Asked = (KeyDigest, Ticket);
type Line = Arc<Mutex<Failed>>;

/// Whether somebody who was first could not tell.
struct Failed(bool);

/// The first place in a line, until it is dropped.
pub(crate) struct First<'a> {
    place: OwnedMutexGuard<Failed>,
    standing: Standing<'a>,
}

/// Somewhere in a line.
struct Standing<'a> {
    look_ups: &'a LookUps,
    asked: Asked,
    line: Option<Line>,
}

impl LookUps {
    pub(crate) fn new() -> Self {
        Self { lines: DashMap::new(), turns: Semaphore::new(AT_A_TIME) }
    }

    /// Waits to be the first of those who ask for a digest as of a ticket.
    ///
    /// # Errors
    ///
    /// If the store failed for somebody who was before it: a store that is out of reach keeps all of a line waiting for as long as
    /// one of them, and not for one after the other.
    pub(crate) async fn first(&self, digest: &KeyDigest, ticket: Ticket) -> Result<First<'_>, StoreError> {
        let asked = (*digest, ticket);
        let line =
            Arc::clone(&self.lines.entry(asked).or_insert_with(|| Arc::new(Mutex::new(Failed(false)))));
        let standing = Standing { look_ups: self, asked, line: Some(Arc::clone(&line)) };
        let place = line.lock_owned().await;
        if place.0 {
            return Err(StoreError::unavailable("it did not answer the look-up that this one waited for"));
        }
        Ok(First { place, standing })
    }

    /// How many lines there are.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Waits for a turn at reading the store.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.turns.acquire().await.map_err(StoreError::unavailable)
    }
}

impl First<'_> {
    /// The store could not tell: those behind it are not to ask again, and who comes after that begins another line.
    pub(crate) fn failed(mut self) {
        self.place.0 = true;
        let Standing { look_ups, asked, line } = &self.standing;
        look_ups
            .lines
            .remove_if(asked, |_, current| line.as_ref().is_some_and(|line| Arc::ptr_eq(line, current)));
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.line = None;
        // Whoever joins a line does so under the map's lock, as this is asked: the last to leave it finds that nobody has.
        self.look_ups.lines.remove_if(&self.asked, |_, line| Arc::strong_count(line) == 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::KeyCache;

    #[tokio::test]
    async fn a_line_is_there_as_long_as_somebody_stands_in_it() {
        let look_ups = LookUps::new();
        let digest = KeyDigest::from_bytes([7; 32]);
        let ticket = KeyCache::with_capacity(1).ticket(&digest);

        let first = look_ups.first(&digest, ticket).await.unwrap();
        let mut second = Box::pin(look_ups.first(&digest, ticket));
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is one before it"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        assert_eq!(look_ups.lines(), 1, "one waits still");
        let second = second.await.unwrap();
        assert_eq!(look_ups.lines(), 1);
        drop(second);
        assert_eq!(look_ups.lines(), 0);
    }
}
