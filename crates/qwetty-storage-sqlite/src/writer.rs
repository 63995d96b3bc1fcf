use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use async_channel::{Receiver, Sender};
use qwetty_storage::StoreError;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;
use tracing::{error, warn};

use crate::connection::open_writer;
use crate::doubt::{Doubt, Subject};
use crate::fault::Fault;
use crate::mark::Marker;
use crate::migrations::version;
use crate::open::checkpoint;
use crate::presence::{Gone, Presence};

/// How many changes at most share a commit.
const GROUP: usize = 256;

/// Where changes wait for the writer.
pub(crate) type WriteQueue = Sender<Box<dyn WriteJob>>;

/// A change that waits to be written.
pub(crate) trait WriteJob: Send {
    /// What it writes to.
    fn subject(&self) -> Subject;

    /// Does it, inside the writer's transaction. False if it failed and is to be undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells whoever waits for it what became of it, once that is certain.
    fn answer(self: Box<Self>, committed: Result<(), &str>);
}

/// The files that the writer writes to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) presence: Presence,
    pub(crate) doubt: Doubt,
    /// Whether the next commit is to be moved from the log into the file at once.
    pub(crate) to_file: AtomicBool,
}

impl Target {
    pub(crate) fn new(path: PathBuf, presence: Presence) -> Self {
        Self { path, presence, doubt: Doubt::default(), to_file: AtomicBool::new(false) }
    }
}

/// Has the writer do `work`, and answers when it is on the disk. All that it wrote is undone if it fails.
///
/// Once it is queued, it is done even if nobody waits for the answer any more.
pub(crate) async fn write<T, F>(queue: &WriteQueue, subject: Subject, work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Pending { subject, work: Some(work), result: None, reply };
    queue.send(Box::new(job)).await.map_err(|_| Fault::Failed("the store is closed"))?;
    answer.await.unwrap_or(Err(Fault::Failed("the store was closed"))).map_err(StoreError::from)
}

