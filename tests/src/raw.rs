use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::Answer;
use crate::clock::in_time;
use crate::message::{Kind, Message};

/// A connection that sends whatever bytes it is given.
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    /// A connection to `address`.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_from(Ipv4Addr::LOCALHOST.into(), address).await
    }

    /// A connection to `address` from this address of the machine; every one of `127.0.0.0/8` is.
    pub async fn connect_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self(BufReader::new(in_time("a connection", socket.connect(address)).await.unwrap()))
    }

    /// Sends these bytes and nothing else. The server may have closed the connection already.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = in_time("room to send", self.0.write_all(bytes.as_ref())).await;
    }

    /// Ends what is sent; what comes back can still be read.
    pub async fn finish(&mut self) {
        // The server may have reset the connection already.
        let _ = in_time("the end of what is sent", self.0.shutdown()).await;
    }

    /// The next answer.
    pub async fn answer(&mut self) -> Answer {
        self.message(Kind::Answer).await.expect("an answer").answer()
    }

    /// The next message; `None` if the connection ends before it does.
    pub async fn message(&mut self, kind: Kind) -> Option<Message> {
        // A reset may come in place of an end.
        in_time("an answer", Message::read(&mut self.0, kind)).await.ok().flatten()
    }

    /// The next message that is not an interim `100 Continue`.
    pub async fn last_message(&mut self, kind: Kind) -> Option<Message> {
        loop {
            let message = self.message(kind).await?;
            if message.status() != 100 {
                return Some(message);
            }
        }
    }

    /// The next so many bytes, in no form.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        in_time("bytes", self.0.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// Whether the server has closed the connection, once it has said all that it had to say.
    pub async fn closed(&mut self) -> bool {
        // A reset closes too.
        in_time("the end of the connection", self.0.read(&mut [0])).await.unwrap_or(0) == 0
    }

    /// Waits until the server has closed the connection, whatever it says before.
    pub async fn ended(&mut self) {
        // A reset closes too.
        let _ = in_time("the end of the connection", self.0.read_to_end(&mut Vec::new())).await;
    }
}
