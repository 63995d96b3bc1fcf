//! The service: from a request to its answer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Body;
use qwetty::{Caller, Engine, KeyManager, ManageError, Origin, VerifiedKey, Verifier};
use qwetty_guard::{
    AddressBudget, AmbiguousTable, ErrorCode, FailedAttempts, PathTable, Problem, RateLimit, Refused,
    RequestId, RequestIds, RouteTable, TrustedProxies, WithoutForwardedFor, check_limits, client_address,
};
use qwetty_keys::RevocationReason;
use tokio::sync::Semaphore;

use crate::admission::{Door, JudgedBefore, admit};
use crate::body;
use crate::calls;
use crate::calls::authorize::{Form, authorize, authorize_in_memory, refusal};
use crate::calls::docs::Docs;
use crate::github::GithubKeys;
use crate::json::Json;
use crate::query::Query;
use crate::route::{Call, ROWS, Row, VERIFY, known};

/// How long a request's body may take. A connection on which nothing else is under way is closed after 30 s, as the contract has
/// it; this is later, so that one slow body meets one end. It is for bodies that others beside them on HTTP/2 keep alive.
const BODY_DEADLINE: Duration = Duration::from_secs(35);

/// How many reported values are looked up at a time: a part of the look-ups that the engine makes at once, of which whoever
/// has a good key that is not in memory needs one.
const LEAKS_AT_ONCE: usize = 4;

/// The HTTP contract as a service: one request in, one response out, whatever carries them.
pub struct Api {
    pub(crate) engine: Engine,
    pub(crate) verifier: Verifier,
    pub(crate) manager: KeyManager,
    pub(crate) docs: Docs,
    pub(crate) trusted: TrustedProxies,
    pub(crate) routes: RouteTable,
    pub(crate) failures: Arc<FailedAttempts>,
    pub(crate) leak_reports: AddressBudget,
    pub(crate) leak_turns: Semaphore,
    pub(crate) github: Option<GithubKeys>,
    pub(crate) ids: RequestIds,
    router: PathTable<Row>,
}

/// An answer, with what a server counts of it.
///
/// Its `Debug` leaves out what goes out: that may be a key value, once.
pub struct Answer {
    /// What goes out.
    pub response: Response<Full<Bytes>>,
    /// The pattern of the path that was called, never the path itself; `none` for an unknown one.
    pub route: &'static str,
    /// The code of the decision on a key, if there was one.
    pub decision: Option<&'static str>,
}

/// A call that was admitted, with everything of its request but the body.
pub(crate) struct Admitted<'a> {
    pub(crate) row: &'static Row,
    /// The caller's key; `None` only for calls that need none.
    pub(crate) key: Option<VerifiedKey>,
    /// The id in the path, if the row has one.
    pub(crate) id: Option<String>,
    pub(crate) query: Query,
    pub(crate) parts: &'a Parts,
    /// The client's address, if it is known.
    pub(crate) address: Option<IpAddr>,
    pub(crate) request: &'a RequestId,
}

/// What a call answers: what goes out, and the code of the decision that it made, if it is one that decides.
pub(crate) struct Answered {
    pub(crate) response: Response<Full<Bytes>>,
    pub(crate) decision: Option<&'static str>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { response, route, decision } = self;
        let mut fields = f.debug_struct("Answer");
        fields.field("status", &response.status()).field("route", route).field("decision", decision);
        fields.finish_non_exhaustive()
    }
}

impl From<Response<Full<Bytes>>> for Answered {
    fn from(response: Response<Full<Bytes>>) -> Self {
        Self { response, decision: None }
    }
}

impl Api {
    /// The service over this engine. `seed` is 128 random bits, for request ids. The word of `trusted` peers is taken on
    /// who their clients are, and what those want of the API behind them, which `routes` says the needs of.
    ///
    /// # Errors
    ///
    /// None that a release has: a test holds the table.
    pub fn new(
        engine: Engine,
        trusted: TrustedProxies,
        routes: RouteTable,
        seed: u128,
    ) -> Result<Self, AmbiguousTable> {
        Ok(Self {
            verifier: engine.verifier(),
            manager: engine.manager(),
            docs: Docs::of(&engine),
            engine,
            trusted,
            routes,
            failures: Arc::default(),
            leak_reports: AddressBudget::new(calls::leaks::REPORTS, calls::leaks::REPORTS_WINDOW),
            leak_turns: Semaphore::new(LEAKS_AT_ONCE),
            github: None,
            ids: RequestIds::new(seed),
            router: PathTable::new(ROWS)?,
        })
    }

