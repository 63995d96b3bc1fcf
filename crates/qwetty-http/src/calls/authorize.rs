//! `/authorize`: the decision for a gateway, on a request that it is about to pass on.

use std::net::IpAddr;

use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use http::request::Parts;
use http_body_util::Full;
use qwetty::{Charge, VerifiedKey};
use qwetty_authz::{Catalogue, ChannelId, ChannelScope};
use qwetty_guard::{
    ErrorCode, HeaderWriter, Need, Problem, RateLimit, Refused, RequestId, WithoutForwardedFor, check_limits,
    client_address, judge, judge_in_memory,
};

use crate::admission::JudgedBefore;
use crate::api::{Answer, Api, NOT_CACHED};
use crate::original_request::OriginalRequest;
use crate::route::{AUTHORIZE, AUTHORIZE_ENVOY, known};

const KEY_ID: HeaderName = HeaderName::from_static("x-qwetty-key-id");
const ORGANIZATION_ID: HeaderName = HeaderName::from_static("x-qwetty-organization-id");
const PERMISSIONS: HeaderName = HeaderName::from_static("x-qwetty-permissions");
const CHANNEL_SCOPES: HeaderName = HeaderName::from_static("x-qwetty-channel-scopes");
/// A refusal's body for gateways that drop bodies.
const PROBLEM: HeaderName = HeaderName::from_static("x-qwetty-problem");

/// How a gateway tells the original request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// In headers.
    Headers,
    /// In its own request line.
    RequestLine,
}

impl Form {
    /// The form of a gateway's call at this path, if one is there.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match known(path) {
            AUTHORIZE => Some(Self::Headers),
            AUTHORIZE_ENVOY => Some(Self::RequestLine),
            _ => None,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Headers => AUTHORIZE,
            Self::RequestLine => AUTHORIZE_ENVOY,
        }
    }
}

/// Answers a gateway. Its own query means nothing, and neither does its body, which is not waited for.
pub(crate) async fn authorize(
    api: &Api,
    form: Form,
    parts: &mut Parts,
    peer: IpAddr,
    id: &RequestId,
) -> Answer {
    let decided = match parts.extensions.remove() {
        // It may take its time with a refusal.
        Some(JudgedBefore(judged)) => judged,
        None => match asked(api, form, parts, peer) {
            Ok((need, address)) => {
                judge(&api.verifier, &parts.headers, need.ask(address), Charge::Units(1)).await
            }
            Err(problem) => Err(problem.into()),
        },
    };
    let decided = match decided {
        Ok(key) => Ok(key),
        Err(refused) => Err(Box::pin(api.slow(refused, client(api, parts, peer))).await),
    };
    answer(api, form, decided, id, parts)
}

/// The same without waiting, for a key that is good; `None` if it takes the store to decide, or the key is refused.
pub(crate) fn authorize_in_memory(api: &Api, form: Form, parts: &mut Parts, peer: IpAddr) -> Option<Answer> {
    let decided = match asked(api, form, parts, peer) {
        Ok((need, address)) => {
            judge_in_memory(&api.verifier, &parts.headers, need.ask(address), Charge::Units(1))?
        }
        Err(problem) => Err(problem.into()),
    };
    match decided {
        Ok(key) => Some(answer(api, form, Ok(key), &api.ids.next(), parts)),
        Err(refused) => {
            parts.extensions.insert(JudgedBefore(Err(refused)));
            None
        }
    }
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

/// What the original request needs of the key that it bears, and from where it came.
fn asked<'a>(
    api: &'a Api,
    form: Form,
    parts: &'a Parts,
    peer: IpAddr,
) -> Result<(Need<'a>, Option<IpAddr>), Problem> {
    check_limits(parts)?;
    if !api.trusted.contains(peer) {
        return Err(Problem::new(ErrorCode::UntrustedProxy));
    }
    let original = match form {
        Form::Headers => {
            OriginalRequest::in_headers(&parts.headers).map_err(|error| Problem::route_not_mapped(&error))?
        }
        Form::RequestLine => OriginalRequest::in_request_line(parts),
    };
    let need = api.routes.find(original.method, original.target, &parts.headers)?;
    Ok((need, client(api, parts, peer)))
}

/// Whose request the gateway asks about.
fn client(api: &Api, parts: &Parts, peer: IpAddr) -> Option<IpAddr> {
    client_address(peer, &parts.headers, &api.trusted, WithoutForwardedFor::Unknown)
}