struct Pending<T, F> {
    subject: Subject,
    work: Option<F>,
    result: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> WriteJob for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send,
{
    fn subject(&self) -> Subject {
        self.subject
    }

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

    fn answer(self: Box<Self>, committed: Result<(), &str>) {
        let answer = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Fault::Failed("the change was not tried")),
            (Err(error), _) => Err(Fault::NotCommitted(error.to_owned())),
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
    target: &Target,
    marker: &mut Marker<'_>,
    queue: &Receiver<Box<dyn WriteJob>>,
) -> Connection {
    while let Ok(first) = queue.recv_blocking() {
        let mut group = vec![first];
        gather(&mut group, queue);
        let committed = commit(&connection, target, &mut group).map_err(|error| error.to_string());
        match &committed {
            Ok(()) => {
                target.doubt.end();
                if target.to_file.swap(false, Ordering::SeqCst) {
                    empty_log(&connection, marker);
                }
                marker.set(&connection);
            }
            Err(error) => {
                target.doubt.add(group.iter().map(|job| job.subject()));
                error!(%error, changes = group.len(), "a commit failed");
                connection = usable_again(connection, target);
            }
        }
        for job in group {
            job.answer(committed.as_ref().copied().map_err(String::as_str));
        }
    }
    connection
}

/// Moves everything from the log into the file, as far as no tool that reads it is in the way. Nothing is lost without it: the
/// log is read when the file is opened again.
pub(crate) fn empty_log(connection: &Connection, marker: &Marker<'_>) {
    let cleared = marker.clear();
    // Or SQLite would empty it when the connection is closed.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, cleared.is_err());
    if let Err(error) = cleared {
        return warn!(%error, "the log stays as it is: the lock file cannot be written to");
    }
    if let Err(error) = checkpoint(connection) {
        warn!(%error, "the log could not be moved into the database file");
    }
}

/// Adds what waits already, and what is about to: those who had their answers from the last commit are on their way with the
/// next change, and one that comes a moment late waits for a whole sync.
fn gather(group: &mut Vec<Box<dyn WriteJob>>, queue: &Receiver<Box<dyn WriteJob>>) {
    loop {
        let before = group.len();
        std::thread::yield_now();
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        if group.len() == before || group.len() == GROUP {
            return;
        }
    }
}

/// Why a group was not committed.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Runs a group in one transaction, each job in a savepoint of its own. An error means that none of it was done.
fn commit(
    connection: &Connection,
    target: &Target,
    group: &mut [Box<dyn WriteJob>],
) -> Result<(), CommitError> {
    let execute = |sql| connection.prepare_cached(sql)?.execute([]).map(|_| ());
    target.presence.check()?;
    execute("BEGIN IMMEDIATE")?;
    if target.doubt.is_there() {
        take_its_place(connection)?;
    }
    for job in group {
        execute("SAVEPOINT job")?;
        if !job.run(connection) {
            // This fails if the job's failure ended the whole transaction, as a full disk does.
            execute("ROLLBACK TO job")?;
        }
        execute("RELEASE job")?;
    }
    execute("COMMIT")?;
    // It may have gone just now, and what was written with it.
    Ok(target.presence.check()?)
}

/// Writes something whatever the jobs do, so that the commit takes the place of one that failed.
fn take_its_place(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", version(connection)?)
}

/// Ends a transaction that a failure left open; if SQLite cannot, with a new connection.
fn usable_again(connection: Connection, target: &Target) -> Connection {
    if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
        return connection;
    }
    match open_writer(&target.path) {
        Ok(fresh) => fresh,
        Err(error) => {
            error!(%error, "the database cannot be opened again; the next change tries anew");
            connection
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_channel::bounded;
    use tempfile::TempDir;

    use super::*;

    /// A writer without its thread: it writes when it is told to.
    struct Bench {
        directory: TempDir,
        connection: Connection,
        queue: WriteQueue,
        queued: Receiver<Box<dyn WriteJob>>,
    }

    type Answer = oneshot::Receiver<Result<usize, Fault>>;

    impl Bench {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("test.db");
            std::fs::write(&path, "").unwrap();
            let connection = open_writer(&path).unwrap();
            connection
                .execute_batch(
                    "PRAGMA journal_mode = WAL;
                     CREATE TABLE parents (id INTEGER PRIMARY KEY);
                     CREATE TABLE children (
                        parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED
                     );",
                )
                .unwrap();
            let (queue, queued) = bounded(1000);
            Self { directory, connection, queue, queued }
        }

        fn queue(&self, work: impl FnOnce(&Connection) -> Result<usize, Fault> + Send + 'static) -> Answer {
            let (reply, answer) = oneshot::channel();
            let job = Pending { subject: Subject::None, work: Some(work), result: None, reply };
            self.queue.try_send(Box::new(job)).ok().unwrap();
            answer
        }

        fn queue_insert(&self, id: usize) -> Answer {
            self.queue(move |connection| {
                Ok(connection.execute("INSERT INTO parents VALUES (?)", [i64::try_from(id).unwrap()])?)
            })
        }

        /// Writes all that is queued, and gives the ids that are there afterwards, as another connection sees them.
        fn write_all(self) -> (Vec<i64>, TempDir) {
            self.queue.close();
            let path = self.directory.path().join("test.db");
            let presence = Presence::of(path.clone(), path.clone()).unwrap();
            let lock = std::fs::File::create(self.directory.path().join("lock")).unwrap();
            let mut marker = Marker::new(&lock, &path.with_extension("db-wal"));
            let target = Target::new(path.clone(), presence);
            let connection = run(self.connection, &target, &mut marker, &self.queued);
            assert!(connection.is_autocommit());
            let other = open_writer(&path).unwrap();
            let mut statement = other.prepare("SELECT id FROM parents ORDER BY id").unwrap();
            let ids = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            (ids, self.directory)
        }
    }

    fn answered(mut answer: Answer) -> Result<usize, StoreError> {
        answer.try_recv().expect("it was answered").map_err(StoreError::from)
    }

    #[test]
    fn what_is_queued_together_shares_a_commit() {
        let mut bench = Bench::new();
        let commits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&commits);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        bench.connection.commit_hook(Some(count)).unwrap();
        let answers: Vec<_> = (0..64).map(|id| bench.queue_insert(id)).collect();
        let (ids, _directory) = bench.write_all();
        assert_eq!(commits.load(Ordering::Relaxed), 1);
        assert_eq!(ids.len(), 64);
        for answer in answers {
            assert_eq!(answered(answer).unwrap(), 1);
        }
    }