    /// The same, slowing failed authentication together with others, the console say.
    #[must_use]
    pub fn failed_attempts(self, failures: Arc<FailedAttempts>) -> Self {
        Self { failures, ..self }
    }

    /// The same, taking so many reports of leaked keys from each client address; 60 a minute unless told.
    #[must_use]
    pub fn leak_reports(self, budget: AddressBudget) -> Self {
        Self { leak_reports: budget, ..self }
    }

    /// The same, listening to what GitHub's secret scanning found and signed with one of these keys.
    #[must_use]
    pub fn github(self, keys: GithubKeys) -> Self {
        Self { github: Some(keys), ..self }
    }

    /// Whether a request with this head may be answered [at once](Self::handle_at_once): a gateway's, or one that asks about a key.
    pub fn is_for_at_once(&self, head: &Parts) -> bool {
        is_verify(head) || Form::at(head.uri.path()).is_some()
    }

    /// Answers a request without waiting, if its key is good and in memory and nothing else is wrong with it. Else `None`, also
    /// for all other calls; [`handle`](Self::handle) answers the request with this head then, in which a decision that was made
    /// and counted is kept. A gateway's body means nothing, and may be missing here.
    pub fn handle_at_once(&self, head: &mut Parts, body: &[u8], peer: SocketAddr) -> Option<Answer> {
        if is_verify(head) {
            return calls::verify::verify_in_memory(self, head, body, peer.ip());
        }
        authorize_in_memory(self, Form::at(head.uri.path())?, head, peer.ip())
    }

    /// Answers one request that came from `peer`. Never fails: whatever goes wrong is an answer.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Answer
    where
        B: Body<Data = Bytes>,
    {
        let id = self.ids.next();
        let (mut parts, body) = request.into_parts();
        if let Some(form) = Form::at(parts.uri.path()) {
            return authorize(self, form, &mut parts, peer.ip(), &id).await;
        }
        let routed = self.router.route(&parts.method, known(parts.uri.path()));
        let routed = check_limits(&parts).map_err(Problem::from).and_then(|()| routed.map_err(Problem::from));
        let routed = match routed {
            Ok(routed) => routed,
            Err(problem) => return Answer::problem(problem, &id),
        };
        let without = WithoutForwardedFor::Peer;
        let address = client_address(peer.ip(), &parts.headers, &self.trusted, without);
        let admission = match parts.extensions.remove() {
            Some(JudgedBefore(judged)) => judged.map(Some),
            None => {
                let door = Door::new(routed.row, &parts.headers, address, routed.id.as_deref());
                admit(&self.verifier, &door).await
            }
        };
        let key = match admission {
            Ok(key) => key,
            Err(refused) => {
                let refused = Box::pin(self.slow(refused, address)).await;
                return Answer::refused(refused, routed.row, &id);
            }
        };
        let rate = key.as_ref().and_then(VerifiedKey::standing).map(RateLimit::of);
        let admitted = Query::parse(parts.uri.query()).map(|query| Admitted {
            row: routed.row,
            key,
            id: routed.id,
            query,
            parts: &parts,
            address,
            request: &id,
        });
        let answered = match admitted {
            // Pinned here and lent, so that it is not handed from one future to the next.
            Ok(admitted) => self.call(admitted, pin!(body)).await,
            Err(error) => Err(error.into()),
        };
        Answer::of(answered, routed.row, rate, &id)
    }

    /// The answer to what the server could not read as a request, for the reason that `status` gives: 414, 431, or
    /// else 400. Like every other it has a request id of its own; and since a gateway may have sent it, it is told in a
    /// header, too.
    pub fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>> {
        refusal(Problem::unreadable(status).into(), &self.ids.next())
    }

    /// What a refused request is answered, once it may be.
    pub(crate) async fn slow(&self, refused: Refused, address: Option<IpAddr>) -> Refused {
        self.failures.slow(refused, address, self.engine.now().moment).await
    }

