use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::launch::Launch;
use crate::preload::library;

/// The wall clock of a program, to be set by a test; the monotonic one goes on.
pub struct WrongClock {
    control: File,
    variables: [(&'static str, String); 2],
}

impl WrongClock {
    /// One that is right at first, and keeps a file in this directory. `None` where no library can be loaded before the
    /// others.
    pub fn new(directory: &Path) -> Option<Self> {
        let path = directory.join("clock");
        let control = File::create(&path).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let variables = [("LD_PRELOAD", text(&library("clock.c")?)), ("CLOCK_CONTROL", text(&path))];
        let clock = Self { control, variables };
        clock.set(0);
        Some(clock)
    }

    /// It is so many seconds ahead of the machine's from now on.
    pub fn set(&self, seconds: i64) {
        self.control.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// The same program by this clock.
    pub fn launch(&self, launch: Launch) -> Launch {
        self.variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value))
    }
}
