use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::launch::Launch;
use crate::preload::library;

/// A disk that fails when a test says so, for the files of a program that is started with [`variables`](Self::variables).
///
/// It stands between the program and the system's library, as a library that is loaded before that one (Linux).
pub struct FaultyDisk {
    control: File,
    variables: [(&'static str, String); 3],
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`; of what was to be written, half of the sectors are.
    Broken,
    /// `ENOSPC`, likewise.
    Full,
    /// `EROFS`, likewise.
    ReadOnly,
    /// The program is killed before it has done it.
    KilledBefore,
    /// The program is killed when it has done it.
    KilledAfter,
}

impl FaultyDisk {
    /// What opens a file.
    pub const OPEN: u64 = 1;
    /// What reads.
    pub const READ: u64 = 2;
    /// What writes.
    pub const WRITE: u64 = 4;
    /// What waits for the disk.
    pub const SYNC: u64 = 8;
    /// What makes a file shorter or longer.
    pub const TRUNCATE: u64 = 16;
    /// What removes a file, or gives it another name.
    pub const REMOVE: u64 = 32;
    /// All of these.
    pub const ALL: u64 = 63;
    /// Those that change something.
    pub const CHANGES: u64 = Self::ALL - Self::READ;

    /// A disk that works, for the files whose paths begin with `files`. `None` where there is no C compiler or no such
    /// library can be made.
    pub fn new(files: &Path) -> Option<Self> {
        // Not one of those files itself.
        let path = files.with_file_name("faults");
        let control =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        let variables = [
            ("LD_PRELOAD", text(&library("fault.c")?)),
            ("FAULT_FILES", text(files)),
            ("FAULT_CONTROL", text(&path)),
        ];
        let disk = Self { control, variables };
        disk.works(Self::ALL);
        Some(disk)
    }

    /// The same program on this disk.
    pub fn launch(&self, launch: Launch) -> Launch {
        self.variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value))
    }

    /// The environment of a program on this disk.
    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// Nothing fails from now on; these operations are counted, from 0.
    pub fn works(&self, operations: u64) {
        self.set([0, u64::MAX, u64::MAX, operations, 0]);
    }

    /// These operations are counted from 0, and the ones with a number in `numbers` (from 1) fail.
    pub fn fails(&self, operations: u64, numbers: std::ops::Range<u64>, fault: Fault) {
        let how = match fault {
            Fault::Broken => 5,
            Fault::Full => 28,
            Fault::ReadOnly => 30,
            Fault::KilledBefore => 1000,
            Fault::KilledAfter => 1001,
        };
        self.set([0, numbers.start, numbers.end, operations, how]);
    }

    /// How many operations were counted.
    pub fn count(&self) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, 0).unwrap();
        u64::from_ne_bytes(bytes)
    }

    fn set(&self, numbers: [u64; 5]) {
        let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_ne_bytes).collect();
        self.control.write_all_at(&bytes, 0).unwrap();
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
