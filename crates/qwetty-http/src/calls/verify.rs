use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use qwetty::{Charge, Denial, Verdict, VerifiedKey, VerifyError, VerifyRequest};
use qwetty_authz::{Ask, ChannelId, administration};
use qwetty_guard::{
    ErrorCode, Faults, Problem, RateLimit, RequestId, WithoutForwardedFor, check_limits, client_address,
};
use qwetty_keys::OrganizationId;
use qwetty_ratelimit::{Tier, TierQuotas};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::respond;
use super::view::{channel_names, names};
use crate::admission::{Door, JudgedBefore, admit_in_memory};
use crate::api::{Admitted, Answer, Answered, Api, NOT_CACHED};
use crate::body::{MAX_BODY, must_be_called_json};
use crate::fields::{self, Fields, MAX_ITEMS, list, string, whole_number};
use crate::route::VERIFY;
use crate::wire::{LevelObject, Text, VerifyGrants, VerifyObject, VerifySubject};

/// `POST /verify`
pub(crate) async fn verify<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let json = admitted.require_json(api, body).await?;
    let organization = organization_for(api, admitted.key()?);
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let value = fields.required("key", string).map(Zeroizing::new);
    let permissions = fields.nullable("permissions", list(string)).value().unwrap_or_default();
    let channel = fields.nullable("channel", fields::text::<ChannelId>).value();
    let address = fields.nullable("ip", fields::text::<Address>).value();
    let costs = 1..=u64::from(largest_limit(api.engine.quotas()));
    let cost = fields.nullable("cost", whole_number(costs)).value().unwrap_or(1);
    let value = fields.finish(|| value)?;
    let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let request = VerifyRequest {
        organization,
        ask: Ask {
            address: address.map(|address| address.0),
            permissions: &permissions,
            channel: channel.as_ref().map(ChannelId::as_str),
        },
        charge: Charge::Units(u32::try_from(cost).unwrap_or(u32::MAX)),
    };
    let verdict = api.verifier.verify(&value, &request).await.map_err(failed)?;
    let response = respond::json(StatusCode::OK, text(api, &verdict)?);
    Ok(Answered { response, decision: Some(code(&verdict)) })
}

/// The same without waiting, where the body is [`Plain`] and the caller and the key are in memory. `None` for whatever else,
/// which [`verify`] answers; what was decided of the caller by then is kept in the head.
pub(crate) fn verify_in_memory(api: &Api, head: &mut Parts, body: &[u8], peer: IpAddr) -> Option<Answer> {
    let plain = Plain::read(api, head, body)?;
    let channel = plain.channel.map(str::parse::<ChannelId>).transpose().ok()?;
    let address = plain.ip.map(str::parse::<Address>).transpose().ok()?;
    check_limits(head).ok()?;
    let client = client_address(peer, &head.headers, &api.trusted, WithoutForwardedFor::Peer);
    let caller = match admit_in_memory(&api.verifier, &Door::new(&VERIFY, &head.headers, client, None))? {
        Ok(caller) => caller,
        Err(refused) => {
            head.extensions.insert(JudgedBefore(Err(refused)));
            return None;
        }
    };
    let request = VerifyRequest {
        organization: organization_for(api, &caller),
        ask: Ask {
            address: address.map(|address| address.0),
            permissions: plain.permissions.as_deref().unwrap_or_default(),
            channel: channel.as_ref().map(ChannelId::as_str),
        },
        charge: Charge::Units(plain.cost.unwrap_or(1)),
    };
    let Some(decided) = api.verifier.verify_in_memory(plain.key, &request) else {
        head.extensions.insert(JudgedBefore(Ok(caller)));
        return None;
    };
    let decided = decided.map_err(failed).and_then(|verdict| Ok((text(api, &verdict)?, code(&verdict))));
    let id = api.ids.next();
    match decided {
        Ok((text, code)) => {
            let mut response = Response::new(Full::from(text));
            *response.headers_mut() = headers(&id, std::mem::take(&mut head.headers));
            Some(Answer { response, route: VERIFY.path, decision: Some(code) })
        }
        Err(problem) => Some(Answer::of(Err(problem), &VERIFY, None, &id)),
    }
}

/// The headers of every answer that [`verify_in_memory`] gives with a decision, in the room of those of its request.
fn headers(id: &RequestId, mut room: HeaderMap) -> HeaderMap {
    room.clear();
    id.stamp(&mut room);
    room.insert(CONTENT_TYPE, respond::JSON);
    room.insert(CACHE_CONTROL, NOT_CACHED);
    room
}

/// A body as nearly all are: nothing in it is escaped, and nothing is wrong with it. It is read as [`Fields`] would read it, and
/// any other body is theirs, who tell what is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    key: &'a str,
    #[serde(borrow)]
    permissions: Option<Vec<&'a str>>,
    channel: Option<&'a str>,
    ip: Option<&'a str>,
    cost: Option<u32>,
}

