//! Requests and answers, as tests write and read them.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request without a key.
pub(crate) fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::from("the body")).unwrap()
}

/// A request with a key value.
pub(crate) fn bearing(path: &str, value: &str) -> Request<Full<Bytes>> {
    let mut request = request(path);
    request.headers_mut().insert(AUTHORIZATION, format!("Bearer {value}").parse().unwrap());
    request
}

/// Status and code of an answer; an answer that is no problem has none.
pub(crate) async fn outcome<B: Body>(response: Response<B>) -> (u16, String)
where
    B::Error: std::fmt::Debug,
{
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let code =
        serde_json::from_slice::<Value>(&body).ok().and_then(|json| Some(json["code"].as_str()?.to_owned()));
    (status, code.unwrap_or_default())
}

/// The text of a header that stands once.
pub(crate) fn header<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    let values: Vec<_> = response.headers().get_all(name).iter().collect();
    assert_eq!(values.len(), 1, "{name}");
    values[0].to_str().unwrap()
}

/// Sends one request over a connection of its own.
pub(crate) async fn send(server: SocketAddr, mut request: Request<Full<Bytes>>) -> Response<Incoming> {
    request.headers_mut().insert("host", server.to_string().parse().unwrap());
    let stream = TokioIo::new(TcpStream::connect(server).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}
