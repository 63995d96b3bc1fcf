use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use crate::answer::Answer;
use crate::call::Call;
use crate::clock::{eventually, from_now, in_time};
use crate::new_key::NewKey;

/// Somebody who calls the API: one HTTP/1.1 connection, kept alive and opened anew when the server has closed it.
pub struct Client {
    address: SocketAddr,
    from: IpAddr,
    tls: Option<TlsConnector>,
    bearer: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// The connection ended before the answer was whole; whether the call was carried out is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl Client {
    /// A client without a key.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, from: Ipv4Addr::LOCALHOST.into(), tls: None, bearer: None, connection: None }
    }

    /// The same client, calling with this key value.
    #[must_use]
    pub fn bearer(mut self, value: &str) -> Self {
        self.bearer = Some(value.to_owned());
        self
    }

    /// The same client, calling from this address of the machine; every one of `127.0.0.0/8` is.
    #[must_use]
    pub fn calling_from(mut self, address: &str) -> Self {
        self.from = address.parse().unwrap();
        self
    }

    /// The same client, over TLS.
    #[must_use]
    pub fn over(mut self, connector: &TlsConnector) -> Self {
        self.tls = Some(connector.clone());
        self
    }

    /// `GET`
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Call::new(Method::GET, path)).await
    }

    /// `POST` with a body.
    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(Call::new(Method::POST, path).json(&body)).await
    }

    /// `POST` without a body.
    pub async fn act(&mut self, path: &str) -> Answer {
        self.send(Call::new(Method::POST, path)).await
    }

    /// `PATCH`
    pub async fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.send(Call::new(Method::PATCH, path).json(&body)).await
    }

    /// `PUT`
    pub async fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send(Call::new(Method::PUT, path).json(&body)).await
    }

    /// `DELETE`
    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send(Call::new(Method::DELETE, path)).await
    }

    /// Makes a key with these fields, which must be accepted; `name` and `permissions` have defaults.
    pub async fn create(&mut self, fields: Value) -> NewKey {
        let mut body = json!({"name": "A key", "permissions": ["chats:read"]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        NewKey::from(self.post("/api/v1/api-keys", body).await.expect(201))
    }

    /// Makes a key with these fields that has just expired.
    pub async fn create_expired(&mut self, fields: Value) -> NewKey {
        // A machine under load may take longer to send the call than the key was to live.
        for seconds in [0.2, 1.0, 5.0] {
            let mut body =
                json!({"name": "A key", "permissions": ["chats:read"], "expiresAt": from_now(seconds)});
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let answer = self.post("/api/v1/api-keys", body).await;
            if answer.status == 201 {
                let key = NewKey::from(answer);
                eventually("the expiry", async || {
                    (self.key(&key.id).await["status"] == "expired").then_some(())
                })
                .await;
                return key;
            }
            assert_eq!(answer.faulty(), ["expiresAt"]);
        }
        panic!("no call arrived within five seconds");
    }

    /// Asks for a decision on a key value: the `data` of the answer.
    pub async fn verify(&mut self, value: &str, ask: Value) -> Value {
        let mut body = json!({"key": value});
        body.as_object_mut().unwrap().extend(ask.as_object().unwrap().clone());
        self.post("/api/v1/verify", body).await.expect(200).data().clone()
    }

    /// The code of a decision on a key value of which nothing more is asked.
    pub async fn code(&mut self, value: &str) -> String {
        self.verify(value, json!({})).await["code"].as_str().unwrap().to_owned()
    }

    /// The key with this id, which must exist.
    pub async fn key(&mut self, id: &str) -> Value {
        self.get(&format!("/api/v1/api-keys/{id}")).await.expect(200).data().clone()
    }

    /// The answer to a call.
    pub async fn send(&mut self, call: Call) -> Answer {
        self.try_send(call).await.expect("the connection broke before the answer was whole")
    }

    /// The answer to a call, if the connection lasts.
    ///
    /// # Errors
    ///
    /// [`Broken`] if it does not, or cannot be made.
    pub async fn try_send(&mut self, call: Call) -> Result<Answer, Broken> {
        let sent = in_time("an answer", self.exchange(call)).await;
        if sent.is_err() {
            self.connection = None;
        }
        sent
    }

    async fn exchange(&mut self, call: Call) -> Result<Answer, Broken> {
        let mut request = call.into_request();
        let host = HeaderValue::try_from(self.address.to_string()).unwrap();
        request.headers_mut().entry(HOST).or_insert(host);
        if let Some(bearer) = &self.bearer {
            let credential = HeaderValue::try_from(format!("Bearer {bearer}")).unwrap();
            request.headers_mut().append(AUTHORIZATION, credential);
        }
        let connection = self.connection().await?;
        let response = connection.send_request(request).await.map_err(|_| Broken)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    async fn connection(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Broken> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let socket = TcpSocket::new_v4().map_err(|_| Broken)?;
            socket.bind((self.from, 0).into()).map_err(|_| Broken)?;
            let stream = socket.connect(self.address).await.map_err(|_| Broken)?;
            stream.set_nodelay(true).map_err(|_| Broken)?;
            self.connection = Some(match &self.tls {
                None => spoken(stream).await?,
                Some(tls) => {
                    let name = self.address.ip().into();
                    spoken(tls.connect(name, stream).await.map_err(|_| Broken)?).await?
                }
            });
        }
        self.connection.as_mut().ok_or(Broken)
    }
}

async fn spoken(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Broken)?;
    tokio::spawn(connection);
    Ok(sender)
}
