//! The service: from a request to a page.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Body;
use qwetty::{Engine, KeyManager, ManageError, Verifier};
use qwetty_guard::{
    AmbiguousTable, FailedAttempts, PathTable, RequestIds, TrustedProxies, Unrouted, check_limits,
};
use qwetty_keys::OrganizationId;
use rand_core::TryCryptoRng;

use crate::arrival::Arrival;
use crate::assets::Assets;
use crate::door::Entrance;
use crate::fields::Fields;
use crate::form;
use crate::pages;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::route::{HOME, Needs, Page, ROOT, ROUTES, Route};
use crate::same_origin::is_foreign;
use crate::session::Sessions;
use crate::token::{Bound, FormToken, NoRandomness, Token, Tokens};
use crate::view::Frame;
use crate::visit::Visit;

/// The hidden field of every form.
pub(crate) const FORM_TOKEN: &str = "csrf";

/// The console: one request in, one page out, whatever carries them. Sessions live in its memory.
pub struct Console {
    pub(crate) engine: Engine,
    pub(crate) verifier: Verifier,
    pub(crate) manager: KeyManager,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: Tokens,
    pub(crate) assets: Assets,
    pub(crate) options: ConsoleOptions,
    pub(crate) router: PathTable<Route>,
    ids: RequestIds,
}

/// How the console is reached.
#[derive(Debug, Clone, Default)]
pub struct ConsoleOptions {
    /// Whose word on client addresses and on the scheme (`X-Forwarded-Proto`) is taken.
    pub trusted_proxies: TrustedProxies,
    /// Whether the listener itself speaks TLS. Cookies are `Secure` then, as they are behind a trusted proxy that does.
    pub is_tls: bool,
    /// What failed sign-ins cost, together with whatever else fails.
    pub failed_attempts: Arc<FailedAttempts>,
}

/// An answer, with what a server counts of it.
///
/// Its `Debug` leaves out what goes out: that may be a key value, once, or the cookie of a session.
pub struct Answer {
    /// What goes out.
    pub response: http::Response<Full<Bytes>>,
    /// The pattern of the path that was called, never the path itself; `none` for an unknown one.
    pub route: &'static str,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { response, route } = self;
        f.debug_struct("Answer")
            .field("status", &response.status())
            .field("route", route)
            .finish_non_exhaustive()
    }
}

