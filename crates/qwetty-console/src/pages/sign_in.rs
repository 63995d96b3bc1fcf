use http::StatusCode;
use maud::{Markup, html};
use qwetty::{Charge, DenialCode, Verdict, VerifiedKey, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_authz::administration::API_KEYS_READ;

use crate::arrival::Arrival;
use crate::console::{Console, FORM_TOKEN};
use crate::cookie;
use crate::door::Entrance;
use crate::fields::{Fields, FieldsError};
use crate::notice::Tone;
use crate::refusal::{Refusal, retry_after};
use crate::reply::{self, Response};
use crate::route::SIGN_IN;
use crate::token::{Bound, FormToken};
use crate::view::field::{Field, Kind};
use crate::view::{banner, button, layout};
use crate::way_back::WayBack;

/// Why somebody is here who was not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Ended,
    SignedOut,
    /// The form was one of an earlier visit; nothing in an address says so.
    StaleForm,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    NoKey,
    Address,
    Permission,
}

/// A person who pastes the wrong thing does so a few times; a program that tries values is slowed much sooner than one
/// that calls with them.
const UNITS: u32 = 50;

/// `GET /settings/sign-in`
pub(crate) async fn show(
    console: &Console,
    arrival: &Arrival,
    mut query: Fields,
) -> Result<Response, Refusal> {
    let way_back = WayBack::parse(query.one("next")?.as_deref());
    let reason = query.choice("reason", Reason::parse)?;
    query.finish()?;
    if is_signed_in(console, arrival).await {
        return Ok(reply::see_other(way_back.as_str()));
    }
    let card = Card { way_back: &way_back, reason, fault: None };
    card.answer(console, arrival, StatusCode::OK)
}

/// `POST /settings/sign-in`
pub(crate) async fn submit(
    console: &Console,
    arrival: &Arrival,
    query: Fields,
    mut form: Fields,
) -> Result<Response, Refusal> {
    query.finish()?;
    let given = form.one(FORM_TOKEN)?.as_deref().and_then(FormToken::parse);
    let own = arrival.cookie(Bound::Visit).map(|visit| console.tokens.form_token(&visit, None));
    let way_back = WayBack::parse(form.one("next")?.as_deref());
    if own.is_none() || given != own {
        return stale(console, arrival, &way_back).await;
    }
    let value = form.one("key")?.ok_or(FieldsError::Value("key"))?;
    form.finish()?;
    match judge(console, arrival, value.trim()).await? {
        Ok(key) => signed_in(console, arrival, &way_back, key),
        Err(fault) => failed(console, arrival, &way_back, fault).await,
    }
}

/// A form that another tab, or a restart of the server, has overtaken: the key in it is not looked at.
async fn stale(console: &Console, arrival: &Arrival, way_back: &WayBack) -> Result<Response, Refusal> {
    if is_signed_in(console, arrival).await {
        return Ok(reply::see_other(way_back.as_str()));
    }
    let card = Card { way_back, reason: Some(Reason::StaleForm), fault: None };
    card.answer(console, arrival, StatusCode::FORBIDDEN)
}

/// Whether there is nothing to sign in for. Whoever is where their key may not be used can sign in with another.
async fn is_signed_in(console: &Console, arrival: &Arrival) -> bool {
    matches!(console.admit(arrival).await, Ok(Entrance::In(_)))
}

