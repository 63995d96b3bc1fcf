//! Who comes in: the session behind a cookie, and the key behind the session, judged anew.

use http::Method;
use http::header::REFERER;
use http::uri::{PathAndQuery, Uri};
use qwetty::{Caller, Charge, DenialCode, ManageError, Origin, Verdict, VerifiedKey, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_authz::administration::API_KEYS_READ;
use qwetty_keys::OrganizationId;

use crate::arrival::Arrival;
use crate::console::Console;
use crate::cookie;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::token::{Bound, FormToken, Token};
use crate::view::{Frame, Visitor};
use crate::way_back::WayBack;

/// Somebody who is signed in and whose key was found good for this request.
pub(crate) struct SignedIn {
    pub(crate) token: Token,
    pub(crate) form_token: FormToken,
    pub(crate) key: VerifiedKey,
    pub(crate) caller: Caller,
    pub(crate) whose: Whose,
}

/// Whose things are shown.
pub(crate) struct Whose {
    pub(crate) id: OrganizationId,
    /// Its name, which operators alone are told.
    pub(crate) name: Option<String>,
}

/// Who a request comes from.
pub(crate) enum Entrance {
    In(SignedIn),
    /// Nobody, or nobody any more: the way to the sign-in page.
    Out(Response),
}

impl Console {
    /// Judges the key of a session as it is now; what is done, is done as what the key is then.
    ///
    /// # Errors
    ///
    /// If the visitor comes from where the key may not be used, or nobody can tell.
    pub(crate) async fn admit(&self, arrival: &Arrival) -> Result<Entrance, Refusal> {
        let now = self.engine.now();
        let Some(token) = arrival.cookie(Bound::Session) else {
            return Ok(Entrance::Out(self.to_sign_in(arrival, "")));
        };
        let Some(session) = self.sessions.find(&token, now) else {
            return Ok(Entrance::Out(self.ended(arrival)));
        };
        let ask = Ask { address: arrival.address, permissions: &[API_KEYS_READ], channel: None };
        let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
        let key = match self.verifier.verify_again(&session.key, &request).await? {
            Verdict::Allow(key) => key,
            // Whoever holds the cookie from elsewhere does not end the session of the one who is where they may be.
            Verdict::Deny(denial) if denial.code == DenialCode::IpNotAllowed => {
                let form_token = self.tokens.form_token(&token, Some(session.organization));
                return Err(Refusal::wrong_address(form_token));
            }
            Verdict::Deny(_) => {
                self.sessions.end(&token);
                return Ok(Entrance::Out(self.ended(arrival)));
            }
        };
        self.sessions.used(&token, &key, now);
        let origin = Origin { address: arrival.address, request_id: Some(arrival.id.to_string()) };
        let caller = Caller::key(key.clone(), origin);
        let whose = self.organization(&caller, &token, session.organization).await?;
        let form_token = self.tokens.form_token(&token, Some(whose.id));
        Ok(Entrance::In(SignedIn { token, form_token, key, caller, whose }))
    }

    /// The frame of the visitor's pages.
    pub(crate) fn frame_of<'a>(&'a self, arrival: &'a Arrival, visitor: &SignedIn) -> Frame<'a> {
        let SignedIn { key, whose, form_token, .. } = visitor;
        let visitor = Visitor::new(key, self.engine.catalogue(), whose.name.clone(), *form_token);
        Frame { visitor: Some(visitor), ..self.frame(arrival) }
    }

    /// Whose things are shown: the key's own organization once the chosen one is gone, or the key no operator's any more.
    async fn organization(
        &self,
        caller: &Caller,
        token: &Token,
        chosen: OrganizationId,
    ) -> Result<Whose, Refusal> {
        let own = caller.verified().map_or(chosen, qwetty::VerifiedKey::organization);
        for id in [chosen, own] {
            match self.manager.organization(caller, id).await {
                Ok(organization) => return Ok(Whose { id, name: Some(organization.name.to_string()) }),
                // Only operators may know names; everybody else is where their key is.
                Err(ManageError::InsufficientPermissions { .. }) => break,
                Err(ManageError::NotFound) => self.sessions.choose_organization(token, own),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Whose { id: own, name: None })
    }

    /// To the sign-in page, and from there to where the visitor was going, or to the page that a form was on.
    fn to_sign_in(&self, arrival: &Arrival, reason: &str) -> Response {
        let here = arrival.parts.uri.path_and_query().cloned();
        let from = || {
            let referer = arrival.parts.headers.get(REFERER)?;
            Uri::try_from(referer.as_bytes()).ok()?.path_and_query().cloned()
        };
        let is_page = |page: &PathAndQuery| self.router.route(&Method::GET, page.path()).is_ok();
        let page = here.filter(is_page).or_else(|| from().filter(is_page));
        reply::see_other(&WayBack::parse(page.as_ref().map(PathAndQuery::as_str)).through_sign_in(reason))
    }

    fn ended(&self, arrival: &Arrival) -> Response {
        let mut response = self.to_sign_in(arrival, "ended");
        reply::set_cookie(&mut response, cookie::remove(Bound::Session, arrival.is_secure));
        response
    }
}
