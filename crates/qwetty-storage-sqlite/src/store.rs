use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};

use async_channel::{Sender, bounded};
use qwetty_storage::StoreError;
use rusqlite::Connection;
use tokio::sync::watch;

use crate::OpenError;
use crate::connection::open_reader;
use crate::doubt::Subject;
use crate::fault::Fault;
use crate::mark::Marker;
use crate::migrations::MIGRATIONS;
use crate::open::{Opened, open};
use crate::presence::Presence;
use crate::readers::{self, ReadJob};
use crate::writer::{self, Target, WriteQueue};

/// How a [`SqliteStore`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many threads read.
    pub readers: NonZeroUsize,
    /// How many jobs may wait for the writer, and how many for the readers; whoever has another waits to queue it.
    pub queue: NonZeroUsize,
}

impl Default for Options {
    /// Two readers, 1024 jobs.
    fn default() -> Self {
        const READERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
        const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);
        Self { readers: READERS, queue: QUEUE }
    }
}

/// A store in an SQLite file, which is this store's alone as long as it is open.
///
/// SQLite runs on threads of the store's own, one that writes and a few that read; the methods only wait for them.
/// Dropping the store closes it and blocks until that is done; [`close`](Self::close) waits without blocking.
pub struct SqliteStore {
    target: Arc<Target>,
    changes: WriteQueue,
    questions: Sender<ReadJob>,
    /// Ends when the last thread has let go of the file.
    open: watch::Receiver<()>,
    writer: Option<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the database file at `path`, and makes it if there is none. Blocks while it does.
    ///
    /// # Errors
    ///
    /// Every [`OpenError`]. A file that is not ours, not whole or too new is refused and left as it is.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let opened = open(path.as_ref(), MIGRATIONS)?;
        let path = opened.path.clone();
        let connections = (0..options.readers.get())
            .map(|_| open_reader(&path))
            .collect::<Result<Vec<_>, _>>()
            .map_err(OpenError::sqlite(&path))?;
        let presence =
            Presence::of(path.clone(), opened.log.clone()).map_err(OpenError::io("look at", &path))?;
        let target = Arc::new(Target::new(path.clone(), presence));
        Self::start(opened, target, connections, options.queue)
            .map_err(OpenError::io("start a thread for", &path))
    }

    /// Does what is queued, moves everything from the log into the file, and lets go of the file. Every call that comes
    /// later is answered [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.end_queues();
        let mut open = self.open.clone();
        while open.changed().await.is_ok() {}
    }

    /// Has the writer do `work`; see [`writer::write`].
    pub(crate) async fn write<T, F>(&self, subject: Subject, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        writer::write(&self.changes, subject, work).await
    }

    /// Has a reader do `work`; see [`readers::read`].
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let read = readers::read(&self.questions, work).await;
        if matches!(read, Err(StoreError::Damaged { .. })) {
            // That something was done to the file tells more than what SQLite then finds in it.
            self.present()?;
        }
        read
    }

    /// Makes sure that what is read of this record is no change that was not committed to the end, nor one that lacks it: after
    /// a commit that failed either may be found when the file is opened again, and nobody may be told that there is nothing to do.
    pub(crate) async fn certain(&self, record: u128) -> Result<(), StoreError> {
        if self.target.doubt.has(record) { self.writable().await } else { Ok(()) }
    }

    /// Makes sure that changes can be written, if the last one could not.
    pub(crate) async fn writable(&self) -> Result<(), StoreError> {
        if self.target.doubt.is_there() { self.write(Subject::None, |_| Ok(())).await } else { Ok(()) }
    }

    /// Does what [`write`](Self::write) does, and moves it from the log into the file before it is answered.
    pub(crate) async fn write_to_file(
        &self,
        work: impl FnOnce(&Connection) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.target.to_file.store(true, Ordering::SeqCst);
        self.write(Subject::None, work).await
    }

    /// Makes sure that the files are where they were, and nothing was cut off.
    pub(crate) fn present(&self) -> Result<(), StoreError> {
        Ok(self.target.presence.check().map_err(Fault::from)?)
    }

    fn start(
        opened: Opened,
        target: Arc<Target>,
        connections: Vec<Connection>,
        queue: NonZeroUsize,
    ) -> io::Result<Self> {
        let (changes, changes_to_do) = bounded(queue.get());
        let (questions, questions_to_do) = bounded(queue.get());
        let (still_open, open) = watch::channel(());
        // If a thread cannot be started, this is dropped, and those that were started end.
        let mut store = Self { target: Arc::clone(&target), changes, questions, open, writer: None };

        let mut readers = Vec::new();
        for connection in connections {
            let questions = questions_to_do.clone();
            let work = move || readers::run(&connection, &questions);
            readers.push(Builder::new().name("sqlite-reader".into()).spawn(work)?);
        }
        let work = move || {
            let Opened { writer, locks, log, .. } = opened;
            let mut marker = Marker::new(&locks.0, &log);
            let writer = writer::run(writer, &target, &mut marker, &changes_to_do);
            for reader in readers {
                // A reader catches the panics of its jobs, and has none of its own.
                let _ = reader.join();
            }
            writer::empty_log(&writer, &marker);
            drop(writer);
            drop(locks);
            drop(still_open);
        };
        store.writer = Some(Builder::new().name("sqlite-writer".into()).spawn(work)?);
        Ok(store)
    }

    /// The threads do what is queued and end.
    fn end_queues(&self) {
        self.changes.close();
        self.questions.close();
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.end_queues();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.target.path).finish_non_exhaustive()
    }
}
