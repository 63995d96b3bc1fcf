//! SQLite's write-ahead log, read as a file.
//!
//! SQLite takes the log's first frame that is not right for its end, which is what a crash leaves. Damage in the middle looks the
//! same to it, and what was committed after it would be gone without a word. But a commit is on the disk before the next one
//! is begun. So where a frame is not right, and further on a commit is followed by another frame that was written after it,
//! the frame was right once. For the last commit there is the [`Mark`].

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use crate::mark::Mark;

/// The layout is SQLite's "WAL-mode File Format".
pub(crate) const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;

/// Whether all that was committed is still in this log, as far as the log itself and the mark can tell. A log that is empty or
/// gone was moved into the database by somebody.
pub(crate) fn is_whole(log: &Path, mark: Option<Mark>) -> io::Result<bool> {
    let mut file = match File::open(log) {
        Ok(file) => BufReader::with_capacity(1 << 18, file),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER];
    if !fill(&mut file, &mut header)? {
        let is_empty = file.get_ref().metadata()?.len() == 0;
        return Ok(is_empty || mark.is_none_or(|mark| mark.frames == 0));
    }
    let Some(header) = Header::read(&header) else {
        // A header is on the disk before the first frame is written.
        return Ok(!fill(&mut file, &mut [0; FRAME_HEADER])?);
    };
    let mut bytes = vec![0; FRAME_HEADER + header.page_size];
    let (mut checksum, mut is_right, mut is_after_commit) = (header.checksum, true, false);
    let mut right: u32 = 0;
    while fill(&mut file, &mut bytes)? {
        let frame = Frame::read(&bytes);
        let follows = frame.salts == header.salts && header.sum(checksum, &bytes) == frame.checksum;
        if !is_right && follows && is_after_commit {
            return Ok(false);
        }
        is_right &= follows;
        right += u32::from(is_right);
        // Behind the first frame that is not right, each goes by what the one before says of itself.
        is_after_commit = frame.is_commit || (follows && is_after_commit && !is_right);
        checksum = frame.checksum;
    }
    Ok(mark.is_none_or(|mark| mark.salts != header.salts || mark.frames <= right))
}

type Checksum = (u32, u32);

struct Header {
    is_big_endian: bool,
    page_size: usize,
    salts: [u8; 8],
    checksum: Checksum,
}

impl Header {
    fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let magic = word(bytes, 0);
        let mut header = Self {
            is_big_endian: magic & 1 == 1,
            page_size: usize::try_from(word(bytes, 8)).ok().filter(|size| (512..=65_536).contains(size))?,
            salts: salts(bytes, 16),
            checksum: (0, 0),
        };
        header.checksum = header.sum_of((0, 0), bytes.get(..24)?);
        (magic & !1 == MAGIC && header.checksum == (word(bytes, 24), word(bytes, 28))).then_some(header)
    }

    /// The checksum of a frame after one with the checksum `before`.
    fn sum(&self, before: Checksum, frame: &[u8]) -> Checksum {
        let (head, page) = frame.split_at_checked(FRAME_HEADER).unwrap_or_default();
        let head = head.get(..8).unwrap_or_default();
        self.sum_of(self.sum_of(before, head), page)
    }

    fn sum_of(&self, (mut one, mut two): Checksum, bytes: &[u8]) -> Checksum {
        let read = if self.is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        for [a, b, c, d, e, f, g, h] in bytes.as_chunks().0 {
            one = one.wrapping_add(read([*a, *b, *c, *d])).wrapping_add(two);
            two = two.wrapping_add(read([*e, *f, *g, *h])).wrapping_add(one);
        }
        (one, two)
    }
}

struct Frame {
    is_commit: bool,
    salts: [u8; 8],
    checksum: Checksum,
}

