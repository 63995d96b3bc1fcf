//! Waiting, always bounded, and telling the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest that anything here is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The outcome of `future`, which must come within [`PATIENCE`]; `what` names it in the failure.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: nothing within {PATIENCE:?}"))
}

/// Asks again and again until there is an answer, for [`PATIENCE`] at most.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(what, async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// Now, in whole Unix seconds.
pub fn unix_seconds() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The time so many seconds from now, as RFC 3339 in UTC with its fraction of a second.
pub fn from_now(seconds: f64) -> String {
    let time = OffsetDateTime::from(SystemTime::now()) + Duration::from_secs_f64(seconds);
    time.format(&Rfc3339).unwrap()
}
