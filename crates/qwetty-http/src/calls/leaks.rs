use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::body::Body;
use qwetty::{ManageError, Origin};
use qwetty_guard::Problem;
use qwetty_keys::RevocationReason;
use zeroize::Zeroizing;

use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::fields::{Fields, Place, list, string};
use crate::json::Json;

/// How many values one report may have.
pub(crate) const VALUES: RangeInclusive<usize> = 1..=100;

/// How many reports an address may make in the window, unless the server is told otherwise.
pub(crate) const REPORTS: u32 = 60;
pub(crate) const REPORTS_WINDOW: Duration = Duration::from_secs(60);

/// What stands in the key, for people.
const REASON: &str = "reported as leaked";

/// No report is answered sooner: a value that is somebody's takes a write to the disk, one that is nobody's does not, and
/// who sent it is not to learn from the time which it was.
const SOONEST: Duration = Duration::from_millis(100);

/// `POST /leaked-keys`. The answer is the same whatever the values were.
pub(crate) async fn report<B: Body<Data = Bytes>>(
    api: &Api,
    mut admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let now = api.engine.now().moment;
    api.leak_reports
        .take(admitted.address, 1, Duration::ZERO, now)
        .map_err(|exhausted| Problem::rate_limited(exhausted.retry_after_seconds()))?;
    let origin = admitted.origin();
    let json = admitted.require_json(api, body).await?;
    let mut fields = Fields::new(Some(json));
    admitted.query.finish()?;
    let reported = fields.required("keys", values);
    let reported = fields.finish(|| reported)?;
    let revoking = revoke_all(api, &origin, &reported);
    let (revoked, ()) = tokio::join!(revoking, tokio::time::sleep(SOONEST));
    revoked?;
    Ok(respond::nothing().into())
}

/// Each when it is its turn. One that could not be revoked does not keep the others from it.
async fn revoke_all(api: &Api, origin: &Origin, values: &[Zeroizing<String>]) -> Result<(), Problem> {
    let reason: Option<RevocationReason> = REASON.parse().ok();
    let revoking = values.iter().map(|value| api.revoke_leaked(origin, value, reason.clone()));
    let done: Result<Vec<bool>, ManageError> = join_all(revoking).await.into_iter().collect();
    done.map(drop).map_err(Problem::from)
}

/// Anything may be reported that is a text: whether it has the form of a value is not told.
fn values(json: Json, place: &mut Place<'_>) -> Option<Vec<Zeroizing<String>>> {
    let values: Vec<_> = list(string)(json, place)?.into_iter().map(Zeroizing::new).collect();
    if !VALUES.contains(&values.len()) {
        place.fault(format_args!("must have {} to {} key values", VALUES.start(), VALUES.end()));
        return None;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use qwetty::{Charge, Verdict, VerifyRequest};
    use qwetty_authz::Ask;

    use super::*;
    use crate::api::tests::api_with_root;

    #[tokio::test]
    async fn reports_wait_for_each_other_and_nobody_waits_for_them() {
        let (api, root) = api_with_root().await;
        let (value, origin) = (root.value.expose(), Origin::default());
        let all_turns = api.leak_turns.acquire_many(4).await.unwrap();
        assert!(api.leak_turns.try_acquire().is_err());
        let mut reporting = Box::pin(api.revoke_leaked(&origin, value, None));
        assert!((&mut reporting).now_or_never().is_none());
        // It is not in memory.
        let ask = Ask { address: None, permissions: &[], channel: None };
        let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
        let verdict = async || api.verifier.verify(value, &request).await.unwrap();
        assert!(matches!(verdict().await, Verdict::Allow(_)));
        assert!((&mut reporting).now_or_never().is_none());
        drop(all_turns);
        assert!(reporting.await.unwrap());
        assert!(matches!(verdict().await, Verdict::Deny(_)));
    }
}
