//! The tower layer in front of a service on bare hyper, by the route table that gateways go by, with its own engine on the
//! database of a server that has ended.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use qwetty::{Caller, Engine, Origin, VerifiedKey};
use qwetty_authz::{Catalogue, ChannelScope};
use qwetty_guard::{RequestIds, RouteTable, TrustedProxies};
use qwetty_ratelimit::TierQuotas;
use qwetty_storage_sqlite::{Options, SqliteStore};
use qwetty_tower::{Guard, PeerAddress};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

use crate::forward::forward;
use crate::key::{PROXY, TIERS};
use crate::subject::Charged;

/// An engine, and a service behind it on a free port until the test ends.
pub(crate) struct Embedded {
    pub(crate) address: SocketAddr,
    engine: Engine,
}

impl Embedded {
    pub(crate) async fn start(database: &Path, api: SocketAddr) -> Self {
        let store = Arc::new(SqliteStore::open(database, Options::default()).unwrap());
        let [standard, admin] = TIERS.map(|quota| quota.parse().unwrap());
        let engine = Engine::builder(store).quotas(TierQuotas { standard, admin }).start().unwrap();
        let proxies = ["127.0.0.1", PROXY].map(|address| address.parse().unwrap());
        let guard =
            Guard::new(engine.verifier(), RequestIds::new(7)).trusting(TrustedProxies::from_iter(proxies));
        let layer = guard.by(RouteTable::qwetty());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let guarded = ServiceBuilder::new()
                    .map_request(move |mut request: Request<Incoming>| {
                        request.extensions_mut().insert(PeerAddress(peer));
                        request
                    })
                    .layer(layer.clone())
                    .service(service_fn(move |request| answer(api, request)));
                let service = TowerToHyperService::new(guarded);
                let mut server = Builder::new();
                server.timer(TokioTimer::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, engine }
    }

    /// What the engine has counted of a key.
    pub(crate) async fn counted(&self, id: &str) -> Charged {
        let owner = Caller::owner(Origin::default());
        let usage = self.engine.manager().get(&owner, id.parse().unwrap()).await.unwrap().usage;
        Charged { requests: usage.request_count, denials: usage.denied_count }
    }
}

/// The service: who calls is in the extensions, and goes on to the recording API as a gateway would say it.
async fn answer(api: SocketAddr, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let key = parts.extensions.get::<VerifiedKey>().expect("the layer lets nobody through without");
    let line = format!("{} {}", parts.method, parts.uri.path_and_query().unwrap());
    let Ok(body) = body.collect().await else {
        return Ok(Response::builder().status(400).body(Full::default()).unwrap());
    };
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let answer = forward(api, &line, headers, &identity(key), &body.to_bytes()).await;
    let mut response = Response::builder().status(answer.status()).body(Full::new(answer.body)).unwrap();
    for (name, value) in answer.headers {
        response
            .headers_mut()
            .append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(&value).unwrap());
    }
    Ok(response)
}

fn identity(key: &VerifiedKey) -> [(&'static str, String); 4] {
    let permissions = Catalogue::qwetty().in_order(&key.access().permissions);
    let permissions: Vec<String> = permissions.iter().map(ToString::to_string).collect();
    let channels: Vec<String> = match &key.access().channels {
        ChannelScope::All => Vec::new(),
        ChannelScope::Only(channels) => channels.iter().map(ToString::to_string).collect(),
    };
    [
        ("X-Qwetty-Key-Id", key.id().to_string()),
        ("X-Qwetty-Organization-Id", key.organization().to_string()),
        ("X-Qwetty-Permissions", permissions.join(",")),
        ("X-Qwetty-Channel-Scopes", channels.join(",")),
    ]
}
