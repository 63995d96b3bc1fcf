//! The service: from a request to a page.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::header::{HOST, HeaderMap};
use http::request::Parts;
use http::{HeaderName, Method, Request, Version};
use http_body_util::Full;
use hyper::body::Body;
use qwetty::{
    Caller, Charge, DenialCode, Engine, KeyManager, ManageError, Now, Origin, Verdict, Verifier,
    VerifyRequest,
};
use qwetty_authz::Ask;
use qwetty_authz::administration::API_KEYS_READ;
use qwetty_guard::{ErrorCode, RequestId, RequestIds, TrustedProxies, WithoutForwardedFor, client_address};
use qwetty_keys::OrganizationId;
use rand_core::TryCryptoRng;

use crate::assets::Assets;
use crate::cookie;
use crate::fields::Fields;
use crate::form;
use crate::pages;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::route::{AmbiguousRoutes, HOME, Needs, Page, ROOT, Route, Router};
use crate::same_origin::is_foreign;
use crate::session::Sessions;
use crate::slowdown::Slowdown;
use crate::token::{Bound, NoRandomness, Token, Tokens};
use crate::view::{Frame, Visitor};
use crate::visit::Visit;
use crate::way_back::WayBack;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The hidden field of every form.
pub(crate) const FORM_TOKEN: &str = "csrf";

/// The console: one request in, one page out, whatever carries them. Sessions live in its memory.
pub struct Console {
    pub(crate) engine: Engine,
    pub(crate) verifier: Verifier,
    pub(crate) manager: KeyManager,
    pub(crate) sessions: Sessions,
    pub(crate) slowdown: Slowdown,
    pub(crate) tokens: Tokens,
    pub(crate) assets: Assets,
    options: ConsoleOptions,
    router: Router,
    ids: RequestIds,
}

/// How the console is reached.
#[derive(Debug, Clone, Default)]
pub struct ConsoleOptions {
    /// Whose word on client addresses and on the scheme (`X-Forwarded-Proto`) is taken.
    pub trusted_proxies: TrustedProxies,
    /// Whether the listener itself speaks TLS. Cookies are `Secure` then, as they are behind a trusted proxy that does.
    pub is_tls: bool,
}

/// An answer, with what a server counts of it.
#[derive(Debug)]
pub struct Answer {
    /// What goes out.
    pub response: http::Response<Full<Bytes>>,
    /// The pattern of the path that was called, never the path itself; `none` for an unknown one.
    pub route: &'static str,
}

/// The console cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ConsoleError(#[from] Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Routes(#[from] AmbiguousRoutes),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// What is known of a request before it is known who sent it.
pub(crate) struct Arrival {
    pub(crate) id: RequestId,
    pub(crate) parts: Parts,
    pub(crate) address: Option<IpAddr>,
    /// Whether the client speaks TLS, to this server or to a trusted proxy before it.
    pub(crate) is_secure: bool,
    pub(crate) now: Now,
}

impl Console {
    /// The console over this engine. `randomness` is where session ids come from: the operating system's source, but for
    /// tests.
    ///
    /// # Errors
    ///
    /// [`ConsoleError`] if the source gives no bytes.
    pub fn new(
        engine: Engine,
        options: ConsoleOptions,
        randomness: impl TryCryptoRng + Send + 'static,
    ) -> Result<Self, ConsoleError> {
        let tokens = Tokens::new(randomness).map_err(Fault::from)?;
        let seed = tokens.seed().map_err(Fault::from)?;
        Ok(Self {
            verifier: engine.verifier(),
            manager: engine.manager(),
            engine,
            sessions: Sessions::default(),
            slowdown: Slowdown::new(),
            tokens,
            assets: Assets::new(),
            options,
            router: Router::new().map_err(Fault::from)?,
            ids: RequestIds::new(seed),
        })
    }