    #[test]
    fn a_group_has_an_end() {
        let bench = Bench::new();
        let answers: Vec<_> = (0..GROUP + 1).map(|id| bench.queue_insert(id)).collect();
        let (ids, _directory) = bench.write_all();
        assert_eq!(ids.len(), answers.len());
        assert!(answers.into_iter().all(|answer| answered(answer).is_ok()));
    }

    #[test]
    fn a_job_is_done_though_nobody_waits_for_it() {
        let bench = Bench::new();
        drop(bench.queue_insert(7));
        let (ids, _directory) = bench.write_all();
        assert_eq!(ids, [7]);
    }

    #[test]
    fn a_job_that_fails_undoes_itself_alone() {
        let bench = Bench::new();
        let first = bench.queue_insert(1);
        let failing = bench.queue(|connection| {
            connection.execute("INSERT INTO parents VALUES (2)", [])?;
            Err(Fault::Failed("after a write"))
        });
        let constraint = bench.queue_insert(1);
        let panicking = bench.queue(|connection| {
            connection.execute("INSERT INTO parents VALUES (3)", [])?;
            panic!("after a write")
        });
        let last = bench.queue_insert(4);
        let (ids, _directory) = bench.write_all();
        assert_eq!(ids, [1, 4]);
        assert!(answered(first).is_ok() && answered(last).is_ok());
        for failed in [failing, constraint, panicking] {
            assert!(matches!(answered(failed), Err(StoreError::Unavailable(_))));
        }
    }

    #[test]
    fn a_commit_that_fails_leaves_nothing_and_the_next_one_works() {
        let bench = Bench::new();
        // The reference is looked at when the transaction is committed, and the transaction stays open then.
        let orphan =
            bench.queue(|connection| Ok(connection.execute("INSERT INTO children VALUES (9999)", [])?));
        let mut answers: Vec<_> = (1..GROUP).map(|id| bench.queue_insert(id)).collect();
        let next = bench.queue_insert(1000);
        let (ids, _directory) = bench.write_all();
        assert_eq!(ids, [1000]);
        assert!(answered(next).is_ok());
        answers.push(orphan);
        for answer in answers {
            assert!(matches!(answered(answer), Err(StoreError::Unavailable(_))));
        }
    }

    #[test]
    fn a_commit_that_is_turned_into_a_rollback_leaves_nothing() {
        let mut bench = Bench::new();
        let mut fail = true;
        bench.connection.commit_hook(Some(move || std::mem::take(&mut fail))).unwrap();
        let undone: Vec<_> = (0..GROUP).map(|id| bench.queue_insert(id)).collect();
        let next = bench.queue_insert(1000);
        let (ids, _directory) = bench.write_all();
        assert_eq!(ids, [1000]);
        assert!(answered(next).is_ok());
        assert!(undone.into_iter().all(|answer| answered(answer).is_err()));
    }

    #[test]
    fn a_log_whose_mark_cannot_be_taken_back_stays() {
        let Bench { directory, connection, .. } = Bench::new();
        let (path, lock) = (directory.path().join("test.db"), directory.path().join("lock"));
        let log = path.with_extension("db-wal");
        std::fs::write(&lock, "").unwrap();
        let length = || std::fs::metadata(&log).map_or(0, |log| log.len());

        let protected = std::fs::File::open(&lock).unwrap();
        empty_log(&connection, &Marker::new(&protected, &log));
        drop(connection);
        assert!(length() > 0, "the next start would miss it");

        let connection = open_writer(&path).unwrap();
        let lock = std::fs::File::create(&lock).unwrap();
        empty_log(&connection, &Marker::new(&lock, &log));
        drop(connection);
        assert_eq!(length(), 0);
        assert!(open_writer(&path).unwrap().table_exists(None, "parents").unwrap());
    }

    #[test]
    fn a_failure_that_ends_the_transaction_fails_the_whole_group() {
        let bench = Bench::new();
        let before = bench.queue_insert(1);
        // What a full disk does.
        let fatal = bench.queue(|connection| {
            connection.execute_batch("ROLLBACK")?;
            Err(Fault::Failed("disk full"))
        });
        let after = bench.queue_insert(2);
        let (ids, _directory) = bench.write_all();
        assert_eq!(ids, [0_i64; 0]);
        for answer in [before, fatal, after] {
            assert!(answered(answer).is_err());
        }
    }
}
