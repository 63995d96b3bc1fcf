use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::net::TcpSocket;

/// A port that nothing listens on, for a program that cannot choose one by itself. It is below those that the system gives
/// to whoever connects, so that none of the many connections here can come to stand on it meanwhile.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 8_000).unwrap();
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_000;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        // It does not listen: a program that is being started may have a copy for a moment longer.
        if socket.bind((Ipv4Addr::UNSPECIFIED, port).into()).is_ok() {
            return port;
        }
    }
}