impl<'a> Plain<'a> {
    fn read(api: &Api, head: &Parts, body: &'a [u8]) -> Option<Self> {
        if body.len() > MAX_BODY || head.uri.query().is_some() {
            return None;
        }
        must_be_called_json(&head.headers).ok()?;
        // serde would take an array for an object, too.
        if !body.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let plain: Self = serde_json::from_slice(body).ok()?;
        let is_short = plain.permissions.as_ref().is_none_or(|permissions| permissions.len() <= MAX_ITEMS);
        let costs = 1..=largest_limit(api.engine.quotas());
        (is_short && plain.cost.is_none_or(|cost| costs.contains(&cost))).then_some(plain)
    }
}

/// The organization whose keys this caller may ask about; `None` for every one's.
fn organization_for(api: &Api, caller: &VerifiedKey) -> Option<OrganizationId> {
    let permissions = &caller.access().permissions;
    let is_operator = permissions.allows(api.engine.catalogue(), administration::ORGANIZATIONS_MANAGE);
    (!is_operator).then_some(caller.organization())
}

fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow(_) => "valid",
        Verdict::Deny(denial) => denial.code.as_str(),
    }
}

/// The answer's body.
fn text(api: &Api, verdict: &Verdict) -> Result<Vec<u8>, Problem> {
    match verdict {
        Verdict::Allow(key) => allowed(api, key),
        Verdict::Deny(denial) => Ok(denied(denial)),
    }
}

fn allowed(api: &Api, key: &VerifiedKey) -> Result<Vec<u8>, Problem> {
    let permissions = api.engine.catalogue().in_order(&key.access().permissions);
    // Whatever is charged has a standing.
    let standing = key.standing().ok_or_else(|| Problem::new(ErrorCode::Unavailable))?;
    let rate = RateLimit::of(standing);
    let grants = VerifyGrants {
        permissions: names(&permissions),
        channel_scopes: channel_names(&key.access().channels),
        tier: key.tier().as_str(),
        expires_at: key.expires_at().map(Text),
        rate_limit: LevelObject { limit: rate.limit(), remaining: rate.remaining(), reset: rate.reset() },
    };
    let subject = VerifySubject {
        key_id: Text(key.id()),
        organization_id: Text(key.organization()),
        name: key.name().as_str(),
    };
    Ok(object(&VerifyObject::allowed(subject, grants)))
}

fn denied(denial: &Denial) -> Vec<u8> {
    let Some(key) = &denial.key else {
        return object(&VerifyObject::not_found());
    };
    let subject = VerifySubject {
        key_id: Text(key.id()),
        organization_id: Text(key.organization()),
        name: key.name().as_str(),
    };
    let retry_after = denial.standing.as_ref().map(|standing| RateLimit::of(standing).retry_after());
    object(&VerifyObject::refused(denial.code.as_str(), subject, retry_after))
}

fn object(object: &VerifyObject<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(respond::ONE_OBJECT);
    text.extend_from_slice(b"{\"data\":");
    object.write(&mut text);
    text.push(b'}');
    text
}

fn failed(error: VerifyError) -> Problem {
    match error {
        VerifyError::CostOutOfRange { limit } => {
            let mut faults = Faults::default();
            faults.add("cost", format!("must be a whole number from 1 to {limit}, the limit of this key"));
            Problem::validation_failed(faults)
        }
        VerifyError::Unavailable(_) => {
            tracing::error!(%error, "no decision could be made; nothing is admitted");
            Problem::new(ErrorCode::Unavailable)
        }
    }
}

/// No key's limit is larger, so no cost above it can be meant.
pub(crate) fn largest_limit(quotas: TierQuotas) -> u32 {
    quotas.get(Tier::Standard).limit().max(quotas.get(Tier::Admin).limit())
}

/// The client's address as a service tells it: bare, and possibly IPv4-mapped.
struct Address(IpAddr);

