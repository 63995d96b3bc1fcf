//! The decision on the key of one request, and what it is answered if it is refused.

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::Full;
use qwetty::{Charge, Denial, DenialCode, Verdict, VerifiedKey, Verifier, VerifyError, VerifyRequest};
use qwetty_authz::Ask;

use crate::bearer::{BearerError, bearer};
use crate::error_code::ErrorCode;
use crate::problem::Problem;
use crate::rate_headers::RateLimit;
use crate::request_id::RequestId;

/// Judges the key value in the `Authorization` header for what is asked of it, in whichever organization it is.
///
/// # Errors
///
/// [`Refused`], if there is no credential, the key is not good for what is asked, or no decision can be made.
pub async fn judge(
    verifier: &Verifier,
    headers: &HeaderMap,
    ask: Ask<'_>,
    charge: Charge,
) -> Result<VerifiedKey, Refused> {
    match judge_in_memory(verifier, headers, ask, charge) {
        Some(decided) => decided,
        None => {
            let value = credential(headers).map_err(Problem::from)?;
            let request = VerifyRequest { organization: None, ask, charge };
            concluded(verifier.verify(value, &request).await, &ask)
        }
    }
}

/// The same without waiting, for whoever is not to wait. `None` if it takes the store to decide: nothing is decided or
/// counted then, and [`judge`] decides.
///
/// # Errors
///
/// [`Refused`], as [`judge`] has it.
pub fn judge_in_memory(
    verifier: &Verifier,
    headers: &HeaderMap,
    ask: Ask<'_>,
    charge: Charge,
) -> Option<Result<VerifiedKey, Refused>> {
    let value = match credential(headers) {
        Ok(value) => value,
        Err(error) => return Some(Err(Problem::from(error).into())),
    };
    let request = VerifyRequest { organization: None, ask, charge };
    Some(concluded(verifier.verify_in_memory(value, &request)?, &ask))
}

/// What is to be judged. A credential that is no text is judged like any other that has not the form of a value.
fn credential(headers: &HeaderMap) -> Result<&str, BearerError> {
    match bearer(headers) {
        Err(BearerError::NotText) => Ok(""),
        found => found,
    }
}

#[allow(clippy::result_large_err, reason = "a refusal is handed on once, to its answer")]
fn concluded(decided: Result<Verdict, VerifyError>, ask: &Ask<'_>) -> Result<VerifiedKey, Refused> {
    match decided? {
        Verdict::Allow(key) => Ok(key),
        Verdict::Deny(denial) => Err(Refused::by(&denial, ask.permissions)),
    }
}

/// A refused request: what it is answered, and which check refused it. The quota is told where it was what refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What to answer.
    pub problem: Problem,
    /// The key's quota, if it was what refused.
    pub rate: Option<RateLimit>,
    /// The check that refused; `None` if no key was decided.
    pub code: Option<DenialCode>,
}

impl Refused {
    /// The one way from a reason to an answer: whoever has no valid key learns nothing of why.
    fn by(denial: &Denial, asked: &[&str]) -> Self {
        let rate = denial.standing.as_ref().map(RateLimit::of);
        let problem = match denial.code {
            DenialCode::NotFound | DenialCode::Revoked | DenialCode::Expired => {
                Problem::new(ErrorCode::InvalidApiKey)
            }
            DenialCode::IpNotAllowed => Problem::new(ErrorCode::IpNotAllowed),
            DenialCode::InsufficientPermissions => Problem::insufficient_permissions(asked),
            DenialCode::ChannelNotAllowed => Problem::new(ErrorCode::ChannelNotAllowed),
            DenialCode::RateLimited => Problem::rate_limited(rate.map_or(1, |rate| rate.retry_after())),
        };
        Self { problem, rate, code: Some(denial.code) }
    }

    /// The response to the request `id`.
    pub fn into_response(self, id: &RequestId) -> Response<Full<Bytes>> {
        let mut response = self.problem.into_response(id);
        if let Some(rate) = self.rate {
            rate.stamp(response.headers_mut());
        }
        response
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, rate: None, code: None }
    }
}