    /// Whether a path is the console's to answer.
    pub fn serves(path: &str) -> bool {
        path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers one request that came from `peer`. Never fails: whatever goes wrong is a page.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Answer
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (parts, body) = request.into_parts();
        let arrival = self.arrival(parts, peer);
        let (mut response, route) = match self.router.route(&arrival.parts.method, arrival.parts.uri.path()) {
            Ok(routed) => {
                let answered = self.answer(&arrival, routed.route, routed.id, body).await;
                (answered.unwrap_or_else(|refusal| refusal.page(&self.frame(&arrival))), routed.route.path)
            }
            Err(unrouted) => (Refusal::from(unrouted).page(&self.frame(&arrival)), "none"),
        };
        reply::secure(&mut response);
        arrival.id.stamp(response.headers_mut());
        Answer { response, route }
    }

    fn arrival(&self, parts: Parts, peer: SocketAddr) -> Arrival {
        let trusted = &self.options.trusted_proxies;
        let address = client_address(peer.ip(), &parts.headers, trusted, WithoutForwardedFor::Peer);
        let is_forwarded_tls = trusted.contains(peer.ip()) && speaks_https(&parts.headers);
        let is_secure = self.options.is_tls || is_forwarded_tls;
        Arrival { id: self.ids.next(), parts, address, is_secure, now: self.engine.now() }
    }

    async fn answer<B>(
        &self,
        arrival: &Arrival,
        route: &'static Route,
        id: Option<String>,
        body: B,
    ) -> Result<Response, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        if route.page == Page::Asset {
            let asset = id.as_deref().and_then(|name| self.assets.named(name));
            return asset.map(reply::asset).ok_or_else(Refusal::not_found);
        }
        let host = arrival.host()?;
        let is_post = arrival.parts.method == Method::POST;
        if is_post && is_foreign(&arrival.parts.headers, host) {
            return Err(Refusal::foreign_form());
        }
        let query = Fields::parse(arrival.parts.uri.query().unwrap_or_default().as_bytes())?;
        let form = if is_post { form::read(&arrival.parts.headers, body).await? } else { Fields::default() };
        match route.page {
            Page::Root => Ok(reply::see_other(HOME)),
            Page::SignIn => pages::sign_in::show(self, arrival, query),
            Page::SignInSubmit => pages::sign_in::submit(self, arrival, query, form).await,
            Page::SignOut => pages::sign_out::submit(self, arrival, query, form),
            _ => self.signed_in(arrival, route, id, query, form).await,
        }
    }

    /// Pages for whoever is signed in. The key is judged now, after the form arrived: what is done, is done as what the
    /// key is then.
    async fn signed_in(
        &self,
        arrival: &Arrival,
        route: &'static Route,
        id: Option<String>,
        query: Fields,
        mut form: Fields,
    ) -> Result<Response, Refusal> {
        let Some(token) = arrival.cookie(Bound::Session) else { return Ok(arrival.to_sign_in("")) };
        let Some(session) = self.sessions.find(&token, arrival.now) else {
            return Ok(self.ended(arrival));
        };
        let ask = Ask { address: arrival.address, permissions: &[API_KEYS_READ], channel: None };
        let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
        let key = match self.verifier.verify_again(&session.key, &request).await? {
            Verdict::Allow(key) => key,
            // Whoever holds the cookie from elsewhere does not end the session of the one who is where they may be.
            Verdict::Deny(denial) if denial.code == DenialCode::IpNotAllowed => {
                return Err(Refusal::new(
                    ErrorCode::IpNotAllowed,
                    "The key that you are signed in with may not be used from your address.",
                ));
            }
            Verdict::Deny(_) => {
                self.sessions.end(&token);
                return Ok(self.ended(arrival));
            }
        };
        self.sessions.used(&token, key.clone(), arrival.now);
        let form_token = self.tokens.form_token(&token, Bound::Session);
        let origin = Origin { address: arrival.address, request_id: Some(arrival.id.to_string()) };
        let caller = Caller::key(key.clone(), origin);
        let whose = self.organization(&caller, &token, session.organization).await?;
        let mut visit = Visit {
            engine: &self.engine,
            manager: &self.manager,
            frame: Frame {
                assets: &self.assets,
                path: arrival.parts.uri.path(),
                visitor: Some(Visitor::new(&key, self.engine.catalogue(), whose.name, form_token)),
                notice: if arrival.is_get() { self.sessions.take_notice(&token) } else { None },
            },
            caller,
            key,
            organization: whose.id,
            address: arrival.address,
            id,
            query,
            form: Fields::default(),
            base: arrival.base(),
            now: arrival.now.wall,
            sessions: &self.sessions,
            session: token,
        };
        let called = async {
            if arrival.parts.method == Method::POST {
                must_be_own(&mut form, &form_token)?;
                visit.form = form;
            }
            if let Needs::Permission(permission) = route.needs
                && !visit.may(permission)
            {
                return Err(Refusal::lacks(permission));
            }
            self.call(route.page, &mut visit).await
        };
        let called = called.await;
        Ok(called.unwrap_or_else(|refusal| refusal.page(&visit.frame)))
    }

    async fn call(&self, page: Page, visit: &mut Visit<'_>) -> Result<Response, Refusal> {
        match page {
            Page::KeyList => pages::keys::list::show(visit).await,
            // Answered before anybody needs to be signed in.
            Page::Root | Page::Asset | Page::SignIn | Page::SignInSubmit | Page::SignOut => {
                Err(Refusal::not_found())
            }
        }
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

    fn ended(&self, arrival: &Arrival) -> Response {
        let mut response = arrival.to_sign_in("ended");
        reply::set_cookie(&mut response, cookie::remove(Bound::Session, arrival.is_secure));
        response
    }

    /// The frame of a page for whoever comes.
    pub(crate) fn frame<'a>(&'a self, arrival: &'a Arrival) -> Frame<'a> {
        Frame { assets: &self.assets, path: arrival.parts.uri.path(), visitor: None, notice: None }
    }
}

