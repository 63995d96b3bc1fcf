use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use async_channel::{Receiver, Sender};
use qwetty_storage::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::error;

use crate::connection::open_writer;
use crate::fault::Fault;

/// How many changes at most share a commit.
const GROUP: usize = 256;

/// Where changes wait for the writer.
pub(crate) type WriteQueue = Sender<Box<dyn WriteJob>>;

/// A change that waits to be written.
pub(crate) trait WriteJob: Send {
    /// Does it, inside the writer's transaction. False if it failed and is to be undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells whoever waits for it what became of it, once that is certain.
    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>);
}

/// Has the writer do `work`, and answers when it is on the disk. All that it wrote is undone if it fails.
///
/// Once it is queued, it is done even if nobody waits for the answer any more.
pub(crate) async fn write<T, F>(queue: &WriteQueue, work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Pending { work: Some(work), result: None, reply };
    queue.send(Box::new(job)).await.map_err(|_| Fault::Failed("the store is closed"))?;
    answer.await.unwrap_or(Err(Fault::Failed("the store was closed"))).map_err(StoreError::from)
}

struct Pending<T, F> {
    work: Option<F>,
    result: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> WriteJob for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        // The connection outlives a panic: whatever the job did to it is undone with the job's savepoint.
        let work = self.work.take();
        let result = work.map(|work| {
            catch_unwind(AssertUnwindSafe(|| work(connection)))
                .unwrap_or(Err(Fault::Failed("the change panicked")))
        });
        self.result = result;
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>) {
        let answer = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Fault::Failed("the change was not tried")),
            (Err(error), _) => Err(Fault::NotCommitted(error.to_string())),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(answer);
    }
}

/// Writes what is queued, until the queue is closed and empty. Gives the connection back.
///
/// Everything that waits when a commit begins shares it: under load one sync of the disk serves many changes.
pub(crate) fn run(
    mut connection: Connection,
    path: &Path,
    queue: &Receiver<Box<dyn WriteJob>>,
) -> Connection {
    while let Ok(first) = queue.recv_blocking() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let committed = commit(&connection, &mut group);
        if let Err(error) = &committed {
            error!(%error, changes = group.len(), "a commit failed and was undone");
            connection = usable_again(connection, path);
        }
        for job in group {
            job.answer(committed.as_ref().copied());
        }
    }
    connection
}

/// Runs a group in one transaction, each job in a savepoint of its own. An error means that none of it was done.
fn commit(connection: &Connection, group: &mut [Box<dyn WriteJob>]) -> rusqlite::Result<()> {
    let execute = |sql| connection.prepare_cached(sql)?.execute([]).map(|_| ());
    execute("BEGIN IMMEDIATE")?;
    for job in group {
        execute("SAVEPOINT job")?;
        if !job.run(connection) {
            // This fails if the job's failure ended the whole transaction, as a full disk does.
            execute("ROLLBACK TO job")?;
        }
        execute("RELEASE job")?;
    }
    execute("COMMIT")
}

/// Ends a transaction that a failure left open; if SQLite cannot, with a new connection.
fn usable_again(connection: Connection, path: &Path) -> Connection {
    if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
        return connection;
    }
    match open_writer(path) {
        Ok(fresh) => fresh,
        Err(error) => {
            error!(%error, "the database cannot be opened again; the next change tries anew");
            connection
        }
    }
}