/// The console cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ConsoleError(#[from] Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Routes(#[from] AmbiguousTable),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
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
            tokens,
            assets: Assets::new(),
            options,
            router: PathTable::new(ROUTES).map_err(Fault::from)?,
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
        let arrival = Arrival::new(parts, peer, self.ids.next(), self.engine.now(), &self.options);
        let routed = self.router.route(&arrival.parts.method, arrival.parts.uri.path());
        let (mut response, route) = match routed {
            Ok(routed) => {
                let answered = self.answer(&arrival, routed.row, routed.id, body).await;
                (answered.unwrap_or_else(|refusal| refusal.page(&self.frame(&arrival))), routed.row.path)
            }
            Err(unrouted) => (self.nowhere(&arrival, unrouted).await, "none"),
        };
        reply::secure(&mut response);
        arrival.id.stamp(response.headers_mut());
        Answer { response, route }
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
        check_limits(&arrival.parts)?;
        if route.page == Page::Asset {
            let asset = id.as_deref().and_then(|name| self.assets.named(name));
            return asset.map(reply::asset).ok_or_else(Refusal::not_found);
        }
        let host = arrival.host()?;
        let is_post = arrival.parts.method == Method::POST;
        if is_post && is_foreign(&arrival.parts.headers, host, arrival.is_secure) {
            return Err(Refusal::foreign_form());
        }
        let query = Fields::parse(arrival.parts.uri.query().unwrap_or_default().as_bytes())?;
        let form = if is_post { form::read(&arrival.parts.headers, body).await? } else { Fields::default() };
        match route.page {
            Page::Root => Ok(reply::see_other(HOME)),
            Page::SignIn => pages::sign_in::show(self, arrival, query).await,
            Page::SignInSubmit => pages::sign_in::submit(self, arrival, query, form).await,
            Page::SignOut => pages::sign_out::submit(self, arrival, query, form),
            _ => self.signed_in(arrival, route, id, query, form).await,
        }
    }

    /// Pages for whoever is signed in. The key is judged after the form arrived, which may have taken its time.
    async fn signed_in(
        &self,
        arrival: &Arrival,
        route: &'static Route,
        id: Option<String>,
        query: Fields,
        mut form: Fields,
    ) -> Result<Response, Refusal> {
        if arrival.is_from_elsewhere() && arrival.cookie(Bound::Session).is_none() {
            return Ok(pages::going_on::show(&self.frame(arrival), arrival));
        }
        let visitor = match self.admit(arrival).await? {
            Entrance::In(visitor) => visitor,
            Entrance::Out(response) => return Ok(response),
        };
        let notice = if arrival.is_get() { self.sessions.take_notice(&visitor.token) } else { None };
        let shown = visitor.whose.name.clone();
        let mut visit = Visit {
            engine: &self.engine,
            manager: &self.manager,
            frame: Frame { notice, ..self.frame_of(arrival, &visitor) },
            caller: visitor.caller,
            key: visitor.key,
            organization: visitor.whose.id,
            address: arrival.address,
            id,
            query,
            form: Fields::default(),
            base: arrival.base(),
            now: self.engine.now().wall,
            sessions: &self.sessions,
            session: visitor.token,
            tokens: &self.tokens,
        };
        let called = async {
            if arrival.parts.method == Method::POST {
                let given_for = must_be_own(&mut form, &self.tokens, &visit.session)?;
                // To switch is to choose, whatever is shown; everything else is meant for what was seen.
                if given_for != visit.organization && route.page != Page::OrganizationSwitch {
                    return Err(self.switched(&visit, given_for, shown).await);
                }
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

    /// Why a form that was given for one organization does nothing while another one is shown.
    async fn switched(&self, visit: &Visit<'_>, given_for: OrganizationId, shown: Option<String>) -> Refusal {
        let shown = shown.unwrap_or_else(|| "your key's own organization".to_owned());
        match self.manager.organization(&visit.caller, given_for).await {
            Err(ManageError::NotFound) => Refusal::organization_gone(&shown),
            _ => Refusal::switched(&shown),
        }
    }

    async fn call(&self, page: Page, visit: &mut Visit<'_>) -> Result<Response, Refusal> {
        match page {
            Page::KeyList => pages::keys::list::show(visit).await,
            Page::KeyNew => pages::keys::create::show(visit).await,
            Page::KeyCreate => pages::keys::create::submit(visit).await,
            Page::Key => pages::keys::show::show(visit).await,
            Page::KeyEdit => pages::keys::edit::show(visit).await,
            Page::KeyChange => pages::keys::edit::submit(visit).await,
            Page::KeyAskToRegenerate => pages::keys::regenerate::show(visit).await,
            Page::KeyRegenerate => pages::keys::regenerate::submit(visit).await,
            Page::KeyAskToRevoke => pages::keys::revoke::show(visit).await,
            Page::KeyRevoke => pages::keys::revoke::submit(visit).await,
            Page::KeyAskToReactivate => pages::keys::reactivate::show(visit).await,
            Page::KeyReactivate => pages::keys::reactivate::submit(visit).await,
            Page::KeyAskToDelete => pages::keys::delete::show(visit).await,
            Page::KeyDelete => pages::keys::delete::submit(visit).await,
            Page::OrganizationList => pages::organizations::show(visit).await,
            Page::OrganizationNew => pages::organizations::new(visit),
            Page::OrganizationCreate => pages::organizations::create(visit).await,
            Page::Organization => pages::organizations::one(visit).await,
            Page::OrganizationRename => pages::organizations::rename(visit).await,
            Page::OrganizationSwitch => pages::organizations::switch(visit).await,
            Page::OrganizationDelete => pages::organizations::delete(visit).await,
            Page::ChannelList => pages::channels::show(visit).await,
            Page::ChannelNew => pages::channels::new(visit),
            Page::ChannelAdd => pages::channels::add(visit).await,
            Page::ChannelEdit => pages::channels::edit(visit).await,
            Page::ChannelChange => pages::channels::change(visit).await,
            Page::ChannelAskToRemove => pages::channels::ask_to_remove(visit).await,
            Page::ChannelRemove => pages::channels::remove(visit).await,
            Page::AuditLog => pages::audit_log::show(visit).await,
            // Answered before anybody needs to be signed in.
            Page::Root | Page::Asset | Page::SignIn | Page::SignInSubmit | Page::SignOut => {
                Err(Refusal::not_found())
            }
        }
    }

    /// A page that there is not, in the frame of whoever looks for it.
    async fn nowhere(&self, arrival: &Arrival, unrouted: Unrouted) -> Response {
        let refusal = Refusal::from(unrouted);
        match self.admit(arrival).await {
            Ok(Entrance::In(visitor)) => refusal.page(&self.frame_of(arrival, &visitor)),
            Ok(Entrance::Out(_)) | Err(_) => refusal.page(&self.frame(arrival)),
        }
    }

    /// The frame of a page for whoever comes.
    pub(crate) fn frame<'a>(&'a self, arrival: &'a Arrival) -> Frame<'a> {
        Frame { assets: &self.assets, path: arrival.parts.uri.path(), visitor: None, notice: None }
    }
}

/// A form is acted upon only if it was given to the same session. The organization that it was given for is told.
pub(crate) fn must_be_own(
    form: &mut Fields,
    tokens: &Tokens,
    session: &Token,
) -> Result<OrganizationId, Refusal> {
    let given = form.one(FORM_TOKEN)?.as_deref().and_then(FormToken::parse);
    let own = given.filter(|given| *given == tokens.form_token(session, given.organization));
    own.and_then(|own| own.organization).ok_or_else(Refusal::foreign_form)
}
