//! Who calls: section 4 of the contract, decided for the caller's own key.

use std::net::IpAddr;

use http::HeaderMap;
use qwetty::{
    Charge, Denial, DenialCode, Standing, Verdict, VerifiedKey, Verifier, VerifyError, VerifyRequest,
};
use qwetty_authz::Ask;

use crate::bearer::bearer;
use crate::error_code::ErrorCode;
use crate::problem::Problem;
use crate::rate_headers::RateLimit;
use crate::route::{Needs, Row};

/// A refused caller. The quota is told where it was what refused, or had been charged.
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) code: Option<DenialCode>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, rate: None, code: None }
    }
}

/// What a caller asks for by calling.
pub(crate) struct Door<'a> {
    needs: Needs,
    headers: &'a HeaderMap,
    address: Option<IpAddr>,
    /// The channel that the call is about, if it is about one.
    channel: Option<&'a str>,
}

impl<'a> Door<'a> {
    /// The door of a row, for a request with these headers, from this address, with this id in its path.
    pub(crate) fn new(
        row: &Row,
        headers: &'a HeaderMap,
        address: Option<IpAddr>,
        id: Option<&'a str>,
    ) -> Self {
        Self { needs: row.needs, headers, address, channel: row.channel(id) }
    }

    /// The same, for whoever went through it before and was charged then.
    pub(crate) fn again(self) -> Self {
        Self { needs: self.needs.uncharged(), ..self }
    }
}

/// The caller's key, if the call needs one.
pub(crate) async fn admit(verifier: &Verifier, door: &Door<'_>) -> Result<Option<VerifiedKey>, Refused> {
    match door.needs {
        Needs::Nobody => Ok(None),
        Needs::Charged(any_of) => judge(verifier, door, any_of, Charge::Units(1)).await.map(Some),
        Needs::Uncharged(any_of) => judge(verifier, door, any_of, Charge::Nothing).await.map(Some),
    }
}

async fn judge(
    verifier: &Verifier,
    door: &Door<'_>,
    any_of: &[&str],
    charge: Charge,
) -> Result<VerifiedKey, Refused> {
    let value = bearer(door.headers).map_err(Problem::from)?;
    let asked = held_of(verifier, value, any_of, door).await.map_err(failed)?;
    match decide(verifier, value, asked, door, charge).await.map_err(failed)? {
        Verdict::Allow(key) => Ok(key),
        Verdict::Deny(denial) => Err(refused(&denial, asked)),
    }
}

/// What to ask for, where one of several permissions will do: one that the key holds, else the first.
async fn held_of<'a>(
    verifier: &Verifier,
    value: &str,
    any_of: &'a [&'a str],
    door: &Door<'_>,
) -> Result<&'a [&'a str], VerifyError> {
    let each = any_of.chunks(1);
    if any_of.len() > 1 {
        for one in each.clone() {
            if let Verdict::Allow(_) = decide(verifier, value, one, door, Charge::Nothing).await? {
                return Ok(one);
            }
        }
    }
    Ok(each.into_iter().next().unwrap_or(&[]))
}

async fn decide(
    verifier: &Verifier,
    value: &str,
    permissions: &[&str],
    door: &Door<'_>,
    charge: Charge,
) -> Result<Verdict, VerifyError> {
    let ask = Ask { address: door.address, permissions, channel: door.channel };
    verifier.verify(value, &VerifyRequest { organization: None, ask, charge }).await
}

/// The one way from a reason to an answer: whoever has no valid key learns nothing of why.
fn refused(denial: &Denial, asked: &[&str]) -> Refused {
    let rate = denial.standing.as_ref().map(rate_of);
    let problem = match denial.code {
        DenialCode::NotFound | DenialCode::Revoked | DenialCode::Expired => {
            Problem::new(ErrorCode::InvalidApiKey)
        }
        DenialCode::IpNotAllowed => Problem::new(ErrorCode::IpNotAllowed),
        DenialCode::InsufficientPermissions => Problem::insufficient_permissions(asked),
        DenialCode::ChannelNotAllowed => Problem::new(ErrorCode::ChannelNotAllowed),
        DenialCode::RateLimited => Problem::rate_limited(rate.map_or(1, |rate| rate.retry_after())),
    };
    Refused { problem, rate, code: Some(denial.code) }
}

fn failed(error: VerifyError) -> Refused {
    tracing::error!(%error, "no decision could be made; the call is refused");
    Problem::new(ErrorCode::Unavailable).into()
}

/// A standing in the terms of HTTP.
pub(crate) fn rate_of(standing: &Standing) -> RateLimit {
    RateLimit::new(standing.tier, standing.quota, &standing.level, standing.at)
}