#[derive(Debug, thiserror::Error)]
#[error("must be an IPv4 or IPv6 address, without port, brackets, zone or prefix length")]
struct NoAddress;

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        text.parse().map(Self).map_err(|_| NoAddress)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use http::Request;
    use http::header::AUTHORIZATION;
    use http_body_util::BodyExt;
    use qwetty_storage::MemoryStore;

    use super::*;
    use crate::api::tests::api_over;

    const PEER: &str = "192.0.2.1:9";

    fn head(value: &str) -> Parts {
        let request =
            Request::post("/api/v1/verify").header("host", "a").header("content-type", "application/json");
        request.header(AUTHORIZATION, format!("Bearer {value}")).body(()).unwrap().into_parts().0
    }

    /// Status, headers but for the id, body without what each decision changes, and decision.
    async fn told(answer: Answer) -> (StatusCode, Vec<String>, String, Option<&'static str>) {
        let (parts, body) = answer.response.into_parts();
        let mut headers: Vec<String> = parts.headers.keys().map(ToString::to_string).collect();
        headers.sort();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let (text, _) =
            text.split_once("\"remaining\"").or(text.split_once("\"requestId\"")).unwrap_or((&text, ""));
        assert_eq!(answer.route, "/api/v1/verify");
        (parts.status, headers, text.to_owned(), answer.decision)
    }

    #[tokio::test]
    async fn what_is_answered_at_once_is_answered_as_ever_and_nothing_odd_is() {
        let store = Arc::new(MemoryStore::new());
        let api = api_over(&store);
        let root = api.manager.set_up().await.unwrap().unwrap();
        let value = root.value.expose();
        let peer: SocketAddr = PEER.parse().unwrap();
        // The key is in memory from here on.
        let full = |body: &str| Full::from(body.to_owned().into_bytes());
        api.handle(Request::from_parts(head(value), full(&format!(r#"{{"key":"{value}"}}"#))), peer).await;
        for (body, is_at_once) in [
            (r#"{"key":"KEY"}"#, true),
            (r#" {"cost":3,"permissions":["chats:read","no:such"],"key":"KEY"} "#, true),
            (r#"{"key":"KEY","permissions":null,"channel":null,"ip":null,"cost":null}"#, true),
            (r#"{"key":"KEY","permissions":[],"channel":"c.1","ip":"::ffff:192.0.2.7"}"#, true),
            (r#"{"\u006bey":"KEY"}"#, true),
            (r#"{"key":"qwt_malformed"}"#, true),
            (r#"{"key":""}"#, true),
            (r#"{"key":"\u0071wt_x"}"#, false),
            (r#"{"key":"KEY","cost":1.0}"#, false),
            (r#"{"key":"KEY","cost":0}"#, false),
            (r#"{"key":"KEY","cost":4294967295}"#, false),
            (r#"{"key":"KEY","ip":"192.0.2.1/32"}"#, false),
            (r#"{"key":"KEY","channel":"a b"}"#, false),
            (r#"{"key":"KEY","key":"KEY"}"#, false),
            (r#"{"key":"KEY","more":1}"#, false),
            (r#"{"key":null}"#, false),
            (r#"{"key":7}"#, false),
            (r#"{}"#, false),
            (r#"["KEY",null,null,null,null]"#, false),
            (r#""KEY""#, false),
            (r#"{"key":"KEY"}{}"#, false),
            ("", false),
        ] {
            let body = body.replace("KEY", value);
            let answered = api.handle_at_once(&mut head(value), body.as_bytes(), peer);
            assert_eq!(answered.is_some(), is_at_once, "{body}");
            let ever = told(api.handle(Request::from_parts(head(value), full(&body)), peer).await).await;
            if let Some(answered) = answered {
                assert_eq!(told(answered).await, ever, "{body}");
            }
        }
        let mut others = [head(value), head(value), head(value)];
        others[0].uri = "/api/v1/verify?a=b".parse().unwrap();
        others[1].headers.remove(CONTENT_TYPE);
        others[2].headers.remove("host");
        for mut head in others {
            assert!(
                api.handle_at_once(&mut head, format!(r#"{{"key":"{value}"}}"#).as_bytes(), peer).is_none()
            );
        }
    }

    #[tokio::test]
    async fn a_caller_is_judged_once_whoever_answers() {
        let store = Arc::new(MemoryStore::new());
        let first = api_over(&store);
        let root = first.manager.set_up().await.unwrap().unwrap();
        let other = first.manager.issue_root().await.unwrap();
        let (value, peer): (_, SocketAddr) = (root.value.expose(), PEER.parse().unwrap());
        let api = api_over(&store);
        let used = async || {
            let me = Request::get("/api/v1/me")
                .header("host", "a")
                .header(AUTHORIZATION, format!("Bearer {value}"));
            let answer = api.handle(me.body(Full::<Bytes>::default()).unwrap(), peer).await;
            let body = answer.response.into_body().collect().await.unwrap().to_bytes();
            let me: serde_json::Value = serde_json::from_slice(&body).unwrap();
            me["data"]["usage"]["requestCount"].as_u64().unwrap()
        };
        let before = used().await;
        // The caller is in memory, and the key that it asks about is not.
        let body = format!(r#"{{"key":"{}"}}"#, other.value.expose());
        let mut asked = head(value);
        assert!(api.handle_at_once(&mut asked, body.as_bytes(), peer).is_none());
        let answer = api.handle(Request::from_parts(asked, Full::from(body.clone())), peer).await;
        assert_eq!(answer.decision, Some("valid"));
        let by_store = used().await - before;
        let before = used().await;
        assert_eq!(
            api.handle_at_once(&mut head(value), body.as_bytes(), peer).unwrap().decision,
            Some("valid")
        );
        assert_eq!(used().await - before, by_store, "one call costs the caller as much as the other");
        // One that is refused is answered in its time.
        let mut asked = head("qwt_unknown");
        assert!(api.handle_at_once(&mut asked, body.as_bytes(), peer).is_none());
        let answer = api.handle(Request::from_parts(asked, Full::from(body)), peer).await;
        assert_eq!(
            (answer.response.status(), answer.decision),
            (StatusCode::UNAUTHORIZED, Some("not_found"))
        );
    }
}