/// The key behind a value, or what is wrong with it. Whoever has no good key learns nothing of why.
async fn judge(
    console: &Console,
    arrival: &Arrival,
    value: &str,
) -> Result<Result<VerifiedKey, Fault>, Refusal> {
    let ask = Ask { address: arrival.address, permissions: &[API_KEYS_READ], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
    let denial = match console.verifier.verify(value, &request).await? {
        Verdict::Allow(key) => return Ok(Ok(key)),
        Verdict::Deny(denial) => denial,
    };
    Ok(Err(match denial.code {
        DenialCode::IpNotAllowed => Fault::Address,
        DenialCode::InsufficientPermissions => Fault::Permission,
        DenialCode::NotFound
        | DenialCode::Revoked
        | DenialCode::Expired
        | DenialCode::ChannelNotAllowed
        | DenialCode::RateLimited => Fault::NoKey,
    }))
}

/// A new session, under an id that nobody had before; the one that this browser had, if any, ends.
fn signed_in(
    console: &Console,
    arrival: &Arrival,
    way_back: &WayBack,
    key: VerifiedKey,
) -> Result<Response, Refusal> {
    let session = console.tokens.draw()?;
    if let Some(before) = arrival.cookie(Bound::Session) {
        console.sessions.end(&before);
    }
    console.sessions.begin(&session, &key, console.engine.now());
    let mut response = reply::see_other(way_back.as_str());
    reply::set_cookie(&mut response, cookie::keep(&session, Bound::Session, arrival.is_secure));
    reply::set_cookie(&mut response, cookie::remove(Bound::Visit, arrival.is_secure));
    Ok(response)
}

async fn failed(
    console: &Console,
    arrival: &Arrival,
    way_back: &WayBack,
    fault: Fault,
) -> Result<Response, Refusal> {
    let card = Card { way_back, reason: None, fault: Some(fault) };
    let slowed = match fault {
        Fault::NoKey => {
            console.options.failed_attempts.failed(arrival.address, UNITS, arrival.now.moment).await
        }
        // The key is good, though not for this.
        Fault::Address | Fault::Permission => Ok(()),
    };
    let Err(exhausted) = slowed else {
        return card.answer(console, arrival, StatusCode::FORBIDDEN);
    };
    let mut response = card.answer(console, arrival, StatusCode::TOO_MANY_REQUESTS)?;
    retry_after(&mut response, exhausted.retry_after_seconds());
    Ok(response)
}

impl Fault {
    const fn text(self) -> &'static str {
        match self {
            Self::NoKey => {
                "This is no key that works. Check that you pasted the whole value; it may also be revoked or expired."
            }
            Self::Address => "This key may not be used from your address.",
            Self::Permission => {
                "This key does not hold api_keys:read, which signing in needs. Use another key."
            }
        }
    }
}

impl Reason {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "ended" => Some(Self::Ended),
            "signed-out" => Some(Self::SignedOut),
            _ => None,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Ended => "Your session has ended. Sign in again to go on.",
            Self::SignedOut => "You are signed out.",
            Self::StaleForm => {
                "This form was out of date. Enter the key once more. If you read this again, allow cookies for this site."
            }
        }
    }
}

/// The one form of whoever is not signed in.
struct Card<'a> {
    way_back: &'a WayBack,
    reason: Option<Reason>,
    fault: Option<Fault>,
}

impl Card<'_> {
    fn answer(&self, console: &Console, arrival: &Arrival, status: StatusCode) -> Result<Response, Refusal> {
        let known = arrival.cookie(Bound::Visit);
        let visit = match known {
            Some(visit) => visit,
            None => console.tokens.draw()?,
        };
        let content = self.content(&console.tokens.form_token(&visit, None));
        let frame = console.frame(arrival);
        let mut response = reply::html(status, &layout::page(&frame, "Sign in", &content));
        if known.is_none() {
            reply::set_cookie(&mut response, cookie::keep(&visit, Bound::Visit, arrival.is_secure));
        }
        Ok(response)
    }

    fn content(&self, form_token: &FormToken) -> Markup {
        let errors: Vec<String> = self.fault.map(|fault| fault.text().to_owned()).into_iter().collect();
        let field = Field {
            hint: Some("An API key that holds api_keys:read, such as the root key."),
            errors: &errors,
            is_required: true,
            ..Field::new("key", "API key")
        };
        html! {
            div.card {
                h1 { "Sign in" }
                @if let Some(reason) = self.reason {
                    (banner::banner(Tone::Neutral, &html! { p { (reason.text()) } }))
                }
                form method="post" action=(SIGN_IN) {
                    (layout::hidden_token(form_token))
                    input type="hidden" name="next" value=(self.way_back.as_str());
                    (field.line(Kind::Secret, ""))
                    (button::submit("Sign in"))
                }
                p.faint { "The key is checked and not kept. You are signed out after 30 minutes without a request." }
            }
        }
    }
}