    /// Revokes the key that has this value and that somebody reports as leaked, when it is its turn. Whether there is one.
    pub(crate) async fn revoke_leaked(
        &self,
        origin: &Origin,
        value: &str,
        reason: Option<RevocationReason>,
    ) -> Result<bool, ManageError> {
        // Nobody closes it, and without a turn the key is revoked all the same.
        let _turn = self.leak_turns.acquire().await;
        // White space around a value, such as the end of the line that it was copied with, is passed over.
        self.manager.revoke_leaked(origin.clone(), value.trim(), reason).await
    }

    async fn call<B>(&self, admitted: Admitted<'_>, body: B) -> Result<Answered, Problem>
    where
        B: Body<Data = Bytes>,
    {
        match admitted.row.call {
            Call::Verify => calls::verify::verify(self, admitted, body).await,
            // In a place of its own: the future of each request would else have room for the largest of all calls.
            _ => Box::pin(self.call_rarer(admitted, body)).await,
        }
    }

    async fn call_rarer<B>(&self, admitted: Admitted<'_>, body: B) -> Result<Answered, Problem>
    where
        B: Body<Data = Bytes>,
    {
        match admitted.row.call {
            Call::CreateKey => calls::keys::create(self, admitted, body).await,
            Call::ListKeys => calls::keys::list(self, admitted).await,
            Call::GetKey => calls::keys::get(self, admitted).await,
            Call::UpdateKey => calls::keys::update(self, admitted, body).await,
            Call::DeleteKey => calls::keys::delete(self, admitted).await,
            Call::RegenerateKey => calls::lifecycle::regenerate(self, admitted, body).await,
            Call::RevokeKey => calls::lifecycle::revoke(self, admitted, body).await,
            Call::ReactivateKey => calls::lifecycle::reactivate(self, admitted, body).await,
            Call::KeyUsage => calls::usage::report(self, admitted).await,
            Call::Me => calls::keys::me(self, admitted).await,
            Call::ReportLeaked => calls::leaks::report(self, admitted, body).await,
            Call::ReportGithubAlerts => calls::github_alerts::report(self, admitted, body).await,
            Call::Permissions => calls::permissions::list(self, admitted),
            Call::SaveChannel => calls::channels::save(self, admitted, body).await,
            Call::ListChannels => calls::channels::list(self, admitted).await,
            Call::DeleteChannel => calls::channels::delete(self, admitted).await,
            Call::ListEvents => calls::audit::list(self, admitted).await,
            Call::CreateOrganization => calls::organizations::create(self, admitted, body).await,
            Call::ListOrganizations => calls::organizations::list(self, admitted).await,
            Call::GetOrganization => calls::organizations::get(self, admitted).await,
            Call::UpdateOrganization => calls::organizations::update(self, admitted, body).await,
            Call::DeleteOrganization => calls::organizations::delete(self, admitted).await,
            // Answered above, and before anybody is admitted.
            Call::Verify | Call::Authorize | Call::AuthorizeEnvoy => {
                Err(Problem::new(ErrorCode::RouteNotMapped))
            }
            Call::Health => calls::health::live(admitted),
            Call::Ready => calls::health::ready(self, admitted).await,
            Call::Description => calls::docs::description(self, admitted),
            Call::Reference => calls::docs::reference(self, admitted),
            Call::ErrorReference => calls::docs::errors(self, admitted),
            Call::ReferenceStyle => calls::docs::style(admitted),
        }
    }
}

impl Admitted<'_> {
    /// Who calls; [`Problem`] for a call that needs nobody, which a row of the table rules out.
    pub(crate) fn caller(&self) -> Result<(Caller, &VerifiedKey), Problem> {
        let key = self.key()?;
        Ok((Caller::key(key.clone(), self.origin()), key))
    }

    /// Where the call came from, for the audit log.
    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.address, request_id: Some(self.request.as_str().to_owned()) }
    }

    /// The caller's key; [`Problem`] as above.
    pub(crate) fn key(&self) -> Result<&VerifiedKey, Problem> {
        self.key.as_ref().ok_or_else(|| Problem::new(ErrorCode::MissingAuthorization))
    }

    /// The id in the path as a `T`; nothing that is none can be there.
    pub(crate) fn id<T: std::str::FromStr>(&self) -> Result<T, Problem> {
        self.id.as_deref().unwrap_or_default().parse().map_err(|_| Problem::new(ErrorCode::NotFound))
    }

    /// The body of a call that must have one.
    pub(crate) async fn require_json<B>(&mut self, api: &Api, body: B) -> Result<Json, Problem>
    where
        B: Body<Data = Bytes>,
    {
        let received = body::require_json(&self.parts.headers, body, body_deadline()).await?;
        if received.was_waited_for {
            self.judge_again(api).await?;
        }
        Ok(received.json)
    }

    /// The body of a call that may have one.
    pub(crate) async fn read_json<B>(&mut self, api: &Api, body: B) -> Result<Option<Json>, Problem>
    where
        B: Body<Data = Bytes>,
    {
        let received = body::read_json(&self.parts.headers, body, body_deadline()).await?;
        if received.was_waited_for {
            self.judge_again(api).await?;
        }
        Ok(received.json)
    }

    /// The bytes of a body that must be there and is called JSON of this kind, for a call that needs nobody.
    pub(crate) async fn require_raw_json<B>(&self, body: B, kind: &'static str) -> Result<Bytes, Problem>
    where
        B: Body<Data = Bytes>,
    {
        Ok(body::require_raw_json(&self.parts.headers, body, kind, body_deadline()).await?)
    }

    /// A client may take its time with a body, and its key be revoked or narrowed meanwhile: what the call does, it does
    /// as what the caller is once the body is there.
    async fn judge_again(&mut self, api: &Api) -> Result<(), Problem> {
        let door = Door::new(self.row, &self.parts.headers, self.address, self.id.as_deref()).again();
        self.key = admit(&api.verifier, &door).await.map_err(|refused| refused.problem)?;
        Ok(())
    }
}

