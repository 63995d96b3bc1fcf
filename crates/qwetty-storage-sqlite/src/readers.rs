use std::panic::{AssertUnwindSafe, catch_unwind};

use async_channel::{Receiver, Sender};
use qwetty_storage::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::Fault;

/// A question that waits for a reader.
pub(crate) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// Has a reader do `work` on one state of the database: what is committed when it begins.
pub(crate) async fn read<T, F>(queue: &Sender<ReadJob>, work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job: ReadJob = Box::new(move |connection| {
        // Nobody may be waiting any more.
        let _ = reply.send(on_one_state(connection, work));
    });
    queue.send(job).await.map_err(|_| Fault::Failed("the store is closed"))?;
    answer.await.unwrap_or(Err(Fault::Failed("the read panicked"))).map_err(StoreError::from)
}

/// Reads for whoever asks, until the queue is closed and empty.
pub(crate) fn run(connection: &Connection, queue: &Receiver<ReadJob>) {
    while let Ok(job) = queue.recv_blocking() {
        // The connection outlives a panic: its statements are reset and its transaction ended on the way up.
        // Whoever waits finds the answer's sender gone.
        let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
    }
}

fn on_one_state<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.unchecked_transaction()?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use async_channel::bounded;

    use super::*;

    #[tokio::test]
    async fn a_read_that_panics_is_answered_and_the_next_one_works() {
        let (queue, queued) = bounded(10);
        let reader = std::thread::spawn(move || run(&Connection::open_in_memory().unwrap(), &queued));
        let panicked: Result<(), _> = read(&queue, |_| panic!("in a read")).await;
        assert!(matches!(panicked, Err(StoreError::Unavailable(_))));
        let one: i64 = read(&queue, |connection| Ok(connection.query_row("SELECT 1", [], |row| row.get(0))?))
            .await
            .unwrap();
        assert_eq!(one, 1);
        queue.close();
        reader.join().unwrap();
    }
}
