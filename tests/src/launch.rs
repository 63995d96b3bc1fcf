use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::Command;
use tokio_rustls::TlsConnector;

use crate::certificate::Certificate;
use crate::process::{Ended, Process};
use crate::program::program;
use crate::server::Server;

/// How to start the program: in a directory of its own, with nothing of this process's environment.
#[derive(Clone)]
pub struct Launch {
    directory: Arc<TempDir>,
    subcommand: Option<&'static str>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    connector: Option<TlsConnector>,
}

impl Launch {
    /// `serve` on a free port and the database `qwetty.db`, which does not exist yet. Both are said in the environment,
    /// so that an argument can say something else.
    pub fn serve() -> Self {
        let launch = Self { subcommand: Some("serve"), ..Self::bare() };
        launch.env("QWETTY_LISTEN", "127.0.0.1:0").env("QWETTY_DATABASE", "qwetty.db")
    }

    /// Nothing but what is added: no subcommand, no argument, no variable.
    pub fn bare() -> Self {
        Self {
            directory: Arc::new(tempfile::tempdir().unwrap()),
            subcommand: None,
            arguments: Vec::new(),
            variables: Vec::new(),
            connector: None,
        }
    }

    /// `root-key` on the same database.
    #[must_use]
    pub fn root_key(&self) -> Self {
        Self { subcommand: Some("root-key"), arguments: Vec::new(), ..self.clone() }
    }

    /// The same with these arguments added.
    #[must_use]
    pub fn with<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// The same with this environment variable set.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same over TLS by this certificate, which clients trust.
    #[must_use]
    pub fn tls(mut self, certificate: &Certificate) -> Self {
        certificate.write(self.directory());
        self.connector = Some(Certificate::connector(&[certificate], &["http/1.1"]));
        self.env("QWETTY_TLS_CERT", Certificate::FILE).env("QWETTY_TLS_KEY", Certificate::KEY_FILE)
    }

    /// How its clients connect, if over TLS.
    pub(crate) fn connector(&self) -> Option<&TlsConnector> {
        self.connector.as_ref()
    }

    /// What the program has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory().join("log")).unwrap()
    }

    /// The working directory: the database `qwetty.db` and the log `log` are in it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.directory().join("qwetty.db")
    }

    /// Starts the program and does not wait for anything.
    pub fn spawn(&self) -> Process {
        let log = self.directory().join("log");
        let appended = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let begins = usize::try_from(appended.metadata().unwrap().len()).unwrap();
        let child = Command::new(program())
            .args(self.subcommand)
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(appended)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Process::new(child, log, begins)
    }

    /// Starts the program, which must end by itself.
    pub async fn run(&self) -> Ended {
        self.spawn().ended().await
    }

    /// Starts the server and waits until it listens.
    pub async fn start(&self) -> Server {
        Server::new(self.clone(), self.spawn()).await
    }
}
