use std::net::SocketAddr;
use std::path::PathBuf;

use crate::client::Client;
use crate::launch::Launch;
use crate::process::{Ended, Process};
use crate::raw::Raw;

/// A server that listens. It dies with this value.
pub struct Server {
    launch: Launch,
    process: Process,
    address: SocketAddr,
    root: Option<String>,
    printed_root: Option<String>,
}

impl Server {
    /// A server with default settings on a new database.
    pub async fn start() -> Self {
        Launch::serve().start().await
    }

    pub(crate) async fn new(launch: Launch, mut process: Process) -> Self {
        let mut root = None;
        let scheme = if launch.connector().is_some() { "https" } else { "http" };
        let listening = format!("listening on {scheme}://");
        loop {
            let Some(line) = process.line().await else {
                panic!("the server ended before it listened: {:?}", process.ended().await);
            };
            if let Some(value) = line.strip_prefix("root key: ") {
                assert!(root.replace(value.to_owned()).is_none(), "two root keys in one start");
            } else if let Some(address) = line.strip_prefix(&listening) {
                return Self {
                    address: address.parse().unwrap(),
                    launch,
                    process,
                    printed_root: root.clone(),
                    root,
                };
            } else {
                panic!("an unexpected line on standard output: {line:?}");
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root key; known from the first start on this database.
    pub fn root_key(&self) -> &str {
        self.root.as_deref().expect("the root key was printed by this start or handed on from the first")
    }

    /// The root key that this very start printed, if it did.
    pub fn printed_root_key(&self) -> Option<&str> {
        self.printed_root.as_deref()
    }

    /// A client that calls with the root key, on a connection of its own.
    pub fn root(&self) -> Client {
        self.client(self.root_key())
    }

    /// A client that calls with this key value, on a connection of its own.
    pub fn client(&self, value: &str) -> Client {
        self.anyone().bearer(value)
    }

    /// A client without a key.
    pub fn anyone(&self) -> Client {
        let client = Client::new(self.address);
        match self.launch.connector() {
            Some(connector) => client.over(connector),
            None => client,
        }
    }

    /// A connection for requests that no HTTP client would send.
    pub async fn raw(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.launch.database()
    }

    /// The memory that it has in use, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.process.resident_kib()
    }

    /// Sends SIGTERM and returns at once.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Sends SIGHUP and returns at once.
    pub fn hang_up(&self) {
        self.process.signal("HUP");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Keeps it from doing anything, while its connections stay open and new ones are taken by the system.
    pub async fn pause(&self) {
        self.process.pause().await;
    }

    /// Lets it go on after [`Self::pause`].
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Waits until it has ended by itself.
    pub async fn ended(self) -> Ended {
        self.process.ended().await
    }

    /// Ends it with SIGTERM; what is left must say that it went well.
    pub async fn stop(self) -> Ended {
        self.terminate();
        let ended = self.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        ended
    }

    /// Ends it with SIGKILL.
    pub async fn kill(mut self) -> Ended {
        self.process.kill();
        self.ended().await
    }

    /// Ends it with SIGTERM and starts it again on the same database.
    pub async fn restart(self) -> Self {
        let (launch, root) = (self.launch.clone(), self.root.clone());
        self.stop().await;
        launch.start().await.knowing(root)
    }

    /// Ends it with SIGKILL and starts it again on the same database.
    pub async fn crash(self) -> Self {
        let (launch, root) = (self.launch.clone(), self.root.clone());
        self.kill().await;
        launch.start().await.knowing(root)
    }

    fn knowing(self, root: Option<String>) -> Self {
        assert!(self.printed_root.is_none() || root.is_none(), "a restart printed a root key again");
        Self { root: self.root.or(root), ..self }
    }
}
