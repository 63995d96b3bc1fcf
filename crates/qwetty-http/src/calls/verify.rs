use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use qwetty::{Charge, Denial, Verdict, VerifiedKey, VerifyError, VerifyRequest};
use qwetty_authz::{Ask, ChannelId, administration};
use qwetty_guard::{ErrorCode, Faults, Problem, RateLimit};
use qwetty_ratelimit::{Tier, TierQuotas};
use zeroize::Zeroizing;

use super::respond;
use super::view::{channel_names, names};
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Fields, list, string, text, whole_number};
use crate::wire::{LevelObject, Text, VerifyGrants, VerifyObject, VerifySubject};

/// `POST /verify`
pub(crate) async fn verify<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let json = admitted.require_json(api, body).await?;
    let caller = admitted.key()?;
    let is_operator =
        caller.access().permissions.allows(api.engine.catalogue(), administration::ORGANIZATIONS_MANAGE);
    let organization = (!is_operator).then_some(caller.organization());
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let value = fields.required("key", string).map(Zeroizing::new);
    let permissions = fields.nullable("permissions", list(string)).value().unwrap_or_default();
    let channel = fields.nullable("channel", text::<ChannelId>).value();
    let address = fields.nullable("ip", text::<Address>).value();
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
    let (decision, response) = match &verdict {
        Verdict::Allow(key) => ("valid", allowed(api, key)?),
        Verdict::Deny(denial) => (denial.code.as_str(), denied(denial)),
    };
    Ok(Answered { response, decision: Some(decision) })
}

fn allowed(api: &Api, key: &VerifiedKey) -> Result<Response<Full<Bytes>>, Problem> {
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

fn denied(denial: &Denial) -> Response<Full<Bytes>> {
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

fn object(object: &VerifyObject<'_>) -> Response<Full<Bytes>> {
    respond::written(StatusCode::OK, |text| {
        text.extend_from_slice(b"{\"data\":");
        object.write(text);
        text.push(b'}');
    })
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
