use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::clock::in_time;

/// A connection that sends whatever bytes it is given.
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Sends these bytes and nothing else. The server may have closed the connection already.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = in_time("room to send", self.0.write_all(bytes.as_ref())).await;
    }

    /// The next answer.
    pub async fn answer(&mut self) -> Answer {
        in_time("an answer", self.read()).await
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

    async fn read(&mut self) -> Answer {
        let status = self.line().await;
        let status = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).unwrap_or_else(|| {
            panic!("no status line: {status:?}");
        });
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        let length =
            headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Answer { status: status.parse().unwrap(), headers, body: Bytes::from(body) }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}
