//! How a request goes on to the API, for those subjects that are no gateways themselves.

use std::net::SocketAddr;

use qwetty_tests::{Kind, Message};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::headers::ends_at_a_gateway;

/// Headers that are between two neighbours alone, or that the API must not see.
const NOT_FORWARDED: [&str; 6] =
    ["authorization", "proxy-authorization", "connection", "content-length", "transfer-encoding", "expect"];

/// The API's answer to a request of which `identity` says who sends it: names of headers and their values.
pub(crate) async fn forward<'a>(
    api: SocketAddr,
    line: &str,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    identity: &[(&str, String)],
    body: &[u8],
) -> Message {
    let mut bytes = format!("{line} HTTP/1.1\r\n").into_bytes();
    let mut add = |name: &str, value: &[u8]| bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    for (name, value) in headers {
        // Names that an API could take for ours go, whatever stands between their letters.
        let letters: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        if !letters.starts_with("xqwetty")
            && !NOT_FORWARDED.contains(&&*name.to_lowercase())
            && !ends_at_a_gateway(name)
        {
            add(name, value);
        }
    }
    identity.iter().for_each(|(name, value)| add(name, value.as_bytes()));
    add("Content-Length", body.len().to_string().as_bytes());
    add("Connection", b"close");
    bytes.extend(b"\r\n");
    bytes.extend(body);
    let mut answer = exchange(api, &bytes, Kind::Answer).await.expect("the API answers");
    let private = ["content-length", "transfer-encoding", "connection"];
    answer.headers.retain(|(name, _)| {
        let name = name.to_lowercase();
        !name.starts_with("x-qwetty-") && !private.contains(&&*name)
    });
    answer
}

/// What answers these bytes on a connection of their own.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8], kind: Kind) -> Option<Message> {
    let mut stream = BufReader::new(TcpStream::connect(address).await.ok()?);
    stream.write_all(bytes).await.ok()?;
    Message::read(&mut stream, kind).await.ok().flatten()
}
