use crate::arrival::Arrival;
use crate::console::{Console, must_be_own};
use crate::cookie;
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::token::Bound;
use crate::way_back::WayBack;

/// `POST /settings/sign-out`. It needs no good key: whoever's key was revoked can sign out, too, and whoever's session
/// ended already, with a restart for instance, is out.
pub(crate) fn submit(
    console: &Console,
    arrival: &Arrival,
    query: Fields,
    mut form: Fields,
) -> Result<Response, Refusal> {
    query.finish()?;
    let token = arrival.cookie(Bound::Session);
    if let Some(token) = token.filter(|token| console.sessions.find(token, arrival.now).is_some()) {
        must_be_own(&mut form, &console.tokens, &token)?;
        form.finish()?;
        console.sessions.end(&token);
    }
    let mut response = reply::see_other(&WayBack::parse(None).through_sign_in("signed-out"));
    reply::set_cookie(&mut response, cookie::remove(Bound::Session, arrival.is_secure));
    Ok(response)
}
