//! The program as its operator sees it: exit codes, standard output, signals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

fn program(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qwetty-server"));
    command.current_dir(directory).env_clear().stdin(Stdio::null());
    command
}

fn ended(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    log: ChildStderr,
    address: String,
}

/// Starts the program and waits until it listens.
fn started(command: &mut Command) -> Server {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let log = process.stderr.take().unwrap();
    let address = loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "ended before it listened");
        if let Some(address) = line.strip_prefix("listening on http://") {
            break address.trim_end().to_owned();
        }
        assert!(line.starts_with("root key: "), "{line:?}");
    };
    Server { process, output, log, address }
}

impl Server {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit code, the rest of standard output, and the log.
    fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut output, mut log) = (String::new(), String::new());
        self.output.read_to_string(&mut output).unwrap();
        self.log.read_to_string(&mut log).unwrap();
        (self.process.wait().unwrap().code(), output, log)
    }
}

#[test]
fn a_fault_in_the_configuration_ends_with_code_2_and_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bad.toml"), "database = \"a.db\"\nlisten = 1\n").unwrap();
    for (arguments, variable, named) in [
        (&["--listen", "nowhere"][..], None, "--listen"),
        (&["--listne", "127.0.0.1:0"][..], None, "--listne"),
        (&["serve", "extra"][..], None, "extra"),
        (&[][..], Some(("QWETTY_TIER_ADMIN", "lots")), "QWETTY_TIER_ADMIN"),
        (&[][..], Some(("QWETTY_LOG", "=,=")), "QWETTY_LOG"),
        (&["--config", "bad.toml"][..], None, "bad.toml:2: setting listen"),
        (&["--config", "none.toml"][..], None, "none.toml"),
        (&["root-key", "--config", "bad.toml"][..], None, "bad.toml:2: setting listen"),
    ] {
        let output = ended(program(directory.path()).args(arguments).envs(variable));
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {variable:?}: {log}");
        assert!(log.contains(named), "{named} is missing in {log}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "only the file of the test");
}

#[test]
fn a_fifo_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg(directory.path().join("fifo")).status().unwrap();
    assert!(made.success());
    for (variable, file) in
        [("QWETTY_CONFIG", "fifo"), ("QWETTY_CONFIG", "."), ("QWETTY_GITHUB_PUBLIC_KEYS", "fifo")]
    {
        let output = ended(program(directory.path()).env(variable, file));
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}: {log}");
        assert!(log.contains(file) && log.contains("no regular file"), "{variable}: {log}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let directory = tempfile::tempdir().unwrap();
    for (argument, shown) in [("--help", "--trusted-proxy"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = ended(program(directory.path()).arg(argument));
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains(shown));
    }
}

#[test]
fn a_taken_port_is_an_error_before_there_is_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = ended(program(directory.path()).args(["--listen", &address]));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&address));
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn either_signal_ends_it_with_code_0_and_its_log_is_on_standard_error() {
    for signal in ["TERM", "INT"] {
        let directory = tempfile::tempdir().unwrap();
        let server = started(
            program(directory.path())
                .args(["serve", "--listen", "127.0.0.1:0"])
                .env("QWETTY_SERVICE_HOST", "10.0.0.1"),
        );
        let mut idle = TcpStream::connect(&server.address).unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut first = [0; 9];
        idle.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 ");
        server.signal(signal);
        let (code, output, log) = server.ended();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(output, "");
        assert!(log.contains(&format!("SIG{signal}")) && log.contains("QWETTY_SERVICE_HOST"), "{log}");
    }
}

#[test]
fn a_hangup_without_tls_is_told_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = started(program(directory.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    for _ in 0..2 {
        server.signal("HUP");
        let (mut byte, mut line) = ([0], Vec::new());
        while byte != *b"\n" {
            server.log.read_exact(&mut byte).unwrap();
            line.push(byte[0]);
        }
        assert!(text(&line).contains("SIGHUP: there is nothing to read again"), "{}", text(&line));
        answered(&server.address, 1);
    }
    server.signal("TERM");
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn running_out_of_files_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let server = started(program(directory.path()).args(["--listen", "127.0.0.1:0"]));
    // At its start it would take this into account.
    let limited = Command::new("prlimit")
        .args(["--nofile=64", "--pid", &server.process.id().to_string()])
        .status()
        .unwrap();
    assert!(limited.success());
    let many: Vec<_> = (0..100).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut log = BufReader::new(server.log);
    let mut line = String::new();
    while !line.contains("cannot accept connections") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0);
    }
    drop(many);
    let mut first = [0; 9];
    client.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 ");
    let mut process = server.process;
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Starts the program where a shell has set these limits on open files.
fn limited(directory: &Path, limits: &str) -> Server {
    let script = format!("{limits} && exec \"$0\" --listen 127.0.0.1:0");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_qwetty-server")]).current_dir(directory);
    started(&mut command)
}

/// So many connections, each of which was answered.
fn answered(address: &str, count: usize) -> Vec<TcpStream> {
    let ask = || {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut first = [0; 9];
        client.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 ");
        client
    };
    (0..count).map(|_| ask()).collect()
}

#[test]
fn a_low_limit_on_open_files_is_raised_where_that_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let server = limited(directory.path(), "ulimit -Sn 64");
    let clients = answered(&server.address, 100);
    server.signal("TERM");
    drop(clients);
    let (_, _, log) = server.ended();
    assert!(!log.contains("ulimit"), "{log}");
}

#[test]
fn a_low_limit_on_open_files_bounds_the_connections_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = limited(directory.path(), "ulimit -n 64");
    let clients = answered(&server.address, 16);
    let waiting: Vec<_> = (0..100).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    drop(clients);
    drop(waiting);
    answered(&server.address, 1);
    server.signal("TERM");
    let (_, _, log) = server.ended();
    assert!(log.contains("at most 16 connections") && log.contains("ulimit -n 10048"), "{log}");
    assert!(!log.contains("cannot accept connections"), "{log}");
}
