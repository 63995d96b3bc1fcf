use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::Connection;

use crate::log::{HEADER, salts};

/// How far the log had come when the last change was answered, kept in the lock file.
///
/// A log that ends before that was cut off or damaged, though it looks as after a crash. The mark is written when the commit is on
/// the disk, and is not waited for: it may lag behind after a power loss, and is never ahead. It is taken back before the log
/// is emptied into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Of the log; another one begins with others.
    pub(crate) salts: [u8; 8],
    pub(crate) frames: u32,
}

const SIZE: usize = 16;

impl Mark {
    /// The mark in a lock file; none if there is no whole one.
    pub(crate) fn read(mut lock: &File) -> Option<Self> {
        let mut bytes = [0; SIZE];
        lock.seek(SeekFrom::Start(0)).and_then(|_| lock.read_exact(&mut bytes)).ok()?;
        let mark = Self {
            salts: *bytes.first_chunk()?,
            frames: u32::from_le_bytes(*bytes.get(8..)?.first_chunk()?),
        };
        (mark.bytes() == bytes).then_some(mark)
    }

    fn write(self, mut lock: &File) -> io::Result<()> {
        lock.seek(SeekFrom::Start(0))?;
        lock.write_all(&self.bytes())
    }

    fn bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let content = self.salts.into_iter().chain(self.frames.to_le_bytes());
        for (byte, of_content) in bytes.iter_mut().zip(content) {
            *byte = of_content;
        }
        let checksum = crc32fast::hash(bytes.get(..12).unwrap_or_default());
        for (byte, of_checksum) in bytes.iter_mut().skip(12).zip(checksum.to_le_bytes()) {
            *byte = of_checksum;
        }
        bytes
    }
}

/// Writes the mark after each commit.
#[derive(Debug)]
pub(crate) struct Marker<'a> {
    lock: &'a File,
    log: Option<File>,
}

impl<'a> Marker<'a> {
    /// For the log at this path, which is open.
    pub(crate) fn new(lock: &'a File, log: &Path) -> Self {
        Self { lock, log: File::open(log).ok() }
    }

    /// Takes the mark back: the log is about to be emptied. If that fails the log must stay, since it would be missed.
    pub(crate) fn clear(&self) -> io::Result<()> {
        Mark { salts: [0; 8], frames: 0 }.write(self.lock)
    }

    /// Writes how far the log has come. Without it no change is lost, so whatever fails is passed over: the mark stays behind.
    pub(crate) fn set(&mut self, connection: &Connection) {
        let _ = self.try_set(connection);
    }

    fn try_set(&mut self, connection: &Connection) -> Option<()> {
        let log = self.log.as_mut()?;
        let frames: i64 = connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
            .ok()?
            .query_row([], |row| row.get(1))
            .ok()?;
        let mut header = [0; HEADER];
        log.seek(SeekFrom::Start(0)).and_then(|_| log.read_exact(&mut header)).ok()?;
        let mark = Mark { salts: salts(&header, 16), frames: u32::try_from(frames).ok()? };
        mark.write(self.lock).ok()
    }
}