impl Frame {
    fn read(bytes: &[u8]) -> Self {
        Self {
            is_commit: word(bytes, 4) != 0,
            salts: salts(bytes, 8),
            checksum: (word(bytes, 16), word(bytes, 20)),
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_be_bytes(*word))
}

pub(crate) fn salts(bytes: &[u8], at: usize) -> [u8; 8] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}

/// Fills all of `bytes`; false if the file ends before.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    const FRAME: usize = FRAME_HEADER + 4096;

    /// A log of some commits, of one and of more frames, with the frames after each commit.
    fn log() -> (TempDir, PathBuf, Vec<u8>, Vec<usize>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let log = directory.path().join("test.db-wal");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); CREATE TABLE u (x);")
            .unwrap();
        let mut ends = Vec::new();
        for number in 0..6 {
            connection
                .execute_batch(&format!("BEGIN; INSERT INTO t VALUES (zeroblob(10)); INSERT INTO u VALUES (zeroblob({number} * 1500)); COMMIT"))
                .unwrap();
            ends.push((fs::metadata(&log).unwrap().len() as usize - HEADER) / FRAME);
        }
        let bytes = fs::read(&log).unwrap();
        (directory, path.with_file_name("damaged-wal"), bytes, ends)
    }

    #[test]
    fn what_a_crash_leaves_is_whole() {
        let (_directory, path, bytes, _) = log();
        assert!(is_whole(&path, None).unwrap(), "no log");
        for length in (0..=bytes.len()).step_by(997).chain([0, 1, HEADER, bytes.len()]) {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(is_whole(&path, None).unwrap(), "cut off after {length}");
        }
        let mut torn = bytes.clone();
        let last = bytes.len() - 2 * FRAME;
        torn[last + 500..last + 600].fill(0);
        fs::write(&path, &torn).unwrap();
        assert!(is_whole(&path, None).unwrap(), "a torn last commit");
        // A log that began anew over this one: other salts, and old frames behind.
        let mut over = bytes.clone();
        over.splice(
            ..,
            log().2[..HEADER + 3 * FRAME].iter().copied().chain(bytes[HEADER + 3 * FRAME..].to_vec()),
        );
        fs::write(&path, &over).unwrap();
        assert!(is_whole(&path, None).unwrap(), "old frames behind the new ones");
    }

    #[test]
    fn a_log_that_ends_before_the_mark_is_not_whole() {
        let (_directory, path, bytes, ends) = log();
        let mark = Mark { salts: salts(&bytes, 16), frames: *ends.last().unwrap() as u32 };
        let other = Mark { salts: [7; 8], ..mark };
        let earlier = Mark { frames: mark.frames - 2, ..mark };
        for (length, is_right) in [
            (0, true),
            (10, false),
            (HEADER, false),
            (bytes.len() - FRAME, false),
            (bytes.len() - 1, false),
            (bytes.len(), true),
        ] {
            fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(is_whole(&path, Some(mark)).unwrap(), is_right, "cut off after {length}");
            assert!(length == 10 || is_whole(&path, Some(other)).unwrap(), "another log's mark");
        }
        assert!(is_whole(&path, Some(earlier)).unwrap(), "a mark that lags behind");
        let mut torn = bytes;
        *torn.last_mut().unwrap() ^= 1;
        fs::write(&path, &torn).unwrap();
        assert!(!is_whole(&path, Some(mark)).unwrap(), "a flip in the last commit");
    }

    #[test]
    fn a_flip_before_the_last_commit_is_noticed_wherever_it_is() {
        let (_directory, path, bytes, ends) = log();
        // What is written last is what a crash may cut off, and the header before it says where that begins.
        let last_commit = HEADER + (ends[ends.len() - 2] - 1) * FRAME;
        for at in (0..HEADER + FRAME_HEADER).chain((HEADER..last_commit).step_by(509)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&path, &damaged).unwrap();
            assert!(!is_whole(&path, None).unwrap(), "byte {at} of {}", bytes.len());
        }
    }
}