impl From<VerifyError> for Refused {
    fn from(error: VerifyError) -> Self {
        tracing::error!(%error, "no decision could be made; the call is refused");
        Problem::new(ErrorCode::Unavailable).into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderValue;
    use http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
    use qwetty::{Engine, RootKey};
    use qwetty_ratelimit::{Quota, TierQuotas};
    use qwetty_storage::MemoryStore;

    use super::*;
    use crate::request_id::RequestIds;

    const NOTHING: Ask<'_> = Ask { address: None, permissions: &[], channel: None };

    /// An engine whose one key, the root key, may be used once.
    async fn engine() -> (Engine, RootKey) {
        let quotas = TierQuotas { admin: Quota::new(1, 60).unwrap(), ..TierQuotas::default() };
        let engine = Engine::builder(Arc::new(MemoryStore::new())).quotas(quotas).start().unwrap();
        let root = engine.manager().set_up().await.unwrap().unwrap();
        (engine, root)
    }

    fn bearing(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {value}")).unwrap())])
    }

    #[tokio::test]
    async fn a_good_key_is_admitted_and_charged() {
        let (engine, root) = engine().await;
        let headers = bearing(root.value.expose());
        let key = judge(&engine.verifier(), &headers, NOTHING, Charge::Units(1)).await.unwrap();
        assert_eq!(key.standing().map(|standing| standing.level.remaining), Some(0));
    }

    #[tokio::test]
    async fn a_used_up_quota_is_told() {
        let (engine, root) = engine().await;
        let (verifier, headers) = (engine.verifier(), bearing(root.value.expose()));
        judge(&verifier, &headers, NOTHING, Charge::Units(1)).await.unwrap();
        let refused = judge(&verifier, &headers, NOTHING, Charge::Units(1)).await.unwrap_err();
        assert_eq!(refused.code, Some(DenialCode::RateLimited));
        let response = refused.into_response(&RequestIds::new(7).next());
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "60");
        assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[tokio::test]
    async fn without_waiting_a_key_is_decided_once_it_is_in_memory() {
        let (engine, root) = engine().await;
        let (verifier, headers) = (engine.verifier(), bearing(root.value.expose()));
        let in_memory = || judge_in_memory(&verifier, &headers, NOTHING, Charge::Units(1));
        assert!(in_memory().is_none());
        // What was not decided took nothing of the quota of one unit.
        judge(&verifier, &headers, NOTHING, Charge::Units(1)).await.unwrap();
        let refused = in_memory().unwrap().unwrap_err();
        assert_eq!(refused.code, Some(DenialCode::RateLimited));
    }

    #[tokio::test]
    async fn what_no_store_need_be_asked_for_is_refused_without_waiting() {
        let (engine, _) = engine().await;
        let verifier = engine.verifier();
        for (headers, code) in [
            (HeaderMap::new(), ErrorCode::MissingAuthorization),
            (bearing("qwt_x"), ErrorCode::InvalidApiKey),
            (
                HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff").unwrap())]),
                ErrorCode::InvalidApiKey,
            ),
        ] {
            let refused =
                judge_in_memory(&verifier, &headers, NOTHING, Charge::Units(1)).unwrap().unwrap_err();
            assert_eq!(refused.problem.code(), code);
            assert_eq!(refused.code.is_some(), code == ErrorCode::InvalidApiKey, "a key was decided");
        }
    }

    #[tokio::test]
    async fn an_unknown_value_is_told_nothing_of_a_quota() {
        let (engine, _) = engine().await;
        let refused =
            judge(&engine.verifier(), &bearing("qwt_x"), NOTHING, Charge::Units(1)).await.unwrap_err();
        assert_eq!((refused.problem.code(), refused.rate), (ErrorCode::InvalidApiKey, None));
    }

    #[tokio::test]
    async fn without_a_credential_no_key_is_decided() {
        let (engine, _) = engine().await;
        let refused =
            judge(&engine.verifier(), &HeaderMap::new(), NOTHING, Charge::Units(1)).await.unwrap_err();
        assert_eq!((refused.problem.code(), refused.code), (ErrorCode::MissingAuthorization, None));
    }
}
