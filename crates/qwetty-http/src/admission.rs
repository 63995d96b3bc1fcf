//! Who calls: section 4 of the contract, decided for the caller's own key.

use std::net::IpAddr;

use http::HeaderMap;
use qwetty::{Charge, VerifiedKey, Verifier};
use qwetty_authz::Ask;
use qwetty_guard::{ErrorCode, Problem, Refused, judge, judge_in_memory};

use crate::route::{Needs, Row};

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

    fn ask<'b>(&'b self, permissions: &'b [&'b str]) -> Ask<'b> {
        Ask { address: self.address, permissions, channel: self.channel }
    }
}

/// The caller's key, if the call needs one.
pub(crate) async fn admit(verifier: &Verifier, door: &Door<'_>) -> Result<Option<VerifiedKey>, Refused> {
    match door.needs {
        Needs::Nobody => Ok(None),
        // It is decided for the client of the original request, whatever its caller bears.
        Needs::Original => Err(Problem::new(ErrorCode::RouteNotMapped).into()),
        Needs::Charged(any_of) => judge_caller(verifier, door, any_of, Charge::Units(1)).await.map(Some),
        Needs::Uncharged(any_of) => judge_caller(verifier, door, any_of, Charge::Nothing).await.map(Some),
    }
}

/// The same without waiting, where one permission is all that is asked for. `None` if it takes the store to decide, or more than
/// one decision: nothing is decided or counted then.
pub(crate) fn admit_in_memory(verifier: &Verifier, door: &Door<'_>) -> Option<Result<VerifiedKey, Refused>> {
    let (any_of, charge) = match door.needs {
        Needs::Charged(any_of) => (any_of, Charge::Units(1)),
        Needs::Uncharged(any_of) => (any_of, Charge::Nothing),
        Needs::Nobody | Needs::Original => return None,
    };
    if any_of.len() > 1 {
        return None;
    }
    judge_in_memory(verifier, door.headers, door.ask(any_of), charge)
}

/// What was decided of a caller, and counted, when the head of its request came: it is not to be decided again.
#[derive(Clone)]
pub(crate) struct JudgedBefore(pub(crate) Result<VerifiedKey, Refused>);

async fn judge_caller(
    verifier: &Verifier,
    door: &Door<'_>,
    any_of: &[&str],
    charge: Charge,
) -> Result<VerifiedKey, Refused> {
    let asked = held_of(verifier, any_of, door).await?;
    judge(verifier, door.headers, door.ask(asked), charge).await
}

/// What to ask for, where one of several permissions will do: one that the key holds, else the first.
async fn held_of<'a>(
    verifier: &Verifier,
    any_of: &'a [&'a str],
    door: &Door<'_>,
) -> Result<&'a [&'a str], Refused> {
    let each = any_of.chunks(1);
    if any_of.len() > 1 {
        for one in each.clone() {
            match judge(verifier, door.headers, door.ask(one), Charge::Nothing).await {
                Ok(_) => return Ok(one),
                Err(refused) if refused.code.is_some() => {}
                Err(undecided) => return Err(undecided),
            }
        }
    }
    Ok(each.into_iter().next().unwrap_or(&[]))
}
