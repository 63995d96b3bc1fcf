//! The decision on one request, as far as it can be made without waiting, and what is left to wait for.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use http::request::Parts;
use qwetty::{Charge, VerifiedKey, Verifier};
use qwetty_guard::{ErrorCode, Need, Problem, Refused, judge, judge_in_memory};

use crate::guard::Guard;
use crate::policy::Policy;
use crate::reception::Reception;

/// What a request is charged: one unit of its key's quota.
const CHARGE: Charge = Charge::Units(1);

/// A guard with its policy.
pub(crate) struct Door<P> {
    guard: Guard,
    policy: P,
}

/// How far a decision came without waiting.
pub(crate) enum Decision {
    Made(Result<VerifiedKey, Refused>),
    /// The key is not in memory; the store has to be asked.
    Open(Question),
}

impl<P> Door<P> {
    pub(crate) fn new(guard: Guard, policy: P) -> Self {
        Self { guard, policy }
    }

    /// How this request is to be received, whatever the decision is.
    pub(crate) fn reception(&self, request: &Parts) -> Reception {
        Reception::of(request, self.guard.id_of(request), self.guard.keeps_authorization)
    }
}

impl<P: Policy> Door<P> {
    pub(crate) fn decide(&self, request: &Parts) -> Decision {
        let Some(needs) = self.policy.needs(request) else {
            return Decision::Made(Err(Problem::new(ErrorCode::RouteNotMapped).into()));
        };
        let (verifier, address) = (&self.guard.verifier, self.guard.client_of(request));
        match judge_in_memory(verifier, &request.headers, needs.ask(address), CHARGE) {
            Some(decided) => Decision::Made(decided),
            None => {
                Decision::Open(Question { verifier: verifier.clone(), address, needs: KeptNeed::of(&needs) })
            }
        }
    }
}

/// A decision that the store has to be asked for.
pub(crate) struct Question {
    verifier: Verifier,
    address: Option<IpAddr>,
    needs: KeptNeed,
}

/// A [`Need`] that borrows nothing, for as long as the store takes.
struct KeptNeed {
    permissions: Vec<String>,
    channel: Option<String>,
}

impl KeptNeed {
    fn of(need: &Need<'_>) -> Self {
        let permissions = need.permissions().iter().map(|&name| name.to_owned()).collect();
        Self { permissions, channel: need.channel().map(str::to_owned) }
    }

    fn as_need(&self) -> Need<'_> {
        let need = Need::all(self.permissions.iter().map(String::as_str));
        match &self.channel {
            Some(channel) => need.on_channel(channel),
            None => need,
        }
    }
}

/// The answer to a [`Question`], with the head of the request, which it needed meanwhile.
pub(crate) type Answer = Pin<Box<dyn Future<Output = (Parts, Result<VerifiedKey, Refused>)> + Send>>;

impl Question {
    pub(crate) fn ask(self, request: Parts) -> Answer {
        Box::pin(async move {
            let needs = self.needs.as_need();
            let decided = judge(&self.verifier, &request.headers, needs.ask(self.address), CHARGE).await;
            (request, decided)
        })
    }
}
