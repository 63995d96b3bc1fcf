use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::clock::{eventually, in_time};

/// The running program. It dies with this value.
pub struct Process {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    printed: Vec<String>,
    log: PathBuf,
    /// How long the log was when this program started.
    log_begins: usize,
}

/// What is left of the program when it has ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Every line of its standard output, from its start.
    pub printed: Vec<String>,
    /// Its log.
    pub log: String,
}

impl Process {
    pub(crate) fn new(mut child: Child, log: PathBuf, log_begins: usize) -> Self {
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, output, printed: Vec::new(), log, log_begins }
    }

    /// The next line of its standard output; `None` when it has closed it.
    pub async fn line(&mut self) -> Option<String> {
        let line = in_time("a line of standard output", self.output.next_line()).await.unwrap();
        self.printed.extend(line.clone());
        line
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The memory that it has in use, in KiB: `VmRSS`.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Asks it to end: SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Keeps it from doing anything: SIGSTOP. Returns once all its threads stand still.
    pub(crate) async fn pause(&self) {
        self.signal("STOP");
        let threads = format!("/proc/{}/task", self.id());
        eventually("the program stands still", async || {
            let mut threads = std::fs::read_dir(&threads).unwrap();
            threads.all(|thread| stands_still(&thread.unwrap().path())).then_some(())
        })
        .await;
    }

    /// Sends it the signal with this name.
    pub(crate) fn signal(&self, name: &str) {
        let Some(id) = self.child.id() else { return };
        let script = format!("kill -{name} \"$0\"");
        let sent = Command::new("sh").args(["-c", &script, &id.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it on the spot: SIGKILL.
    pub fn kill(&mut self) {
        self.child.start_kill().unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> Ended {
        while self.line().await.is_some() {}
        let status = in_time("the end of the program", self.child.wait()).await.unwrap();
        let log = std::fs::read(&self.log).unwrap();
        let log = String::from_utf8_lossy(&log[self.log_begins..]).into_owned();
        Ended { code: status.code(), printed: self.printed, log }
    }
}

impl Ended {
    /// The root keys that it printed.
    pub fn root_keys(&self) -> Vec<&str> {
        self.printed.iter().filter_map(|line| line.strip_prefix("root key: ")).collect()
    }
}

/// Whether a thread, by its directory in `/proc`, is stopped: the state follows its name, which stands in brackets.
fn stands_still(thread: &Path) -> bool {
    let state = std::fs::read_to_string(thread.join("stat"));
    state.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T")))
}
