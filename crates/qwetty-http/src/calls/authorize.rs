//! `/authorize`: the decision for a gateway, on a request that it is about to pass on.

use std::fmt::Display;
use std::io::Write;
use std::net::IpAddr;

use bytes::Bytes;
use http::Response;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http_body_util::Full;
use qwetty::{Charge, VerifiedKey};
use qwetty_authz::{Catalogue, ChannelId, ChannelScope, Permission};
use qwetty_guard::{
    ErrorCode, HeaderTexts, Problem, RateLimit, Refused, RequestId, WithoutForwardedFor, check_limits,
    client_address, judge,
};

use crate::api::{Answer, Api, private};
use crate::original_request::OriginalRequest;
use crate::route::{Call, Row};

const KEY_ID: HeaderName = HeaderName::from_static("x-qwetty-key-id");
const ORGANIZATION_ID: HeaderName = HeaderName::from_static("x-qwetty-organization-id");
const PERMISSIONS: HeaderName = HeaderName::from_static("x-qwetty-permissions");
const CHANNEL_SCOPES: HeaderName = HeaderName::from_static("x-qwetty-channel-scopes");
/// A refusal's body for gateways that drop bodies.
const PROBLEM: HeaderName = HeaderName::from_static("x-qwetty-problem");

/// Room for every header of an allowed answer: four of identity, five of the quota, the request id and its like.
const HEADERS: usize = 16;

/// How a gateway tells the original request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// In headers.
    Headers,
    /// In its own request line.
    RequestLine,
}

impl Form {
    /// The form of this call, if it is a gateway's.
    pub(crate) fn of(call: Call) -> Option<Self> {
        match call {
            Call::Authorize => Some(Self::Headers),
            Call::AuthorizeEnvoy => Some(Self::RequestLine),
            _ => None,
        }
    }
}

/// Answers a gateway. Its own query means nothing, and neither does its body, which is not waited for.
pub(crate) async fn authorize(
    api: &Api,
    form: Form,
    parts: &Parts,
    peer: IpAddr,
    row: &Row,
    id: &RequestId,
) -> Answer {
    let decided = decide(api, form, parts, peer).await;
    let (decision, answered) = match decided {
        Ok(key) => (Some("valid"), allowed(api.engine.catalogue(), &key).map_err(Refused::from)),
        Err(refused) => {
            let refused = Box::pin(api.slow(refused, client(api, parts, peer))).await;
            (refused.code.map(|code| code.as_str()), Err(refused))
        }
    };
    let response = match answered {
        Ok(mut response) => {
            id.stamp(response.headers_mut());
            private(response)
        }
        Err(refused) => refusal(refused, id),
    };
    Answer { response, route: row.path, decision }
}

/// A refusal that gateways can pass on although they drop its body: the header `X-Qwetty-Problem` has the same JSON.
pub(crate) fn refusal(refused: Refused, id: &RequestId) -> Response<Full<Bytes>> {
    let told = serde_json::to_vec(&refused.problem.document(id.as_str())).unwrap_or_default();
    let mut response = refused.into_response(id);
    // JSON has no control characters, and this has no line breaks.
    if let Ok(told) = HeaderValue::try_from(told) {
        response.headers_mut().insert(PROBLEM, told);
    }
    response
}

async fn decide(api: &Api, form: Form, parts: &Parts, peer: IpAddr) -> Result<VerifiedKey, Refused> {
    check_limits(parts).map_err(Problem::from)?;
    if !api.trusted.contains(peer) {
        return Err(Problem::new(ErrorCode::UntrustedProxy).into());
    }
    let original = match form {
        Form::Headers => {
            OriginalRequest::in_headers(&parts.headers).map_err(|error| Problem::route_not_mapped(&error))?
        }
        Form::RequestLine => OriginalRequest::in_request_line(parts),
    };
    let need = api.routes.find(original.method, original.target, &parts.headers).map_err(Problem::from)?;
    judge(&api.verifier, &parts.headers, need.ask(client(api, parts, peer)), Charge::Units(1)).await
}

/// Whose request the gateway asks about.
fn client(api: &Api, parts: &Parts, peer: IpAddr) -> Option<IpAddr> {
    client_address(peer, &parts.headers, &api.trusted, WithoutForwardedFor::Unknown)
}

/// Every header is set, if need be empty: a gateway lets a client's own through where ours is missing.
fn allowed(catalogue: &Catalogue, key: &VerifiedKey) -> Result<Response<Full<Bytes>>, Problem> {
    let access = key.access();
    let permissions = catalogue.in_order(&access.permissions);
    let mut texts = HeaderTexts::default();
    texts.add(KEY_ID, |text| push(text, key.id()));
    texts.add(ORGANIZATION_ID, |text| push(text, key.organization()));
    texts.add(PERMISSIONS, |text| push_list(text, permissions.iter().map(Permission::as_str)));
    texts.add(CHANNEL_SCOPES, |text| match &access.channels {
        ChannelScope::All => {}
        ChannelScope::Only(channels) => push_list(text, channels.iter().map(ChannelId::as_str)),
    });
    if let Some(standing) = key.standing() {
        RateLimit::of(standing).write(&mut texts);
    }
    let mut response = Response::new(Full::default());
    response.headers_mut().reserve(HEADERS);
    texts.set(response.headers_mut()).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(ErrorCode::Unavailable)
    })?;
    Ok(response)
}

fn push(text: &mut Vec<u8>, id: impl Display) {
    // Memory takes whatever is written.
    let _ = write!(text, "{id}");
}

fn push_list<'a>(text: &mut Vec<u8>, names: impl Iterator<Item = &'a str>) {
    for (index, name) in names.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(name.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;
    use http_body_util::Empty;
    use qwetty::Engine;
    use qwetty_guard::{RouteTable, TrustedProxies};
    use qwetty_storage::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn what_a_server_counts_of_it_names_the_call_and_the_decision() {
        let engine = Engine::builder(Arc::new(MemoryStore::new())).start().unwrap();
        let root = engine.manager().set_up().await.unwrap().unwrap();
        let trusted: TrustedProxies = ["127.0.0.1".parse().unwrap()].into_iter().collect();
        let api = Api::new(engine, trusted, RouteTable::qwetty(), 1).unwrap();
        let envoy = "/api/v1/authorize/envoy";
        for (path, peer, value, decision) in [
            ("/api/v1/chats", "127.0.0.1:9", root.value.expose(), Some("valid")),
            ("/api/v1/chats", "127.0.0.1:9", "qwt_unknown", Some("not_found")),
            ("/api/v1/chats/", "127.0.0.1:9", root.value.expose(), None),
            ("/api/v1/chats", "127.0.0.2:9", root.value.expose(), None),
        ] {
            let request = Request::get(format!("{envoy}{path}"))
                .header("host", "a")
                .header("authorization", format!("Bearer {value}"));
            let request = request.body(Empty::<Bytes>::new()).unwrap();
            let answer = api.handle(request, peer.parse().unwrap()).await;
            assert_eq!((answer.route, answer.decision), (envoy, decision), "{path} {peer}");
        }
    }
}