fn is_verify(head: &Parts) -> bool {
    head.method == Method::POST && head.uri.path() == VERIFY.path
}

/// Begins when a body is first waited for.
async fn body_deadline() {
    // In a place of its own: hardly any body is waited for.
    Box::pin(tokio::time::sleep(BODY_DEADLINE)).await;
}

impl Answer {
    pub(crate) fn of(
        answered: Result<Answered, Problem>,
        row: &'static Row,
        rate: Option<RateLimit>,
        id: &RequestId,
    ) -> Self {
        let (mut response, decision) = match answered {
            Ok(Answered { mut response, decision }) => {
                id.stamp(response.headers_mut());
                (response, decision)
            }
            Err(problem) => (problem.into_response(id), None),
        };
        // Whoever has no valid key, or none any more, is told nothing of a quota.
        if let Some(rate) = rate.filter(|_| response.status() != StatusCode::UNAUTHORIZED) {
            rate.stamp(response.headers_mut());
        }
        let decision = decision.or(rate.map(|_| "valid"));
        Self { response: private(response), route: row.path, decision }
    }

    fn refused(refused: Refused, row: &'static Row, id: &RequestId) -> Self {
        let decision = refused.code.map(|code| code.as_str());
        Self { response: refused.into_response(id), route: row.path, decision }
    }

    fn problem(problem: Problem, id: &RequestId) -> Self {
        Self { response: problem.into_response(id), route: "none", decision: None }
    }
}

/// What the header `Cache-Control` says.
pub(crate) const NOT_CACHED: HeaderValue = HeaderValue::from_static("no-store");

/// No answer is for anyone's cache: one holds a key value, and all depend on who asked.
fn private(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(header::CACHE_CONTROL, NOT_CACHED);
    response
}

/// What tests of several calls begin with.
#[cfg(test)]
pub(crate) mod tests {
    use qwetty::RootKey;
    use qwetty_storage::MemoryStore;

    use super::*;

    /// The API over a store, of which it has nothing in memory.
    pub(crate) fn api_over(store: &Arc<MemoryStore>) -> Api {
        let engine = Engine::builder(Arc::clone(store) as _).start().unwrap();
        Api::new(engine, TrustedProxies::default(), RouteTable::qwetty(), 1).unwrap()
    }

    /// The same with a root key that another engine made.
    pub(crate) async fn api_with_root() -> (Api, RootKey) {
        let store = Arc::new(MemoryStore::new());
        let first = Engine::builder(Arc::clone(&store) as _).start().unwrap();
        let root = first.manager().set_up().await.unwrap().unwrap();
        (api_over(&store), root)
    }
}
