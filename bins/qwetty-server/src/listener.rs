//! A listening socket and the connections that it takes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;
use tracing::warn;

use crate::activity::Patience;
use crate::connection;
use crate::handler::Handler;
use crate::listen_address::ListenAddress;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::tls::Tls;
use crate::workers::Worker;

/// Connections that the kernel completes before they are accepted.
const BACKLOG: u32 = 1024;
/// What the kernel takes of an answer that its client does not read. Its own default grows to megabytes, which
/// would hide for long that a client does not read.
const SEND_BUFFER: u32 = 128 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A bound socket that has not yet accepted anything.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds the first address that `address` resolves to and that can be bound.
    ///
    /// # Errors
    ///
    /// The name does not resolve, or none of its addresses can be bound: the last failure.
    pub(crate) async fn bind(address: &ListenAddress) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name resolves to no address");
        for resolved in tokio::net::lookup_host((address.host(), address.port())).await? {
            match listen(resolved).and_then(|socket| Ok((socket.local_addr()?, socket))) {
                Ok((address, socket)) => return Ok(Self { socket, address }),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The bound address, its port resolved.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections and serves them with `handler`, over `tls` if there is one, while there are `places`, until `worker`
    /// begins to drain. More clients than that wait in the kernel's queue; those whose address has its share are closed at once.
    pub(crate) async fn run<H: Handler>(
        self,
        handler: Arc<H>,
        tls: Option<Arc<Tls>>,
        places: Places,
        patience: Patience,
        metrics: Arc<Metrics>,
        worker: Worker,
    ) {
        tokio::select! {
            () = worker.draining() => {}
            () = async {
                // The place is taken before the connection is, so that no connection is taken only to be dropped.
                loop {
                    let free = places.free().await;
                    let (stream, peer) = accept(&self.socket).await;
                    let Some(place) = places.give(free, peer.ip()) else { continue };
                    let open = metrics.connection();
                    let (handler, inner) = (Arc::clone(&handler), worker.clone());
                    // The handshake, too, is the task's: a client that dawdles over it keeps nobody waiting.
                    match tls.as_ref().map(|tls| tls.acceptor()) {
                        None => worker.spawn_ending(async move {
                            connection::serve(stream, peer, handler, patience, inner).await;
                            drop((open, place));
                        }),
                        Some(acceptor) => worker.spawn_ending(async move {
                            connection::serve_tls(stream, acceptor, peer, handler, patience, inner).await;
                            drop((open, place));
                        }),
                    }
                }
            } => {}
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the connections of the run before.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts the next connection, however long the system lacks the means to.
async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = FIRST_PAUSE;
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    warn!(%peer, %error, "answers may be delayed");
                }
                return (stream, peer);
            }
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                warn!(%error, "cannot accept connections; trying again in {pause:?}");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Whether the failure is of the one connection that was to be accepted. Others, such as too many open files,
/// would come again at once.
fn concerns_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