/// The answer to what was decided. The room of the request's headers, which nobody needs any more, is for those of the answer.
fn answer(
    api: &Api,
    form: Form,
    decided: Result<VerifiedKey, Refused>,
    id: &RequestId,
    parts: &mut Parts,
) -> Answer {
    let (decision, answered) = match decided {
        Ok(key) => {
            let room = std::mem::take(&mut parts.headers);
            (Some("valid"), allowed(api.engine.catalogue(), &key, id, room).map_err(Refused::from))
        }
        Err(refused) => (refused.code.map(|code| code.as_str()), Err(refused)),
    };
    let response = answered.unwrap_or_else(|refused| refusal(refused, id));
    Answer { response, route: form.path(), decision }
}

/// The answer to a gateway whose request is to pass on, with its headers in `room`. Every one is set, if need be empty: a gateway
/// lets a client's own through where ours is missing.
fn allowed(
    catalogue: &Catalogue,
    key: &VerifiedKey,
    id: &RequestId,
    mut room: HeaderMap,
) -> Result<Response<Full<Bytes>>, Problem> {
    let access = key.access();
    let permissions = catalogue.in_order(&access.permissions);
    // Whatever is charged has a standing.
    let standing = key.standing().ok_or_else(|| Problem::new(ErrorCode::Unavailable))?;
    let mut written = || {
        room.clear();
        let mut headers = HeaderWriter::new(&mut room);
        headers.set(KEY_ID, |text| text.extend_from_slice(&key.id().text()))?;
        headers.set(ORGANIZATION_ID, |text| text.extend_from_slice(&key.organization().text()))?;
        headers.set(PERMISSIONS, |text| {
            push_list(text, permissions.iter().map(|permission| permission.as_str()))
        })?;
        headers.set(CHANNEL_SCOPES, |text| match &access.channels {
            ChannelScope::All => {}
            ChannelScope::Only(channels) => push_list(text, channels.iter().map(ChannelId::as_str)),
        })?;
        RateLimit::of(standing).write(&mut headers)
    };
    written().map_err(|error: InvalidHeaderValue| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(ErrorCode::Unavailable)
    })?;
    id.stamp(&mut room);
    room.insert(CACHE_CONTROL, NOT_CACHED);
    let mut response = Response::new(Full::default());
    *response.headers_mut() = room;
    Ok(response)
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
    use crate::api::tests::api_with_root;

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
            let (mut head, body) = request.into_parts();
            let peer = peer.parse().unwrap();
            let answer = api.handle(Request::from_parts(head.clone(), body), peer).await;
            assert_eq!((answer.route, answer.decision), (envoy, decision), "{path} {peer}");
            // What was decided once is in memory.
            let again = match api.handle_at_once(&mut head, &[], peer) {
                Some(again) => again,
                None => api.handle(Request::from_parts(head, Empty::<Bytes>::new()), peer).await,
            };
            assert_eq!((again.route, again.decision), (envoy, decision), "{path} {peer}");
            assert_eq!(again.response.status(), answer.response.status(), "{path} {peer}");
            assert!(again.response.headers().keys().eq(answer.response.headers().keys()), "{path} {peer}");
        }
    }

    #[tokio::test]
    async fn nothing_is_decided_at_once_that_takes_the_store_or_a_body() {
        let (api, root) = api_with_root().await;
        for path in ["/api/v1/verify", "/api/v1/me", "/api/v1/authorize/", "/api/v1/authorize/envoys", "/"] {
            let request = Request::get(path).header("host", "a");
            let request = request.header("authorization", format!("Bearer {}", root.value.expose()));
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            assert!(api.handle_at_once(&mut head, &[], "127.0.0.1:9".parse().unwrap()).is_none(), "{path}");
        }
        let trusted: TrustedProxies = ["127.0.0.1".parse().unwrap()].into_iter().collect();
        let engine = api.engine.clone();
        let api = Api::new(engine, trusted, RouteTable::qwetty(), 1).unwrap();
        let request = Request::get("/api/v1/authorize/envoy/api/v1/chats").header("host", "a");
        let request = request.header("authorization", format!("Bearer {}", root.value.expose()));
        let (mut head, body) = request.body(Empty::<Bytes>::new()).unwrap().into_parts();
        let peer = "127.0.0.1:9".parse().unwrap();
        assert!(api.handle_at_once(&mut head, &[], peer).is_none());
        let answer = api.handle(Request::from_parts(head.clone(), body), peer).await;
        assert_eq!(answer.decision, Some("valid"));
        assert_eq!(api.handle_at_once(&mut head, &[], peer).unwrap().decision, Some("valid"));
    }
}