struct Whose {
    id: OrganizationId,
    name: Option<String>,
}

impl Arrival {
    /// The token in the visitor's cookie of this kind.
    pub(crate) fn cookie(&self, bound: Bound) -> Option<Token> {
        cookie::read(&self.parts.headers, bound, self.is_secure)
    }

    fn is_get(&self) -> bool {
        self.parts.method == Method::GET
    }

    /// The host that the client named, which HTTP/1.1 requires it to do (RFC 9112, section 3.2).
    fn host(&self) -> Result<Option<&str>, Refusal> {
        let named = qwetty_guard::single(&self.parts.headers, &HOST)?;
        let host = self.parts.uri.authority().map(http::uri::Authority::as_str).or(named);
        if host.is_none() && self.parts.version == Version::HTTP_11 {
            return Err(Refusal::new(ErrorCode::MalformedRequest, "The request names no host."));
        }
        Ok(host)
    }

    fn base(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        let host = self.host().ok().flatten().unwrap_or("localhost");
        format!("{scheme}://{host}")
    }

    /// To the sign-in page, and from there to where the visitor was going, if that is a page to look at.
    fn to_sign_in(&self, reason: &str) -> Response {
        let asked = self.parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
        let is_page = matches!(self.parts.method, Method::GET | Method::HEAD);
        reply::see_other(&WayBack::parse(asked.filter(|_| is_page)).through_sign_in(reason))
    }
}

/// A form is acted upon only if it was given to the same visitor.
pub(crate) fn must_be_own(form: &mut Fields, expected: &Token) -> Result<(), Refusal> {
    match form.one(FORM_TOKEN)?.as_deref().and_then(Token::parse) {
        Some(sent) if sent == *expected => Ok(()),
        _ => Err(Refusal::foreign_form()),
    }
}

/// What the proxies say of the client's own connection: the first of them speaks first. A client that forges it spoils
/// nobody's cookies but its own.
fn speaks_https(headers: &HeaderMap) -> bool {
    let first = headers.get(X_FORWARDED_PROTO).and_then(|value| value.to_str().ok()?.split(',').next());
    first.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}
