//! Failed authentication, slowed by the address that it comes from.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use qwetty_ratelimit::Moment;
use tokio::sync::Semaphore;

use crate::address_budget::{AddressBudget, Exhausted};
use crate::error_code::ErrorCode;
use crate::judge::Refused;
use crate::problem::Problem;

/// How many attempts of an address may fail in the window, unless the server is told otherwise.
const ATTEMPTS: u32 = 1000;
const WINDOW: Duration = Duration::from_secs(60);

/// No answer is held longer: well within the time that a gateway waits for one.
const LONGEST: Duration = Duration::from_secs(2);

/// How many answers are held at a time. Each holds a connection, or a stream of one, that others may want.
const HELD: usize = 256;

/// What failed authentication costs a client address.
///
/// A key is always judged first, so a good one meets nothing of this, whatever else comes from its address. A failure takes
/// a unit of the address's budget, and if there is none, its answer is held until there is; where that would take too long,
/// or too many are held, it is 429 at once. All that get `invalid_api_key` are treated alike, so that nobody learns from
/// the treatment whether a value was ever a key's.
pub struct FailedAttempts {
    budget: AddressBudget,
    places: Semaphore,
    observer: Box<dyn Fn(Attempt) + Send + Sync>,
}

/// How a failure was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// At once.
    Free,
    /// Later.
    Held,
    /// At once, with 429.
    TurnedAway,
}

impl FailedAttempts {
    /// Failures within this budget are free.
    #[must_use]
    pub fn new(budget: AddressBudget) -> Self {
        Self { budget, places: Semaphore::new(HELD), observer: Box::new(|_| {}) }
    }

    /// Tells of each failure, for whoever counts.
    #[must_use]
    pub fn observed_by(self, observer: impl Fn(Attempt) + Send + Sync + 'static) -> Self {
        Self { observer: Box::new(observer), ..self }
    }

    /// A failure of this address that takes so many units. Comes back when it may be answered.
    ///
    /// # Errors
    ///
    /// [`Exhausted`], at once, if that is too far away.
    pub async fn failed(&self, address: Option<IpAddr>, units: u32, now: Moment) -> Result<(), Exhausted> {
        let place = self.places.try_acquire();
        let patience = if place.is_ok() { LONGEST } else { Duration::ZERO };
        let taken = self.budget.take(address, units, patience, now);
        (self.observer)(match taken {
            Ok(wait) if wait.is_zero() => Attempt::Free,
            Ok(_) => Attempt::Held,
            Err(_) => Attempt::TurnedAway,
        });
        let wait = taken?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// What a refused request is answered, once it may be. What is no failed authentication stays as it is.
    pub async fn slow(&self, refused: Refused, address: Option<IpAddr>, now: Moment) -> Refused {
        if refused.problem.code() != ErrorCode::InvalidApiKey {
            return refused;
        }
        match self.failed(address, 1, now).await {
            Ok(()) => refused,
            Err(exhausted) => {
                Refused { problem: Problem::rate_limited(exhausted.retry_after_seconds()), ..refused }
            }
        }
    }
}

/// A thousand failures a minute are free.
impl Default for FailedAttempts {
    fn default() -> Self {
        Self::new(AddressBudget::new(ATTEMPTS, WINDOW))
    }
}

impl fmt::Debug for FailedAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailedAttempts").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Attempt {
    /// A word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held => "held",
            Self::TurnedAway => "turned_away",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use qwetty::DenialCode;
    use tokio::time::Instant;

    use super::*;

    /// Ten failures in ten seconds are free.
    fn attempts() -> (Arc<FailedAttempts>, Arc<Mutex<Vec<Attempt>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let observed = Arc::clone(&seen);
        let attempts = FailedAttempts::new(AddressBudget::new(10, Duration::from_secs(10)));
        let observed = attempts.observed_by(move |attempt| observed.lock().unwrap().push(attempt));
        (Arc::new(observed), seen)
    }

    fn address() -> Option<IpAddr> {
        "192.0.2.1".parse().ok()
    }

    fn now(began: Instant) -> Moment {
        Moment::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_fails_one_after_the_other_is_held_to_the_pace_of_the_budget() {
        let (attempts, seen) = attempts();
        let began = Instant::now();
        for _ in 0..10 {
            attempts.failed(address(), 1, now(began)).await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 0);
        for _ in 0..10 {
            attempts.failed(address(), 1, now(began)).await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 10);
        assert_eq!(*seen.lock().unwrap(), [[Attempt::Free; 10], [Attempt::Held; 10]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_fails_in_many_ways_at_once_is_turned_away() {
        let (attempts, seen) = attempts();
        let began = Instant::now();
        attempts.failed(address(), 10, now(began)).await.unwrap();
        let failing = futures_util::future::join_all(
            (0..5).map(|_| attempts.failed(address(), 1, Moment::from_nanos(0))),
        );
        let answered = failing.await;
        assert_eq!(answered.iter().filter(|answer| answer.is_ok()).count(), 2);
        assert_eq!(began.elapsed().as_secs(), 2);
        assert_eq!(answered[4].unwrap_err().retry_after_seconds(), 1);
        assert_eq!(seen.lock().unwrap()[3..], [Attempt::TurnedAway; 3]);
        attempts.failed("192.0.2.2".parse().ok(), 1, now(began)).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 2, "another address");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_held_than_there_are_places() {
        let attempts = Arc::new(FailedAttempts::new(AddressBudget::new(1, Duration::from_secs(1))));
        // Each from an address that has failed once.
        let address = |host: usize| format!("2001:db8:0:{host:x}::1").parse().ok();
        let mut failing = Vec::new();
        for host in 0..2 * HELD {
            attempts.failed(address(host), 1, Moment::from_nanos(0)).await.ok();
        }
        for host in 0..2 * HELD {
            let attempts = Arc::clone(&attempts);
            failing.push(async move { attempts.failed(address(host), 1, Moment::from_nanos(0)).await });
        }
        let answered = futures_util::future::join_all(failing).await;
        assert!(answered.iter().filter(|answer| answer.is_ok()).count() <= HELD);
    }

    #[tokio::test(start_paused = true)]
    async fn every_invalid_key_is_treated_alike_and_nothing_else_is_touched() {
        let (attempts, seen) = attempts();
        let refused = |code, denied| Refused { code: denied, ..Refused::from(Problem::new(code)) };
        for _ in 0..100 {
            for (code, denied) in [
                (ErrorCode::MissingAuthorization, None),
                (ErrorCode::MalformedRequest, None),
                (ErrorCode::InsufficientPermissions, Some(DenialCode::InsufficientPermissions)),
                (ErrorCode::IpNotAllowed, Some(DenialCode::IpNotAllowed)),
                (ErrorCode::Unavailable, None),
            ] {
                let answer = attempts.slow(refused(code, denied), address(), Moment::from_nanos(0)).await;
                assert_eq!(answer.problem.code(), code);
            }
        }
        assert!(seen.lock().unwrap().is_empty());
        attempts.budget.take(address(), 10, LONGEST, Moment::from_nanos(0)).unwrap();
        attempts.budget.take(address(), 2, LONGEST, Moment::from_nanos(0)).unwrap();
        for denied in [DenialCode::NotFound, DenialCode::Revoked, DenialCode::Expired] {
            let invalid = refused(ErrorCode::InvalidApiKey, Some(denied));
            let answer = attempts.slow(invalid, address(), Moment::from_nanos(0)).await;
            assert_eq!((answer.problem.code(), answer.code), (ErrorCode::RateLimited, Some(denied)));
            assert_eq!(answer.rate, None, "it is no key's quota");
        }
    }
}
